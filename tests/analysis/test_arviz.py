"""Runs handed to ArviZ."""

import sys

import numpy as np
import pytest
import xarray as xr
from refusals import refusal

from langevin_sgd.analysis.arviz import to_arviz
from langevin_sgd.analysis.rhat import rhat


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
    about = {"seed": "3", "independent_particles": 1}
    return xr.Dataset(variables, {"step": 10 * np.arange(draws + 1)}, about)


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


def test_chains_that_share_a_start_are_superchains_of_equal_size():
    run = ornstein_uhlenbeck()
    run.x[0, :3] = -50.0  # three start there, five elsewhere
    posterior = to_arviz(run, superchains="start")["posterior"]
    assert posterior.superchain.values.tolist() == [0, 0, 0, 1, 1, 1]
    assert posterior.chain.values.tolist() == [0, 1, 2, 3, 4, 5]
    given = to_arviz(run, superchains=[7, 3, 7, 3, 7, 3, 3, 3])["posterior"]
    assert given.superchain.values.tolist() == [1, 0, 1, 0, 1, 0]
    assert "superchain" not in to_arviz(run)["posterior"].coords


def test_nested_r_hat_of_arviz_is_ours_and_sees_superchains_that_do_not_mix():
    stats = pytest.importorskip("arviz_stats", reason="needs the extra arviz")
    run = ornstein_uhlenbeck(particles=24, draws=40)
    run.x[0] = np.repeat([[-50.0], [0.0], [50.0]], 8, axis=0)

    def nested(run):
        tree = to_arviz(run, warmup=100, superchains="start")  # the way from the start is over
        ids = tree["posterior"].superchain.values
        part = tree["posterior"].to_dataset()
        return stats.rhat_nested(part, method="identity", superchain_ids=ids)["x"].values

    ours = rhat(run, "nested", warmup=100).rhat.values[:2]
    np.testing.assert_allclose(nested(run), ours, rtol=1e-12)
    stuck = run.assign(x=run.x + 3 * np.repeat([-1.0, 0.0, 1.0], 8)[:, None])
    stuck.x[0] = run.x[0]
    assert np.all(nested(run) < 1.05) and np.all(nested(stuck) > 2)


def test_frozen_particles_are_refused_or_dropped_and_keep_their_ids():
    run = ornstein_uhlenbeck()
    run.status[3] = 1
    assert "1 of 8 particles diverged" in refusal(to_arviz, run)
    kept = to_arviz(run, on_diverged="drop")["posterior"].chain.values
    assert kept.tolist() == [0, 1, 2, 4, 5, 6, 7]


RUN = ornstein_uhlenbeck()
BAD = [
    ({"warmup": 2000}, "ValueError: warmup must be below the last stored step, 2000, got 2000: no"),
    ({"warmup": 1975}, "ValueError: run must store at least 4 steps after step 1975, got 3: ArviZ"),
    ({"superchains": "start"}, "ValueError: superchains must be two or more with at least two"),
    ({"superchains": "end"}, "ValueError: superchains must be None, 'start' or whole numbers, got"),
    ({"warmup": -1}, "ValueError: warmup must be >= 0, got -1."),
    ({"run": RUN.isel(step=-1)}, 'ValueError: run must have the dimension "step"'),
    ({"run": RUN.assign_attrs(independent_particles=0)}, "ValueError: run must have independent"),
    ({"run": RUN.isel(particle=[0])}, "ValueError: run must have at least 2 particles"),
    ({"run": xr.Dataset({"y": 1.0})}, "TypeError: run must be a dataset with x"),
]


def test_the_refusal_says_what_every_does():
    told = refusal(to_arviz, RUN.isel(step=[0, -1]))
    assert "after step 0, got 1" in told and "every=20" in told


@pytest.mark.parametrize(("change", "message"), BAD)
def test_what_has_no_chains_or_draws_is_refused(change, message):
    assert refusal(to_arviz, **({"run": RUN} | change)).startswith(message)


def test_a_missing_arviz_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "arviz_base", None)
    message = r'to_arviz needs the extra arviz .*pip install "langevin_sgd\[arviz\]"'
    with pytest.raises(ImportError, match=message):
        to_arviz(ornstein_uhlenbeck())
