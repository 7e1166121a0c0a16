"""Covariance, threshold and temperature on a quadratic: closed forms, identities, errors, and a
planted factor 2."""

import numpy as np
import pytest
from numpy.testing import assert_allclose as close

from langevin_sgd import theory

HESSIAN = np.array([[3.0, 0.4, 0.1], [0.4, 0.5, 0.2], [0.1, 0.2, 1.0]])
SIGMA = np.array([[2.0, -0.7, 0.3], [-0.7, 1.0, 0.0], [0.3, 0.0, 0.5]])
FORMS = [None, "torch", "lookahead"]


@pytest.mark.parametrize("momentum", [0.0, 0.7])
def test_torchs_nesterov_stores_the_look_ahead_point(momentum):
    """PyTorch's variable is x - mu v of the look-ahead form."""
    setting = HESSIAN, SIGMA, 0.2, 2, momentum
    x, cross, v = theory.stationary_blocks(theory.linear_sgd(*setting, "lookahead"))
    stored = x - momentum * (cross + cross.T) + momentum**2 * v
    close(theory.stationary_covariance(*setting, "torch"), stored, 1e-11)


@pytest.mark.parametrize("nesterov", FORMS)
@pytest.mark.parametrize("momentum", [0.0, 0.4, 0.9])
def test_the_spectral_radius_crosses_one_at_the_threshold(momentum, nesterov):
    threshold = theory.stability_threshold(HESSIAN, momentum, nesterov)
    rates = threshold * np.array([1e-3, 0.3, 0.99, 1 - 1e-6, 1 + 1e-6, 1.2])
    process = theory.linear_sgd(HESSIAN, SIGMA, rates, 1, momentum, nesterov)
    radius = theory.spectral_radius(process)
    np.testing.assert_array_equal(radius, theory.spectral_radius(process.transition))
    assert (radius < 1).tolist() == [True] * 4 + [False] * 2


@pytest.mark.parametrize("nesterov", FORMS)
def test_an_instability_names_the_threshold(nesterov):
    threshold = theory.stability_threshold(HESSIAN, 0.5, nesterov)
    with pytest.raises(ValueError, match=f"stability threshold {threshold:.6g}"):
        theory.stationary_covariance(HESSIAN, SIGMA, [0.01, threshold], 1, 0.5, nesterov)


def test_diagonals_and_scalars_stand_for_matrices():
    full = theory.stationary_covariance(np.diag([1.0, 4.0]), np.diag([1.0, 0.25]), 0.1)
    np.testing.assert_array_equal(theory.stationary_covariance([1.0, 4.0], [1.0, 0.25], 0.1), full)
    close(theory.stationary_covariance(4.0, 0.25, 0.1)[0, 0], full[1, 1], 1e-14)
    assert theory.stability_threshold(4.0) == theory.stability_threshold([1.0, 4.0]) == 0.5


def test_degenerate_noise_leaves_a_degenerate_covariance():
    covariance = theory.stationary_covariance(np.diag([1.0, 2.0]), [[1.0, 0.0], [0.0, 0.0]], 0.1)
    assert covariance[0, 0] > 0 and np.all(covariance[1] == 0)
    along = np.array([1.0, 1.0])
    mixed = theory.stationary_covariance(np.diag([1.0, 2.0]), np.outer(along, along), 0.1)
    # the drift spreads rank-one noise over both directions
    assert np.linalg.eigvalsh(mixed).min() > 0


def test_the_small_step_limit_is_reached_at_first_order():
    def relative_error(rate, momentum):
        setting = HESSIAN, SIGMA, rate, 1, momentum
        exact = theory.stationary_covariance(*setting)
        return np.abs(exact / theory.small_step_covariance(*setting) - 1).max()

    for momentum in (0.0, 0.8):
        close(relative_error(1e-3, momentum) / relative_error(5e-4, momentum), 2, 0.02)


def test_temperature_is_the_one_that_minimises_kl():
    """For anisotropic noise too: tr(H S)/d, the minimiser of KL(p || exp(-U/T)), tends to
    sgd_temperature."""
    for momentum in (0.0, 0.9):
        covariance = theory.stationary_covariance(HESSIAN, SIGMA, 1e-5, 1, momentum)
        projected = np.trace(HESSIAN @ covariance) / 3
        close(theory.sgd_temperature(SIGMA, 1e-5, 1, momentum), projected, 1e-4)
    close(theory.sgd_temperature(2.0, 0.1, 4), 0.1 * 2 / (2 * 4), 1e-6)


def test_the_heavy_ball_has_a_closed_form_for_noise_that_does_not_commute():
    """Stationarity of E[x x'], E[x v'], E[v v'] solved by hand in the eigenbasis of H, entry by
    entry: no matrix F."""
    h, eta = np.array([3.0, 0.5, 1e-4]), 0.3
    for mu in (0.0, 0.5, 0.95):
        pairs = eta * (h[:, None] + h) * (1 + mu) - eta**2 * h[:, None] * h
        denominator = (1 - mu) ** 2 * pairs + mu * eta**2 * (h[:, None] - h) ** 2
        closed = eta**2 * (SIGMA / 2) * (1 - mu**2) / denominator
        close(theory.stationary_covariance(h, SIGMA, eta, 2, mu), closed, 1e-9)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_slow_modes_keep_the_digits_that_the_docstring_promises(momentum):
    """A mode of 1e7 steps keeps eight digits; one of 1e12 steps is refused."""
    slow, eta = 1e-6, 0.1
    closed = eta * (1 + momentum) / ((1 - momentum) * slow * (2 * (1 + momentum) - eta * slow))
    found = theory.stationary_covariance([1.0, slow], [1.0, 1.0], eta, 1, momentum)
    close(found[1, 1], closed, 1e-8)
    with pytest.raises(ValueError, match="too small for double precision"):
        theory.stationary_covariance([1.0, 1e-11], [1.0, 1.0], eta, 1, momentum)
