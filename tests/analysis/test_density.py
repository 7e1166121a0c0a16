"""Histograms: what is counted, calibrated error bars, and refusals."""

import numpy as np
import pytest
from scipy.stats import norm
from synthetic_runs import gaussian_run, synthetic_run, unit_variance

import langevin_sgd as ls

density = ls.analysis.density


def test_every_particle_is_counted_once():
    x = np.array([[-2.0, 0.5], [-0.5, 0.5], [0.0, 9.0], [1.0, -0.5], [0.3, 0.2]])
    result = density(synthetic_run(x), bins=(2, [-1.0, 0.0, 1.0]), range=(-1.0, 1.0))
    assert result["count"].dims == ("x0", "x1")
    assert result["count"].values.tolist() == [
        [0, 1],
        [1, 1],
    ]  # the upper edge of the last bin belongs to it
    assert (
        result.underflow.values.tolist() == [1, 0]
        and result.overflow.values.tolist() == [0, 1]
        and int(result.outside) == 2
    )
    assert result.density.values.sum() * 1.0 == pytest.approx(1 - 2 / 5)
    assert result.x0.values.tolist() == [-0.5, 0.5] and result.x1_edge.values.tolist() == [
        -1.0,
        0.0,
        1.0,
    ]
    assert result.attrs["particles"] == 5 and result.attrs["step"] == 100


def test_a_component_is_a_marginal_on_the_range_of_the_data():
    run = gaussian_run(np.diag([1.0, 4.0, 9.0]), 1000, 3)
    result = density(run, bins=7, components=2)
    assert (
        result["count"].dims == ("x2",)
        and int(result["count"].sum()) == 1000
        and int(result.outside) == 0
    )
    assert (
        result.x2_edge[0] == run.x.isel(component=2).min()
        and result.x2_edge[-1] == run.x.isel(component=2).max()
    )


def z_scores(error_factor=1.0):
    edges = np.linspace(-2.0, 2.0, 11)
    exact = np.diff(norm.cdf(edges)) / np.diff(edges)
    results = [density(gaussian_run([[1.0]], 1000, seed), bins=edges) for seed in range(200)]
    return [(r.density.values - exact) / (error_factor * r.standard_error.values) for r in results]


def test_error_bars_are_calibrated():
    assert unit_variance(z_scores())


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_error_bars_wrong_by_a_factor_of_two_are_seen(factor):
    assert not unit_variance(z_scores(factor))


def test_an_empty_bin_has_an_error():
    result = density(synthetic_run(np.zeros((98, 1))), bins=[-1.0, 1.0, 2.0])
    assert result["count"].values.tolist() == [98, 0]
    assert result.standard_error[1].item() == pytest.approx(0.01, rel=0.02)


def test_which_step():
    run = synthetic_run(np.zeros((4, 1)))
    later = run.assign_coords(step=[200]).assign(x=run.x.assign_coords(step=[200]) + 1.0)
    import xarray as xr

    both = xr.concat(
        [run, later],
        "step",
        data_vars="minimal",
        combine_attrs="override",
        coords="minimal",
        compat="override",
        join="outer",
    )
    edges = [-0.5, 0.5, 1.5]
    assert density(both, bins=edges)["count"].values.tolist() == [0, 4]
    assert density(both, bins=edges, step=100)["count"].values.tolist() == [4, 0]
    assert density(both.isel(step=0), bins=edges)["count"].values.tolist() == [4, 0]
    with pytest.raises(ValueError, match=r"step must be a stored one, got 150.*every="):
        density(both, bins=edges, step=150)


def test_diverged_particles_are_refused_or_dropped_and_counted():
    run = synthetic_run([[0.0], [1.0], [np.nan], [5.0]])
    run["status"][3] = 2
    with pytest.raises(ValueError, match='2 of 4 particles diverged.*on_diverged="drop"'):
        density(run)
    result = density(run, bins=2, on_diverged="drop")
    assert int(result["count"].sum()) == 2 and result.attrs["dropped_particles"] == 2
    run["status"][1] = 1
    with pytest.raises(ValueError, match="at least 2 particles, got 1"):
        density(run, on_diverged="drop")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "components must name one or two of the 3"),
        ({"components": (0, 3)}, "numbers from 0 to 2"),
        ({"components": (1, 1)}, "two different numbers"),
        ({"components": 0, "bins": 0}, "bins must be a whole number >= 1"),
        ({"components": 0, "bins": [0.0, 0.0, 1.0]}, "strictly increasing edges"),
        ({"components": 0, "range": (1.0, 0.0)}, "range must be finite pairs"),
        ({"components": 0, "on_diverged": "dorp"}, "Did you mean 'drop'"),
    ],
)
def test_messages(options, message):
    with pytest.raises(ValueError, match=message):
        density(gaussian_run(np.eye(3), 10, 0), **options)


def test_dependent_particles_and_other_things_are_refused():
    with pytest.raises(ValueError, match="independent_particles is 0"):
        density(gaussian_run([[1.0]], 10, 0, independent_particles=0))
    with pytest.raises(TypeError, match="as simulate.. returns it, got DataArray"):
        density(gaussian_run([[1.0]], 10, 0).x)
