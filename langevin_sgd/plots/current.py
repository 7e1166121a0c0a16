"""Probability currents: streamlines over the density."""

from functools import partial

import numpy as np

from ..analysis.particles import run
from ..arguments import checked, flag, text, within
from .style import COLOURS, axes

LEAST_WIDTH, MORE_WIDTH = 0.5, 2.0  # of a streamline: at no current, and more at the largest


@checked(
    result=partial(run, needs={}),
    ax=axes,
    name=text,
    clear=within(at_least=0),
    colorbar=flag,
)
def current(result, ax=None, *, name="currents", clear=2.0, colorbar=True):
    """Streamlines of a probability current, wider where it is stronger, over the density.

    Parameters
    ----------
    result : xarray.Dataset
        Of a run with `reducers.currents` along two components.
    ax : matplotlib.axes.Axes, optional
        Default those of a new figure.
    name : str
        That of the reducer.
    clear : float >= 0
        No lines where the current is below so many standard errors.
    colorbar : bool

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If the dataset has no current of that name, or not of two components.
    """
    key = f"{name}_current"
    if key not in result or result[key].ndim != 3:
        raise ValueError(
            f"result must hold {key!r} along two components, as reducers.currents(name={name!r}) "
            "counts it."
        )
    ax = axes(ax, "ax")
    flow, error = result[key].values, result[f"{key}_standard_error"].values
    middles = [result[dim] for dim in result[key].dims[1:]]
    widths = [float(middle.attrs["bin_width"]) for middle in middles]
    count = result[f"{name}_count"].values
    density = count / (count.sum() * np.prod(widths))
    image = ax.pcolormesh(*(m.values for m in middles), density.T, rasterized=True)
    if colorbar:
        ax.figure.colorbar(image, ax=ax, label="density (1/length$^2$)")
    strength = np.sqrt((flow**2).sum(axis=0))
    unclear = strength < clear * np.sqrt((error**2).sum(axis=0))
    u, v = (np.ma.array(part, mask=unclear | (count == 0)).T for part in flow)
    look = {"color": COLOURS["theory"], "density": 1.2, "arrowsize": 1.1}
    look["linewidth"] = LEAST_WIDTH + MORE_WIDTH * strength.T / max(strength.max(), 1e-300)
    ax.streamplot(*(m.values for m in middles), u, v, **look)
    for middle, label in zip(middles, (ax.set_xlabel, ax.set_ylabel), strict=True):
        label(f"$x_{{{middle.name.rpartition('x')[2]}}}$ (length)")
    ax.set_aspect("equal")
    return ax
