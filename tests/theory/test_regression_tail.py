"""The exact tail of one-dimensional online regression: against exact moments, known numbers and the
chain itself."""

import numpy as np
import pytest
from pytest import approx

from langevin_sgd import theory


def moments(distance, probability):
    """E t^2 and E t^4 of a tail."""
    return [np.trapezoid(k * distance ** (k - 1) * probability, distance) for k in (2, 4)]


@pytest.mark.parametrize(
    ("step", "batch"), [(0.1, 1), pytest.param(0.4, 3, marks=pytest.mark.slow)]
)
def test_the_tail_has_the_exact_moments(step, batch):
    distance = np.concatenate([[0], np.geomspace(1e-3, 6, 3000)])
    tail = theory.regression_tail(distance, 2.0, 0.5, step / 2, batch)
    assert tail.probability[0] == approx(1, rel=1e-12) and tail.exponent[0] == 0
    exact = theory.regression_moments_1d(2.0, 0.5, step / 2, batch)
    assert moments(distance, tail.probability) == approx(exact, rel=2e-5)
    doubled = theory.regression_moments_1d(2.0, 1.0, step / 2, batch)
    assert moments(distance, tail.probability) != approx(doubled, rel=0.4)


def test_the_known_numbers():
    """Found on other grids (slopes at P = 1e-3 ... 1e-8) and from 2e7 samples (9.94e-5)."""
    probability, exponent, error = theory.regression_tail([0.9787, 1.3937], 1.0, 1.0, 0.1)
    assert abs(probability - [9.94e-5, 9e-7]).max() < 4 * np.sqrt(1e-4 / 2e7)
    assert exponent == approx([13.4, 12.2], abs=0.1)
    assert np.all(error < 0.01 * probability)
    far = theory.regression_tail([2.482, 40.0], 1.0, 1.0, 0.3)
    kesten = theory.tail_exponents(1.0, 0.3).exact
    assert far.exponent == approx([4.6, kesten], abs=0.03)


def test_the_chain_itself():
    rng, delta, distance = np.random.default_rng(4), np.zeros(100_000), np.array([0.5, 1.2, 2.0])
    for _ in range(60):
        u, e = rng.normal(size=(2, 2, delta.size))
        delta = delta - 0.5 * np.mean(u * (u * delta - e), axis=0)
    share = np.mean(np.abs(delta) > distance[:, None], axis=1)
    for batch, holds in ((2, True), (1, False)):
        exact = theory.regression_tail(distance, 1.0, 1.0, 0.5, batch).probability
        z = (share - exact) / np.sqrt(exact * (1 - exact) / delta.size)
        assert (np.abs(z).max() < 4) == holds
