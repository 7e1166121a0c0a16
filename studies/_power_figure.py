"""The figure of power_of_the_test.py: false alarms beside their band, and power."""

import numpy as np
from scipy.special import bdtrik

import langevin_sgd as ls

COLOURS = "#0072B2", "#D55E00", "#009E73"
LINES = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"


def plot(dataset):
    """Two panels: rates of false alarms of all cases, power against the number of particles."""
    from matplotlib.figure import Figure

    with ls.plots.style():
        figure = Figure(figsize=(12, 6.4), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.25])
        _false_alarms(left, dataset)
        _power(right, dataset)
    for axes in (left, right):
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.1)}
        axes.legend(ncols=2, fontsize=7.5, **below)
    return figure


def _false_alarms(axes, dataset):
    places, tries = np.arange(dataset.sizes["case"]), int(dataset.attrs["replicates"])
    for colour, level in zip(COLOURS, dataset.level.values, strict=True):
        rates = 100 * dataset.false_alarm_rate.sel(level=level)
        highest = 100 * np.ceil(bdtrik(0.999, tries, level)) / tries
        axes.axvspan(100 * level, highest, color=colour, alpha=0.2, linewidth=0)
        axes.axvline(100 * level, color=colour, linewidth=0.8)
        label = f"family, level {100 * level:g} %"
        axes.plot(rates.sel(test="family"), places, "o", color=colour, label=label)
        for name in dataset.test.values[:-1]:
            axes.plot(rates.sel(test=name), places, "|", color=colour, markersize=8)
    axes.plot([], [], "|", color="black", label="one test")
    names = zip(dataset.case.values, dataset.particles_of_case.values, strict=True)
    axes.set_yticks(places, [f"{name}, n = {n}" for name, n in names])
    axes.set(xlabel="false alarms (%)", title="exact draws of the null law; shaded: 99.9 % band")
    axes.invert_yaxis()


def _power(axes, dataset):
    colours = {}
    for name in dataset.departure.values:
        kind, dim = str(name).rsplit(", ", 1)
        colour = colours.setdefault(kind, LINES[len(colours)])
        style = {"linestyle": "--", "marker": "s"} if dim == "10-D" else {"marker": "o"}
        label = kind if dim == "2-D" else None
        power = 100 * dataset.power.sel(departure=name)
        axes.plot(dataset.particles, power, color=colour, markersize=4, label=label, **style)
    axes.plot([], [], color="black", marker="o", markersize=4, label="2 dimensions")
    style = {"linestyle": "--", "marker": "s", "markersize": 4}
    axes.plot([], [], color="black", label="10 dimensions", **style)
    axes.axhline(5, color="#666666", linewidth=0.8)
    axes.set(xscale="log", xlabel="particles", ylabel="family p below 5 % (% of runs)")
    axes.set_title("departures that are seen")
