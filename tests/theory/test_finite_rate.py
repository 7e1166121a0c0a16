"""The first-order Boltzmann law at a finite learning rate, against the exact transfer operator."""

import numpy as np
import pytest

from langevin_sgd import theory
from langevin_sgd.models.potentials import double_well, quadratic

WELL, TEMPERATURE = double_well(), 0.2


def exact(learning_rate):
    return theory.transfer_operator(WELL, 2 * TEMPERATURE / learning_rate, learning_rate)


def test_first_order_energy_absorbs_most_of_the_departure_from_boltzmann():
    """KL 1.09e-3 to Boltzmann, 4.6e-6 to U_eta, 3.8e-3 to the wrong sign (the modified loss of the
    mean path).
    """
    law, eta = exact(0.05), 0.05
    x = np.linspace(-2.2, 2.2, 801)
    p = theory.stationary_density(law, x)

    def kl(energy):
        q = np.exp(-energy / TEMPERATURE)
        return theory.density_kl(p / p.sum(), q / q.sum(), 1)

    first = theory.finite_rate_energy(WELL, x[:, None], eta, TEMPERATURE)
    plain = 0.25 * (x * x - 1) ** 2
    wrong = plain + eta / 4 * (x**3 - x) ** 2
    assert kl(first) == pytest.approx(4.6e-6, rel=0.02)
    assert kl(plain) == pytest.approx(1.09e-3, rel=0.01)
    assert kl(wrong) == pytest.approx(3.8e-3, rel=0.02)


def test_linearised_moments_are_of_second_order():
    errors = []
    for eta in (0.05, 0.025):
        law = theory.finite_rate_density(WELL, TEMPERATURE, eta)
        errors.append(law.second_moment.item() - exact(eta).second_moment.item())
    assert 3.3 < errors[0] / errors[1] < 5.5


def test_quadratic_to_first_order():
    law = theory.finite_rate_density(quadratic([2.0]), 0.3, 0.01)
    assert law.second_moment.item() == pytest.approx(
        0.15 * (1 + 0.01), rel=1e-9
    )  # T/(h (1 - eta h/2)) to first order
    assert float((law.density * law.weight).sum()) == pytest.approx(1, abs=1e-11)


def test_a_learning_rate_too_large_is_refused():
    with pytest.raises(ValueError, match="too large for the linearised density"):
        theory.finite_rate_density(WELL, TEMPERATURE, 2.0)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_level_populations_of_a_quadratic_are_chi_squared(dim):
    from scipy.stats import chi2

    levels = [0.0, 0.1, 0.5, 1.0, np.inf]
    law = theory.level_populations(quadratic(np.ones(dim)), 0.5, levels)
    exact_law = np.diff(chi2.cdf(np.array(levels) * 4, dim))
    assert np.all(np.abs(law.population - exact_law) < 5 * law.population_error + 2e-9)
    assert law.population_error.max() < 3e-3
