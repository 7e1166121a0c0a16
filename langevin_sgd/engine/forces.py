"""Gradients and gradient noise of a block of particles, from the compiled texts.

A builder returns a `Force`. `prepare(buffers, block, q, step, batch)` draws what a step needs for a
whole block, which is faster than group by group. `act(buffers, block, group, views, p, q, step,
batch)` then evaluates one group: views = (x, g, xi). `buffers` = (z, rows, spare, table) are flat;
`block` = (seed, first particle, groups, examples, batch_rows); p and q are the parameters of model
and noise. `draws` says how random numbers are drawn, see `kernels.random_rows`. Sums run in the order of
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
def nothing(buffers, block, q, step, batch):
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
    def act(buffers, block, group, views, p, q, step, batch):
        here, out, _ = views
        gradient(p, here, out)
        if has_drift:
            push = view(buffers[2], 0, size) if large else view(local(room, buffers[2]), 0, size)
            drift(p, here, push)
            for k in range(dim):
                out[k] -= push[k]

    return Force(nothing, act)


@cache
def mean_gradient(example_gradient, dim, scratch, columns):
    """g = mean gradient over the whole table."""
    size, room = dim + scratch, stack_room(dim + scratch)
    large = room < size

    @kernel
    def act(buffers, block, group, views, p, q, step, batch):
        here, out, _ = views
        examples, table = block[3], buffers[3]
        one = view(buffers[2], 0, size) if large else view(local(room, buffers[2]), 0, size)
        set_to(out, dim, 0.0)
        for row in range(examples):
            example_gradient(p, here, table_row(table, row, columns), one)
            add_to(out, one, dim)
        scale(out, dim, 1.0 / examples)

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
    def act(buffers, block, group, views, p, q, step, batch):
        z, _, spare, table = buffers
        here, out, noise = views
        seed, particle, _, examples, _ = block
        one, normal = (
            view(spare, 0, size) if large else view(local(room, z), 0, size),
            view(z, tile, TILE),
        )
        first, now = ids_from(particle, group * WIDTH), steps_from(step, group * WIDTH)
        set_to(out, dim, 0.0)
        set_to(noise, dim, 0.0)
        total = 0.0
        for start in range(0, examples, TILE):
            count = TILE if examples - start > TILE else examples - start
            fill_normals(
                z, (tile, 0, count, 1), (seed, now, first, _TABLE, np.uint64(start // each))
            )
            for i in range(count):
                example_gradient(p, here, table_row(table, start + i, columns), one)
                add_to(out, one, dim)
                for k in range(dim):
                    noise[k] += normal[i] * one[k]
                total = total + normal[i]
        mean, factor = (
            total * (1.0 / examples),
            1.0 / sqrt(np.float64(examples) * np.float64(batch)),
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
    def prepare(buffers, block, q, step, batch):
        seed, particle, groups, _, _ = block
        draw(buffers[0], start, groups, (seed, step, particle), 0)

    if gaussian:

        @kernel
        def act(buffers, block, group, views, p, q, step, batch):
            gradient(buffers, block, group, views, p, q, step, batch)
            here, _, out = views
            write(q, here, buffers[0], start + group * spacing, out)
            if batch > 1:
                scale(out, dim, 1.0 / sqrt(np.float64(batch)))

    else:

        @kernel
        def act(buffers, block, group, views, p, q, step, batch):
            gradient(buffers, block, group, views, p, q, step, batch)
            here, _, out = views
            z, at, place = buffers[0], start + group * spacing, group * WIDTH
            one = view(buffers[2], 0, dim) if large else view(local(one_room, z), 0, dim)
            set_to(out, dim, 0.0)
            for number in range(batch):
                if number > 0:
                    draw(
                        z,
                        at,
                        1,
                        (block[0], steps_from(step, place), ids_from(block[1], place)),
                        number,
                    )
                write(q, here, z, at, one)
                add_to(out, one, dim)
            scale(out, dim, 1.0 / batch)

    return Force(prepare, act)
