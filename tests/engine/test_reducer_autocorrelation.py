"""The error of an autocorrelation: of two covariances of the same particles. In NumPy only: SGD on
a quadratic is an AR(1) chain, each component one of its own, so that a run holds many seeds."""

from functools import cache

import numpy as np

import langevin_sgd as ls
from langevin_sgd.engine.reducers.readings import REPLICATES, Readings

KEPT, LAGS = 0.96, np.array([3, 0, 10])  # 1 - eta a
STEPS, PARTICLES, SEEDS = 30, 640, 250
WIDE = 4 * np.sqrt(2 / SEEDS)  # four standard errors of a variance of so many z


@cache
def found():
    """What the reducer finishes from its sums over the pairs of stationary chains."""
    random, d = np.random.default_rng(7), SEEDS
    x = np.empty((STEPS, PARTICLES, d))
    x[0] = random.normal(size=x[0].shape) / np.sqrt(1 - KEPT**2)
    for k in range(1, STEPS):
        x[k] = KEPT * x[k - 1] + random.normal(size=x[0].shape)
    pairs = [(x[: STEPS - lag], x[lag:]) for lag in LAGS]
    sums = [np.einsum("tpk,tpk->pk", then, now) for then, now in pairs]
    sums += [then.sum(axis=0) for then, _ in pairs] + [now.sum(axis=0) for _, now in pairs]
    model = ls.potentials.quadratic(np.ones(d))
    counts, often = np.zeros((REPLICATES, 1)), np.full(PARTICLES, STEPS)
    readings = Readings(np.hstack(sums), counts, often, True, (model, None, None))
    reducer = ls.reducers.autocovariance(LAGS.tolist())
    return {name: entry[1] for name, entry in reducer.finish(reducer, readings).items()}


def variances_of_z(error):
    z = (found()["autocovariance_correlation"] - KEPT ** LAGS[:, None]) / error
    return z[LAGS > 0].var(axis=1)


def test_distances_of_an_autocorrelation_from_the_exact_one_have_unit_variance():
    """63 degrees of freedom widen it by 63/61. Over itself that of lag 0 is 1, without an error."""
    error = found()["autocovariance_correlation_standard_error"]
    assert np.all(found()["autocovariance_correlation"][1] == 1) and not error[1].any()
    with np.errstate(invalid="ignore"):
        assert np.all(np.abs(variances_of_z(error) - 63 / 61) < WIDE)


def test_errors_that_take_both_covariances_for_independent_are_far_too_wide():
    """The twin."""
    value = found()["autocovariance"]
    error = found()["autocovariance_standard_error"]
    independent = np.hypot(error, value / value[1] * error[1]) / value[1]
    assert np.all(np.abs(variances_of_z(independent) - 63 / 61) > WIDE)
