"""Cumulants of the stationary law: simulations, the Gaussian covariance, singular laws."""

import numpy as np
import pytest
from numpy.testing import assert_allclose as close

from langevin_sgd import theory

VALUES, WEIGHTS = [2.0, -0.5], [0.2, 0.8]


def test_cumulants_scale_with_their_order_and_know_the_coin():
    """A coin of +-s has k2 = s^2 and k4 = -2 s^4; cumulant n of c times a variable is c^n times its
    own."""
    close(theory.noise_cumulants([-3.0, 3.0]), [0, 9, 0, -162], atol=1e-12)
    single, triple = (theory.noise_cumulants(c * np.array(VALUES), WEIGHTS) for c in (1, 3))
    close(triple[1:], single[1:] * [9, 27, 81], 1e-12)


@pytest.mark.parametrize("nesterov", [None, "torch", "lookahead"])
@pytest.mark.parametrize("momentum", [0.0, 0.6])
def test_the_second_cumulant_is_the_stationary_covariance(momentum, nesterov):
    law = theory.noise_cumulants(VALUES, WEIGHTS)
    shape = theory.stationary_shape(1.3, law, 0.3, 2, momentum, nesterov)
    expected = theory.stationary_covariance(1.3, law[1], 0.3, 2, momentum, nesterov)[0, 0]
    close(shape.variance, expected, 1e-11)


def test_cumulants_with_momentum_equal_the_sum_over_the_impulse_response():
    eta, mu, h = 0.3, 0.6, 1.3
    law = theory.noise_cumulants(VALUES, WEIGHTS)
    x, v, response = 0.0, 0.0, []
    for step in range(400):
        v = mu * v + eta * (h * x + (step == 0))
        x = x - v
        response.append(x)
    psi = np.array(response)
    second, third, fourth = (law[n - 1] * np.sum(psi**n) for n in (2, 3, 4))
    shape = theory.stationary_shape(h, law, eta, 1, mu)
    close(shape, [second, third / second**1.5, fourth / second**2], 1e-10)
    batch = theory.stationary_shape(h, law, eta, 5, mu)
    close(batch.excess_kurtosis, shape.excess_kurtosis / 5, 1e-6)  # excess kurtosis falls like 1/B


def test_two_point_noise_gives_the_uniform_and_the_cantor_law():
    x = np.linspace(-1.2, 1.2, 25)
    close(theory.two_point_cdf(x, 1.0, 0.5), np.clip((x + 1) / 2, 0, 1), atol=1e-15)
    cantor = theory.two_point_cdf([-7 / 9 - 1e-9, -7 / 9 + 0.01, 0.0, 0.3, 2 / 3], 1.0, 2 / 3)
    close(cantor, [0.25, 0.25, 0.5, 0.5, 0.75], atol=1e-5)
    stretched = theory.two_point_cdf(x, 2.0, 0.35, 4.0)  # the same law, in another unit of length
    close(stretched, theory.two_point_cdf(x / 2, 1.0, 0.7), atol=1e-12)
