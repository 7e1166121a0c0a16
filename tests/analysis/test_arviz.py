"""Runs handed to ArviZ."""

import sys

import numpy as np
import pytest
import xarray as xr
from refusals import refusal

from langevin_sgd.analysis.arviz import to_arviz


def ornstein_uhlenbeck(particles=8, draws=200, memory=0.5):
    """A run of the chain x' = memory x + sqrt(1 - memory^2) z, of variance 1, from far off."""
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


@pytest.fixture(autouse=True)
def needs_arviz(request):
    if "missing" not in request.node.name:
        pytest.importorskip("arviz_base", reason="needs the extra arviz")


def test_particles_are_chains_and_steps_are_draws():
    run = ornstein_uhlenbeck()
    tree = to_arviz(run, warmup=95)
    posterior, warmup = tree["posterior"], tree["warmup_posterior"]
    assert set(posterior.data_vars) == {"x", "loss"}
    assert posterior.x.dims == ("chain", "draw", "component")
    assert posterior.draw.values[0] == 100 and warmup.draw.values[[0, -1]].tolist() == [0, 90]
    assert posterior.chain.values.tolist() == list(range(8)) and posterior.attrs["seed"] == "3"
    one = posterior.x.sel(chain=5, draw=100)
    np.testing.assert_array_equal(one, run.x.sel(step=100).isel(particle=5))


def test_the_start_is_no_draw():
    tree = to_arviz(ornstein_uhlenbeck())
    assert tree["posterior"].sizes["draw"] == 200
    assert tree["warmup_posterior"].draw.values.tolist() == [0]
    assert "warmup_posterior" not in to_arviz(ornstein_uhlenbeck().isel(step=slice(1, None)))


def test_arviz_finds_the_sample_size_of_a_chain_that_is_known():
    """(1 - memory) / (1 + memory) of the draws; ArviZ's estimate of it scatters by some percent.
    The twin: chains that disagree.
    """
    stats = pytest.importorskip("arviz_stats", reason="needs the extra arviz")
    run = ornstein_uhlenbeck(particles=20, draws=1000)

    def posterior(run, **options):
        return to_arviz(run, **options)["posterior"].to_dataset()

    ess = stats.ess(posterior(run, warmup=100), method="mean")["x"]
    assert np.all(np.abs(ess / (20 * 990 / 3) - 1) < 0.2)
    stuck = run.assign(x=run.x + 3 * np.arange(20)[:, None])
    assert np.all(stats.rhat(posterior(stuck, warmup=100))["x"] > 1.5)
    assert np.all(stats.rhat(posterior(run, warmup=100))["x"] < 1.02)
    assert np.all(stats.rhat(posterior(run.isel(step=slice(1, 9))))["x"] > 1.02)


def test_frozen_particles_are_refused_or_dropped_and_keep_their_ids():
    run = ornstein_uhlenbeck()
    run.status[3] = 1
    told = refusal(to_arviz, run)
    assert "1 of 8 particles diverged" in told and 'on_diverged="drop"' in told
    kept = to_arviz(run, on_diverged="drop")["posterior"].chain.values
    assert kept.tolist() == [0, 1, 2, 4, 5, 6, 7]


RUN = ornstein_uhlenbeck()
BAD = [
    ({"warmup": 2000}, "ValueError: warmup must be below the last stored step, 2000, got 2000: no"),
    ({"warmup": -1}, "ValueError: warmup must be >= 0, got -1."),
    ({"run": RUN.isel(step=-1)}, 'ValueError: run must have the dimension "step"'),
    ({"run": RUN.assign_attrs(independent_particles=0)}, "ValueError: run must have independent"),
    ({"run": RUN.isel(particle=[0])}, "ValueError: run must have at least 2 particles"),
    ({"run": {}}, "TypeError: run must be a dataset with x"),
    ({"run": xr.Dataset({"y": 1.0})}, "TypeError: run must be a dataset with x"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_what_has_no_chains_or_draws_is_refused(change, message):
    assert refusal(to_arviz, **({"run": RUN} | change)).startswith(message)


def test_a_missing_arviz_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "arviz_base", None)
    message = r'to_arviz needs the extra arviz .*pip install "langevin_sgd\[arviz\]"'
    with pytest.raises(ImportError, match=message):
        to_arviz(ornstein_uhlenbeck())
