"""`precision="float32"`: the exact laws of float64, bits that do not depend on how a run is cut,
statistics in float64.

`NUMBA_DISABLE_JIT=1 python tests/engine/test_single_precision.py` prints the digests of the cases
as JSON."""

import json
import re
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the interpreted side, which runs this
sys.path.insert(0, str(Path(__file__).parents[2] / "studies"))  # file as a script
from _oracle_cases import scores
from _oracle_runs import SIMULATIONS
from engine import test_bits as bits
from machine_code import llvm_of
from plain_python import printed_by
from z_scores import worst

import langevin_sgd as ls
from langevin_sgd.engine.domain import fold, wall_arrays
from langevin_sgd.engine.problem import make_problem
from langevin_sgd.engine.program import make_program
from langevin_sgd.kernels.bits import kernel
from langevin_sgd.kernels.lanes import WIDTH
from langevin_sgd.kernels.views import pack, unpack, view

NAMES = ["sgd", "escaped", "line"]
BOWL, SLOW = ls.potentials.quadratic([1.0]), ls.dynamics.sgd(1e-12)
SUMS = ls.reducers.moments()
run = partial(bits.run, precision="float32")

# ---- exact laws -------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "dw2d_aniso",
        pytest.param("ls_finite_5x2_hb with_replacement", marks=pytest.mark.slow),
        pytest.param("q2d_noncommuting_hb", marks=pytest.mark.slow),
        pytest.param("integrators_a baoab", marks=pytest.mark.slow),
    ],
)
def test_exact_laws_hold(name):
    """To 4 standard errors, which are at least 0.1 % of a moment, and 0.1 of them for rounding.

    A step rounds some eight times, by at most 2^-24 |x| each; the errors of the 100 steps that a
    particle remembers at most add up to at most 8 x 100 x 2^-24 = 4.8e-5 |x|, 0.01 % of a second
    moment. The twin: noise of twice the variance is seen."""
    given = {"particles": 100_000, "seed": 2024, "precision": "float32"}
    assert worst(scores(SIMULATIONS[name](), **given).values()) < 4.1
    assert worst(scores(SIMULATIONS[name](excess=2), **given).values()) > 5


# ---- bits -------------------------------


def in_the_well(**options):
    """The case "sgd" with other options."""
    model, dynamics, noise, _ = bits.cases()["sgd"]
    given = {"particles": bits.PARTICLES, "steps": bits.STEPS, "seed": 2**63 + 5}
    given |= {"x0": np.clip(bits.START[:, :2], -1, 1), "precision": "float32"}
    return ls.simulate(model, dynamics, noise, **given | options)


@pytest.mark.slow  # of the default suite: test_bits_of_rows, whose rows also run in plain Python
@bits.compiled_only
def test_bits_are_those_of_plain_python():
    with printed_by(__file__) as results:
        for name, expected in results().items():
            assert bits.digests(run(name, bits.PARTICLES, **bits.BASE)) == expected, name


@bits.compiled_only
@pytest.mark.parametrize("name", NAMES)
def test_bits_do_not_depend_on_how_a_run_is_cut(name):
    base = run(name, bits.PARTICLES, **bits.BASE)
    assert base.x.dtype == np.float32 and base.attrs["precision"] == "float32"
    expected = bits.digests(base, bits.PARTICLES)
    for variant in bits.VARIANTS:
        found = bits.digests(run(name, bits.PARTICLES, **variant), bits.PARTICLES)
        assert found == {step: expected[step] for step in found}, variant


@pytest.mark.slow
@bits.compiled_only
def test_first_passages_are_those_of_the_plain_run():
    """Lanes with a particle and a step of their own draw the same numbers, also those that two
    particles share.
    """
    path = in_the_well(every=1).x
    inside = path.values[:, :, 0] >= 1.05
    expected = np.where(inside.any(axis=0), inside.argmax(axis=0), -1)
    assert 20 < np.sum(expected > 0) < bits.PARTICLES
    for layout in ({"threads": 1, "block_size": 64}, {"threads": 2, "block_size": 16}):
        found = in_the_well(reducers=ls.reducers.first_passage(above=1.05), **layout)
        np.testing.assert_array_equal(found.first_passage_step, expected)
        ends = path.values[np.where(expected < 0, bits.STEPS, expected), np.arange(bits.PARTICLES)]
        np.testing.assert_array_equal(found.x[-1], ends)


# ---- what is float64, and what is not -------------------------------


def resting(x0, **options):
    """16 particles in a bowl that does not move them: what a step changes is below the spacing of
    float32.
    """
    options |= {"particles": 16, "precision": "float32", "reducers": SUMS, "threads": 1}
    return ls.simulate(BOWL, SLOW, x0=[x0], seed=1, **options)


@pytest.mark.slow
@bits.compiled_only
def test_sums_of_ten_million_readings_are_exact():
    start = np.float32(0.1)
    steps = 625_000
    found = resting(start, steps=steps)
    assert np.all(found.x == start)
    assert found.moments_mean.item() == pytest.approx(float(start), rel=1e-11)
    in_single = np.add.accumulate(np.full(steps, start))[-1] / steps
    assert abs(in_single / start - 1) > 1e-4  # the twin


def kernel_of(precision):
    """The kernel of a float32 or float64 run."""
    model, dynamics, noise, _ = bits.cases()["sgd"]
    options = {"particles": 1, "steps": 1, "seed": 1, "precision": precision}
    ls.simulate(model, dynamics, noise, **options)
    return make_program(make_problem(model, dynamics, noise, **options)).kernel


@bits.compiled_only
def test_a_float32_kernel_computes_no_lanes_of_float64():
    lanes = re.compile(rf"<{WIDTH} x double>")
    assert not lanes.search(llvm_of(kernel_of("float32")))
    assert lanes.search(llvm_of(kernel_of("float64")))  # the twin


# ---- limits -------------------------------


@bits.compiled_only
def test_a_particle_whose_square_overflows_float32_is_not_finite():
    """x -> -2 x from 1: after 64 steps x^2 = 2^128, which float32 does not hold."""
    options = {"particles": 20, "steps": 70, "x0": [1.0], "precision": "float32"}
    threshold = pytest.warns(UserWarning, match="threshold")
    with threshold, pytest.warns(UserWarning, match="particles left"):
        end = ls.simulate(BOWL, ls.dynamics.sgd(3.0), seed=1, reducers=SUMS, **options)
    assert np.all(end.status == 1) and np.all(end.stopped_at_step == 64)
    assert np.all(end.x[-1] == -(2.0**63))


@pytest.mark.interpreted
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "single"}, "precision must be"),
        ({"precision": np.float32}, "precision must be"),
        ({"x0": [3e19]}, r"x0 must have |x0| below 1.8e19 for precision='float32'"),
        ({"escape_radius": 1e20}, "escape_radius must be"),
    ],
)
def test_what_float32_cannot_do_is_refused(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ls.simulate(BOWL, SLOW, **({"particles": 1, "steps": 1, "precision": "float32"} | options))


@kernel
def folded(walls, x):
    for group in range(x.shape[0]):
        fold(walls, view(x, group * WIDTH, 1), view(x, group * WIDTH, 1), 1, False)


@pytest.mark.interpreted
@pytest.mark.parametrize("kind", ["periodic", "reflecting"])
def test_walls_put_particles_back_from_far_away(kind):
    """The twin: rounding by 1.5 x 2^52, as in float64, would give multiples of 2^29 in float32."""
    start = np.linspace(-9.0, 9.0, 37)[:, None]
    x = pack(start, np.float32)
    folded(wall_arrays([(kind, -0.5, 1.5)]), x)
    there = {"periodic": (start + 0.5) % 2 - 0.5, "reflecting": np.abs((start + 2.5) % 4 - 2) - 0.5}
    expected = there[kind]
    np.testing.assert_allclose(unpack(x, 37), expected, atol=2e-6)
    assert (np.float32(2.5) + np.float32(1.5 * 2**52)) - np.float32(1.5 * 2**52) == 0.0


@bits.compiled_only
def test_a_run_goes_on_from_its_float32_end():
    """Also where a particle lies on the edge of what is inside, rounded."""
    half = in_the_well(steps=20).x[-1]
    rest = in_the_well(x0=half, steps=20, first_step=20)
    np.testing.assert_array_equal(rest.x[-1], in_the_well().x[-1])
    assert not resting(np.float32(1.7), steps=1, escape_radius=1.7).status.any()


if __name__ == "__main__":
    print(json.dumps({name: bits.digests(run(name, bits.FEW, **bits.BASE)) for name in NAMES}))
