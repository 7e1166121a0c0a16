"""The first-order Boltzmann law at a finite learning rate, against the exact transfer operator."""

import numpy as np
from pytest import approx

from langevin_sgd import theory
from langevin_sgd.models.potentials import double_well, quadratic

WELL, TEMPERATURE = double_well(), 0.2


def exact(learning_rate):
    return theory.transfer_operator(WELL, 2 * TEMPERATURE / learning_rate, learning_rate)


def test_first_order_energy_absorbs_most_of_the_departure_from_boltzmann():
    """KL 1.09e-3 to Boltzmann, 4.6e-6 to U_eta, 3.8e-3 to the wrong sign (the modified loss of the
    mean path)."""
    law, eta, x = exact(0.05), 0.05, np.linspace(-2.2, 2.2, 801)
    p = theory.stationary_density(law, x)

    def kl(energy):
        q = np.exp(-energy / TEMPERATURE)
        return theory.density_kl(p / p.sum(), q / q.sum(), 1.0)

    plain = 0.25 * (x * x - 1) ** 2
    first = theory.finite_rate_energy(WELL, x[:, None], eta, TEMPERATURE)
    assert kl(first) == approx(4.6e-6, rel=0.02)
    assert kl(plain) == approx(1.09e-3, rel=0.01)
    assert kl(plain + eta / 4 * (x**3 - x) ** 2) == approx(3.8e-3, rel=0.02)


def test_linearised_moments_are_of_second_order():
    errors = [
        theory.finite_rate_density(WELL, TEMPERATURE, eta).second_moment.item()
        - exact(eta).second_moment.item()
        for eta in (0.05, 0.025)
    ]
    assert 3.3 < errors[0] / errors[1] < 5.5


def test_quadratic_to_first_order():
    """T/(h (1 - eta h/2)) to first order."""
    law = theory.finite_rate_density(quadratic([2.0]), 0.3, 0.01)
    assert law.second_moment.item() == approx(0.15 * (1 + 0.01), rel=1e-9)
    assert float((law.density * law.weight).sum()) == approx(1, abs=1e-11)
