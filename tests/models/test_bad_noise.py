"""Noise laws with parameters out of range: a message that names the argument, its value and the
allowed range.
"""

import numpy as np
import pytest

import langevin_sgd as ls

SIGMA = np.array([[1.5, 0.4, -0.3], [0.4, 1.0, 0.2], [-0.3, 0.2, 0.6]])


def write_factor(p, x, out):
    out[0] = p.a * x[0]


def write_noise(p, x, z, out):
    out[0] = p.a * z[0]


BAD = [
    (lambda: ls.noise.student_t(2.0, SIGMA), ValueError, "dof must be > 2, got 2.0."),
    (lambda: ls.noise.student_t(np.inf, SIGMA), ValueError, "dof must be > 2, got inf."),
    (lambda: ls.noise.student_t("three", SIGMA), TypeError, "dof must be a number, got 'three'."),
    (
        lambda: ls.noise.student_t(3.0, [1.0, -1.0]),
        ValueError,
        "covariance must be >= 0, got -1.0.",
    ),
    (lambda: ls.noise.alpha_stable(0.0, 1.0), ValueError, "alpha must be > 0 and <= 2, got 0.0."),
    (lambda: ls.noise.alpha_stable(2.1, 1.0), ValueError, "alpha must be > 0 and <= 2, got 2.1."),
    (lambda: ls.noise.alpha_stable(1.5, -1.0), ValueError, "scale must be >= 0, got -1.0."),
    (lambda: ls.noise.two_point([1.0, -0.5]), ValueError, "scale must be >= 0, got -0.5."),
    (
        lambda: ls.noise.two_point([1.0, np.nan]),
        ValueError,
        "scale must be finite, got [1.0, nan].",
    ),
    (
        lambda: ls.noise.two_point(np.eye(2)),
        ValueError,
        "scale must have 1 dimensions, got the shape (2, 2).",
    ),
    (
        lambda: ls.noise.two_point([]),
        ValueError,
        "scale must have an entry for each component, got none.",
    ),
    (
        lambda: ls.noise.two_point("loud"),
        TypeError,
        "scale must be a number or an array of real numbers, got 'loud'.",
    ),
    (
        lambda: ls.noise.online_regression([1.0, -1.0], 1.0),
        ValueError,
        "input_covariance must be >= 0, got -1.0.",
    ),
    (
        lambda: ls.noise.online_regression(SIGMA, -0.1),
        ValueError,
        "label_noise must be >= 0, got -0.1.",
    ),
    (
        lambda: ls.GradientNoise("own", write_noise, {"a": 1.0}, 1, scratch_per_component=-1),
        ValueError,
        "scratch_per_component must be >= 0, got -1.",
    ),
    (
        lambda: ls.noise.gaussian_field(write_factor, {"a": 1.0}, 0),
        ValueError,
        "normals must be >= 1 and < 1048576, got 0.",
    ),
    (
        lambda: ls.noise.gaussian_field(write_factor, {"a": 1.0}, 2, dim=0),
        ValueError,
        "dim must be >= 1 and < 1048576, got 0.",
    ),
    (
        lambda: ls.noise.gaussian_field(SIGMA, {"a": 1.0}, 2),
        TypeError,
        "factor of gaussian_field must be a plain Python function",
    ),
    (
        lambda: ls.noise.gaussian_field(write_factor, {"a": np.nan}, 2),
        ValueError,
        "parameter a of 'gaussian_field' must be finite",
    ),
]


@pytest.mark.parametrize(
    ("make", "error", "message"), [pytest.param(*record, id=record[2]) for record in BAD]
)
def test_parameters_out_of_range(make, error, message):
    with pytest.raises(error) as caught:
        make()
    assert message in str(caught.value)


def test_a_field_of_a_stated_dimension_refuses_another():
    noise = ls.noise.gaussian_field(write_factor, {"a": 1.0}, 2, dim=2)
    with pytest.raises(ValueError, match="noise has 2 components, but 'quadratic' has dim = 3"):
        ls.simulate(
            ls.potentials.quadratic(SIGMA), ls.dynamics.sgd(0.1), noise, particles=1, steps=1
        )
