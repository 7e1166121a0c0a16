"""The covariance of per-example gradients against the closed form of logistic regression, and its
eigenvectors.
"""

import numpy as np
import pytest

import langevin_sgd as ls

POINT = np.array([0.4, -0.7])


def test_logistic_regression_has_the_closed_form(table):
    result = ls.analysis.gradient_covariance(table, POINT)
    exact = ls.theory.logistic_statistics(table.data[:, :2], table.data[:, 2], POINT)
    assert np.allclose(
        result.covariance, exact.noise_covariance, rtol=1e-12
    )  # the ridge moves the mean, not the covariance
    assert np.allclose(result.mean_gradient, exact.gradient + 0.1 * POINT, rtol=1e-12)
    assert result.trace.item() == pytest.approx(np.trace(exact.noise_covariance), rel=1e-12)


def test_eigenvectors_are_orthonormal_ordered_and_signed(table):
    result = ls.analysis.gradient_covariance(table, POINT)
    vectors, values = result.eigenvectors.values, result.eigenvalues.values
    assert np.allclose(vectors * values @ vectors.T, result.covariance, rtol=1e-12)
    assert values[0] > values[1] and np.allclose(vectors.T @ vectors, np.eye(2))
    assert np.all(vectors[np.abs(vectors).argmax(axis=0), [0, 1]] > 0)


def test_many_points_at_once(table):
    points = np.random.default_rng(0).normal(size=(3, 5, 2))
    covariance = ls.analysis.covariance_at(table, points)
    assert np.allclose(
        covariance[2, 4],
        ls.analysis.gradient_covariance(table, points[2, 4]).covariance,
        rtol=1e-12,
    )


def test_messages(table):
    with pytest.raises(TypeError, match="loss must be a Loss.*got Potential"):
        ls.analysis.gradient_covariance(ls.potentials.double_well(), [0.0])
    with pytest.raises(ValueError, match=r"one point of shape \(2,\), got \(3, 2\)"):
        ls.analysis.gradient_covariance(table, np.zeros((3, 2)))
    with pytest.raises(ValueError, match="scratch=3"):
        ls.analysis.covariance_at(table._replace(scratch=3), POINT)
