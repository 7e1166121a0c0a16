"""Laws of SGD with a table of gradients: uniform, Cantor, and a nonlinear chain against a
simulation."""

import numpy as np
import pytest
from pytest import approx
from scipy.stats import norm

from langevin_sgd import theory


def table(*noise):
    """Gradients x + noise of a parabola."""
    return lambda x: x[:, None] + np.array(noise)


def wells(*noise):
    return lambda x: (x**3 - x)[:, None] + np.array(noise)


@pytest.mark.parametrize("rate", [0.5, 2 / 3])
def test_uniform_and_cantor_laws(rate):
    law = theory.discrete_noise_law(table(1, -1), rate)
    assert law.second_moment.item() == approx(rate / (2 - rate), rel=1e-6)
    exact = theory.two_point_cdf(law.axis_0.values, 1.0, rate, 1.0)
    assert np.abs(law.distribution - exact).max() < 1e-3
    normal = norm.cdf(law.axis_0 / np.sqrt(law.second_moment.item()))
    assert np.abs(law.distribution - normal).max() > 0.05  # the twin
    assert law.second_moment_error.item() < 1e-6


def test_skewed_noise_has_the_cumulants_of_the_linear_filter():
    law = theory.discrete_noise_law(table(2.0, -0.5), 0.3, probabilities=[0.2, 0.8])
    shape = theory.stationary_shape(1.0, theory.noise_cumulants([2.0, -0.5], [0.2, 0.8]), 0.3)
    assert law.second_moment.item() == approx(shape.variance, rel=1e-6)
    assert law.third_moment.item() == approx(shape.skewness * shape.variance**1.5, rel=1e-6)
    assert abs(law.mean_position.item()) < 1e-9


def test_nonlinear_chain_against_a_simulation():
    noise = np.array([1.5, 0.3, -0.6, -1.2])
    law = theory.discrete_noise_law(wells(*noise), 0.2, points=10_001)
    random = np.random.default_rng(7)
    x = random.normal(size=40_000)
    for _ in range(300):
        x = np.clip(x, -3, 3)
        x = x - 0.2 * (x**3 - x + random.choice(noise, size=len(x)))
    assert abs((x**2).mean() - law.second_moment.item()) < 4 * (x**2).std() / np.sqrt(len(x))
    below = np.interp(0.7, law.axis_0, law.distribution)
    assert abs((x <= 0.7).mean() - below) < 4 * np.sqrt(below * (1 - below) / len(x))


def test_bounds_pick_one_of_two_laws():
    right = theory.discrete_noise_law(wells(0.3, -0.3), 0.2, bounds=(0.5, 1.5), points=2001)
    assert right.mean_position.item() == approx(0.99, abs=0.01)
