"""Escape from a well: who is still under way, and the rate."""

from functools import partial

import numpy as np

from ..analysis.particles import run
from ..arguments import checked, optional
from .style import COLOURS, LINE, axes, band, curve, exact_line, given_axes

ARRIVALS = {name: ("passage_step",) for name in ("survival", "at_risk", "arrivals")}
OF_A_RATE = {"escape_rate": (), "escape_rate_interval": ("bound",)}


@checked(
    survival=partial(run, needs=ARRIVALS, source="analysis.survival_curve()"),
    ax=given_axes,
    rate=optional(partial(run, needs=OF_A_RATE, source="analysis.escape_rate()")),
    exact=optional(curve),
)
def escape(survival, ax=None, *, rate=None, exact=None):
    """The part of the particles that has not arrived yet, against the step.

    With the one rate that describes it, and its interval.

    Parameters
    ----------
    survival : xarray.Dataset
        Output of `analysis.survival_curve`.
    ax : matplotlib.axes.Axes, optional
        Default those of a new figure.
    rate : xarray.Dataset, optional
        Output of `analysis.escape_rate`: a line of that rate from its ``after`` on, in the band of
        its interval.
    exact : (steps, survival) pair of arrays, optional
        The theory.

    Returns
    -------
    matplotlib.axes.Axes
        A straight line is a constant rate: the vertical axis is logarithmic. The band is one
        standard error to both sides; crosses are particles that nobody watched any more, at the
        last arrival before that, or at the end.

    Raises
    ------
    TypeError, ValueError
        For another dataset.

    Examples
    --------
    After one step from 0, x_0 is N(0, 0.1^2), and below 0.1 with the probability 0.841:

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> reducer = ls.reducers.first_passage(above=0.1)
    >>> plan = {"particles": 4000, "steps": 50, "seed": 1, "reducers": reducer}
    >>> found = ls.analysis.survival_curve(ls.simulate(well, ls.dynamics.sgd(0.1), noise, **plan))
    >>> print(ls.plots.escape(found).lines[0].get_ydata()[:2].round(3).tolist())
    [1.0, 0.84]
    """
    ax = axes(ax, "ax")
    steps, at_risk = survival["passage_step"].values, survival["at_risk"].values
    particles = int(survival.attrs["particles"])
    end = max(int(survival.attrs["limit"]), *steps[-1:], 1)
    times, value = np.array([0, *steps, end]), np.array([1.0, *survival["survival"].values, np.nan])
    error = np.array([0.0, *survival["survival_standard_error"].values, np.nan])
    value[-1], error[-1] = value[-2], error[-2]
    value[value <= 0] = np.nan  # all arrived: off a logarithmic axis
    ax.step(times, value, where="post", color=COLOURS["data"], linewidth=LINE, label="particles")
    band(ax, times, value, error, value / 10, step="post")
    staying = np.array([particles, *(at_risk - survival["arrivals"].values)])
    gone = staying - np.array([*at_risk, 0])
    at = np.array([*times[:-2], end])
    lost = gone > 0
    if lost.any():
        label = f"{gone.sum():.0f} of {particles} not seen to arrive"
        ax.plot(at[lost], value[:-1][lost], "x", color=COLOURS["guide"], label=label)
    if rate is not None:
        _one_rate(ax, rate, times, value, end)
    exact_line(ax, exact)
    ax.set(xlabel="step", ylabel="part that has not arrived", yscale="log")
    ax.yaxis.set_major_formatter("{x:g}")
    if ax.get_ylim()[0] > 0.1:  # no decade, so that the minor ticks need names
        ax.yaxis.set_minor_formatter("{x:g}")
    ax.legend(frameon=False, fontsize="small")
    return ax


def _one_rate(ax, rate, times, value, end):
    """Lines (1 - rate)^steps, from where the rate is counted."""
    after, q = int(rate.attrs["after"]), float(rate["escape_rate"])
    start = value[np.searchsorted(times, after, side="right") - 1]
    t = np.linspace(after, max(end, after + 1), 200)
    ends = rate["escape_rate_interval"].values
    told = f"rate {q:.3g} ({ends.min():.3g} to {ends.max():.3g}) per step"
    line, *sides = (start * (1 - each) ** (t - after) for each in (q, *ends))
    ax.plot(t, line, color=COLOURS["theory"], linewidth=1, label=told)
    ax.fill_between(t, *sides, color=COLOURS["theory"], alpha=0.2, linewidth=0)
