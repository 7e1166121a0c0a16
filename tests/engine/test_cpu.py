"""Threads that take turns get every number once."""

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

from langevin_sgd.engine.cpu import next_number
from langevin_sgd.kernels.bits import JIT, OPTIONS
from langevin_sgd.kernels.views import flat

TURNS = 200_000 if JIT else 2_000


@numba.njit(**OPTIONS)
def turns_taken(counter, turns):
    turn, taken = next_number(flat(counter)), 0
    while turn < turns.size:
        turns[turn] += 1
        taken += 1
        turn = next_number(flat(counter))
    return taken


def taken_by(threads, first=0):
    counter, turns = np.full(1, first, np.int64), np.zeros(TURNS, np.int64)
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda _: turns_taken(counter, turns), range(threads))), turns


@pytest.mark.interpreted
def test_every_number_is_taken_once():
    taken, turns = taken_by(4)
    assert sum(taken) == TURNS and np.all(turns == 1)


@pytest.mark.interpreted
def test_a_number_that_nobody_takes_is_seen():
    taken, turns = taken_by(4, first=1)
    assert sum(taken) == TURNS - 1 and turns[0] == 0 and np.all(turns[1:] == 1)
