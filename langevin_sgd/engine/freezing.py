"""Book-keeping of a block of particles: save and restore, freeze what left, write rows. Compiled
once, for any model.

Squared norms are in the precision of the run: one that overflows is not finite."""

from functools import cache
from typing import Any, NamedTuple

from numba import types

from ..kernels.bits import fma, kernel
from ..kernels.lanes import WIDTH, all_lanes
from ..kernels.linked import linked
from ..kernels.rng import INTEGERS
from ..kernels.views import column, flat_from, flat_type, view
from .blocks import Moving, Sizes, typed

RUNNING, NOT_FINITE, ESCAPED = 0, 1, 2
INFINITE = float("inf")  # squared norms that are not below it are inf or nan: not finite
STATUSES = flat_type(types.int8)
SIZES_TYPE = typed(Sizes, types.int64, types.int64, types.int64)


class StoredRow(NamedTuple):
    """Where a step is stored: x and v, flat (particles, components)."""

    x: Any
    v: Any


# ---- one lane of a quantity with `rows` components ----------------------------------------------


@kernel
def first_number(lane, rows):
    """Where the first component of a lane of the block lies."""
    return (lane // WIDTH) * rows * WIDTH + lane % WIDTH


@kernel
def copy_lane(to, to_lane, source, lane, rows):
    """Copy a lane to another one."""
    for k in range(rows):
        number = source[first_number(lane, rows) + k * WIDTH]
        to[first_number(to_lane, rows) + k * WIDTH] = number


@kernel
def write_lane(out, particle, source, lane, rows):
    """Copy a lane to its particle's row of `out`, flat (particles, rows)."""
    for k in range(rows):
        out[particle * rows + k] = source[first_number(lane, rows) + k * WIDTH]


@kernel
def _squared_norm(array, lane, rows):
    """To the bit as `step.stays_inside` has it."""
    s = 0.0
    for k in range(rows):
        number = column(array, first_number(lane, rows) + k * WIDTH, 1)[0]
        s = fma(number, number, s)
    return s


@kernel
def fate(x, v, sizes, lane, limit):
    """RUNNING if a particle is inside, or else NOT_FINITE or ESCAPED."""
    place = _squared_norm(x, lane, sizes.dim)
    speed = _squared_norm(v, lane, sizes.state)
    if not (all_lanes(place < INFINITE) and all_lanes(speed < INFINITE)):
        return NOT_FINITE
    return RUNNING if all_lanes(place <= limit) else ESCAPED


# ---- groups and blocks ---------------------------------------------------------------------------


class Kept(NamedTuple):
    """A copy of one group."""

    x: Any
    v: Any
    g: Any


@kernel
def _kept(store, group, sizes):
    """Where the copy of a group of the block lies in `store`."""
    x = flat_from(store, group * (sizes.dim + sizes.state + sizes.size) * WIDTH)
    v = flat_from(x, sizes.dim * WIDTH)
    return Kept(x, v, flat_from(v, sizes.state * WIDTH))


@kernel
def _copy_group(to, to_group, source, group, rows):
    for k in range(rows):
        number = view(source, (group * rows + k) * WIDTH, 1)[0]
        view(to, (to_group * rows + k) * WIDTH, 1)[0] = number


@kernel
def save_group(moving, sizes, group, store):
    """Copy x, v and g of one group of the block to its place in `store`."""
    kept = _kept(store, group, sizes)
    _copy_group(kept.x, 0, moving.x, group, sizes.dim)
    _copy_group(kept.v, 0, moving.v, group, sizes.state)
    _copy_group(kept.g, 0, moving.g, group, sizes.size)


@kernel
def save_all(moving, sizes, groups, store):
    """Copy x, v and g of a whole block."""
    for group in range(groups):
        save_group(moving, sizes, group, store)


@kernel
def restore_all(moving, sizes, groups, store, step):
    """Copy a block back to how it was after `step` updates; particles that were frozen since are
    running again.
    """
    for group in range(groups):
        kept = _kept(store, group, sizes)
        _copy_group(moving.x, group, kept.x, 0, sizes.dim)
        _copy_group(moving.v, group, kept.v, 0, sizes.state)
        _copy_group(moving.g, group, kept.g, 0, sizes.size)
    for particle in range(groups * WIDTH):
        if moving.stopped[particle] > step:
            moving.status[particle] = RUNNING
            moving.stopped[particle] = -1


@kernel
def freeze_leavers(moving, sizes, group, store, limit, step):
    """Take back the last step of the particles of a group that are frozen, and of those that must
    be frozen now.
    """
    kept = _kept(store, group, sizes)
    for lane in range(WIDTH):
        particle = group * WIDTH + lane
        found = fate(moving.x, moving.v, sizes, particle, limit)
        if moving.status[particle] == RUNNING and found != RUNNING:
            moving.status[particle] = found
            moving.stopped[particle] = step + 1
        if moving.status[particle] != RUNNING:
            copy_lane(moving.x, particle, kept.x, lane, sizes.dim)
            copy_lane(moving.v, particle, kept.v, lane, sizes.state)
            copy_lane(moving.g, particle, kept.g, lane, sizes.size)


@kernel
def find_frozen(careful, moving, groups):
    """Mark the groups of a block that hold a frozen particle: they need careful mode."""
    for group in range(groups):
        careful[group] = 0
        for lane in range(WIDTH):
            if moving.status[group * WIDTH + lane] != RUNNING:
                careful[group] = 1


@kernel
def write_rows(moving, sizes, rows, first, count):
    """Write x and v of the `count` particles of a block, the first of which is number `first`."""
    for lane in range(count):
        write_lane(rows.x, first + lane, moving.x, lane, sizes.dim)
        write_lane(rows.v, first + lane, moving.v, lane, sizes.state)


class BookKeeping(NamedTuple):
    """The functions above that a kernel calls."""

    save_group: Any
    save_all: Any
    restore_all: Any
    freeze_leavers: Any
    find_frozen: Any
    write_rows: Any


@cache
def book_keeping(number):
    """The `BookKeeping` of blocks whose x, v and g hold `number`."""
    numbers, count = flat_type(number), types.int64
    moving = typed(Moving, numbers, numbers, numbers, STATUSES, INTEGERS)
    block = moving, SIZES_TYPE, count, numbers
    row = typed(StoredRow, numbers, numbers)
    return BookKeeping(
        linked(save_group, *block),
        linked(save_all, *block),
        linked(restore_all, *block, count),
        linked(freeze_leavers, *block, types.float64, count),
        linked(find_frozen, STATUSES, moving, count),
        linked(write_rows, moving, SIZES_TYPE, row, count, count),
    )
