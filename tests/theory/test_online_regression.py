"""Online regression against the full Kronecker system, published numbers and a simulation."""

import numpy as np
import pytest
from numpy.testing import assert_allclose as close

from langevin_sgd import theory

INPUTS = np.array([[1.2, 0.3], [0.3, 0.5]])


def kronecker(covariance, label_noise, eta, batch, mu):
    """Second-moment map of (delta, v) written out on all n^2 entries, for any basis: radius and
    stationary covariance."""
    d = len(covariance)
    identity = np.eye(d)
    rows = [identity - eta * covariance, -mu * identity], [eta * covariance, mu * identity]
    transition = np.block([*rows])
    kick = np.vstack([-identity, identity]) * eta
    n = 2 * d
    squared = np.kron(transition, transition)
    for k in range(n * n):
        moment = np.zeros(n * n)
        moment[k] = 1
        s = moment.reshape(n, n)[:d, :d]
        noise = covariance @ s @ covariance + np.trace(covariance @ s) * covariance
        squared[:, k] += (kick @ noise @ kick.T / batch).ravel()
    source = (kick @ (label_noise * covariance) @ kick.T / batch).ravel()
    radius = np.abs(np.linalg.eigvals(squared)).max()
    return radius, np.linalg.solve(np.eye(n * n) - squared, source).reshape(n, n)


@pytest.mark.parametrize(
    ("eta", "batch", "mu"), [(0.3, 1, 0.0), (0.5, 4, 0.0), (0.05, 4, 0.8), (0.1, 16, 0.95)]
)
def test_the_eigenbasis_solution_equals_the_full_system(eta, batch, mu):
    radius, full = kronecker(INPUTS, 0.8, eta, batch, mu)
    position, cross, velocity = theory.regression_covariance(INPUTS, 0.8, eta, batch, mu)
    close(position, full[:2, :2], 1e-9)
    close(cross, full[:2, 2:], 1e-9)
    close(velocity, full[2:, 2:], 1e-9)
    close(theory.regression_second_moment_radius(INPUTS, eta, batch, mu), radius, 1e-9)


@pytest.mark.parametrize(("batch", "mu"), [(1, 0.0), (4, 0.5), (1, 0.9), (1000, 0.9)])
def test_the_radius_crosses_one_at_the_threshold(batch, mu):
    threshold = theory.regression_threshold(INPUTS, batch, mu)
    close(theory.regression_second_moment_radius(INPUTS, threshold, batch, mu), 1, 1e-9)
    assert threshold < theory.stability_threshold(INPUTS, mu)
    with pytest.raises(ValueError, match=f"mean-square threshold {threshold:.6g}"):
        theory.regression_covariance(INPUTS, 1.0, [threshold / 2, threshold * 1.001], batch, mu)


def test_the_published_plateaus_of_momentum_are_reached_without_a_network():
    """Andreyev et al. 2026: curvature 2 (1 - mu)/eta at small and 2 (1 + mu)/eta at large batches.
    64 inputs, mu = 0.9."""
    batches, published = np.array([1, 16, 1e9]), (0.003074, 0.0486, 3.8)
    thresholds = theory.regression_threshold(np.ones(64), batches, 0.9)
    close(thresholds, published, 6e-4)
    radii = [
        theory.regression_second_moment_radius(np.ones(64), thresholds[:2] * s, batches[:2], 0.9)
        for s in (1, 1.01)
    ]
    close(radii[0], 1, 1e-9)
    assert np.all(radii[1] > 1 + 1e-5)
    small, large = theory.batch_sharpness_plateaus(thresholds, 0.9)
    close(64 * small[0] / 65, 64, 2e-3)  # tr H: 2 (1 - mu)/eta is tr H but for the factor (d + 1)/d
    close(large[2], 1, 1e-4)  # the largest eigenvalue


@pytest.mark.parametrize(
    ("curvatures", "batch", "expected"),
    [
        (np.ones(64), 1, (0.0303, 0.125, 0.03125)),
        (np.ones(64), 4, (0.116, 0.25, 0.125)),
        (1 / np.arange(1, 65), 1, (0.360, 0.783, 0.422)),
    ],
)
def test_published_bounds_hold_and_the_trace_bound_is_tight(curvatures, batch, expected):
    bounds = theory.stability_bounds(curvatures, batch)
    exact = theory.regression_threshold(curvatures, batch)
    close([exact, bounds.frobenius, bounds.trace], expected, 6e-3)
    assert exact < bounds.trace < bounds.frobenius
