"""The energy along the path: exact laws, the mean loss of a table, and what one reading is."""

import numpy as np
import pytest
from refusals import refusal

import langevin_sgd as ls

CURVATURE, CENTERS = np.array([1.0, 2.0]), np.array([[0.0, 0.0], [1.0, 2.0], [3.0, -1.0]])
LOSS = ls.losses.quadratic_centers(CURVATURE, CENTERS)
BATCHES = ls.noise.minibatch("reshuffle")


def of_table(steps, *observed, **options):
    given = {"particles": 64, "seed": 1, "every": 1, "reducers": observed} | options
    return ls.simulate(LOSS, ls.dynamics.sgd(0.1), BATCHES, steps=steps, **given)


def test_of_a_loss_it_is_the_mean_over_the_table():
    """Not the loss of the batch; by default at all positions of an epoch of 3 steps, and 12 apart
    or less."""
    often, seldom = ls.reducers.energy(0.0, 9.0, 6, every=2), ls.reducers.energy(1.0, 2.0, name="e")
    far = ls.reducers.energy(1e8, 1e8 + 1, every=2, name="far")
    run = of_table(65, often, seldom, far)
    assert np.isnan(run.far_variance)  # it has no digits left
    energy = ls.evaluate(LOSS, run.x.values.reshape(-1, 2), "energy").reshape(66, 64)
    read = energy[2:61:2]
    np.testing.assert_allclose(run.energy_mean, read.mean(), rtol=1e-12)
    np.testing.assert_allclose(run.energy_variance, read.var(), rtol=1e-10)
    np.testing.assert_array_equal(run.energy_count, np.histogram(read, 6, (0.0, 9.0))[0])
    np.testing.assert_allclose(run.e_mean, energy[11:34:11].mean(), rtol=1e-12)
    positions = np.arange(2, 61, 2) % 3
    assert np.all(np.bincount(positions) == 10)


@pytest.mark.slow
def test_in_a_bowl_it_is_exact_at_any_rate():
    """E U = tr(H S)/2, var U = tr(H S H S)/2 with the exact covariance S; T d/2 is rejected."""
    bowl, sigma, start = ls.potentials.quadratic(CURVATURE), np.diag([1.0, 0.5]), 200
    observed = ls.reducers.energy(0.0, 1.0, 50, start=start)
    options = {"particles": 4000, "steps": 400, "seed": 2, "reducers": observed}
    run = ls.simulate(bowl, ls.dynamics.sgd(0.3), ls.noise.gaussian(sigma), **options)
    work = np.diag(CURVATURE) @ ls.theory.stationary_covariance(np.diag(CURVATURE), sigma, 0.3)
    for name, exact in (("mean", np.trace(work) / 2), ("variance", np.trace(work @ work) / 2)):
        found, error = run[f"energy_{name}"], run[f"energy_{name}_standard_error"]
        assert abs(found - exact) < 4 * error, name
    temperature = ls.theory.sgd_temperature(sigma, 0.3)
    assert abs(run.energy_mean - temperature) > 10 * run.energy_mean_standard_error
    share = run.energy_count.sum() + run.energy_underflow + run.energy_overflow
    assert share == 4000 * 200 and run.energy_underflow == 0


def test_fresh_rows_of_a_population_have_no_table():
    fresh = ls.losses.linear_regression_population(CURVATURE, 1.0)._replace(mean=None)
    call = {"particles": 4, "steps": 9, "seed": 1, "reducers": ls.reducers.energy(0.0, 1.0)}
    message = refusal(
        ls.simulate, fresh, ls.dynamics.sgd(0.1), ls.noise.minibatch("population"), **call
    )
    assert "their mean loss is not known" in message


def test_a_run_that_reads_some_positions_only_is_refused():
    message = refusal(of_table, 65, ls.reducers.energy(0.0, 1.0, every=3))
    assert message.startswith("ValueError: every of 'energy' must share no factor with the 3 steps")
