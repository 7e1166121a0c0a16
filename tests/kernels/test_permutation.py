"""Permutations at an address: bijections, and uniform over all orders. The slow lane counts 10^7
keys.
"""

import math
import types

import numba
import numpy as np
import pytest
from scipy import stats

from langevin_sgd.kernels import permutation, rng
from langevin_sgd.kernels.bits import JIT, kernel
from langevin_sgd.kernels.compiling import linked
from langevin_sgd.kernels.lanes import WIDTH
from langevin_sgd.kernels.rng import Address, Places
from langevin_sgd.kernels.views import empty_groups, flat

SEED, STREAM = 7, 5


def places(count, below, groups, epoch=0, position=0, text=permutation.fill_permutation):
    """pi(position), ..., pi(position + count - 1) of groups * WIDTH particles, shape (particles,
    count).
    """
    fill = linked(text, rng.INTEGERS, rng.PLACE, rng.ADDRESS, numba.uint64)

    @kernel
    def run(rows, place, address, n):
        fill(flat(rows), place, address, n)

    rows = empty_groups(groups, count, np.int64)
    address = Address._make(np.uint64(number) for number in (SEED, epoch, 0, STREAM, position))
    with np.errstate(all="ignore"):
        run(rows, Places(0, count * WIDTH, count, groups), address, np.uint64(below))
    return rows.transpose(0, 2, 1).reshape(-1, count)


@pytest.mark.interpreted
@pytest.mark.parametrize("n", [1, 2, 3, 16, 17, 60])
def test_each_particle_has_a_bijection_of_its_own(n):
    orders = places(n, n, 3)
    assert np.array_equal(np.sort(orders, axis=1), np.tile(np.arange(n), (len(orders), 1)))
    if n > 15:
        assert len(np.unique(orders, axis=0)) == len(orders)


def test_large_numbers_stay_in_range_and_differ():
    for n in (569, 4096, 100_003, 2**31 - 1):
        row = places(300, n, 1, position=n // 3)
        assert row.min() >= 0 and row.max() < n and all(len(np.unique(one)) == 300 for one in row)


def test_a_piece_of_the_order_is_the_order():
    assert np.array_equal(places(40, 97, 2)[:, 13:20], places(7, 97, 2, position=13))


@pytest.mark.parametrize("n", [3, 4, 5])
def test_all_orders_are_equally_likely(n):
    orders = places(n, n, 12_500 if JIT else 50)
    _, counts = np.unique(orders @ n ** np.arange(n), return_counts=True)
    assert len(counts) == math.factorial(n) and stats.chisquare(counts).pvalue > 1e-4


def pair_counts(n, groups, epochs, text=permutation.fill_permutation):
    total = np.zeros((n, n))
    for epoch in range(epochs):
        first, second = places(2, n, groups, epoch, text=text).T
        total += np.bincount(first * n + second, minlength=n * n).reshape(n, n)
    assert np.trace(total) == 0
    return total[~np.eye(n, dtype=bool)]


@pytest.mark.slow
@pytest.mark.parametrize("n", [8, 17, 64, 97, 256, 257, 4096])
def test_first_two_places_are_uniform_over_ten_million_keys(n):
    assert stats.chisquare(pair_counts(n, 62_500, 10)).pvalue > 1e-4


@pytest.mark.slow
def test_too_few_rounds_are_seen():
    """The twin: with 6 rounds the pairs of 17 places are visibly uneven."""
    scope = dict(vars(permutation), FEW_ROUNDS=3)
    for name in ("_passes", "_walked", "_two_large", "fill_permutation"):
        text = getattr(permutation, name).py_func
        scope[name] = kernel(types.FunctionType(text.__code__, scope, name + "_weak"))
    assert stats.chisquare(pair_counts(17, 62_500, 10, scope["fill_permutation"])).pvalue < 1e-10
