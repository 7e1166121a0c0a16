"""Drift and diffusion in bins against what the particles were moved by."""

import json

import numpy as np
import pytest
from refusals import refusal
from synthetic_runs import adjacent, linear_run, series_run, unit_variance

from langevin_sgd import analysis, potentials, theory

HESSIAN, SIGMA = np.array([[2.0, 0.7], [0.7, 1.0]]), np.array([[1.0, 0.4], [0.4, 0.6]])
RATE = 0.1


def scores(found, name, exact):
    """How far from exact values, in standard errors."""
    return ((found[name] - exact) / found[f"{name}_standard_error"]).values.ravel()


def measured(run, **options):
    return analysis.drift_and_diffusion(run, time_step=RATE, **options)


def linear(particles=100_000, seed=1, sigma=SIGMA):
    return linear_run(theory.linear_sgd(HESSIAN, sigma, RATE), particles, seed)[0]


def test_of_one_step_of_linear_sgd_both_are_exact():
    """-H x and (rate/2) Sigma, by one regression and in bins. The twins: H that is 10 % smaller and
    4 % louder noise are rejected."""
    for options in ({"bins": 1, "components": 0}, {"bins": 9, "components": (0, 1)}):
        found = measured(linear(), potential=potentials.quadratic(HESSIAN), **options)
        z = scores(found, "drift", found.force), scores(found, "slope", -HESSIAN)
        z += (scores(found, "diffusion", RATE / 2 * SIGMA),)
        assert max(np.nanmax(np.abs(each)) for each in z) < 5
    found = measured(linear(), bins=1, components=0)
    assert np.abs(scores(found, "slope", -0.9 * HESSIAN)).max() > 5
    louder = measured(linear(sigma=1.04 * SIGMA), bins=1, components=0)
    assert np.abs(scores(louder, "diffusion", RATE / 2 * SIGMA)).max() > 4


def nonlinear_run():
    """Three steps of SGD in U = x^4/4, with noise of the variance 1 + x^2."""
    random = np.random.default_rng(1)
    x = [random.uniform(-1.5, 1.5, size=(400_000, 1))]
    for _ in range(2):
        xi = np.sqrt(1 + x[-1] ** 2) * random.normal(size=(400_000, 1))
        x.append(x[-1] - RATE * (x[-1] ** 3 + xi))
    return series_run(x)


def test_in_bins_of_a_nonlinear_landscape_they_are_those_of_the_place():
    """The mean of -x^3 and of (rate/2)(1 + x^2) over bins of width 0.1."""
    found = measured(nonlinear_run().assign_coords(step=[0, 1, 2]), bins=30, range=(-1.5, 1.5))
    x = found.position
    of_bins = 0.1**2 / 12
    force, noise = -(x**3) - 3 * x * of_bins, 1 + x**2 + of_bins
    assert np.abs(scores(found, "drift", force)).max() < 4
    assert np.abs(scores(found, "diffusion", RATE / 2 * noise.values[..., None])).max() < 4
    assert np.abs(scores(found, "drift", 0.9 * force)).max() > 8


@pytest.mark.parametrize(("bins", "scale"), [(1, 1.0), (6, 1.0), (1, 1e-6)])
def test_extrapolated_they_are_those_of_the_modified_equation(bins, scale):
    """SGD on a line, from three steps: slope -(h + rate h^2/2), which the flow of the modified loss
    has, and not -h; whatever the unit of length."""
    h, random = 2.0, np.random.default_rng(3)
    x = [random.normal(size=(200_000, 1))]
    for _ in range(2):
        x.append(x[-1] - RATE * (h * x[-1] + random.normal(size=(200_000, 1))))
    run = series_run(scale * np.array(x)).assign_coords(step=[7, 8, 9])
    found = measured(run, bins=bins, extrapolate=True)
    a = 1 - RATE * h
    assert np.nanmax(np.abs(scores(found, "slope", -h * (1 + RATE * h / 2)))) < 4
    exact = scale**2 * RATE / 2 * (2 - (1 + a * a) / 2)
    assert np.nanmax(np.abs(scores(found, "diffusion", exact))) < 4
    if bins == 1:
        assert np.abs(scores(found, "slope", -h)).max() > 10
        plain = measured(run, bins=1, lag=2)
        assert np.abs(scores(plain, "slope", (a * a - 1) / (2 * RATE))).max() < 4


def test_standard_errors_are_right():
    z = {"slope": [], "diffusion": []}
    for seed in range(200):
        found = measured(linear(1_000, seed), bins=1, components=0)
        for name, exact in (("slope", -HESSIAN), ("diffusion", RATE / 2 * SIGMA)):
            z[name].append(scores(found, name, exact))
    assert all(unit_variance(each, kurtosis_excess=0.5) for each in z.values())


def told(name, params):
    attrs = {"dynamics": json.dumps({"name": name, "params": params})}
    return linear(500).assign_attrs(attrs)


RATES = [("sgd", "learning_rate"), ("langevin_euler_maruyama", "step_size")]


@pytest.mark.parametrize(("name", "rate"), RATES)
def test_the_time_of_a_step_is_in_the_run(name, rate):
    found = analysis.drift_and_diffusion(told(name, {rate: 0.3}), bins=1, components=0)
    other = analysis.drift_and_diffusion(linear(500), bins=1, components=0, time_step=0.3)
    assert found.drift.equals(other.drift) and found.durations == [0.3]


@pytest.mark.parametrize("sampling", ["reshuffle", "single_shuffle", "given"])
def test_where_the_position_is_not_all_the_time_of_a_step_must_be_given(sampling):
    """Moves inside a shuffled epoch lean back to where it began: their drift is not -grad U."""
    noise = json.dumps({"name": "minibatch", "params": {}, "sampling": sampling})
    run = told("sgd", {"learning_rate": 0.3}).assign_attrs(noise=noise)
    options = {"bins": 1, "components": 0}
    assert "position alone" in refusal(analysis.drift_and_diffusion, run, **options)
    assert analysis.drift_and_diffusion(run, time_step=0.3, **options).durations == [0.3]


def test_a_bin_with_few_pairs_has_no_estimate():
    found = measured(linear(300), bins=[-9.0, -8.0, 8.0, 9.0], components=0)
    assert np.isfinite(found.drift).all("component").values.tolist() == [False, True, False]
    assert found.pairs.values.tolist() == [0, 300, 0]


def test_particles_at_one_point_have_a_drift_and_no_slope():
    there = np.random.default_rng(1).normal(size=(1_000, 2))
    found = measured(adjacent(np.zeros((1_000, 2)), there), bins=[-1.0, 1.0], components=0)
    assert np.abs(scores(found, "drift", 0.0)).max() < 4 and not found.slope.any()
    assert np.abs(scores(found, "diffusion", np.eye(2) / (2 * RATE))).max() < 4
