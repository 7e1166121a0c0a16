"""Linear processes in time, each result against a second route: sums written out, PyTorch's own
recursion."""

import numpy as np
import pytest
from numpy.testing import assert_allclose as close

from langevin_sgd import theory

HESSIAN = np.array([[3.0, 0.4], [0.4, 0.5]])
SIGMA = np.array([[2.0, -0.7], [-0.7, 1.0]])


def heavy_ball(learning_rate=0.2, momentum=0.6, nesterov=None):
    return theory.linear_sgd(HESSIAN, SIGMA, learning_rate, 2, momentum, nesterov)


def test_autocovariance_obeys_the_recursion_of_the_position():
    """Heavy ball is x'' = (1 + mu) x' - mu x - eta H x' + noise: the autocovariance obeys the same
    recursion from lag 1 on."""
    eta, mu = 0.2, 0.6
    values = theory.autocovariance(heavy_ball(eta, mu), 6)
    for k in range(1, 6):
        expected = ((1 + mu) * np.eye(2) - eta * HESSIAN) @ values[k] - mu * values[k - 1]
        close(values[k + 1], expected, 1e-12, atol=1e-15)


@pytest.mark.parametrize("nesterov", [None, "torch", "lookahead"])
@pytest.mark.parametrize("momentum", [0.0, 0.6, 0.95])
@pytest.mark.parametrize("learning_rate", [0.01, 0.2])
def test_long_time_averages_forget_learning_rate_and_momentum(learning_rate, momentum, nesterov):
    inverse = np.linalg.inv(HESSIAN)
    limit = theory.time_average_covariance(heavy_ball(learning_rate, momentum, nesterov))
    close(limit, inverse @ (SIGMA / 2) @ inverse, 1e-10)


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_time_average_equals_the_double_sum(steps):
    process = heavy_ball()
    lags = theory.autocovariance(process, steps)
    total = sum(
        lags[s - t] if s >= t else lags[t - s].T for s in range(steps) for t in range(steps)
    )
    close(theory.time_average_covariance(process, steps), total / steps**2, 1e-12)


def test_evolution_ends_in_the_stationary_state():
    process = heavy_ball()
    means, covariances = theory.evolve(process, [1.0, -2.0], steps=400)
    assert means.shape == (401, 2) and covariances.shape == (401, 2, 2)
    close(means[-1], 0, atol=1e-10)
    close(covariances[-1], theory.state_covariance(process)[:2, :2], 1e-10)


def test_a_schedule_of_batch_sizes_is_a_schedule_of_noise():
    process = theory.linear_sgd(2.0, 1.5, 0.1, [1, 2, 4])
    _, covariances = theory.evolve(process, [0.0])
    expected = 0.0
    for step, batch in enumerate((1, 2, 4)):
        expected = (1 - 0.2) ** 2 * expected + 0.01 * 1.5 / batch
        close(covariances[step + 1, 0, 0], expected, 1e-14)


def test_pytorchs_rate_outside_the_velocity_is_a_schedule_of_momenta():
    """b' = mu b + g, x' = x - eta_k b' equals our update with momentum_k = mu eta_k / eta_(k-1), as
    `evolve` says."""
    rates, mu, h, c = np.array([0.3, 0.3, 0.1, 0.05]), 0.8, 1.3, 0.7
    momenta = mu * rates / np.concatenate([rates[:1], rates[:-1]])
    means, covariances = theory.evolve(theory.linear_sgd(h, c, rates, 1, momenta), [1.0])
    state, spread = np.array([1.0, 0.0]), np.zeros((2, 2))
    for k, rate in enumerate(rates):
        transition = np.array([[1 - rate * h, -rate * mu], [h, mu]])
        state, kick = transition @ state, np.array([-rate, 1.0])
        spread = transition @ spread @ transition.T + c * np.outer(kick, kick)
        close([means[k + 1, 0], covariances[k + 1, 0, 0]], [state[0], spread[0, 0]], 1e-13)


def test_evolve_starts_from_a_position_or_from_the_whole_state():
    process = theory.linear_sgd(1.0, 1.0, 0.1, momentum=0.5)
    moving, _ = theory.evolve(process, [0.0, 0.2], steps=1)
    close(moving[1, 0], -0.1, 1e-6)
    _, spread = theory.evolve(process, 0.0, [[0.3]], steps=0)
    assert spread[0, 0, 0] == 0.3
