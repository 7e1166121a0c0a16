"""Sign descent against exact laws: a walk on a lattice whose probabilities are known."""

import numpy as np
import pytest
from scipy import special, stats

import langevin_sgd as ls

PARTICLES, RATE = 50_000, 0.25
BOWL = ls.potentials.quadratic([1.0])
NOISE, BATCH = ls.noise.gaussian([2.0]), 2  # one step adds noise of variance 1


def lattice_law(steps, reach=40):
    """Probabilities of the places RATE k after so many steps from 0: up with P(xi < -x)."""
    places = RATE * np.arange(-reach, reach + 1)
    up = stats.norm.cdf(-places)
    law = np.zeros(len(places))
    law[reach] = 1.0
    for _ in range(steps):
        law = np.roll(law * up, 1) + np.roll(law * (1 - up), -1)
    return places, law


def walked(momentum=0.0, steps=9, noise=NOISE, model=BOWL, batch=BATCH, **options):
    dynamics = ls.dynamics.sign_sgd(RATE, batch, momentum)
    options = {"particles": PARTICLES, "seed": 6} | options
    return ls.simulate(model, dynamics, noise, steps=steps, **options).x.values[-1]


def p_value_of(x, places, law):
    expected = law * len(x)
    counts = np.array([np.sum(np.isclose(x, place)) for place in places])
    seen = expected > 10
    assert counts.sum() == len(x)
    chi_square = np.sum((counts - expected)[seen] ** 2 / expected[seen])
    return stats.chi2.sf(chi_square, seen.sum() - 1)


@pytest.mark.parametrize("steps", [1, 9, 60])
def test_the_walk_has_the_law_of_its_markov_chain(steps):
    x = walked(steps=steps)[:, 0]
    assert p_value_of(x, *lattice_law(steps)) > 1e-4
    if steps > 1:
        places, law = lattice_law(steps)
        assert p_value_of(x, places, np.roll(law, 2)) < 1e-6


def test_momentum_takes_the_sign_of_the_running_mean():
    """On a flat landscape the mean is an AR(1) process, and m_1, m_2 of it have the correlation mu
    / sqrt(1 + mu^2): P(two equal signs) = 1/2 + asin(correlation)/pi (Sheppard)."""
    flat, momentum = ls.potentials.quadratic([0.0]), 0.8
    x = walked(momentum, 2, model=flat)[:, 0]
    correlation = momentum / np.sqrt(1 + momentum**2)
    exact = 0.5 + np.arcsin(correlation) / np.pi
    error = np.sqrt(exact * (1 - exact) / len(x))
    twice = np.mean(np.isclose(np.abs(x), 2 * RATE))
    assert abs(twice - exact) < 4 * error
    assert abs(twice - 0.5) > 4 * error  # without memory


def test_the_mean_of_a_constant_gradient_needs_no_correction():
    """A first step is as long as the others, and a gradient of 0 does not move."""
    for momentum in (0.0, 0.9):
        x = walked(momentum, 3, noise=None, batch=1, x0=[2.0], particles=2)
        np.testing.assert_array_equal(x, 2.0 - 3 * RATE)
        assert np.all(walked(momentum, 3, noise=None, batch=1, particles=2) == 0)


def test_the_drift_is_the_error_function():
    x = walked(steps=1, x0=[0.7])[:, 0]
    drift, error = np.mean(x - 0.7) / RATE, 1 / np.sqrt(PARTICLES)
    assert abs(drift + special.erf(0.7 / np.sqrt(2))) < 4 * error
    assert abs(drift + 0.7) > 4 * error  # a gradient step
