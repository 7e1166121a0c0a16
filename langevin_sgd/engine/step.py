"""One step of a block of particles: everything from the random numbers to the readings of the
reducers, in one pass.
"""

from typing import NamedTuple

import numpy as np
from numba import types

from ..kernels.bits import fma, kernel
from ..kernels.lanes import WIDTH, all_lanes, unlikely
from ..kernels.random_rows import Draws
from ..kernels.rng import Stream
from ..kernels.views import local, view, wide_view
from .domain import fold
from .forces import stack_room
from .freezing import INFINITE, book_keeping
from .reducers.kernel import Views

_THERMAL, _FIRST_DRAW = np.uint64(Stream.THERMAL), np.uint64(0)


class Shape(NamedTuple):
    """The compile-time constants of a kernel."""

    dim: int
    size: int  # components of g: dim + scratch
    state: int  # numbers of v
    thermal: int  # thermal normals
    rows: int  # rows of z: thermal normals, then those of the noise
    walls: bool  # whether the domain is not open
    mirrored: bool  # whether v is a velocity, which a reflecting wall turns round
    noisy: bool  # whether xi is drawn; otherwise it is zero
    columns: int  # entries of an example
    number: types.Type  # of x, v, g, xi, z and the data table: float64 or float32

    def places(self):
        """Where in `spare` lie xi, x and v before a step, and where it ends, in rows; the first
        ones belong to the forces.
        """
        xi = self.size + self.columns
        return xi, xi + self.dim, xi + 2 * self.dim + self.state


@kernel
def remember(before, x, v, dim, state):
    """before = x, then v."""
    for k in range(dim):
        before[k] = x[k]
    for k in range(state):
        before[dim + k] = v[k]


@kernel
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


def step_kernel(force, update, advance, observe, shape):
    """The kernel that moves a block by one step; `observe` as `reducers.kernel.observe_kernel`
    makes it, or None.
    """
    dim, size, state, thermal, rows, has_walls, mirrored, noisy, _, number = shape
    save, settle, *_ = book_keeping(number)
    fill_normals = Draws(number).fill_normals()
    prepare, act = force
    has_advance, has_readers, sizes, known = (
        advance is not None,
        observe is not None,
        (dim, state, size),
        dim + state,
    )
    advance, observe = advance or update, observe or act
    # xi, g and the state before the step stay in registers where they can: without noise xi is a
    # row of zeros, and an `advance` finds the last g in memory.
    g_room, xi_room = 1 if has_advance else stack_room(size), stack_room(dim) if noisy else 1
    before_room, (xi_row, before_row, _) = stack_room(known) if has_readers else 1, shape.places()
    g_kept, xi_kept, before_kept = (
        g_room < size or has_advance,
        xi_room < dim or not noisy,
        before_room < known,
    )

    @kernel
    def one_step(moving, work, block, constants, d, now):
        """Move a block by one step; False if a particle left from a group that is not in careful
        mode.
        """
        x, v, g, status, _ = moving
        z, examples_of, spare, kept, careful, seen = work
        seed, particle, groups, _, _ = block
        p, q, table, limit, walls, readers = constants
        step, batch, due = now
        buffers = z, examples_of, spare, table
        if thermal:
            fill_normals(
                z,
                (0, rows * WIDTH, thermal, groups),
                (seed, np.uint64(step), particle, _THERMAL, _FIRST_DRAW),
            )
        prepare(buffers, block, q, np.uint64(step), batch)
        inside = True
        for group in range(groups):
            here, memory = view(x, group * dim * WIDTH, dim), view(v, group * state * WIDTH, state)
            out = view(g, group * size * WIDTH, size) if g_kept else view(local(g_room, z), 0, size)
            noise = view(spare, xi_row * WIDTH, dim) if xi_kept else view(local(xi_room, z), 0, dim)
            before = (
                view(spare, before_row * WIDTH, known)
                if before_kept
                else view(local(before_room, z), 0, known)
            )
            normals = view(z, group * rows * WIDTH, thermal)
            if unlikely(careful[group]):
                save(moving, sizes, group, kept)
            if has_readers and due:
                remember(before, here, memory, dim, state)
            if has_advance:
                advance(d, here, memory, view(out, 0, dim), normals)
                if has_walls:
                    fold(walls, here, memory, dim, mirrored)
            act(buffers, block, group, (here, out, noise), p, q, np.uint64(step), batch)
            update(d, here, memory, view(out, 0, dim), noise, normals)
            if has_walls:
                fold(walls, here, memory, dim, mirrored)
            stays = True
            if unlikely(careful[group]):
                settle(moving, sizes, group, kept, limit, step)
            else:
                stays = stays_inside(here, memory, dim, state, limit)
                if unlikely(not stays):
                    careful[group], inside = 1, False
            if has_readers and due and stays and seen[group] <= step:
                seen[group] = step + 1
                views = Views(
                    wide_view(before, 0, known),
                    wide_view(here, 0, dim),
                    wide_view(memory, 0, state),
                    wide_view(out, 0, dim),
                    wide_view(noise, 0, dim),
                )
                observe(readers, group, (step + 1, due, careful[group]), views, status)
        return inside

    return one_step
