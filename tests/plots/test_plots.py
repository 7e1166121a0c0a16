"""Figures: what is drawn where, and refusals. matplotlib draws into memory."""

import json

import matplotlib
import numpy as np
import pytest
import xarray as xr
from refusals import refusal
from synthetic_runs import gaussian_run, synthetic_run

import langevin_sgd as ls
from langevin_sgd import analysis, plots

RATES = {"learning_rate": 0.2, "batch_size": 1, "momentum": 0.0}
NOISE = json.dumps({"name": "gaussian", "params": {"scale": [1.0, 1.0]}})
BOWL = ls.potentials.quadratic([1.0, 1.0])


@pytest.fixture
def ax():
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with plots.style():
        figure, ax = plt.subplots()
        yield ax
        figure.canvas.draw()
        plt.close("all")


@pytest.fixture(scope="module")
def run():
    return gaussian_run(np.diag([1.0, 4.0]), 500, 1, dynamics=("sgd", RATES), noise=NOISE)


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_points_stand_at_their_densities_and_a_law_beside_them(ax, run):
    """The law as steps at probability over bin width."""
    histogram = analysis.density(run, components=0, bins=10, range=(-6.0, 6.0))
    law = {"reference": np.full(10, 0.05), "curve": ([0.0, 1.0], [0.1, 0.2])}
    assert plots.density_1d(histogram, ax, **law) is ax
    occupied = histogram["count"].values > 0
    line, _, (bars,) = next(c for c in ax.containers if c.has_yerr)
    assert np.allclose(line.get_ydata(), histogram.density.values[occupied])
    half = [np.diff(segment[:, 1])[0] / 2 for segment in bars.get_segments()]
    assert np.allclose(half, histogram.standard_error.values[occupied])
    assert np.allclose(ax.patches[0].get_data().values, 0.05 / 1.2)
    assert legend(ax) == ["Boltzmann", "particles"]
    assert ax.get_xlabel() == "$x_{0}$ (length)" and ax.get_ylabel() == "density (1/length)"


def test_image_has_x_to_the_right_and_contours_of_the_reference(ax):
    x = np.repeat([[0.5, 2.5]], 10, axis=0)  # all in column 0 along x0, row 2 along x1
    histogram = analysis.density(synthetic_run(x), bins=([0.0, 1.0, 2.0], [0.0, 1.0, 2.0, 3.0]))
    reference = np.array([[0.1, 0.3, 0.2], [0.1, 0.2, 0.1]])
    assert plots.density_2d(histogram, ax, reference=reference) is ax
    image, contours = ax.collections[0].get_array(), ax.collections[1]
    assert image.shape == (3, 2) and image[2, 0] == 1.0 and image.sum() == 1.0
    assert np.allclose(contours.levels, 0.3 * np.array([0.1, 0.3, 0.5, 0.7, 0.9]))
    assert ax.get_xlabel() == "$x_{0}$ (length)" and ax.get_ylabel() == "$x_{1}$ (length)"
    plots.density_2d(histogram, ax, reference=reference, levels=[])
    assert len(ax.collections) == 3  # an image more, and no contours


def rising(sign, error):
    """A dataset with a current along x_2, where x_0 is not negative."""
    axis, grid = np.linspace(-2.0, 2.0, 5), ("go_x0", "go_x2")
    flow = np.zeros((2, 5, 5))
    flow[1, 2:] = sign
    count = np.full((5, 5), 4)
    count[0] = np.arange(5)
    variables = {
        "go_current": (("go_axis", *grid), flow),
        "go_current_standard_error": (("go_axis", *grid), 0 * flow + error),
        "go_count": (grid, count),
    }
    return xr.Dataset(variables, {name: (name, axis, {"bin_width": 1.0}) for name in grid})


@pytest.mark.parametrize("sign", [1, -1])
def test_streamlines_run_where_the_current_is_clear_and_its_way(ax, sign):
    result = rising(sign, 0.1)
    assert plots.current(result, ax, name="go") is ax
    image, lines = ax.collections[0].get_array(), ax.collections[1]
    assert np.allclose(image[:, 0], np.arange(5) / 90) and np.allclose(image[:, 1:], 4 / 90)
    arrows = [patch for patch in ax.patches if hasattr(patch, "_posA_posB")]
    places = np.array([segment[0] for segment in lines.get_segments()])
    assert len(arrows) > 2 and np.all(places[:, 0] >= 0)
    ways = [np.subtract(*patch._posA_posB) for patch in arrows]  # from the head
    assert all(sign * way[1] < 0 and abs(way[0]) < 1e-9 for way in ways)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$x_{0}$ (length)", "$x_{2}$ (length)")
    lines = plots.current(rising(sign, 10.0), name="go", colorbar=False).collections[1]
    assert len(lines.get_segments()) == 0


def test_a_current_that_is_not_there_is_refused(run):
    assert "result must hold 'currents_current'" in refusal(plots.current, run)


def test_temperatures_of_a_test_and_of_a_matrix(ax, run):
    result = analysis.boltzmann_test(run, BOWL)
    assert plots.temperatures(result, ax, labels=["stiff", "soft"]) is ax
    line = next(c for c in ax.containers if c.has_yerr)[0]
    assert np.allclose(line.get_ydata(), result.directional_temperature)
    assert ax.lines[0].get_ydata()[0] == result.temperature.item()
    assert [text.get_text() for text in ax.get_xticklabels()] == ["stiff", "soft"]
    matrix = analysis.equipartition(run, BOWL).isel(step=0)
    drawn = plots.temperatures(matrix, ax).containers[-1][0].get_ydata()
    assert np.allclose(drawn, np.diagonal(matrix.temperature))


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_budget_bars_add_up_to_the_measured_temperature(ax, run, momentum):
    moves, moving = ls.dynamics.sgd(0.2, momentum=momentum), run.assign(v=-0.1 * run.x)
    budget = analysis.temperature_budget(moving, BOWL, dynamics=moves)
    plots.temperature_budget(budget, ax)
    stacks = [bars for bars in ax.containers if hasattr(bars, "patches")]
    heights = sum(np.array([patch.get_height() for patch in bars]) for bars in stacks)
    assert np.allclose(heights, np.diagonal(budget.virial - budget.residual))
    assert ("inertia" in legend(ax)) == ("sum of the terms" in legend(ax)) == (momentum > 0)


def test_without_axes_each_figure_makes_its_own(ax, run):
    flat, line = analysis.density(run, bins=4), analysis.density(run, bins=4, components=1)
    drawn = [
        plots.density_1d(line),
        plots.density_2d(flat),
        plots.temperatures(analysis.boltzmann_test(run, BOWL)),
        plots.temperature_budget(analysis.temperature_budget(run, BOWL)),
    ]
    assert len({one.figure.number for one in drawn} | {ax.figure.number}) == 5


FLAT = {"histogram": lambda run: analysis.density(run, bins=4)}
LINE = {"histogram": lambda run: analysis.density(run, bins=4, components=1)}
TEST = {"result": lambda run: analysis.boltzmann_test(run, BOWL)}
BAD = [
    ("density_1d", FLAT, "ValueError: histogram must have 1 dimension, got"),
    ("density_2d", LINE, "ValueError: histogram must have 2 dimensions, got"),
    ("density_1d", {"histogram": 0.5}, "TypeError: histogram must be a dataset with count (), den"),
    ("density_1d", LINE | {"reference": [0.1, 0.2, 0.3]}, "ValueError: reference must have one pr"),
    ("density_1d", LINE | {"curve": 1.0}, "ValueError: curve must be a pair of arrays"),
    ("density_2d", FLAT | {"levels": [2.0]}, "ValueError: levels must be > 0 and < 1"),
    ("density_2d", FLAT | {"ax": "left"}, "TypeError: ax must be an Axes of matplotlib, or None"),
    ("temperatures", {"result": lambda run: analysis.equipartition(run, BOWL)}, "ValueError: resu"),
    ("temperatures", {"result": None}, "TypeError: result must be a dataset with temperature"),
    ("temperatures", TEST | {"labels": ["stiff"]}, "ValueError: labels must name 2 directions, go"),
    ("temperatures", TEST | {"labels": [1, 2]}, "TypeError: labels must be text"),
    ("temperature_budget", {"budget": 3}, "TypeError: budget must be a dataset with virial"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "message"), BAD)
def test_what_cannot_be_drawn_is_refused(ax, run, name, change, message):
    given = {key: value(run) if callable(value) else value for key, value in change.items()}
    assert refusal(getattr(plots, name), **given).startswith(message)


def test_the_style_is_left_behind():
    before = matplotlib.rcParams["font.size"]
    with plots.style():
        assert matplotlib.rcParams["font.size"] == plots.STYLE["font.size"] != before
    assert matplotlib.rcParams["font.size"] == before
