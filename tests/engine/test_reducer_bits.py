"""Reducers have the same bits for any threads, block size and chunks, while particles leave, and in
plain Python.

`NUMBA_DISABLE_JIT=1 python tests/engine/test_reducer_bits.py` prints the digests of the small runs
as JSON."""

import itertools
import json
import warnings
from hashlib import sha256

import numpy as np
import pytest
from plain_python import printed_by

import langevin_sgd as ls
from langevin_sgd.kernels.bits import JIT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not JIT, reason="runs the interpreted side in a process of its own"),
]
WELL = ls.potentials.double_well(2, 0.5, 2.0, coupling=0.5, tilt=0.1)
NOISE = ls.noise.gaussian([4.0, 2.0])
START = np.random.default_rng(8).normal(scale=0.7, size=(2000, 2)).clip(-1.1, 1.1)
CENTRES = ls.losses.quadratic_centers([1.0, 2.0], START[:6])
DRAWN, BATCHES = (WELL, NOISE), (CENTRES, ls.noise.minibatch("reshuffle"))
# what is run, learning rate, radius
CASES = {
    "nobody leaves": (DRAWN, 0.05, None),
    "escaped": (DRAWN, 0.05, 1.56),
    "not finite": (DRAWN, 0.3, None),
    "minibatches": (BATCHES, 0.05, None),
}


def branching(p, acc, step, before, x, v, g, xi):
    if x[0] > before[0]:
        acc[0] += xi[1] * step
    else:
        acc[1] += x[1] * v[0]


REDUCERS = (
    ls.reducers.moments(every=3, start=4),
    ls.reducers.currents(-1.0, 1.0, (5, 4), every=2),
    ls.reducers.autocovariance([0, 4, 6], every=2, start=1),
    ls.reducers.displacement([3, 20]),
    ls.reducers.rotation(every=4),
    ls.reducers.energy(0.0, 1.5, 9, every=2),
    ls.reducers.gradient_noise(every=3, windows=4),
    ls.Reducer("branching", branching, {}, 2),
)


def run(case, particles, steps=75, **options):
    (model, noise), rate, radius = CASES[case]
    given = {"x0": START[:particles], "seed": 4, "escape_radius": radius, "reducers": REDUCERS}
    moves = ls.dynamics.sgd(rate, 2, momentum=0.5)
    with warnings.catch_warnings():
        # One text branches, particles leave, and one rate is too large: all warn.
        warnings.simplefilter("ignore")
        return ls.simulate(
            model, moves, noise, particles=particles, steps=steps, **given, **options
        )


def digest(dataset):
    """SHA-256 of the bits of all variables."""
    assert {"moments_covariance", "currents_count", "branching_mean"} <= set(dataset)
    values = [np.ascontiguousarray(dataset[name].values) for name in sorted(dataset.variables)]
    return sha256(b"".join(value.tobytes() for value in values)).hexdigest()


WAYS = list(itertools.product((1, 2, 3), (16, 64, 256), (1, 7, 33, None)))
SIZES = [5, 333, 2000]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("particles", SIZES)
def test_bits_do_not_depend_on_how_a_run_is_cut(case, particles):
    """Each way of cutting occurs with some number of particles; the digest sees one bit."""
    base = run(case, particles, threads=1, block_size=64)
    left = base.stopped_at_step.values
    if CASES[case][-1] is None and case != "not finite":
        assert np.all(left < 0)
    elif particles > 5:
        assert len(np.unique(left % 32)) > 8 and 10 < np.sum(left >= 0) < particles - 5
    for way in WAYS[SIZES.index(particles) :: 3]:
        cut = dict(zip(("threads", "block_size", "chunk_steps"), way, strict=True))
        assert digest(run(case, particles, **cut)) == digest(base), way
    before = digest(base)
    base.moments_mean.values[0] = np.nextafter(base.moments_mean.values[0], 9.0)
    assert digest(base) != before


def test_what_diverged_is_not_read():
    """A particle counts until it leaves; what it would be afterwards is nan, and one nan would
    spoil the mean.
    """
    found = run("not finite", 2000)
    last = np.where(found.stopped_at_step < 0, 75, found.stopped_at_step - 1)
    assert np.any(found.status == 1)
    assert found.moments_observations == np.sum((last - 4).clip(0) // 3)
    for name in ("moments_mean", "branching_mean", "currents_current", "displacement_mean_square"):
        assert np.all(np.isfinite(found[name])), name


def test_compiled_and_interpreted_reducers_have_the_same_bits():
    with printed_by(__file__) as results:
        assert few() == results()


def few():
    """Digests of runs of 21 particles."""
    return {case: digest(run(case, 21, 20, threads=1, block_size=16)) for case in CASES}


if __name__ == "__main__":
    print(json.dumps(few()))
