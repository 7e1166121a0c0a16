"""One step of a block of particles: everything from the random numbers to the readings of the
reducers, in one pass.
"""

from functools import cache

import numpy as np
from llvmlite import ir
from numba import types

from ..kernels.bits import all_lanes, fma, inlined
from ..kernels.lanes import WIDTH, teach
from ..kernels.rng import Address, Places, Stream
from ..kernels.views import local, view, wide_view
from ..models.forces import Draws, stack_room
from .blocks import INFINITE, ForceViews, Views, book_keeping, copy_groups
from .domain import fold

THERMAL, FIRST_DRAW = np.uint64(Stream.THERMAL), np.uint64(0)


def unlikely(condition):
    """The boolean `condition`, which LLVM is told to expect false: the usual way then pays nothing
    for the calls of the other.
    """
    return bool(condition)


def _expected(context, builder, sig, args):
    bit = ir.IntType(1)
    expect = builder.module.declare_intrinsic(
        "llvm.expect", (bit,), ir.FunctionType(bit, [bit, bit])
    )
    return builder.call(
        expect, [context.cast(builder, args[0], sig.args[0], types.boolean), bit(0)]
    )


teach(
    unlikely,
    lambda condition: (
        types.boolean if isinstance(condition, (types.Boolean, types.Integer)) else None
    ),
    _expected,
)


@inlined
def remember(before, x, v, dim, state):
    """before = x, then v."""
    for k in range(dim):
        before[k] = x[k]
    for k in range(state):
        before[dim + k] = v[k]


@inlined
def stays_inside(x, v, dim, state, limit):
    """Whether no particle of a group left: a comparison with nan is false."""
    place, speed = 0.0, 0.0
    for k in range(dim):
        place = fma(x[k], x[k], place)
    stays = all_lanes(place <= limit)
    for k in range(state):
        speed = fma(v[k], v[k], speed)
    if state:
        stays = stays and all_lanes(speed < INFINITE)
    return stays


def move_kernel(force, update, advance, shape):
    """The kernel that moves a group, the views `here`, by one step: advance, force, update."""
    dim, vectors, has_walls = shape.dim, shape.vectors, shape.walls
    act, has_advance = force.act, advance is not None
    advance = advance or update  # not called then: numba wants a function at the name

    @inlined
    def move_group(work, block, fixed, now, group, here):
        if has_advance:
            advance(now.dynamics, here.x, here.v, view(here.g, 0, dim), here.z)
            if has_walls:
                fold(fixed.walls, here.x, here.v, dim, vectors)
        seen = ForceViews(here.x, here.g, here.xi)
        act(work, block, fixed.given, now.moment, group, seen)
        update(now.dynamics, here.x, here.v, view(here.g, 0, dim), here.xi, here.z)
        if has_walls:
            fold(fixed.walls, here.x, here.v, dim, vectors)

    return move_group


@cache
def draw_kernel(prepare, thermal, rows, draws):
    """The kernel that draws what a step of a block needs: the thermal normals, then what the
    `prepare` of a force needs; z has `rows` rows for each group."""
    if not thermal:
        return prepare
    fill_normals = draws.fill_normals()

    @inlined
    def draw(work, block, given, moment):
        address = Address(block.seed, moment.step, block.particle, THERMAL, FIRST_DRAW)
        fill_normals(work.z, Places(0, rows * WIDTH, thermal, block.groups), address)
        prepare(work, block, given, moment)

    return draw


@cache
def wide_kernel(dim, state, known):
    """The function that turns views of a group into those that reducers read, in float64."""

    @inlined
    def widened(here):
        return Views(
            wide_view(here.x, 0, dim),
            wide_view(here.v, 0, state),
            wide_view(here.g, 0, dim),
            wide_view(here.xi, 0, dim),
            here.z,
            wide_view(here.before, 0, known),
        )

    return widened


def step_kernel(force, update, advance, observe, shape):
    """The kernel that moves a block by one step; `observe` as `reducers.kernel.observe_kernel`
    makes it, or None.
    """
    freeze_leavers, sizes = book_keeping(shape.number).freeze_leavers, shape.sizes()
    dim, state, size = sizes
    rows, thermal, known = shape.rows, shape.thermal, dim + state
    draw = draw_kernel(force.prepare, thermal, rows, Draws(shape.number))
    move_group, has_readers = move_kernel(force, update, advance, shape), observe is not None
    observe, widened = observe or force.act, wide_kernel(dim, state, known)
    # xi, g and the state before the step stay in registers where they can: without noise xi is a
    # row of zeros, and an `advance` finds the last g in memory.
    xi_row, before_row, _ = shape.places()
    g_room = 1 if advance else stack_room(size)
    xi_room = stack_room(dim) if shape.noisy else 1
    before_room = stack_room(known) if has_readers else 1
    g_kept = g_room < size or advance is not None
    xi_kept, before_kept = xi_room < dim or not shape.noisy, before_room < known

    @inlined
    def one_step(moving, work, block, fixed, now):
        """Move a block by one step; False if a particle left a group not in careful mode."""
        draw(work, block, fixed.given, now.moment)
        inside, step = True, np.int64(now.moment.step)
        for group in range(block.groups):
            x = view(moving.x, group * dim * WIDTH, dim)
            v = view(moving.v, group * state * WIDTH, state)
            z = view(work.z, group * rows * WIDTH, thermal)
            if g_kept:
                g = view(moving.g, group * size * WIDTH, size)
            else:
                g = view(local(g_room, work.z), 0, size)
            if xi_kept:
                xi = view(work.spare, xi_row * WIDTH, dim)
            else:
                xi = view(local(xi_room, work.z), 0, dim)
            if before_kept:
                before = view(work.spare, before_row * WIDTH, known)
            else:
                before = view(local(before_room, work.z), 0, known)
            if unlikely(moving.careful[group]):
                copy_groups(work.kept, moving, sizes, group, 1)
            if has_readers and now.due:
                remember(before, x, v, dim, state)
            here = Views(x, v, g, xi, z, before)
            move_group(work, block, fixed, now, group, here)
            stays = True
            if unlikely(moving.careful[group]):
                freeze_leavers(moving, work.kept, sizes, group, fixed.limit, step)
            elif unlikely(not stays_inside(x, v, dim, state, fixed.limit)):
                stays, inside = False, False
                moving.careful[group] = 1
            if has_readers and now.due and stays and moving.seen[group] <= step:
                moving.seen[group] = step + 1
                reading = step + 1, now.due, moving.careful[group]
                observe(fixed.readers, group, reading, widened(here), moving.status)
        return inside

    return one_step
