"""Wasserstein distance of densities on a grid."""

import numpy as np
import pytest

from langevin_sgd import theory


def test_wasserstein_of_two_gaussians_and_of_two_boxes():
    x = np.linspace(-9, 9, 3201)
    p, q = np.exp(-(((x - 0.3) / 1.2) ** 2) / 2), np.exp(-(x**2) / 2)
    assert theory.density_w2(x, p, q) == pytest.approx(np.hypot(0.3, 0.2), rel=3e-6)
    y = np.linspace(0, 10, 2001)
    left, right = (1.0 * ((y >= a) & (y <= a + 1)) for a in (1, 7))
    assert theory.density_w2(y, left, right) == pytest.approx(6, rel=1e-9)
    assert theory.density_w2(y, left, left) == 0


def test_two_separated_halves():
    """Mass 1/2 moves by 6: W2 = 6/sqrt 2; flat parts of the distribution function must not blur the
    jump.
    """
    y = np.linspace(0, 10, 2001)
    first, middle, last = (1.0 * ((y >= a) & (y <= a + 1)) for a in (0, 3, 9))
    assert theory.density_w2(y, first + last, first + middle) == pytest.approx(
        6 / np.sqrt(2), rel=5e-4
    )
    with pytest.raises(ValueError, match="strictly increasing"):
        theory.density_w2(y[::-1], first, last)
