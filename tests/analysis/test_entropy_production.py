"""Entropy production of linear SGD against its exact value, and what has none."""

import json

import numpy as np
import pytest
from synthetic_runs import linear_run

from langevin_sgd import analysis, theory

HESSIAN, SIGMA = np.diag([3.0, 0.5]), np.array([[2.0, 0.9], [0.9, 1.0]])


def estimate(run, **options):
    found = analysis.entropy_production(run, **options)
    return float(found.entropy_production), float(found.entropy_production_standard_error)


@pytest.mark.parametrize("rate", [0.05, 0.4])
def test_of_a_linear_process_it_is_exact_and_the_bound_is_below(rate):
    """The bound is what the area alone proves, to which other weights add little here. The twin:
    half the value is rejected."""
    process = theory.linear_sgd(HESSIAN, SIGMA, rate)
    run, _ = linear_run(process, 200_000, 3)
    exact, area = theory.entropy_per_step(process), theory.area_per_step(process)[0, 1]
    value, error = estimate(run, method="gaussian")
    assert abs(value - exact) < 4 * error < 0.12 * exact < abs(value - exact / 2)
    bound, wide = estimate(run)
    of_area = np.log1p(2 * area**2 / theory.area_variance(process))
    assert of_area - 4 * wide < bound < 1.1 * of_area + 4 * wide < exact
    assert of_area > 0.15 * exact and wide < 0.02 * exact


def test_in_equilibrium_there_is_none():
    """z-scores of 100 runs: their mean is 0, so that no bias is left, and the errors are right."""
    process = theory.linear_sgd([3.0, 0.5], [2.0, 1.0], 0.3)
    runs = [linear_run(process, 1000, seed)[0] for seed in range(100)]
    for method in ("bound", "gaussian"):
        found = np.array([estimate(run, method=method) for run in runs])
        assert abs(found[:, 0].mean()) < 4 * found[:, 0].std() / 10
        assert 0.6 < found[:, 1].mean() / found[:, 0].std() < 1.6


def told(name, noise=None):
    run, _ = linear_run(theory.linear_sgd(HESSIAN, SIGMA, 0.3), 100, 1)
    attrs = {"dynamics": json.dumps({"name": name, "params": {}}), "noise": json.dumps(noise)}
    return run.assign_attrs(attrs)


BATCHES = {"name": "minibatch", "params": {}, "sampling": "with_replacement"}


def test_batches_have_a_bound():
    assert estimate(told("sgd", BATCHES), method="bound")[1] > 0
