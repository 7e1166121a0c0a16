"""First passages of which some were not seen: against loops, an exact law, and the same particles
watched for longer.
"""

import numpy as np
import pytest
from scipy.stats import chi2, poisson

import langevin_sgd as ls
from langevin_sgd.engine.arrivals import kaplan_meier, rate_interval, restricted_mean

survival_curve = ls.analysis.survival_curve
CROSSING = ls.potentials.double_well(2), ls.dynamics.sgd(0.1), ls.noise.gaussian([1.0, 1.0])
TOP = ls.reducers.first_passage(above=0.0)
RATE = 0.02  # of arrival per step, of particles without a memory
LONG = np.log(1 - RATE)


def crossing(steps, particles=2000, reducer=TOP, **options):
    options = {"x0": [-1.0, 0.0], "seed": 2, "reducers": reducer} | options
    return ls.simulate(*CROSSING, particles=particles, steps=steps, **options)


def forgetful(particles, seed, censored=True):
    """(steps watched, whether arrived) of a geometric law, watched for up to 10 to 150 steps."""
    random = np.random.default_rng(seed)
    time = random.geometric(RATE, particles)
    end = random.integers(10, 150, particles) if censored else np.full(particles, 10**6)
    return np.minimum(time, end), time <= end


def naive_curve(watched, arrived):
    """Step by step, particle by particle: (survival, Greenwood's sum) after each step."""
    survival, total, curve = 1.0, 0.0, {}
    for step in range(max(watched) + 1):
        here = sum(1 for w in watched if w >= step)
        now = sum(1 for w, a in zip(watched, arrived, strict=True) if a and w == step)
        if now and here > now:
            total += now / (here * (here - now))
        survival *= 1 - now / here
        curve[step] = survival, total
    return curve


def naive_mean(watched, arrived, limit):
    curve = naive_curve(watched, arrived)
    left = [sum(curve[s][0] for s in range(step, limit)) for step in range(limit)]
    variance, before = 0.0, 0.0
    for step in range(limit):
        variance += left[step] ** 2 * (curve[step][1] - before)
        before = curve[step][1]
    return left[0], np.sqrt(variance)


def test_curve_and_mean_are_those_of_loops():
    watched, arrived = forgetful(60, 1)
    found, curve = kaplan_meier(watched, arrived), naive_curve(watched, arrived)
    expected = np.array([curve[step] for step in found.step])
    np.testing.assert_allclose(found.survival, expected[:, 0], rtol=1e-12)
    np.testing.assert_allclose(np.cumsum(found.greenwood), expected[:, 1], rtol=1e-12)
    for limit in (5, 40, int(watched.max())):
        exact = naive_mean(watched, arrived, limit)
        np.testing.assert_allclose(restricted_mean(found, limit), exact, rtol=1e-12)


def test_censored_times_of_a_geometric_law_give_its_curve_and_mean():
    """S(t) = (1 - rate)^t and E min(T, 100) = (1 - (1 - rate)^100)/rate, 300 times 400 particles;
    the mean square of z within 4 standard errors. The twin: the mean of the
    times watched."""
    z, naive = [], []
    for seed in range(300):
        watched, arrived = forgetful(400, seed)
        found = kaplan_meier(watched, arrived)
        row = np.searchsorted(found.step, 60, side="right") - 1
        error = found.survival[row] * np.sqrt(found.greenwood[: row + 1].sum())
        mean, mean_error = restricted_mean(found, 100)
        exact = -np.expm1(100 * LONG) / RATE
        z.append([(found.survival[row] - np.exp(60 * LONG)) / error, (mean - exact) / mean_error])
        naive.append((watched.mean() - exact) / mean_error)
    z = np.array(z)
    assert np.all(np.abs(z.mean(axis=0)) < 4 / np.sqrt(300))
    assert np.all(np.abs((z**2).mean(axis=0) - 1) < 4 * np.sqrt(2 / 300))
    assert np.mean(naive) < -3.5


def test_without_censoring_it_is_the_mean_of_the_shorter_time():
    watched, arrived = forgetful(500, 3, censored=False)
    mean, error = restricted_mean(kaplan_meier(watched, arrived), 40)
    shorter = np.minimum(watched, 40)
    assert mean == pytest.approx(shorter.mean(), rel=1e-12)
    assert error == pytest.approx(shorter.std() / np.sqrt(500), rel=1e-10)


def test_intervals_are_exact():
    """Against chi-squared quantiles; the probability to hold the rate is at least 95 %, less the
    2.5 % that the one-sided interval without an arrival may add."""
    for k in (1, 2, 30):
        exact = chi2.ppf([0.025, 0.975], [2 * k, 2 * k + 2]) / 2 / 50
        np.testing.assert_allclose(rate_interval(k, 50.0), exact, rtol=1e-12)
    np.testing.assert_allclose(rate_interval(0, 50.0), [0, -np.log(0.05) / 50], rtol=1e-12)
    intervals, held = np.array([rate_interval(k, 1.0) for k in range(80)]), []
    for mean in np.linspace(3.1, 30, 40):
        inside = (intervals[:, 0] <= mean) & (mean <= intervals[:, 1])
        held.append(poisson.pmf(np.arange(80), mean)[inside].sum())
    assert 0.925 < min(held) < 0.95 < np.median(held)


def test_a_passage_that_nobody_makes_has_a_rate_below_three_over_the_exposure():
    found = crossing(10, particles=100, reducer=ls.reducers.first_passage(above=50.0))
    assert found.first_passage_rate == 0 and found.first_passage_rate_standard_error == 1 / 1000
    bounds = found.first_passage_rate_interval
    assert bounds[0] == 0 and bounds[1] == pytest.approx(3.0 / 1000, rel=2e-3)
    assert 0 < found.first_passage_fraction_standard_error < 0.02
    assert found.first_passage_restricted_mean == 10 and "first_passage_mean" not in found
    curve = survival_curve(found)
    assert curve.sizes["passage_step"] == 0 and curve.restricted_mean == 10


def test_the_same_particles_watched_for_less_time_have_the_same_restricted_mean():
    whole, early = crossing(10**6), crossing(3000)
    assert 0.3 < early.first_passage_fraction < 0.9 and whole.first_passage_fraction == 1
    assert whole.first_passage_restricted_mean == pytest.approx(whole.first_passage_mean.item())
    shorter = np.minimum(whole.first_passage_step, 3000)
    np.testing.assert_array_equal(early.first_passage_watched, shorter)
    assert early.first_passage_restricted_mean == pytest.approx(shorter.mean().item(), rel=1e-12)
    late, soon = survival_curve(whole, 2000), survival_curve(early, 2000)
    assert late.restricted_mean.item() == pytest.approx(soon.restricted_mean.item(), rel=1e-12)
    together = late.survival.sel(passage_step=soon.passage_step)
    np.testing.assert_allclose(soon.survival, together, rtol=1e-12)
    last = soon.isel(passage_step=-1)
    share = 1 - early.first_passage_fraction.item()
    assert last.survival.item() == pytest.approx(share, rel=1e-12)
    error = np.sqrt(share * (1 - share) / 2000)
    assert last.survival_standard_error.item() == pytest.approx(error, rel=1e-9)


LEFT = crossing(3, particles=4)
LEFT["status"][1] = 1


def test_who_left_is_censored_where_it_left():
    assert survival_curve(LEFT, on_diverged="drop").attrs["dropped_particles"] == 1
