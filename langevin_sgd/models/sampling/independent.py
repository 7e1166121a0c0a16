"""Independent draws with replacement: of all examples alike, or with weights."""

from functools import cache

import numpy as np
from numba import types

from ...kernels import rng_integers
from ...kernels.bits import inlined
from ...kernels.compiling import linked
from ...kernels.lanes import WIDTH
from ...kernels.precisions import like
from ...kernels.rng import INTEGERS, PLACE, Address, Places, Stream, ids_from, steps_from
from ...kernels.views import flat, flat_from, gathered_row
from ..example_moments import example_covariance
from .mode import ZERO, Mode, by_row_numbers, same_for_all

_BATCH, _UNIFORM = np.uint64(Stream.BATCH), np.uint64(Stream.ROW_UNIFORM)


@cache
def uniform_rows(shared, draws, free):
    """The kernel `pick` of `by_row_numbers`: any row, all alike."""
    fill_integers = linked(rng_integers.fill_integers, INTEGERS, PLACE, draws.address, types.uint64)

    @inlined
    def pick(work, block, given, moment):
        rows, batch, spacing = work.chosen, moment.batch, given.batch_rows * WIDTH
        examples = np.uint64(given.examples)
        if shared:
            address = Address(block.seed, moment.step, ZERO, _BATCH, ZERO)
            fill_integers(rows, Places(0, spacing, batch, 1), address, examples)
            same_for_all(rows, batch, block.groups, spacing)
        else:
            address = Address(block.seed, moment.step, block.particle, _BATCH, ZERO)
            places = Places(0, spacing, batch, block.groups)
            fill_integers(rows, places, address, examples)

    return pick


@inlined
def _nobody(particle, place):
    return ZERO


@cache
def _weighted_rows(shared, draws, free):
    """Walker's alias method: a uniform row, or with probability 1 - keep[row] its alias."""
    pick_uniform, fill_uniforms = uniform_rows(shared, draws, free), draws.fill_uniforms()
    first_of = _nobody if shared else ids_from

    @inlined
    def pick(work, block, given, moment):
        pick_uniform(work, block, given, moment)
        rows, uniforms, weights = work.chosen, flat_from(work.z, free * WIDTH), given.noise
        for group in range(block.groups):
            particle = first_of(block.particle, group * WIDTH)
            step = steps_from(moment.step, group * WIDTH)
            for number in range(moment.batch):
                address = Address(block.seed, step, particle, _UNIFORM, np.uint64(number))
                fill_uniforms(uniforms, Places(0, 0, 1, 1), address)
                for lane in range(WIDTH):
                    place = (group * given.batch_rows + number) * WIDTH + lane
                    row = rows[place]
                    stays = uniforms[0 if shared else lane] < weights.keep[row]
                    rows[place] = row if stays else np.int64(weights.alias[row])

    return pick


@inlined
def _weight_of_example(work, given, moment, place, number, one):
    return like(gathered_row(flat(given.noise.weight), work.chosen, place, 1)[0], one[0])


def _uniform_covariance(noise, loss, x, batch_size):
    """Sigma/B."""
    return example_covariance(loss, x) / batch_size


def _weighted_covariance(noise, loss, x, batch_size):
    """(sum_i g_i g_i' / (N^2 p_i) - G G')/B: an example counts 1/(N p_i) times."""
    return example_covariance(loss, x, noise.params.weight) / batch_size


def _check_weights(noise, loss, batches):
    if len(noise.params.weight) != len(loss.data):
        raise ValueError(
            f"weights must have {len(loss.data)} entries, one per example, got "
            f"{len(noise.params.weight)}."
        )


WITH_REPLACEMENT = Mode(
    "with_replacement", by_row_numbers(uniform_rows), _uniform_covariance, own_steps=True
)
WEIGHTED = Mode(
    "with_replacement",
    by_row_numbers(_weighted_rows, _weight_of_example),
    _weighted_covariance,
    ("keep", "alias", "weight"),
    _check_weights,
    rows=lambda model, draws: draws.rows(1),
    own_steps=True,
)
