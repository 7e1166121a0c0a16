"""One-dimensional diffusions by quadrature."""

import numpy as np
import pytest
from pytest import approx
from theory.landscapes import WALLS, parabola

from langevin_sgd import theory
from langevin_sgd.models.potentials import double_well, quadratic
from langevin_sgd.theory.ito_1d import panels


def test_panels_integrate_up_to_every_node():
    grid = panels(np.linspace(-1.0, 2.0, 6))
    running, total = grid.cumulative(np.cos(3 * grid.nodes))
    assert np.allclose(running, (np.sin(3 * grid.nodes) - np.sin(-3.0)) / 3, atol=1e-14)
    assert total == approx((np.sin(6.0) - np.sin(-3.0)) / 3, abs=1e-14)


@pytest.mark.parametrize("well", [double_well(tilt=0.1), parabola(domain=WALLS)])
def test_constant_diffusion_is_boltzmann(well):
    law, exact = theory.sde_law(well, 0.2), theory.boltzmann_density(well, 0.2)
    for name in ("mean_position", "second_moment", "mean_energy"):
        assert law[name].item() == approx(exact[name].item(), rel=1e-10, abs=1e-14)


def test_walls_take_their_term_from_the_virial():
    law = theory.sde_law(parabola(domain=WALLS), 0.5)
    at_wall = np.interp(1.0, law.axis_0[-2:], law.density[-2:])
    assert law.virial.item() == approx(0.5 - 2 * 0.5 * at_wall, abs=1e-4)


def test_a_drift_moves_the_law():
    """x^2 with a drift of 1 has its minimum at 1/2."""
    law = theory.sde_law(parabola(2.0, push=1.0), 0.2)
    assert law.mean_position.item() == approx(0.5, rel=1e-12)
    assert law.second_moment.item() == approx(0.25 + 0.1, rel=1e-12)
    assert law.virial.item() == approx(0.2, rel=1e-12)


def test_state_dependent_diffusion_is_ito():
    """D = T(1 + x^2) on a quadratic: the Ito law is (1 + x^2)^-(1 + 1/(2T)), a Student law;
    Stratonovich's is wider."""
    temperature, box = 0.02, (-40.0, 40.0)
    law = theory.sde_law(quadratic([1.0]), lambda x: temperature * (1 + x * x), bounds=box)
    assert law.second_moment.item() == approx(temperature / (1 - temperature), rel=1e-9)
    assert law.virial.item() == approx(law.mean_diffusion.item(), rel=1e-9)
    stratonovich = temperature / (1 - 2 * temperature)
    assert abs(law.second_moment.item() / stratonovich - 1) > 0.01


@pytest.mark.parametrize("domain", [None, [("reflecting", 0.0, 1.0)]])
def test_first_passage_of_free_diffusion(domain):
    """Almost no force, a reflecting wall at 0: tau = (b^2 - a^2)/(2D)."""
    wall = {} if domain else {"wall": 0.0}
    time = theory.mean_first_passage_time(parabola(1e-9, domain=domain), 0.3, 0.4, 1.0, **wall)
    assert time.mean_time.item() == approx((1 - 0.16) / 0.6, rel=1e-8)


def test_first_passage_mirrors_and_counts_the_drift():
    right = theory.mean_first_passage_time(double_well(tilt=0.1), 0.1, -1.0, 0.5).mean_time.item()
    left = theory.mean_first_passage_time(double_well(tilt=-0.1), 0.1, 1.0, -0.5).mean_time.item()
    assert left == approx(right, rel=1e-11)
    moved = theory.mean_first_passage_time(parabola(2.0, push=1.0), 0.2, 0.0, 1.0).mean_time.item()
    assert moved == approx(3.237, abs=1e-3)
    shifted = theory.mean_first_passage_time(quadratic([2.0]), 0.2, -0.5, 0.5).mean_time.item()
    assert moved == approx(shifted, rel=1e-9)
