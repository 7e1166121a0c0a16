"""Runs handed to ArviZ."""

import sys

import numpy as np
import pytest
import xarray as xr

from langevin_sgd.analysis.arviz import to_arviz


def ornstein_uhlenbeck(particles=8, draws=200, memory=0.5):
    """A run of the chain x' = memory x + sqrt(1 - memory^2) z, of variance 1, that starts far off."""
    z = np.random.default_rng(3).normal(size=(draws + 1, particles, 2))
    x = z.copy()
    x[0] = 50.0
    for k in range(draws):
        x[k + 1] = memory * x[k] + np.sqrt(1 - memory**2) * z[k + 1]
    variables = {
        "x": (("step", "particle", "component"), x, {"units": "length"}),
        "loss": (("step", "particle"), (x**2).sum(2) / 2),
        "status": ("particle", np.zeros(particles, np.int8)),
        "histogram": ("bin", np.arange(3)),
    }
    return xr.Dataset(
        variables, {"step": 10 * np.arange(draws + 1)}, {"seed": "3", "independent_particles": 1}
    )


def test_particles_are_chains_and_steps_are_draws():
    pytest.importorskip("arviz_base", reason="needs the extra arviz")
    run = ornstein_uhlenbeck()
    tree = to_arviz(run, warmup=95)
    posterior, warmup = tree["posterior"], tree["warmup_posterior"]
    assert set(posterior.data_vars) == {"x", "loss"} and posterior.x.dims == (
        "chain",
        "draw",
        "component",
    )
    assert posterior.draw.values[0] == 100 and warmup.draw.values[[0, -1]].tolist() == [0, 90]
    assert posterior.chain.values.tolist() == list(range(8)) and posterior.attrs["seed"] == "3"
    np.testing.assert_array_equal(
        posterior.x.sel(chain=5, draw=100), run.x.sel(step=100).isel(particle=5)
    )


def test_the_start_is_no_draw():
    pytest.importorskip("arviz_base", reason="needs the extra arviz")
    tree = to_arviz(ornstein_uhlenbeck())
    assert tree["posterior"].sizes["draw"] == 200 and tree[
        "warmup_posterior"
    ].draw.values.tolist() == [0]
    assert "warmup_posterior" not in to_arviz(ornstein_uhlenbeck().isel(step=slice(1, None)))


def test_arviz_finds_the_sample_size_of_a_chain_that_is_known():
    """(1 - memory) / (1 + memory) of the draws; ArviZ's estimate of it scatters by some percent."""
    stats = pytest.importorskip("arviz_stats", reason="needs the extra arviz")
    run = ornstein_uhlenbeck(particles=20, draws=1000)
    ess = stats.ess(to_arviz(run, warmup=100)["posterior"].to_dataset(), method="mean")["x"]
    assert np.all(np.abs(ess / (20 * 990 / 3) - 1) < 0.2)
    started = stats.rhat(to_arviz(run.isel(step=slice(1, 9)))["posterior"].to_dataset())["x"]
    stuck = run.assign(x=run.x + 3 * np.arange(20)[:, None])
    assert np.all(
        stats.rhat(to_arviz(stuck, warmup=100)["posterior"].to_dataset())["x"] > 1.5
    )  # the twin: chains that disagree
    assert np.all(
        stats.rhat(to_arviz(run, warmup=100)["posterior"].to_dataset())["x"] < 1.02
    ) and np.all(started > 1.02)


def test_frozen_particles_are_refused_or_dropped_and_keep_their_ids():
    pytest.importorskip("arviz_base", reason="needs the extra arviz")
    run = ornstein_uhlenbeck()
    run.status[3] = 1
    with pytest.raises(ValueError, match='1 of 8 particles diverged.*on_diverged="drop"'):
        to_arviz(run)
    assert to_arviz(run, on_diverged="drop")["posterior"].chain.values.tolist() == [
        0,
        1,
        2,
        4,
        5,
        6,
        7,
    ]


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (
            lambda run: run,
            {"warmup": 2000},
            "warmup must be below the last stored step, 2000, got 2000: no draw is left",
        ),
        (lambda run: run, {"warmup": -1}, "warmup must"),
        (lambda run: run.isel(step=-1), {}, 'run must have the dimension "step"'),
        (
            lambda run: run.assign_attrs(independent_particles=0),
            {},
            "run must have independent particles",
        ),
        (lambda run: run.isel(particle=[0]), {}, "at least 2 particles"),
    ],
)
def test_runs_without_chains_or_draws_are_refused(change, options, message):
    pytest.importorskip("arviz_base", reason="needs the extra arviz")
    with pytest.raises(ValueError, match=message):
        to_arviz(change(ornstein_uhlenbeck()), **options)


def test_anything_but_a_run_is_refused():
    pytest.importorskip("arviz_base", reason="needs the extra arviz")
    for run in ({}, xr.Dataset({"y": 1.0})):
        with pytest.raises(TypeError, match="run must be a dataset with x"):
            to_arviz(run)


def test_a_missing_arviz_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "arviz_base", None)
    with pytest.raises(
        ImportError, match=r'to_arviz needs the extra arviz .*pip install "langevin_sgd\[arviz\]"'
    ):
        to_arviz(ornstein_uhlenbeck())
