"""Weighted rotations: exact values, nothing where detailed balance holds, the same in all
coordinates."""

from functools import cache

import numpy as np
import pytest
from synthetic_runs import linear_run, synthetic_run

import langevin_sgd as ls
from langevin_sgd import analysis, theory
from langevin_sgd.analysis.currents import rotation_deviation
from langevin_sgd.analysis.particles import at_step

RATE, STRENGTH = 0.01, 0.9
HESSIAN, SIGMA = np.diag([3.0, 0.5]), np.array([[2.0, 0.9], [0.9, 1.0]])
BOWL, ROUND = ls.potentials.quadratic(HESSIAN), ls.potentials.quadratic([1.0, 1.0])


@cache
def swirl(strength, particles=100_000):
    """One step of SGD from exact draws of Boltzmann's law, the stationary law at a small rate."""
    x0 = np.random.default_rng(2).normal(size=(particles, 2))
    noise = ls.potentials.swirl_noise(strength, RATE)
    options = {"particles": particles, "steps": 1, "x0": x0, "seed": 3}
    return ls.simulate(ROUND, ls.dynamics.sgd(RATE), noise, **options)


def deviation(run, potential=None):
    return rotation_deviation(run, at_step(run), potential)


def z_of(found, exact):
    upper = np.triu_indices(found.sizes["component"], 1)
    z = (found.rotation - exact) / found.rotation_standard_error
    return z.values[(slice(None), *upper)]


@pytest.mark.parametrize("known", [False, True])
def test_the_swirl_turns_as_it_must_and_its_area_does_not(known):
    """Weighted by exp(-r^2): -strength/4 per unit time, less O(learning_rate) = 1e-3; area 0. The
    twin: without the swirl nothing turns, and half the value is rejected."""
    options = {"decays": [0.0, 2.0], "center": 0.0, "covariance": [1.0, 1.0]}
    options |= {"potential": ROUND if known else None}
    found = analysis.rotation_rate(swirl(STRENGTH), **options)
    value, error = (found[name].values[:, 0, 1] / RATE for name in KEYS)
    assert abs(value[0]) <= 4 * error[0] and found.rotation.attrs["units"] == "length^2 / step"
    assert abs(value[1] + STRENGTH / 4) < 4 * error[1] + 1e-3 and error[1] < STRENGTH / 40
    assert abs(value[1] + STRENGTH / 8) > 6 * error[1] and found.p_value < 1e-9
    still = analysis.rotation_rate(swirl(0.0), **options)
    assert np.all(np.abs(still.rotation) <= 4 * still.rotation_standard_error)
    assert still.p_value > 1e-3


KEYS = "rotation", "rotation_standard_error"


def test_knowing_the_mean_of_a_move_takes_nine_tenths_of_the_variance():
    """More at smaller rates: the error per time no longer grows."""
    blind, knowing = (deviation(swirl(STRENGTH), model) for model in (None, ROUND))
    assert np.all(knowing.error[1:] < 0.3 * blind.error[1:])
    assert np.all(np.abs(knowing.effect - blind.effect) < 4 * blind.error)


@pytest.mark.parametrize("momentum", [0.0, 0.6])
def test_rotations_of_linear_sgd_are_exact(momentum):
    """From adjacent steps, and from the velocity alone; twice the area for w = 1."""
    process = theory.linear_sgd(HESSIAN, SIGMA, 0.3, momentum=momentum)
    metric = {"decays": [0.0, 1.5], "center": 0.0, "covariance": [[0.5, 0.1], [0.1, 0.8]]}
    run, velocity = linear_run(process, 40_000, 1)
    exact = [theory.weighted_rotation(process, k, metric["covariance"]) for k in metric["decays"]]
    np.testing.assert_allclose(exact[0], 2 * theory.area_per_step(process), atol=1e-15)
    found = [analysis.rotation_rate(run, **metric)]
    if momentum:
        dynamics = "sgd_momentum", {"learning_rate": 0.3, "batch_size": 1, "momentum": momentum}
        told = synthetic_run(run.x.values[1], velocity, dynamics)
        found.append(analysis.rotation_rate(told, **metric))
        np.testing.assert_allclose(found[1].rotation, found[0].rotation, atol=1e-12)
    else:
        moves = run.assign_attrs(dynamics=DESCENT)
        found.append(analysis.rotation_rate(moves, potential=BOWL, **metric))
    for each in found:
        assert np.all(np.abs(z_of(each, exact)) < 4)
        assert np.all(np.abs(z_of(each, 0.5 * np.array(exact))) > 6)


DESCENT = '{"name": "sgd", "params": {"learning_rate": 0.3, "batch_size": 1, "momentum": 0.0}}'


def mixed(run, matrix, shift):
    return run.assign(x=(run.x.dims, run.x.values @ matrix.T + shift))


def test_the_p_value_does_not_depend_on_coordinates():
    process = theory.linear_sgd(np.diag([3.0, 1.0, 0.5]), np.eye(3) + 0.3, 0.3)
    run, _ = linear_run(process, 500, 5)
    first, random = deviation(run), np.random.default_rng(6)
    for mixing in (*random.normal(size=(5, 3, 3)), np.diag([1e8, 1.0, 1e-8])):
        other = deviation(mixed(run, mixing, mixing @ random.normal(size=3)))
        assert other.p_value == pytest.approx(first.p_value, rel=1e-9, abs=1e-300)
        np.testing.assert_allclose(np.abs(other.effect), np.abs(first.effect), rtol=1e-8)


def false_alarms(make, replicates):
    """p-values over replicates."""
    return np.array([deviation(*make(seed)).p_value for seed in range(replicates)])


def equilibrium(d, particles, known):
    """Linear Langevin dynamics at a finite step, of condition number 50: detailed balance holds."""
    curvature = np.geomspace(0.02, 1.0, d)
    sigma = np.full(d, 2 / 0.5)
    process = theory.linear_sgd(curvature, sigma, 0.5)
    model = ls.potentials.quadratic(curvature) if known else None
    moves = "sgd", {"learning_rate": 0.5}
    return lambda seed: (linear_run(process, particles, seed, dynamics=moves)[0], model)


def calibrated(p_values):
    """Whether at 1, 5 and 10 % the rate is inside or below the 99.9 % band of a binomial."""
    n = len(p_values)
    levels = np.array([0.01, 0.05, 0.1])
    rates = (p_values[:, None] < levels).mean(axis=0)
    return np.all(rates < levels + 3.3 * np.sqrt(levels * (1 - levels) / n))


NULLS = [(2, 30, False), (2, 60, True), (10, 200, False)]


@pytest.mark.parametrize(("d", "particles", "known"), NULLS)
def test_false_alarms_are_as_rare_as_stated(d, particles, known):
    p_values = false_alarms(equilibrium(d, particles, known), 150)
    assert calibrated(p_values) and np.median(p_values) < 0.8


def test_a_current_is_a_true_alarm():
    """The twin: the same sizes, noise that does not commute with the curvature."""
    process = theory.linear_sgd(HESSIAN, SIGMA, 0.3)
    assert not calibrated(false_alarms(lambda seed: linear_run(process, 200, seed)[:1], 60))


@pytest.mark.slow
@pytest.mark.parametrize(("d", "particles", "known"), [*NULLS, (2, 30, True), (64, 400, True)])
def test_false_alarms_over_many_replicates(d, particles, known):
    assert calibrated(false_alarms(equilibrium(d, particles, known), 2000))
