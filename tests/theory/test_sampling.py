"""Batch covariances against all batches of a small table."""

from itertools import combinations, product

import numpy as np
import pytest

from langevin_sgd import theory

GRADIENTS = np.array([[1.0, 0.2], [-0.3, 1.1], [0.4, -0.8], [2.0, 0.5]])
MEAN, SIGMA = theory.gradient_moments(GRADIENTS)


def population_covariance(rows):
    rows = np.array(rows)
    return np.cov(rows.T, bias=True)


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_batch_covariance_equals_the_enumeration(batch):
    with_replacement = [np.mean(rows, axis=0) for rows in product(GRADIENTS, repeat=batch)]
    subsets = [np.mean(rows, axis=0) for rows in combinations(GRADIENTS, batch)]
    np.testing.assert_allclose(
        theory.batch_covariance(SIGMA, batch), population_covariance(with_replacement), atol=1e-14
    )
    np.testing.assert_allclose(
        theory.batch_covariance(SIGMA, batch, 4), population_covariance(subsets), atol=1e-14
    )
    squares = np.mean([row @ row for row in subsets])
    assert theory.expected_squared_norm(MEAN, SIGMA, batch, 4) == pytest.approx(squares, rel=1e-13)


def test_the_whole_table_is_noiseless_and_epochs_sum_to_zero():
    assert np.abs(theory.batch_covariance(SIGMA, 4, 4)).max() == 0
    batch = theory.batch_covariance(SIGMA, 2, 4)
    np.testing.assert_allclose(batch + theory.epoch_cross_covariance(SIGMA, 4), 0, atol=1e-15)


def test_a_sweep_over_batch_sizes_is_one_call():
    assert theory.batch_covariance(SIGMA, [1, 2, 4], 4).shape == (3, 2, 2)
    assert theory.expected_squared_norm(MEAN, SIGMA, [1, 2, 4]).shape == (3,)
    assert theory.simple_noise_scale(MEAN, SIGMA) == pytest.approx(np.trace(SIGMA) / (MEAN @ MEAN))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.batch_covariance(SIGMA, 5, 4), "exceeds dataset_size = 4"),
        (lambda: theory.gradient_moments([1.0, 2.0]), "one row"),
        (lambda: theory.epoch_cross_covariance(SIGMA, 1), "dataset_size = 1"),
        (lambda: theory.simple_noise_scale([0.0, 0.0], SIGMA), "mean_gradient is zero"),
        (lambda: theory.simple_noise_scale([1.0, 0.0, 0.0], SIGMA), "there are 3"),
        (lambda: theory.expected_squared_norm([1.0, 0.0, 0.0], SIGMA), "there are 3"),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()
