"""Batches in single precision: the mean of B independent draws, for every kind of noise.

One step of SGD at one place; its covariance is exact, and so is that each particle and each step
draws its own numbers. A draw that is shared by two of a batch, or a division by another power of B,
changes the covariance by tens of standard errors."""

from functools import cache

import numpy as np
import pytest
import z_scores

import langevin_sgd as ls

PARTICLES = 60_000
random = np.random.default_rng(8)
POINT, SIGMA = np.array([0.5, -0.25]), np.array([[1.5, 0.4], [0.4, 0.5]])
FLAT = ls.potentials.quadratic([0.0, 0.0])
CENTERS = random.normal(size=(150, 2)) + [0.5, 0.0]  # more than two tiles of 64 normals
TABLE = ls.losses.quadratic_centers([1.0, 2.0], CENTERS)
FRESH = ls.losses.linear_regression_population([1.0, 0.5], 0.3)
WEIGHTS = np.where(np.arange(150) % 5 == 0, 9.0, 1.0)


def write_two(p, x, z, out):
    out[0] = z[0] * z[0] - 1.0
    out[1] = z[1] * (z[2] - 0.5)


OWN = ls.GradientNoise("own", write_two, None, normals=2, uniforms=1)


def table_covariance(batch, weights=None):
    gradients = (POINT - CENTERS) * [1.0, 2.0]
    weights = np.ones(150) if weights is None else weights.sum() / (150 * weights)
    mean = gradients.mean(axis=0)
    return (gradients.T * weights @ gradients / 150 - np.outer(mean, mean)) / batch


def fresh_covariance(batch):
    hessian, gradient = np.diag([1.0, 0.5]), POINT * [1.0, 0.5]
    return (np.outer(gradient, gradient) + (POINT @ gradient + 0.3) * hessian) / batch


# name -> (model, noise, batch size -> covariance)
CASES = {
    "diagonal": (FLAT, ls.noise.gaussian([1.5, 0.5]), lambda b: np.diag([1.5, 0.5]) / b),
    "matrix": (FLAT, ls.noise.gaussian(SIGMA), lambda b: SIGMA / b),
    "own": (FLAT, OWN, lambda b: np.diag([2.0, 1 / 12]) / b),
    "student_t": (FLAT, ls.noise.student_t(12.5, SIGMA), lambda b: SIGMA / b),
    "disk": (FLAT, ls.noise.disk(2.0), lambda b: np.eye(2) / b),
    "table_gaussian": (TABLE, ls.noise.table_gaussian(), table_covariance),
    "with_replacement": (TABLE, ls.noise.minibatch(), table_covariance),
    "without_replacement": (
        TABLE,
        ls.noise.minibatch("without_replacement"),
        lambda b: table_covariance(b) * (150 - b) / 149,
    ),
    "weighted": (
        TABLE,
        ls.noise.minibatch(weights=WEIGHTS),
        lambda b: table_covariance(b, WEIGHTS),
    ),
    "population": (FRESH, ls.noise.minibatch("population"), fresh_covariance),
}
SLOW = {"diagonal", "student_t", "without_replacement"}
NAMES = [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in CASES]


def mean_gradient(name):
    model = CASES[name][0]
    return POINT * [1.0, 0.5] if model is FRESH else ls.evaluate(model, POINT, "gradient")


@cache
def gradients_of(name, batch):
    """Noise of the batch gradient in a step at POINT, (particles, 2)."""
    model, noise, _ = CASES[name]
    options = {"particles": PARTICLES, "steps": 1, "seed": 12, "precision": "float32"}
    run = ls.simulate(model, ls.dynamics.sgd(1.0, batch), noise, x0=POINT, **options)
    return (run.x[0] - run.x[1]).values.astype(np.float64) - mean_gradient(name)


@pytest.mark.filterwarnings("ignore:learning_rate = 1 is above")
@pytest.mark.parametrize("batch", [1, 4, 16])
@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_a_mean_of_independent_draws(name, batch):
    found, exact = gradients_of(name, batch), CASES[name][2](batch)
    assert np.abs(z_scores.of_means(found, 0.0)).max() < 4.5
    assert np.abs(z_scores.of_products(found, found, exact)).max() < 4.5
    assert np.abs(z_scores.of_products(found, found, exact * (1 + 1 / max(2, batch)))).max() > 4.5


@pytest.mark.filterwarnings("ignore:learning_rate = 1 is above")
@pytest.mark.parametrize("name", NAMES)
def test_particles_draw_for_themselves(name):
    """Neighbours, members of a group, and the same places of two groups are uncorrelated."""
    found = gradients_of(name, 4)
    for distance in (1, 2, 4, 8, 15, 16, 64):
        pairs = z_scores.of_products(found[distance:], found[:-distance], 0.0)
        assert np.abs(pairs).max() < 5
    assert np.abs(z_scores.of_products(found[::2], found[::2], 0.0)).max() > 20  # with themselves


@pytest.mark.filterwarnings("ignore:learning_rate = 1 is above")
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_shared_batches_are_the_same_for_all_particles_with_weights_too(precision):
    noise = ls.noise.minibatch(weights=WEIGHTS, shared=True)
    options = {"particles": 40, "steps": 3, "seed": 2, "x0": POINT, "precision": precision}
    run = ls.simulate(TABLE, ls.dynamics.sgd(0.1, 5), noise, **options)
    assert np.ptp(run.x.values[-1], axis=0).max() == 0
    apart = ls.simulate(TABLE, ls.dynamics.sgd(0.1, 5), CASES["weighted"][1], **options)
    assert np.ptp(apart.x.values[-1], axis=0).min() > 0.01
