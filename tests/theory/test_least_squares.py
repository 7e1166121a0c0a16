"""Finite least squares against listed batches, and against the additive theory where all inputs
have one length."""

from itertools import combinations

import numpy as np
from numpy.testing import assert_allclose as close

from langevin_sgd import theory

INPUTS = np.array([[1.0, 0.3], [-0.5, 1.2], [0.8, -0.9], [0.2, 0.4]])
TARGETS = np.array([0.9, -0.3, 1.4, 0.2])


def test_one_length_of_inputs_makes_the_noise_additive():
    """In one dimension with x_i = +-1 the hessian is the same in every batch: all four schemes have
    their Gaussian formula."""
    inputs, targets = np.array([[1.0], [-1.0], [1.0], [-1.0]]), np.array([0.3, -1.0, 1.7, 0.4])
    setting = 0.2, 2, 0.5
    noise = np.var(inputs[:, 0] * targets)
    fresh = theory.least_squares_moments(inputs, targets, *setting)
    close(fresh.covariance, theory.stationary_covariance(1.0, noise, *setting), 1e-12)
    epochs = theory.least_squares_moments(inputs, targets, *setting, sampling="reshuffle")
    close(epochs.covariance, theory.epoch_covariance(1.0, noise, 0.2, 2, 4, 0.5), 1e-9)
    orders = theory.least_squares_moments(inputs, targets, *setting, sampling="single_shuffle")
    expected = theory.single_shuffle_covariance(1.0, noise, 0.2, 2, 4, 0.5)
    close(orders.covariance, [expected, expected], 1e-9)


def test_one_order_for_ever_is_found_by_running_it():
    """Average of the cycles that all 6 orders of two-example batches converge to."""
    points = []
    for first in combinations(range(4), 2):
        second = [i for i in range(4) if i not in first]
        theta = np.zeros(2)
        for _ in range(400):
            for chosen in (list(first), second):
                rows = INPUTS[chosen]
                theta = theta - 0.2 * rows.T @ (rows @ theta - TARGETS[chosen]) / 2
        points.append(theta)
    expected = theory.least_squares_moments(INPUTS, TARGETS, 0.2, 2, sampling="single_shuffle")
    rows = [INPUTS[list(chosen)] for chosen in combinations(range(4), 2)]
    halves = [np.eye(2) - 0.2 * half.T @ half / 2 for half in rows]
    pairs = zip(halves, halves[::-1], strict=True)
    slowest = max(np.abs(np.linalg.eigvals(last @ first)).max() for first, last in pairs)
    close(expected.second_moment_radius, slowest**2, 1e-10)
    close(expected.mean[0], np.mean(points, axis=0), 1e-9)
    close(expected.covariance[0], np.cov(np.array(points).T, bias=True), 1e-7)
