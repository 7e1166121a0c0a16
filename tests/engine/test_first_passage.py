"""First passages against the whole path of the same particles, against the exact mean, and what
cannot be combined with them.
"""

import time
import warnings
from functools import cache
from hashlib import sha256

import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd.kernels.elementary import where

PARTICLES, STEPS = 333, 70
START = np.random.default_rng(3).normal(scale=0.5, size=(PARTICLES, 2)).clip(-0.95, 0.95)
WELL, PAIR = (
    ls.potentials.double_well(2, 0.5, 2.0, coupling=0.5, tilt=0.1),
    ls.noise.gaussian([4.0, 2.0]),
)
LINE = ls.losses.linear_regression(
    np.random.default_rng(1).normal(size=(13, 2)), np.linspace(-2, 2, 13)
)
passage, dynamics, noise = ls.reducers.first_passage, ls.dynamics, ls.noise


def bowl_energy(p, x):
    return 0.5 * p.stiffness * (x[0] * x[0] + x[1] * x[1])


def bowl_gradient(p, x, out):
    out[0] = p.stiffness * x[0]
    out[1] = p.stiffness * x[1]


def in_disc(p, x):
    return (x[0] - p.place) * (x[0] - p.place) + x[1] * x[1] < p.radius * p.radius


def branching_disc(p, x):
    if x[0] < p.place:
        return (x[0] - p.place) * (x[0] - p.place) + x[1] * x[1] < p.radius * p.radius
    return x[1] * x[1] < p.radius * p.radius


WALLS = ("periodic", -1.0, 1.0), ("reflecting", -1.0, 1.5)
BOX = ls.Potential("box", bowl_energy, bowl_gradient, {"stiffness": 0.3}, 2, domain=WALLS)
POPULATION = ls.losses.linear_regression_population([1.0, 0.5], 1.0, examples=50)
DISC = {"place": 0.8, "radius": 0.4}
CASES = {  # name: (model, dynamics, noise, region, the region of an array, options)
    "sgd": (WELL, dynamics.sgd(0.05), PAIR, passage(above=0.9), lambda x: x[:, 0] >= 0.9, {"escape_radius": 1.5}),
    "walls": (
        BOX, dynamics.underdamped_langevin(0.5, 1.0, 0.1), None, passage(below=-0.7, component=1), lambda x: x[:, 1] <= -0.7, {}
    ),
    "heavy ball": (
        WELL, dynamics.sgd(0.05, momentum=0.5), PAIR, passage(in_disc, DISC),
        lambda x: (x[:, 0] - 0.8) ** 2 + x[:, 1] ** 2 < 0.16, {"escape_radius": 1.5},
    ),
    "branch": (
        WELL, dynamics.sgd(0.05), PAIR, passage(branching_disc, DISC),
        lambda x: np.minimum(x[:, 0] - 0.8, 0) ** 2 + x[:, 1] ** 2 < 0.16, {"escape_radius": 1.5},
    ),
    "baoab": (WELL, dynamics.underdamped_langevin(0.5, 1.0, 0.1), PAIR, passage(above=0.9), lambda x: x[:, 0] >= 0.9, {}),
    "langevin": (WELL, dynamics.langevin(0.7, 0.02), None, passage(above=0.9), lambda x: x[:, 0] >= 0.9, {}),
    "hidden": (
        WELL, dynamics.langevin(0.7, 0.02, method="leimkuhler_matthews"), PAIR, passage(above=0.9), lambda x: x[:, 0] >= 0.9, {}
    ),
    "look-ahead": (
        WELL, dynamics.sgd(0.05, momentum=0.5, nesterov="lookahead"), PAIR, passage(above=0.9), lambda x: x[:, 0] >= 0.9, {}
    ),
    "not finite": (
        WELL, dynamics.sgd(0.4), PAIR, passage(in_disc, DISC), lambda x: (x[:, 0] - 0.8) ** 2 + x[:, 1] ** 2 < 0.16, {}
    ),
    "batches": (LINE, dynamics.sgd(0.1, 3), noise.minibatch(), passage(below=-0.6), lambda x: x[:, 0] <= -0.6, {}),
    "population": (
        POPULATION, dynamics.sgd(0.2, 3), noise.minibatch("population"), passage(above=0.4), lambda x: x[:, 0] >= 0.4, {}
    ),
    "mean of 3": (
        WELL, dynamics.sgd(0.05, 3), noise.student_t(5.0, [4.0, 2.0]), passage(above=0.9), lambda x: x[:, 0] >= 0.9, {}
    ),
    "table": (LINE, dynamics.sgd(0.1, 2), noise.table_gaussian(), passage(below=-0.6), lambda x: x[:, 0] <= -0.6, {}),
    "substeps": (WELL, dynamics.sgd_diffusion(0.05, substeps=3), PAIR, passage(above=0.9), lambda x: x[:, 0] >= 0.9, {}),
}  # fmt: skip
FAST = "sgd"


def run(name, particles=PARTICLES, steps=STEPS, reducers=(), **options):
    model, moves, kicks, region, _, given = CASES[name]
    if not reducers and moves.substeps > 1:  # the path with every substep
        moves, steps = moves._replace(substeps=1), moves.substeps * steps
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one text branches, one rate is too large: both warn
        return ls.simulate(
            model, moves, kicks, particles=particles, steps=steps, x0=START[:particles], seed=9,
            reducers=region if reducers else (), **given, **options,
        )  # fmt: skip


def from_path(name):
    """(step of arrival, -1 for none; row where the particle ends; status; step of leaving) of each
    particle, one by one.
    """
    path, inside, substeps = run(name, every=1), CASES[name][4], CASES[name][1].substeps
    found, (x, stopped) = [], (path.x.values, path.stopped_at_step.values)
    for particle in range(path.sizes["particle"]):
        end = stopped[particle] if stopped[particle] >= 0 else len(x)
        there = np.flatnonzero(inside(x[:end, particle]))
        if len(there):
            found.append((-(-there[0] // substeps), there[0], 0, -1))
        else:
            left, status = stopped[particle], path.status.values[particle]
            found.append(
                (-1, len(x) - 1, 0, -1) if left < 0 else (-1, left, status, -(-left // substeps))
            )
    return path, np.array(found).T


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n == FAST else pytest.mark.slow) for n in CASES]
)
def test_every_particle_goes_the_way_of_the_run_that_stores_its_path(name):
    path, (passed, row, status, stopped) = from_path(name)
    found, each = run(name, reducers=True), np.arange(PARTICLES)
    assert 30 < np.sum(passed > 0) < PARTICLES and len(np.unique(passed)) > 10
    assert np.any(passed == 0)
    assert np.any(status > 0) or name not in ("sgd", "heavy ball", "branch", "not finite")
    np.testing.assert_array_equal(found.first_passage_step, passed)
    np.testing.assert_array_equal(found.x[-1], path.x.values[row, each])
    if "v" in path:
        np.testing.assert_array_equal(found.v[-1], path.v.values[row, each])
    np.testing.assert_array_equal(found.status, status)
    np.testing.assert_array_equal(found.stopped_at_step, stopped)
    arrived = passed >= 0
    exposure = np.where(arrived, passed, np.where(stopped >= 0, stopped, STEPS)).sum()
    assert found.first_passage_fraction == arrived.mean() and "first_passage_mean" not in found
    assert found.first_passage_rate == pytest.approx(arrived.sum() / exposure, rel=1e-14)
    assert found.first_passage_rate_standard_error == pytest.approx(
        np.sqrt(arrived.sum()) / exposure, rel=1e-14
    )


@pytest.mark.parametrize("name", [FAST, pytest.param("walls", marks=pytest.mark.slow)])
def test_bits_do_not_depend_on_lanes_and_threads(name):
    def digest(particles, **options):
        found = run(name, particles, reducers=True, **options)
        return sha256(
            b"".join(
                np.ascontiguousarray(found[key].values).tobytes() for key in sorted(found.variables)
            )
        ).hexdigest()

    for particles in (5, PARTICLES):
        base = digest(particles, threads=1, block_size=64)
        for threads, block_size in ((1, 16), (2, 16), (3, 64), (2, 256)):
            assert digest(particles, threads=threads, block_size=block_size) == base


def test_who_starts_there_has_arrived_at_once():
    found = ls.simulate(
        WELL,
        dynamics.sgd(0.05),
        PAIR,
        particles=20,
        steps=10**6,
        seed=1,
        x0=[0.9, 0.0],
        reducers=passage(above=0.9),
    )
    assert (
        np.all(found.first_passage_step == 0)
        and found.first_passage_mean == 0
        and found.first_passage_fraction == 1
    )
    assert np.isnan(found.first_passage_rate)


RATE, WIDE = 0.1, 1.0


@cache
def exact_mean():
    law = ls.theory.mean_first_passage_steps(
        ls.potentials.double_well(1), [[WIDE]], RATE, start=[-1.0], inside=[(-np.inf, 0.0)]
    )
    return law.mean_steps.item()


def z_of_the_mean(variance):
    """The second component of the particles is independent of the first."""
    model, kicks = ls.potentials.double_well(2), noise.gaussian([variance, 1.0])
    found = ls.simulate(
        model,
        dynamics.sgd(RATE),
        kicks,
        particles=4000,
        steps=10**6,
        seed=2,
        x0=[-1.0, 0.0],
        reducers=passage(above=0.0),
    )
    assert found.first_passage_fraction == 1
    return (
        (found.first_passage_mean - exact_mean()) / found.first_passage_mean_standard_error
    ).item()


def test_the_mean_over_a_barrier_is_that_of_the_killed_operator():
    assert abs(z_of_the_mean(WIDE)) < 4


def test_noise_too_strong_by_a_root_of_two_is_seen():
    """The twin."""
    assert z_of_the_mean(2 * WIDE) < -20


def reached_without_comparison(p, x):
    return where(x[0] > 0.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "first_passage: give exactly one of reached, above and below, got 0."),
        (
            {"above": 1.0, "below": 0.0},
            ValueError,
            "first_passage: give exactly one of reached, above and below, got 2.",
        ),
        ({"above": "1"}, TypeError, "above of 'first_passage' must be a number, got '1'."),
        (
            {"below": np.nan},
            ValueError,
            "below of 'first_passage' must be a finite number, got nan.",
        ),
        (
            {"above": 1.0, "component": -1},
            ValueError,
            "component of 'first_passage' must be >= 0, got -1.",
        ),
        (
            {"above": 1.0, "component": 0.5},
            TypeError,
            "component of 'first_passage' must be a whole number, got 0.5.",
        ),
        (
            {"above": 1.0, "name": "to the top"},
            TypeError,
            "name of a reducer must be text that can begin a variable's name",
        ),
        ({"reached": 1.0}, TypeError, "reached of 'first_passage' must be a plain Python function"),
        (
            {"reached": in_disc, "params": {"radius": "a"}},
            TypeError,
            "parameter radius of 'first_passage' must be a number or",
        ),
    ],
)
def test_what_is_no_region_is_refused(arguments, error, message):
    with pytest.raises(error) as caught:
        passage(**arguments)
    assert message in str(caught.value)


TOP = passage(above=1.0)


@pytest.mark.parametrize(
    ("moves", "kicks", "options", "message"),
    [
        (
            None,
            None,
            {"reducers": [TOP, ls.reducers.moments()]},
            "'first_passage' must be the only reducer of its run, got [",
        ),
        (
            dynamics.sgd(ls.schedules.exponential(0.1, 0.9)),
            None,
            {},
            "learning_rate must be constant for 'first_passage': every",
        ),
        (
            None,
            noise.minibatch(shared=True),
            {},
            "'first_passage' needs batches drawn for each particle and step (with_rep",
        ),
        (
            None,
            noise.minibatch("reshuffle"),
            {},
            "with_replacement or population), got sampling='reshuffle'.",
        ),
        (None, noise.minibatch("without_replacement"), {}, "got sampling='without_replacement'."),
        (
            None,
            None,
            {"every": 2},
            "every must be None for 'first_passage', got 2: particles end at different steps.",
        ),
        (None, None, {"first_step": 3}, "first_step must be 0 for 'first_passage', got 3"),
        (None, None, {"steps": 0}, "steps must be >= 1 for 'first_passage', got 0."),
        (
            None,
            None,
            {"reducers": passage(above=1.0, component=2)},
            "component of 'first_passage' must be below dim = 2, got 2.",
        ),
    ],
)
def test_what_a_first_passage_cannot_be_combined_with_is_refused(moves, kicks, options, message):
    given = {"particles": 4, "steps": 5, "reducers": TOP} | options
    with pytest.raises(ValueError) as caught:
        ls.simulate(LINE, moves or dynamics.sgd(0.1), kicks, **given)
    assert message in str(caught.value)


@pytest.mark.slow
def test_lanes_are_not_idle():
    """Exponential passage times, 5000 particles, one thread: at most 15 % over the steps alone, the
    best of five of each.
    """
    model, kicks = ls.potentials.double_well(2), noise.gaussian([1.0, 1.0])

    def timed(particles, steps, region):
        begun = time.process_time()
        options = {
            "particles": particles,
            "steps": steps,
            "x0": [-1.0, 0.0],
            "seed": 1,
            "threads": 1,
            "block_size": 256,
        }
        found = ls.simulate(model, dynamics.sgd(0.1), kicks, reducers=region, **options)
        done = np.where(found.first_passage_step < 0, steps, found.first_passage_step).sum().item()
        return (time.process_time() - begun) / done

    timed(16, 1, passage(above=0.0))
    cost = min(timed(5000, 10**6, passage(above=0.0)) for _ in range(5))
    ideal = min(timed(2048, 2500, passage(above=1e6)) for _ in range(5))
    print(
        f"\n{1e9 * cost:.2f} ns a step with passages, {1e9 * ideal:.2f} ns without: "
        f"{cost / ideal:.3f}"
    )
    assert cost < 1.15 * ideal
