"""Distances between Gaussians against quadrature, limits and sampled transport."""

import numpy as np
import pytest
from numpy.testing import assert_allclose as close

from langevin_sgd import theory

MEAN_P, P = np.array([0.1, -0.2]), np.array([[1.0, 0.3], [0.3, 0.5]])
MEAN_Q, Q = np.array([0.4, 0.0]), np.array([[0.8, -0.1], [-0.1, 0.6]])


def test_nearly_equal_laws_keep_their_digits():
    close(theory.gaussian_kl(0.0, 1 + 1e-7, 0.0, 1.0), 1e-14 / 4, 1e-6)
    assert theory.gaussian_kl(MEAN_P, P, MEAN_P, P) == 0
    assert theory.gaussian_hellinger(MEAN_P, P, MEAN_P, P) == 0
    assert theory.gaussian_wasserstein2(MEAN_P, P, MEAN_P, P) < 1e-7
    close(theory.gaussian_wasserstein2(MEAN_P, P, MEAN_P, [0.0, 0.0]), np.sqrt(np.trace(P)), 1e-6)


@pytest.mark.parametrize(("s2", "length"), [(1.6, 0.8), (0.5, 1.5)])
def test_stein_discrepancy_and_mmd_equal_double_integrals(s2, length):
    """Gauss-Hermite quadrature over both arguments of the Stein kernel and of the plain one."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = np.outer(weights, weights) / (2 * np.pi)

    def mean(function, first, second):
        x, y = np.meshgrid(np.sqrt(first) * nodes, np.sqrt(second) * nodes, indexing="ij")
        return np.sum(weights * function(x, y))

    def kernel(x, y):
        return np.exp(-((x - y) ** 2) / (2 * length**2))

    def stein(x, y):
        gap = (x - y) / length**2
        return kernel(x, y) * (x * y - (x - y) * gap + 1 / length**2 - gap**2)

    discrepancy, diagonal = theory.gaussian_stein_discrepancy(s2, length)
    close(mean(stein, s2, s2), discrepancy, 1e-9)
    assert mean(stein, s2, s2) != pytest.approx(2 * discrepancy, rel=0.1)
    close(
        np.mean(stein(np.sqrt(s2) * np.array([1.0, -1.0]), np.sqrt(s2) * np.array([1.0, -1.0]))),
        diagonal,
        1e-6,
    )
    mmd = mean(kernel, s2, s2) + mean(kernel, 1.0, 1.0) - 2 * mean(kernel, s2, 1.0)
    close(theory.gaussian_mmd(s2, length), mmd, 1e-8)
