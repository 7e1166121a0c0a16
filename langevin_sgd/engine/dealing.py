"""Who is on which lane, when every lane has a particle and a step of its own. Compiled once, for
any model.

`lanes` = (x, v, g, ids, steps, queue) are flat and begin with a block's first group; queue = (how
many of the block's particles are dealt, how many there are, how many are running, their numbers
...), and the running ones fill the lanes from the first one on. `starts` = (x, v, g) and `outcome`
= (x, v, passed, status, stopped) have an entry for each particle; `sizes` = (dim, state, size) as
in `freezing`."""

from numba import types

from ..kernels.bits import kernel
from ..kernels.lanes import WIDTH, all_lanes
from ..kernels.linked import linked
from ..kernels.rng import FLOATS, INTEGERS
from ..kernels.views import flat_type
from .freezing import BYTES, ESCAPED, INFINITE, NOT_FINITE, SIZES, squared_norm

NOBODY = -1


@kernel
def _first_number(lane, rows):
    return (lane // WIDTH) * rows * WIDTH + lane % WIDTH


@kernel
def _put(array, lane, rows, source, particle):
    for k in range(rows):
        array[_first_number(lane, rows) + k * WIDTH] = source[particle * rows + k]


@kernel
def _shift(array, to, lane, rows):
    for k in range(rows):
        array[_first_number(to, rows) + k * WIDTH] = array[_first_number(lane, rows) + k * WIDTH]


@kernel
def _note(outcome, target, rows, source, first):
    for k in range(rows):
        outcome[target * rows + k] = source[first + k * WIDTH]


@kernel
def deal(lanes, starts, outcome, sizes, group, flags, before, limits):
    """Note which particles of a group have ended, and how, and give their lanes to the next ones.

    A particle ends where `flags` > 0, at the last of limits = (largest squared norm, last step), or
    where it left: then it stays where it was before, as `before`, x and v of the group, has it."""
    x, v, g, ids, steps, queue = lanes
    dim, state, size = sizes
    for lane in range(group * WIDTH, (group + 1) * WIDTH):
        particle, here = ids[lane], lane % WIDTH
        place = squared_norm(x, _first_number(lane, dim), dim)
        speed = squared_norm(v, _first_number(lane, state), state)
        finite = all_lanes(place < INFINITE) and all_lanes(speed < INFINITE)
        left = not (finite and all_lanes(place <= limits[0]))
        arrived = flags[lane] > 0.0
        if particle != NOBODY and (left or arrived or steps[lane] >= limits[1]):
            if left:
                _note(outcome[0], particle, dim, before, here)
                _note(outcome[1], particle, state, before, dim * WIDTH + here)
                outcome[3][particle] = ESCAPED if finite else NOT_FINITE
                outcome[4][particle] = steps[lane]
            else:
                _note(outcome[0], particle, dim, x, _first_number(lane, dim))
                _note(outcome[1], particle, state, v, _first_number(lane, state))
                outcome[2][particle] = steps[lane] if arrived else -1
            if queue[0] < queue[1]:
                particle = queue[3 + queue[0]]
                ids[lane] = particle
                queue[0] += 1
            else:  # the lane is empty, and moves on from a start, unheeded
                ids[lane] = NOBODY
                queue[2] -= 1
            _put(x, lane, dim, starts[0], particle)
            _put(v, lane, state, starts[1], particle)
            _put(g, lane, size, starts[2], particle)
            steps[lane] = 0


@kernel
def close_ranks(lanes, sizes, last):
    """Move running particles from lanes up to `last` to empty ones before them."""
    x, v, g, ids, steps, queue = lanes
    for lane in range(queue[2]):
        if ids[lane] == NOBODY:
            while ids[last] == NOBODY:
                last -= 1
            _shift(x, lane, last, sizes[0])
            _shift(v, lane, last, sizes[1])
            _shift(g, lane, last, sizes[2])
            ids[lane], steps[lane], ids[last] = ids[last], steps[last], NOBODY


LIMITS = types.Tuple((types.float64, types.int64))


def dealers(number):
    """(deal, close_ranks) as functions that a kernel calls; x, v and g hold `number`."""
    numbers = flat_type(number)
    lanes = types.Tuple((numbers, numbers, numbers, INTEGERS, INTEGERS, INTEGERS))
    outcome = types.Tuple((numbers, numbers, INTEGERS, BYTES, INTEGERS))
    return (
        linked(
            deal,
            lanes,
            types.UniTuple(numbers, 3),
            outcome,
            SIZES,
            types.int64,
            FLOATS,
            numbers,
            LIMITS,
        ),
        linked(close_ranks, lanes, SIZES, types.int64),
    )
