"""Histograms: what is counted, calibrated error bars, and refusals."""

import numpy as np
import pytest
import xarray as xr
from refusals import refusal
from scipy.stats import norm
from synthetic_runs import gaussian_run, synthetic_run, unit_variance

import langevin_sgd as ls

density = ls.analysis.density


def test_every_particle_is_counted_once():
    """The upper edge of the last bin belongs to it."""
    x = np.array([[-2.0, 0.5], [-0.5, 0.5], [0.0, 9.0], [1.0, -0.5], [0.3, 0.2]])
    result = density(synthetic_run(x), bins=(2, [-1.0, 0.0, 1.0]), range=(-1.0, 1.0))
    assert result["count"].dims == ("x0", "x1")
    assert result["count"].values.tolist() == [[0, 1], [1, 1]]
    assert result.underflow.values.tolist() == [1, 0] and result.overflow.values.tolist() == [0, 1]
    assert int(result.outside) == 2
    assert result.density.values.sum() * 1.0 == pytest.approx(1 - 2 / 5)
    assert result.x0.values.tolist() == [-0.5, 0.5]
    assert result.x1_edge.values.tolist() == [-1.0, 0.0, 1.0]
    assert result.attrs["particles"] == 5 and result.attrs["step"] == 100


def test_a_component_is_a_marginal_on_the_range_of_the_data():
    run = gaussian_run(np.diag([1.0, 4.0, 9.0]), 1000, 3)
    result, x = density(run, bins=7, components=2), run.x.isel(component=2)
    assert result["count"].dims == ("x2",) and int(result["count"].sum()) == 1000
    assert int(result.outside) == 0
    assert result.x2_edge[0] == x.min() and result.x2_edge[-1] == x.max()


@pytest.mark.parametrize("factor", [1.0, 0.5, 2.0])
def test_error_bars_are_calibrated(factor):
    """The twins: bars that are wrong by a factor of two are seen."""
    edges, z = np.linspace(-2.0, 2.0, 11), []
    exact = np.diff(norm.cdf(edges)) / np.diff(edges)
    for seed in range(200):
        result = density(gaussian_run([[1.0]], 1000, seed), bins=edges)
        z.append((result.density.values - exact) / (factor * result.density_standard_error.values))
    assert unit_variance(z) == (factor == 1.0)


def test_an_empty_bin_has_an_error():
    result = density(synthetic_run(np.zeros((98, 1))), bins=[-1.0, 1.0, 2.0])
    assert result["count"].values.tolist() == [98, 0]
    assert result.density_standard_error[1].item() == pytest.approx(0.01, rel=0.02)


def test_which_step():
    run = synthetic_run(np.zeros((4, 1)))
    later = run.assign_coords(step=[200]).assign(x=run.x.assign_coords(step=[200]) + 1.0)
    ways = {"coords": "minimal", "compat": "override", "join": "outer"}
    both = xr.concat([run, later], "step", data_vars="minimal", combine_attrs="override", **ways)
    edges = [-0.5, 0.5, 1.5]
    assert density(both, bins=edges)["count"].values.tolist() == [0, 4]
    assert density(both, bins=edges, step=100)["count"].values.tolist() == [4, 0]
    assert density(both.isel(step=0), bins=edges)["count"].values.tolist() == [4, 0]
    message = "ValueError: step must be a stored one, got 150"
    assert refusal(density, both, bins=edges, step=150).startswith(message)


def test_diverged_particles_are_refused_or_dropped_and_counted():
    run = synthetic_run([[0.0], [1.0], [np.nan], [5.0]])
    run["status"][3] = 2
    told = refusal(density, run)
    assert "2 of 4 particles diverged" in told and 'on_diverged="drop"' in told
    result = density(run, bins=2, on_diverged="drop")
    assert int(result["count"].sum()) == 2 and result.attrs["dropped_particles"] == 2
    run["status"][1] = 1
    message = "ValueError: run must have at least 2 particles for a standard error, got 1"
    assert refusal(density, run, on_diverged="drop").startswith(message)


@pytest.mark.parametrize("function", ["density", "effective_sample_size", "equipartition"])
def test_particles_in_flight_are_refused_with_the_way_out(function):
    run = gaussian_run(np.eye(1), 100, 0)
    run["x"][-1] = -1e134
    more = [ls.potentials.quadratic([1.0])][: function == "equipartition"]
    told = refusal(getattr(ls.analysis, function), run, *more, on_diverged="drop")
    assert "as far as 1e+134 and not yet frozen" in told and "with an escape_radius" in told
