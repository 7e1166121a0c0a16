"""Datasets of known numbers, as simulate, reducers and analysis return them, to be drawn; and what
was drawn."""

import numpy as np
import xarray as xr
from synthetic_runs import gaussian_run, series_run, synthetic_run

import langevin_sgd as ls

BOWL = ls.potentials.quadratic([1.0, 1.0])
RATES = {"learning_rate": 0.2, "batch_size": 1, "momentum": 0.0}
NOISE = '{"name": "gaussian", "params": {"scale": [1.0, 1.0]}}'
STILL = gaussian_run(np.diag([1.0, 4.0]), 500, 1, dynamics=("sgd", RATES), noise=NOISE)


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def names_below(ax):
    return [text.get_text() for text in ax.get_xticklabels()]


def points_of(ax):
    """The first points with vertical error bars."""
    return next(one for one in ax.containers if getattr(one, "has_yerr", False))


def stacked(ax):
    """Heights of the bars at each place, added up."""
    stacks = [bars for bars in ax.containers if hasattr(bars, "patches")]
    return sum(np.array([patch.get_height() for patch in bars]) for bars in stacks)


def half_bars(container, axis=1):
    """Half lengths of the error bars of a container, horizontal for axis 0."""
    return [np.ptp(bar[:, axis]) / 2 for bar in container[2][0].get_segments()]


def half_widths(band):
    """Of a band between its lower and its upper side, by x."""
    points = np.unique(band.get_paths()[0].vertices, axis=0)
    return np.array([np.ptp(points[points[:, 0] == x, 1]) / 2 for x in np.unique(points[:, 0])])


def shrinking(steps, particles):
    """A run in two components that shrink, and its energy."""
    random = np.random.default_rng(1)
    shrink = np.exp(-np.arange(steps))[:, None, None]
    run = series_run(shrink * random.normal(1.0, [0.5, 0.2], (steps, particles, 2)))
    run["loss"] = (run.x**2).sum("component").assign_attrs(long_name="energy", units="energy")
    run.x.attrs = {"long_name": "position", "units": "length"}
    return run


def remembering(rates, lags):
    """A run with autocorrelations exp(-rate t), known to 1 % where they are small."""
    correlation = np.exp(-np.outer(lags, rates))
    error, over = 0.01 * np.sqrt(1 - correlation**2), "autocovariance_lag"
    variables = {"autocovariance_correlation": ((over, "component"), correlation)}
    variables["autocovariance_correlation_standard_error"] = ((over, "component"), error)
    attrs = {"long_name": "lag", "units": "steps"}
    return xr.Dataset(variables, {over: (over, lags, attrs)})


def arriving(times, watched):
    """A run with first passages; -1 for a particle that did not arrive."""
    return xr.Dataset(
        {
            "first_passage_step": ("particle", np.array(times)),
            "first_passage_watched": ("particle", np.array(watched)),
            "x": (("particle", "component"), np.zeros((len(times), 1))),
        }
    )


def pareto(exponent, count=4000):
    """A run whose distances from 1 are the quantiles of a power law."""
    distance = ((np.arange(count) + 0.5) / count) ** (-1 / exponent)
    return synthetic_run(1.0 + distance[:, None] * [[1.0, 0.0]])


def ledger_of(added, first=0.2):
    """Chain of three systems; the second one is not there."""
    rungs = ["boltzmann", "anisotropy", "inertia", "finite_rate"]
    added = np.array([0.0, added[0], 0.0, added[1]])
    grid = ("rung", "symptom")
    variables = {
        "value": (grid, (first + np.cumsum(added))[:, None]),
        "contribution": (grid, added[:, None]),
        "contribution_standard_error": (grid, [[0.0], [0.05], [0.0], [0.0]]),
        "total": ("symptom", [added.sum()]),
        "how": ("rung", ["exact", "simulated", "absent", "exact"]),
    }
    coords = {"rung": rungs, "symptom": ["kl"], "unit": ("symptom", ["nat"])}
    return xr.Dataset(variables, coords)


def rising(sign, error):
    """A dataset with a current along x_2, where x_0 is not negative."""
    axis, widths = np.arange(-2.0, 3.0), {"go_x0": 1.0, "go_x2": 2.0}
    grid = tuple(widths)
    flow = np.zeros((2, 5, 5))
    flow[1, 2:] = sign
    count = np.full((5, 5), 4)
    count[0] = np.arange(5)
    variables = {
        "go_current": (("go_axis", *grid), flow),
        "go_current_standard_error": (("go_axis", *grid), 0 * flow + error),
        "go_count": (grid, count),
    }
    coords = {
        name: (name, width * axis, {"bin_width": width, "units": "length"})
        for name, width in widths.items()
    }
    return xr.Dataset(variables, coords)
