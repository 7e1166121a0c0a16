"""Without curvature, and the loss that the mean path follows; all else is in the oracles."""

from itertools import permutations

import numpy as np
import pytest
from numpy.testing import assert_allclose as close

from langevin_sgd import theory


def test_without_curvature_the_variance_grows_with_every_step():
    close(theory.sgd_moments(0.0, 0.8, 0.3, 5)[1], 5 * 0.3**2 * 0.8, 1e-6)
    still = theory.diffusion_moments(theory.DriftNoise(0.0, 0.8), 0.3, 1.5)
    close(still, (1.0, 0.3 * 0.8 * 1.5), 1e-12)


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
