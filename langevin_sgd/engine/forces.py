"""Gradients and gradient noise of a block of particles, from the compiled texts.

A builder returns a `Force`. `prepare(work, block, fixed, now)` draws what a step needs for a whole
block, which is faster than group by group. `act(work, block, fixed, now, group, here)` then
evaluates one group: it writes g and xi of the `Views` here. For the rest see `blocks`. `draws` says how random numbers are drawn, see `kernels.random_rows`. Sums run in the order of
the examples, so that their bits are fixed."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from ..kernels.addresses import ids_from, steps_from
from ..kernels.bits import kernel, sqrt
from ..kernels.lanes import WIDTH
from ..kernels.random_rows import DOUBLES
from ..kernels.rng import Stream
from ..kernels.views import local, table_row, view

TILE = 64  # normals that the table's Gaussian twin draws at a time
ON_STACK = 512  # components; views of more lie in `spare`, for a stack is small
_NORMALS, _UNIFORMS = np.uint64(Stream.NOISE_NORMAL), np.uint64(Stream.NOISE_UNIFORM)
_TABLE = np.uint64(Stream.TABLE)


class Force(NamedTuple):
    """The two kernels of a force."""

    prepare: Callable
    act: Callable


def stack_room(size):
    """Components to ask of `local` for a view of `size`; 1 if it lies in `spare` instead."""
    return size if size <= ON_STACK else 1


@kernel
def nothing(work, block, fixed, now):
    """The `prepare` of a force that needs none."""


@kernel
def set_to(v, size, value):
    """v = value."""
    for k in range(size):
        v[k] = value


@kernel
def add_to(v, w, size):
    """v = v + w."""
    for k in range(size):
        v[k] += w[k]


@kernel
def scale(v, size, factor):
    """v = factor v."""
    for k in range(size):
        v[k] = v[k] * factor


@cache
def potential_gradient(gradient, drift, dim, scratch):
    """g = dU/dx, less the drift if there is one."""
    size, has_drift = dim + scratch, drift is not None
    drift, room = drift or gradient, stack_room(dim + scratch) if drift else 1
    large = room < size

    @kernel
    def act(work, block, fixed, now, group, here):
        gradient(fixed.model, here.x, here.g)
        if has_drift:
            push = view(work.spare, 0, size) if large else view(local(room, work.spare), 0, size)
            drift(fixed.model, here.x, push)
            for k in range(dim):
                here.g[k] -= push[k]

    return Force(nothing, act)


@cache
def mean_gradient(example_gradient, dim, scratch, columns):
    """g = mean gradient over the whole table."""
    size, room = dim + scratch, stack_room(dim + scratch)
    large = room < size

    @kernel
    def act(work, block, fixed, now, group, here):
        one = view(work.spare, 0, size) if large else view(local(room, work.spare), 0, size)
        set_to(here.g, dim, 0.0)
        for row in range(fixed.examples):
            example_gradient(fixed.model, here.x, table_row(fixed.table, row, columns), one)
            add_to(here.g, one, dim)
        scale(here.g, dim, 1.0 / fixed.examples)

    return Force(nothing, act)


@cache
def table_gaussian(example_gradient, dim, scratch, columns, first_row, draws=DOUBLES):
    """g = mean gradient over the whole table, xi = sum_i (z_i - mean z) g_i / sqrt(N B); z_i from
    `first_row` of z on.
    """
    tile, room = first_row * WIDTH, stack_room(dim + scratch)
    size, fill_normals, each = dim + scratch, draws.fill_normals(), draws.each()
    large = room < size

    @kernel
    def act(work, block, fixed, now, group, here):
        z, out, noise = work.z, here.g, here.xi
        examples = fixed.examples
        one = view(work.spare, 0, size) if large else view(local(room, z), 0, size)
        normal = view(z, tile, TILE)
        first, step = ids_from(block.particle, group * WIDTH), steps_from(now.step, group * WIDTH)
        set_to(out, dim, 0.0)
        set_to(noise, dim, 0.0)
        total = 0.0
        for start in range(0, examples, TILE):
            count = TILE if examples - start > TILE else examples - start
            fill_normals(
                z,
                (tile, 0, count, 1),
                (block.seed, step, first, _TABLE, np.uint64(start // each)),
            )
            for i in range(count):
                example_gradient(
                    fixed.model, here.x, table_row(fixed.table, start + i, columns), one
                )
                add_to(out, one, dim)
                for k in range(dim):
                    noise[k] += normal[i] * one[k]
                total = total + normal[i]
        mean, factor = (
            total * (1.0 / examples),
            1.0 / sqrt(np.float64(examples) * np.float64(now.batch)),
        )
        for k in range(dim):
            noise[k] = (noise[k] - mean * out[k]) * factor
        scale(out, dim, 1.0 / examples)

    return Force(nothing, act)


@cache
def _writer(sample, dim, size, room, behind):
    """`sample` from the random numbers at `at` in z into `out`; a text with scratch numbers writes
    to z first.
    """
    if room > dim:

        @kernel
        def write(q, here, z, at, out):
            wide = view(z, at + behind, room)
            sample(q, here, view(z, at, size), wide)
            for k in range(dim):
                out[k] = wide[k]

    else:

        @kernel
        def write(q, here, z, at, out):
            sample(q, here, view(z, at, size), out)

    return write


@cache
def with_noise(gradient_force, sample, dim, layout, gaussian, draws=DOUBLES):
    """`gradient_force`, and xi from `sample`: the mean of `batch` draws, or for Gaussian noise one
    draw / sqrt(batch).

    `layout` = (normals, uniforms, first row in z, rows of z, numbers of `out`): a text that writes
    more than `dim` numbers gets the rows of z behind the random ones."""
    normals, uniforms, first_row, rows, room = layout
    size, normal_draws, uniform_draws = (
        normals + uniforms,
        draws.count(normals),
        draws.count(uniforms),
    )
    start, spacing, behind = (
        first_row * WIDTH,
        rows * WIDTH,
        (draws.rows(normals) + draws.rows(uniforms)) * WIDTH,
    )
    fill_normals = draws.fill_normals()
    fill_uniforms = draws.fill_uniforms() if uniforms else fill_normals
    write, gradient, one_room = (
        _writer(sample, dim, size, room, behind),
        gradient_force.act,
        stack_room(dim),
    )
    large = one_room < dim

    @kernel
    def draw(z, at, groups, who, number):
        """The random numbers of one draw for `groups` groups, the first of which lies at `at`."""
        seed, step, particle = who
        fill_normals(
            z,
            (at, spacing, normals, groups),
            (seed, step, particle, _NORMALS, np.uint64(number * normal_draws)),
        )
        if uniforms:
            place = (at + normals * WIDTH, spacing, uniforms, groups)
            fill_uniforms(
                z, place, (seed, step, particle, _UNIFORMS, np.uint64(number * uniform_draws))
            )

    @kernel
    def prepare(work, block, fixed, now):
        draw(work.z, start, block.groups, (block.seed, now.step, block.particle), 0)

    if gaussian:

        @kernel
        def act(work, block, fixed, now, group, here):
            gradient(work, block, fixed, now, group, here)
            write(fixed.noise, here.x, work.z, start + group * spacing, here.xi)
            if now.batch > 1:
                scale(here.xi, dim, 1.0 / sqrt(np.float64(now.batch)))

    else:

        @kernel
        def act(work, block, fixed, now, group, here):
            gradient(work, block, fixed, now, group, here)
            z, at, place = work.z, start + group * spacing, group * WIDTH
            one = view(work.spare, 0, dim) if large else view(local(one_room, z), 0, dim)
            who = block.seed, steps_from(now.step, place), ids_from(block.particle, place)
            set_to(here.xi, dim, 0.0)
            for number in range(now.batch):
                if number > 0:
                    draw(z, at, 1, who, number)
                write(fixed.noise, here.x, z, at, one)
                add_to(here.xi, one, dim)
            scale(here.xi, dim, 1.0 / now.batch)

    return Force(prepare, act)
