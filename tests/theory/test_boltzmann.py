"""Boltzmann laws against closed forms: Gaussian integrals, Bessel and error functions."""

import numpy as np
import pytest
from pytest import approx
from scipy.special import erf, erfi, iv
from scipy.stats import chi2, norm
from theory.landscapes import CIRCLE, WALLS, logarithmic, parabola, pendulum

from langevin_sgd import theory
from langevin_sgd.models.losses import linear_regression
from langevin_sgd.models.potentials import double_well, quadratic

CUT = 1 - np.sqrt(2 / np.pi) * np.exp(-0.5) / erf(np.sqrt(0.5))  # variance of a normal cut at 1


@pytest.mark.parametrize(
    "hessian",
    [[[2.0]], [[2.0, 0.5], [0.5, 0.7]], [[1.0, 0.2, 0.0], [0.2, 3.0, 0.1], [0.0, 0.1, 0.5]]],
)
def test_quadratic_is_gaussian(hessian):
    hessian, temperature, dim = np.array(hessian), 0.3, len(hessian)
    law = theory.boltzmann_density(quadratic(hessian), temperature)
    covariance = temperature * np.linalg.inv(hessian)
    log_normaliser = 0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1]
    assert np.allclose(law.second_moment, covariance, rtol=1e-10, atol=1e-13)
    assert law.log_normaliser.item() == approx(log_normaliser, abs=1e-11)
    assert law.mean_energy.item() == approx(dim * temperature / 2, rel=1e-11)
    assert law.energy_variance.item() == approx(dim * temperature**2 / 2, rel=1e-10)
    assert law.entropy.item() == approx(log_normaliser + dim / 2, abs=1e-10)
    assert law.second_moment_error.max() < 1e-10


def test_normalisers_are_bessel_and_error_functions():
    """Z of barrier (x^2-1)^2, b = barrier/T: (pi/2) e^(-b/2) (I_{-1/4}(b/2) + I_{1/4}(b/2))."""
    b = 0.25 / 0.2
    exact = np.log(np.pi / 2 * np.exp(-b / 2) * (iv(-0.25, b / 2) + iv(0.25, b / 2)))
    assert theory.boltzmann_density(double_well(), 0.2).log_normaliser.item() == approx(
        exact, abs=1e-12
    )
    law = theory.boltzmann_density(quadratic([-1.0]), 1.0, bounds=[[-1.0, 1.0]])
    exact = np.log(np.sqrt(2 * np.pi) * erfi(np.sqrt(0.5)))
    assert law.log_normaliser.item() == approx(exact, abs=1e-12)


@pytest.mark.parametrize("name", ["domain", "bounds"])
def test_the_integrals_go_over_the_domain(name):
    setting = {"domain": (parabola(domain=WALLS), {}), "bounds": (parabola(), {"bounds": (-1, 1)})}
    well, box = setting[name]
    law = theory.boltzmann_density(well, 1.0, **box)
    assert law.second_moment.item() == approx(CUT, rel=1e-12)
    assert theory.best_fit_temperature(well, CUT / 2, **box) == approx(1, rel=1e-10)
    bins = theory.boltzmann_bin_probabilities(well, 1.0, [[-9, -1.5, 0, 2, np.inf]], **box)
    assert bins == approx([0, 0.5, 0.5, 0], abs=1e-12)
    levels = theory.level_populations(well, 1.0, [0.0, 0.125, 1.0], **box).population
    assert levels.values[0] == approx(erf(np.sqrt(0.125)) / erf(np.sqrt(0.5)), abs=1e-5)
    assert levels.sum().item() == approx(1, abs=1e-5)


def test_a_narrow_law_between_wide_walls_and_one_around_a_circle():
    narrow = theory.boltzmann_density(parabola(domain=[("reflecting", -900.0, 900.0)]), 0.01)
    assert narrow.second_moment.item() == approx(0.01, rel=1e-10)
    law = theory.boltzmann_density(pendulum(domain=CIRCLE), 0.5)
    cosine = (law.density * law.weight * np.cos(law.axis_0)).sum().item()
    assert cosine == approx(iv(1, 2) / iv(0, 2), rel=1e-10)


def test_a_loss_stands_for_its_mean_over_the_table():
    """(x_0^2 + (x_1 - 2)^2)/4: a normal law of variance 2 T around (0, 2)."""
    law = theory.boltzmann_density(linear_regression(np.eye(2), [0.0, 2.0]), 0.3)
    assert law.mean_position.values == approx([0, 2], abs=1e-9)
    assert law.second_moment.values == approx(np.diag([0.6, 4.6]), abs=1e-9)


def test_power_law_tail():
    """Student with 9 degrees of freedom: variance 1 / (9 - 2)."""
    law = theory.boltzmann_density(logarithmic(), 0.2)
    assert law.second_moment.item() == approx(1 / 7, rel=1e-9)


def test_best_fit_temperature_inverts_the_mean_energy():
    well = double_well(dim=2, coupling=0.8)
    law = theory.boltzmann_density(well, 0.37)
    assert theory.best_fit_temperature(well, law.mean_energy.item()) == approx(0.37, rel=1e-10)


def test_best_fit_temperature_minimises_kl():
    """The projection of a Gaussian on exp(-U/T): the KL to both neighbours of the best temperature
    is larger."""
    setting = {"bounds": [[-3.0, 3.0]], "rtol": 1.0}
    law = theory.boltzmann_density(double_well(), 0.2, **setting)
    p = np.exp(-0.5 * (law.axis_0.values / 0.8) ** 2)
    p /= (p * law.weight.values).sum()
    energy = float((p * law.energy * law.weight).sum())
    best = theory.best_fit_temperature(double_well(), energy)

    def kl(temperature):
        q = theory.boltzmann_density(double_well(), temperature, **setting)
        assert np.array_equal(q.axis_0, law.axis_0)
        return theory.density_kl(p, q.density.values, law.weight.values)

    assert kl(best) < min(kl(0.98 * best), kl(1.02 * best))


def test_bins_add_up_and_match_the_normal_law():
    edges = np.linspace(-4, 4, 41)
    bins = theory.boltzmann_bin_probabilities(quadratic([2.0]), 0.5, [edges])
    assert np.allclose(bins, np.diff(norm.cdf(edges / 0.5)), rtol=1e-9, atol=1e-12)
    well, wide = double_well(dim=2, coupling=0.8), [[-np.inf, 0.0, np.inf], [-np.inf, np.inf]]
    halves = theory.boltzmann_bin_probabilities(well, 0.2, wide)
    assert halves[:, 0] == approx([0.5, 0.5], abs=1e-8)
    edges = [[-15.0, -14.5, 0.0, 14.5, 15.0]]
    far = theory.boltzmann_bin_probabilities(quadratic([2.0]), 0.5, edges)
    assert 0 < far[0] < 1e-150 and far[1] == approx(0.5, rel=1e-9)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_level_populations_of_a_quadratic_are_chi_squared(dim):
    levels = np.array([0.0, 0.1, 0.5, 1.0, np.inf])
    law = theory.level_populations(quadratic(np.ones(dim)), 0.5, levels)
    exact = np.diff(chi2.cdf(levels * 4, dim))
    assert np.all(np.abs(law.population - exact) < 5 * law.population_error + 2e-9)
    assert law.population_error.max() < 3e-3
