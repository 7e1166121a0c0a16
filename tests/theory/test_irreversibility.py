"""Entropy production and currents against a second derivation and against equilibrium."""

import numpy as np
import pytest
from numpy.testing import assert_allclose as close

from langevin_sgd import theory

HESSIAN, SIGMA = np.diag([3.0, 0.5]), np.array([[2.0, 0.9], [0.9, 1.0]])


@pytest.mark.parametrize("learning_rate", [0.05, 0.4])
def test_entropy_per_step_is_the_divergence_of_a_pair_from_its_reversal(learning_rate):
    """Second route: KL between the Gaussian laws of (x, x') and (x', x); the stationary terms
    cancel."""
    process = theory.linear_sgd(HESSIAN, SIGMA, learning_rate)
    here, lagged = theory.autocovariance(process, 1)
    pair = np.block([[here, lagged.T], [lagged, here]])
    reversal = np.block([[here, lagged], [lagged.T, here]])
    expected = theory.gaussian_kl(np.zeros(4), pair, np.zeros(4), reversal)
    close(theory.entropy_per_step(process), expected, 1e-10)
    assert theory.entropy_per_step(process) != pytest.approx(2 * expected, rel=0.1)


def test_entropy_per_step_tends_to_the_rate_of_the_diffusion():
    rates = np.array([2e-3, 1e-3])
    per_time = theory.entropy_per_step(theory.linear_sgd(HESSIAN, SIGMA, rates)) / rates
    limit = theory.ornstein_uhlenbeck(HESSIAN, SIGMA / 2).entropy_production
    close((per_time[0] - limit) / (per_time[1] - limit), 2, 0.01)
    # scale of D drops out: it is the same for any learning rate
    close(theory.ornstein_uhlenbeck(HESSIAN, 0.01 * SIGMA).entropy_production, limit, 1e-12)


def test_the_circulation_has_its_form_in_the_eigenbasis():
    diffusion = SIGMA / 2
    limit = theory.ornstein_uhlenbeck(HESSIAN, diffusion)
    close(limit.circulation[0, 1], diffusion[0, 1] * (3 - 0.5) / (3 + 0.5), 1e-12)
    close(HESSIAN @ limit.covariance, diffusion + limit.circulation, 1e-12)
    # the current is divergence-free: Omega S is antisymmetric
    flow = limit.current_velocity @ limit.covariance
    close(flow, -flow.T, atol=1e-14)
