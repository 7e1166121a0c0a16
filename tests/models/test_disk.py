"""Noise that is uniform on a disk, against its exact law."""

from functools import cache

import numpy as np
import pytest
import z_scores
from scipy import stats

import langevin_sgd as ls

RADIUS, PARTICLES = 1.7, 100_000
BOWL, POINT = ls.potentials.quadratic([1.0, 2.0]), np.array([0.3, -0.8])
NOISE = ls.noise.disk(RADIUS)


@cache
def drawn(batch_size):
    options = {"particles": PARTICLES, "steps": 1, "seed": 5, "x0": POINT}
    run = ls.simulate(BOWL, ls.dynamics.sgd(1.0, batch_size), NOISE, **options)
    return (run.x[0] - run.x[1]).values - POINT * [1.0, 2.0]


def test_area_and_direction_are_uniform():
    x, y = drawn(1).T
    area = (x * x + y * y) / RADIUS**2
    assert stats.kstest(area, "uniform").pvalue > 1e-4
    assert stats.kstest(np.arctan2(y, x) / (2 * np.pi) + 0.5, "uniform").pvalue > 1e-4
    assert stats.kstest(np.sqrt(area), "uniform").pvalue < 1e-6  # uniform distances are another law
    assert area.max() <= 1


@pytest.mark.parametrize("batch_size", [1, 4])
def test_covariance(batch_size):
    samples, exact = drawn(batch_size), np.eye(2) * RADIUS**2 / 4 / batch_size
    assert np.abs(z_scores.of_means(samples, 0.0)).max() < 4
    assert np.abs(z_scores.of_products(samples, samples, exact)).max() < 4
    assert np.abs(z_scores.of_products(samples, samples, exact * 1.1)).max() > 4
    found = NOISE.batch_covariance(BOWL, POINT[None], batch_size)
    np.testing.assert_allclose(found, exact[None], rtol=1e-15)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_fourth_moments(batch_size):
    """The cumulant of a component is -radius^4/16, of two -radius^4/48; a batch divides by B^3."""
    second, fourth = RADIUS**2 / 4 / batch_size, -(RADIUS**4) / 16 / batch_size**3
    x, y = drawn(batch_size).T
    products = np.stack([x**4, y**4, x * x * y * y], axis=1)
    exact = np.array([fourth + 3 * second**2] * 2 + [fourth / 3 + second**2])
    assert np.abs(z_scores.of_means(products, exact)).max() < 4
    assert np.abs(z_scores.of_means(products, exact - [fourth, fourth, fourth / 3])).max() > 4


@pytest.mark.interpreted
@pytest.mark.parametrize(("radius", "error"), [(-1.0, ValueError), ("wide", TypeError)])
def test_what_is_no_radius_is_refused(radius, error):
    with pytest.raises(error, match="radius must be"):
        ls.noise.disk(radius)


@pytest.mark.interpreted
def test_a_disk_has_two_dimensions():
    with pytest.raises(ValueError, match="noise has 2 components"):
        ls.simulate(
            ls.potentials.quadratic([1.0]), ls.dynamics.sgd(0.1), NOISE, particles=1, steps=1
        )
