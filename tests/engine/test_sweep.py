"""sweep(): every point is the simulation it says it is, computed once, in any order, by anyone."""

import functools
import json
import time
import warnings

import numpy as np
import pytest
import xarray as xr
from numba.core import event

import langevin_sgd as ls
from langevin_sgd.engine.sweep import merge
from langevin_sgd.storage import content_hash, sweep_folder

GRID = {"learning_rate": [0.05, 0.1, 0.2], "barrier": [0.25, 0.5]}
SMALL = {"particles": 16, "steps": 8, "seed": 1}
NOISE = ls.noise.gaussian([0.1])


def swept(
    model=ls.potentials.double_well, dynamics=ls.dynamics.sgd, noise=NOISE, grid=GRID, **options
):
    return ls.sweep(model, dynamics, noise, grid=grid, **(SMALL | options))


def single(learning_rate, barrier=0.25, seed=1, **options):
    well = ls.potentials.double_well(barrier=barrier)
    return ls.simulate(
        well, ls.dynamics.sgd(learning_rate), NOISE, **(SMALL | {"seed": seed} | options)
    )


def spread(run, model):
    return xr.Dataset({"spread": run.x.isel(step=-1).std()})


@pytest.mark.interpreted
@pytest.mark.parametrize("random_numbers", ["common", "independent"])
def test_every_point_is_the_simulation_of_its_parameters(random_numbers):
    dataset = swept(random_numbers=random_numbers)
    assert dataset.x.dims == ("learning_rate", "barrier", "step", "particle", "component")
    for k, (rate, barrier) in enumerate(
        (rate, barrier) for rate in GRID["learning_rate"] for barrier in GRID["barrier"]
    ):
        point = dataset.sel(learning_rate=rate, barrier=barrier)
        seed = (
            1
            if random_numbers == "common"
            else int(np.random.SeedSequence(1, spawn_key=(k,)).generate_state(1, np.uint64)[0])
        )
        run = single(rate, barrier, seed)
        assert (
            int(point.seed) == seed
            and np.array_equal(point.x, run.x)
            and np.array_equal(point.status, run.status)
        )
        assert str(point.dynamics.values) == run.dynamics and str(point.model.values) == run.model
    assert len(np.unique(dataset.seed)) == (1 if random_numbers == "common" else dataset.seed.size)


def potential_of_ones_own(stiffness=1.0, constant=0):
    """The constant is part of the compiled code: a new one makes a potential that was never
    compiled before.
    """

    def energy(p, x):
        return p.stiffness * x[0] * x[0] / 2 + 0.0 * constant

    def gradient(p, x, out):
        out[0] = p.stiffness * x[0] + 0.0 * constant

    return ls.Potential(
        "own", energy, gradient, {"stiffness": stiffness, "unused": 2.0, "table": [1.0, 2.0]}, dim=1
    )


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
    dataset = swept(
        ls.potentials.double_well(),
        ls.dynamics.sgd(0.1),
        grid={"momentum": [0.0, 0.5], "barrier": [0.25, 0.5]},
    )
    assert np.array_equal(dataset.x.sel(momentum=0.0, barrier=0.25), single(0.1).x)
    assert (
        np.isnan(dataset.v.sel(momentum=0.0)).all()
        and np.isfinite(dataset.v.sel(momentum=0.5)).all()
    )
    assert [json.loads(str(text))["name"] for text in dataset.dynamics.values[:, 0]] == [
        "sgd",
        "sgd_momentum",
    ]


def test_a_value_that_is_refused_marks_its_points_and_the_others_stand():
    with pytest.warns(
        UserWarning, match="1 values of the grid are refused.*learning_rate must be > 0, got -0.1"
    ):
        dataset = swept(
            dynamics=ls.dynamics.sgd(0.1),
            grid={"learning_rate": [0.1, -0.1], "barrier": [0.25, 0.5]},
        )
    assert dataset.failed.values.tolist() == [[0, 0], [1, 1]] and "must be > 0" in str(
        dataset.error[1, 0].values
    )
    assert (
        np.array_equal(dataset.x.sel(learning_rate=0.1, barrier=0.25), single(0.1).x)
        and np.isnan(dataset.x[1]).all()
    )


BAD = [
    (ValueError, "learning_rate must be > 0, got -0.2", {"grid": {"learning_rate": [-0.2, -0.1]}}),
    (
        ValueError,
        "'speed' in grid is no parameter .*model: dim, barrier.*lambda speed",
        {"grid": {"speed": [1]}},
    ),
    (TypeError, r"grid\['learning_rate'\] must be a list", {"grid": {"learning_rate": 0.1}}),
    (TypeError, "'bogus' is no option of simulate; there are model", {"bogus": 5}),
    (TypeError, "measure must be a function, got 5", {"measure": 5}),
    (ValueError, "checkpoint must be a function of grid names", {"checkpoint": "folder"}),
    (
        ValueError,
        "'dynamics.speed' in grid: 'sgd' is made from learning_rate, batch",
        {"grid": {"dynamics.speed": [1]}, "dynamics": 0.1},
    ),
    (
        ValueError,
        "model 'own' has the numbers stiffness, unused",
        {"grid": {"model.table": [1.0]}, "model": "own"},
    ),
    (
        ValueError,
        "there is no 'motor'; write one of model, dynamics",
        {"grid": {"motor.speed": [1]}},
    ),
    (
        ValueError,
        "noise is .*not a function of scale",
        {"grid": {"noise.scale": [1]}, "noise": None},
    ),
    (
        TypeError,
        "dynamics is a function that needs learning_rate: put it into grid, or fix it",
        {"grid": {"barrier": [1]}},
    ),
    (
        TypeError,
        r"grid\['barrier'\] must be a list of numbers",
        {"grid": GRID | {"barrier": [[1, 2], [3, 4]]}},
    ),
    (
        TypeError,
        r"grid\['barrier'\] must be a list of numbers.*lambda level",
        {"grid": GRID | {"barrier": []}},
    ),
    (ValueError, r"grid\['barrier'\] must be finite", {"grid": GRID | {"barrier": [1, np.nan]}}),
    (
        ValueError,
        r"grid\['barrier'\] must hold each value once",
        {"grid": GRID | {"barrier": [1, 1]}},
    ),
    (TypeError, "grid must be a dict", {"grid": 5}),
    (ValueError, "grid must have at least one name", {"grid": {}}),
    (
        ValueError,
        "random_numbers must be one of 'common', 'independent', got 'comon'. Did you",
        {"random_numbers": "comon"},
    ),
    (ValueError, "directory must be given with shard", {"shard": "1/2"}),
    (
        ValueError,
        "all 6 points failed, the first with ValueError: particles must be >= 1",
        {"particles": 0},
    ),
    (
        ValueError,
        "'component' in grid is also the name of a",
        {"grid": GRID | {"component": [1, 2]}, "noise": "component"},
    ),
    (
        RuntimeError,
        "measure failed at the first point.*'seed' is a name that a sweep gives",
        {"measure": lambda run, model: xr.Dataset({"seed": 1})},
    ),
    (
        RuntimeError,
        "measure failed at the first point.*measure must return an xarray.Dataset",
        {"measure": lambda run, model: 1},
    ),
]


@pytest.mark.parametrize(
    ("kind", "message", "options"), BAD, ids=[message[:40] for _, message, _ in BAD]
)
def test_bad_input(kind, message, options):
    stand_ins = {
        "own": potential_of_ones_own(),
        "component": lambda component: NOISE,
        0.1: ls.dynamics.sgd(0.1),
    }
    options = {
        key: stand_ins.get(value, value) if isinstance(value, (str, float)) else value
        for key, value in options.items()
    }
    with pytest.raises(kind, match=message):
        swept(**options)


def test_a_name_that_two_may_take_is_ambiguous():
    def needy(scale):
        return ls.noise.two_point(scale)

    def may(scale=1.0):
        return ls.potentials.double_well(stiffness=scale)

    with pytest.raises(
        ValueError,
        match="'scale' in grid is ambiguous: model and noise .* 'model.scale' or 'noise.scale'",
    ):
        swept(may, ls.dynamics.sgd(0.1), needy, grid={"scale": [1.0]})
    assert (
        swept(may, ls.dynamics.sgd(0.1), NOISE, grid={"model.scale": [1.0, 2.0]}).sizes[
            "model_scale"
        ]
        == 2
    )


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
    told = 'no such barrier (test_sweep.py, line {}: raise RuntimeError("no such barrier"))'
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
    told = rf"first point: AttributeError: .*\(test_sweep.py, line {line}: return xr.Dataset"
    for folder in (None, tmp_path):
        with pytest.raises(RuntimeError, match=told) as found:
            swept(measure=buggy, directory=folder)
        assert isinstance(found.value.__cause__, AttributeError)
    assert sweep_folder.missing(tmp_path, range(6)) == list(range(6))


def test_a_run_that_the_package_refuses_to_judge_is_a_failed_point_also_at_first():
    def measure(run, model):
        return ls.analysis.boltzmann_test(run, model)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the rate is too high, and particles leave
        dataset = swept(grid={"learning_rate": [5.0, 0.1]}, steps=50, x0=[1.5], measure=measure)
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


def test_a_schedule_of_ones_own_dynamics_may_be_replaced_by_numbers():
    def update(p, x, v, g, xi, z):
        x[0] = x[0] - p.rate * (g[0] + xi[0])

    own = ls.Dynamics("own", update, {"rate": ls.schedules.from_values([0.3, 0.1] * 4)})
    dataset = swept(ls.potentials.double_well(), own, grid={"rate": [0.1, 0.2]})
    np.testing.assert_allclose(dataset.x.sel(rate=0.1), single(0.1).x, rtol=1e-12)


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
    assert part.failed.values.ravel().tolist() == [0, 0, 1, 1, 1, 1] and set(
        part.error.values.ravel()[2:]
    ) == {"interrupted"}
    np.testing.assert_array_equal(part.spread.values.ravel()[:2], whole.spread.values.ravel()[:2])
    np.testing.assert_array_equal(part.seed, whole.seed)
    seen = seen[:0] + [None, None]
    with pytest.raises(KeyboardInterrupt):
        swept(measure=at_the_third)


def test_diverged_particles_are_no_failure():
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # simulate warns that the rate is above the threshold: that is what is tried here
        dataset = swept(grid={"learning_rate": [0.1, 5.0]}, steps=50, x0=[1.5])
    assert (
        (dataset.failed == 0).all()
        and (dataset.status[1] != 0).all()
        and (dataset.status[0] == 0).all()
    )


def test_results_of_unequal_shape_are_refused():
    def measure(run, model):
        return xr.Dataset({"count": ("kind", [1])} if model.params.barrier > 0.4 else {})

    with pytest.raises(
        ValueError,
        match="'count' is not there at the first and .'kind': 1. at learning_rate = 0.05, barrier "
        "= 0.5",
    ):
        swept(measure=measure)
    with pytest.raises(ValueError, match=r"'x' is \{'step': 5.* at the first and \{'step': 3"):
        swept(
            grid={"learning_rate": [0.1, 0.2]},
            every=2,
            steps=lambda learning_rate: round(0.8 / learning_rate),
        )


def test_finished_points_are_never_computed_again(tmp_path, monkeypatch):
    first, kept, keep = swept(measure=spread, directory=tmp_path), [], sweep_folder.keep
    monkeypatch.setattr(
        sweep_folder, "keep", lambda dataset, folder, k: kept.append(k) or keep(dataset, folder, k)
    )
    sweep_folder.path_of(tmp_path, 3).unlink()
    again = swept(measure=spread, directory=tmp_path, seed=None)
    assert kept == [3] and again.identical(first)


@pytest.mark.parametrize("shards", [1, 2, 3, 7])
def test_merged_shards_are_the_same_for_any_number_of_them(shards, tmp_path):
    """Seven shards of six points: one has nothing to do. With one manifest even the bytes of the
    file are the same.
    """
    whole = swept(directory=tmp_path / "whole", measure=spread)
    ls.save(whole, tmp_path / "whole.nc")
    for file in tmp_path.glob("whole/point*"):
        file.unlink()
    for i in [*range(shards, 0, -1), 1]:  # backwards, and one of them twice
        assert swept(directory=tmp_path / "whole", measure=spread, shard=(i, shards)) is None
    ls.save(merge(tmp_path / "whole"), tmp_path / "merged.nc")
    assert (tmp_path / "merged.nc").read_bytes() == (tmp_path / "whole.nc").read_bytes()
    assert content_hash(swept(measure=spread)) == content_hash(ls.load(tmp_path / "merged.nc"))


def test_missing_points_are_named(tmp_path):
    swept(directory=tmp_path, shard="2/3", measure=spread)
    with pytest.raises(
        ValueError,
        match="4 of 6 points are missing .*first 0 .learning_rate = 0.05, barrier = 0.25.*run "
        "their",
    ):
        merge(tmp_path)
    with pytest.raises(ValueError, match="seed must be given with shard"):
        swept(directory=tmp_path / "new", shard="1/2", seed=None)
    with pytest.raises(FileNotFoundError, match="there is no manifest"):
        merge(tmp_path / "nowhere")


CHANGES = {
    'seed: "1" there, "2" now': {"seed": 2},
    "grid.barrier.1: 0.5 there, 0.6 now\n  records_sha256": {
        "grid": GRID | {"barrier": [0.25, 0.6]}
    },
    "at_first_point.particles: 16 there, 17 now": {"particles": 17},
    "at_first_point.noise.params.scale": {"noise": ls.noise.gaussian([0.4])},
    "measure.": {"measure": lambda run, model: spread(run, model) + 1},
    "at_first_point.x0": {"x0": [0.5], "block_size": 64},
    'random_numbers: "common" there, "independent" now': {"random_numbers": "independent"},
    "records_sha256: ": {
        "dynamics": lambda learning_rate: ls.dynamics.sgd(min(learning_rate, 0.1))
    },
}


@pytest.mark.parametrize("line", CHANGES)
def test_another_sweep_is_refused_with_the_difference(line, tmp_path):
    swept(directory=tmp_path, measure=spread, shard="6/6")
    with pytest.raises(ValueError, match="was begun with another description:\n") as refused:
        swept(**({"directory": tmp_path, "measure": spread} | CHANGES[line]))
    assert f"\n  {line}" in str(refused.value)


def test_progress_is_told_on_stderr(capsys):
    swept(measure=spread, progress=True)
    said = capsys.readouterr().err
    assert said.startswith("6 of 6 points, ") and said.endswith("/s, 0 s left\n")
