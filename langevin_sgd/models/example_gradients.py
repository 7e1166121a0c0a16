"""The gradient of each example of a `Loss`, one by one, at many points."""

import math
from functools import cache, partial

import numba
import numpy as np

from ..arguments import LONGEST, checked, finite_array, instance
from ..kernels.bits import kernel
from ..kernels.compiling import for_lanes, kept
from ..kernels.lanes import WIDTH
from ..kernels.views import empty_groups, pack, view, view_type
from .evaluate import check_points
from .loss_record import Loss

LOSS = partial(instance, kinds=Loss, words="a Loss, whose data table holds the examples")
AT_ONCE = 2**17  # numbers in what is worked on at once: 1 MB stays in the cache
KEPT = 2**24  # numbers that are kept rather than computed a second time: 134 MB


@cache
def _example_kernel(function, dim, columns, size):
    @kernel
    def run(p, x, table, out):
        for point in range(x.shape[0]):
            place = view(x, point * dim * WIDTH, dim)
            for group in range(table.shape[0]):
                number = point * table.shape[0] + group
                row = view(table, group * columns * WIDTH, columns)
                function(p, place, row, view(out, number * size * WIDTH, size))

    return kept(run)


def gradients_of(loss, quantity="gradient"):
    """A function of points (m, d) and a slice of the table: the gradients (m, n, d) of its
    examples, each lane with an example of its own; or their matrices (m, n, d d), for the quantity
    "hessian" or "fisher"."""
    dim, columns = loss.dim, loss.data.shape[1]
    written = dim if quantity == "gradient" else dim * dim
    size, label = written + loss.scratch, f"{quantity} of one example of {loss.name!r}"
    kinds = numba.typeof(loss.params), view_type(dim), view_type(columns), view_type(size)
    compiled, _ = for_lanes(loss.function(quantity), label, kinds, written=written)
    run = _example_kernel(compiled, dim, columns, size)

    def gradients(points, rows):
        packed, examples = pack(loss.data[rows]), len(loss.data[rows])
        x, out = empty_groups(len(points), dim), empty_groups(len(points) * len(packed), size)
        x[...] = points[:, :, None]
        with np.errstate(all="ignore"):
            run(loss.params, x, packed, out)
        each = out[:, :written].swapaxes(1, 2).reshape(len(points), len(packed) * WIDTH, written)
        return each[:, :examples]

    return gradients


def _slices(count, several):
    return [slice(start, start + several) for start in range(0, count, several)]


def blocks_of_points(points, examples, dim):
    """Slices of so many points whose gradients are worked on together: several, where the table is
    small."""
    return _slices(points, max(1, AT_ONCE // (examples * dim)))


def blocks_of_rows(examples, dim):
    """Slices that cut a table of so many gradients into blocks."""
    return _slices(examples, max(256, AT_ONCE // dim))


def fill(out, gradients, points):
    """Write what `gradients_of` gives at points (m, d) into `out` (m, N, d)."""
    for rows in blocks_of_rows(*out.shape[1:]):
        out[:, rows] = gradients(points, rows)
    return out


def block_at(gradients, points, examples):
    """A function of a slice of the table that gives the gradients (m, n, d) of its examples at
    points (m, d), kept from the first call on where they are few enough."""
    shape = len(points), examples, points.shape[1]
    if math.prod(shape) > KEPT:
        return partial(gradients, points)
    table = fill(np.empty(shape), gradients, points)
    return lambda rows: table[:, rows]


@checked(loss=LOSS, x=finite_array)
def example_gradients(loss, x):
    """The gradient of every example of a loss, one by one, at one or many points.

    Parameters
    ----------
    loss : Loss
        Its table holds the N examples.
    x : array_like, shape (..., d)
        Points, in units of length.

    Returns
    -------
    ndarray, shape (..., N, d)
        g_i(x), in energy/length, in the order of the table; their mean over the examples is
        ``evaluate(loss, x, "gradient")``. Not finite where the loss's function is not.

    Raises
    ------
    TypeError, ValueError
        If `loss` is no Loss, x has another last axis than d, or the result would hold more than
        1e8 numbers.

    Notes
    -----
    Exact but for rounding: the loss's own function, compiled, for 16 examples at a time.

    Examples
    --------
    Of wells (x - c)^2 / 2 around c = -1 and c = 2, at x = 1: x - c.

    >>> wells = ls.losses.quadratic_centers([1.0], [[-1.0], [2.0]])
    >>> ls.example_gradients(wells, [1.0]).ravel().tolist()
    [2.0, -1.0]
    """
    check_points(x, loss)
    examples, points = len(loss.data), x.reshape(-1, loss.dim)
    if points.size * examples > LONGEST:
        raise ValueError(
            f"x must ask for at most {LONGEST} numbers, got {len(points)} points x {examples} "
            f"examples x {loss.dim} components. Take fewer points at a time; "
            "analysis.gradient_covariance and analysis.covariance_at need no such table."
        )
    gradients, out = gradients_of(loss), np.empty((len(points), examples, loss.dim))
    for some in blocks_of_points(*out.shape):
        fill(out[some], gradients, points[some])
    return out.reshape(*x.shape[:-1], examples, loss.dim)
