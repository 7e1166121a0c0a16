"""What all figures share: colours that colour-blind readers tell apart, legends that hide nothing,
and no trace in the state of matplotlib.
"""

from itertools import combinations

import matplotlib.colors
import matplotlib.figure
import matplotlib.pyplot as plt
import numpy as np
import pytest
from datasets_to_draw import (
    BOWL,
    STILL,
    arriving,
    ledger_of,
    pareto,
    remembering,
    rising,
    shrinking,
)

from langevin_sgd import analysis, plots
from langevin_sgd.plots.style import LINE_COLOURS
from langevin_sgd.plots.temperatures import PARTS

# Of linear RGB, what is left without the cones for green: Machado, Oliveira and Fernandes 2009.
DEUTERANOPIA = [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.011820, 0.042940, 0.968881],
]
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
TOLD_APART = 12.0  # distance in CIE L*a*b*; 2.3 is just noticeable side by side


def seen(colour):
    """A colour as it is seen without the cones for green, in CIE L*a*b*."""
    rgb = np.array(matplotlib.colors.to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(DEUTERANOPIA @ linear, 0, 1)
    f = np.cbrt(TO_XYZ @ linear / TO_XYZ.sum(axis=1))  # none of them is nearly black
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def least_distance(colours):
    pairs = combinations({*colours}, 2)
    return min(np.linalg.norm(seen(one) - seen(other)) for one, other in pairs)


@pytest.mark.parametrize(
    "colours",
    [plots.COLOURS.values(), LINE_COLOURS, [colour for _, colour in PARTS.values()]],
)
def test_colours_stay_apart_without_cones_for_green(colours):
    assert least_distance(colours) > TOLD_APART


@pytest.mark.parametrize("pair", [("tab:red", "tab:green"), ("tab:blue", "tab:purple")])
def test_colours_that_they_mix_up_are_found(pair):
    """The twin."""
    assert least_distance(pair) < TOLD_APART


PATH = shrinking(5, 50)
ARRIVED = arriving([1, 3, 3, -1, -1, 8], [1, 3, 3, 5, 5, 8])
LAW = np.full(10, 0.1)
FIGURES = {
    "autocorrelation": lambda: {"run": remembering([0.1, 0.2, 0.3], np.arange(9))},
    "current": lambda: {"result": rising(1.0, 0.1), "name": "go"},
    "density_1d": lambda: {
        "histogram": analysis.density(STILL, bins=10, components=0),
        "reference": LAW,
    },
    "density_2d": lambda: {"histogram": analysis.density(STILL, bins=10)},
    "density_with_marginals": lambda: {"histogram": analysis.density(STILL, bins=10)},
    "departures": lambda: {"departure": analysis.departure(STILL, BOWL)},
    "escape": lambda: {
        "survival": analysis.survival_curve(ARRIVED),
        "rate": analysis.escape_rate(ARRIVED),
    },
    "picture": lambda: {"dataset": PATH, "name": "relaxation"},
    "relaxation": lambda: {"run": PATH},
    "tails": lambda: {"run": pareto(2.0), "exponent": 2.0},
    "temperature_budget": lambda: {"budget": analysis.departure(STILL, BOWL)},
    "temperatures": lambda: {"result": analysis.boltzmann_test(STILL, BOWL)},
    "waterfall": lambda: {"ledger": ledger_of((0.3, -0.1))},
}


def test_every_figure_is_here():
    others = {"COLOURS", "STYLE", "DensityAxes", "animate", "pictures", "style"}
    assert set(plots.__all__) == set(FIGURES) | others


@pytest.mark.parametrize("name", FIGURES)
def test_a_given_axes_is_drawn_into_and_nothing_else_changes(name):
    before, ax = dict(matplotlib.rcParams), matplotlib.figure.Figure().subplots()
    found = getattr(plots, name)(ax=ax, **FIGURES[name]())
    assert getattr(found, "joint", found) is ax and not plt.get_fignums()
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_its_own_has_the_style_and_leaves_no_trace(name):
    before = dict(matplotlib.rcParams)
    found = getattr(plots, name)(**FIGURES[name]())
    ax = getattr(found, "joint", found)
    assert plt.get_fignums() == [ax.figure.number] and not ax.spines["top"].get_visible()
    assert dict(matplotlib.rcParams) == before
    plt.close("all")


def hidden(ax):
    """Points of lines and bars of an Axes that lie below its legend."""
    ax.figure.draw_without_rendering()
    box = ax.get_legend().get_window_extent()
    bars = [bar for stack in ax.containers for bar in getattr(stack, "patches", ())]
    below = [bar for bar in bars if bar.get_window_extent().overlaps(box)]
    lines = [line for line in ax.lines if line.get_transform() == ax.transData]
    points = [line.get_transform().transform(line.get_xydata()) for line in lines]
    return below + [point for line in points for point in line if box.contains(*point)]


WITH_LEGEND = sorted(
    set(FIGURES) - {"current", "waterfall", "density_2d", "density_with_marginals"}
)


@pytest.mark.parametrize("name", WITH_LEGEND)
@pytest.mark.parametrize("size", [(4.8, 3.4), pytest.param((7.0, 3.0), marks=pytest.mark.slow)])
def test_a_legend_hides_neither_bars_nor_points(name, size):
    with plots.style():
        ax = matplotlib.figure.Figure(figsize=size).subplots()
    getattr(plots, name)(ax=ax, **FIGURES[name]())
    assert not hidden(ax)


def test_a_legend_on_a_bar_is_found():
    """The twin."""
    ax = matplotlib.figure.Figure().subplots()
    ax.bar([0], [1.0], label="bar")
    ax.legend(loc="upper center")
    assert hidden(ax)
