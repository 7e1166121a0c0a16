"""Distances of densities on a grid against those of Gaussians and boxes."""

import numpy as np
from pytest import approx

from langevin_sgd import theory

Y = np.linspace(0, 10, 2001)


def box(start):
    return 1.0 * ((start <= Y) & (start + 1 >= Y))


def test_kl_and_hellinger_of_two_gaussians():
    x = np.linspace(-12, 12, 2001)
    weight, q = x[1] - x[0], np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    p = np.exp(-((x - 0.3) ** 2) / (2 * 1.21)) / np.sqrt(2 * np.pi * 1.21)
    assert theory.density_kl(p, q, weight) == approx((0.3 - np.log(1.21)) / 2, rel=1e-12)
    overlap = np.sqrt(2 * 1.1 / 2.21) * np.exp(-0.09 / (4 * 2.21))
    assert theory.density_hellinger(p, q, weight) == approx(np.sqrt(1 - overlap), rel=1e-10)
    assert theory.density_kl(p, np.where(x > 0, q, 0), weight) == np.inf


def test_wasserstein_of_two_gaussians_and_of_boxes():
    """Half the mass moves by 6: W2 = 6/sqrt 2; flat parts must not blur the jump."""
    x = np.linspace(-9, 9, 3201)
    p, q = np.exp(-(((x - 0.3) / 1.2) ** 2) / 2), np.exp(-(x**2) / 2)
    assert theory.density_w2(x, p, q) == approx(np.hypot(0.3, 0.2), rel=3e-6)
    assert theory.density_w2(Y, box(1), box(7)) == approx(6, rel=1e-9)
    assert theory.density_w2(Y, box(1), box(1)) == 0
    halves = box(0) + box(9), box(0) + box(3)
    assert theory.density_w2(Y, *halves) == approx(6 / np.sqrt(2), rel=5e-4)
