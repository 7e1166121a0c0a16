"""Book-keeping of a block of particles: save and restore, freeze what left, write records. Compiled
once, for any model.

`moving` = (x, v, g, status, stopped_at_step) are flat and begin with the block's first group;
`sizes` = (dim, state, size) are the components of x, v and g. `limit` is the largest squared norm
of x that is inside. Squared norms are in the precision of the run: one that overflows is not
finite."""

from functools import cache

from numba import types

from ..kernels.bits import fma, kernel
from ..kernels.lanes import WIDTH, all_lanes
from ..kernels.linked import linked
from ..kernels.rng import INTEGERS
from ..kernels.views import column, flat_type, view

RUNNING, NOT_FINITE, ESCAPED = 0, 1, 2
INFINITE = float("inf")  # squared norms that are not below it are inf or nan: not finite


@kernel
def _copy_rows(to, at, source, start, rows):
    for k in range(rows):
        view(to, at + k * WIDTH, 1)[0] = view(source, start + k * WIDTH, 1)[0]


@kernel
def save(moving, sizes, group, store):
    """Copy x, v and g of one group of the block to its place in `store`."""
    x, v, g, _, _ = moving
    dim, state, size = sizes
    here = group * (dim + state + size) * WIDTH
    _copy_rows(store, here, x, group * dim * WIDTH, dim)
    _copy_rows(store, here + dim * WIDTH, v, group * state * WIDTH, state)
    _copy_rows(store, here + (dim + state) * WIDTH, g, group * size * WIDTH, size)


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
    x, v, g, status, stopped = moving
    dim, state, size = sizes
    for group in range(groups):
        here = group * (dim + state + size) * WIDTH
        _copy_rows(x, group * dim * WIDTH, store, here, dim)
        _copy_rows(v, group * state * WIDTH, store, here + dim * WIDTH, state)
        _copy_rows(g, group * size * WIDTH, store, here + (dim + state) * WIDTH, size)
    for particle in range(groups * WIDTH):
        if stopped[particle] > step:
            status[particle] = RUNNING
            stopped[particle] = -1


@kernel
def _copy_lane(to, at, source, start, rows):
    for k in range(rows):
        to[at + k * WIDTH] = source[start + k * WIDTH]


@kernel
def squared_norm(array, start, count):
    """Squared norm of one lane, to the bit as `step.stays_inside` has it."""
    s = 0.0
    for k in range(count):
        number = column(array, start + k * WIDTH, 1)[0]
        s = fma(number, number, s)
    return s


@kernel
def settle(moving, sizes, group, before, limit, step):
    """Take back the last step of the particles of a group that are frozen, and of those that must
    be frozen now.
    """
    x, v, g, status, stopped = moving
    dim, state, size = sizes
    for lane in range(WIDTH):
        particle = group * WIDTH + lane
        place = squared_norm(x, group * dim * WIDTH + lane, dim)
        speed = squared_norm(v, group * state * WIDTH + lane, state)
        finite = all_lanes(place < INFINITE) and all_lanes(speed < INFINITE)
        if status[particle] == RUNNING and not (finite and all_lanes(place <= limit)):
            status[particle] = ESCAPED if finite else NOT_FINITE
            stopped[particle] = step + 1
        if status[particle] != RUNNING:
            here = group * (dim + state + size) * WIDTH + lane
            _copy_lane(x, group * dim * WIDTH + lane, before, here, dim)
            _copy_lane(v, group * state * WIDTH + lane, before, here + dim * WIDTH, state)
            _copy_lane(g, group * size * WIDTH + lane, before, here + (dim + state) * WIDTH, size)


@kernel
def find_frozen(careful, moving, groups):
    """Mark the groups of a block that hold a frozen particle: they need careful mode."""
    status = moving[3]
    for group in range(groups):
        careful[group] = 0
        for lane in range(WIDTH):
            if status[group * WIDTH + lane] != RUNNING:
                careful[group] = 1


@kernel
def record(moving, sizes, out, span):
    """Write x and v of a block to out = (x, v), flat (particles, dim) and (particles, state); span
    = (first, end) particles.
    """
    x, v, _, _, _ = moving
    dim, state, _ = sizes
    for particle in range(span[0], span[1]):
        group, lane = (particle - span[0]) // WIDTH, (particle - span[0]) % WIDTH
        for k in range(dim):
            out[0][particle * dim + k] = x[(group * dim + k) * WIDTH + lane]
        for k in range(state):
            out[1][particle * state + k] = v[(group * state + k) * WIDTH + lane]


BYTES = flat_type(types.int8)
SIZES = types.UniTuple(types.int64, 3)


@cache
def book_keeping(number):
    """(save, settle, save_all, restore_all, find_frozen, record) as functions that a kernel calls;
    x, v and g hold `number`.
    """
    numbers = flat_type(number)
    moving = types.Tuple((numbers, numbers, numbers, BYTES, INTEGERS))
    return (
        linked(save, moving, SIZES, types.int64, numbers),
        linked(settle, moving, SIZES, types.int64, numbers, types.float64, types.int64),
        linked(save_all, moving, SIZES, types.int64, numbers),
        linked(restore_all, moving, SIZES, types.int64, numbers, types.int64),
        linked(find_frozen, BYTES, moving, types.int64),
        linked(record, moving, SIZES, types.UniTuple(numbers, 2), types.UniTuple(types.int64, 2)),
    )
