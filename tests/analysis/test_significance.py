"""Joint p-values: exact for Gaussian numbers, whatever their scale, and right at the edges."""

import numpy as np
import pytest

from langevin_sgd.analysis.significance import hotelling, largest_of


def p_values(shift, seeds=300, particles=60):
    mixing = np.array([[1e-6, 0.0, 0.0], [2.0, 1.0, 0.0], [5e3, 1e3, 3e3]])
    for seed in range(seeds):
        numbers = (np.random.default_rng(seed).normal(size=(particles, 3)) + shift) @ mixing.T
        yield hotelling(numbers.mean(axis=0), np.cov(numbers.T), particles)


def test_uniform_for_gaussian_numbers_of_any_scale():
    p = np.sort(list(p_values(0.0)))
    assert np.abs(p - np.arange(1, len(p) + 1) / len(p)).max() < 2.0 / np.sqrt(
        len(p)
    )  # Kolmogorov, 0.07 % level
    assert (
        np.median(list(p_values(0.5, seeds=20))) < 1e-3
    )  # the twin: half a standard deviation off zero


def test_dependent_numbers_count_once():
    numbers = np.random.default_rng(0).normal(size=(50, 2))
    doubled = np.column_stack([numbers, numbers.sum(axis=1)])
    assert hotelling(doubled.mean(axis=0), np.cov(doubled.T), 50) == pytest.approx(
        hotelling(numbers.mean(axis=0), np.cov(numbers.T), 50)
    )


def test_numbers_without_spread():
    covariance = np.diag([1.0, 0.0])
    assert hotelling(np.array([0.1, 0.0]), covariance, 40) == hotelling(
        np.array([0.1]), covariance[:1, :1], 40
    )
    assert hotelling(np.array([0.1, 0.2]), covariance, 40) == 0.0
    assert hotelling(np.zeros(2), 0 * covariance, 40) == 1.0


def test_largest_score():
    assert largest_of([[0.3, -2.0], [1.0, 0.0]]) == pytest.approx(4 * 0.0455002638963584)
    assert largest_of([0.1, 0.2]) == 1.0 and largest_of([]) == 1.0
