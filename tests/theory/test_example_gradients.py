"""Curvature and noise of the two regressions against finite differences and sampling."""

import numpy as np
import pytest
from numpy.testing import assert_allclose as close

from langevin_sgd import theory

INPUTS = np.array([[1.0, 0.2], [-0.5, 1.0], [0.3, -1.2], [1.5, 0.4], [-0.8, -0.6]])
LABELS = np.array([1.0, 0.0, 0.0, 1.0, 1.0])
POINT = np.array([0.4, -0.3])


def test_logistic_gradient_and_hessian_are_derivatives_of_the_loss():
    step = 1e-5
    values = theory.logistic_statistics(INPUTS, LABELS, POINT)
    for k, direction in enumerate(np.eye(2) * step):
        ahead = theory.logistic_statistics(INPUTS, LABELS, POINT + direction)
        behind = theory.logistic_statistics(INPUTS, LABELS, POINT - direction)
        close(values.gradient[k], (ahead.loss - behind.loss) / (2 * step), 1e-7)
        close(values.hessian[k], (ahead.gradient - behind.gradient) / (2 * step), 1e-7)


def test_the_three_matrices_are_related_as_stated():
    values = theory.logistic_statistics(INPUTS, LABELS, POINT)
    close(values.hessian, values.fisher, 1e-13)
    outer = np.outer(values.gradient, values.gradient)
    close(values.empirical_fisher, values.noise_covariance + outer, 1e-13)
    assert np.abs(values.fisher - values.empirical_fisher).max() > 0.01


def test_extreme_logits_do_not_overflow():
    values = theory.logistic_statistics([[1000.0], [-1000.0]], [1.0, 1.0], [1.0])
    assert values.loss == pytest.approx(500.0) and np.all(np.isfinite(values.hessian))


def test_the_regression_covariance_is_exact_for_gaussian_inputs():
    covariance, delta = np.array([[1.2, 0.3], [0.3, 0.5]]), np.array([0.7, -1.1])
    label_noise, n = 0.8, 200_000
    rng = np.random.default_rng(9)
    x = rng.multivariate_normal(np.zeros(2), covariance, n)
    gradients = (x @ delta - np.sqrt(label_noise) * rng.standard_normal(n))[:, None] * x
    values = theory.regression_statistics(covariance, delta, label_noise)
    products = np.einsum("ni,nj->nij", gradients, gradients)
    error = products.std(axis=0) / np.sqrt(n)
    assert np.all(np.abs(products.mean(axis=0) - values.second_moment) < 4 * error)
    without_mean = products.mean(axis=0) - np.outer(values.gradient, values.gradient)
    # the twin: G G' must not be dropped
    assert np.any(np.abs(without_mean - 2 * values.loss * covariance) > 10 * error)
