"""The law of a Langevin integrator: Gaussian on a quadratic, that of the same chain from its
transfer operator on a double well."""

import numpy as np
import pytest
from pytest import approx

from langevin_sgd import theory
from langevin_sgd.models.potentials import double_well, quadratic

H, T, DT, FRICTION, MASS = 2.0, 0.3, 0.4, 1.5, 0.8
OVERDAMPED = "euler_maruyama", "leimkuhler_matthews"
UNDERDAMPED = "baoab", "aboba", "obabo", "oabao", "semi_implicit"


@pytest.mark.parametrize("method", [*OVERDAMPED, *UNDERDAMPED])
def test_on_a_quadratic_it_is_the_gaussian_of_the_linear_process(method):
    friction = None if method in OVERDAMPED else FRICTION
    law = theory.langevin_law(quadratic([H]), T, DT, method, friction, MASS)
    process = theory.langevin_process(H, T, DT, method, friction, MASS)
    exact = theory.state_covariance(process)
    assert law.second_moment.item() == approx(exact[0, 0], rel=1e-10)
    assert law.fourth_moment.item() == approx(3 * exact[0, 0] ** 2, rel=1e-9)
    if friction:
        assert law.velocity_second_moment.item() == approx(exact[1, 1], rel=1e-10)
        assert law.position_velocity.item() == approx(exact[0, 1], abs=1e-12)


def test_euler_maruyama_in_a_double_well_is_sgd_with_its_noise():
    law = theory.langevin_law(double_well(tilt=0.1), T, 0.1)
    sgd = theory.transfer_operator(double_well(tilt=0.1), 2 * T / 0.1, 0.1)
    for name in ("mean_position", "second_moment", "mean_energy"):
        assert law[name].item() == approx(sgd[name].item(), rel=1e-9)
    assert law.second_moment_error.item() < 1e-9


def test_the_semi_implicit_method_in_a_double_well_is_heavy_ball_with_its_noise():
    dt = 0.2
    law = theory.langevin_law(double_well(tilt=0.1), T, dt, "semi_implicit", FRICTION, MASS)
    noise, mu = 2 * FRICTION * T * MASS / dt, 1 - FRICTION * dt
    well = double_well(tilt=0.1)
    ball = theory.transfer_operator_heavy_ball(well, noise, dt**2 / MASS, momentum=mu)
    assert law.mean_energy.item() == approx(ball.mean_energy.item(), rel=1e-9)
    velocity = ball.velocity_second_moment.item() / dt**2
    assert law.velocity_second_moment.item() == approx(velocity, rel=1e-9)


@pytest.mark.parametrize(("method", "order"), dict.fromkeys(UNDERDAMPED, 2).items())
def test_the_error_of_the_mean_energy_in_a_double_well_has_the_order_of_the_method(method, order):
    well, steps = double_well(), np.array([0.05, 0.1])
    exact = theory.boltzmann_density(well, T).mean_energy.item()
    laws = [theory.langevin_law(well, T, dt, method, FRICTION) for dt in steps]
    coarse, fine = (abs(law.mean_energy.item() - exact) for law in laws[::-1])
    assert np.log2(coarse / fine) == approx(order, abs=0.1)
