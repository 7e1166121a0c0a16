"""How an ensemble relaxes, and how long its particles remember: beside exact curves."""

from functools import partial

import numpy as np
import xarray as xr

from ..analysis.particles import AT_STEP, component_names, kept_particles
from ..analysis.particles import run as is_run
from ..analysis.wording import shorthand
from ..arguments import checked, one_of, optional, text, whole_numbers
from .style import (
    COLOURS,
    LINE,
    LINE_COLOURS,
    axes,
    components_drawn,
    curve,
    given_axes,
    label_of,
    legend_on_top,
    line_with_band,
    points_with_errors,
    several_steps,
    symbol,
    zero_line,
)

REMEMBERED = np.exp(-1)  # of a correlation, after the relaxation time


@checked(
    run=AT_STEP["run"],
    ax=given_axes,
    of=optional(one_of("loss", "mean", "variance")),
    exact=optional(curve),
    components=optional(whole_numbers),
    on_diverged=AT_STEP["on_diverged"],
)
def relaxation(run, ax=None, *, of=None, exact=None, components=None, on_diverged="raise"):
    """The mean energy, or the mean or variance of each component, step by step, and the exact one.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate` with ``every=``: several stored steps.
    ax : matplotlib.axes.Axes, optional
        Default those of a new figure.
    of : {"loss", "mean", "variance"}, optional
        What is drawn; "loss", the mean energy, needs a run with ``loss=True``, and is the default
        where it is stored; else the variance.
    exact : (steps, values) pair of arrays, optional
        The theory: values (steps,), or with a column for each component that is drawn, as
        `theory.evolve` gives them.
    components : sequence of int, optional
        Which components; default all, of more than six six, from the first to the last.
    on_diverged : {"raise", "drop"}
        As in `analysis.density`.

    Returns
    -------
    matplotlib.axes.Axes
        Bands are one standard error to both sides, of independent particles.

    Raises
    ------
    TypeError, ValueError
        If the run stores one step only, or no loss that is asked for, or particles diverged.

    Examples
    --------
    The mean of x_0 falls by the factor 1 - eta a = 0.9 in a step, to 0.122 after twenty:

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> plan = {"particles": 4000, "steps": 100, "every": 10, "x0": [1.0, 1.0], "seed": 1}
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, **plan)
    >>> means = ls.plots.relaxation(run, of="mean").lines[0].get_ydata()
    >>> print(f"{means[0]:.3f}, {means[1]:.3f}, {means[2]:.3f}")
    1.000, 0.348, 0.125
    """
    kept, _ = kept_particles(run, on_diverged)
    several_steps(kept["x"])
    of = of or ("loss" if "loss" in kept else "variance")
    if of == "loss" and "loss" not in kept:
        raise ValueError("run must hold the loss for of='loss'. Simulate it with loss=True.")
    chosen = components_drawn(components, kept.sizes["component"])
    numbers = kept["loss"].values[..., None] if of == "loss" else kept["x"].values[..., chosen]
    names = [""] if of == "loss" else [symbol(component_names(kept)[k]) for k in chosen]
    value, error = _moment_and_error(numbers, of)
    ax = axes(ax, "ax")
    steps, several = kept["step"].values, len(names) > 1
    for k, name in enumerate(names):
        label = f"particles, {name}" if name else "particles"
        look = {"color": LINE_COLOURS[k % len(LINE_COLOURS)], "label": label}
        line_with_band(ax, steps, value[:, k], error[:, k], **look)
    if exact is not None:
        at, law = exact
        look = {"color": LINE_COLOURS[-1] if several else COLOURS["theory"], "linestyle": "dashed"}
        labels = ["exact", *[None] * (law.ndim == 2 and law.shape[1] - 1)]
        ax.plot(at, law, linewidth=LINE, label=labels if law.ndim == 2 else "exact", **look)
    of_what = kept["loss"] if of == "loss" else kept["x"]
    words = {"loss": f"mean {of_what.attrs.get('long_name', 'loss')}"}.get(
        of, f"{of} of the position"
    )
    squared = xr.DataArray(attrs={"units": "length^2"})
    ax.set(xlabel="step", ylabel=label_of(squared if of == "variance" else of_what, words))
    legend_on_top(ax)
    return ax


def _moment_and_error(numbers, of):
    """The mean or variance of numbers (steps, particles, k) over particles, and its standard
    error."""
    n = numbers.shape[1]
    away = numbers - numbers.mean(axis=1, keepdims=True)
    square = (away**2).mean(axis=1)
    if of == "variance":
        return square * n / (n - 1), np.sqrt(np.maximum((away**4).mean(axis=1) - square**2, 0) / n)
    return numbers.mean(axis=1), np.sqrt(square / (n - 1))


@checked(
    run=partial(is_run, needs={}),
    ax=given_axes,
    name=text,
    exact=optional(curve),
    components=optional(whole_numbers),
)
def autocorrelation(run, ax=None, *, name="autocovariance", exact=None, components=None):
    """The autocorrelation of each component against the lag, its relaxation time marked.

    Parameters
    ----------
    run : xarray.Dataset
        Of a run with `reducers.autocovariance`, lag 0 among its lags.
    ax : matplotlib.axes.Axes, optional
        Default those of a new figure.
    name : str
        That of the reducer.
    exact : (lags, covariances) pair of arrays, optional
        The theory: autocovariances (lags,), or with a column for each component that is drawn, of
        lag 0 first, as the diagonals of `theory.autocovariance`; drawn over that of lag 0.
    components : sequence of int, optional
        As in `relaxation`.

    Returns
    -------
    matplotlib.axes.Axes
        The legend says after how many steps a correlation is down to 1/e, by log-linear
        interpolation between the lags, with its standard error.

    Raises
    ------
    TypeError, ValueError
        If the run has no such autocovariance, or not that of lag 0.

    Examples
    --------
    That of x_0 is 0.9^lag, 1/e after -1/log(0.9) = 9.5 steps:

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> seen = ls.reducers.autocovariance([0, 5, 10, 20]), ls.reducers.currents(-1, 1, 5)
    >>> plan = {"particles": 4000, "steps": 100, "seed": 1, "reducers": seen}
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, **plan)
    >>> print(ls.plots.autocorrelation(run).get_legend().get_texts()[0].get_text())
    $x_{0}$: 1/e after 9.6(1) steps
    """
    over, key = f"{name}_lag", f"{name}_correlation"
    if key not in run or run[key].dims != (over, "component"):
        raise ValueError(
            f"run must hold {name!r} from lag 0 on. Simulate with reducers=reducers.autocovariance("
            f"lags=[0, ...], name={name!r})."
        )
    chosen = components_drawn(components, run.sizes["component"])
    reached = run[[key, f"{key}_standard_error"]].isel(component=list(chosen))
    reached = reached.sortby(over).dropna(over)
    lags = reached[over].values
    if not len(lags):
        raise ValueError(f"run must move for longer, but {name!r} has no variance at lag 0.")
    correlation, error = (reached[end].values for end in (key, f"{key}_standard_error"))
    ax = axes(ax, "ax")
    zero_line(ax)
    for k, component in enumerate(chosen):
        colour = LINE_COLOURS[k % len(LINE_COLOURS)]
        time, spread = relaxation_time(lags, correlation[:, k], error[:, k])
        told = f"slower than {lags[-1]:g} steps"
        if np.isfinite(time):
            told = f"1/e after {shorthand(time, spread)} steps"
        label = f"{symbol(component_names(run)[component])}: {told}"
        points_with_errors(
            ax, lags, correlation[:, k], error[:, k], color=colour, label=label, markersize=3
        )
        if np.isfinite(time):
            ax.plot([time, time], [0, REMEMBERED], color=colour, linestyle="dotted", linewidth=1)
    if exact is not None:
        at, law = exact
        ax.plot(at, law / law[:1], color=COLOURS["theory"], linewidth=1, zorder=1)
        ax.plot([], [], color=COLOURS["theory"], linewidth=1, label="exact")
    ax.set(xlabel=label_of(run[f"{name}_lag"]), ylabel="autocorrelation")
    legend_on_top(ax)
    return ax


def relaxation_time(lags, correlation, error):
    """Where a correlation is first down to 1/e, and its standard error; inf if it is not."""
    below = np.flatnonzero(correlation <= REMEMBERED)
    if not len(below):
        return np.inf, np.nan
    after = below[0]
    pair = slice(after - 1, after + 1)
    high, low = correlation[pair]
    start, end = lags[pair]
    off = error[pair]
    if low > 0:
        share = (np.log(high) + 1) / np.log(high / low)
        slope, off = np.log(high / low) / (end - start), off / correlation[pair]
    else:  # past zero within one lag
        share = (high - REMEMBERED) / (high - low)
        slope = (high - low) / (end - start)
    spread = np.dot([1 - share, share], off)  # as if both were off to the same side
    return start + share * (end - start), spread / slope
