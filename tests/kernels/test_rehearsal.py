"""Rehearsals: what is valid passes, and they end soon. What they refuse is in
`tests/engine/test_bad_functions.py`."""

from collections import namedtuple

import numpy as np
import pytest

from langevin_sgd.kernels.rehearsal import MOST_LOOKS, READS_PER_NUMBER, TRIED, rehearse

pytestmark = pytest.mark.interpreted


def ring(p, x, out):
    for k in range(len(x)):
        out[k] = x[k] - x[k - 1]


def by_value(p, x, out):
    out[0] = p.table[int(4.0 * x[0] + 9.0)]


def by_parameter(p, x, out):
    out[0] = p.table[int(p.a)]


def endless(p, x, out):
    while x[0] < 1.0:
        out[0] = x[0]


def not_python(p, x, out):
    out[0] = 1 // 0


PARAMS = namedtuple("Params", "a table")(1.0, np.arange(10.0))


@pytest.mark.parametrize("function", [ring, by_value, by_parameter, endless, not_python])
def test_valid_functions_pass(function):
    rehearse(function, "own", PARAMS, (3, 6))


@pytest.mark.parametrize("dim", [1, 2, 64, 1000])
def test_a_rehearsal_reads_no_more_than_it_may(dim):
    products = []

    class Counted(float):
        def __mul__(self, other):
            products.append(1)
            return float(self) * other

    params = PARAMS._replace(table=[Counted(1.0)])

    def function(p, x, out):
        [p.table[0] * x[k] for k in range(dim) for j in range(dim)]

    rehearse(function, "own", params, (dim, dim))
    most = max(MOST_LOOKS, READS_PER_NUMBER * 2 * dim)
    assert len(products) == len(TRIED) * min(dim * dim, most)


def all_but_the_last(p, x, out):
    for k in range(len(x) - 1):
        out[k] = x[k]


@pytest.mark.parametrize("dim", [2, 3000])
def test_a_loop_over_many_numbers_comes_to_its_end(dim):
    with pytest.raises(ValueError, match=rf"own does not write out\[{dim - 1}\], which then"):
        rehearse(all_but_the_last, "own", PARAMS, (dim, dim), written=dim)


def test_a_function_of_something_that_changes_by_itself_is_refused():
    draw = iter(range(100))

    def changing(p, x, out):
        out[0] = x[0] + next(draw)

    with pytest.raises(ValueError, match="own gives other numbers each time that it is called"):
        rehearse(changing, "own", PARAMS, (1, 1), written=1)
