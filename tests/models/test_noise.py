"""Gradient noise against its stated covariance at one point: after one step of SGD, (x0 - x1) /
learning_rate is g + xi.
"""

import math
from functools import partial

import naive
import numpy as np
import pytest
import z_scores
from models import one_step
from models.one_step import BOWL, HESSIAN, POINT
from naive_noise import normal_pair

import langevin_sgd as ls
from langevin_sgd.kernels.rng import Stream, words_at
from langevin_sgd.kernels.rng_integers import integer_at
from langevin_sgd.models.noise import covariance_factor

SEED, DIRECTION = 5, np.array([1.0, -2.0, 0.5])
COVARIANCES = {
    "full": one_step.SIGMA,
    "diagonal": np.diag([2.0, 0.0, 0.5]),
    "rank 1": np.outer(DIRECTION, DIRECTION),
}


noisy_gradients = partial(one_step.noisy_gradients, seed=SEED)


def worst(samples, covariance):
    """Largest |z| of mean and covariance; entries without any spread must be right to rounding."""
    moments = np.hstack(
        [samples, (samples[:, :, None] * samples[:, None]).reshape(len(samples), -1)]
    )
    exact = np.concatenate([np.zeros(samples.shape[1]), np.ravel(covariance)])
    spread = moments.std(axis=0) > 1e-12
    np.testing.assert_allclose(
        moments[:, ~spread], np.broadcast_to(exact[~spread], moments[:, ~spread].shape), atol=1e-12
    )
    return np.abs(z_scores.of_means(moments[:, spread], exact[spread])).max()


@pytest.mark.parametrize("name", COVARIANCES)
def test_gaussian_noise_has_the_stated_covariance(name):
    samples = noisy_gradients(BOWL, ls.noise.gaussian(COVARIANCES[name]), 3) - HESSIAN @ POINT
    assert worst(samples, COVARIANCES[name] / 3) < 4
    assert worst(samples, COVARIANCES[name] / 1.5) > 4


def test_a_vector_is_the_diagonal_of_a_covariance():
    one, two = ls.noise.gaussian([2.0, 0.0, 0.5]), ls.noise.gaussian(np.diag([2.0, 0.0, 0.5]))
    assert one.sample is two.sample
    np.testing.assert_array_equal(one.params.scale, two.params.scale)


def test_rank_one_noise_takes_one_number_and_keeps_its_line():
    noise = ls.noise.gaussian(COVARIANCES["rank 1"])
    assert noise.normals == 1
    samples = noisy_gradients(BOWL, noise, particles=1000) - HESSIAN @ POINT
    np.testing.assert_allclose(np.cross(samples, DIRECTION), 0.0, atol=1e-12)
    assert np.unique(samples[:, 0]).size == 1000


@pytest.mark.parametrize(
    ("covariance", "message"),
    [
        ([[1.0, 0.5], [0.4, 1.0]], r"covariance must be symmetric.*\(0, 1\) is 0.5 .* 0.4"),
        ([[1.0, 2.0], [2.0, 1.0]], r"covariance must be a covariance.* got the eigenvalue -1\."),
        ([[0.0, 1.0], [1.0, 0.0]], r"got the eigenvalue -1\."),
        (np.diag([1.0, -0.25]), r"got the eigenvalue -0\.25"),
        ([1.0, -0.25], r"covariance must be >= 0, got -0\.25"),
        ([[1.0, np.nan], [np.nan, 1.0]], "covariance must be finite"),
        (np.ones((2, 3)), r"covariance must have the shape .*\(2, 3\)"),
    ],
)
def test_what_is_no_covariance_is_refused(covariance, message):
    with pytest.raises(ValueError, match=message):
        ls.noise.gaussian(covariance)


@pytest.mark.parametrize("seed", range(5))
def test_factors_give_the_matrix_back(seed):
    """Ranks 1 to 5 of a 5 x 5 matrix; the columns are as many as the rank."""
    root = np.random.default_rng(seed).normal(size=(5, seed + 1))
    covariance = root @ root.T
    factor = covariance_factor(covariance)
    assert factor.shape == (5, seed + 1)
    np.testing.assert_allclose(
        factor @ factor.T, covariance, rtol=0, atol=1e-13 * np.abs(covariance).max()
    )


def test_the_bits_of_a_factor_are_those_of_schoolbook_cholesky():
    """Divisions and roots of IEEE 754 in one fixed order: these bits hold on every machine."""
    factor = covariance_factor([[4.0, 2.0, 0.6], [2.0, 3.0, 0.1], [0.6, 0.1, 1.0]])
    np.testing.assert_array_equal(factor[:2], [[2.0, 0.0, 0.0], [1.0, 2.0 / math.sqrt(2.0), 0.0]])
    assert [value.hex() for value in factor[2]] == [
        "0x1.3333333333333p-2",
        "-0x1.21a1851ff6309p-3",
        "0x1.e30513d6a7203p-1",
    ]


RANDOM = np.random.default_rng(8)  # more rows than are drawn at a time
INPUTS, TARGETS = RANDOM.normal(size=(70, 2)), RANDOM.normal(size=70)
REGRESSION = ls.losses.linear_regression(INPUTS, TARGETS)
EXAMPLES = naive.regression_gradients(INPUTS, TARGETS, POINT[:2])
SIGMA = naive.table_covariance(EXAMPLES)


@pytest.mark.parametrize(
    "noise", [ls.noise.minibatch(), ls.noise.table_gaussian()], ids=["minibatch", "table_gaussian"]
)
@pytest.mark.parametrize("batch_size", [1, 4])
def test_noise_of_a_table_has_the_covariance_of_the_table(noise, batch_size):
    samples = noisy_gradients(REGRESSION, noise, batch_size, 40_000) - EXAMPLES.mean(axis=0)
    assert worst(samples, SIGMA / batch_size) < 4
    assert worst(samples, SIGMA * 2 / batch_size) > 4


def address(*rest):
    """SEED, step, particle, stream, draw, as words."""
    return tuple(np.uint64(number) for number in (SEED, *rest))


@pytest.mark.interpreted
def test_each_particle_takes_the_batch_at_its_address():
    addresses = [address(0, i, Stream.BATCH, number) for i in range(20) for number in range(5)]
    batches = [integer_at(*each, np.uint64(70)) for each in addresses]
    batches = np.reshape(batches, (20, 5)).astype(int)
    samples = noisy_gradients(REGRESSION, ls.noise.minibatch(), 5, 20)
    np.testing.assert_allclose(samples, naive.batch_means(EXAMPLES, batches), rtol=0, atol=1e-13)


@pytest.mark.interpreted
def test_table_gaussian_is_its_formula():
    addresses = [address(0, i, Stream.TABLE, pair) for i in range(20) for pair in range(35)]
    z = [normal_pair(*words_at(*each, np.uint64(0))) for each in addresses]
    samples = noisy_gradients(REGRESSION, ls.noise.table_gaussian(), 4, 20)
    expected = EXAMPLES.mean(axis=0) + naive.table_gaussian(EXAMPLES, np.reshape(z, (20, 70)), 4)
    np.testing.assert_allclose(samples, expected, rtol=0, atol=1e-13)


def sample_three_laws(p, x, z, out):
    """z = one normal, then two uniforms: a chi-squared law, a uniform one, and one that grows with
    x.
    """
    out[0] = z[0] * z[0] - 1.0
    out[1] = p.width * (z[1] - 0.5)
    out[2] = p.width * x[0] * (z[2] - 0.5)


OWN = ls.GradientNoise("three laws", sample_three_laws, {"width": 3.0}, normals=1, uniforms=2)
VARIANCE, EXCESS = np.array([2.0, 0.75, 0.75 * POINT[0] ** 2]), np.array([12.0, -1.2, -1.2])


def excess_kurtosis(samples):
    return np.mean(samples**4, axis=0) / np.mean(samples**2, axis=0) ** 2 - 3


@pytest.mark.parametrize("batch_size", [1, 5])
def test_a_batch_of_own_noise_is_a_mean_of_independent_draws(batch_size):
    """Variance and excess kurtosis both fall as 1/B, and the three components stay uncorrelated."""
    samples = noisy_gradients(BOWL, OWN, batch_size) - HESSIAN @ POINT
    assert worst(samples, np.diag(VARIANCE) / batch_size) < 4
    assert worst(samples, np.diag(VARIANCE) * 2 / batch_size) > 4
    parts = np.array([excess_kurtosis(part) for part in samples.reshape(100, -1, 3)])
    error = parts.std(axis=0, ddof=1) / np.sqrt(len(parts))
    off = np.abs(excess_kurtosis(samples) - EXCESS / batch_size) / error
    assert np.all(off < 4)
    assert np.all(np.abs(excess_kurtosis(samples) - 2 * EXCESS / batch_size) / error > 4)


def test_own_noise_of_another_dimension_is_that_of_the_model():
    assert OWN.dim is None and ls.noise.gaussian(one_step.SIGMA).dim == 3
