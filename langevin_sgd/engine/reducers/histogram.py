"""Counts of x in equal bins."""

from functools import partial

import numpy as np

from ...arguments import checked
from ...kernels.lone import picked
from ...models.records import recorded
from .grid import bin_of, grid
from .readings import labelled
from .record import Reducer


def _observe_bin(p, acc, step, before, x, v, g):
    acc[0] = bin_of(p, 0, picked(x, p.component[0]))


def _observe_pair(p, acc, step, before, x, v, g):
    for k in range(2):
        acc[k] = bin_of(p, k, picked(x, p.component[k]))


@recorded
@checked
def histogram(lower, upper, bins=100, components=0, every=1, start=0, name="histogram"):
    """Counts of x in equal bins, along one component or two.

    Parameters
    ----------
    lower, upper : float, or one for each component
        Range in units of length; what lies outside is counted too, [lower, upper) is inside.
    bins : int, or one for each component
        Number of bins in the range.
    components : int or two of them
        Which components of x.
    every, start, name
        As in `moments`.

    Returns
    -------
    Reducer
        Adds ``histogram_count`` (whole numbers) and ``histogram_density`` (1/length or 1/length^2;
        of all readings, those outside included) with its ``_standard_error``, with the dims
        ``histogram_x0`` ... (middle of a bin, in units of length); ``histogram_underflow`` and
        ``histogram_overflow`` (histogram_axis): readings below and above the range of each
        component.

    Examples
    --------
    It reads after the steps 110, 120, ..., so that 400 steps give 30 readings of each particle:

    >>> counts = ls.reducers.histogram(-2.0, 2.0, bins=40, every=10, start=100)
    >>> int(counts.readings_until(400))
    30
    """
    bins_of_x = grid(lower, upper, bins, components)

    def complete(reducer, model, dynamics, noise):
        bins_of_x.check_model(name, model)
        return reducer

    return Reducer(
        name,
        _observe_bin if len(bins_of_x.bins) == 1 else _observe_pair,
        bins_of_x.params(),
        len(bins_of_x.bins),
        every,
        start,
        bins_of_x.lengths(),
        finish=partial(_finish_histogram, grid=bins_of_x),
        complete=complete,
    )


def _finish_histogram(reducer, readings, grid):
    name, axes, counts = reducer.name, len(grid.bins), readings.counts[..., 0].sum(axis=0)
    units, variables = ("1/length", "1/length^2")[axes - 1], grid.axes(reducer.name)
    variables |= grid.densities(name, tuple(variables), "x", units, readings)
    for key, end, side in (("underflow", 0, "below"), ("overflow", -1, "above")):
        outside = [int(np.take(counts, end, axis=k).sum()) for k in range(axes)]
        text = f"readings {side} the range"
        variables[f"{name}_{key}"] = labelled(f"{name}_axis", np.array(outside), text)
    return variables | grid.components_along(f"{name}_axis")
