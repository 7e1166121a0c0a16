"""Who is on which lane, when every lane has a particle and a step of its own. Compiled once, for
any model."""

from functools import cache
from typing import Any, NamedTuple

from numba import types

from ..kernels.bits import inlined
from ..kernels.compiling import linked
from ..kernels.lanes import WIDTH
from ..kernels.rng import FLOATS, INTEGERS
from ..kernels.views import flat_from, flat_type
from .blocks import (
    RUNNING,
    SIZES_TYPE,
    STATUSES,
    copy_lane,
    fate,
    first_number,
    typed,
    write_lane,
)

NOBODY = -1
DEALT, IN_ALL, ON_LANES, FIRST = range(4)  # places in `Lanes.queue`


class Lanes(NamedTuple):
    """A block of lanes. The running ones are the first."""

    x: Any
    v: Any
    g: Any
    ids: Any  # the particle of each lane, or NOBODY
    steps: Any  # the updates that it did
    flags: Any  # above zero where it has arrived
    # how many of the block's particles are dealt, how many there are, how many are on lanes, and
    # then their numbers
    queue: Any


class Starts(NamedTuple):
    """Where the particles begin, (particles, components)."""

    x: Any
    v: Any
    g: Any


class Outcome(NamedTuple):
    """Where the particles end, and how: an entry for each."""

    x: Any
    v: Any
    passed: Any  # the update in which it arrived, -1 if it did not
    status: Any
    stopped_at_step: Any  # the update in which it left, -1 if it did not


class Ends(NamedTuple):
    """What ends a particle, beside arriving."""

    limit: float  # largest squared norm that is inside
    steps: int  # updates that it may do


@inlined
def _put(array, lane, rows, source, particle):
    for k in range(rows):
        array[first_number(lane, rows) + k * WIDTH] = source[particle * rows + k]


@inlined
def deal(lanes, starts, outcome, sizes, group, before, ends, inside):
    """Note which particles of a group have ended, and how, and give their lanes to the next ones.

    A particle ends where it has arrived, after its last step, or where it left: then it stays where
    it was before, as `before`, x and v of the group, has it. `inside`: that none of them left."""
    dim, state, size = sizes
    queue = lanes.queue
    for lane in range(group * WIDTH, (group + 1) * WIDTH):
        particle, found = lanes.ids[lane], RUNNING
        if not inside:
            found = fate(lanes.x, lanes.v, sizes, lane, ends.limit)
        arrived = lanes.flags[lane] > 0.0
        ended = found != RUNNING or arrived or lanes.steps[lane] >= ends.steps
        if particle != NOBODY and ended:
            if found != RUNNING:
                here = lane % WIDTH
                write_lane(outcome.x, particle, before, here, dim)
                write_lane(outcome.v, particle, flat_from(before, dim * WIDTH), here, state)
                outcome.status[particle] = found
                outcome.stopped_at_step[particle] = lanes.steps[lane]
            else:
                write_lane(outcome.x, particle, lanes.x, lane, dim)
                write_lane(outcome.v, particle, lanes.v, lane, state)
                outcome.passed[particle] = lanes.steps[lane] if arrived else -1
            if queue[DEALT] < queue[IN_ALL]:
                particle = queue[FIRST + queue[DEALT]]
                lanes.ids[lane] = particle
                queue[DEALT] += 1
            else:  # the lane is empty, and moves on from a start, unheeded
                lanes.ids[lane] = NOBODY
                queue[ON_LANES] -= 1
            _put(lanes.x, lane, dim, starts.x, particle)
            _put(lanes.v, lane, state, starts.v, particle)
            _put(lanes.g, lane, size, starts.g, particle)
            lanes.steps[lane] = 0


@inlined
def close_ranks(lanes, sizes, last):
    """Move running particles from lanes up to `last` to empty ones before them."""
    for lane in range(lanes.queue[ON_LANES]):
        if lanes.ids[lane] == NOBODY:
            while lanes.ids[last] == NOBODY:
                last -= 1
            copy_lane(lanes.x, lane, lanes.x, last, sizes.dim)
            copy_lane(lanes.v, lane, lanes.v, last, sizes.state)
            copy_lane(lanes.g, lane, lanes.g, last, sizes.size)
            lanes.ids[lane], lanes.steps[lane] = lanes.ids[last], lanes.steps[last]
            lanes.ids[last] = NOBODY


@cache
def dealer(number):
    """(deal, close_ranks) as a kernel calls them, for lanes whose x, v and g hold `number`."""
    numbers, count = flat_type(number), types.int64
    lanes = typed(Lanes, numbers, numbers, numbers, INTEGERS, INTEGERS, FLOATS, INTEGERS)
    starts = typed(Starts, numbers, numbers, numbers)
    outcome = typed(Outcome, numbers, numbers, INTEGERS, STATUSES, INTEGERS)
    ends = typed(Ends, types.float64, count)
    return (
        linked(deal, lanes, starts, outcome, SIZES_TYPE, count, numbers, ends, types.boolean),
        linked(close_ranks, lanes, SIZES_TYPE, count),
    )
