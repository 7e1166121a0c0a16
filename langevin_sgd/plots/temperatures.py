"""Temperatures per direction, and where they come from."""

from functools import partial

import numpy as np
import xarray as xr

from ..analysis.particles import run
from ..arguments import anything, checked, optional, text, within
from ..engine.reducers.readings import MATRIX
from .style import (
    COLOURS,
    LINE,
    axes,
    given_axes,
    legend_on_top,
    points_with_errors,
    symbol,
    zero_line,
)

PARTS = {  # of `analysis.departure`: words and colour
    "reference": ("one temperature, as of Boltzmann's law", "#BBBBBB"),
    "gradient noise": ("gradient noise", "#BBBBBB"),
    "shift": ("shift of it by noise that depends on x", "#4D4D4D"),
    "anisotropy": ("anisotropy of the noise", "#0072B2"),
    "state dependence": ("its dependence on x", "#56B4E9"),
    "finite step": ("finite step", "#E69F00"),
    "inertia": ("inertia", "#009E73"),
    "memory": ("memory of the epoch", "#CC79A7"),
}
TERMS_OF_PARTS = {  # of `analysis.temperature_budget`
    "gradient noise": "noise_term",
    "finite step": "step_term",
    "inertia": "inertia_term",
    "memory": "memory_term",
}
NEEDS = {"virial": MATRIX, "virial_standard_error": MATRIX} | {
    name: MATRIX for name in TERMS_OF_PARTS.values()
}


@checked(
    result=partial(
        run, needs={"temperature": ()}, source="analysis.boltzmann_test() or equipartition()"
    ),
    ax=given_axes,
    reference=optional(within()),
    reference_label=optional(text),
    labels=anything,
)
def temperatures(
    result, ax=None, *, reference=None, reference_label="one temperature", labels=None
):
    """One temperature per direction with its error, against the single one of Boltzmann's law.

    Parameters
    ----------
    result : xarray.Dataset
        Output of `analysis.boltzmann_test`, or of `analysis.equipartition` at one step (its
        diagonal).
    ax : matplotlib.axes.Axes, optional
        Default those of a new figure.
    reference : float, optional
        The single temperature, in units of energy; default that of a `boltzmann_test`, or the mean
        of the diagonal.
    reference_label : str
    labels : sequence of str, optional
        Names of the directions.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If `result` holds several steps, or points of a sweep.

    Examples
    --------
    They are known here, eta sigma^2/(2 - eta a) = 0.1/1.9 = 0.0526 and 0.1/1.6 = 0.0625:

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, particles=4000, steps=100, seed=1)
    >>> ax = ls.plots.temperatures(ls.analysis.boltzmann_test(run, well))
    >>> print(ax.containers[0][0].get_ydata().round(3).tolist())
    [0.052, 0.063]
    """
    if "directional_temperature" in result:
        told, values = result["direction"], result["directional_temperature"].values
        errors = result["directional_temperature_standard_error"].values
        default = float(result["temperature"])
    else:
        run(result, "result", {"temperature": MATRIX, "temperature_standard_error": MATRIX})
        if result["temperature"].ndim != 2:
            raise ValueError(
                f"result must hold one matrix, got the dimensions {result['temperature'].dims}. "
                f"Select one with isel({result['temperature'].dims[0]}=-1)."
            )
        told, values = result["component"], np.diagonal(result["temperature"].values)
        errors = np.diagonal(result["temperature_standard_error"].values)
        default = values.mean()
    if labels is None and str(told.values[0]).startswith("direction "):  # not a component
        labels = [str(name).removeprefix("direction ") for name in told.values]
    reference = default if reference is None else reference
    names = _names_of_directions(labels, len(values))
    ax = axes(ax, "ax")
    ax.axhline(reference, color=COLOURS["theory"], linewidth=LINE, label=reference_label)
    points_with_errors(ax, np.arange(len(values)), values, errors, label="measured")
    top = max(reference, (values + errors).max())
    ax.set_ylim(min(0.0, 1.1 * (values - errors).min()), 1.05 * top)
    return _with_words(ax, names, "temperature (energy)")


OF_PARTS = {
    "contribution": ("part", "direction", "direction_j"),
    "measured": ("direction", "direction_j"),
    "curvature": ("direction",),
}


def _a_budget(value, name):
    """A check: a result of `departure` or of `temperature_budget`."""
    needs = OF_PARTS if isinstance(value, xr.Dataset) and "contribution" in value else NEEDS
    return run(value, name, needs, "analysis.departure() or temperature_budget()")


@checked(budget=_a_budget, ax=given_axes, labels=anything)
def temperature_budget(budget, ax=None, *, labels=None):
    """The measured temperature per direction beside the stacked terms that it must equal.

    So it is in a stationary state.

    Parameters
    ----------
    budget : xarray.Dataset
        Output of `analysis.departure` or of `analysis.temperature_budget`; its diagonal is drawn.
    ax : matplotlib.axes.Axes, optional
        Default those of a new figure.
    labels : sequence of str, optional
        Names of the directions; default their curvatures, where they are eigenvectors.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    The noise gives eta sigma^2/2 = 0.05 in each direction, the finite step the rest:

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, particles=4000, steps=100, seed=1)
    >>> ax = ls.plots.temperature_budget(ls.analysis.temperature_budget(run, well))
    >>> print([f"{bar.get_height():.4f}" for stack in ax.containers[:2] for bar in stack])
    ['0.0500', '0.0500', '0.0026', '0.0126']
    """
    if "contribution" in budget:
        of_parts, whole = budget["contribution"], "measured"
        bars = [(*PARTS[part], of_parts.sel(part=part)) for part in of_parts["part"].values]
        by_curvature = labels is None
        labels = _curvatures(budget) if by_curvature else labels
    else:
        bars = [(*PARTS[part], budget[name]) for part, name in TERMS_OF_PARTS.items()]
        by_curvature, whole = False, "virial"
    measured, error = (np.diagonal(budget[whole + end]) for end in ("", "_standard_error"))
    names = _names_of_directions(labels, len(measured))
    ax = axes(ax, "ax")
    heights = [(label, colour, np.diagonal(matrix)) for label, colour, matrix in bars]
    _stack(ax, heights, measured, error)
    return _with_words(ax, names, "temperature (energy)", by_curvature)


@checked(
    departure=partial(run, needs=OF_PARTS, source="analysis.departure()"),
    ax=given_axes,
    labels=anything,
)
def departures(departure, ax=None, *, labels=None):
    """By how much each direction departs from one temperature, and the causes of that, stacked.

    In percent of the temperature; the causes must add up to the departure.

    Parameters
    ----------
    departure : xarray.Dataset
        Output of `analysis.departure`, with the covariance of the noise at the reference point
        known; its diagonal is drawn.
    ax : matplotlib.axes.Axes, optional
        Default those of a new figure.
    labels : sequence of str, optional
        Names of the directions; default their curvatures.

    Returns
    -------
    matplotlib.axes.Axes
        Points are (measured - reference)/reference, with one standard error; the bars, above and
        below zero, add up to them where the budget closes.

    Raises
    ------
    TypeError, ValueError
        If the reference temperature is not known apart; `temperature_budget` draws that too.

    Examples
    --------
    The finite step heats by eta a/(2 - eta a) of eta sigma^2/2, 5.3 % and 25 %:

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> parts = ls.analysis.departure(well, dynamics=ls.dynamics.sgd(0.1), noise=noise, seed=1)
    >>> ax = ls.plots.departures(parts)
    >>> print(", ".join(f"{bar.get_height():.0f} %" for bar in ax.containers[0]))
    5 %, 25 %
    """
    parts = [str(part) for part in departure["part"].values]
    if "reference" not in parts:
        raise ValueError(
            "departure must know the noise covariance at the reference point. Give "
            "noise_covariance= to analysis.departure(), or draw it with temperature_budget()."
        )
    share = 100 / float(departure["contribution"].sel(part="reference")[0, 0])
    measured, error = (
        share * np.diagonal(departure[name]) for name in ("measured", "measured_standard_error")
    )
    names = _names_of_directions(
        _curvatures(departure) if labels is None else labels, len(measured)
    )
    bars = [
        (*PARTS[part], share * np.diagonal(departure["contribution"].sel(part=part)))
        for part in parts
        if part != "reference"
    ]
    ax = axes(ax, "ax")
    _stack(ax, bars, measured, error, base=100)
    return _with_words(ax, names, "departure from one temperature (%)", labels is None)


def _stack(ax, bars, measured, error, base=0):
    """Bars (label, colour, heights) on each other, above and below zero; none for what is zero but
    for rounding beside `measured`. Points at that, less `base`, which has no bar."""
    places = np.arange(len(measured))
    above, below = np.zeros(len(places)), np.zeros(len(places))
    for label, colour, height in bars:
        if np.abs(height).max() > 1e-9 * np.abs(measured).max():
            bottom = np.where(height > 0, above, below)
            ax.bar(places, height, 0.6, bottom=bottom, color=colour, label=label)
            above, below = above + np.maximum(height, 0), below + np.minimum(height, 0)
    zero_line(ax)
    if np.any(below < 0):  # then the sum is not the top of the bars
        look = {
            "color": "black",
            "linestyle": "dashed",
            "linewidth": 1,
            "label": "sum of the terms",
        }
        ax.hlines(above + below, places - 0.3, places + 0.3, **look)
    look = {"color": "black", "markersize": 4, "label": "measured (virial)"}
    points_with_errors(ax, places, measured - base, error, **look)


def _curvatures(departure):
    return [f"{h:.2g}" for h in departure["curvature"].values]


def _names_of_directions(labels, count):
    """The names of the directions, checked."""
    labels = [symbol(f"x{k}") for k in range(count)] if labels is None else labels
    names = [text(label, "labels") for label in labels] if np.iterable(labels) else [labels]
    if len(names) != count:
        raise ValueError(f"labels must name {count} directions, got {len(names)}.")
    return names


def _with_words(ax, names, words, by_curvature=False):
    """The axes, with names of the directions below, past eight of every n-th, so that they do not
    overlap; `words` beside the ordinate, and a legend."""
    count = len(names)
    named = np.arange(0, count, 1 + (count - 1) // 8)
    ax.set_xticks(named, [names[k] for k in named])
    ax.set_xlim(-0.6, count - 0.4)
    ax.set_xlabel("curvature of the direction" if by_curvature else "direction")
    ax.set_ylabel(words)
    legend_on_top(ax)
    return ax
