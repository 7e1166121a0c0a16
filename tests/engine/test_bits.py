"""The promise of addresses: a run has the same bits for any threads, block size, chunks, `every`,
and in plain Python.

`NUMBA_DISABLE_JIT=1 python tests/engine/test_bits.py` prints the digests of all cases as JSON.
"""

import json
import warnings
from functools import cache
from hashlib import sha256

import numpy as np
import pytest
from numba.core import event
from plain_python import printed_by

import langevin_sgd as ls
from langevin_sgd.kernels.bits import JIT
from langevin_sgd.kernels.elementary import log1p, tanh

compiled_only = pytest.mark.skipif(
    not JIT, reason="runs the interpreted side in a process of its own"
)
# The interpreted side has the first FEW particles; neither count is a multiple of 16.
PARTICLES, FEW, STEPS = 333, 21, 40
random = np.random.default_rng(8)
START = random.normal(size=(PARTICLES, 8))
INPUTS, LABELS = random.normal(size=(70, 2)), random.integers(0, 2, 70)
ROOT = random.normal(size=(8, 8)) / 4

# ---- a user's models and noise -------------------------------


def ring_energy(p, x):
    return 0.5 * p.stiffness * (x[0] * x[0] + x[1] * x[1]) + log1p(x[0] * x[0])


def ring_gradient(p, x, out):
    out[0] = p.stiffness * x[0] + 2.0 * x[0] / (1.0 + x[0] * x[0])
    out[1] = p.stiffness * x[1]


def swirl(p, x, out):
    out[0] = -p.swirl * x[1]
    out[1] = p.swirl * tanh(x[0])


def edge_energy(p, x):
    return p.slope * abs(x[0]) + 0.5 * x[1] * x[1]


def edge_gradient(p, x, out):
    if x[0] > 0.0:  # does not run in lanes
        out[0] = p.slope
    else:
        out[0] = -p.slope
    out[1] = x[1]


def skewed(p, x, z, out):
    """Two normals and one uniform number."""
    out[0] = p.scale * (z[0] * z[1] + z[2] - 0.5) * (1.0 + x[0] * x[0]) / (1.0 + z[0] * z[0])


@cache
def cases():
    """name: (model, dynamics, noise, options of `simulate`)."""
    dynamics, gaussian, rates = ls.dynamics, ls.noise.gaussian, 0.2 / (1 + 0.1 * np.arange(STEPS))
    rate = ls.schedules.from_values(rates)
    batches = ls.schedules.from_values(1 + np.arange(STEPS) % 5)
    well = ls.potentials.double_well(2, 0.5, 2.0, coupling=0.5, tilt=0.1)
    pair = gaussian([1.0, 0.25])
    swirling = ls.Potential(
        "ring", ring_energy, ring_gradient, {"stiffness": 1.0, "swirl": 0.7}, 2, drift=swirl
    )
    edge = ls.Potential("edge", edge_energy, edge_gradient, {"slope": 0.5}, 2)
    user_noise = ls.GradientNoise("skewed", skewed, {"scale": 0.6}, normals=2, uniforms=1)
    line = ls.losses.linear_regression(START[:11, :3], START[:11, 3])
    label = ls.losses.logistic_regression(INPUTS, LABELS, 0.1)
    centers = ls.losses.quadratic_centers([[2.0, 0.3], [0.3, 1.0]], INPUTS[:6])
    matrix = ls.potentials.quadratic([[2.0, 0.5, 0.0], [0.5, 1.0, 0.1], [0.0, 0.1, 0.5]])
    flat = gaussian(np.outer([1, -1, 0.5], [1, -1, 0.5]) + np.diag([0.0, 0.0, 0.25]))  # rank 2
    torch = dynamics.sgd(rate, momentum=0.5, nesterov="torch", weight_decay=0.2)
    look_ahead = dynamics.sgd(0.05, batches, momentum=0.9, nesterov="lookahead")
    return {
        "sgd": (well, dynamics.sgd(0.1, batch_size=4), pair, {"loss": True}),
        "heavy ball": (well, dynamics.sgd(0.05, momentum=0.9), pair, {}),
        "torch": (well, torch, pair, {}),
        "look-ahead": (well, look_ahead, pair, {}),
        "euler": (well, dynamics.langevin(0.5, 0.05), pair, {}),
        "leimkuhler": (well, dynamics.langevin(0.5, rate, method="leimkuhler_matthews"), pair, {}),
        "baoab": (well, dynamics.underdamped_langevin(0.5, 1.0, 0.2), pair, {}),
        "not finite": (well, dynamics.sgd(0.4), pair, {}),
        "escaped": (
            well,
            dynamics.langevin(0.5, rate, method="leimkuhler_matthews"),
            pair,
            {"escape_radius": 1.7},
        ),
        "matrix": (matrix, dynamics.sgd(rate, batches, momentum=0.5), flat, {}),
        "one": (ls.potentials.double_well(1), dynamics.sgd(0.1, batch_size=3), user_noise, {}),
        "eight": (
            ls.potentials.double_well(8),
            dynamics.sgd(rate, weight_decay=0.1),
            gaussian(ROOT @ ROOT.T),
            {},
        ),
        "drift": (swirling, dynamics.sgd(0.1), None, {}),
        "branch": (edge, dynamics.sgd(0.1), pair, {}),
        "line": (
            line,
            dynamics.sgd(0.05, batches, momentum=0.5),
            ls.noise.minibatch(),
            {"loss": True},
        ),
        "label": (label, dynamics.sgd(0.5, batch_size=2), ls.noise.table_gaussian(), {"steps": 9}),
        "centers": (centers, dynamics.underdamped_langevin(0.5, 1.0, 0.2), None, {}),
    }


def run(name, particles, **options):
    model, dynamics, noise, given = cases()[name]
    given = {"steps": STEPS, **given}
    x0 = START[:particles, : model.dim]
    if dynamics.memory == "velocity":
        given["v0"] = 0.1 * START[:particles, -model.dim :]
    if "escape_radius" in given:
        x0 = x0 / np.maximum(1.0, np.linalg.norm(x0, axis=1, keepdims=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one case is made to diverge, one to branch: both warn
        return ls.simulate(
            model, dynamics, noise, particles=particles, x0=x0, seed=2**63 + 5, **given, **options
        )


def digests(dataset, particles=FEW):
    """SHA-256 of the bits of all variables of the first particles: for each stored step, and of
    what has no step.
    """
    few, found = dataset.isel(particle=slice(particles)), {}
    fixed = few.drop_dims("step")
    assert set(few.data_vars) >= {"x", "status", "stopped_at_step"}
    for step in (*dataset.step.values.tolist(), "end"):
        data = fixed if step == "end" else few.sel(step=step).drop_vars(fixed.data_vars)
        values = [np.ascontiguousarray(data[name].values) for name in sorted(data.data_vars)]
        found[str(step)] = sha256(b"".join(value.tobytes() for value in values)).hexdigest()
    return found


BASE = {"threads": 1, "block_size": 64, "chunk_steps": None, "every": 1}
VARIANTS = [
    {"threads": 2, "block_size": 16, "chunk_steps": 7, "every": 4},
    {"threads": 3, "block_size": 256, "chunk_steps": 1, "every": 3},
    {"threads": 2, "block_size": 64, "chunk_steps": 33, "every": None},
]
# Their like are among the others.
SLOW = {"centers", "drift", "eight", "euler", "label", "leimkuhler", "look-ahead", "matrix"}
SLOW |= {"torch"}
NAMES = [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in cases()]


@pytest.fixture(scope="module")
def in_plain_python():
    """The interpreted side runs beside the compiled one."""
    with printed_by(__file__) as results:
        yield lambda name: results()[name]


@compiled_only
@pytest.mark.parametrize("name", NAMES)
def test_bits_do_not_depend_on_how_a_run_is_cut(name, in_plain_python):
    base = digests(run(name, PARTICLES, **BASE), PARTICLES)
    for variant in VARIANTS:
        found, last = digests(run(name, PARTICLES, **variant), PARTICLES), len(base) - 2
        stored = {*range(0, last, variant["every"] or last), last, "end"}
        assert found == {str(step): base[str(step)] for step in stored}, variant


@compiled_only
@pytest.mark.parametrize("name", NAMES)
def test_compiled_and_interpreted_runs_have_the_same_bits(name, in_plain_python):
    """Also: a particle's path does not depend on how many others there are."""
    assert digests(run(name, PARTICLES, **BASE)) == in_plain_python(name)


@compiled_only
def test_the_cases_are_what_they_say():
    """Some particles leave, not at the same time and not all of them; digests see one bit."""
    for name, status in (("not finite", 1), ("escaped", 2)):
        end = run(name, PARTICLES, **BASE)
        left = end.stopped_at_step.values[end.status.values == status]
        assert (
            10 < left.size < PARTICLES - 10
            and len(np.unique(left)) > 3
            and np.any(end.status.values[:FEW] == status)
        )
        assert np.all(np.isfinite(end.x))
    dataset = run("sgd", FEW, **BASE)
    before = digests(dataset)
    dataset.x.values[7, 3, 1] = np.nextafter(dataset.x.values[7, 3, 1], 9.0)
    after = digests(dataset)
    assert [step for step in before if before[step] != after[step]] == ["7"]


@compiled_only
def test_parameters_are_data_a_sweep_compiles_nothing(monkeypatch):
    """Nor do particles, steps, seeds, starts, schedules or storage; the twin: another model does
    compile.
    """
    monkeypatch.setenv("LANGEVIN_SGD_CACHE", "off")
    dynamics, noise = ls.dynamics, ls.noise.gaussian
    run("sgd", 5)
    run("baoab", 5)
    with event.install_recorder("numba:compile") as recorder:
        for rate in (0.01, 0.2, ls.schedules.from_values([0.1] * 3)):
            well = ls.potentials.double_well(2, barrier=2.0, coupling=-0.1)
            given = {"particles": 40, "steps": 3, "x0": [0.1, 0.2], "every": 1}
            ls.simulate(well, dynamics.sgd(rate, 2), noise([2.0, 3.0]), **given)
        heavy = dynamics.underdamped_langevin(1.0, 0.1, 0.01, mass=2.0)
        ls.simulate(well, heavy, noise([0.0, 1.0]), particles=7, steps=2, seed=1, threads=2)
    assert not recorder.buffer
    with event.install_recorder("numba:compile") as recorder:
        ls.simulate(
            ls.potentials.from_expression("x**2 + x*y/7 + y**4", "x y"),
            dynamics.sgd(0.1),
            noise([1.0, 1.0]),
            particles=1,
            steps=1,
        )
    assert recorder.buffer


if __name__ == "__main__":
    print(json.dumps({name: digests(run(name, FEW, **BASE)) for name in cases()}))
