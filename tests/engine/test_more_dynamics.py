"""Schedules, averages and substeps by simulation against exact values: |z| < 5, each
with a twin that fails.
"""

import numpy as np
import pytest
from _oracle_cases import CASES, scores
from _oracle_linear import SCHEDULES, annealing, momentum_rule
from z_scores import worst

import langevin_sgd as ls

PARTICLES, SEED = 100_000, 31
LINE = ls.potentials.quadratic([2.0])


@pytest.mark.filterwarnings("ignore:learning_rate = 0.5 is above")
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_is_not_its_first_rate(name):
    """With the schedules the means and covariances are the oracle's (test_physics.py)."""
    case = CASES[name]["inputs"]
    listed, rates = case["etas"], SCHEDULES[name].rule(np.arange(max(case["marks"])))
    if listed:
        np.testing.assert_allclose(rates, listed, rtol=1e-13)
    assert worst(scores(annealing(name, rates=float(rates[0])), PARTICLES, SEED).values()) > 5


NOISE, VARIANCE, BATCH = ls.noise.gaussian([1.5]), 1.5, 3


def variance_z(x, exact):
    return (x.var() / exact - 1) / np.sqrt(2 / x.size)


@pytest.mark.parametrize("substeps", [1, 2, 10])
def test_substeps_approach_the_diffusion(substeps):
    """T/(h (1 - eta h/(2 m))): of SGD for m = 1, of the diffusion for many."""
    rate, temperature, other = 0.4, 0.4 * VARIANCE / (2 * BATCH), 2 if substeps == 1 else 1
    dynamics = ls.dynamics.sgd_diffusion(rate, BATCH, substeps)
    # (1 - eta h/m)^(40 m) < 1e-8.
    x = ls.simulate(LINE, dynamics, NOISE, particles=PARTICLES, steps=20, seed=SEED).x[-1].values
    assert abs(variance_z(x, temperature / (2 * (1 - rate / substeps)))) < 5
    assert abs(variance_z(x, temperature / (2 * (1 - rate / other)))) > 5
    assert abs(variance_z(x, 2 * temperature / (2 * (1 - rate / substeps)))) > 5


def test_one_substep_is_sgd():
    runs = [
        ls.simulate(LINE, dynamics, NOISE, particles=40, steps=5, seed=SEED)
        for dynamics in (ls.dynamics.sgd_diffusion(0.4, BATCH, 1), ls.dynamics.sgd(0.4, BATCH))
    ]
    np.testing.assert_allclose(runs[0].x, runs[1].x, rtol=1e-14)


@pytest.mark.interpreted
def test_steps_count_and_schedules_change_once_in_so_many_updates():
    """By hand: each step contracts by (1 - eta_k h/m)^m, and only whole steps are stored."""
    rates, silent = [0.4, 0.1, 0.3], ls.noise.gaussian([1e-200])
    dynamics = ls.dynamics.sgd_diffusion(ls.schedules.from_values(rates), substeps=4)
    run = ls.simulate(
        LINE, dynamics, silent, particles=2, steps=3, x0=[1.0], seed=1, every=1, chunk_steps=5
    )
    assert run.step.values.tolist() == [0, 1, 2, 3] and run.attrs["steps"] == 3
    np.testing.assert_allclose(
        run.x[:, 0, 0], np.cumprod([1, *((1 - np.array(rates) / 2) ** 4)]), rtol=1e-14
    )


@pytest.mark.interpreted
def test_a_particle_that_leaves_between_steps_is_said_to_leave_in_that_step():
    """|1 - 24 h/m| = 11 with m = 4: within 11^5 after five updates, beyond after the sixth, which
    belongs to step 2.
    """
    dynamics, silent = ls.dynamics.sgd_diffusion(24.0, substeps=4), ls.noise.gaussian([1e-200])
    options = {"particles": 2, "steps": 3, "seed": 1, "escape_radius": 11.5**5}
    with pytest.warns(UserWarning, match="learning_rate = 24 is above the threshold 4,"):
        run = ls.simulate(LINE, dynamics, silent, x0=[[1.0], [0.0]], **options)
    assert run.stopped_at_step.values.tolist() == [2, -1]
    assert abs(run.x[-1, 0, 0]) == pytest.approx(11.0**5)


def test_minibatches_cannot_be_rescaled():
    table = ls.losses.quadratic_centers([1.0], [[1.0], [-1.0], [0.5]])
    with pytest.raises(ValueError, match="noise.table_gaussian"):
        ls.simulate(
            table, ls.dynamics.sgd_diffusion(0.1), ls.noise.minibatch(), particles=1, steps=1
        )


@pytest.mark.parametrize("rate", [0.1, 0.8])
def test_the_mean_of_iterates_forgets_the_learning_rate(rate):
    """n Var(mean) -> Sigma/(B h^2); exact at finite n: the AR(1) sum with a = 1 - eta h, started at
    0.
    """
    steps, keep = 400, 1 - 2 * rate
    dynamics = ls.dynamics.averaged_sgd(rate, BATCH)
    x = ls.simulate(LINE, dynamics, NOISE, particles=PARTICLES, steps=steps, seed=SEED).x[-1].values
    # A kick that is felt in j of the iterates adds eta (1 - a^j)/(1 - a) / n to their mean.
    kicks = np.arange(1, steps + 1)
    exact = rate**2 * VARIANCE / BATCH * np.sum(((1 - keep**kicks) / (1 - keep) / steps) ** 2)
    assert abs(variance_z(x, exact)) < 5
    assert steps * exact == pytest.approx(VARIANCE / BATCH / 2**2, rel=0.02)
    assert abs(variance_z(x, 2 * exact)) > 5


@pytest.mark.slow
def test_the_running_average_is_the_heavy_ball():
    """The identity v = N eta times the average of the gradient: bit for bit but for rounding, and
    not with another N.
    """
    runs = {}
    for momentum in (0.9, 0.8):
        dynamics = ls.dynamics.sgd_running_average(0.1, BATCH, momentum)
        runs[momentum] = (
            ls.simulate(LINE, dynamics, NOISE, particles=40, steps=200, seed=SEED).x[-1].values
        )
    ball = (
        ls.simulate(
            LINE, ls.dynamics.sgd(0.1, BATCH, 0.9), NOISE, particles=40, steps=200, seed=SEED
        )
        .x[-1]
        .values
    )
    np.testing.assert_allclose(runs[0.9], ball, atol=1e-12)
    assert np.abs(runs[0.8] - ball).max() > 0.01


def test_a_larger_batch_cools_like_a_smaller_rate():
    """Doubling the batch every 40 steps: the variance follows m' = a^2 m + eta^2 Sigma/B_k."""
    moves = ls.dynamics.sgd(0.2, ls.schedules.step_decay(1, 2.0, 40))
    given = {"particles": PARTICLES, "steps": 120, "seed": SEED, "every": 40}
    run = ls.simulate(LINE, moves, NOISE, **given)
    exact, constant = [0.0], [0.0]
    for k in range(120):
        exact.append(0.6**2 * exact[-1] + 0.2**2 * VARIANCE / 2 ** (k // 40))
        constant.append(0.6**2 * constant[-1] + 0.2**2 * VARIANCE)
    for step in (40, 80, 120):
        assert abs(variance_z(run.x.sel(step=step).values, exact[step])) < 5
    assert abs(variance_z(run.x.sel(step=80).values, constant[80])) > 5


COOLING = ls.schedules.exponential(0.5, 0.95)
KEEPING = ls.schedules.from_values(np.linspace(0.9, 0.1, 60))
SCHEDULED = {  # dynamics of a schedule; the exact process of its values
    "temperature": (
        COOLING,
        lambda heat: ls.dynamics.langevin(heat, 0.1),
        lambda heat: ls.theory.langevin_process(2.0, heat, 0.1),
    ),
    "momentum": (
        KEEPING,
        lambda mu: ls.dynamics.sgd(0.1, momentum=mu),
        lambda mu: ls.theory.linear_sgd(2.0, VARIANCE, 0.1, 1, mu),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SCHEDULED)
def test_what_is_scheduled_acts_step_by_step(name):
    """The rate and the batch size are above."""
    schedule, moves, process = SCHEDULED[name]
    values = schedule.rule(np.arange(60))
    exact, constant = (
        ls.theory.evolve(process(each), [0.0])[1][:, 0, 0]
        for each in (values, values[:1] * np.ones(60))
    )
    noise = NOISE if name == "momentum" else None
    given = {"particles": PARTICLES, "steps": 60, "every": 20, "seed": SEED}
    run = ls.simulate(LINE, moves(schedule), noise, **given)
    for step in (20, 40, 60):
        assert abs(variance_z(run.x.sel(step=step).values, exact[step])) < 5
    assert abs(variance_z(run.x.sel(step=60).values, constant[60])) > 5
    assert abs(variance_z(run.x.sel(step=60).values, 2 * exact[60])) > 5


@pytest.mark.slow
def test_without_momentum_the_rule_is_not_exact():
    """eta = (1 - mu) B eta0 has the temperature eta0 sigma^2/2 up to its exact ratio."""
    case, exact = (CASES["mom_rule"][key] for key in ("inputs", "expected"))
    for row in exact["rows"]:
        rate = float(ls.theory.momentum_learning_rate(case["eta0"], case["B"], row["mu"]))
        assert rate == pytest.approx(row["eta"], rel=1e-13)
    model, moves, noise, steps, *_ = momentum_rule(0)
    given = {"particles": PARTICLES, "steps": steps, "seed": SEED}
    x = ls.simulate(model, moves, noise, **given).x.values[-1]
    assert abs(variance_z(x, exact["rows"][0]["T_eff_boltzmann"] / case["h"])) > 5
