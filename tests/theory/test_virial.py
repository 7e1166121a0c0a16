"""The exact temperature budget: the worked example of a rotated regression, momentum, sweeps, and
what it refuses.
"""

import numpy as np
import pytest
from refusals import refusal

from langevin_sgd import theory

HESSIAN = np.array([[3.0, 0.4], [0.4, 0.5]])
SIGMA = np.array([[2.0, -0.7], [-0.7, 1.0]])


def rotated(angle):
    """Inputs of variances 1 and 0.2, turned by an angle in radians."""
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s], [s, c]])
    return turn @ np.diag([1.0, 0.2]) @ turn.T


def regression_budget(angle, eta=0.3, mu=0.0):
    """Online regression with unit label noise and batches of one example: budget and covariance."""
    a = rotated(angle)
    blocks = theory.regression_covariance(a, 1.0, eta, 1, mu)
    s = blocks.position
    return theory.virial_budget(a, blocks, a @ s @ a + (np.trace(a @ s) + 1) * a, eta, mu), s


WORKED = {  # at half a radian; to the digits that were published
    "virial": ([[0.2287, 0.1018], [0.1018, 0.0979]], 1.01e-4),
    "noise_term": ([[0.1955, 0.0844], [0.0844, 0.0872]], 5.01e-5),
    "step_term": ([[0.0331, 0.0174], [0.0174, 0.0108]], 5.01e-5),
}


def test_the_worked_example_of_a_regression_turned_by_half_a_radian():
    """The twin: a tenth of a radian off, the noise term misses by far more than the rounding."""
    budget, covariance = regression_budget(0.5)
    for name, (value, rounding) in WORKED.items():
        np.testing.assert_allclose(getattr(budget, name), value, atol=rounding)
    assert np.abs(budget.residual).max() < 1e-15 and not budget.inertia_term.any()
    temperature, zero = np.trace(budget.noise_term) / 2, [0, 0]
    boltzmann = temperature * np.linalg.inv(rotated(0.5))
    assert temperature == pytest.approx(0.1414, abs=5.01e-5)
    kl = theory.gaussian_kl(zero, covariance, zero, boltzmann)
    assert kl == pytest.approx(0.4088, abs=5.01e-5)
    off, _ = regression_budget(0.6)
    exact, _ = WORKED["noise_term"]
    assert np.abs(off.noise_term - exact).max() > 5e-3


def additive(eta, batch_size=1, mu=0.0):
    return theory.stationary_blocks(theory.linear_sgd(HESSIAN, SIGMA, eta, batch_size, mu))


@pytest.mark.parametrize("mu", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("eta", [0.02, 0.5])
def test_the_budget_closes_for_additive_noise_that_does_not_commute(eta, mu):
    blocks = additive(eta, 4, mu)
    budget = theory.virial_budget(HESSIAN, blocks, SIGMA / 4, eta, mu)
    assert np.abs(budget.residual).max() < 1e-12 * np.abs(budget.virial).max()
    np.testing.assert_allclose(2 * budget.virial, (1 + mu) / eta * blocks.velocity, rtol=1e-10)
    one = theory.sgd_temperature(SIGMA, eta, 4, mu)
    assert np.trace(budget.noise_term) / 2 == pytest.approx(one, rel=1e-14)


def test_the_budget_closes_for_multiplicative_noise_with_momentum():
    budget, _ = regression_budget(0.5, 0.02, 0.9)
    assert np.abs(budget.residual).max() < 1e-12 * np.abs(budget.virial).max()
    assert np.abs(budget.inertia_term).max() > 0.01 * np.abs(budget.virial).max()


def test_twice_the_noise_leaves_a_residual():
    found = theory.virial_budget(HESSIAN, additive(0.2, 4, 0.5), SIGMA / 2, 0.2, 0.5)
    np.testing.assert_allclose(found.residual, -0.2 / (2 * 0.5) * SIGMA / 4, rtol=1e-10)


def test_small_steps_leave_the_noise_alone():
    """Virial -> noise term as eta -> 0: the virial matrix measures the isotropy of the noise."""
    budget = theory.virial_budget(HESSIAN, additive(1e-6), SIGMA, 1e-6)
    np.testing.assert_allclose(budget.virial, budget.noise_term, rtol=1e-5)


def test_a_sweep_is_one_call():
    rates, momenta = np.array([[0.05], [0.2]]), np.array([0.0, 0.5, 0.9])
    budget = theory.virial_budget(HESSIAN, additive(rates, 1, momenta), SIGMA, rates, momenta)
    assert budget.virial.shape == budget.residual.shape == (2, 3, 2, 2)
    one = theory.virial_budget(HESSIAN, additive(0.2, 1, 0.5), SIGMA, 0.2, 0.5)
    np.testing.assert_allclose(budget.step_term[1, 1], one.step_term, rtol=1e-12)


BAD = [
    (([1.0, 2.0, 3.0], np.ones(3), 0.1), "ValueError: blocks must hold matrices of 3 coordinates"),
    ((HESSIAN, -SIGMA, 0.1), "ValueError: batch_covariance must be a covariance"),
    ((HESSIAN, SIGMA, 0.0), "ValueError: learning_rate must be > 0"),
    ((HESSIAN, SIGMA, 0.1, 1.0), "ValueError: momentum must be >= 0 and < 1"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_errors_name_the_argument(arguments, message):
    hessian, *rest = arguments
    assert refusal(theory.virial_budget, hessian, additive(0.2), *rest).startswith(message)
