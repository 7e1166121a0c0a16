"""Texts: which path a text takes, that every path gives the same bits, and that a user's compiler
flags do not slip in.
"""

import math

import numba
import numpy as np
import pytest
from users_functions import P, fast_is_nan, place_of

from langevin_sgd.kernels import elementary
from langevin_sgd.kernels.bits import JIT, OPTIONS
from langevin_sgd.kernels.compiling import for_lanes
from langevin_sgd.kernels.elementary import exp, where
from langevin_sgd.kernels.functions import interpreted
from langevin_sgd.kernels.lanes import WIDTH
from langevin_sgd.kernels.views import (
    GatheredRowType,
    empty_groups,
    gathered_row,
    pack,
    row_type,
    table_row,
    unpack,
    view,
    view_type,
)

compiled_only = pytest.mark.skipif(not JIT, reason="is about compilation")
X = np.random.default_rng(0).normal(size=(2 * 16 + 5, 2))  # two groups and a part of one
TABLE = np.random.default_rng(1).normal(size=(9, 3))


@numba.njit
def users_helper(x):
    return where(x > 0.0, exp(-x), 1.0)


def plain_helper(x, y):
    return users_helper(x) * y


def in_lanes(p, x, out):
    for k in range(len(x)):
        out[k] = plain_helper(x[k], p.a) - p.weights[k] * x[k - 1]
    out[0] = elementary.tanh(out[0])


def branching(p, x, out):
    for k in range(len(x)):
        if x[k] > p.a:
            out[k] = p.weights[k] * x[k]
        else:
            out[k] = plain_helper(x[0], x[k])


def branching_with_row(p, x, row, out):
    s = 0.0
    for k in range(len(row)):
        s = s + row[k] if row[k] > x[0] else s - row[k] * x[1]
    out[0], out[1] = s, where(s > x[1], s, x[1])


def compiled_for(text, *kinds, label="gradient of 'mine'"):
    return for_lanes(text, label, (numba.typeof(P), *kinds))


def run(text, x=X):
    """The text for all particles, on the path that `for_lanes` chose."""
    text, path = compiled_for(text, view_type(2), view_type(2))

    @numba.njit(**OPTIONS)
    def loop(p, x, out):
        for group in range(x.shape[0]):
            text(p, view(x, group * 2 * WIDTH, 2), view(out, group * 2 * WIDTH, 2))

    packed = pack(x)
    out = empty_groups(len(packed), 2)
    loop(P, packed, out)
    return unpack(out, len(x)), path


def one_by_one(text, x, *rows):
    """The plain Python text, particle by particle; `rows`: one row for each."""
    out = np.empty((len(x), 2))
    for i, at in enumerate(x):
        interpreted(text)(P, at, *(row[i] for row in rows), out[i])
    return out


# ---- paths --------------------------------


@pytest.mark.interpreted
def test_a_text_in_lanes_gives_the_bits_of_the_interpreted_text():
    found, path = run(in_lanes)
    assert path == ("lanes" if JIT else "interpreted")
    assert found.tobytes() == one_by_one(in_lanes, X).tobytes()


@compiled_only
def test_a_branching_text_runs_exactly_and_warns_once():
    with pytest.warns(UserWarning, match="one particle at a time") as caught:
        found, path = run(branching)
    assert path == "column" and len(caught) == 1
    message = str(caught[0].message)
    assert place_of(branching, "if x[k] > p.a") in message
    assert message.startswith("gradient of 'mine'") and len(message.splitlines()) < 12
    assert found.tobytes() == one_by_one(branching, X).tobytes()
    run(branching)  # warnings are errors here: a second one would raise


@compiled_only
@pytest.mark.parametrize("own_rows", [False, True])
def test_a_branching_text_sees_its_rows(own_rows):
    """One row for all lanes is handed on; of gathered rows each particle gets its own."""
    kind = GatheredRowType(3) if own_rows else row_type(3)
    with pytest.warns(UserWarning, match="one particle at a time"):
        text, path = compiled_for(branching_with_row, view_type(2), kind, view_type(2))
    assert path == "column"

    @numba.njit(**OPTIONS)
    def gathered(p, x, table, rows, out):
        text(p, view(x, 0, 2), gathered_row(table, rows, 0, 3), view(out, 0, 2))

    @numba.njit(**OPTIONS)
    def shared(p, x, table, rows, out):
        text(p, view(x, 0, 2), table_row(table, rows[0], 3), view(out, 0, 2))

    loop, rows = shared, np.full(WIDTH, 4)
    if own_rows:
        loop, rows = gathered, np.random.default_rng(2).integers(0, len(TABLE), WIDTH)
    out = empty_groups(1, 2)
    loop(P, pack(X[:WIDTH]), TABLE, rows, out)
    expected = one_by_one(branching_with_row, X[:WIDTH], TABLE[rows])
    assert unpack(out, WIDTH).tobytes() == expected.tobytes()


# ---- a user's flags --------------------------------


def asks_for_nan(p, x, out):
    out[0] = fast_is_nan(x[0])
    # inf, or nan: with the default error model a division by zero raises
    out[1] = 1.0 / (x[1] - x[1])


@compiled_only
def test_a_helpers_fastmath_does_not_leak():
    x = np.array([[0.5, 1.0], [np.nan, 2.0]])
    found, path = run(asks_for_nan, x)
    assert path == "lanes"
    assert found.tolist() == [[0.25, np.inf], [1.0, np.inf]]

    @numba.njit
    def with_the_users_flags(x):
        return fast_is_nan(x)

    assert with_the_users_flags(np.nan) != 1.0  # the twin: fastmath cannot see a nan


# ---- the interpreted twin --------------------------------


@pytest.mark.interpreted
def test_the_interpreted_text_compiles_nothing():
    @numba.njit
    def own(x):
        return exp(x) + elementary.log1p(x)

    def text(p, x, out):
        out[0] = own(x[0])

    out = np.empty(1)
    interpreted(text)(P, np.array([0.5]), out)
    assert out[0] == interpreted(own)(np.float64(0.5))
    assert not getattr(own, "signatures", [])
    assert abs(out[0] - math.exp(0.5) - math.log1p(0.5)) < 1e-15
