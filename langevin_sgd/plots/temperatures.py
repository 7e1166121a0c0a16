"""Temperatures per direction, and where they come from."""

import numpy as np

from .style import COLOURS


def temperatures(result, ax, *, reference=None, reference_label="one temperature", labels=None):
    """One temperature per direction with error bars, against the single one that Boltzmann's law
    would have.

    Parameters
    ----------
    result : xarray.Dataset
        Output of `analysis.boltzmann_test`, or of `analysis.equipartition` at one step (its
        diagonal).
    ax : matplotlib.axes.Axes
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
    ValueError
        If `result` holds several steps.
    """
    if "directional_temperature" in result:
        values, errors = (
            result["directional_temperature"].values,
            result["directional_temperature_standard_error"].values,
        )
        reference = float(result["temperature"]) if reference is None else reference
    else:
        if result["temperature"].ndim != 2:
            raise ValueError(
                f"result must hold one step, got the dimensions {result['temperature'].dims}. "
                "Select one with isel(step=-1)."
            )
        values, errors = (
            np.diagonal(result["temperature"].values),
            np.diagonal(result["standard_error"].values),
        )
    reference = values.mean() if reference is None else reference
    places = np.arange(len(values))
    ax.axhline(reference, color=COLOURS["theory"], label=reference_label)
    ax.errorbar(
        places,
        values,
        errors,
        fmt="o",
        markersize=5,
        capsize=3,
        color=COLOURS["data"],
        label="measured",
    )
    _directions(ax, labels, len(values))
    top = max(reference, (values + errors).max())
    ax.set_ylim(min(0.0, 1.1 * (values - errors).min()), 1.25 * top)
    ax.legend(ncols=2, loc="upper center")
    return ax


def temperature_budget(budget, ax, *, labels=None):
    """The measured temperature per direction beside the stacked terms that it must equal in a
    stationary state.

    Parameters
    ----------
    budget : xarray.Dataset
        Output of `analysis.temperature_budget`; its diagonal is drawn.
    ax : matplotlib.axes.Axes
    labels : sequence of str, optional
        Names of the directions.

    Returns
    -------
    matplotlib.axes.Axes
    """
    terms = {"gradient noise": "noise_term", "finite step": "step_term", "inertia": "inertia_term"}
    colours = {"gradient noise": "#56B4E9", "finite step": "#E69F00", "inertia": COLOURS["other"]}
    diagonal = {name: np.diagonal(budget[name].values) for name in budget if budget[name].ndim == 2}
    places = np.arange(len(diagonal["virial"]))
    above, below = np.zeros(len(places)), np.zeros(len(places))
    for label, name in terms.items():
        height = diagonal[name]
        if np.any(height != 0):
            ax.bar(
                places,
                height,
                0.5,
                bottom=np.where(height > 0, above, below),
                color=colours[label],
                label=label,
            )
            above, below = above + np.maximum(height, 0), below + np.minimum(height, 0)
    error = diagonal["virial_standard_error"]
    ax.errorbar(
        places,
        diagonal["virial"],
        error,
        fmt="o",
        markersize=5,
        capsize=3,
        color="black",
        label="measured (virial)",
    )
    if np.any(below < 0):  # then the sum is not the top of the bars
        ax.axhline(0, color=COLOURS["guide"], linewidth=0.8)
        ax.hlines(
            above + below,
            places - 0.25,
            places + 0.25,
            color="black",
            linestyle="dashed",
            label="sum of the terms",
        )
    _directions(ax, labels, len(places))
    ax.margins(y=0.25)
    ax.legend()
    return ax


def _directions(ax, labels, count):
    """Name the directions below the axis; past twelve every n-th, so that the names do not overlap."""
    names = [f"$x_{{{k}}}$" for k in range(count)] if labels is None else list(labels)
    if len(names) != count:
        raise ValueError(f"labels must name {count} directions, got {len(names)}.")
    shown = np.arange(0, count, 1 + (count - 1) // 12)
    ax.set_xticks(shown, [names[k] for k in shown])
    ax.set_xlim(-0.6, count - 0.4)
    ax.set_xlabel("direction")
    ax.set_ylabel("temperature (energy)")
