"""Kramers' law against exact quadrature, and the quasi-potential of bounded noise."""

import numpy as np
import pytest

from langevin_sgd import theory
from langevin_sgd.models.potentials import double_well, quadratic

WELL = double_well()


def test_kramers_time_is_asymptotic():
    """Exact/Kramers - 1 falls with the temperature, and the inverted prefactor would tend to a half
    instead.
    """
    ratios = []
    for temperature in (0.02, 0.01):
        exact = theory.mean_first_passage_time(
            WELL, lambda x, t=temperature: t * (1 + x * x), -1.0, 1.0
        ).mean_time.item()
        ratios.append(
            exact / theory.kramers_time(WELL, lambda x, t=temperature: t * (1 + x * x), -1.0, 0.0)
        )
    assert 1 < ratios[1] < ratios[0] < 1.1
    assert ratios == pytest.approx([1.072, 1.033], abs=5e-4)


def test_kramers_in_two_dimensions_without_coupling_is_the_line():
    plane = theory.kramers_time(double_well(dim=2), 0.05, [-1.0, 0.0], [0.0, 0.0])
    assert plane == pytest.approx(theory.kramers_time(WELL, 0.05, -1.0, 0.0), rel=1e-12)


def test_kramers_refuses_points_that_are_not_critical():
    with pytest.raises(ValueError, match="not a critical point"):
        theory.kramers_time(WELL, 0.1, -0.9, 0.0)
    with pytest.raises(ValueError, match="exactly one must be negative"):
        theory.kramers_time(WELL, 0.1, -1.0, 1.0)


@pytest.mark.parametrize(
    ("scale", "ratio"), [(0.4, 3.72), (0.5, 1.52), (0.7, 1.18), (1.0, 1.075), (2.0, 1.017)]
)
def test_two_point_noise_escapes_more_rarely_than_gaussian(scale, ratio):
    gaussian = 2 * 0.25 / scale**2
    assert theory.quasi_potential(
        WELL, -1.0, 0.0, noise_values=[scale, -scale]
    ) / gaussian == pytest.approx(ratio, abs=6e-3)


def test_bounded_noise_below_the_slope_never_escapes():
    assert theory.quasi_potential(WELL, -1.0, 0.0, noise_values=[0.38, -0.38]) == np.inf


def test_gaussian_quasi_potential_is_arrhenius_and_scales_with_the_batch():
    value = theory.quasi_potential(
        WELL, 1.0, 0.0, cumulant=lambda p: 0.5 * 0.3 * p * p, batch_size=4
    )
    assert value == pytest.approx(4 * 2 * 0.25 / 0.3, rel=1e-10)
    skewed = theory.quasi_potential(
        WELL, -1.0, 0.0, noise_values=[2.0, -0.5], probabilities=[0.2, 0.8]
    )
    assert skewed != pytest.approx(
        theory.quasi_potential(WELL, 1.0, 0.0, noise_values=[2.0, -0.5], probabilities=[0.2, 0.8]),
        rel=0.1,
    )


def test_quasi_potential_refusals():
    with pytest.raises(ValueError, match="rise all the way"):
        theory.quasi_potential(WELL, -1.0, 1.0, noise_values=[1.0, -1.0])
    with pytest.raises(ValueError, match="mean zero"):
        theory.quasi_potential(WELL, -1.0, 0.0, noise_values=[1.0, -0.5])
    with pytest.raises(ValueError, match="exactly one"):
        theory.quasi_potential(WELL, -1.0, 0.0)


def test_quasi_potential_is_the_rate_of_the_discrete_chain():
    """Quadratic with Gaussian noise: the stationary law is exp(-h x^2 (1 - eta h/2) B/(eta s2)), so
    that V = h x^2 B/s2.
    """
    value = theory.quasi_potential(quadratic([2.0]), 0.0, 1.0, cumulant=lambda p: 0.5 * p * p)
    assert value == pytest.approx(2.0, rel=1e-10)


def test_published_rates():
    """Mori's law for one outlier is Kramers' with D = (eta/B) H L(x); Xie's has the ratio of the
    curvatures inverted.
    """
    eta, batch = 0.2, 8

    def loss(x):
        return 0.25 * (x * x - 1) ** 2 + 0.1

    kramers = theory.kramers_time(WELL, lambda x: eta / batch * 2.0 * loss(x), -1.0, 0.0)
    assert theory.mori_escape_time(0.1, 0.35, (2.0, -1.0), eta, batch) == pytest.approx(
        kramers, rel=1e-9
    )
    published = theory.xie_escape_time(0.25, 2.0, -1.0, eta, batch, fraction=1.0)
    assert published == pytest.approx(2 * np.pi * np.exp(2 * batch * 0.25 / (eta * 2.0)), rel=1e-12)
