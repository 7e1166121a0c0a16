"""Momentum as an average, the temperature rule and the table of conventions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose as close

from langevin_sgd import theory


def test_conventions_differ_by_known_factors():
    table = theory.temperature_conventions(2.0, 0.1, 4, 0.5, dataset_size=1000)
    close(table[:5], (0.05, 0.025, 0.05, 0.0125, 50.0), 1e-6)
    assert np.isnan(table.noise_scale)
    close(table.ours, 2.0 / 2 * table.base_rate, 1e-6)
    assert np.isnan(theory.temperature_conventions(2.0, 0.1).smith_le)
    assert theory.temperature_conventions(2.0, [0.1, 0.2], 4).smith_le.shape == (2,)
    sized = theory.temperature_conventions([2.0, 1.0], 0.1, mean_gradient=[0.3, 0.4])
    close(sized.noise_scale, 3.0 / 0.25, 1e-6)  # tr Sigma / |G|^2


def test_measured_temperatures_agree_exactly_in_equilibrium_only():
    hessian = np.array([[2.0, 0.3], [0.3, 0.5]])
    close(theory.measured_temperatures(hessian, 0.7 * np.linalg.inv(hessian)), [0.7] * 3, 1e-12)
    covariance = theory.stationary_covariance(hessian, [2.0, 0.1], 0.1)
    energy, virial, configurational = theory.measured_temperatures(hessian, covariance)
    assert energy == virial and configurational > 1.2 * virial


def roots(eta, h, mu):
    """Exponents per step of the update, and those of its underdamped limit in the same unit."""
    factors = np.linalg.eigvals(theory.linear_sgd(h, 1.0, eta, 1, mu).transition)
    friction, mass = theory.underdamped_limit(eta, mu)
    limit = eta * np.roots([1.0, friction, h / mass])
    return np.sort_complex(np.log(factors.astype(complex))), np.sort_complex(limit.astype(complex))


def test_heavy_ball_resembles_an_underdamped_oscillator():
    update, limit = roots(1.0, 0.01, 0.9)
    close(update[1], -0.05268 + 0.08815j, atol=6e-6)
    close(limit[1], -0.05263 + 0.08807j, atol=6e-6)
    closer = roots(1.0, 0.0001, 0.99)
    close(closer[0], closer[1], 2e-4)


def test_the_kinetic_temperature_is_the_virial_at_every_rate():
    eta, h, mu = 0.7, 1.3, 0.5
    x, _, v = theory.stationary_blocks(theory.linear_sgd(h, 1.0, eta, 1, mu))
    _, mass = theory.underdamped_limit(eta, mu)
    close(mass * v[0, 0] / eta**2, h * x[0, 0], 1e-11)


@pytest.mark.parametrize("mu", [0.1, 0.9])
def test_oscillation_starts_where_the_docstring_says(mu):
    edge = (1 - np.sqrt(mu)) ** 2
    calm, ringing = (
        np.linalg.eigvals(theory.linear_sgd(1.0, 1.0, edge * s, 1, mu).transition).imag
        for s in (0.99, 1.01)
    )
    assert np.all(calm == 0) and np.any(ringing != 0)
