"""The mean squared displacement: free particles exactly, against the whole path, round a ring."""

import numpy as np
import pytest
from refusals import refusal

import langevin_sgd as ls

FLAT = ls.potentials.quadratic([0.0, 0.0])
STEPS = [1, 5, 40]
RING = FLAT._replace(domain=(("periodic", -1.0, 1.0), ("periodic", -1.0, 1.0)))
LANGEVIN, SGD = ls.dynamics.langevin(0.7, 0.01), ls.dynamics.sgd(0.1, 4)
NOISE, SIGMA = ls.noise.gaussian([2.0, 0.5]), np.array([2.0, 0.5])


def simulate(model, moves, noise=None, start=0, **options):
    observed = ls.reducers.displacement(STEPS, start=start)
    given = {"particles": 6400, "steps": 40 + start, "seed": 3, "reducers": observed} | options
    return ls.simulate(model, moves, noise, **given)


@pytest.mark.parametrize(
    ("moves", "noise", "per_step"),
    [(LANGEVIN, None, 2 * 0.7 * 0.01 * np.ones(2)), (SGD, NOISE, 0.1**2 * SIGMA / 4)],
    ids=["Langevin", "SGD"],
)
@pytest.mark.parametrize("model", [FLAT, RING], ids=["plane", "ring"])
def test_free_particles_diffuse(model, moves, noise, per_step):
    """2 T t, and n learning_rate^2 Sigma/B, along each component; the twin: not half of it."""
    run = simulate(model, moves, noise, start=7)
    exact = np.outer(STEPS, per_step)
    for name, law in (("mean_square", exact), ("mean_square_total", exact.sum(axis=1))):
        found = run[f"displacement_{name}"].values
        error = run[f"displacement_{name}_standard_error"].values
        assert np.all(np.abs(found - law) < 4 * error), name
        assert np.all(np.abs(found - law / 2) > 10 * error), name
    np.testing.assert_array_equal(run.displacement_step, STEPS)


def test_it_is_that_of_the_path_while_particles_leave():
    """In a well, from starts of their own; those that have left by then do not count, and a run
    that ends before has nan.
    """
    well = ls.potentials.double_well(2)
    x0 = np.random.default_rng(1).normal(scale=0.5, size=(200, 2)).clip(-1.0, 1.0)
    options = {"particles": 200, "x0": x0, "escape_radius": 1.6, "steps": 30, "every": 1}
    with pytest.warns(UserWarning, match="particles left"):
        run = simulate(well, ls.dynamics.sgd(0.1), ls.noise.gaussian([12.0, 12.0]), **options)
    stopped = run.stopped_at_step.values
    for number, n in enumerate(STEPS[:2]):
        stayed = (stopped < 0) | (stopped > n)
        path = run.x.values[n, stayed] - x0[stayed]
        np.testing.assert_allclose(run.displacement_mean_square[number], np.mean(path**2, axis=0))
    assert 10 < np.sum(stopped >= 0) < 190 and np.isnan(run.displacement_mean_square[2]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ls.reducers.displacement([]), "ValueError: steps must be 1 to 100000000 numbers"),
        (lambda: ls.reducers.displacement([2, 2]), "ValueError: steps must be different numbers"),
        (lambda: ls.reducers.displacement(0), "ValueError: steps must be >= 1"),
        (lambda: simulate(FLAT, ls.dynamics.sgd_diffusion(0.1), NOISE), "ValueError: 'displacemen"),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_refused(call, message):
    assert refusal(call).startswith(message)
