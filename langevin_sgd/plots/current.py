"""Probability currents: streamlines over the density."""

from functools import partial

import numpy as np

from ..analysis.particles import run
from ..arguments import checked, flag, text, within
from .style import (
    COLOURS,
    axes,
    density_image,
    given_axes,
    label_of,
    line_with_band,
    symbol,
    zero_line,
)

LEAST_WIDTH, MORE_WIDTH = 0.5, 2.0  # of a streamline: at no current, and more at the largest


@checked(
    result=partial(run, needs={}), ax=given_axes, name=text, clear=within(at_least=0), colorbar=flag
)
def current(result, ax=None, *, name="currents", clear=2.0, colorbar=True):
    """Streamlines of a probability current over the density, or the current along one component.

    The lines are wider where the current is stronger.

    Parameters
    ----------
    result : xarray.Dataset
        Of a run with `reducers.currents` along one component or two.
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
        Along one component with a band of one standard error to both sides.

    Raises
    ------
    TypeError, ValueError
        If the dataset has no current of that name.

    Examples
    --------
    Uncorrelated noise along the axes of a quadratic well drives no current:

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> seen = ls.reducers.autocovariance([0, 5, 10, 20]), ls.reducers.currents(-1, 1, 5)
    >>> plan = {"particles": 4000, "steps": 100, "seed": 1, "reducers": seen}
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, **plan)
    >>> print(ls.plots.current(run, clear=5).get_title())
    no current beyond 5 standard errors
    """
    key = f"{name}_current"
    if key not in result or result[key].ndim not in (2, 3):
        raise ValueError(
            f"result must hold {key!r} along one component or two, as "
            f"reducers.currents(name={name!r}) counts it."
        )
    ax = axes(ax, "ax")
    middles = [result[dim] for dim in result[key].dims[1:]]
    for middle, label in zip(middles, (ax.set_xlabel, ax.set_ylabel), strict=False):
        label(label_of(middle, symbol(str(middle.name).rpartition("_")[2])))
    if len(middles) == 1:
        zero_line(ax)
        pair = result[key].values[0], result[f"{key}_standard_error"].values[0]
        line_with_band(ax, middles[0].values, *pair, color=COLOURS["data"])
        ax.set_ylabel(label_of(result[key], "current"))
        return ax
    flow, error = result[key].values, result[f"{key}_standard_error"].values
    widths = [float(middle.attrs["bin_width"]) for middle in middles]
    count = result[f"{name}_count"].values
    density = count / (count.sum() * np.prod(widths))
    places = [middle.values for middle in middles]
    image = density_image(ax, places, density)
    if colorbar:
        ax.figure.colorbar(image, ax=ax, label="density (length$^{-2}$)")
    strength = np.sqrt((flow**2).sum(axis=0))
    unclear = strength < clear * np.sqrt((error**2).sum(axis=0))
    u, v = (np.ma.array(part, mask=unclear | (count == 0)).T for part in flow)
    look = {"color": COLOURS["theory"], "density": 1.2, "arrowsize": 1.1}
    look["linewidth"] = LEAST_WIDTH + MORE_WIDTH * strength.T / max(strength.max(), 1e-300)
    ax.streamplot(*places, u, v, **look)
    ax.set_aspect("equal")
    if np.all(u.mask):
        ax.set_title(f"no current beyond {clear:g} standard errors", fontsize="small")
    return ax
