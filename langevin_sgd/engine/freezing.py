"""Book-keeping of a block of particles: keep and take back, freeze what left, write rows. What is
the same for all models is compiled once.

Squared norms are in the precision of the run: one that overflows is not finite."""

from functools import cache
from typing import Any, NamedTuple

from numba import types

from ..kernels.bits import all_lanes, fma, inlined
from ..kernels.compile_cache import linked
from ..kernels.lanes import WIDTH
from ..kernels.rng import INTEGERS
from ..kernels.views import column, copy_numbers, flat_type
from .blocks import Kept, Moving, Sizes, typed

RUNNING, NOT_FINITE, ESCAPED = 0, 1, 2
PASSED = 3  # a first passage is over; on a GPU, until the run is
INFINITE = float("inf")  # squared norms that are not below it are inf or nan: not finite
STATUSES = flat_type(types.int8)
SIZES_TYPE = typed(Sizes, types.int64, types.int64, types.int64)


# ---- one lane of a quantity with `rows` components ----------------------------------------------


@inlined
def first_number(lane, rows):
    """Where the first component of a lane of the block lies."""
    return (lane // WIDTH) * rows * WIDTH + lane % WIDTH


@inlined
def copy_lane(to, to_lane, source, lane, rows):
    """Copy a lane to another one."""
    for k in range(rows):
        number = source[first_number(lane, rows) + k * WIDTH]
        to[first_number(to_lane, rows) + k * WIDTH] = number


@inlined
def write_lane(out, particle, source, lane, rows):
    """Copy a lane to its particle's row of `out`, flat (particles, rows)."""
    for k in range(rows):
        out[particle * rows + k] = source[first_number(lane, rows) + k * WIDTH]


@inlined
def _squared_norm(array, lane, rows):
    """To the bit as `step.stays_inside` has it."""
    s = 0.0
    for k in range(rows):
        number = column(array, first_number(lane, rows) + k * WIDTH, 1)[0]
        s = fma(number, number, s)
    return s


@inlined
def fate(x, v, sizes, lane, limit):
    """RUNNING if a particle is inside, or else NOT_FINITE or ESCAPED."""
    place = _squared_norm(x, lane, sizes.dim)
    speed = _squared_norm(v, lane, sizes.state)
    if not (all_lanes(place < INFINITE) and all_lanes(speed < INFINITE)):
        return NOT_FINITE
    return RUNNING if all_lanes(place <= limit) else ESCAPED


# ---- groups and blocks ---------------------------------------------------------------------------


@inlined
def copy_groups(to, source, sizes, first, groups):
    """Copy x, v and g of some groups of the block, the first of which is `first`."""
    start, count = first * WIDTH, groups * WIDTH
    copy_numbers(to.x, source.x, start * sizes.dim, count * sizes.dim)
    copy_numbers(to.v, source.v, start * sizes.state, count * sizes.state)
    copy_numbers(to.g, source.g, start * sizes.size, count * sizes.size)


def take_back(moving, saved, sizes, groups, step):
    """Bring a block back to how it was after `step` updates; particles that were frozen since are
    running again.
    """
    copy_groups(moving, saved, sizes, 0, groups)
    for particle in range(groups * WIDTH):
        if moving.stopped[particle] > step:
            moving.status[particle] = RUNNING
            moving.stopped[particle] = -1


def freeze_leavers(moving, kept, sizes, group, limit, step):
    """Take back the last step of the particles of a group that are frozen, and of those that must
    be frozen now.
    """
    for lane in range(group * WIDTH, (group + 1) * WIDTH):
        found = fate(moving.x, moving.v, sizes, lane, limit)
        if moving.status[lane] == RUNNING and found != RUNNING:
            moving.status[lane] = found
            moving.stopped[lane] = step + 1
        if moving.status[lane] != RUNNING:
            copy_lane(moving.x, lane, kept.x, lane, sizes.dim)
            copy_lane(moving.v, lane, kept.v, lane, sizes.state)
            copy_lane(moving.g, lane, kept.g, lane, sizes.size)


def write_rows(out, moving, rows, first, count):
    """Write the components of the `count` particles of a block, the first of which is number
    `first`, to their rows of `out`."""
    for lane in range(count):
        write_lane(out, first + lane, moving, lane, rows)


class BookKeeping(NamedTuple):
    """The functions above that a kernel calls."""

    take_back: Any
    freeze_leavers: Any
    write_rows: Any


@cache
def book_keeping(number):
    """The `BookKeeping` of blocks whose x, v and g hold `number`."""
    numbers, count = flat_type(number), types.int64
    moving = typed(Moving, numbers, numbers, numbers, STATUSES, INTEGERS, STATUSES, INTEGERS)
    block = moving, typed(Kept, numbers, numbers, numbers), SIZES_TYPE, count
    return BookKeeping(
        linked(take_back, *block, count),
        linked(freeze_leavers, *block, types.float64, count),
        linked(write_rows, numbers, numbers, count, count, count),
    )
