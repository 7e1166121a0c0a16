"""Noise laws with parameters out of range: what is special; the rest is in `bad_inputs`."""

import numpy as np
import pytest

import langevin_sgd as ls

SIGMA = np.array([[1.5, 0.4, -0.3], [0.4, 1.0, 0.2], [-0.3, 0.2, 0.6]])


def write_factor(p, x, out):
    out[0] = p.a * x[0]


NOISE = ls.noise
BAD = [
    (NOISE.student_t, (3.0, [1.0, -1.0]), "covariance must be >= 0, got -1.0."),
    (NOISE.alpha_stable, (1.5, -1.0), "scale must be >= 0, got -1.0."),
    (NOISE.two_point, ([1.0, -0.5],), "scale must be >= 0, got -0.5."),
    (NOISE.two_point, ([1.0, np.nan],), "scale must be finite, got [1.0, nan]."),
    (NOISE.two_point, (np.eye(2),), "scale must have 1 dimensions, got the shape (2, 2)."),
    (NOISE.two_point, ([],), "scale must have an entry for each component, got none."),
    (NOISE.two_point, ("loud",), "scale must be a number or an array of real numbers, got 'loud'."),
    (NOISE.online_regression, ([1.0, -1.0], 1.0), "input_covariance must be >= 0, got -1.0."),
    (NOISE.gaussian_field, (write_factor, {"a": np.nan}, 2), "parameter a of 'gaussian_field' mu"),
]


@pytest.mark.parametrize(("make", "given", "message"), BAD, ids=[row[-1] for row in BAD])
def test_parameters_out_of_range(make, given, message):
    with pytest.raises((TypeError, ValueError)) as caught:
        make(*given)
    assert message in str(caught.value)


def test_a_field_of_a_stated_dimension_refuses_another():
    noise = ls.noise.gaussian_field(write_factor, {"a": 1.0}, 2, dim=2)
    setting = ls.potentials.quadratic(SIGMA), ls.dynamics.sgd(0.1), noise
    with pytest.raises(ValueError, match="noise has 2 components, but the model 'quadratic' has"):
        ls.simulate(*setting, particles=1, steps=1)
