"""Figures: what is drawn where, and refusals. matplotlib draws into memory."""

import json

import matplotlib
import numpy as np
import pytest
from synthetic_runs import gaussian_run, synthetic_run

import langevin_sgd as ls
from langevin_sgd import analysis, plots

RATES = {"learning_rate": 0.2, "batch_size": 1, "momentum": 0.0}
NOISE = json.dumps({"name": "gaussian", "params": {"scale": [1.0, 1.0]}})


@pytest.fixture
def ax():
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with plots.style():
        figure, ax = plt.subplots()
        yield ax
        figure.canvas.draw()
        plt.close(figure)


@pytest.fixture(scope="module")
def run():
    return gaussian_run(np.diag([1.0, 4.0]), 500, 1, dynamics=("sgd", RATES), noise=NOISE)


def test_points_stand_at_their_densities_and_a_law_beside_them(ax, run):
    histogram = analysis.density(run, components=0, bins=10, range=(-6.0, 6.0))
    law = np.full(10, 0.05)
    assert plots.density_1d(histogram, ax, reference=law, curve=([0.0, 1.0], [0.1, 0.2])) is ax
    occupied = histogram["count"].values > 0
    line, caps, bars = next(c for c in ax.containers if c.has_yerr)
    assert np.allclose(line.get_ydata(), histogram.density.values[occupied])
    half = [np.diff(segment[:, 1])[0] / 2 for segment in bars[0].get_segments()]
    assert np.allclose(half, histogram.standard_error.values[occupied])
    assert np.allclose(
        ax.patches[0].get_data().values, 0.05 / 1.2
    )  # steps at probability over bin width
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Boltzmann", "particles"]
    assert ax.get_xlabel() == "$x_{0}$ (length)" and ax.get_ylabel() == "density (1/length)"


def test_image_has_x_to_the_right_and_contours_of_the_reference(ax):
    x = np.repeat([[0.5, 2.5]], 10, axis=0)  # all in column 0 along x0, row 2 along x1
    histogram = analysis.density(synthetic_run(x), bins=([0.0, 1.0, 2.0], [0.0, 1.0, 2.0, 3.0]))
    reference = np.array([[0.1, 0.3, 0.2], [0.1, 0.2, 0.1]])
    assert plots.density_2d(histogram, ax, reference=reference) is ax
    image = ax.collections[0].get_array()
    assert image.shape == (3, 2) and image[2, 0] == 1.0 and image.sum() == 1.0
    assert np.allclose(ax.collections[1].levels, 0.3 * np.array([0.1, 0.3, 0.5, 0.7, 0.9]))
    assert ax.get_xlabel() == "$x_{0}$ (length)" and ax.get_ylabel() == "$x_{1}$ (length)"


def test_temperatures_of_a_test_and_of_a_matrix(ax, run):
    bowl = ls.potentials.quadratic([1.0, 1.0])
    result = analysis.boltzmann_test(run, bowl)
    assert plots.temperatures(result, ax, labels=["stiff", "soft"]) is ax
    line = next(c for c in ax.containers if c.has_yerr)[0]
    assert np.allclose(line.get_ydata(), result.directional_temperature)
    assert ax.lines[0].get_ydata()[0] == result.temperature.item()
    assert [text.get_text() for text in ax.get_xticklabels()] == ["stiff", "soft"]
    matrix = analysis.equipartition(run, bowl)
    plots.temperatures(matrix.isel(step=0), ax)
    with pytest.raises(ValueError, match="hold one step"):
        plots.temperatures(matrix, ax)
    with pytest.raises(ValueError, match="labels must name 2 directions, got 1"):
        plots.temperatures(result, ax, labels=["stiff"])


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_budget_bars_add_up_to_the_measured_temperature(ax, run, momentum):
    dynamics = ls.dynamics.sgd(0.2, momentum=momentum)
    with_velocity = run.assign(v=-0.1 * run.x)
    budget = analysis.temperature_budget(
        with_velocity, ls.potentials.quadratic([1.0, 1.0]), dynamics=dynamics
    )
    plots.temperature_budget(budget, ax)
    heights = sum(
        np.array([patch.get_height() for patch in bars])
        for bars in ax.containers
        if hasattr(bars, "patches")
    )
    assert np.allclose(heights, np.diagonal(budget.virial - budget.residual))
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert ("inertia" in labels) == ("sum of the terms" in labels) == (momentum > 0)


def test_messages(ax, run):
    flat, line = analysis.density(run, bins=4), analysis.density(run, bins=4, components=1)
    with pytest.raises(ValueError, match="must have 1 dimension, got"):
        plots.density_1d(flat, ax)
    with pytest.raises(ValueError, match="must have 2 dimensions, got"):
        plots.density_2d(line, ax)
    with pytest.raises(ValueError, match=r"one probability per bin, \(4,\), got the shape \(3,\)"):
        plots.density_1d(line, ax, reference=[0.1, 0.2, 0.3])


def test_the_style_is_left_behind():
    before = matplotlib.rcParams["font.size"]
    with plots.style():
        assert matplotlib.rcParams["font.size"] == plots.STYLE["font.size"] != before
    assert matplotlib.rcParams["font.size"] == before
