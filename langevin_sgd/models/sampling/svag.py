"""SVAG: the halves of a batch count with opposite errors, so that the noise of a short step is
amplified and its mean is not."""

from ...kernels.bits import inlined, sqrt
from ...kernels.precisions import like
from ..example_moments import example_covariance
from .independent import uniform_rows
from .mode import Mode, by_row_numbers


@inlined
def _weight_of_half(work, given, moment, place, number, one):
    """1 + s in the first half and 1 - s in the second, s^2 = 2 amplification - 1."""
    spread = sqrt(2.0 * given.noise.amplification - 1.0)
    return like(1.0 + spread if 2 * number < moment.batch else 1.0 - spread, one[0])


def _amplified_covariance(noise, loss, x, batch_size):
    """2 amplification Sigma/B: the squares of the weights add up to 2 amplification B."""
    return example_covariance(loss, x) * (2 * noise.params.amplification / batch_size)


def _check_halves(noise, loss, batches):
    if batches.scheduled or batches.largest % 2:
        raise ValueError(
            "batch_size must be constant and even for 'svag', whose batches have two halves, got "
            f"{batches.largest}{' in a schedule' * batches.scheduled}."
        )


SVAG = Mode(
    "svag",
    by_row_numbers(uniform_rows, _weight_of_half),
    _amplified_covariance,
    ("amplification",),
    _check_halves,
    own_steps=True,
)
