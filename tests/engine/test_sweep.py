"""sweep(): every point is the simulation it says it is, computed once, in any order, by anyone."""

import functools
import itertools
import json
import time
import warnings

import numpy as np
import pytest
from numba.core import event
from small_sweeps import GRID, NOISE, SMALL, potential_of_ones_own, single, spread, swept

import langevin_sgd as ls


@pytest.mark.interpreted
@pytest.mark.parametrize("random_numbers", ["common", "independent"])
def test_every_point_is_the_simulation_of_its_parameters(random_numbers):
    dataset = swept(random_numbers=random_numbers)
    assert dataset.x.dims == ("learning_rate", "barrier", "step", "particle", "component")
    for k, (rate, barrier) in enumerate(itertools.product(*GRID.values())):
        point, seed = dataset.sel(learning_rate=rate, barrier=barrier), 1
        if random_numbers == "independent":
            seed = np.random.SeedSequence(1, spawn_key=(k,)).generate_state(1, np.uint64)[0]
        run = single(rate, barrier, seed)
        assert int(point.seed) == seed
        assert np.array_equal(point.x, run.x)
        assert np.array_equal(point.status, run.status)
        assert str(point.dynamics.values) == run.dynamics and str(point.model.values) == run.model
    assert len(np.unique(dataset.seed)) == (1 if random_numbers == "common" else dataset.seed.size)


def test_nothing_is_compiled_from_point_to_point():
    """The twin is the first sweep of a new potential, which compiles. Grid names may be numbers in
    the params of one's own.
    """
    own, compiled = potential_of_ones_own(constant=time.time_ns()), []
    for grid in (
        {"stiffness": [1]},
        {"stiffness": [1, 2], "model.unused": [0.0], "learning_rate": [0.1], "batch_size": [1, 2]},
    ):
        with event.install_recorder("numba:compile") as recorder:
            dataset = swept(own, functools.partial(ls.dynamics.sgd, learning_rate=0.1), grid=grid)
        compiled.append(len(recorder.buffer))
    assert compiled[0] > 0 and compiled[1] == 0
    well = ls.potentials.quadratic([2.0])
    run = ls.simulate(well, ls.dynamics.sgd(0.1), NOISE, **SMALL)
    assert np.allclose(dataset.x[1, 0, 0, 0], run.x, rtol=1e-12)
    made = json.loads(str(dataset.model[1, 0, 0, 0].values))
    assert made["params"] == {"stiffness": 2.0, "unused": 0.0, "table": [1.0, 2.0]}


def test_functions_of_grid_names_make_records_and_options():
    dataset = swept(
        ls.potentials.double_well(),
        noise=lambda level: ls.noise.gaussian([[level]]),
        grid={"learning_rate": [0.05, 0.1], "level": [0.1, 0.4]},
        steps=lambda learning_rate: round(0.4 / learning_rate),
    )
    assert dataset.step_of_point.values[:, 0].tolist() == [[0, 8], [0, 4]]
    assert np.array_equal(dataset.x.sel(learning_rate=0.05, level=0.1), single(0.05).x)
    assert np.array_equal(dataset.x.sel(learning_rate=0.1, level=0.1), single(0.1, steps=4).x)


def test_a_finished_record_is_made_again_by_its_function():
    """Also momentum, which picks another update and brings a velocity: nan where there is none."""
    grid = {"momentum": [0.0, 0.5], "barrier": [0.25, 0.5]}
    dataset = swept(ls.potentials.double_well(), ls.dynamics.sgd(0.1), grid=grid)
    assert np.array_equal(dataset.x.sel(momentum=0.0, barrier=0.25), single(0.1).x)
    assert np.isnan(dataset.v.sel(momentum=0.0)).all()
    assert np.isfinite(dataset.v.sel(momentum=0.5)).all()
    names = [json.loads(str(text))["name"] for text in dataset.dynamics.values[:, 0]]
    assert names == ["sgd", "sgd_momentum"]


def test_a_value_that_is_refused_marks_its_points_and_the_others_stand():
    grid = {"learning_rate": [0.1, -0.1], "barrier": [0.25, 0.5]}
    told = "1 values of the grid are refused.*learning_rate must be > 0, got -0.1"
    with pytest.warns(UserWarning, match=told):
        dataset = swept(dynamics=ls.dynamics.sgd(0.1), grid=grid)
    assert dataset.failed.values.tolist() == [[0, 0], [1, 1]]
    assert "must be > 0" in str(dataset.error[1, 0].values)
    assert np.array_equal(dataset.x.sel(learning_rate=0.1, barrier=0.25), single(0.1).x)
    assert np.isnan(dataset.x[1]).all()


def test_a_schedule_of_ones_own_dynamics_may_be_replaced_by_numbers():
    def update(p, x, v, g, xi, z):
        x[0] = x[0] - p.rate * (g[0] + xi[0])

    own = ls.Dynamics("own", update, {"rate": ls.schedules.from_values([0.3, 0.1] * 4)})
    dataset = swept(ls.potentials.double_well(), own, grid={"rate": [0.1, 0.2]})
    np.testing.assert_allclose(dataset.x.sel(rate=0.1), single(0.1).x, rtol=1e-12)


def test_diverged_particles_are_no_failure_and_the_same_words_on_them_are_told_once():
    """As Python does, unless something makes it forget what it has told already."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default")
        dataset = swept(grid={"learning_rate": [0.1, 5.0, 6.0]}, steps=50, x0=[1.5])
    assert not dataset.failed.any() and not dataset.status[0].any() and dataset.status[1:].all()
    assert sum("particles left" in str(warning.message) for warning in told) == 1


def test_progress_is_told_on_stderr(capsys):
    swept(measure=spread, progress=True)
    said = capsys.readouterr().err
    assert said.startswith("6 of 6 points, ") and said.endswith("/s, 0 s left\n")


def test_parameters_of_points_are_coordinates_along_the_grid():
    """Those of an axis are the axis; what is the same everywhere is a number; what a function makes
    of a grid name is told apart from it.
    """
    dataset = swept(grid={"learning_rate": [0.1, 0.2], "model.barrier": [0.5]})
    assert dataset.learning_rate.dims == ("learning_rate",) and dataset.barrier.dims == ()
    assert float(dataset.batch_size) == 1 and "learning_rate_of_point" not in dataset

    def doubled(learning_rate):
        return ls.dynamics.sgd(2 * learning_rate)

    dataset = swept(dynamics=doubled, grid={"learning_rate": [0.1, 0.2], "stiffness": [1.0, 3.0]})
    assert dataset.learning_rate_of_point.values.tolist() == [[0.2, 0.2], [0.4, 0.4]]
    assert dataset.stiffness.values.tolist() == [1.0, 3.0]


def test_a_parameter_that_only_some_points_have_is_nan_elsewhere():
    def either(kind):
        return ls.dynamics.sgd(0.1) if kind == "sgd" else ls.dynamics.langevin(0.1, 0.2)

    well = ls.potentials.double_well()
    dataset = ls.sweep(well, either, grid={"kind": ["sgd", "langevin"]}, **SMALL)
    np.testing.assert_array_equal(dataset.learning_rate, [0.1, np.nan])
    np.testing.assert_array_equal(dataset.step_size, [np.nan, 0.2])
