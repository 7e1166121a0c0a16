"""The probability current on a grid."""

import numpy as np

from ...arguments import checked
from ...kernels.elementary import maximum, minimum
from ...models.records import recorded
from .grid import bin_of, grid
from .periodic import ROUND, periods, whole_periods
from .readings import Estimate, labelled, variables_of
from .record import Reducer

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


@recorded
@checked
def currents(lower, upper, bins=20, components=(0, 1), every=1, start=0, name="currents"):
    """Probability current on a grid: how far, and which way, particles move per step where they
    pass.

    Each reading puts the displacement of one step into the bin in which its middle lies. That is
    odd under time reversal: in detailed balance the mean is zero everywhere, at any step length.
    Arguments as in `histogram`.

    Returns
    -------
    Reducer
        Adds ``currents_current`` (component of the grid, bins), J = E[dx delta(x - middle)] per
        step, in length^(1 - axes) per step, with its ``_standard_error``, and ``currents_count``.

    Notes
    -----
    Displacements are added as whole multiples of 2^-24 bins, so that the sum depends on no order;
    one of more than 1024 bins counts as 1024. In a periodic domain the displacement is the shorter
    way round. Under a dynamics with substeps a reading is the displacement of the step's last
    update, and the current is per update."""
    bins_of_x = grid(lower, upper, bins, components)

    def complete(reducer, model, dynamics, noise):
        bins_of_x.check_model(name, model)
        return reducer.fitted(bins_of_x.params() | periods(model, bins_of_x.components))

    def finish(reducer, readings):
        return _finish_currents(name, readings, bins_of_x)

    axes = len(bins_of_x.bins)
    return Reducer(
        name,
        _observe_currents,
        bins_of_x.params() | dict.fromkeys(("period", "per_period", "middle"), np.zeros(axes)),
        2 * axes,
        every,
        start,
        bins_of_x.lengths(),
        axes,
        finish=finish,
        complete=complete,
    )


def _finish_currents(name, readings, grid):
    axes, axes_of_x = len(grid.bins), grid.axes(name)
    dims, width = tuple(axes_of_x), grid.widths() / (FIXED_POINT * np.prod(grid.widths()))

    def current(means):
        found = means.reshape(*means.shape[:-1], *grid.bins, axes) * width
        return np.moveaxis(found, -1, -1 - axes)

    units = "1/step" if axes == 1 else "1/(length step)"
    estimate = Estimate("current", (f"{name}_axis", *dims), "probability current", units, current)
    count = grid.inside(readings.counts[..., 0]).sum(axis=0)
    return (
        axes_of_x
        | variables_of(name, [estimate], readings, grid.sums(readings, slice(1, None)))
        | {f"{name}_count": labelled(dims, count, "readings in a bin")}
    )
