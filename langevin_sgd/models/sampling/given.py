"""Row numbers that the user gives, the same for all particles."""

from functools import cache

import numpy as np

from ...kernels.bits import inlined
from ...kernels.lanes import WIDTH
from .mode import Mode, by_row_numbers, same_for_all


@cache
def _given_rows(shared, draws, free):
    @inlined
    def pick(work, block, given, moment):
        for number in range(moment.batch):
            work.chosen[number * WIDTH] = np.int64(given.noise.batches[moment.step, number])
        same_for_all(work.chosen, moment.batch, block.groups, given.batch_rows * WIDTH)

    return pick


def _unknown_covariance(noise, loss, x, batch_size):
    raise ValueError(
        "the batch covariance of sampling='given' is not known: its rows are no draws. Pass "
        "noise_covariance=, that of ONE example's gradient."
    )


def _check_batches(noise, loss, batches):
    rows, examples = noise.params.batches, len(loss.data)
    steps, size = batches.steps, batches.largest
    if len(rows) < steps or rows.shape[1] != size or rows.max() >= examples:
        raise ValueError(
            f"batches must have the shape (steps, batch_size) = (at least {steps}, {size}) and "
            f"hold row numbers below {examples}; got the shape {rows.shape} with numbers up to "
            f"{rows.max():.0f}."
        )


GIVEN = Mode(
    "given",
    by_row_numbers(_given_rows),
    _unknown_covariance,
    ("batches",),
    _check_batches,
    independent=False,
)
