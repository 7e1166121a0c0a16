"""The probability current on a grid."""

from functools import partial

import numpy as np

from ...arguments import checked, flag
from ...kernels.elementary import maximum, minimum
from ...models.records import recorded
from .grid import bin_of, grid
from .periodic import ROUND, periods, whole_periods
from .readings import Estimate, labelled, unbiased_and_error, variables_of, with_error
from .record import Reducer

MARKOV = "sgd", "sgd_diffusion", "langevin_euler_maruyama"  # dynamics whose position is all
LEAST_READINGS = 100  # of a bin that has a say in the entropy production
FIXED_POINT = 2.0**24  # a current counts displacements in 2^-24 cells
# cells: a longer displacement counts as this one, so that 2^29 of them still fit in an int64
FARTHEST = 1024.0


def _observe_currents(p, acc, step, before, x, v, g):
    axes = len(p.lower)
    for k in range(axes):
        here, there = before[int(p.component[k])], x[int(p.component[k])]
        moved = there - here
        moved = moved - whole_periods(p, k, moved)
        middle = here + 0.5 * moved
        middle = middle - whole_periods(p, k, middle - p.middle[k])
        acc[k] = bin_of(p, k, middle)
        cells_moved = minimum(maximum(moved * p.per_length[k], -FARTHEST), FARTHEST)
        acc[axes + k] = (cells_moved * FIXED_POINT + ROUND) - ROUND


def _observe_spread(p, acc, step, before, x, v, g):
    """Also the products of displacements, of those above 32 bins too small."""
    _observe_currents(p, acc, step, before, x, v, g)
    axes = len(p.lower)
    row = 2 * axes
    for k in range(axes):
        for j in range(k + 1):
            product = acc[axes + k] * (acc[axes + j] * (1.0 / FIXED_POINT))
            limit = FARTHEST * FIXED_POINT
            acc[row] = (minimum(maximum(product, -limit), limit) + ROUND) - ROUND
            row += 1


@recorded
@checked(entropy=flag)
def currents(
    lower, upper, bins=20, components=(0, 1), every=1, start=0, name="currents", entropy=False
):
    """Probability current on a grid: how far, and which way, particles move where they pass.

    Each reading puts the displacement of one step into the bin in which its middle lies. That is
    odd under time reversal: in detailed balance the mean is zero everywhere, at any step length.

    Parameters
    ----------
    lower, upper, bins, components, every, start, name
        As in `histogram`.
    entropy : bool
        Also the entropy production, for SGD without momentum and overdamped Langevin dynamics with
        Gaussian noise.

    Returns
    -------
    Reducer
        Adds ``currents_current`` (component of the grid, bins), J = E[dx delta(x - middle)] per
        step, in length^(1 - axes) per step, the mean over a bin, with its ``_standard_error``;
        ``currents_discretisation_error``, by how much that differs from the value in the middle
        of the bin, to second order in the width, nan with fewer than three bins along an axis; and
        ``currents_count``. With `entropy` also ``currents_entropy_production`` per step, in k_B,
        and its ``_standard_error``.

    Raises
    ------
    ValueError
        With `entropy`, in a run with momentum (velocities are odd under time reversal: the current
        of x is only a part), batches (few outcomes: a step back is impossible and the production
        infinite) or noise that is not Gaussian.

    Notes
    -----
    Displacements are added as whole multiples of 2^-24 bins, so that the sum depends on no order;
    one of more than 1024 bins counts as 1024. In a periodic domain the displacement is the shorter
    way round. Under a dynamics with substeps a reading is the displacement of the step's last
    update, and the current is per update. The entropy production is sum_bins J' D^-1 J / p times
    the volume, with D half the covariance of the displacements in a bin, its bias of 2 axes per bin
    and reading removed by the jackknife. That is the production of a diffusion, a relative error of
    order learning_rate, from below: bins, the range and components left out only take from it.
    Source: Seifert 2012 (arXiv:1205.4176); bound by convexity.

    Examples
    --------
    On four by four bins of a width of one, and those beyond each end:

    >>> flow = ls.reducers.currents(-2.0, 2.0, bins=4)
    >>> flow.bins, flow.params.per_length.tolist()
    ((6, 6), [1.0, 1.0])
    """
    bins_of_x = grid(lower, upper, bins, components)

    def complete(reducer, model, dynamics, noise):
        bins_of_x.check_model(name, model)
        if entropy:
            _check_entropy(name, dynamics, noise)
        return reducer.fitted(bins_of_x.params() | periods(model.domain, bins_of_x.components))

    axes = len(bins_of_x.bins)
    weights = axes + entropy * axes * (axes + 1) // 2
    return Reducer(
        name,
        _observe_spread if entropy else _observe_currents,
        bins_of_x.params() | periods(None, bins_of_x.components),
        axes + weights,
        every,
        start,
        bins_of_x.lengths(),
        weights,
        finish=partial(_finish_currents, grid=bins_of_x),
        complete=complete,
    )


def _check_entropy(name, dynamics, noise):
    reason = ""
    if dynamics.name not in MARKOV:
        reason = f"{dynamics.name!r} remembers more than x, and what it remembers is odd"
    elif noise is not None and not getattr(noise, "gaussian", noise.adds):
        reason = f"a step against {noise.name!r} may be impossible, so that it may be infinite"
    if reason:
        raise ValueError(
            f"entropy of {name!r} needs SGD without momentum, or overdamped Langevin dynamics, "
            f"with Gaussian noise: {reason}. Take the currents themselves."
        )


def _finish_currents(reducer, readings, grid):
    name, axes, widths = reducer.name, len(grid.bins), grid.widths()
    axes_of_x = grid.axes(name)
    dims, length = (f"{name}_axis", *axes_of_x), widths / FIXED_POINT

    def numbers_of(means):
        return means.reshape(*means.shape[:-1], *grid.bins, -1)

    def current(means):
        found = numbers_of(means)[..., 1 : 1 + axes] * (length / np.prod(widths))
        return np.moveaxis(found, -1, -1 - axes)

    units = "1/step" if axes == 1 else "1/(length step)"
    count = grid.inside(readings.counts[..., 0]).sum(axis=0)
    sums = grid.sums(readings, slice(0, None))
    estimate = Estimate("current", dims, "probability current", units, current)
    variables = axes_of_x | variables_of(name, [estimate], readings, sums)
    error = _mean_less_middle(variables[f"{name}_current"][1])
    text = "current, mean over a bin less value in its middle"
    variables |= {
        f"{name}_discretisation_error": labelled(dims, error, text, units),
        f"{name}_count": labelled(dims[1:], count, "readings in a bin"),
    }
    variables |= grid.components_along(dims[0])
    if readings.counts.shape[-1] == 1 + axes:
        return variables

    def entropy(means):
        return _entropy(numbers_of(means)[..., count >= LEAST_READINGS, :], length)

    pair = unbiased_and_error(entropy, sums, readings.independent)
    return variables | with_error(
        f"{name}_entropy_production", (), pair, "entropy production in a step", "1"
    )


def _mean_less_middle(current):
    """sum over the axes of h^2/24 d^2J/dx^2, from second differences; at the edge those next to
    it."""
    if min(current.shape[1:]) < 3:
        return np.full_like(current, np.nan)
    total = np.zeros_like(current)
    for axis in range(1, current.ndim):
        edges = [(0, 0)] * current.ndim
        edges[axis] = (1, 1)
        total += np.pad(np.diff(current, 2, axis=axis), edges, "edge") / 24
    return total


def _entropy(numbers, length):
    """sum p u' D^-1 u over bins, from the means of 1, u and u u' (..., bins, numbers)."""
    axes = len(length)
    p = np.maximum(numbers[..., 0], 1e-300)
    u = numbers[..., 1 : 1 + axes] * length / p[..., None]
    square = np.empty((*u.shape, axes))
    for row, (k, j) in enumerate(zip(*np.tril_indices(axes), strict=True)):
        product = numbers[..., 1 + axes + row] * (length[k] * length[j] * FIXED_POINT) / p
        square[..., k, j] = square[..., j, k] = product
    diffusion = (square - u[..., :, None] * u[..., None, :]) / 2
    return (p * np.einsum("...k,...k", u, np.linalg.solve(diffusion, u[..., None])[..., 0])).sum(-1)
