"""One-dimensional diffusions by quadrature."""

import numpy as np
import pytest

from langevin_sgd import theory
from langevin_sgd.models.potentials import double_well, quadratic
from langevin_sgd.theory.ito_1d import panels


def test_panels_integrate_up_to_every_node():
    grid = panels(np.linspace(-1.0, 2.0, 6))
    running, total = grid.cumulative(np.cos(3 * grid.nodes))
    assert np.allclose(running, (np.sin(3 * grid.nodes) - np.sin(-3.0)) / 3, atol=1e-14)
    assert total == pytest.approx((np.sin(6.0) - np.sin(-3.0)) / 3, abs=1e-14)


def test_constant_diffusion_is_boltzmann():
    law, exact = (
        theory.sde_law(double_well(tilt=0.1), 0.2),
        theory.boltzmann_density(double_well(tilt=0.1), 0.2),
    )
    for name in ("mean_position", "second_moment", "mean_energy"):
        assert law[name].item() == pytest.approx(exact[name].item(), rel=1e-10)


def test_state_dependent_diffusion_is_ito():
    """D = T(1 + x^2) on a quadratic: the Ito law is (1 + x^2)^-(1 + 1/(2T)), a Student law;
    Stratonovich's is wider.
    """
    temperature = 0.02
    law = theory.sde_law(
        quadratic([1.0]), lambda x: temperature * (1 + x * x), bounds=(-40.0, 40.0)
    )
    assert law.second_moment.item() == pytest.approx(temperature / (1 - temperature), rel=1e-9)
    assert law.virial.item() == pytest.approx(law.mean_diffusion.item(), rel=1e-9)
    stratonovich = temperature / (1 - 2 * temperature)
    assert abs(law.second_moment.item() / stratonovich - 1) > 0.01


def test_first_passage_of_free_diffusion():
    """Almost no force, a reflecting wall at 0: tau = (b^2 - a^2)/(2D)."""
    time = theory.mean_first_passage_time(quadratic([1e-9]), 0.3, 0.4, 1.0, wall=0.0)
    assert time.mean_time.item() == pytest.approx((1 - 0.16) / 0.6, rel=1e-8)


def test_first_passage_mirrors():
    right = theory.mean_first_passage_time(double_well(tilt=0.1), 0.1, -1.0, 0.5).mean_time.item()
    left = theory.mean_first_passage_time(double_well(tilt=-0.1), 0.1, 1.0, -0.5).mean_time.item()
    assert left == pytest.approx(right, rel=1e-11)
    with pytest.raises(ValueError, match="two different points"):
        theory.mean_first_passage_time(double_well(), 0.1, 1.0, 1.0)
