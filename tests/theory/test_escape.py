"""Kramers' law against exact quadrature, and the quasi-potential of bounded noise."""

import numpy as np
import pytest
from pytest import approx
from theory.landscapes import parabola

from langevin_sgd import theory
from langevin_sgd.models.potentials import double_well, quadratic

WELL = double_well()
SKEWED = {"noise_values": [2.0, -0.5], "probabilities": [0.2, 0.8]}


def test_kramers_in_two_dimensions_without_coupling_is_the_line():
    plane = theory.kramers_time(double_well(dim=2), 0.05, [-1.0, 0.0], [0.0, 0.0])
    assert plane == approx(theory.kramers_time(WELL, 0.05, -1.0, 0.0), rel=1e-12)


@pytest.mark.parametrize(
    ("scale", "ratio"), [(0.4, 3.72), (0.5, 1.52), (0.7, 1.18), (1.0, 1.075), (2.0, 1.017)]
)
def test_two_point_noise_escapes_more_rarely_than_gaussian(scale, ratio):
    value = theory.quasi_potential(WELL, -1.0, 0.0, noise_values=[scale, -scale])
    assert value / (2 * 0.25 / scale**2) == approx(ratio, abs=6e-3)


def test_bounded_noise_below_the_slope_never_escapes():
    assert theory.quasi_potential(WELL, -1.0, 0.0, noise_values=[0.38, -0.38]) == np.inf


def test_gaussian_quasi_potential_is_arrhenius_and_scales_with_the_batch():
    """On a quadratic V = h x^2 B/s2, the rate of the chain's own law; a drift is a part of U'."""
    value = theory.quasi_potential(WELL, 1.0, 0.0, cumulant=lambda p: 0.15 * p * p, batch_size=4)
    assert value == approx(4 * 2 * 0.25 / 0.3, rel=1e-10)
    value = theory.quasi_potential(quadratic([2.0]), 0.0, 1.0, cumulant=lambda p: 0.5 * p * p)
    assert value == approx(2.0, rel=1e-10)
    pushed = parabola(2.0, push=-1.0)
    value = theory.quasi_potential(pushed, 0.0, 1.0, cumulant=lambda p: 0.5 * p * p)
    assert value == approx(4.0, rel=1e-10)
    left, right = (theory.quasi_potential(WELL, side, 0.0, **SKEWED) for side in (-1.0, 1.0))
    assert left != approx(right, rel=0.1)


def test_the_exponent_counts_the_drift():
    assert theory.barrier_exponent(parabola(2.0, push=1.0), 0.2, 0.0, 2.0) == approx(10, rel=1e-12)


def test_published_rates():
    """Mori's law for one outlier is Kramers' with D = (eta/B) H L(x); Xie's has the ratio of the
    curvatures inverted."""
    eta, batch = 0.2, 8

    def spread(x):
        return eta / batch * 2.0 * (0.25 * (x * x - 1) ** 2 + 0.1)

    kramers = theory.kramers_time(WELL, spread, -1.0, 0.0)
    mori = theory.mori_escape_time(0.1, 0.35, (2.0, -1.0), eta, batch)
    assert mori == approx(kramers, rel=1e-9)
    published = theory.xie_escape_time(0.25, 2.0, -1.0, eta, batch, fraction=1.0)
    assert published == approx(2 * np.pi * np.exp(2 * batch * 0.25 / (eta * 2.0)), rel=1e-12)
