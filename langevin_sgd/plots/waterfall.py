"""The chain of causes from Boltzmann's law to SGD, step by step."""

from functools import partial

import numpy as np

from ..analysis.particles import run
from ..arguments import checked, optional, text
from .style import COLOURS, axes, given_axes, zero_line

CHAIN = {name: ("rung", "symptom") for name in ("value", "contribution")}


@checked(
    ledger=partial(run, needs=CHAIN, source="analysis.ledger()"),
    ax=given_axes,
    symptom=optional(text),
)
def waterfall(ledger, ax=None, *, symptom=None):
    """What each cause adds to a symptom, in floating bars from Boltzmann's law to SGD.

    Parameters
    ----------
    ledger : xarray.Dataset
        Output of `analysis.ledger`.
    ax : matplotlib.axes.Axes, optional
        Default those of a new figure.
    symptom : str, optional
        One of ``ledger.symptom``; default "kl" where it is finite, else "energy".

    Returns
    -------
    matplotlib.axes.Axes
        Bars begin where the one before ends, each with the standard error of what it adds; causes
        that are no part of the system have no bar.

    Raises
    ------
    TypeError, ValueError
        For another dataset, an unknown symptom, or one that is not finite somewhere on the chain.

    Examples
    --------
    In the stiff direction the noise gives 0.05 and the finite rate adds 0.0125:

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> chain = ls.analysis.ledger(well, ls.dynamics.sgd(0.1), noise)
    >>> ax = ls.plots.waterfall(chain, symptom="temperature_1_1")
    >>> print([f"{bar.get_height():.4f}" for bar in ax.patches])
    ['0.0500', '0.0625', '0.0000', '0.0125']
    """
    known = [str(name) for name in ledger["symptom"].values]
    if symptom is None:
        total = ledger["total"].values[known.index("kl")] if "kl" in known else np.inf
        symptom = "kl" if np.isfinite(total) else "energy"
    if symptom not in known:
        raise ValueError(f"symptom must be one of {', '.join(known)}, got {symptom!r}.")
    part = ledger.sel(symptom=symptom)
    shown = part["how"].values != "absent"
    rungs = part["rung"].values[shown]
    start, added = float(part["value"][0]), part["contribution"].values[shown][1:]
    end = start + np.cumsum(added)
    if not np.all(np.isfinite([start, *end])):
        raise ValueError(
            f"symptom {symptom!r} must be finite on the whole chain. Choose another: "
            f"{', '.join(known)}."
        )
    ax = axes(ax, "ax")
    places, bottom = np.arange(len(rungs) + 1), np.array([start, *end[:-1]])
    colours = [COLOURS["theory"] if one > 0 else COLOURS["data"] for one in added]
    totals = {"color": COLOURS["guide"], "width": 0.6}
    ax.bar(places[[0, -1]], [start, end[-1] if len(end) else start], **totals)
    ax.bar(places[1:-1], added, 0.6, bottom=bottom, color=colours)
    error = part["contribution_standard_error"].values[shown][1:]
    estimated = error > 0  # an exact one has no bar
    bars = {"fmt": "none", "color": "black", "capsize": 3}
    ax.errorbar(places[1:-1][estimated], end[estimated], error[estimated], **bars)
    for k, level in enumerate([start, *end]):
        ax.plot([k + 0.3, k + 0.7], [level, level], color=COLOURS["guide"], linewidth=0.8)
    zero_line(ax)
    names = ["Boltzmann", *(str(name).replace("_", " ") for name in rungs[1:]), "SGD"]
    ax.set_xticks(places, names, rotation=30, ha="right", rotation_mode="anchor")
    unit = str(part["unit"].values)
    ax.set_ylabel(f"{symptom.replace('_', ' ')}" + (f" ({unit})" if unit != "1" else ""))
    return ax
