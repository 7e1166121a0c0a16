"""The temperature budget closes on exact laws and on runs, and shows a noise that is wrong by a
factor of two.
"""

import numpy as np
import pytest
from synthetic_runs import synthetic_run, unit_variance

import langevin_sgd as ls
from langevin_sgd.analysis import temperature_budget
from langevin_sgd.models.parameters import described

HESSIAN = np.array([[1.0, 0.3], [0.3, 0.5]])
SIGMA = np.array([[2.0, 0.4], [0.4, 0.5]])
BATCH = 4
UPPER = np.triu_indices(2)


def exact_blocks(dynamics):
    """E[x x'], E[x v'] and E[v v'] of the stationary law on the quadratic."""
    p = dynamics.params
    return ls.theory.stationary_blocks(
        ls.theory.linear_sgd(HESSIAN, SIGMA, p.learning_rate, p.batch_size, p.momentum)
    )


def linear_run(dynamics, particles, seed):
    """Particles of the exact stationary law of SGD on a quadratic, with their velocities."""
    position, cross, velocity = exact_blocks(dynamics)
    joint = np.block([[position, cross], [cross.T, velocity]])
    state = np.random.default_rng(seed).multivariate_normal(
        np.zeros(4), joint, size=particles, method="eigh"
    )
    run = synthetic_run(state[:, :2], state[:, 2:] if dynamics.params.momentum else None)
    return run.assign_attrs(dynamics=described(dynamics), noise=described(ls.noise.gaussian(SIGMA)))


PLAIN, HEAVY = ls.dynamics.sgd(0.4, BATCH), ls.dynamics.sgd(0.4, BATCH, momentum=0.7)


@pytest.mark.parametrize("dynamics", [PLAIN, HEAVY], ids=["plain", "heavy ball"])
def test_closes_on_the_exact_law_with_calibrated_errors(dynamics):
    bowl = ls.potentials.quadratic(HESSIAN)
    budgets = [temperature_budget(linear_run(dynamics, 400, seed), bowl) for seed in range(150)]
    assert unit_variance([b.z.values[UPPER] for b in budgets], kurtosis_excess=1.0)
    p_values = np.array([b.p_value.item() for b in budgets])
    assert abs(p_values.mean() - 0.5) < 4 / np.sqrt(12 * len(p_values))
    wrong = [
        temperature_budget(linear_run(dynamics, 400, seed), bowl, noise_covariance=2 * SIGMA)
        for seed in range(5)
    ]
    assert max(b.p_value.item() for b in wrong) < 1e-6


@pytest.mark.parametrize("dynamics", [PLAIN, HEAVY], ids=["plain", "heavy ball"])
def test_terms_have_their_exact_values(dynamics):
    p, n = dynamics.params, 100_000
    budget = temperature_budget(linear_run(dynamics, n, 3), ls.potentials.quadratic(HESSIAN))
    (position, cross, _), rate = exact_blocks(dynamics), p.learning_rate / (1 - p.momentum)
    exact = {
        "virial": (position @ HESSIAN + HESSIAN @ position) / 2,
        "step_term": rate / 2 * HESSIAN @ position @ HESSIAN,
        "noise_term": rate / 2 * SIGMA / BATCH,
        "inertia_term": p.momentum / (1 - p.momentum) / 2 * (cross.T @ HESSIAN + HESSIAN @ cross),
    }
    for name, value in exact.items():
        error = budget[f"{name}_standard_error"].values
        assert np.all(np.abs(budget[name].values - value) <= 4 * error + 1e-12), name
        assert np.all(error < 0.02)
    assert np.all(budget.noise_term_standard_error == 0)
    assert np.trace(budget.noise_term) / 2 == pytest.approx(
        ls.theory.sgd_temperature(SIGMA, p.learning_rate, BATCH, p.momentum)
    )


def test_double_well_run_closes(well_run, well):
    budget = temperature_budget(well_run, well)
    assert np.all(np.abs(budget.z) < 4) and budget.p_value > 1e-4
    assert np.allclose(budget.noise_term, np.diag([0.3, 0.1]))
    temperature = ls.analysis.equipartition(well_run.isel(step=-1), well).temperature.values
    assert np.allclose(budget.virial, (temperature + temperature.T) / 2, rtol=1e-12)
    assert (
        temperature_budget(well_run, well, noise_covariance=[8.0, 2.6]).p_value < 1e-6
    )  # Sigma twice the true one
    with pytest.raises(ValueError, match="at least 30 particles, got 20"):
        temperature_budget(well_run.isel(particle=slice(20)), well)


def test_minibatches_of_a_table_close_with_the_covariance_at_every_particle(table_run, table):
    budget = temperature_budget(table_run, table)
    assert np.all(np.abs(budget.z) < 4) and budget.p_value > 1e-4
    assert np.all(budget.noise_term_standard_error > 0)
    wrong = table_run.assign_attrs(dynamics=described(ls.dynamics.sgd(0.3, batch_size=2)))
    assert temperature_budget(wrong, table).p_value < 1e-6


def test_working_in_parts_changes_nothing(table_run, table, monkeypatch):
    whole = temperature_budget(table_run, table)
    monkeypatch.setattr("langevin_sgd.analysis.budget.CHUNK_NUMBERS", 4 * 1500)
    parts = temperature_budget(table_run, table)
    assert all(np.allclose(parts[name], whole[name], rtol=1e-9) for name in whole)


def test_weight_decay_is_part_of_the_gradient():
    """Decay lambda on H is the quadratic H + lambda."""
    decayed = linear_run(PLAIN, 300, 1).assign_attrs(
        dynamics=described(ls.dynamics.sgd(0.4, BATCH, weight_decay=0.2))
    )
    a = temperature_budget(decayed, ls.potentials.quadratic(HESSIAN))
    b = temperature_budget(
        linear_run(PLAIN, 300, 1), ls.potentials.quadratic(HESSIAN + 0.2 * np.eye(2))
    )
    assert np.allclose(a.step_term, b.step_term, rtol=1e-12) and np.allclose(
        a.virial, b.virial, rtol=1e-12
    )


def test_messages():
    bowl, run = ls.potentials.quadratic(HESSIAN), linear_run(PLAIN, 300, 1)
    for change, message in [
        (
            {"dynamics": described(ls.dynamics.sgd(0.1, momentum=0.5, nesterov="torch"))},
            "got 'sgd_torch_nesterov'",
        ),
        ({"dynamics": described(ls.dynamics.langevin(0.1, 0.1))}, "got 'langevin_euler_maruyama'"),
        (
            {"dynamics": described(ls.dynamics.sgd(ls.schedules.from_values([0.1, 0.2])))},
            "must be constant",
        ),
        ({"dynamics": described(HEAVY)}, "momentum 0.7 but no velocity"),
        (
            {"noise": '{"name": "my noise", "params": {}}'},
            "noise 'my noise' is not known.*Pass noise_covariance=",
        ),
        ({"noise": described(ls.noise.minibatch())}, "'minibatch' is not known"),
    ]:
        with pytest.raises(ValueError, match=message):
            temperature_budget(run.assign_attrs(change), bowl)
    bare = run.drop_attrs()
    with pytest.raises(ValueError, match="got 'unknown'.*pass dynamics="):
        temperature_budget(bare, bowl)
    given = temperature_budget(bare, bowl, dynamics=PLAIN, noise_covariance=SIGMA)
    read = temperature_budget(run, bowl)
    assert all(np.allclose(given[name], read[name], rtol=1e-9) for name in read)
    for sigma, message in [
        ([[1.0, 0.0], [0.5, 1.0]], "symmetric"),
        ([1.0], "2 variances"),
        ([1.0, -1.0], "positive semidefinite"),
    ]:
        with pytest.raises(ValueError, match=message):
            temperature_budget(run, bowl, noise_covariance=sigma)
    noiseless = temperature_budget(run.assign_attrs(noise="null"), bowl)
    assert np.all(noiseless.noise_term == 0)
