"""How the gradient g and the gradient noise xi of a block of particles come about: one small kernel for each way.

Each builder returns `force(arrays, block, p, q, step, batch)` for the compiled texts it is given. `arrays` = (x, g, xi, z, rows,
spare, table) are flat; `block` = (seed, first particle, groups, examples, batch_rows); p and q are the parameters of model and
noise. All but the table begin with the block's first group. Sums run in the order of the examples, so that their bits are fixed.
"""

from functools import cache

import numpy as np

from ..kernels import rng
from ..kernels.bits import kernel, sqrt
from ..kernels.external import external
from ..kernels.lanes import WIDTH
from ..kernels.rng import ADDRESS, FLOATS, PLACE, Stream
from ..kernels.views import table_row, view

TILE = 64  # normals that the table's Gaussian twin draws at a time
_NORMALS, _UNIFORMS = np.uint64(Stream.NOISE_NORMAL), np.uint64(Stream.NOISE_UNIFORM)
_TABLE = np.uint64(Stream.TABLE)


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
    drift = drift or gradient

    @kernel
    def force(arrays, block, p, q, step, batch):
        x, g, _, _, _, spare, _ = arrays
        for group in range(block[2]):
            here, out = view(x, group * dim * WIDTH, dim), view(g, group * size * WIDTH, size)
            gradient(p, here, out)
            if has_drift:
                push = view(spare, 0, size)
                drift(p, here, push)
                for k in range(dim):
                    out[k] -= push[k]

    return force


@cache
def mean_gradient(example_gradient, dim, scratch, columns):
    """g = mean gradient over the whole table."""
    size = dim + scratch

    @kernel
    def force(arrays, block, p, q, step, batch):
        x, g, _, _, _, spare, table = arrays
        _, _, groups, examples, _ = block
        one = view(spare, 0, size)
        for group in range(groups):
            here, out = view(x, group * dim * WIDTH, dim), view(g, group * size * WIDTH, size)
            set_to(out, dim, 0.0)
            for row in range(examples):
                example_gradient(p, here, table_row(table, row, columns), one)
                add_to(out, one, dim)
            scale(out, dim, 1.0 / examples)

    return force


@cache
def table_gaussian(example_gradient, dim, scratch, columns, first_row):
    """g = mean gradient over the whole table, xi = sum_i (z_i - mean z) g_i / sqrt(N B); z_i from `first_row` of z on."""
    tile = first_row * WIDTH
    size, fill_normals = dim + scratch, external(rng.fill_normals, FLOATS, PLACE, ADDRESS)

    @kernel
    def force(arrays, block, p, q, step, batch):
        x, g, xi, z, _, spare, table = arrays
        seed, particle, groups, examples, _ = block
        one, normal = view(spare, 0, size), view(z, tile, TILE)
        for group in range(groups):
            here, out = view(x, group * dim * WIDTH, dim), view(g, group * size * WIDTH, size)
            noise, first = view(xi, group * dim * WIDTH, dim), particle + np.uint64(group * WIDTH)
            set_to(out, dim, 0.0)
            set_to(noise, dim, 0.0)
            total = 0.0
            for start in range(0, examples, TILE):
                count = TILE if examples - start > TILE else examples - start
                fill_normals(z, (tile, 0, count, 1), (seed, step, first, _TABLE, np.uint64(start // 2)))
                for i in range(count):
                    example_gradient(p, here, table_row(table, start + i, columns), one)
                    add_to(out, one, dim)
                    for k in range(dim):
                        noise[k] += normal[i] * one[k]
                    total = total + normal[i]
            mean, factor = total * (1.0 / examples), 1.0 / sqrt(np.float64(examples) * np.float64(batch))
            for k in range(dim):
                noise[k] = (noise[k] - mean * out[k]) * factor
            scale(out, dim, 1.0 / examples)

    return force


@cache
def _writer(sample, dim, size, room, behind):
    """`sample` from the random numbers at `at` in z into `out`; a text with scratch numbers writes to z first."""
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
def with_noise(gradient_force, sample, dim, layout, gaussian):
    """`gradient_force`, and xi from `sample`: the mean of `batch` draws, or for Gaussian noise one draw / sqrt(batch).

    `layout` = (normals, uniforms, first row in z, rows of z, numbers of `out`): a text that writes more than `dim` numbers gets
    the rows of z behind the random ones.
    """
    normals, uniforms, first_row, rows, room = layout
    size, pairs, uniform_draws = normals + uniforms, (normals + 1) // 2, (uniforms + 1) // 2
    start, spacing, behind = first_row * WIDTH, rows * WIDTH, 2 * (pairs + uniform_draws) * WIDTH
    fill_normals = external(rng.fill_normals, FLOATS, PLACE, ADDRESS)
    fill_uniforms = external(rng.fill_uniforms, FLOATS, PLACE, ADDRESS) if uniforms else fill_normals

    @kernel
    def draw(z, block, step, number):
        seed, particle, groups, _, _ = block
        fill_normals(z, (start, spacing, normals, groups), (seed, step, particle, _NORMALS, np.uint64(number * pairs)))
        if uniforms:
            place = (start + normals * WIDTH, spacing, uniforms, groups)
            fill_uniforms(z, place, (seed, step, particle, _UNIFORMS, np.uint64(number * uniform_draws)))

    write = _writer(sample, dim, size, room, behind)

    if gaussian:

        @kernel
        def force(arrays, block, p, q, step, batch):
            gradient_force(arrays, block, p, q, step, batch)
            x, _, xi, z, _, _, _ = arrays
            factor = 1.0 / sqrt(np.float64(batch))
            draw(z, block, step, 0)
            for group in range(block[2]):
                out = view(xi, group * dim * WIDTH, dim)
                write(q, view(x, group * dim * WIDTH, dim), z, start + group * spacing, out)
                if batch > 1:
                    scale(out, dim, factor)

    else:

        @kernel
        def force(arrays, block, p, q, step, batch):
            gradient_force(arrays, block, p, q, step, batch)
            x, _, xi, z, _, spare, _ = arrays
            one = view(spare, 0, dim)
            for number in range(batch):
                draw(z, block, step, number)
                for group in range(block[2]):
                    out = view(xi, group * dim * WIDTH, dim)
                    if number == 0:
                        set_to(out, dim, 0.0)
                    write(q, view(x, group * dim * WIDTH, dim), z, start + group * spacing, one)
                    add_to(out, one, dim)
            for group in range(block[2]):
                scale(view(xi, group * dim * WIDTH, dim), dim, 1.0 / batch)

    return force
