"""Random numbers in depth: 10^9 normals, 10^5 counters against randomgen, and dieharder on the
words as the engine takes them.

The numbers are those of the engine's own `fill_normals`: 16384 particles, 16 normals each in a
step, 3815 steps. Held to 4 standard errors are 8 moments, 10 tails and 11 x 4 correlations between
neighbouring addresses: 62 numbers, of which a perfect generator would lose one for 1 seed in 250.
dieharder is a program of its own; without it its tests are skipped. Its full battery:

    python tests/random_words.py | dieharder -a -g 200 -k 2
"""

import math
import shutil
import subprocess

import numpy as np
import pytest
import random_words
from scipy.special import ndtr

from langevin_sgd.kernels import rng
from langevin_sgd.kernels.bits import kernel
from langevin_sgd.kernels.lanes import WIDTH
from langevin_sgd.kernels.rng import Address, Places, Stream, lane_numbers
from langevin_sgd.kernels.views import store_words

pytestmark = pytest.mark.slow

PARTICLES, ROWS, STEPS, FEW_STEPS = 16384, 16, 3815, 40
HERE = {"seed": 2026, "step": 0, "particle": 0, "stream": int(Stream.NOISE_NORMAL), "draw": 0}
FAR = {
    "step, high bits": {"step": 2**32},
    "particle, high bits": {"particle": 2**32},
    "stream": {"stream": 1},
    "seed": {"seed": 1},
    "seed, high bits": {"seed": 2**32},
}
MEANS = [math.prod(range(1, k, 2)) * (k % 2 == 0) for k in range(17)]  # E z^k
THRESHOLDS = np.arange(1.0, 6.0)


def normals(at, **shift):
    """The normals of all particles in step `at`: one row of PARTICLES after the other, flat."""
    address = Address._make(
        np.uint64(start + shift.get(name, 0)) for name, start in (HERE | {"step": at}).items()
    )
    groups = PARTICLES // WIDTH
    z = np.empty((groups, ROWS, WIDTH))
    rng.fill_normals(z.reshape(-1), Places(0, ROWS * WIDTH, ROWS, groups), address)
    return z.transpose(1, 0, 2).reshape(-1)


def neighbours(here, before, step):
    """Pairs of arrays whose addresses differ by one thing; the ends of rows pair numbers that
    differ by two.
    """
    yield "particle", here[:-1], here[1:]
    yield "group", here[:-WIDTH], here[WIDTH:]
    rows = here.reshape(ROWS, PARTICLES)
    yield "pair", rows[0::2].ravel(), rows[1::2].ravel()
    yield "number", here[:-PARTICLES], here[PARTICLES:]
    yield "draw", here[: -2 * PARTICLES], here[2 * PARTICLES :]
    yield "step", before, here
    for name, shift in FAR.items():
        yield name, here, normals(step, **shift)


def survey(steps, spoil=lambda here, before: here):
    """z-scores of moments (8), tails (2, 5) and correlations {neighbour: (4,)} over the normals of
    `steps` steps.

    `spoil(here, before)` damages the normals of a step, given those of the step before.
    """
    powers, beyond, products, pairs = np.zeros(8), np.zeros((2, 5)), {}, {}
    before = normals(0)
    for step in range(1, steps + 1):
        fresh = normals(step)
        here = spoil(fresh, before)
        squares = here * here
        cubes, fourths = squares * here, squares * squares
        odd, even = (
            (here, cubes, fourths @ here, fourths @ cubes),
            (squares, fourths, cubes @ cubes, fourths @ fourths),
        )
        powers += [value.sum() for pair in zip(odd, even, strict=True) for value in pair]
        beyond += [[np.count_nonzero(sign * here > t) for t in THRESHOLDS] for sign in (1, -1)]
        for name, a, b in neighbours(here, before, step):
            a2, b2 = a * a - 1, b * b - 1
            products[name] = products.get(name, 0) + np.array([a @ b, a2 @ b2, a @ b2, a2 @ b])
            pairs[name] = pairs.get(name, 0) + a.size
        before = fresh
    total = steps * PARTICLES * ROWS
    wide = [math.sqrt(total * (MEANS[2 * k] - MEANS[k] ** 2)) for k in range(1, 9)]
    tail = total * ndtr(-THRESHOLDS)
    correlations = {
        name: products[name] / np.sqrt(pairs[name] * np.array([1, 4, 2, 2])) for name in products
    }
    return (
        (powers - total * np.array(MEANS[1:9])) / wide,
        (beyond - tail) / np.sqrt(tail * ndtr(THRESHOLDS)),
        correlations,
    )


@pytest.fixture(scope="module")
def billion():
    moments, tails, correlations = survey(STEPS)
    print(
        f"\n{STEPS * PARTICLES * ROWS} normals, in standard errors\nmoments "
        f"{moments.round(2)}\ntails\n{tails.round(2)}"
    )
    for name, z in correlations.items():
        print(f"{name:20s} {z.round(2)}")
    return moments, tails, correlations


def worst(z):
    return np.abs(z).max()


def test_moments_to_order_8_of_a_billion_normals(billion):
    assert worst(billion[0]) < 4


def test_tails_to_5_sigma_of_a_billion_normals(billion):
    assert worst(billion[1]) < 4


def test_neighbours_are_uncorrelated(billion):
    """z z', z^2 z'^2, z z'^2 and z^2 z' of each kind of neighbour."""
    assert len(billion[2]) == 11
    assert {name: z for name, z in billion[2].items() if worst(z) > 4} == {}


SPOILT = {
    "half a percent too wide": (0, lambda here, before: 1.005 * here),
    "cut at 3.9 sigma": (1, lambda here, before: np.clip(here, -3.9, 3.9)),
    "correlated by half a percent": (2, lambda here, before: here + 0.005 * before),
    "louder after a loud step": (
        2,
        lambda here, before: here * (1 + 0.005 * (before * before - 1)),
    ),
}


@pytest.mark.parametrize("fault", SPOILT)
def test_a_spoilt_normal_is_seen_in_a_hundredth_of_them(fault):
    """The twin."""
    part, spoil = SPOILT[fault]
    found = survey(FEW_STEPS, spoil)[part]
    assert worst(found["step"] if part == 2 else found) > 4


# ---- the words --------------------------------


@kernel
def groups_of_words(counters, out):
    """Philox at WIDTH counters that differ in word 1, a row: (c0, first c1, c2, c3, k0, k1)."""
    for row in range(len(counters)):
        c0, first, c2, c3, k0, k1 = counters[row]
        words = rng.philox(c0, lane_numbers(first), c2, c3, k0, k1)
        for k in range(4):
            store_words(out, (4 * row + k) * WIDTH, words[k])


def test_a_hundred_thousand_counters_agree_with_randomgen():
    """randomgen counts before it draws: ours at counter + 1."""
    randomgen = pytest.importorskip("randomgen")
    counters = np.random.default_rng(0).integers(
        0, 2**32 - WIDTH, (100_000 // WIDTH, 6), dtype=np.uint64
    )
    counters[0, 1] = 2**32 - WIDTH
    out = np.empty(counters.size // 6 * 4 * WIDTH, np.int64)
    groups_of_words(counters, out)
    ours, theirs = out.reshape(-1, 4, WIDTH).transpose(0, 2, 1).reshape(-1, 4), []
    for c0, first, c2, c3, k0, k1 in counters.tolist():
        for c1 in range(first, first + WIDTH):
            counter, key = c0 + (c1 << 32) + (c2 << 64) + (c3 << 96), k0 + (k1 << 32)
            theirs.append(
                randomgen.Philox(key=key, counter=counter - 1, number=4, width=32).random_raw(4)
            )
    assert len(theirs) == 100_000
    assert np.array_equal(ours, theirs)


def test_the_stream_is_the_words_in_the_order_of_the_engine():
    """First block, then the next block, in the order step, particle, word."""
    at = np.uint64(7), np.uint64(Stream.NOISE_NORMAL), np.uint64(0)
    stream = random_words.blocks(7)
    for first in (0, random_words.BLOCK):
        words = next(stream).reshape(random_words.STRETCH, random_words.BLOCK, 4)
        for step, lane in ((0, 0), (0, 1), (0, 17), (31, 255)):
            particle = np.uint64(first + lane)
            assert words[step, lane].tolist() == list(
                rng.words_at(at[0], np.uint64(step), particle, at[1], at[2], at[2])
            )


def dieharder(test, spoil=lambda words: words):
    """What one test of dieharder says of the stream: PASSED, WEAK (p below 0.005 or above 0.995) or
    FAILED (beyond 1e-6).
    """
    if shutil.which("dieharder") is None:
        pytest.skip("dieharder is not installed")
    command = ["dieharder", "-g", "200", "-k", "2", "-d", str(test), "-D", "assessment"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as program:
        try:
            for words in random_words.blocks(seed=1):
                program.stdin.write(spoil(words).tobytes())
        except BrokenPipeError:  # it has seen enough
            return program.stdout.read().decode().split()[-1]


@pytest.mark.parametrize("test", [2, 8, 100, 101])
def test_dieharder_finds_nothing(test):
    """Ranks of 32 x 32 bits, ones in bytes, ones, runs."""
    assert dieharder(test) in ("PASSED", "WEAK")


def test_dieharder_sees_one_bit_that_never_changes():
    """The twin."""
    assert dieharder(100, lambda words: words | np.uint32(1)) == "FAILED"
