"""Temperatures per direction, and where they come from."""

from functools import partial

import numpy as np

from ..analysis.particles import run
from ..arguments import anything, checked, optional, text, within
from ..engine.reducers.readings import MATRIX
from .style import COLOURS, axes, points_with_errors

BARS = {
    "gradient noise": ("noise_term", "#56B4E9"),
    "finite step": ("step_term", "#E69F00"),
    "inertia": ("inertia_term", COLOURS["other"]),
    "memory": ("memory_term", "#CC79A7"),
}
NEEDS = {"virial": MATRIX, "virial_standard_error": MATRIX} | {
    name: MATRIX for name, _ in BARS.values()
}


@checked(
    result=partial(
        run, needs={"temperature": ()}, source="analysis.boltzmann_test() or equipartition()"
    ),
    ax=axes,
    reference=optional(within()),
    reference_label=optional(text),
    labels=anything,
)
def temperatures(
    result, ax=None, *, reference=None, reference_label="one temperature", labels=None
):
    """One temperature per direction with error bars, against the single one that Boltzmann's law
    would have.

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
        If `result` holds several steps.
    """
    ax = axes(ax, "ax")
    if "directional_temperature" in result:
        values = result["directional_temperature"].values
        errors = result["directional_temperature_standard_error"].values
        default = float(result["temperature"])
    else:
        run(result, "result", {"temperature": MATRIX, "standard_error": MATRIX})
        if result["temperature"].ndim != 2:
            raise ValueError(
                f"result must hold one step, got the dimensions {result['temperature'].dims}. "
                "Select one with isel(step=-1)."
            )
        values = np.diagonal(result["temperature"].values)
        errors = np.diagonal(result["standard_error"].values)
        default = values.mean()
    reference = default if reference is None else reference
    ax.axhline(reference, color=COLOURS["theory"], label=reference_label)
    points_with_errors(ax, np.arange(len(values)), values, errors, label="measured")
    _name_directions(ax, labels, len(values))
    top = max(reference, (values + errors).max())
    ax.set_ylim(min(0.0, 1.1 * (values - errors).min()), 1.25 * top)
    ax.legend(ncols=2, loc="upper center")
    return ax


@checked(
    budget=partial(run, needs=NEEDS, source="analysis.temperature_budget()"),
    ax=axes,
    labels=anything,
)
def temperature_budget(budget, ax=None, *, labels=None):
    """The measured temperature per direction beside the stacked terms that it must equal in a
    stationary state.

    Parameters
    ----------
    budget : xarray.Dataset
        Output of `analysis.temperature_budget`; its diagonal is drawn.
    ax : matplotlib.axes.Axes, optional
        Default those of a new figure.
    labels : sequence of str, optional
        Names of the directions.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = axes(ax, "ax")
    diagonal = {name: np.diagonal(budget[name].values) for name in NEEDS}
    places = np.arange(len(diagonal["virial"]))
    above, below = np.zeros(len(places)), np.zeros(len(places))
    for label, (name, colour) in BARS.items():
        height = diagonal[name]
        if np.any(height != 0):
            bottom = np.where(height > 0, above, below)
            ax.bar(places, height, 0.5, bottom=bottom, color=colour, label=label)
            above, below = above + np.maximum(height, 0), below + np.minimum(height, 0)
    measured = diagonal["virial"], diagonal["virial_standard_error"]
    points_with_errors(ax, places, *measured, color="black", label="measured (virial)")
    if np.any(below < 0):  # then the sum is not the top of the bars
        ax.axhline(0, color=COLOURS["guide"], linewidth=0.8)
        look = {"color": "black", "linestyle": "dashed", "label": "sum of the terms"}
        ax.hlines(above + below, places - 0.25, places + 0.25, **look)
    _name_directions(ax, labels, len(places))
    ax.margins(y=0.25)
    ax.legend()
    return ax


def _name_directions(ax, labels, count):
    """Name the directions below the axis; past twelve every n-th, so that the names do not
    overlap.
    """
    if labels is None:
        labels = [f"$x_{{{k}}}$" for k in range(count)]
    names = [text(label, "labels") for label in labels] if np.iterable(labels) else [labels]
    if len(names) != count:
        raise ValueError(f"labels must name {count} directions, got {len(names)}.")
    named = np.arange(0, count, 1 + (count - 1) // 12)
    ax.set_xticks(named, [names[k] for k in named])
    ax.set_xlim(-0.6, count - 0.4)
    ax.set_xlabel("direction")
    ax.set_ylabel("temperature (energy)")
