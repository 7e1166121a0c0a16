"""Particles on a circle: von Mises' law, the free tilted particle, and the limit of small steps."""

import numpy as np
import pytest

from langevin_sgd import theory
from langevin_sgd.kernels.elementary import cos, sin
from langevin_sgd.models.potentials import Potential, quadratic


def _energy(p, x):
    return -p.scale * cos(x[0])


def _gradient(p, x, out):
    out[0] = p.scale * sin(x[0])


def pendulum(scale=1.0):
    return Potential("pendulum", _energy, _gradient, {"scale": scale}, 1)


def test_without_a_potential_the_law_is_uniform_and_moves_with_the_force():
    law = theory.transfer_operator_circle(pendulum(0.0), 1.0, 0.3, force=0.7)
    assert np.allclose(law.density, 1 / (2 * np.pi), rtol=1e-12)
    assert law.mean_velocity.item() == pytest.approx(0.7, rel=1e-12)


def test_chain_tends_to_the_diffusion_with_the_learning_rate():
    """E cos x at eta = 0.1 and 0.05 against the diffusion's: errors of a ratio of 2, first order."""

    def mean_cosine(law):
        return float((law.density * law.weight * np.cos(law.axis_0)).sum())

    exact = mean_cosine(theory.sde_law_circle(pendulum(), 0.5, force=0.6))
    errors = [
        mean_cosine(theory.transfer_operator_circle(pendulum(), 1.0 / eta, eta, force=0.6)) - exact
        for eta in (0.1, 0.05)
    ]
    assert 1.8 < errors[0] / errors[1] < 2.2


def test_diffusion_on_the_circle():
    from scipy.special import iv

    law = theory.sde_law_circle(pendulum(), 0.5)
    p = law.density * law.weight
    assert float((p * np.cos(law.axis_0)).sum()) == pytest.approx(iv(1, 2) / iv(0, 2), rel=1e-12)
    assert abs(law.current.item()) < 1e-14
    driven = theory.sde_law_circle(pendulum(), lambda x: 0.5 + 0.2 * np.cos(x), force=0.6)
    slow = theory.fokker_planck(
        pendulum(),
        lambda x: 0.5 + 0.2 * np.cos(x[:, 0]),
        bounds=[(0, 2 * np.pi)],
        boundary="periodic",
        points=400,
        force=lambda x: np.full_like(x, 0.6),
    )
    assert slow.mean_velocity.item() == pytest.approx(driven.mean_velocity.item(), rel=1e-7)
    assert slow.entropy_production.item() == pytest.approx(
        driven.entropy_production.item(), rel=1e-6
    )


def test_entropy_production_is_force_times_velocity_over_temperature():
    law = theory.sde_law_circle(pendulum(), 0.5, force=0.6)
    assert law.entropy_production.item() == pytest.approx(
        0.6 * law.mean_velocity.item() / 0.5, rel=1e-11
    )


def test_a_potential_that_is_not_periodic_is_refused():
    with pytest.raises(ValueError, match="must have a gradient of period"):
        theory.transfer_operator_circle(quadratic([1.0]), 1.0, 0.1)
