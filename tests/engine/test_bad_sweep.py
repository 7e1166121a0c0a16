"""Sweeps that are refused, and points that fail while the others stand."""

import warnings
from collections import namedtuple

import numpy as np
import pytest
import xarray as xr
from small_sweeps import GRID, NOISE, potential_of_ones_own, single, spread, swept

import langevin_sgd as ls
from langevin_sgd.storage import sweep_folder

PAIR = namedtuple("Pair", "left right")(1.0, 2.0)
RATES = {"grid": {"learning_rate": [-0.2, -0.1]}}
BAD = {
    "learning_rate must be > 0, got -0.2": RATES,
    "'speed' in grid is no parameter .*model: dim, barrier.*lambda speed": {"grid": {"speed": [1]}},
    "'lr' in grid is no parameter.* Did you mean 'learning_rate'": {"grid": {"lr": [1]}},
    "'sgd' is made from learning_rate, batch.* Did you mean 'learning_rate'": {
        "grid": {"dynamics.lr": [1]},
        "dynamics": ls.dynamics.sgd(0.1),
    },
    "model must be a record, .* or a function that makes one, got 'well'": {"model": "well"},
    r"grid\['learning_rate'\] must be a list": {"grid": {"learning_rate": 0.1}},
    "'bogus' is no option of simulate; there are model": {"bogus": 5},
    "measure must be a function, got 5": {"measure": 5},
    "checkpoint must be a function of grid names": {"checkpoint": "folder"},
    "'dynamics.speed' in grid: the dynamics 'sgd' is made from learning_rate, batch": {
        "grid": {"dynamics.speed": [1]},
        "dynamics": ls.dynamics.sgd(0.1),
    },
    "model 'own' has the numbers stiffness, unused": {
        "grid": {"model.table": [1.0]},
        "model": potential_of_ones_own(),
    },
    "'table' in grid: the model 'own' has the numbers stiffness, unused": {
        "grid": {"table": [1.0]},
        "model": potential_of_ones_own(),
    },
    "x0 is .*, not a function of left": {"grid": {"x0.left": [1.0]}, "x0": PAIR},
    "there is no 'motor'; write one of model, dynamics": {"grid": {"motor.speed": [1]}},
    "noise is .*not a function of scale": {"grid": {"noise.scale": [1]}, "noise": None},
    "dynamics is a function that needs learning_rate: put it into grid, or fix it": {
        "grid": {"barrier": [1]}
    },
    r"grid\['barrier'\] must be a list of numbers": {"grid": GRID | {"barrier": [[1, 2], [3, 4]]}},
    r"grid\['barrier'\] must be a list of numbers.*lambda level": {"grid": GRID | {"barrier": []}},
    r"grid\['barrier'\] must be finite": {"grid": GRID | {"barrier": [1, np.nan]}},
    r"grid\['barrier'\] must hold each value once": {"grid": GRID | {"barrier": [1, 1]}},
    "grid must be a dict": {"grid": 5},
    "grid must have at least one name": {"grid": {}},
    "random_numbers must be one of 'common', 'independent', got 'comon'. Did you": {
        "random_numbers": "comon"
    },
    "directory must be given with shard": {"shard": "1/2"},
    "all 6 points failed, the first with ValueError: particles must be >= 1": {"particles": 0},
    "measure failed at the first point.*'seed' is a name that a sweep gives": {
        "measure": lambda run, model: xr.Dataset({"seed": 1})
    },
    "measure failed at the first point.*measure must return an xarray.Dataset": {
        "measure": lambda run, model: 1
    },
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input(message):
    with pytest.raises((RuntimeError, TypeError, ValueError), match=message):
        swept(**BAD[message])


@pytest.mark.parametrize("name", ["particle", "component", "v", "error", "seed", "noise", "model"])
def test_an_axis_called_like_a_part_of_the_result_is_refused_before_a_point_is_computed(
    name, monkeypatch
):
    monkeypatch.setattr("langevin_sgd.engine.sweep._computed", None)
    grid = {"learning_rate": [0.1], name: [1.0, 2.0]}
    with pytest.raises(ValueError, match=f"{name!r} in grid is also .* otherwise: {name}_given"):
        swept(ls.potentials.double_well(), noise=eval(f"lambda {name}: NOISE"), grid=grid)


@pytest.mark.parametrize("kept", [False, True])
def test_an_axis_called_like_what_measure_returns_is_refused_after_one_point(kept, tmp_path):
    calls = []

    def measure(run, model):
        calls.append(1)
        return spread(run, model)

    grid, where = {"spread": [0.1, 0.2]}, tmp_path / "folder" if kept else None
    records = ls.potentials.double_well(), lambda spread: ls.dynamics.sgd(spread)
    with pytest.raises(ValueError, match="'spread' in grid is also the name of a variable"):
        swept(*records, grid=grid, measure=measure, directory=where)
    assert len(calls) == 1


def test_a_name_that_two_may_take_is_ambiguous():
    def needy(scale):
        return ls.noise.two_point(scale)

    def may(scale=1.0):
        return ls.potentials.double_well(stiffness=scale)

    ways = "'scale' in grid is ambiguous: model and noise .* 'model.scale' or 'noise.scale'"
    with pytest.raises(ValueError, match=ways):
        swept(may, ls.dynamics.sgd(0.1), needy, grid={"scale": [1.0]})
    dataset = swept(may, ls.dynamics.sgd(0.1), NOISE, grid={"model.scale": [1.0, 2.0]})
    assert dataset.sizes["model_scale"] == 2


def failing_above(threshold):
    def measure(run, model):
        if model.params.barrier > threshold:
            raise RuntimeError("no such barrier")
        return spread(run, model).assign(count=("kind", [3]), word="yes")

    return measure


def test_a_failed_point_is_marked_and_the_others_stand(tmp_path):
    whole = swept(measure=failing_above(9))
    dataset = swept(measure=failing_above(0.4), directory=tmp_path)
    line = failing_above.__code__.co_firstlineno + 3
    told = 'no such barrier (test_bad_sweep.py, line {}: raise RuntimeError("no such barrier"))'
    assert dataset.failed.values.tolist() == [[0, 1]] * 3
    assert set(dataset.error.values[:, 1]) == {f"RuntimeError: {told.format(line)}"}
    assert set(dataset.error.values[:, 0]) == {""}
    assert np.isnan(dataset.spread[:, 1]).all()
    assert (dataset["count"][:, 1] == 0).all() and (dataset.word[:, 1] == "").all()
    stand, alone = (each.isel(barrier=0).drop_vars("error") for each in (dataset, whole))
    assert stand.equals(alone)


def buggy(run, model):
    return xr.Dataset({"spread": run.no_such_variable.std()})


def test_a_bug_in_measure_ends_a_sweep_at_its_first_point_and_tells_the_line(tmp_path):
    """Nothing is kept of it, so that the corrected function may go on in the same folder."""
    line = buggy.__code__.co_firstlineno + 1
    told = rf"first point: AttributeError: .*\(test_bad_sweep.py, line {line}: return xr.Dataset"
    for folder in (None, tmp_path):
        with pytest.raises(RuntimeError, match=told) as found:
            swept(measure=buggy, directory=folder)
        assert isinstance(found.value.__cause__, AttributeError)
    assert sweep_folder.missing(tmp_path, range(6)) == list(range(6))


def test_a_run_that_the_package_refuses_to_judge_is_a_failed_point_also_at_first():
    def measure(run, model):
        return ls.analysis.boltzmann_test(run, model, 0.1)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the rate is too high, and particles leave
        grid = {"learning_rate": [5.0, 0.1]}
        dataset = swept(grid=grid, steps=50, x0=[1.5], measure=measure, particles=112)
    assert dataset.failed.values.tolist() == [1, 0]
    assert "measure(" not in str(dataset.error[0].values)
    assert "ValueError" in str(dataset.error[0].values)


def test_what_no_file_can_hold_fails_its_point_and_not_the_sweep(tmp_path):
    def measure(run, model):
        unholdable = {"bad": None} if model.params.barrier > 0.4 else {}
        return spread(run, model).assign_attrs(unholdable)

    dataset = swept(measure=measure, directory=tmp_path)
    assert dataset.failed.values.tolist() == [[0, 1]] * 3
    assert "save: attribute 'bad' of the dataset is None" in str(dataset.error[0, 1].values)


def test_results_of_unequal_shape_are_refused():
    def measure(run, model):
        return xr.Dataset({"count": ("kind", [1])} if model.params.barrier > 0.4 else {})

    told = "'count' is not there at the first and .'kind': 1. at learning_rate = 0.05, barrier = 0"
    with pytest.raises(ValueError, match=told):
        swept(measure=measure)
    lengths = {"every": 2, "steps": lambda learning_rate: round(0.8 / learning_rate)}
    with pytest.raises(ValueError, match=r"'x' is \{'step': 5.* at the first and \{'step': 3"):
        swept(grid={"learning_rate": [0.1, 0.2]}, **lengths)


def test_the_fault_of_a_machine_is_no_result(tmp_path):
    def measure(run, model):
        raise MemoryError

    with pytest.raises(MemoryError):
        swept(measure=measure, directory=tmp_path)
    assert sweep_folder.missing(tmp_path, range(6)) == list(range(6))


def test_an_interrupted_run_is_no_result(tmp_path, monkeypatch):
    interrupted = single(0.1).assign_attrs(interrupted=1)
    monkeypatch.setattr(
        "langevin_sgd.engine.sweep.simulate", lambda *records, **options: interrupted
    )
    with pytest.raises(KeyboardInterrupt):
        swept(directory=tmp_path)
    assert sweep_folder.missing(tmp_path, range(6)) == list(range(6))


def test_an_interrupted_sweep_in_memory_keeps_its_finished_points():
    def at_the_third(run, model):
        seen.append(run)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return spread(run, model)

    seen = []
    with pytest.warns(UserWarning, match=r"^interrupted: 2 of 6 points are done, and kept\."):
        part = swept(measure=at_the_third)
    whole = swept(measure=spread)
    assert part.attrs["interrupted"] == 1 and "interrupted" not in whole.attrs
    assert part.failed.values.ravel().tolist() == [0, 0, 1, 1, 1, 1]
    assert set(part.error.values.ravel()[2:]) == {"interrupted"}
    np.testing.assert_array_equal(part.spread.values.ravel()[:2], whole.spread.values.ravel()[:2])
    np.testing.assert_array_equal(part.seed, whole.seed)
    seen = seen[:0] + [None, None]
    with pytest.raises(KeyboardInterrupt):
        swept(measure=at_the_third)
