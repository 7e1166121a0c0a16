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
BYTES = flat_type(types.int8)
SIZES = typed(Sizes, types.int64, types.int64, types.int64)


class Rows(NamedTuple):
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


@kernel
def _copy_group(to, at, source, start, rows):
    for k in range(rows):
        view(to, at + k * WIDTH, 1)[0] = view(source, start + k * WIDTH, 1)[0]


@kernel
def save(moving, sizes, group, store):
    """Copy x, v and g of one group of the block to its place in `store`."""
    dim, state, size = sizes
    here = group * (dim + state + size) * WIDTH
    _copy_group(store, here, moving.x, group * dim * WIDTH, dim)
    _copy_group(store, here + dim * WIDTH, moving.v, group * state * WIDTH, state)
    _copy_group(store, here + (dim + state) * WIDTH, moving.g, group * size * WIDTH, size)


@kernel
def save_all(moving, sizes, groups, store):
    """Copy x, v and g of a whole block."""
    for group in range(groups):
        save(moving, sizes, group, store)


@kernel
def restore_all(moving, sizes, groups, store, step):
    """Copy a block back to how it was after `step` updates; particles that were frozen since are
    running again.
    """
    dim, state, size = sizes
    for group in range(groups):
        here = group * (dim + state + size) * WIDTH
        _copy_group(moving.x, group * dim * WIDTH, store, here, dim)
        _copy_group(moving.v, group * state * WIDTH, store, here + dim * WIDTH, state)
        _copy_group(moving.g, group * size * WIDTH, store, here + (dim + state) * WIDTH, size)
    for particle in range(groups * WIDTH):
        if moving.stopped[particle] > step:
            moving.status[particle] = RUNNING
            moving.stopped[particle] = -1


@kernel
def settle(moving, sizes, group, kept, limit, step):
    """Take back the last step of the particles of a group that are frozen, and of those that must
    be frozen now.
    """
    dim, state, size = sizes
    x = flat_from(kept, group * (dim + state + size) * WIDTH)
    v, g = flat_from(x, dim * WIDTH), flat_from(x, (dim + state) * WIDTH)
    for lane in range(WIDTH):
        particle = group * WIDTH + lane
        found = fate(moving.x, moving.v, sizes, particle, limit)
        if moving.status[particle] == RUNNING and found != RUNNING:
            moving.status[particle] = found
            moving.stopped[particle] = step + 1
        if moving.status[particle] != RUNNING:
            copy_lane(moving.x, particle, x, lane, dim)
            copy_lane(moving.v, particle, v, lane, state)
            copy_lane(moving.g, particle, g, lane, size)


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

    save: Any
    settle: Any
    save_all: Any
    restore_all: Any
    find_frozen: Any
    write_rows: Any


@cache
def book_keeping(number):
    """The `BookKeeping` of blocks whose x, v and g hold `number`."""
    numbers, count = flat_type(number), types.int64
    moving = typed(Moving, numbers, numbers, numbers, BYTES, INTEGERS)
    return BookKeeping(
        save=linked(save, moving, SIZES, count, numbers),
        settle=linked(settle, moving, SIZES, count, numbers, types.float64, count),
        save_all=linked(save_all, moving, SIZES, count, numbers),
        restore_all=linked(restore_all, moving, SIZES, count, numbers, count),
        find_frozen=linked(find_frozen, BYTES, moving, count),
        write_rows=linked(write_rows, moving, SIZES, typed(Rows, numbers, numbers), count, count),
    )
