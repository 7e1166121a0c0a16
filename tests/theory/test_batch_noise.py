"""Batch covariances against all batches of a small table."""

from itertools import combinations, permutations, product

import numpy as np
import pytest
from numpy.testing import assert_allclose as close

from langevin_sgd import theory

GRADIENTS = np.array([[1.0, 0.2], [-0.3, 1.1], [0.4, -0.8], [2.0, 0.5]])
MEAN, SIGMA = theory.gradient_moments(GRADIENTS)
SHARES = np.array([0.1, 0.2, 0.3, 0.4])
# sampling -> every batch of examples that it may draw, once for each equally likely outcome
DRAWS = {
    "with_replacement": lambda batch: product(range(4), repeat=batch),
    "population": lambda batch: product(range(4), repeat=batch),
    "without_replacement": lambda batch: combinations(range(4), batch),
    "reshuffle": lambda batch: (order[:batch] for order in permutations(range(4))),
    "single_shuffle": lambda batch: (order[-batch:] for order in permutations(range(4))),
}


@pytest.mark.parametrize("sampling", DRAWS)
@pytest.mark.parametrize("batch", [1, 2, 3])
def test_the_covariance_of_a_minibatch_equals_the_enumeration(sampling, batch):
    means = np.array([GRADIENTS[list(rows)].mean(axis=0) for rows in DRAWS[sampling](batch)])
    exact = np.cov(means.T, bias=True)
    stack = np.stack([GRADIENTS, GRADIENTS + 7.0])  # two points: a shift changes no covariance
    computed = theory.minibatch_covariance(stack, batch, sampling)
    close(computed, [exact, exact], atol=1e-13)
    size = None if sampling in ("with_replacement", "population") else 4
    close(theory.batch_covariance(SIGMA, batch, size), exact, atol=1e-14)
    square = np.mean(np.sum(means**2, axis=1))
    close(theory.expected_squared_norm(MEAN, SIGMA, batch, size), square, 1e-6)


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_importance_sampling_equals_the_enumeration(batch):
    weighted = GRADIENTS / (4 * SHARES[:, None])
    draws = [list(rows) for rows in product(range(4), repeat=batch)]
    means = np.array([weighted[rows].mean(axis=0) for rows in draws])
    exact = np.cov(means.T, bias=True, aweights=[SHARES[rows].prod() for rows in draws])
    computed = theory.minibatch_covariance(GRADIENTS, batch, probabilities=SHARES)
    close(computed, exact, atol=1e-13)
    unweighted = theory.minibatch_covariance(GRADIENTS, batch)
    assert np.abs(unweighted - exact).max() > 0.01  # the twin


def test_the_whole_table_is_noiseless_and_epochs_sum_to_zero():
    assert np.abs(theory.batch_covariance(SIGMA, 4, 4)).max() == 0
    batch = theory.batch_covariance(SIGMA, 2, 4)
    close(batch + theory.epoch_cross_covariance(SIGMA, 4), 0, atol=1e-15)
