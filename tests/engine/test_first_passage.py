"""First passages against the whole path of the same particles, against the exact mean, and what
cannot be combined with them.
"""

import time
import warnings
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
import pytest

import langevin_sgd as ls

PARTICLES, STEPS = 333, 70
START = np.random.default_rng(3).normal(scale=0.5, size=(PARTICLES, 2)).clip(-0.95, 0.95)
WELL, PAIR = ls.potentials.double_well(2, 0.5, 2.0, 0.5, 0.1), ls.noise.gaussian([4.0, 2.0])
INPUTS = np.random.default_rng(1).normal(size=(13, 2))
LINE = ls.losses.linear_regression(INPUTS, np.linspace(-2, 2, 13))
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
RADIUS = {"escape_radius": 1.5}
SMALL, HEAVY = dynamics.sgd(0.05), dynamics.sgd(0.05, momentum=0.5)
BAOAB = dynamics.underdamped_langevin(0.5, 1.0, 0.1)
MATTHEWS = dynamics.langevin(0.7, 0.02, method="leimkuhler_matthews")
AHEAD = dynamics.sgd(0.05, momentum=0.5, nesterov="lookahead")
FRESH = noise.minibatch("population")


class Case(NamedTuple):
    model: Any
    dynamics: Any
    noise: Any
    region: Any = passage(above=0.9)
    inside: Any = lambda x: x[:, 0] >= 0.9  # the same region, of an array
    options: dict = {}


def disc(x):
    return (x[:, 0] - 0.8) ** 2 + x[:, 1] ** 2 < 0.16


def half_disc(x):
    return np.minimum(x[:, 0] - 0.8, 0) ** 2 + x[:, 1] ** 2 < 0.16


def low(x):
    return x[:, 0] <= -0.6


LOW = passage(below=-0.6)
CASES = {
    "sgd": Case(WELL, SMALL, PAIR, options=RADIUS),
    "walls": Case(BOX, BAOAB, None, passage(below=-0.7, component=1), lambda x: x[:, 1] <= -0.7),
    "heavy ball": Case(WELL, HEAVY, PAIR, passage(in_disc, DISC), disc, RADIUS),
    "branch": Case(WELL, SMALL, PAIR, passage(branching_disc, DISC), half_disc, RADIUS),
    "baoab": Case(WELL, BAOAB, PAIR),
    "langevin": Case(WELL, dynamics.langevin(0.7, 0.02), None),
    "hidden": Case(WELL, MATTHEWS, PAIR),
    "look-ahead": Case(WELL, AHEAD, PAIR),
    "not finite": Case(WELL, dynamics.sgd(0.4), PAIR, passage(in_disc, DISC), disc),
    "batches": Case(LINE, dynamics.sgd(0.1, 3), noise.minibatch(), LOW, low),
    "population": Case(
        POPULATION, dynamics.sgd(0.2, 3), FRESH, passage(above=0.4), lambda x: x[:, 0] >= 0.4
    ),
    "mean of 3": Case(WELL, dynamics.sgd(0.05, 3), noise.student_t(5.0, [4.0, 2.0])),
    "table": Case(LINE, dynamics.sgd(0.1, 2), noise.table_gaussian(), LOW, low),
    "substeps": Case(WELL, dynamics.sgd_diffusion(0.05, substeps=3), PAIR),
}
# The second: thermal noise, walls, and another component than the first.
FAST = "sgd", "walls"


def run(name, particles=PARTICLES, steps=STEPS, reducers=False, **options):
    case, start = CASES[name], START[:particles]
    moves = case.dynamics
    if not reducers and moves.substeps > 1:  # the path with every substep
        moves, steps = moves._replace(substeps=1), moves.substeps * steps
    options |= {"particles": particles, "steps": steps, "x0": start, "seed": 9} | case.options
    region = case.region if reducers else ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one function branches, one rate is too large
        return ls.simulate(case.model, moves, case.noise, reducers=region, **options)


def from_path(name):
    """(step of arrival, -1 for none; row where the particle ends; status; step of leaving) of each
    particle, one by one.
    """
    path, inside, substeps = run(name, every=1), CASES[name].inside, CASES[name].dynamics.substeps
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
    "name", [pytest.param(n, marks=() if n in FAST else pytest.mark.slow) for n in CASES]
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


@pytest.mark.parametrize("name", ["sgd", pytest.param("walls", marks=pytest.mark.slow)])
def test_bits_do_not_depend_on_lanes_and_threads(name):
    def digest(particles, **options):
        found = run(name, particles, reducers=True, **options)
        parts = (found[key].values.tobytes() for key in sorted(found.variables))
        return sha256(b"".join(parts)).hexdigest()

    for particles in (5, PARTICLES):
        base = digest(particles, threads=1, block_size=64)
        for threads, block_size in ((1, 16), (2, 16), (3, 64), (2, 256)):
            assert digest(particles, threads=threads, block_size=block_size) == base


def test_who_starts_there_has_arrived_at_once():
    options = {"x0": [0.9, 0.0], "reducers": passage(above=0.9)}
    found = ls.simulate(WELL, SMALL, PAIR, particles=20, steps=10**6, seed=1, **options)
    assert np.all(found.first_passage_step == 0) and found.first_passage_mean == 0
    assert found.first_passage_fraction == 1 and np.isnan(found.first_passage_rate)


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
    options = {"x0": [-1.0, 0.0], "reducers": passage(above=0.0), "seed": 2}
    found = ls.simulate(model, dynamics.sgd(RATE), kicks, particles=4000, steps=10**6, **options)
    assert found.first_passage_fraction == 1
    away = found.first_passage_mean - exact_mean()
    return (away / found.first_passage_mean_standard_error).item()


def test_the_mean_over_a_barrier_is_that_of_the_killed_operator():
    assert abs(z_of_the_mean(WIDE)) < 4


def test_noise_too_strong_by_a_root_of_two_is_seen():
    """The twin."""
    assert z_of_the_mean(2 * WIDE) < -20


# fmt: off
@pytest.mark.parametrize(("arguments", "message"), [
    ({}, "first_passage: give exactly one of reached, above and below, such as above=1.0; got 0."),
    ({"above": 1.0, "below": 0.0}, "first_passage: give exactly one of reached, above and below"),
    ({"above": "1"}, "above of 'first_passage' must be a number, got '1'."),
    ({"below": np.nan}, "below of 'first_passage' must be a finite number, got nan."),
    ({"above": 1.0, "component": -1}, "component of 'first_passage' must be >= 0, got -1."),
    ({"above": 1.0, "component": 0.5}, "component of 'first_passage' must be a whole number, got"),
    ({"above": 1.0, "name": "to the top"}, "must be text that can begin a variable's name"),
    ({"reached": 1.0}, "reached of 'first_passage' must be a plain Python function"),
    ({"reached": in_disc, "params": {"radius": "a"}},
     "parameter radius of 'first_passage' must be a number or"),
])
# fmt: on
def test_what_is_no_region_is_refused(arguments, message):
    with pytest.raises((TypeError, ValueError)) as caught:
        passage(**arguments)
    assert message in str(caught.value)


SCHEDULED = dynamics.sgd(ls.schedules.exponential(0.1, 0.9))
TOP, SECOND = passage(above=1.0), passage(above=1.0, component=2)
# fmt: off
@pytest.mark.parametrize(("options", "message"), [
    ({"reducers": [TOP, ls.reducers.moments()]}, "must be the only reducer of its run, got ["),
    ({"dynamics": SCHEDULED}, "learning_rate must be constant for 'first_passage': every"),
    ({"noise": noise.minibatch(shared=True)}, "needs batches drawn for each particle and step ("),
    ({"noise": noise.minibatch("reshuffle")}, "or population), got sampling='reshuffle'."),
    ({"noise": noise.minibatch("without_replacement")}, "got sampling='without_replacement'."),
    ({"every": 2}, "every must be None for 'first_passage', got 2: particles end at different"),
    ({"first_step": 3}, "first_step must be 0 for 'first_passage', got 3"),
    ({"steps": 0}, "steps must be >= 1 for 'first_passage', got 0."),
    ({"reducers": SECOND}, "component of 'first_passage' must be below dim = 2, got 2."),
])
# fmt: on
def test_what_a_first_passage_cannot_be_combined_with_is_refused(options, message):
    given = {"dynamics": dynamics.sgd(0.1), "particles": 4, "steps": 5, "reducers": TOP}
    with pytest.raises(ValueError) as caught:
        ls.simulate(LINE, **given | options)
    assert message in str(caught.value)


@pytest.mark.slow
def test_lanes_are_not_idle():
    """Exponential passage times, 5000 particles, one thread: at most 15 % over the steps alone, the
    best of five of each.
    """
    model, kicks = ls.potentials.double_well(2), noise.gaussian([1.0, 1.0])

    def timed(particles, steps, region):
        begun, options = time.process_time(), {"threads": 1, "block_size": 256, "seed": 1}
        options |= {"particles": particles, "steps": steps, "x0": [-1.0, 0.0]}
        found = ls.simulate(model, dynamics.sgd(0.1), kicks, reducers=region, **options)
        done = np.where(found.first_passage_step < 0, steps, found.first_passage_step).sum().item()
        return (time.process_time() - begun) / done

    timed(16, 1, passage(above=0.0))
    cost = min(timed(5000, 10**6, passage(above=0.0)) for _ in range(5))
    ideal = min(timed(2048, 2500, passage(above=1e6)) for _ in range(5))
    print(f"\n{1e9 * cost:.2f} ns a step with passages, {1e9 * ideal:.2f} ns without")
    assert cost < 1.15 * ideal


# ---- A wind along component 1: everybody arrives in a step that is known -------------------------


def blowing(speed):
    def wind(p, x, out):
        out[0] = 0.0
        out[1] = speed

    return wind


@pytest.mark.parametrize(
    ("speed", "substeps", "region", "arrival"),
    [
        (1.0, 1, {"above": 2.5, "component": 1}, 3),
        (-1.0, 1, {"below": -3.5, "component": 1}, 4),
        (1.0, 1, {"above": 5.0, "component": 0}, 0),
        (1.5, 3, {"above": 2.2, "component": 1}, 2),  # in the fifth update of half a length
    ],
)
def test_the_component_is_the_one_that_was_asked_for_and_steps_are_rounded_up(
    speed, substeps, region, arrival
):
    model = ls.potentials.quadratic([0.0, 0.0])._replace(drift=blowing(speed))
    moves = dynamics.sgd_diffusion(1.0, substeps=substeps) if substeps > 1 else dynamics.sgd(1.0)
    options = {"x0": [5.0, 0.0], "reducers": passage(**region), "seed": 1}
    found = ls.simulate(model, moves, particles=17, steps=9, **options)
    assert found.first_passage_step.values.tolist() == [arrival] * 17
    assert found.first_passage_mean == arrival and found.first_passage_fraction == 1
