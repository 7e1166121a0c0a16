"""Stationary laws of linear processes, against SciPy's solver and the diffusion."""

import numpy as np
import pytest
import scipy.linalg
from numpy.testing import assert_allclose as close

from langevin_sgd import theory

HESSIAN = np.array([[3.0, 0.4], [0.4, 0.5]])
SIGMA = np.array([[2.0, -0.7], [-0.7, 1.0]])


def heavy_ball(learning_rate=0.2, momentum=0.6, nesterov=None):
    return theory.linear_sgd(HESSIAN, SIGMA, learning_rate, 2, momentum, nesterov)


@pytest.mark.parametrize("nesterov", [None, "torch", "lookahead"])
def test_state_covariance_equals_scipys_lyapunov_solution(nesterov):
    process = heavy_ball(nesterov=nesterov)
    injected = process.noise_input @ process.noise_covariance @ process.noise_input.T
    expected = scipy.linalg.solve_discrete_lyapunov(process.transition, injected)
    close(theory.state_covariance(process), expected, 1e-11, atol=1e-14)


def test_any_process_is_accepted_even_with_a_rotating_drift():
    """A user's own matrices: drift (1 + rotation), which no potential has; area rate against the
    exact Q of the same drift."""
    drift, step = np.array([[1.0, 2.0], [-2.0, 1.0]]), 1e-3
    process = theory.LinearProcess(np.eye(2) - step * drift, np.eye(2), 2 * step * np.eye(2), 2)
    limit = theory.ornstein_uhlenbeck(drift, np.eye(2))
    close(theory.state_covariance(process), limit.covariance, 5e-3, atol=1e-12)
    close(theory.area_per_step(process) / step, limit.circulation, 5e-3, atol=1e-12)
