"""Gradients of minibatches: which examples a particle takes in a step, and the mean of their
gradients.

Builders as in `forces`. The examples of a step are row numbers in `Work.chosen`, `batch` rows of
WIDTH numbers for each group; the parameters of the noise hold what the sampling needs: `batches` (given), or `keep`, `alias`,
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
    def choose(work, block, fixed, now):
        rows, batch, spacing = work.chosen, now.batch, fixed.batch_rows * WIDTH
        examples = np.uint64(fixed.examples)
        if shared:
            address = block.seed, now.step, _ZERO, _BATCH, _ZERO
            fill_integers(rows, (0, spacing, batch, 1), address, examples)
            _same_for_all(rows, batch, block.groups, spacing)
        else:
            address = block.seed, now.step, block.particle, _BATCH, _ZERO
            fill_integers(rows, (0, spacing, batch, block.groups), address, examples)

    return choose


@cache
def _permuted(new_order, shared):
    """Batches cut from a permutation: a fresh one in each step, in each epoch of N // batch steps,
    or one for ever.
    """
    fill_permutation = linked(permutation.fill_permutation, INTEGERS, PLACE, ADDRESS, types.uint64)

    @kernel
    def choose(work, block, fixed, now):
        rows, batch, spacing = work.chosen, now.batch, fixed.batch_rows * WIDTH
        examples, steps_of_epoch = np.uint64(fixed.examples), np.uint64(fixed.examples // batch)
        epoch, position = now.step, _ZERO
        if new_order != _EVERY_STEP:
            epoch = now.step // steps_of_epoch if new_order == _EVERY_EPOCH else _ZERO
            position = (now.step % steps_of_epoch) * np.uint64(batch)
        if shared:
            address = block.seed, epoch, _ZERO, _PERMUTATION, position
            fill_permutation(rows, (0, spacing, batch, 1), address, examples)
            _same_for_all(rows, batch, block.groups, spacing)
        else:
            address = block.seed, epoch, block.particle, _PERMUTATION, position
            fill_permutation(rows, (0, spacing, batch, block.groups), address, examples)

    return choose


@cache
def _given():
    @kernel
    def choose(work, block, fixed, now):
        for number in range(now.batch):
            work.chosen[number * WIDTH] = np.int64(fixed.noise.batches[now.step, number])
        _same_for_all(work.chosen, now.batch, block.groups, fixed.batch_rows * WIDTH)

    return choose


@kernel
def _nobody(particle, place):
    return _ZERO


@cache
def _weighted(shared, first_row, draws):
    """Importance sampling by Walker's alias method: a uniform row, or with probability 1 -
    keep[row] its alias.
    """
    draw, fill_uniforms = _with_replacement(shared, draws.address), draws.fill_uniforms()
    first_of, free = _nobody if shared else ids_from, first_row * WIDTH

    @kernel
    def choose(work, block, fixed, now):
        draw(work, block, fixed, now)
        rows, uniforms, q = work.chosen, flat_from(work.z, free), fixed.noise
        for group in range(block.groups):
            at = first_of(block.particle, group * WIDTH)
            step = steps_from(now.step, group * WIDTH)
            for number in range(now.batch):
                address = block.seed, step, at, _ROW_UNIFORM, np.uint64(number)
                fill_uniforms(uniforms, (0, 0, 1, 1), address)
                for lane in range(WIDTH):
                    place = (group * fixed.batch_rows + number) * WIDTH + lane
                    row = rows[place]
                    if uniforms[0 if shared else lane] >= q.keep[row]:
                        rows[place] = np.int64(q.alias[row])

    return choose


@cache
def batch_gradient(example_gradient, dim, scratch, columns, noise, first_row, draws=DOUBLES):
    """g = mean gradient over `batch` examples; `noise` = (sampling, shared, weighted); z is free
    from `first_row` on.
    """
    sampling, shared, weighted = noise
    size, room = dim + scratch, stack_room(dim + scratch)
    large = room < size
    if sampling != "with_replacement":
        choose = _given() if sampling == "given" else _permuted(NEW_ORDER[sampling], shared)
    elif weighted:
        choose = _weighted(shared, first_row, draws)
    else:
        choose = _with_replacement(shared, draws.address)

    @kernel
    def act(work, block, fixed, now, group, here):
        one = view(work.spare, 0, size) if large else view(local(room, work.spare), 0, size)
        set_to(here.g, dim, 0.0)
        for b in range(now.batch):
            place = (group * fixed.batch_rows + b) * WIDTH
            row = gathered_row(fixed.table, work.chosen, place, columns)
            example_gradient(fixed.model, here.x, row, one)
            if weighted:
                weight = gathered_row(flat(fixed.noise.weight), work.chosen, place, 1)[0]
                scale(one, dim, like(weight, one[0]))
            add_to(here.g, one, dim)
        scale(here.g, dim, 1.0 / now.batch)

    return Force(choose, act)


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
    def prepare(work, block, fixed, now):
        fill(work.z, start, block.groups, (block.seed, now.step, block.particle), 0)

    @kernel
    def act(work, block, fixed, now, group, here):
        z, spare, out = work.z, work.spare, here.g
        at, place = start + group * spacing, group * WIDTH
        one = view(spare, 0, size) if large else view(local(one_room, z), 0, size)
        row = view(spare, size * WIDTH, columns) if wide else view(local(row_room, z), 0, columns)
        who = block.seed, steps_from(now.step, place), ids_from(block.particle, place)
        set_to(out, dim, 0.0)
        for number in range(now.batch):
            if number > 0:
                fill(z, at, 1, who, number)
            draw(fixed.model, view(z, at, numbers), row)
            example_gradient(fixed.model, here.x, row, one)
            add_to(out, one, dim)
        scale(out, dim, 1.0 / now.batch)

    return Force(prepare, act)
