"""Batches cut from a permutation of the examples: a fresh one in each step, in each epoch of N // B
steps, or one for ever."""

from functools import cache, partial

import numpy as np
from numba import types

from ...kernels import permutation
from ...kernels.bits import inlined
from ...kernels.compiling import linked
from ...kernels.lanes import WIDTH
from ...kernels.rng import ADDRESS, INTEGERS, PLACE, Address, Places, Stream
from ..example_moments import example_covariance
from .mode import ZERO, Mode, by_row_numbers, same_for_all

_PERMUTATION = np.uint64(Stream.PERMUTATION)
_EVERY_STEP, _EVERY_EPOCH, _NEVER = range(3)  # when a particle draws a new order


@cache
def _permuted_rows(new_order, shared, draws, free):
    fill_permutation = linked(permutation.fill_permutation, INTEGERS, PLACE, ADDRESS, types.uint64)

    @inlined
    def pick(work, block, given, moment):
        rows, batch, spacing = work.chosen, moment.batch, given.batch_rows * WIDTH
        examples, steps_of_epoch = np.uint64(given.examples), np.uint64(given.examples // batch)
        epoch, position = moment.step, ZERO
        if new_order != _EVERY_STEP:
            epoch = moment.step // steps_of_epoch if new_order == _EVERY_EPOCH else ZERO
            position = (moment.step % steps_of_epoch) * np.uint64(batch)
        if shared:
            address = Address(block.seed, epoch, ZERO, _PERMUTATION, position)
            fill_permutation(rows, Places(0, spacing, batch, 1), address, examples)
            same_for_all(rows, batch, block.groups, spacing)
        else:
            address = Address(block.seed, epoch, block.particle, _PERMUTATION, position)
            places = Places(0, spacing, batch, block.groups)
            fill_permutation(rows, places, address, examples)

    return pick


def _covariance_of_a_subset(noise, loss, x, batch_size):
    """Sigma/B (N - B)/(N - 1)."""
    examples = len(loss.data)
    share = (examples - batch_size) / max(1, examples - 1)
    return example_covariance(loss, x) / batch_size * share


def _check_subset(noise, loss, batches):
    if batches.largest > len(loss.data):
        raise ValueError(
            f"batch_size must be at most {len(loss.data)}, the number of examples, for "
            f"{noise.sampling!r}; got {batches.largest}."
        )


def _check_epochs(noise, loss, batches):
    _check_subset(noise, loss, batches)
    if batches.scheduled:
        raise ValueError(
            f"batch_size must be constant for {noise.sampling!r}: an epoch is cut into equal "
            "batches."
        )


def _steps_of_epoch(examples, batch_size):
    return examples // batch_size


def _mode(name, new_order, **fields):
    choose = partial(_permuted_rows, new_order)
    return Mode(name, by_row_numbers(choose), _covariance_of_a_subset, **fields)


EPOCHS = {"check": _check_epochs, "epoch": _steps_of_epoch}
WITHOUT_REPLACEMENT = _mode("without_replacement", _EVERY_STEP, check=_check_subset)
RESHUFFLE = _mode("reshuffle", _EVERY_EPOCH, **EPOCHS)
SINGLE_SHUFFLE = _mode("single_shuffle", _NEVER, **EPOCHS)
