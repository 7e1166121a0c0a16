"""Effective sample sizes against exact ones and ArviZ's, and rows of a time series that are as
good as independent.
"""

import numpy as np
import pytest
from refusals import refusal
from scipy.signal import lfilter
from synthetic_runs import series_run

import langevin_sgd as ls
from langevin_sgd.analysis.effective_sample_size import (
    correlated_in_order,
    correlation_times,
    independent_rows,
)
from langevin_sgd.analysis.significance import hotelling

effective_sample_size = ls.analysis.effective_sample_size


def chains(memory, readings, particles, seed, dim=1):
    """x' = memory x + sqrt(1 - memory^2) z from its stationary law N(0, 1): (readings, particles,
    dim); tau is (1 + memory)/(1 - memory), and that of x^2 the same of memory^2."""
    z = np.random.default_rng(seed).normal(size=(readings, particles, dim))
    z[1:] *= np.sqrt(1 - memory**2)
    return lfilter([1.0], [1.0, -memory], z, axis=0)


def exact_times(memory):
    return [(1 + rho) / (1 - rho) for rho in (memory, memory**2)]


@pytest.mark.parametrize(("memory", "particles"), [(0.5, 40), (0.9, 40), (0.9, 1), (-0.4, 4)])
@pytest.mark.parametrize("method", ["autocovariance", "batch_means"])
def test_sizes_are_those_of_a_chain_that_is_known(method, memory, particles):
    """The twin: times of another memory are far away."""
    run = series_run(chains(memory, 40_000 // particles, particles, 3))
    found = effective_sample_size(run, method)
    times, error = found.autocorrelation_time, found.autocorrelation_time_standard_error
    assert found.observable.values.tolist() == ["mean of x0", "variance of x0"]
    assert np.all(np.abs(times - exact_times(memory)) < 4 * error)
    assert abs(times[0] - 3 * exact_times(memory)[0]) > 4 * error[0]
    assert found.effective_sample_size.values == pytest.approx(40_000 / times.values)
    relative = found.effective_sample_size_standard_error / found.effective_sample_size
    assert relative.values == pytest.approx((error / times).values)


SIZES = [(200, 4, 0.5), (50, 7, 0.99), (6, 3, 0.9), (4, 2, 0)]


@pytest.mark.parametrize(("readings", "particles", "memory"), SIZES)
def test_arviz_has_the_same_size(readings, particles, memory):
    stats = pytest.importorskip("arviz_stats.base", reason="needs the extra arviz")
    x = chains(memory, readings, particles, 5)
    theirs = stats.array_stats.ess(x[..., 0].T, method="mean", chain_axis=0, draw_axis=1)
    ours = effective_sample_size(series_run(x)).effective_sample_size[0]
    assert float(ours) == pytest.approx(float(theirs), rel=1e-9)


def test_particles_that_never_meet_count_as_few():
    x = chains(0.5, 1000, 8, 6)
    apart = effective_sample_size(series_run(x + 10 * np.arange(8)[:, None]))
    assert apart.effective_sample_size[0] < 10 < 1000 < len(x) * 8 / exact_times(0.5)[0]


def scores(rows_of, replicates=300, memory=0.8):
    """z of the mean of x over a single chain of 6,000 readings, by its rows."""
    for seed in range(replicates):
        rows = rows_of(chains(memory, 6000, 1, seed))
        yield rows.mean() / (rows.std(ddof=1) / np.sqrt(len(rows)))


def test_errors_from_the_batches_of_one_chain_are_calibrated():
    """The twin: readings taken as independent give errors three times too small."""
    z = np.fromiter(scores(lambda x: independent_rows(x, 10).means), float)
    assert np.abs(z.mean()) < 4 / np.sqrt(len(z)) and 0.8 < (z**2).mean() < 1.5
    assert (np.fromiter(scores(lambda x: x), float) ** 2).mean() > 6


def test_thinned_times_of_one_chain_are_no_independent_particles():
    """The twin: in another order nobody can see it, and particles that are alike have none."""
    x = chains(0.73, 20_000, 1, 2)[:, 0]
    assert correlated_in_order(x, 0.01)
    for other in np.random.default_rng(1).permutation(x), np.ones((50, 2)):
        assert not correlated_in_order(other, 0.01)


def test_independent_particles_are_seldom_taken_for_a_chain():
    """1 % of 1,000, two numbers each; four standard errors are 1.3 %."""
    random = np.random.default_rng(4)
    taken = sum(correlated_in_order(random.exponential(size=(60, 2)), 0.01) for _ in range(1000))
    assert 0 < taken < 23


SERIES = [(0.5, 8000, 1), (0.9, 40_000, 1), (0.9, 10_000, 4), (0.9, 300, 100)]


@pytest.mark.slow
@pytest.mark.parametrize(("memory", "readings", "particles"), SERIES)
def test_p_values_of_rows_are_calibrated(memory, readings, particles):
    """2,000 replicates, Hotelling's p-value of E x0 = E x1 = 0: at 10, 5 and 1 % within the 99.9 %
    band, widened by what batches miss (a variance 5 % too small)."""
    p_values = []
    for seed in range(2000):
        x = chains(memory, readings, particles, seed, dim=2)
        means = independent_rows(x, 40).means
        p_values.append(hotelling(means.mean(axis=0), np.cov(means.T), len(means)))
    for level, most in ((0.1, 0.13), (0.05, 0.072), (0.01, 0.021)):
        assert np.mean(np.array(p_values) < level) < most


SHORT = chains(0.9, 400, 2, 1)


@pytest.mark.parametrize("unit", [2.0**240, 2.0**-660])
def test_the_unit_of_length_does_not_matter(unit):
    found = (effective_sample_size(series_run(scale * SHORT)) for scale in (1.0, unit))
    assert np.array_equal(*(one.effective_sample_size for one in found))


def test_a_series_that_is_too_short_says_how_long_it_must_be():
    time, told = correlation_times(SHORT).times[0], refusal(independent_rows, SHORT, 100)
    assert "Simulate at least" in told
    assert f"whose autocorrelation time is {time:.3g} readings, but 100 are needed" in told


def test_times_of_short_series_are_too_low_but_not_from_batch_means():
    """As the docstring says, tau = 2.07 with 20 readings in a half; batches are particles here,
    whose means know of 40 readings: tau less 2 rho (1 - rho^40)/(40 (1 - rho)^2)."""
    rho = 0.9**10
    run, (tau, _) = series_run(chains(rho, 40, 2000, seed=5)), exact_times(rho)
    low = effective_sample_size(run).autocorrelation_time[0] / tau
    assert 0.80 < low < 0.86
    honest = effective_sample_size(run, "batch_means").isel(observable=0)
    expected = tau - 2 * rho * (1 - rho**40) / 40 / (1 - rho) ** 2
    error = honest.autocorrelation_time_standard_error
    assert abs(honest.autocorrelation_time - expected) < 4 * error
