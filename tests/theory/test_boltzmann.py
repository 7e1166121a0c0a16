"""Boltzmann laws against closed forms: Gaussian integrals, the quartic well's Bessel functions, and
refusals.
"""

import numpy as np
import pytest

from langevin_sgd import theory
from langevin_sgd.kernels.elementary import log
from langevin_sgd.models.potentials import Potential, double_well, quadratic


def _log_energy(p, x):
    return p.sign * log(1.0 + x[0] * x[0])


def _log_gradient(p, x, out):
    out[0] = p.sign * 2.0 * x[0] / (1.0 + x[0] * x[0])


def logarithmic(sign=1.0):
    """U = log(1 + x^2): exp(-U/T) is a Student law with 2/T - 1 degrees of freedom, not
    normalisable from T = 2 on.
    """
    return Potential("logarithmic", _log_energy, _log_gradient, {"sign": sign}, 1)


@pytest.mark.parametrize(
    "hessian",
    [[[2.0]], [[2.0, 0.5], [0.5, 0.7]], [[1.0, 0.2, 0.0], [0.2, 3.0, 0.1], [0.0, 0.1, 0.5]]],
)
def test_quadratic_is_gaussian(hessian):
    hessian, temperature = np.array(hessian), 0.3
    dim = len(hessian)
    law = theory.boltzmann_density(quadratic(hessian), temperature)
    covariance = temperature * np.linalg.inv(hessian)
    log_normaliser = 0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1]
    assert np.allclose(law.second_moment, covariance, rtol=1e-10, atol=1e-13)
    assert law.log_normaliser.item() == pytest.approx(log_normaliser, abs=1e-11)
    assert law.mean_energy.item() == pytest.approx(dim * temperature / 2, rel=1e-11)
    assert law.energy_variance.item() == pytest.approx(dim * temperature**2 / 2, rel=1e-10)
    assert law.entropy.item() == pytest.approx(log_normaliser + dim / 2, abs=1e-10)
    assert law.second_moment_error.max() < 1e-10


def test_quartic_well_normaliser_is_a_bessel_function():
    """Z of barrier (x^2-1)^2 at T, b = barrier/T: (pi/2) e^(-b/2) (I_{-1/4}(b/2) + I_{1/4}(b/2))."""
    from scipy.special import iv

    b = 0.25 / 0.2
    exact = np.log(np.pi / 2 * np.exp(-b / 2) * (iv(-0.25, b / 2) + iv(0.25, b / 2)))
    assert theory.boltzmann_density(double_well(), 0.2).log_normaliser.item() == pytest.approx(
        exact, abs=1e-12
    )


def test_power_law_tail_and_its_limit():
    law = theory.boltzmann_density(logarithmic(), 0.2)
    assert law.second_moment.item() == pytest.approx(
        1 / 7, rel=1e-9
    )  # Student, 9 degrees of freedom: 1 / (9 - 2)
    with pytest.raises(ValueError, match="not normalisable"):
        theory.boltzmann_density(logarithmic(), 2.5)


def test_unbounded_potential_is_refused_unless_a_box_is_given():
    unbounded = quadratic([-1.0])
    with pytest.raises(ValueError, match="Give finite bounds"):
        theory.boltzmann_density(unbounded, 0.2)
    law = theory.boltzmann_density(unbounded, 1.0, bounds=[[-1.0, 1.0]])
    from scipy.special import erfi

    assert law.log_normaliser.item() == pytest.approx(
        np.log(np.sqrt(2 * np.pi) * erfi(np.sqrt(0.5))), abs=1e-12
    )


@pytest.mark.parametrize("temperature", [0.0, -1.0, np.nan])
def test_temperature_must_be_positive(temperature):
    with pytest.raises(ValueError, match="temperature must be > 0"):
        theory.boltzmann_density(double_well(), temperature)


def test_best_fit_temperature_inverts_the_mean_energy():
    well = double_well(dim=2, coupling=0.8)
    law = theory.boltzmann_density(well, 0.37)
    assert theory.best_fit_temperature(well, law.mean_energy.item()) == pytest.approx(
        0.37, rel=1e-10
    )
    with pytest.raises(ValueError, match="above the minimum"):
        theory.best_fit_temperature(well, -0.1)


def test_best_fit_temperature_minimises_kl():
    """The projection of a Gaussian on exp(-U/T): the KL to both neighbours of the best temperature
    is larger.
    """
    well = double_well()
    law = theory.boltzmann_density(well, 0.2, bounds=[[-3.0, 3.0]])
    x = law.axis_0.values
    p = np.exp(-0.5 * (x / 0.8) ** 2)
    p /= (p * law.weight.values).sum()
    best = theory.best_fit_temperature(well, float((p * law.energy * law.weight).sum()))

    def kl(temperature):
        q = theory.boltzmann_density(well, temperature, bounds=[[-3.0, 3.0]], rtol=1.0)
        assert q.sizes["axis_0"] == len(x)
        return theory.density_kl(p, q.density.values, law.weight.values)

    law = theory.boltzmann_density(well, 0.2, bounds=[[-3.0, 3.0]], rtol=1.0)
    x = law.axis_0.values
    p = np.exp(-0.5 * (x / 0.8) ** 2)
    p /= (p * law.weight.values).sum()
    assert kl(best) < min(kl(0.98 * best), kl(1.02 * best))


def test_bins_add_up_and_match_the_normal_law():
    from scipy.stats import norm

    edges = np.linspace(-4, 4, 41)
    bins = theory.boltzmann_bin_probabilities(quadratic([2.0]), 0.5, [edges])
    assert np.allclose(bins, np.diff(norm.cdf(edges / 0.5)), rtol=1e-9, atol=1e-12)
    well, wide = double_well(dim=2, coupling=0.8), [[-np.inf, 0.0, np.inf], [-np.inf, np.inf]]
    halves = theory.boltzmann_bin_probabilities(well, 0.2, wide)
    far = theory.boltzmann_bin_probabilities(
        quadratic([2.0]), 0.5, [[-15.0, -14.5, 0.0, 14.5, 15.0]]
    )
    assert 0 < far[0] < 1e-150 and far[1] == pytest.approx(0.5, rel=1e-9)
    assert halves[:, 0] == pytest.approx([0.5, 0.5], abs=1e-8)


def test_distances_of_two_gaussians():
    x = np.linspace(-12, 12, 2001)
    weight, q = x[1] - x[0], np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    p = np.exp(-((x - 0.3) ** 2) / (2 * 1.21)) / np.sqrt(2 * np.pi * 1.21)
    assert theory.density_kl(p, q, weight) == pytest.approx(
        0.5 * (1.21 + 0.09 - 1 - np.log(1.21)), rel=1e-12
    )
    overlap = np.sqrt(2 * 1.1 / 2.21) * np.exp(-0.09 / (4 * 2.21))
    assert theory.density_hellinger(p, q, weight) == pytest.approx(np.sqrt(1 - overlap), rel=1e-10)
    assert theory.density_kl(p, np.where(x > 0, q, 0), weight) == np.inf
