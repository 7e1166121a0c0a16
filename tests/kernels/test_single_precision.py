"""Single precision: lanes of float32 that no literal and no parameter widens, with the same bits in
interpreted Python.
"""

import itertools
from collections import namedtuple

import numba
import numpy as np
import pytest
from numba.core.errors import TypingError

from langevin_sgd.kernels import elementary as el
from langevin_sgd.kernels.bits import JIT, OPTIONS, all_lanes, fma, kernel, sqrt, where
from langevin_sgd.kernels.functions import interpreted
from langevin_sgd.kernels.lanes import WIDTH
from langevin_sgd.kernels.precisions import as_double, as_single
from langevin_sgd.kernels.single_precision import Single
from langevin_sgd.kernels.views import (
    column,
    empty_groups,
    flat,
    gathered_row,
    pack,
    table_row,
    view,
    wide_view,
)

compiled_only = pytest.mark.skipif(not JIT, reason="in interpreted Python a lane is a number")

INF, NAN = np.inf, np.nan
SPECIAL = [0.0, -0.0, 1.0, -1.5, 1 / 3, 1e-45, -1e-40, 3e38, INF, -INF, NAN, 2.0**24 + 1]
PAIRS = np.array([*itertools.product(SPECIAL, SPECIAL)])
MORE = np.random.default_rng(1).normal(size=(WIDTH * 12 - len(PAIRS) % WIDTH, 2))
PAIRS = np.concatenate([PAIRS, MORE]).astype(np.float32)

Parameters = namedtuple("Parameters", "rate weights")
P = Parameters(np.float64(0.7), np.array([0.1, 0.2, 0.3]))  # none of them is a float32


@kernel
def operators(p, a, b):
    c = a
    c += b
    d = 0.1 * p.rate  # scalars among themselves stay float64
    e = 0.0
    for k in range(3):
        e = e + p.weights[k] * a
    narrow = as_single(p.rate)
    return (
        *(a + b, a - b, a * b, a / b, c, -a, +a, abs(a), d * a, e, a * d - b / p.rate),
        *(1 / a, 3 * a, a - 16777217, sqrt(a), sqrt(abs(b)), narrow * a, 0.1 * narrow * b),
        *(fma(a, b, a), fma(a, 0.1, b), fma(0.1, 0.1, b), fma(p.rate, a, 1)),
        *(as_single(as_double(a) * p.rate) * 0.1, as_single(as_double(a) * as_double(b))),
        as_single(as_double(a) * 0.1) * b,
    )


@kernel
def choices(p, a, b):
    c, d = a < b, a == a
    return (
        *(where(a < b, 1.0, 0.1) * p.rate, where(a <= b, 0.1, b) * p.rate),
        *(where(c & d, 0.1, 0.2) * p.rate, where(~c, a, -1), where(c | d, a, b)),
        *(where(c ^ d, a, b), where(a > b, 0.3, 0.1), where(a >= b, 0.3, 0.1)),
        *(where(a != b, 0.3, 0.1), where(True, a, b), where(p.rate > 0.5, a, 0.1) * 0.1),
        *(where(False, a, 0.1) * 0.1, where(c & True, 0.1, where(d, b, 0.5))),
        *(el.minimum(a, b), el.maximum(a, 0.1), el.minimum(0.1, b) * p.rate),
        *(el.powi(a, 3), el.powi(b, -2), el.powi(a, 0)),
    )


@kernel
def functions(p, a, b):
    s, c = el.sincos(a)
    t, u = el.sincos_turn(b * b)
    return (
        *(el.exp(a), el.expm1(a), el.tanh(a), el.sigmoid(a), el.softplus(a), el.log(abs(a))),
        *(el.log1p(b), el.sin(b), el.cos(b), s, c, t, u),
        *(el.log_unit(b * b + 0.1), el.exp(0.1 * a) * p.rate, el.exp(p.rate) * a),
    )


@kernel
def branches(p, a, b):
    scale = where(a > b, 0.1, 0.2) * p.rate
    if a > 0.0 and not b > 0.1:
        return (scale * el.exp(0.1 * a), a)
    return (scale, p.rate * b)


@kernel
def in_lanes(text, p, a, b, out):
    for i in range(0, a.size, WIDTH):
        results = text(p, view(a, i, 1)[0], view(b, i, 1)[0])
        for k in range(len(results)):
            view(out, k * a.size + i, 1)[0] = results[k]


@kernel
def one_by_one(text, p, a, b, out):
    for i in range(a.size):
        results = text(p, column(a, i, 1)[0], column(b, i, 1)[0])
        for k in range(len(results)):
            column(out, k * a.size + i, 1)[0] = results[k]


def in_python(text, pairs, kind=Single):
    """The text in plain Python for each particle, (results, particles)."""
    text = interpreted(text)
    with np.errstate(all="ignore"):
        return np.array(
            [[np.float32(value) for value in text(P, kind(a), kind(b))] for a, b in pairs]
        ).T


def assert_same_bits(found, expected):
    """A nan may carry any payload."""
    for k, (row, exact) in enumerate(zip(found, expected, strict=True)):
        equal = (row.view(np.int32) == exact.view(np.int32)) | (np.isnan(row) & np.isnan(exact))
        assert np.all(equal), f"result {k}, particles {np.flatnonzero(~equal)[:5]}"


def run(loop, text, pairs, results):
    out = np.empty((results, len(pairs)), np.float32)
    with np.errstate(all="ignore"):
        loop(text, P, *np.ascontiguousarray(pairs.T), out.reshape(-1))
    return out


@pytest.mark.interpreted
@pytest.mark.parametrize("text", [operators, choices], ids=["operators", "choices"])
def test_lanes_and_columns_have_the_bits_of_the_interpreted_text(text):
    expected = in_python(text, PAIRS)
    for loop in in_lanes, one_by_one:
        assert_same_bits(run(loop, text, PAIRS, len(expected)), expected)


def test_a_text_that_branches_has_the_bits_of_the_interpreted_one():
    expected = in_python(branches, PAIRS)
    assert_same_bits(run(one_by_one, branches, PAIRS, 2), expected)


def test_plain_float32_scalars_would_give_other_bits():
    """The twin: a float64 parameter widens numpy's own float32, so that the test above would see a
    widened literal.
    """
    pairs = PAIRS[-WIDTH:]
    with pytest.raises(AssertionError, match="result"):
        assert_same_bits(in_python(operators, pairs, np.float32), in_python(operators, pairs))


@compiled_only
def test_functions_are_computed_in_float64_and_rounded_once():
    x = np.concatenate(
        [PAIRS, np.random.default_rng(2).uniform(-90, 90, (WIDTH * 20, 2)).astype(np.float32)]
    )
    out = run(in_lanes, functions, x, 16)
    assert_same_bits(out[:, ::7], in_python(functions, x[::7]))
    wide = np.empty(len(x))

    @kernel
    def exponentials(x, wide):
        for i in range(x.size):
            wide[i] = el.exp(x[i])

    exponentials(x[:, 0].astype(float), wide)
    with np.errstate(over="ignore"):
        assert_same_bits(out[:1], wide.astype(np.float32)[None])


def llvm(text):
    compiled = numba.njit(**OPTIONS)(in_lanes.py_func)
    a = np.zeros(WIDTH, np.float32)
    compiled(text, P, a, a, np.zeros(16 * WIDTH, np.float32))
    return compiled.inspect_llvm(compiled.signatures[0])


@compiled_only
def test_no_literal_and_no_parameter_widens_the_code():
    @kernel
    def narrow(p, a, b):
        return (
            fma(0.1 * a, p.rate, 4.0) / b,
            where(a < b, 0.1, p.weights[0] * a) + sqrt(abs(b)),
            2 * a - p.rate,
        )

    @kernel
    def widened(p, a, b):
        return as_single(as_double(a) * p.rate), b

    code = llvm(narrow)
    assert "fpext" not in code and "x double>" not in code
    assert f"<{WIDTH} x float>" in code and "llvm.fma.v16f32" in code
    assert "fpext" in llvm(widened)  # the twin


REFUSED = {
    "singles and floats": lambda a, b: a + b,
    "fma of both": lambda a, b: fma(a, a, b),
    "a choice of both": lambda a, b: where(a > 0.0, a, b),
    "a single's condition on floats": lambda a, b: where(a > 0.0, b, 0.0),
    "a branch": lambda a, b: 1.0 if a > 0.0 else a,
}


@compiled_only
@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_does_not_mix_does_not_compile(text):
    text = numba.njit(**OPTIONS)(text)

    @numba.njit(**OPTIONS)
    def both(a, b):
        text(view(a, 0, 1)[0], view(b, 0, 1)[0])

    with pytest.raises(TypingError):
        both(np.zeros(WIDTH, np.float32), np.zeros(WIDTH))


# ---- memory --------------------------------


@kernel
def through_memory(x, table, rows, wide, narrow, checks):
    first, second = view(flat(x), 0, 2), wide_view(flat(x), 0, 2)
    wide_out, narrow_out = view(wide, 0, 6), view(narrow, 0, 6)
    wide_out[0] = first[0]  # widens
    wide_out[1] = first[0] * first[1]  # rounded, then widened
    wide_out[2] = second[0] * second[1]  # exact in float64
    narrow_out[0] = second[0] * second[1]  # rounded once, when it is stored
    narrow_out[1] = 0.1
    own, same = gathered_row(table, rows, 0, 3), table_row(table, 2, 3)
    narrow_out[2] = own[1] * first[0]
    narrow_out[3] = same[-1] * first[0]
    narrow_out[4] = own[-1]
    narrow_out[4] += first[1]
    wide_out[3] = as_double(own[0])
    wide_out[4] = as_double(first[0]) * 0.1
    narrow_out[5] = as_single(second[0] * 0.1) * 0.1
    wide_out[5] = as_double(column(x, 0, 2)[1]) * 0.1
    checks[0] = all_lanes(first[0] == first[0])
    checks[1] = all_lanes(first[0] < first[0])


@pytest.mark.interpreted
def test_what_is_stored_takes_the_precision_of_its_array():
    random = np.random.default_rng(4)
    x = pack(random.normal(size=(WIDTH, 2)), np.float32)
    table = random.normal(size=(5, 3)).astype(np.float32)
    rows = random.integers(0, 5, WIDTH)
    wide, narrow, checks = empty_groups(1, 6), empty_groups(1, 6, np.float32), np.zeros(2, np.int64)
    through_memory(x, table, rows, wide, narrow, checks)
    a, b, own = x[0, 0], x[0, 1], table[rows]
    tenth, exact = np.float32(0.1), a.astype(float) * b.astype(float)
    np.testing.assert_array_equal(
        wide[0],
        [a, a * b, exact, own[:, 0], a.astype(float) * 0.1, np.full(WIDTH, np.float64(b[0]) * 0.1)],
    )
    scaled = (a.astype(float) * 0.1).astype(np.float32) * tenth
    expected = [exact.astype(np.float32), np.full(WIDTH, tenth), own[:, 1] * a]
    expected += [table[2, 2] * a, own[:, 2] + b, scaled]
    np.testing.assert_array_equal(narrow[0], expected)
    assert checks.tolist() == [1, 0]
