"""The vector type: each operator gives in each lane the bits that the plain Python text gives for
that particle.
"""

import itertools
from fractions import Fraction

import numba
import numpy as np
import pytest
from numba.core.errors import TypingError

from langevin_sgd.kernels.bits import (
    JIT,
    OPTIONS,
    all_lanes,
    bits_float,
    float_bits,
    fma,
    kernel,
    sqrt,
    where,
)
from langevin_sgd.kernels.functions import interpreted
from langevin_sgd.kernels.lanes import WIDTH
from langevin_sgd.kernels.rng import lane_numbers
from langevin_sgd.kernels.views import store_words, view

compiled_only = pytest.mark.skipif(not JIT, reason="in interpreted Python a lane is a number")

INF, NAN = np.inf, np.nan
SPECIAL = [0.0, -0.0, 1.0, -1.5, 1 / 3, 5e-324, -1e-310, 1e308, INF, -INF, NAN, 2.0**53 + 1]
PAIRS = np.array([*itertools.product(SPECIAL, SPECIAL)])
# Whole groups.
PAIRS = np.concatenate([PAIRS, np.random.default_rng(1).normal(size=(16 * 11 - len(PAIRS), 2))])
POSITION = np.arange(len(PAIRS), dtype=np.int64)

# Texts of two floats, two ints and one unsigned word each. A list of results, so that one
# compilation covers many operators.


@kernel
def float_texts(a, b):
    c = a
    c += b
    d = a
    d -= 2
    e = a
    e *= b
    f = a
    f /= b
    return (
        *(a + b, a - b, a * b, a / b, c, d, e, f, -a, +a, abs(a)),
        *(a + 1.5, 1.5 + a, a - 0.1, 0.1 - a),  # scalars widen
        *(3 * a, a * 3, a / 3, 1 / a),  # whole numbers too
        *(fma(a, b, a), fma(a, 2.0, b), fma(0.1, 0.1, b), fma(3, a, 1), sqrt(a), sqrt(abs(b))),
        *(bits_float(float_bits(a)), bits_float(float_bits(a) ^ float_bits(b))),
    )


@kernel
def mask_texts(a, b):
    """where() with conditions of every kind; the masks themselves are in `and_or_not`."""
    c, d = a < b, a == a
    return (
        *(where(a < b, 1.0, 0.0), where(a <= b, 1.0, 0.0), where(a > b, 1.0, 0.0)),
        *(where(a >= b, 1.0, 0.0), where(a == b, 1.0, 0.0), where(a != b, 1.0, 0.0)),
        *(where(a < 1, 1.0, 0.0), where(b > a, 1.0, 0.0), where(c, 2.0, b), where(c, a, -1)),
        *(where(c & d, a, b), where(c | d, a, b), where(c ^ d, a, b), where(True, a, b)),
        *(where(c & True, a, b), where(False | c, a, b), where(c, a, where(d, b, 0.5))),
        *(where(float_bits(a) < float_bits(b), a, b), where(float_bits(a) == 0, 1.0, b)),
    )


@kernel
def int_texts(i, j):
    k = i
    k += j
    m = i
    m >>= 3
    return (
        *(i + j, i - j, i * j, i & j, i | j, i ^ j, i << 5, i >> 5, 1 << (j & 63), k, m),
        *(-i, +i, ~i, i + 7, 7 - i, 255 & i, i ^ -1),
        *(where(i < j, i, j), where(i >= 0, 1, i), where(i != j, i, 0)),
    )


@kernel
def word_texts(w, c):
    shifted = w * c
    shifted ^= w
    return (
        *(w + c, w - c, w * c, w & c, w | c, w ^ c, shifted, ~w),
        *(w << np.uint64(9), w >> np.uint64(9)),
        *(where(w > c, w, c), where(w <= c, w, c), where(w * c < w, w, w >> np.uint64(63))),
    )


@kernel
def in_groups_of_floats(text, a, b, out):
    for i in range(0, a.size, WIDTH):
        results = text(view(a, i, 1)[0], view(b, i, 1)[0])
        for k in range(len(results)):
            view(out, k * a.size + i, 1)[0] = results[k]


@kernel
def in_groups_of_ints(text, a, b, out):
    for i in range(0, a.size, WIDTH):
        results = text(float_bits(view(a, i, 1)[0]), float_bits(view(b, i, 1)[0]))
        for k in range(len(results)):
            store_words(out, k * a.size + i, results[k])


@kernel
def in_groups_of_words(text, start, c, size, out):
    for i in range(0, size, WIDTH):
        results = text(lane_numbers(start + np.uint64(i)), c)
        for k in range(len(results)):
            store_words(out, k * size + i, results[k])


def one_by_one(text, pairs, dtype):
    """The text in plain Python for each particle: (texts, particles)."""
    with np.errstate(all="ignore"):
        return np.array([interpreted(text)(a, b) for a, b in pairs], dtype=dtype).T


def assert_same_bits(found, expected):
    """A nan may carry any payload: hardware and compilers choose it freely."""
    for k, (row, exact) in enumerate(zip(found, expected, strict=True)):
        np.testing.assert_array_equal(np.isnan(row), np.isnan(exact), err_msg=f"text {k}")
        equal = row.view(np.int64) == exact.view(np.int64)
        assert np.all(equal | np.isnan(row)), f"text {k}, particles {np.flatnonzero(~equal)[:5]}"


@pytest.mark.interpreted
@pytest.mark.parametrize("text", [float_texts, mask_texts], ids=["float", "mask"])
def test_operators_on_floats(text):
    expected = one_by_one(text, PAIRS, float)
    out = np.empty(expected.shape)
    with np.errstate(all="ignore"):
        in_groups_of_floats(text, *np.ascontiguousarray(PAIRS.T), out.reshape(-1))
    assert_same_bits(out, expected)


INT_PAIRS = np.concatenate(
    [PAIRS.view(np.int64)[::2], np.random.default_rng(2).integers(-(2**63), 2**63 - 1, (88, 2))]
)


@pytest.mark.interpreted
def test_operators_on_ints():
    expected = one_by_one(int_texts, INT_PAIRS, np.int64)
    out = np.empty(expected.shape, np.int64)
    with np.errstate(all="ignore"):
        in_groups_of_ints(
            int_texts, *np.ascontiguousarray(INT_PAIRS.T).view(float), out.reshape(-1)
        )
    np.testing.assert_array_equal(out, expected)


@pytest.mark.interpreted
@pytest.mark.parametrize("start", [0, 2**32 - 20, 2**63 - 20, 2**64 - 40])
def test_operators_on_words_are_unsigned(start):
    """Around 2^63 and 2^64 a signed comparison or shift would give something else."""
    size, c = 32, np.uint64(0x9E3779B97F4A7C15)
    expected = one_by_one(word_texts, [(np.uint64(start + i), c) for i in range(size)], np.uint64)
    out = np.empty(expected.shape, np.int64)
    with np.errstate(all="ignore"):
        in_groups_of_words(word_texts, np.uint64(start), c, size, out.reshape(-1))
    np.testing.assert_array_equal(out.view(np.uint64), expected)


@pytest.mark.interpreted
def test_fma_rounds_once():
    """Against exact rational arithmetic; a product rounded before the addition is wrong in most
    cases (the twin).
    """
    rows = np.random.default_rng(3).normal(size=(3, 160))
    rows[2] = -rows[0] * rows[1]  # cancels to the rounding error of the product
    exact = [float(Fraction(a) * Fraction(b) + Fraction(c)) for a, b, c in rows.T.tolist()]
    out = np.empty(160)
    fused(*rows, out)
    assert out.tolist() == exact
    assert np.sum(rows[0] * rows[1] + rows[2] != exact) > 100


@kernel
def fused(a, b, c, out):
    for i in range(0, a.size, WIDTH):
        view(out, i, 1)[0] = fma(view(a, i, 1)[0], view(b, i, 1)[0], view(c, i, 1)[0])


@kernel
def count_full(a, out):
    for i in range(0, a.size, WIDTH):
        mask = view(a, i, 1)[0] <= 1.0
        out[i // WIDTH] = 2 * all_lanes(mask) + all_lanes(~mask)


@compiled_only
def test_all_lanes_asks_every_lane():
    a = np.zeros((WIDTH + 4, WIDTH))
    for lane in range(WIDTH):
        a[lane, lane] = [2.0, np.nan][lane % 2]  # a comparison with nan holds nowhere
    a[WIDTH], a[WIDTH + 1], a[WIDTH + 2, 1:] = 2.0, np.nan, 2.0
    out = np.empty(len(a), np.int64)
    count_full(a.reshape(-1), out)
    assert out.tolist() == [0] * WIDTH + [1, 1, 0, 2]


@kernel
def numbers(first, out):
    store_words(out, 0, lane_numbers(first))


@pytest.mark.interpreted
def test_lanes_are_numbered_from_the_first():
    out = np.empty(WIDTH, np.int64)
    numbers(np.uint64(2**40 - 3), out)
    assert out.tolist() == [2**40 - 3 + lane for lane in range(WIDTH)]


REFUSED = {
    "a branch": lambda a: 1.0 if a > 0.0 else a,
    "and": lambda a: where(a > 0.0 and a < 1.0, a, 0.0),
    "not": lambda a: where(not a > 0.0, a, 0.0),
    "a power": lambda a: a**2,
    "float of lanes": lambda a: float(a),
    "division of ints": lambda a: float_bits(a) / 3,
    "bits of a mask": lambda a: (a > 0.0) + (a > 1.0),
    "floats and ints": lambda a: a + float_bits(a),
    "bits of a float": lambda a: a & 1,
}


@compiled_only
@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_lanes_cannot_do_does_not_compile(text):
    text = numba.njit(**OPTIONS)(text)

    @numba.njit(**OPTIONS)
    def run(a):
        text(view(a, 0, 1)[0])

    with pytest.raises(TypingError):
        run(np.zeros(WIDTH))
