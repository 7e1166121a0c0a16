"""What `simulate` returns: names, dims, steps, units, attributes; that a file keeps all of it."""

import json

import numpy as np
import pytest
import xarray as xr

import langevin_sgd as ls

BOWL = ls.potentials.quadratic([[2.0, 0.5], [0.5, 1.0]])
NOISE = ls.noise.gaussian([[1.0, 0.2], [0.2, 0.5]])
SGD, MOMENTUM = ls.dynamics.sgd(0.1, 4), ls.dynamics.sgd(0.1, 4, 0.5)
LIBRARIES = "numba", "llvmlite", "numpy", "xarray", "python", "langevin_sgd"
TEXTS = {"model", "noise", "dynamics", "seed", "temperature_convention", "created", "cpu"}
TEXTS |= {f"{name}_version" for name in LIBRARIES}


def run(dynamics=SGD, **options):
    options = {"particles": 21, "steps": 10, "seed": 7} | options
    return ls.simulate(BOWL, dynamics, NOISE, **options)


@pytest.mark.parametrize(
    ("steps", "every", "stored"),
    [
        (10, None, [0, 10]),
        (10, 1, range(11)),
        (10, 3, [0, 3, 6, 9, 10]),
        (10, 5, [0, 5, 10]),
        (10, 99, [0, 10]),
        (0, None, [0]),
        (1, 1, [0, 1]),
    ],
)
def test_the_start_and_the_last_step_are_always_stored(steps, every, stored):
    dataset = run(steps=steps, every=every)
    assert dataset.step.values.tolist() == list(stored)
    assert dict(dataset.sizes) == {"step": len(stored), "particle": 21, "component": 2}
    np.testing.assert_array_equal(dataset.x[0], 0.0)


def test_every_stores_the_same_numbers_more_often():
    full = run(MOMENTUM, every=1)
    for every in (None, 3):
        part = run(MOMENTUM, every=every)
        xr.testing.assert_equal(part, full.sel(step=part.step))


def test_variables_dims_dtypes_and_units():
    dataset = run(MOMENTUM, loss=True, every=5)
    place = ("step", "particle", "component")
    particle = {"status": ("particle",), "stopped_at_step": ("particle",)}
    dims = {name: variable.dims for name, variable in dataset.data_vars.items()}
    assert dims == {"x": place, "v": place, "loss": place[:2]} | particle
    kinds = dict.fromkeys(("x", "v", "loss"), "float64") | {"status": "int8"}
    kinds |= {"stopped_at_step": "int64"}
    assert {name: str(variable.dtype) for name, variable in dataset.data_vars.items()} == kinds
    units = dict.fromkeys(("status", "stopped_at_step"), "1")
    units |= {"x": "length", "v": "length", "loss": "energy"}
    assert {name: variable.attrs["units"] for name, variable in dataset.data_vars.items()} == units
    assert all(variable.attrs["long_name"] for variable in dataset.variables.values())
    assert dataset.status.attrs["flag_values"].tolist() == [0, 1, 2]


def test_every_dimension_has_a_coordinate_and_parameters_are_scalar_ones():
    moments = ls.reducers.moments()
    dataset = run(MOMENTUM, reducers=moments)
    along = {name: dataset[name].values.tolist() for name in dataset.dims}
    components = ["x0", "x1"]
    assert along.pop("component") == along.pop("component_j") == components
    assert along == {"step": [0, 10], "particle": list(range(21))}
    scalars = {name: float(c) for name, c in dataset.coords.items() if not c.dims}
    assert scalars == {"learning_rate": 0.1, "batch_size": 4, "momentum": 0.5, "weight_decay": 0}
    assert dataset.moments_covariance.sel(component="x0", component_j="x1").ndim == 0
    units = {name: dataset[name].attrs["units"] for name in dataset.coords}
    assert units["batch_size"] == units["component"] == "1" and all(units.values())


def test_two_runs_side_by_side_make_an_axis_of_the_parameter_they_differ_in():
    both = xr.concat([run(ls.dynamics.sgd(rate)) for rate in (0.1, 0.2)], "learning_rate")
    assert both.learning_rate.values.tolist() == [0.1, 0.2]
    assert both.x.sel(learning_rate=0.2, step=10, component="x1").dims == ("particle",)


def _energy(p, x):
    return 0.5 * p.momentum * x[0] * x[0]


def _gradient(p, x, out):
    out[0] = p.momentum * x[0]


def test_a_parameter_whose_name_is_taken_has_that_of_its_record_before_it():
    named = {"momentum": 2.0, "check": 3.0, "moments_mean": 4.0, "many": np.ones(2)}
    named |= {"error": 5.0, "model": 6.0}  # names of a sweep
    model = ls.Potential("own", _energy, _gradient, named, 1)
    about = {"particles": 4, "steps": 1, "seed": 1, "reducers": ls.reducers.moments()}
    dataset = ls.simulate(model, ls.dynamics.sgd(0.1, momentum=0.5), **about)
    scalars = {name: float(c) for name, c in dataset.coords.items() if not c.dims}
    assert scalars["momentum"] == 0.5 and scalars["model_momentum"] == 2.0
    assert scalars["model_error"] == 5.0 and scalars["model_model"] == 6.0
    assert scalars["model_check"] == 3.0 and scalars["model_moments_mean"] == 4.0
    assert "moments_mean" in dataset.data_vars and "many" not in dataset.variables
    bare = ls.simulate(model, ls.dynamics.sgd(0.1), **about | {"reducers": ()})
    assert float(bare.moments_mean) == 4.0 and float(bare.model_momentum) == 2.0


def test_velocities_appear_where_memory_is_a_velocity():
    assert "v" not in run()
    hidden = ls.dynamics.langevin(0.5, 0.1, method="leimkuhler_matthews")
    assert "v" not in run(hidden, steps=1)
    baoab = ls.dynamics.underdamped_langevin(0.5, 1.0, 0.1)
    assert run(baoab, steps=1).v.attrs["units"] == "length / time"


def test_the_loss_is_the_energy_at_the_stored_places():
    dataset = run(loss=True, every=5)
    np.testing.assert_array_equal(dataset.loss, ls.evaluate(BOWL, dataset.x, "energy"))
    assert "loss" not in run()


@pytest.mark.parametrize("start", [[1.0, -2.0], np.arange(42.0).reshape(21, 2)])
def test_x0_and_v0_may_be_one_place_or_one_for_each_particle_and_are_left_alone(start):
    given = np.array(start)
    dataset = run(MOMENTUM, x0=given, v0=given)
    np.testing.assert_array_equal(dataset.x[0], np.broadcast_to(start, (21, 2)))
    np.testing.assert_array_equal(dataset.v[0], np.broadcast_to(start, (21, 2)))
    np.testing.assert_array_equal(given, start)
    assert not np.shares_memory(dataset.x.values, given)


def test_attributes():
    attributes = run().attrs
    wholes = {"steps": 10, "particles": 21, "schema_version": 1, "interrupted": 0}
    wholes |= {"independent_particles": 1}
    assert wholes.items() <= attributes.items() and attributes["seed"] == "7"
    assert all(isinstance(attributes[name], str) and attributes[name] for name in TEXTS)
    model = {"name": "quadratic", "params": {"hessian": [[2.0, 0.5], [0.5, 1.0]]}}
    assert json.loads(attributes["model"]) == model
    dynamics = json.loads(attributes["dynamics"])
    assert dynamics["name"] == "sgd"
    assert {"learning_rate": 0.1, "batch_size": 4}.items() <= dynamics["params"].items()
    factor = np.array(json.loads(attributes["noise"])["params"]["factor"])
    np.testing.assert_allclose(factor @ factor.T, [[1.0, 0.2], [0.2, 0.5]], rtol=1e-14)
    silent = ls.simulate(BOWL, ls.dynamics.sgd(0.1), particles=1, steps=1)
    assert json.loads(silent.attrs["noise"]) is None


def test_tables_and_long_schedules_are_named_by_their_hash():
    inputs = np.random.default_rng(1).normal(size=(40, 2))
    loss = ls.losses.linear_regression(inputs, inputs[:, 0])
    moves = ls.dynamics.sgd(ls.schedules.from_values(np.full(100, 0.05)))

    def run_on(model):
        return ls.simulate(model, moves, ls.noise.minibatch(), particles=3, steps=2, seed=1)

    one, same, other = run_on(loss), run_on(loss), run_on(loss._replace(data=loss.data + 1.0))
    table = json.loads(one.attrs["model"])["data"]
    assert table["shape"] == [40, 3] and len(table["sha256"]) == 64
    assert one.attrs["model"] == same.attrs["model"]
    assert json.loads(other.attrs["model"])["data"]["sha256"] != table["sha256"]
    assert json.loads(one.attrs["noise"])["sampling"] == "with_replacement"
    schedule = json.loads(one.attrs["dynamics"])["params"]["learning_rate"]
    assert schedule["schedule"] == "from_values" and schedule["values"]["shape"] == [100]


def test_a_file_keeps_everything(tmp_path):
    dataset = run(MOMENTUM, loss=True, every=3)
    ls.save(dataset, tmp_path / "run.nc")
    loaded = ls.load(tmp_path / "run.nc")
    xr.testing.assert_identical(loaded, dataset)
    assert all(loaded[name].dtype == dataset[name].dtype for name in dataset.variables)
    assert json.loads(loaded.attrs["model"]) == json.loads(dataset.attrs["model"])


def test_a_drawn_seed_is_recorded_and_repeats_the_run():
    one, other = run(seed=None), run(seed=None)
    assert one.attrs["seed"] != other.attrs["seed"]
    assert not np.array_equal(one.x, other.x)
    xr.testing.assert_equal(run(seed=int(one.attrs["seed"])), one)


@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_the_whole_range_of_seeds_is_recorded_exactly(seed):
    dataset = run(seed=seed, steps=1)
    assert dataset.attrs["seed"] == str(seed)
    assert not np.array_equal(dataset.x, run(seed=seed ^ 2**32, steps=1).x)
