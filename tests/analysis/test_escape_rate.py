"""Rates of escape: exact intervals, the law of the particles that stayed, and rates that change."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import binom, binomtest

import langevin_sgd as ls
from langevin_sgd.analysis.escape_rate import interval_of_probability

escape_rate = ls.analysis.escape_rate
WELL = ls.potentials.double_well(2)  # without coupling: the second component does not matter
NOISE = np.array([2.0, 2.0])
OUT = ls.reducers.first_passage(above=0.0)


def crossing(**plan):
    plan |= {"x0": (-1.0, 0.0), "seed": 2, "reducers": OUT}
    return ls.simulate(WELL, ls.dynamics.sgd(0.1), ls.noise.gaussian(NOISE), **plan)


def watched(rate, particles, seed, longest=100):
    """A run of particles that arrive with a probability at each step, watched up to `longest`."""
    random = np.random.default_rng(seed)
    step = random.geometric(rate, particles)
    end = random.integers(longest // 2, longest, particles)
    variables = {
        "x": (("particle", "component"), np.zeros((particles, 1))),
        "first_passage_step": ("particle", np.where(step <= end, step, -1)),
        "first_passage_watched": ("particle", np.minimum(step, end)),
    }
    return xr.Dataset(variables)


@pytest.mark.parametrize(("k", "n"), [(1, 10), (3, 10), (9, 10), (40, 10**4)])
def test_intervals_are_clopper_and_pearsons(k, n):
    exact = binomtest(k, n).proportion_ci(0.9, "exact")
    np.testing.assert_allclose(interval_of_probability(k, n, 0.1), exact, rtol=1e-8)


@pytest.mark.parametrize("n", [7, 10**10])
def test_none_and_all_have_one_sided_intervals(n):
    edge = -np.expm1(np.log(0.05) / n)
    np.testing.assert_allclose(interval_of_probability(0, n, 0.05), [0, edge], rtol=1e-9)
    np.testing.assert_allclose(interval_of_probability(n, n, 0.05), [1 - edge, 1], rtol=1e-9)


def test_intervals_of_a_fixed_exposure_hold_the_rate():
    """Exactly at least 95 %, less the 2.5 % of the interval without an arrival."""
    intervals, k = np.array([interval_of_probability(k, 60, 0.05) for k in range(61)]), range(61)
    for rate in np.linspace(0.06, 0.6, 20):
        inside = (intervals[:, 0] <= rate) & (rate <= intervals[:, 1])
        assert binom.pmf(k, 60, rate)[inside].sum() > 0.95 - 1e-12


@pytest.mark.parametrize("rate", [0.05, pytest.param(0.002, marks=pytest.mark.slow)])
def test_censored_arrivals_have_the_stated_coverage_and_a_calibrated_p_value(rate):
    """100 times 40 particles that are censored at random: within 4 standard errors of 95 %, or
    above; the p-value below 5 % not more often than that."""
    found = [escape_rate(watched(rate, 40, seed), after=10) for seed in range(100)]
    ends = np.array([each.escape_rate_interval.values for each in found])
    held = np.mean((ends[:, 0] <= rate) & (rate <= ends[:, 1]))
    error = np.sqrt(0.05 * 0.95 / 100)
    assert held > 0.95 - 4 * error
    assert np.mean([each.p_value < 0.05 for each in found]) < 0.05 + 4 * error


def test_the_rate_of_particles_that_stayed_is_that_of_the_quasi_stationary_law():
    """Before they have forgotten the start, at the bottom, they leave more rarely: the twin."""
    run = crossing(particles=20_000, steps=160)
    line, inside = ls.potentials.double_well(), [(-np.inf, 0.0)]
    law = ls.theory.quasi_stationary_law(line, NOISE[:1], 0.1, inside=inside)
    late, all_of_it = escape_rate(run, after=60), escape_rate(run)

    def z(found):
        return float((found.escape_rate - law.exit_probability) / found.escape_rate_standard_error)

    assert abs(z(late)) < 4 and late.p_value > 1e-3
    assert z(all_of_it) < -6 and all_of_it.p_value < 1e-6
    assert late.escape_rate_interval[0] < law.exit_probability < late.escape_rate_interval[1]
    watched = run.first_passage_watched.values
    assert late.exposure == np.sum((watched - 60)[watched > 60])


def test_without_an_arrival_there_is_a_bound():
    found = escape_rate(crossing(particles=100, steps=2), after=1)
    assert found.arrivals == 0 and found.exposure == 100 and found.p_value == 1
    assert found.escape_rate == 0
    assert found.escape_rate_standard_error == pytest.approx(0.01, rel=1e-2)
    np.testing.assert_allclose(found.escape_rate_interval, [0, 1 - 0.05**0.01], rtol=1e-9)
