"""The exact temperature budget: the worked example of a rotated regression, and momentum."""

from itertools import permutations

import numpy as np
import pytest

from langevin_sgd import theory

HESSIAN = np.array([[3.0, 0.4], [0.4, 0.5]])
SIGMA = np.array([[2.0, -0.7], [-0.7, 1.0]])
CENTRES = np.array([-1.3, 0.2, 0.7, 1.9])  # one batch each


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


FORMS = pytest.mark.parametrize("nesterov", [None, "torch", "lookahead"])


@FORMS
def test_the_budget_closes_for_every_form_of_momentum(nesterov):
    """Both forms of Nesterov's have the budget of the same point; the twin: the heavy ball's weight
    of the inertia does not close it."""
    eta, mu = 0.4, 0.6
    process = theory.linear_sgd(HESSIAN, SIGMA, eta, 1, mu, nesterov)
    blocks = theory.stationary_blocks(process)
    budget = theory.virial_budget(HESSIAN, blocks, SIGMA, eta, mu, nesterov)
    assert np.abs(budget.residual).max() < 1e-13 * np.abs(budget.virial).max()
    if nesterov == "lookahead":
        torch = theory.stationary_covariance(HESSIAN, SIGMA, eta, 1, mu, "torch")
        np.testing.assert_allclose(budget.virial, (torch @ HESSIAN + HESSIAN @ torch) / 2)
    if nesterov:
        other = theory.virial_budget(HESSIAN, blocks, SIGMA, eta, mu)
        assert np.abs(other.residual).max() > 0.01 * np.abs(budget.virial).max()


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


def epoch_products(h, eta, mu, nesterov):
    """Products of (x, v, g, xi) under reshuffling in one dimension, averaged over the positions,
    from all orders of four batches; x is where the gradient is taken."""
    process = theory.linear_sgd(h, 1.0, eta, 1, mu, nesterov)
    noises = h * (CENTRES - CENTRES.mean())
    at = np.array([1.0, -mu if nesterov == "lookahead" else 0.0])  # of (x, v)
    orders, size, transition = list(permutations(noises)), len(noises), process.transition
    states, kicks = np.zeros((len(orders), size + 1, 2)), np.array(orders)
    for m in range(size):
        push = kicks[:, m, None] * process.noise_input[:, 0]
        states[:, m + 1] = states[:, m] @ transition.T + push
    power = np.linalg.matrix_power(transition, size)
    square = np.einsum("oi,oj->ij", states[:, -1], states[:, -1]) / len(orders)
    boundary = np.linalg.solve(np.eye(4) - np.kron(power, power), square.ravel()).reshape(2, 2)
    second, with_noise = np.zeros((2, 2)), np.zeros(2)
    for m in range(size):
        power = np.linalg.matrix_power(transition, m)
        inside = np.einsum("oi,oj->ij", states[:, m], states[:, m]) / len(orders)
        second += (power @ boundary @ power.T + inside) / size
        with_noise += states[:, m].T @ kicks[:, m] / len(orders) / size
    place, speed = at @ second @ at, at @ second[:, 1]
    x_xi = at @ with_noise
    return theory.virial.Products(
        *(h * place, h**2 * place, np.mean(noises**2), h * speed),
        *(with_noise[1], h * x_xi, x_xi),
    )


@FORMS
@pytest.mark.parametrize(("h", "eta", "mu"), [(0.8, 0.3, 0.0), (0.8, 0.3, 0.7), (0.01, 0.6, 0.2)])
def test_the_budget_of_an_epoch_closes_with_its_memory(h, eta, mu, nesterov):
    """Batches that repel each other: E[x xi'] is not 0, and in flat directions the memory takes
    nearly all of the noise back. The virial is h Var of `epoch_covariance`, averaged."""
    products = epoch_products(h, eta, mu, nesterov)
    budget = theory.virial.virial_terms(products, eta, mu, nesterov is not None)
    assert abs(budget.residual) < 1e-14 * budget.noise_term
    form = "torch" if nesterov else None  # the variance at the point of the gradient
    sigma = h**2 * CENTRES.var()
    average = theory.epoch_covariance(h, sigma, eta, 1, 4, mu, form)[:, 0, 0].mean()
    assert budget.virial == pytest.approx(h * average, rel=1e-11)
    assert budget.memory_term < -0.1 * budget.noise_term
    if h < 0.1:
        assert budget.noise_term + budget.memory_term < 0.05 * budget.noise_term


def test_twice_the_noise_leaves_a_residual():
    found = theory.virial_budget(HESSIAN, additive(0.2, 4, 0.5), SIGMA / 2, 0.2, 0.5)
    np.testing.assert_allclose(found.residual, -0.2 / (2 * 0.5) * SIGMA / 4, rtol=1e-10)


def test_small_steps_leave_the_noise_alone():
    """Virial -> noise term as eta -> 0: the virial matrix measures the isotropy of the noise."""
    budget = theory.virial_budget(HESSIAN, additive(1e-6), SIGMA, 1e-6)
    np.testing.assert_allclose(budget.virial, budget.noise_term, rtol=1e-5)
