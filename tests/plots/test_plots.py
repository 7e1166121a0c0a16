"""Figures: what is drawn where, and refusals. matplotlib draws into memory."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from datasets_to_draw import (
    BOWL,
    STILL,
    half_bars,
    legend,
    names_below,
    points_of,
    rising,
    stacked,
)
from refusals import refusal
from synthetic_runs import synthetic_run

import langevin_sgd as ls
from langevin_sgd import analysis, plots


@pytest.fixture
def ax():
    with plots.style():
        figure, ax = plt.subplots()
        yield ax
        figure.canvas.draw()
        plt.close("all")


def test_points_stand_at_their_densities_and_a_law_beside_them(ax):
    """The law as steps at probability over bin width."""
    histogram = analysis.density(STILL, components=0, bins=10, range=(-6.0, 6.0))
    law = {"reference": np.full(10, 0.05), "curve": ([0.0, 1.0], [0.1, 0.2])}
    assert plots.density_1d(histogram, ax, **law) is ax
    occupied = histogram["count"].values > 0
    points = points_of(ax)
    assert np.allclose(points[0].get_ydata(), histogram.density.values[occupied])
    assert np.allclose(half_bars(points), histogram.density_standard_error.values[occupied])
    assert np.allclose(ax.patches[0].get_data().values, 0.05 / 1.2)
    assert legend(ax) == ["Boltzmann", "particles"]
    assert ax.get_xlabel() == "$x_{0}$ (length)" and ax.get_ylabel() == "density (length$^{-1}$)"


def test_without_labels_there_is_no_legend(ax):
    one = analysis.density(synthetic_run(np.linspace(-1.0, 1.0, 100)[:, None]), bins=4)
    assert plots.density_1d(one, ax, label=None).get_legend() is None


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


@pytest.mark.parametrize("sign", [1, -1])
def test_streamlines_run_where_the_current_is_clear_and_its_way(ax, sign):
    result = rising(sign, 0.1)
    assert plots.current(result, ax, name="go") is ax
    image, lines = ax.collections[0].get_array(), ax.collections[1]
    assert np.allclose(image[:, 0], np.arange(5) / 180) and np.allclose(image[:, 1:], 4 / 180)
    arrows = [patch for patch in ax.patches if hasattr(patch, "_posA_posB")]
    places = np.array([segment[0] for segment in lines.get_segments()])
    assert len(arrows) > 2 and np.all(places[:, 0] >= 0)
    ways = [np.subtract(*patch._posA_posB) for patch in arrows]  # from the head
    assert all(sign * way[1] < 0 and abs(way[0]) < 1e-9 for way in ways)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$x_{0}$ (length)", "$x_{2}$ (length)")
    for clear in (7.0, 7.1):  # the current is 1/sqrt(0.02) = 7.07 standard errors
        line = plots.current(rising(sign, 0.1), name="go", clear=clear, colorbar=False)
        assert (len(line.collections[1].get_segments()) > 0) == (clear == 7.0)


def test_a_current_that_is_not_there_is_refused():
    assert "result must hold 'currents_current'" in refusal(plots.current, STILL)


def test_temperatures_of_a_test_and_of_a_matrix(ax):
    result = analysis.boltzmann_test(STILL, BOWL)
    assert plots.temperatures(result, ax, labels=["stiff", "soft"]) is ax
    points = points_of(ax)
    assert np.allclose(points[0].get_ydata(), result.directional_temperature)
    assert np.allclose(half_bars(points), result.directional_temperature_standard_error)
    assert ax.lines[0].get_ydata()[0] == result.temperature.item()
    assert names_below(ax) == ["stiff", "soft"]
    matrix = analysis.equipartition(STILL, BOWL).isel(step=0)
    drawn = plots.temperatures(matrix, ax).containers[-1]
    assert np.allclose(drawn[0].get_ydata(), np.diagonal(matrix.temperature))
    assert np.allclose(half_bars(drawn), np.diagonal(matrix.temperature_standard_error))
    for along, names in ((None, ["$x_{0}$", "$x_{1}$"]), (np.eye(2)[:, ::-1], ["0", "1"])):
        for found in (analysis.boltzmann_test, analysis.equipartition):
            result = found(STILL, BOWL, directions=along).isel(step=0, missing_dims="ignore")
            plots.temperatures(result, ax)
            assert names_below(ax) == names


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_budget_bars_add_up_to_the_measured_temperature(ax, momentum):
    moves, moving = ls.dynamics.sgd(0.2, momentum=momentum), STILL.assign(v=-0.1 * STILL.x)
    budget = analysis.temperature_budget(moving, BOWL, dynamics=moves)
    plots.temperature_budget(budget, ax)
    assert np.allclose(stacked(ax), np.diagonal(budget.virial - budget.residual))
    points = points_of(ax)
    assert np.allclose(half_bars(points), np.diagonal(budget.virial_standard_error))
    if momentum:
        sums = ax.collections[0].get_segments()
        assert np.allclose([line[:, 1] for line in sums], stacked(ax)[:, None])
    assert ("inertia" in legend(ax)) == ("sum of the terms" in legend(ax)) == (momentum > 0)


def test_the_parts_of_a_departure_add_up_to_the_measured_temperature(ax):
    """Above and below the axis; the directions are named by their curvatures."""
    budget = analysis.departure(STILL, BOWL)
    plots.temperature_budget(budget, ax)
    assert np.allclose(stacked(ax), np.diagonal(budget.measured - budget.closure))
    assert {"finite step", "one temperature, as of Boltzmann's law"} < set(legend(ax))
    assert ax.get_xticklabels()[0].get_text() == f"{budget.curvature.values[0]:.2g}"


def test_departures_are_in_percent_of_the_one_temperature(ax):
    budget = analysis.departure(STILL, BOWL)
    assert plots.departures(budget, ax) is ax
    one = budget.contribution.sel(part="reference").values[0, 0]
    assert np.allclose(stacked(ax), 100 * (np.diagonal(budget.measured - budget.closure) / one - 1))
    points = points_of(ax)
    assert np.allclose(points[0].get_ydata(), 100 * (np.diagonal(budget.measured) / one - 1))
    error = np.diagonal(budget.measured_standard_error)
    assert np.allclose(half_bars(points), 100 * error / one)
    unknown = budget.isel(part=[k for k, p in enumerate(budget.part.values) if p != "reference"])
    assert "noise_covariance=" in refusal(plots.departures, unknown, ax)


def test_marginals_are_sums_over_the_bins_beside_those_of_the_laws(ax):
    x = np.repeat([[0.5, 2.5], [1.5, 2.5], [5.0, 9.0]], [30, 10, 10], axis=0)
    histogram = analysis.density(synthetic_run(x), bins=([0.0, 1.0, 2.0], [0.0, 2.0, 4.0]))
    law = np.array([[0.1, 0.3], [0.2, 0.4]])
    drawn = plots.density_with_marginals(histogram, ax, boltzmann=law)
    assert drawn.joint is ax
    assert np.allclose(drawn.first.containers[0][0].get_ydata(), [0.6, 0.2])
    assert np.allclose(drawn.second.containers[0][0].get_xdata(), [0.4])
    assert np.allclose(drawn.first.patches[0].get_data().values, [0.4, 0.6])
    assert np.allclose(drawn.second.patches[0].get_data().values, [0.15, 0.35])
    one = analysis.density(synthetic_run(x), components=0, bins=[0.0, 1.0, 2.0])
    assert np.allclose(half_bars(drawn.first.containers[0]), one.density_standard_error)
    other = analysis.density(synthetic_run(x), components=1, bins=[0.0, 2.0, 4.0])
    error = half_bars(drawn.second.containers[0], axis=0)
    assert np.allclose(error, other.density_standard_error[1])


@pytest.mark.parametrize("layout", [None, "constrained"])
def test_a_density_and_its_marginals_share_the_room_of_one_axes(layout):
    """As soon as they are drawn, whatever lays out the figure: no marginal is cut off, or lies on
    what is beside it."""
    with matplotlib.rc_context({"figure.constrained_layout.use": False}):
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout=layout)
    drawn = plots.density_with_marginals(analysis.density(STILL), left)
    figure.canvas.draw()
    above, beside = (ax.get_window_extent() for ax in drawn[1:])
    plt.close(figure)
    assert above.y1 < figure.bbox.y1 and beside.x1 < right.get_window_extent().x0


def test_the_histogram_of_a_reducer_is_drawn_like_a_density(ax):
    axis = ("h_x1", [0.5, 1.5], {"bin_width": 1.0, "units": "length"})
    values = {"count": [1, 3], "density": [0.25, 0.75], "density_standard_error": [0.1, 0.2]}
    counted = xr.Dataset({f"h_{key}": ("h_x1", each) for key, each in values.items()})
    plots.density_1d(counted.assign_coords(h_x1=axis), ax, reference=[0.5, 0.5])
    assert np.allclose(ax.containers[0][0].get_ydata(), [0.25, 0.75])
    assert np.allclose(ax.patches[0].get_data().edges, [0.0, 1.0, 2.0])


def test_a_current_along_one_component_is_a_line(ax):
    line = rising(1.0, 0.1).isel(go_x0=3, go_axis=[1])
    plots.current(line, ax, name="go")
    assert np.allclose(ax.lines[1].get_ydata(), 1.0) and ax.get_xlabel() == "$x_{2}$ (length)"
    assert np.allclose(np.unique(ax.collections[0].get_paths()[0].vertices[:, 1]), [0.9, 1.1])


FLAT = {"histogram": lambda: analysis.density(STILL, bins=4)}
LINE = {"histogram": lambda: analysis.density(STILL, bins=4, components=1)}
TEST = {"result": lambda: analysis.boltzmann_test(STILL, BOWL)}
BAD = [
    ("density_1d", FLAT, "ValueError: histogram must have 1 dimension, got"),
    ("density_2d", LINE, "ValueError: histogram must have 2 dimensions, got"),
    ("density_1d", {"histogram": 0.5}, "TypeError: histogram must be a dataset with count, den"),
    ("density_1d", LINE | {"reference": [0.1, 0.2, 0.3]}, "ValueError: reference must have one pr"),
    ("density_1d", LINE | {"curve": 1.0}, "TypeError: curve must be a pair of arrays"),
    ("density_1d", LINE | {"curve": ([1.0], [1.0, 2.0])}, "ValueError: curve must be a pair of ar"),
    ("density_with_marginals", LINE, "ValueError: histogram must have 2 dimensions, got"),
    ("density_with_marginals", FLAT | {"exact": [0.1]}, "ValueError: exact must have one probabil"),
    ("departures", {"departure": 3}, "TypeError: departure must be a dataset with contribution"),
    ("density_2d", FLAT | {"levels": [2.0]}, "ValueError: levels must be > 0 and < 1"),
    ("density_2d", FLAT | {"ax": "left"}, "TypeError: ax must be an Axes of matplotlib, or None"),
    ("temperatures", {"result": lambda: analysis.equipartition(STILL, BOWL)}, "ValueError: resu"),
    ("temperatures", {"result": None}, "TypeError: result must be a dataset with temperature"),
    ("temperatures", TEST | {"labels": ["stiff"]}, "ValueError: labels must name 2 directions, go"),
    ("temperatures", TEST | {"labels": [1, 2]}, "TypeError: labels must be text"),
    ("temperature_budget", {"budget": 3}, "TypeError: budget must be a dataset with virial"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "message"), BAD)
def test_what_cannot_be_drawn_is_refused(ax, name, change, message):
    given = {key: value() if callable(value) else value for key, value in change.items()}
    assert refusal(getattr(plots, name), **given).startswith(message)


def test_the_style_is_left_behind():
    before = matplotlib.rcParams["font.size"]
    with plots.style():
        assert matplotlib.rcParams["font.size"] == plots.STYLE["font.size"] != before
    assert matplotlib.rcParams["font.size"] == before
