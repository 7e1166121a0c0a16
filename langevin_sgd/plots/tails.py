"""Tails: how often particles are far out, on logarithmic axes."""

import numpy as np

from ..analysis.particles import AT_STEP, at_step, component_names
from ..analysis.wording import shorthand
from ..arguments import checked, finite_array, optional, whole, within
from .style import COLOURS, LINE, axes, band, curve, exact_line, given_axes, symbol

FEWEST_BEYOND, MOST_RANKS = 10, 400  # particles for an exponent; ranks that are drawn
FEW_TICKS = 100.0  # on an axis over less than this factor 2 and 5 have names too
NEAREST = 0.95  # of the particles are farther out than where the axis begins


@checked(
    ax=given_axes,
    component=optional(whole(0)),
    center=optional(finite_array),
    share=within(above=0, below=1),
    exponent=optional(within(above=0)),
    exact=optional(curve),
    **AT_STEP,
)
def tails(
    run,
    ax=None,
    *,
    component=None,
    center=None,
    share=0.02,
    exponent=None,
    exact=None,
    step=None,
    on_diverged="raise",
):
    """The part of the particles that is farther out than a distance, on logarithmic axes.

    With Hill's estimate of the tail exponent.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate`; uses ``x`` at one step, in units of length.
    ax : matplotlib.axes.Axes, optional
        Default those of a new figure.
    component : int, optional
        Distances along this component; default those in space.
    center : float or (d,) array, optional
        Where distances are taken from; default the median of each component.
    share : float in (0, 1)
        Of the particles, the farthest ones, from which the exponent is estimated; at least ten.
    exponent : float, optional
        Of a theory, such as ``theory.tail_exponents(...).exact``: a second line.
    exact : (distance, probability) pair of arrays, optional
        The theory's probability to be farther out than a distance.
    step : int, optional
        Which stored step; default the last one.
    on_diverged : {"raise", "drop"}
        As in `analysis.density`.

    Returns
    -------
    matplotlib.axes.Axes
        The band is one binomial standard error to both sides.

    Raises
    ------
    TypeError, ValueError
        For fewer than twenty particles apart from the center, or another shape of `center`.

    Notes
    -----
    Hill (1975): with k particles beyond r, exponent = k / sum log(r_i/r), standard error
    exponent/sqrt(k) for a power law; a tail that is none has no exponent, and the estimate then
    depends on `share`. It approaches the true one slowly: compare probabilities too.

    Examples
    --------
    A Gaussian tail has no exponent: the estimate grows with the distance.

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, particles=4000, steps=100, seed=1)
    >>> for share in (0.1, 0.01):
    ...     print(ls.plots.tails(run, component=0, share=share).lines[1].get_label())
    exponent 4.6(2) (Hill, 10 %)
    exponent 10(2) (Hill, 1 %)
    """
    from matplotlib.ticker import LogLocator

    particles = at_step(run, step, on_diverged)
    distance = _distances(particles.x, component, center)
    distance = np.sort(distance[distance > 0])[::-1]
    if len(distance) < 2 * FEWEST_BEYOND:
        raise ValueError(
            f"run must have at least {2 * FEWEST_BEYOND} particles apart from the center, got "
            f"{len(distance)}."
        )
    n = len(particles.x)
    beyond = min(max(FEWEST_BEYOND, round(share * n)), len(distance) - 1)
    logarithms = np.log(distance[:beyond] / distance[beyond]).sum()
    ax = axes(ax, "ax")
    rank = np.unique(np.geomspace(1, len(distance), MOST_RANKS).round().astype(int))
    tail = rank / n
    error = np.sqrt(tail * (1 - tail) / n)
    at = distance[rank - 1]
    ax.plot(at, tail, ".", markersize=4, label="particles", color=COLOURS["data"])
    band(ax, at, tail, error, tail / 10)
    reach = np.array([distance[beyond], distance[0]])
    lines = []
    if logarithms > 0:  # else all of them are equally far out, as on a lattice
        found = beyond / logarithms
        told = f"{shorthand(found, found / np.sqrt(beyond))} (Hill, {100 * beyond / n:.2g} %)"
        lines += [(found, "theory", "solid", f"exponent {told}")]
    if exponent is not None:
        lines += [(exponent, "guide", "dotted", f"exponent {exponent:.4g} (theory)")]
    for power, colour, dashes, label in lines:
        look = {"color": COLOURS[colour], "linestyle": dashes, "linewidth": LINE, "label": label}
        ax.plot(reach, beyond / n * (reach / reach.min()) ** -power, **look)
    exact_line(ax, exact)
    of = "x" if component is None else symbol(component_names(run)[component])
    nearest, farthest = distance[round(NEAREST * (len(distance) - 1))], distance[0]
    ax.set(xscale="log", yscale="log", ylim=(0.3 / n, 1.5), xlim=(nearest, 1.2 * farthest))
    ax.set(xlabel=f"distance |{of} - center| (length)", ylabel="part farther out")
    ax.xaxis.set_minor_locator(LogLocator(subs=(2, 5)))  # names that do not overlap
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter("{x:g}" if farthest < FEW_TICKS * nearest else "")
    ax.legend(loc="lower left", frameon=False, fontsize="small")
    return ax


def _distances(x, component, center):
    """Of particles x (particles, d) from the center."""
    d = x.shape[1]
    if component is not None:
        if component >= d:
            raise ValueError(f"component must be a number from 0 to {d - 1}, got {component}.")
        x = x[:, [component]]
    if center is None:
        center = np.median(x, axis=0)
    elif center.shape not in ((), (1,), (d,)):
        raise ValueError(f"center must be a number or have {d} entries, got {center.shape}.")
    elif component is not None and center.size == d:
        center = np.ravel(center)[component]
    return np.sqrt(((x - center) ** 2).sum(axis=1))
