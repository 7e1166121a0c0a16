"""Gradients of minibatches: which examples a particle takes in a step, and the mean of their
gradients.

Builders as in `forces`. The examples of a step are row numbers in `rows`, `batch` rows of WIDTH
numbers for each group; q holds what the sampling needs: `batches` (given), or `keep`, `alias`,
`weight` (importance sampling)."""

from functools import cache

import numpy as np
from numba import types

from ..kernels import permutation, rng
from ..kernels.addresses import ids_from, steps_from
from ..kernels.bits import kernel
from ..kernels.casts import like
from ..kernels.lanes import WIDTH
from ..kernels.linked import linked
from ..kernels.random_rows import DOUBLES
from ..kernels.rng import ADDRESS, INTEGERS, PLACE, Stream
from ..kernels.views import flat, flat_from, gathered_row, local, view
from .forces import Force, add_to, scale, set_to, stack_room

_BATCH, _PERMUTATION, _ZERO = np.uint64(Stream.BATCH), np.uint64(Stream.PERMUTATION), np.uint64(0)
_ROW_NORMAL, _ROW_UNIFORM = np.uint64(Stream.ROW_NORMAL), np.uint64(Stream.ROW_UNIFORM)
_EVERY_STEP, _EVERY_EPOCH, _NEVER = range(3)  # when a particle draws a new order
NEW_ORDER = {
    "without_replacement": _EVERY_STEP,
    "reshuffle": _EVERY_EPOCH,
    "single_shuffle": _NEVER,
}


@kernel
def _same_for_all(rows, count, groups, spacing):
    """Give all particles the examples of the first lane."""
    for number in range(count):
        example = rows[number * WIDTH]
        for group in range(groups):
            for lane in range(WIDTH):
                rows[group * spacing + number * WIDTH + lane] = example


@cache
def _with_replacement(shared, address):
    fill_integers = linked(rng.fill_integers, INTEGERS, PLACE, address, types.uint64)

    @kernel
    def choose(rows, block, q, step, batch):
        seed, particle, groups, examples, batch_rows = block
        spacing = batch_rows * WIDTH
        if shared:
            fill_integers(
                rows,
                (0, spacing, batch, 1),
                (seed, step, _ZERO, _BATCH, _ZERO),
                np.uint64(examples),
            )
            _same_for_all(rows, batch, groups, spacing)
        else:
            fill_integers(
                rows,
                (0, spacing, batch, groups),
                (seed, step, particle, _BATCH, _ZERO),
                np.uint64(examples),
            )

    return choose


@cache
def _permuted(new_order, shared):
    """Batches cut from a permutation: a fresh one in each step, in each epoch of N // batch steps,
    or one for ever.
    """
    fill_permutation = linked(permutation.fill_permutation, INTEGERS, PLACE, ADDRESS, types.uint64)

    @kernel
    def choose(rows, block, q, step, batch):
        seed, particle, groups, examples, batch_rows = block
        spacing, steps_of_epoch = batch_rows * WIDTH, np.uint64(examples // batch)
        epoch, position = step, _ZERO
        if new_order != _EVERY_STEP:
            epoch = step // steps_of_epoch if new_order == _EVERY_EPOCH else _ZERO
            position = (step % steps_of_epoch) * np.uint64(batch)
        if shared:
            fill_permutation(
                rows,
                (0, spacing, batch, 1),
                (seed, epoch, _ZERO, _PERMUTATION, position),
                np.uint64(examples),
            )
            _same_for_all(rows, batch, groups, spacing)
        else:
            address = (seed, epoch, particle, _PERMUTATION, position)
            fill_permutation(rows, (0, spacing, batch, groups), address, np.uint64(examples))

    return choose


@cache
def _given():
    @kernel
    def choose(rows, block, q, step, batch):
        spacing = block[4] * WIDTH
        for number in range(batch):
            rows[number * WIDTH] = np.int64(q.batches[step, number])
        _same_for_all(rows, batch, block[2], spacing)

    return choose


@kernel
def _nobody(particle, place):
    return _ZERO


@cache
def _weighted(shared, draws):
    """Importance sampling by Walker's alias method: a uniform row, or with probability 1 -
    keep[row] its alias.
    """
    draw, fill_uniforms = _with_replacement(shared, draws.address), draws.fill_uniforms()
    first_of = _nobody if shared else ids_from

    @kernel
    def choose(rows, uniforms, block, q, step, batch):
        draw(rows, block, q, step, batch)
        seed, particle, groups, _, batch_rows = block
        spacing = batch_rows * WIDTH
        for group in range(groups):
            at, now = first_of(particle, group * WIDTH), steps_from(step, group * WIDTH)
            for number in range(batch):
                fill_uniforms(
                    uniforms, (0, 0, 1, 1), (seed, now, at, _ROW_UNIFORM, np.uint64(number))
                )
                for lane in range(WIDTH):
                    place = group * spacing + number * WIDTH + lane
                    row = rows[place]
                    rows[place] = (
                        row
                        if uniforms[0 if shared else lane] < q.keep[row]
                        else np.int64(q.alias[row])
                    )

    return choose


@cache
def batch_gradient(example_gradient, dim, scratch, columns, noise, first_row, draws=DOUBLES):
    """g = mean gradient over `batch` examples; `noise` = (sampling, shared, weighted); z is free
    from `first_row` on.
    """
    sampling, shared, weighted = noise
    size, free, room = dim + scratch, first_row * WIDTH, stack_room(dim + scratch)
    large = room < size
    if sampling == "with_replacement":
        choose = _weighted(shared, draws) if weighted else _with_replacement(shared, draws.address)
    else:
        choose = _given() if sampling == "given" else _permuted(NEW_ORDER[sampling], shared)

    @kernel
    def prepare(buffers, block, q, step, batch):
        z, rows, _, _ = buffers
        if weighted:
            choose(rows, flat_from(z, free), block, q, step, batch)
        else:
            choose(rows, block, q, step, batch)

    @kernel
    def act(buffers, block, group, views, p, q, step, batch):
        _, rows, spare, table = buffers
        here, out, _ = views
        one = view(spare, 0, size) if large else view(local(room, spare), 0, size)
        set_to(out, dim, 0.0)
        for b in range(batch):
            place = (group * block[4] + b) * WIDTH
            example_gradient(p, here, gathered_row(table, rows, place, columns), one)
            if weighted:
                scale(one, dim, like(gathered_row(flat(q.weight), rows, place, 1)[0], one[0]))
            add_to(out, one, dim)
        scale(out, dim, 1.0 / batch)

    return Force(prepare, act)


@cache
def population_gradient(example_gradient, draw, dim, scratch, columns, layout, draws=DOUBLES):
    """g = mean gradient over `batch` fresh rows; layout = (normals, uniforms, first row in z, rows
    of z).
    """
    normals, uniforms, first_row, rows_of_z = layout
    size, start, spacing, numbers = (
        dim + scratch,
        first_row * WIDTH,
        rows_of_z * WIDTH,
        normals + uniforms,
    )
    fill_normals = draws.fill_normals()
    fill_uniforms = draws.fill_uniforms() if uniforms else fill_normals
    normal_draws, uniform_draws = draws.count(normals), draws.count(uniforms)
    one_room, row_room = stack_room(size), stack_room(columns)
    large, wide = one_room < size, row_room < columns

    @kernel
    def fill(z, at, groups, who, number):
        """The random numbers of one fresh row for `groups` groups, the first of which lies at `at`."""
        seed, step, particle = who
        fill_normals(
            z,
            (at, spacing, normals, groups),
            (seed, step, particle, _ROW_NORMAL, np.uint64(number * normal_draws)),
        )
        if uniforms:
            place = (at + normals * WIDTH, spacing, uniforms, groups)
            fill_uniforms(
                z, place, (seed, step, particle, _ROW_UNIFORM, np.uint64(number * uniform_draws))
            )

    @kernel
    def prepare(buffers, block, q, step, batch):
        seed, particle, groups, _, _ = block
        fill(buffers[0], start, groups, (seed, step, particle), 0)

    @kernel
    def act(buffers, block, group, views, p, q, step, batch):
        z, _, spare, _ = buffers
        here, out, _ = views
        at, place = start + group * spacing, group * WIDTH
        one = view(spare, 0, size) if large else view(local(one_room, z), 0, size)
        row = view(spare, size * WIDTH, columns) if wide else view(local(row_room, z), 0, columns)
        set_to(out, dim, 0.0)
        for number in range(batch):
            if number > 0:
                fill(
                    z, at, 1, (block[0], steps_from(step, place), ids_from(block[1], place)), number
                )
            draw(p, view(z, at, numbers), row)
            example_gradient(p, here, row, one)
            add_to(out, one, dim)
        scale(out, dim, 1.0 / batch)

    return Force(prepare, act)
