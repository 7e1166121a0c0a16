"""Weak orders, the interpolating process and the loss that the mean path follows."""

from itertools import permutations

import numpy as np
import pytest
from numpy.testing import assert_allclose as close

from langevin_sgd import theory

H, C, START, TIME = 1.5, 0.8, 1.0, 1.0


def errors(order):
    found = []
    for eta in (0.004, 0.002):
        mean, variance = theory.sgd_moments(H, C, eta, round(TIME / eta), START)
        process = theory.modified_equation(H, C, eta, order)
        other = theory.diffusion_moments(process, eta, TIME, START)
        found.append(mean**2 + variance - other[0] ** 2 - other[1])
    return found[0] / found[1]


@pytest.mark.parametrize("order", [1, 2])
def test_the_modified_equations_have_their_order(order):
    assert np.log2(errors(order)) == pytest.approx(order, abs=0.05)


def test_order_two_is_worse_for_the_stationary_variance():
    eta = 0.1
    exact = theory.stationary_covariance(H, C, eta)[0, 0]
    misses = []
    for order in (1, 2):
        _, variance = theory.diffusion_moments(theory.modified_equation(H, C, eta, order), eta, 1e3)
        misses.append(abs(variance - exact))
    close(misses[1], 2 * misses[0], 0.1)


def test_sgd_moments_equal_the_matrix_recursion():
    means, covariances = theory.evolve(theory.linear_sgd(H, C, 0.3), [START], steps=7)
    mean, variance = theory.sgd_moments(H, C, 0.3, np.arange(8), START)
    close(mean, means[:, 0], 1e-12)
    close(variance, covariances[:, 0, 0], 1e-12, atol=1e-16)
    close(theory.sgd_moments(0.0, C, 0.3, 5)[1], 5 * 0.3**2 * C, 1e-6)


def test_the_interpolating_process_passes_through_every_step():
    eta, steps = 0.4, np.arange(1, 6)
    process = theory.interpolating_ou(H, C, eta)
    mean, variance = theory.diffusion_moments(process, eta, eta * steps, START)
    expected = theory.sgd_moments(H, C, eta, steps, START)
    close([mean, variance], expected, 1e-12)
    louder = process._replace(variance=2 * process.variance)
    assert abs(theory.diffusion_moments(louder, eta, 1.0)[1] / variance[1] - 1) > 0.5


def test_the_leading_error_of_gradient_flow_is_reached():
    eta = 1e-4
    mean, _ = theory.sgd_moments(H, 0.0, eta, 10_000, START)
    close(mean - np.exp(-H * TIME) * START, theory.flow_error(H, eta, TIME), 1e-3)


# four batches of one nonlinear example each: f_i(x) = p_i x + q_i x^2 / 2 + r_i x^4 / 4
P, Q, R = np.array([[0.5, -0.3, 0.1, -0.2], [1.0, 0.4, 1.6, 0.8], [0.3, 0.8, 0.1, 0.5]])


def example_gradients(x):
    return P + Q * x + R * x**3


def epoch_residual(eta, with_trace):
    """Mean over all 24 orders of one epoch, against four unit times of gradient flow in the
    modified loss."""
    ends = []
    for order in permutations(range(4)):
        x = 1.0
        for i in order:
            x = x - eta * example_gradients(x)[i]
        ends.append(x)

    def loss(x):
        gradients = example_gradients(x)
        energy = np.mean(P * x + Q * x**2 / 2 + R * x**4 / 4)
        noise = [[gradients.var()]] if with_trace else None
        return theory.modified_loss(energy, [gradients.mean()], eta, noise)

    x, parts, step = 1.0, 20, 1e-4
    for _ in range(parts):  # Runge-Kutta's; the derivative of the loss by central differences
        slopes = []
        for share, previous in ((0, 0), (0.5, 0), (0.5, 1), (1, 2)):
            y = x - (share * 4 * eta / parts * slopes[previous] if slopes else 0)
            slopes.append((loss(y + step) - loss(y - step)) / (2 * step))
        x = x - 4 * eta / parts * (slopes[0] + 2 * slopes[1] + 2 * slopes[2] + slopes[3]) / 6
    return abs(np.mean(ends) - x)


def test_reshuffled_epochs_follow_the_modified_loss_with_the_trace_term():
    with_trace = epoch_residual(0.002, True) / epoch_residual(0.001, True)
    without = epoch_residual(0.002, False) / epoch_residual(0.001, False)
    assert with_trace == pytest.approx(8, abs=0.4)  # third order in eta over an epoch
    assert without == pytest.approx(4, abs=0.4)  # second order
