"""Datasets of public functions: each dimension has a coordinate, each variable says what it is."""

import numpy as np
import pytest
import valid_calls_analysis
import xarray as xr
from valid_calls import VALID_CALLS

import langevin_sgd as ls
from langevin_sgd.arguments import with_coordinates

# Of each kind one that is quick; the slow test below knows all.
QUICK = "analysis.density analysis.equipartition analysis.kl_to_probabilities theory.saddles"
QUICK += " theory.level_populations theory.boltzmann_density analysis.rhat analysis.escape_rate"


def result(name):
    module, _, function = name.rpartition(".")
    return getattr(getattr(ls, module), function)(**VALID_CALLS[name]())


def complaints(dataset):
    for dim in dataset.dims:
        if dim not in dataset.coords:
            yield f"{dim} has no coordinate"
    for name, variable in dataset.variables.items():
        if not (variable.attrs.get("long_name") and variable.attrs.get("units")):
            yield f"{name} has no long_name or units"
        if "standard_error" in name and name.removesuffix("_standard_error") not in dataset:
            yield f"{name} is the error of nothing"


@pytest.mark.parametrize("name", QUICK.split())
def test_a_result_has_a_coordinate_along_each_dimension_and_labels(name):
    assert not list(complaints(result(name)))


@pytest.mark.slow
@pytest.mark.parametrize("name", VALID_CALLS)
def test_every_result_has_a_coordinate_along_each_dimension_and_labels(name):
    found = result(name)
    if isinstance(found, xr.Dataset):
        assert not list(complaints(found))


def test_components_have_names_bounds_two_ends_and_the_rest_numbers():
    shapes = {"component": 2, "component_j": 2, "bound": 2, "particle": 3, "memory": 1}
    values = {dim: (dim, np.zeros(size)) for dim, size in shapes.items()}
    found = with_coordinates(xr.Dataset({f"of_{dim}": each for dim, each in values.items()}))
    assert found.component.values.tolist() == found.component_j.values.tolist() == ["x0", "x1"]
    assert found.bound.values.tolist() == ["lower", "upper"]
    assert found.particle.values.tolist() == [0, 1, 2] and found.memory.values.tolist() == [0]
    assert not list(complaints(found.drop_vars([f"of_{dim}" for dim in shapes])))


def test_names_are_those_of_the_first_source_with_as_many():
    named = [xr.Dataset(coords={"component": names}) for names in (["b", "c"], ["a"], ["d", "e"])]
    for names in (["a"], ["b", "c"], ["x0", "x1", "x2"]):
        found = with_coordinates(xr.Dataset({"m": ("component", np.zeros(len(names)))}), 3, *named)
        assert found.component.values.tolist() == names


def test_coordinates_that_are_there_stay():
    given = xr.Dataset({"a": ("component", [1.0])}, {"component": ("component", [7], {"a": "b"})})
    xr.testing.assert_identical(with_coordinates(given), given)


def test_the_numbers_of_particles_take_no_memory():
    import pandas as pd

    many = with_coordinates(xr.Dataset({"status": ("particle", np.zeros(10**6, np.int8))}))
    assert isinstance(many.indexes["particle"], pd.RangeIndex)


ONE = ls.potentials.quadratic([1.0])
OF_ONE_COMPONENT = {
    "density": lambda run: ls.analysis.density(run, bins=4),
    "equipartition": lambda run: ls.analysis.equipartition(run, ONE),
    "temperature_budget": lambda run: ls.analysis.temperature_budget(run, ONE),
    "boltzmann_test": lambda run: ls.analysis.boltzmann_test(run, ONE, stein=False),
    "two_sample_test": lambda run: ls.analysis.two_sample_test(run, run.isel(step=-1)),
    "basins": lambda run: ls.analysis.basins(run, ONE),
}


@pytest.mark.parametrize("name", OF_ONE_COMPONENT)
def test_estimates_take_a_component_that_was_selected_by_its_name(name):
    run = valid_calls_analysis.bowl_run()
    one, kept = (OF_ONE_COMPONENT[name](run.sel(component=which)) for which in ("x0", ["x0"]))
    xr.testing.assert_equal(one, kept)


@pytest.mark.parametrize("name", ["rhat", "effective_sample_size"])
def test_series_take_a_component_that_was_selected_by_its_name(name):
    run, estimate = valid_calls_analysis.long_run(), getattr(ls.analysis, name)
    both, one = estimate(run), estimate(run.sel(component="x1"))
    assert one.observable.values.tolist() == ["mean of x1", "variance of x1"]
    np.testing.assert_array_equal(one[name], both[name].sel(observable=one.observable))


def test_the_axis_of_a_density_has_the_name_of_its_component():
    run = valid_calls_analysis.bowl_run()
    one, both = (ls.analysis.density(r, bins=4) for r in (run.sel(component="x1"), run))
    assert one.density.dims == ("x1",) and both.density.dims == ("x0", "x1")
    assert one.component.values.tolist() == ["x1"]


OTHERS = {  # of components that were selected
    "analysis.rotation_rate": ls.analysis.rotation_rate,
    "analysis.drift_and_diffusion": lambda run: ls.analysis.drift_and_diffusion(
        run, bins=1, components=0, time_step=0.1
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_results_name_the_components_that_were_selected(name):
    run = valid_calls_analysis.two_steps().isel(component=[1, 0])
    found = OTHERS[name](run)
    assert found.component.values.tolist() == found.component_j.values.tolist() == ["x1", "x0"]


def test_the_particle_of_a_basin_has_the_number_that_it_had_in_the_run():
    run = valid_calls_analysis.bowl_run()
    found = ls.analysis.basins(
        run.isel(particle=slice(10, 20)), ls.potentials.quadratic([1.0, 4.0])
    )
    assert found.particle.values.tolist() == list(range(10, 20))
    lost = run.assign(status=("particle", (np.arange(run.sizes["particle"]) < 3).astype(np.int8)))
    found = ls.analysis.basins(lost, ls.potentials.quadratic([1.0, 4.0]), on_diverged="drop")
    assert found.particle.values[0] == 3


def test_components_in_another_order_than_the_landscape_has_them_are_refused():
    run = valid_calls_analysis.bowl_run().isel(component=[1, 0])
    with pytest.raises(ValueError, match="order of potential, got x1, x0"):
        ls.analysis.equipartition(run, ls.potentials.quadratic([1.0, 4.0]))
