"""Figures of what happens in time: relaxation, autocorrelation, escape, tails and the animation;
the chain of causes; which picture fits. The numbers of the artists are the numbers of the data.
"""

import matplotlib.figure
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from datasets_to_draw import (
    arriving,
    half_bars,
    half_widths,
    ledger_of,
    legend,
    names_below,
    pareto,
    remembering,
    shrinking,
)
from PIL import Image
from refusals import refusal
from synthetic_runs import synthetic_run

from langevin_sgd import analysis, plots
from langevin_sgd.analysis.wording import shorthand
from langevin_sgd.plots.relaxation import relaxation_time

STEPS, PARTICLES = 7, 40


@pytest.fixture
def ax():
    yield matplotlib.figure.Figure().subplots()
    assert not plt.get_fignums()


@pytest.fixture(scope="module")
def run():
    return shrinking(STEPS, PARTICLES)


@pytest.mark.parametrize("of", ["loss", "mean", "variance"])
def test_relaxation_draws_a_moment_of_the_particles_and_its_error(ax, run, of):
    numbers = run.loss.values[..., None] if of == "loss" else run.x.values
    expected = numbers.var(axis=1, ddof=1) if of == "variance" else numbers.mean(axis=1)
    exact = (run.step.values, expected[:, 0])
    assert plots.relaxation(run, ax, of=of, exact=exact) is ax
    *lines, law = ax.lines
    assert np.allclose(np.transpose([line.get_ydata() for line in lines]), expected)
    assert np.allclose(law.get_ydata(), expected[:, 0]) and legend(ax)[-1] == "exact"
    away = (numbers - numbers.mean(axis=1, keepdims=True)) ** 2
    spread = away.std(axis=1) if of == "variance" else numbers.std(axis=1, ddof=1)
    found = np.transpose([half_widths(band) for band in ax.collections])
    assert np.allclose(found, spread / np.sqrt(PARTICLES))
    units = {"loss": "energy", "mean": "length", "variance": "length$^{2}$"}[of]
    assert ax.get_ylabel().endswith(f"({units})")


def test_the_energy_is_the_default_where_it_is_stored(ax, run):
    assert plots.relaxation(run, ax).get_ylabel() == "mean energy (energy)"
    without = run.drop_vars("loss")
    assert plots.relaxation(without, ax).get_ylabel().startswith("variance")
    assert "loss=True" in refusal(plots.relaxation, without, ax, of="loss")


def test_autocorrelations_are_over_that_of_lag_0_and_their_time_is_marked(ax):
    lags = np.arange(0, 40, 4)
    run, law = remembering([0.1, 0.01], lags), (lags, 7 * np.exp(-0.1 * lags))
    assert plots.autocorrelation(run, ax, exact=law) is ax
    first, second = ax.containers
    assert np.allclose(first[0].get_ydata(), np.exp(-0.1 * lags))
    assert np.allclose(second[0].get_ydata(), np.exp(-0.01 * lags))
    assert np.allclose(half_bars(first), 0.01 * np.sqrt(1 - np.exp(-0.2 * lags)))
    (dotted,) = [line.get_xydata() for line in ax.lines if line.get_linestyle() == ":"]
    assert np.allclose(dotted, [[10.0, 0.0], [10.0, 1 / np.e]])  # the other's is beyond the lags
    assert legend(ax)[:2] == ["exact", "$x_{0}$: 1/e after 10.0(3) steps"]
    assert legend(ax)[2] == "$x_{1}$: slower than 36 steps"
    (exact,) = [
        line
        for line in ax.lines
        if line.get_label() == "_child1"
        or len(line.get_xdata()) == len(lags)
        and line.get_color() == plots.COLOURS["theory"]
    ]
    assert np.allclose(exact.get_ydata(), np.exp(-0.1 * lags))


def test_parameters_called_like_results_of_reducers_have_no_picture(run):
    named = run.assign_coords(number_density=1.0, initial_current=2.0)
    assert list(plots.pictures(named)) == list(plots.pictures(run))


def test_particles_that_are_equally_far_out_have_no_exponent(ax):
    places = np.repeat([-1.0, 0.0, 0.0, 1.0], 100)
    plots.tails(synthetic_run(places[:, None]), ax)
    assert legend(ax) == ["particles"]


@pytest.mark.parametrize("correlation", [[1, 0.6, 0.3], [1, 0.9, 0.02], [1, 0.5, -0.3]])
def test_the_error_of_a_relaxation_time_is_how_far_errors_move_it(correlation):
    """Between lags far apart too, by finite differences."""
    lags, error = np.array([0, 10, 60]), np.array([0.0, 0.01, 0.03])
    times = [relaxation_time(lags, correlation + k * error, error)[0] for k in (-1e-4, 1e-4)]
    spread = relaxation_time(lags, np.array(correlation), error)[1]
    assert np.isclose(np.ptp(times) / 2e-4, spread, rtol=1e-5)


def test_lines_are_named_after_the_components_that_were_selected(ax):
    two = shrinking(STEPS, PARTICLES).assign_coords(component=["x0", "x1"])
    plots.relaxation(two.sel(component="x1"), ax, of="variance")
    assert legend(ax) == ["particles, $x_{1}$"]
    memory = remembering([0.1, 0.2], np.arange(0, 40, 4)).assign_coords(component=["x0", "x1"])
    plots.autocorrelation(memory.isel(component=[1]), ax.figure.add_subplot())
    assert legend(ax.figure.axes[-1])[0].startswith("$x_{1}$: ")
    moving = plots.animate(two.isel(component=[1, 0]), ax.figure.add_subplot())
    assert ax.figure.axes[-1].get_xlabel() == "$x_{1}$ (length)"
    moving._draw_was_started = True  # it is not to be shown
    plots.tails(
        pareto(3.0).assign_coords(component=["x1", "x0"]), ax.figure.add_subplot(), component=0
    )
    assert "$x_{1}$" in ax.figure.axes[-1].get_xlabel()


def test_a_relaxation_time_of_another_rate_is_another_one(ax):
    """The twin."""
    plots.autocorrelation(remembering([0.2], np.arange(0, 40, 4)), ax)
    assert legend(ax) == ["$x_{0}$: 1/e after 5.0(1) steps"]


def test_survival_falls_by_the_arrivals_and_crosses_are_censored(ax):
    run = arriving([1, 3, 3, -1, -1, 8, -1, -1], [1, 3, 3, 5, 5, 8, 9, 9])
    curve, rate = analysis.survival_curve(run), analysis.escape_rate(run)
    assert plots.escape(curve, ax, rate=rate, exact=([0, 9], [1.0, 0.5])) is ax
    steps, crosses, line, exact = ax.lines
    assert np.allclose(steps.get_xdata(), [0, 1, 3, 8, 9])
    survival = np.array([1, 7 / 8, 5 / 8, 5 / 8 * 2 / 3])
    assert np.allclose(steps.get_ydata(), [*survival, survival[-1]])
    assert np.allclose(crosses.get_xdata(), [3, 9])
    assert np.allclose(crosses.get_ydata(), survival[2:])
    q, bounds = 4 / 43, rate.escape_rate_interval.values
    assert np.allclose(line.get_ydata()[[0, -1]], [1.0, (1 - q) ** 9])
    band, interval = map(half_widths, ax.collections)
    assert np.isclose(band[-1], curve.survival_standard_error[-1])
    assert np.isclose(interval[-1], np.ptp((1 - bounds) ** 9) / 2)
    assert f"rate {q:.3g} ({bounds[0]:.3g} to {bounds[1]:.3g}) per step" in legend(ax)
    assert "4 of 8 not seen to arrive" in legend(ax) and ax.get_yscale() == "log"
    assert np.allclose(exact.get_ydata(), [1.0, 0.5])


@pytest.mark.parametrize("arrived", [True, False])
def test_survival_where_all_or_none_arrive(ax, arrived):
    times = [2, 4] if arrived else [-1, -1]
    run = arriving(times, [2, 4] if arrived else [9, 9])
    plots.escape(analysis.survival_curve(run), ax, rate=analysis.escape_rate(run))
    steps = ax.lines[0].get_ydata()
    assert np.allclose(steps[:2], [1.0, 0.5] if arrived else 1.0)
    assert np.isnan(steps[-1]) == arrived
    ax.figure.draw_without_rendering()


@pytest.mark.parametrize("exponent", [1.5, 3.0])
def test_a_tail_is_the_rank_over_the_distance_and_hill_finds_its_exponent(ax, exponent):
    run = pareto(exponent)
    law = {"exact": ([1.0, 10.0], [1.0, 10.0**-exponent]), "exponent": 2.0}
    assert plots.tails(run, ax, center=1.0, **law) is ax
    points, hill, other, exact = ax.lines
    distance, tail = points.get_xdata(), points.get_ydata()
    assert np.allclose(tail, distance**-exponent + 0.5 / 4000)
    error = half_widths(ax.collections[0])[-2::-1]  # that of the farthest one is cut off
    assert np.allclose(error, np.sqrt(tail * (1 - tail) / 4000)[1:])
    x, y = hill.get_xdata(), hill.get_ydata()
    slope = -np.diff(np.log(y)) / np.diff(np.log(x))
    assert abs(slope.item() / exponent - 1) < 0.03
    told = shorthand(slope.item(), slope.item() / np.sqrt(80))
    assert legend(ax)[1] == f"exponent {told} (Hill, 2 %)"
    assert np.isclose(-np.diff(np.log(other.get_ydata())) / np.diff(np.log(x)), 2.0)
    assert np.isclose(y[0], 80 / 4000) and np.allclose(exact.get_ydata(), law["exact"][1])
    assert np.allclose(plots.tails(run, ax, component=0, center=1.0).lines[4].get_ydata(), tail)


@pytest.mark.parametrize("added", [(0.3, -0.1), (-0.3, 0.6)])
def test_bars_of_a_waterfall_begin_where_the_one_before_ends(ax, added):
    assert plots.waterfall(ledger_of(added), ax) is ax
    totals, steps = (bars.patches for bars in ax.containers[:2])
    levels = 0.2 + np.cumsum([0.0, *added])
    assert np.allclose([bar.get_height() for bar in totals], levels[[0, -1]])
    ends = [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in steps]
    assert np.allclose(ends, np.transpose([levels[:-1], levels[1:]]))
    assert names_below(ax) == ["Boltzmann", "anisotropy", "finite rate", "SGD"]
    (bar,) = ax.containers[2][2][0].get_segments()
    assert np.allclose(bar[:, 1], levels[1] + np.array([-0.05, 0.05]))
    assert ax.get_ylabel() == "kl (nat)"


def test_each_frame_has_the_particles_where_they_were(ax, run):
    run = run.assign(stopped_at_step=("particle", np.where(np.arange(PARTICLES) == 0, 30, -1)))
    found = plots.animate(run, ax, particles=PARTICLES)
    (cloud,) = ax.collections
    assert len(list(found.new_frame_seq())) == STEPS
    for k in range(STEPS):
        found._func(k)
        assert np.array_equal(cloud.get_offsets(), run.x.values[k])
        assert ax.get_title() == f"step {10 + 10 * k}"
        grey = matplotlib.colors.to_rgba(plots.COLOURS["guide"])
        assert np.array_equal(
            np.all(cloud.get_facecolor() == grey, axis=1), run.stopped_at_step.values * (k >= 2) > 0
        )
    found._draw_was_started = True  # no file is written


def test_a_gif_has_a_frame_for_each_step_up_to_a_limit(tmp_path, run):
    found = plots.animate(run, file=tmp_path / "cloud.gif", frames=4, particles=3, fps=5)
    with Image.open(tmp_path / "cloud.gif") as image:
        assert (image.format, image.n_frames, image.info["duration"]) == ("GIF", 4, 200)
    assert found.event_source.interval == 200
    drawn = found._fig.axes[0].collections[0].get_offsets()
    assert np.array_equal(drawn, run.x.values[-1, [0, 20, -1]])
    assert (tmp_path / "cloud.gif").stat().st_size < 50_000 and not plt.get_fignums()


def test_along_one_component_particles_stand_at_their_loss_or_number(ax, run):
    for one, height in ((run, run.loss[0]), (run.drop_vars("loss"), np.arange(PARTICLES))):
        found = plots.animate(one, ax, components=1)
        assert np.allclose(
            ax.collections[-1].get_offsets(), np.column_stack([run.x[0, :, 1], height])
        )
        found._draw_was_started = True


def test_the_first_picture_is_the_most_telling_one(ax, run):
    one = run.isel(step=-1, component=[0])
    datasets = {
        "escape": arriving([1, -1], [1, 3]),
        "waterfall": ledger_of((0.1, 0.2)),
        "autocorrelation": remembering([0.1], np.arange(9)),
        "density_with_marginals": run,
        "density_1d": one,
    }
    for name, dataset in datasets.items():
        assert next(iter(plots.pictures(dataset))) == name
        plots.picture(dataset, matplotlib.figure.Figure().subplots())
    assert list(plots.pictures(run)) == ["density_with_marginals", "relaxation", "tails"]
    assert plots.picture(run, ax, name="tails") is ax and ax.get_xscale() == "log"
    assert plots.pictures(xr.Dataset({"a": ("b", [1.0])})) == {}


FLAT = {"run": lambda run: run.isel(step=-1)}
BAD = [
    ("relaxation", FLAT, "ValueError: run must hold several steps of one ensemble, got"),
    ("relaxation", {"components": 2}, "ValueError: components must be numbers from 0 to 1"),
    ("relaxation", {"of": "median"}, "ValueError: of must be one of 'loss', 'mean', 'variance'"),
    ("autocorrelation", {}, "ValueError: run must hold 'autocovariance' from lag 0 on. Simulate"),
    ("escape", {"survival": 1.0}, "TypeError: survival must be a dataset with survival (passage"),
    ("tails", {"component": 2}, "ValueError: component must be a number from 0 to 1"),
    ("tails", {"center": [0.0] * 3}, "ValueError: center must be a number or have 2 entries"),
    ("tails", {"run": synthetic_run(np.eye(3))}, "ValueError: run must have at least 20 particle"),
    ("waterfall", {"ledger": 1.0}, "TypeError: ledger must be a dataset with value (rung, sympt"),
    ("waterfall", {"ledger": ledger_of((np.inf, 1)), "symptom": "kl"}, "ValueError: symptom 'kl'"),
    ("waterfall", {"ledger": ledger_of((1, 1)), "symptom": "w2"}, "ValueError: symptom must be"),
    ("animate", FLAT, "ValueError: run must hold several steps of one ensemble, got"),
    ("animate", {"file": "cloud.png"}, "ValueError: file must be a path that ends in .gif"),
    ("animate", {"components": (0, 0)}, "ValueError: components must be one or two different"),
    ("animate", {"components": 7}, "ValueError: components must be one or two different nu"),
    ("picture", {"dataset": xr.Dataset({"a": 1})}, "ValueError: dataset must be a run of simulate"),
    ("picture", {"name": "tail"}, "ValueError: name must be one of 'density_with_marginals', 'rel"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "message"), BAD)
def test_what_cannot_be_drawn_is_refused(run, name, change, message):
    given = {} if name in ("escape", "waterfall") else {"run": run}
    given = {"dataset": run} if name == "picture" else given
    given |= {key: value(run) if callable(value) else value for key, value in change.items()}
    assert refusal(getattr(plots, name), **given).startswith(message)
    assert not plt.get_fignums()
