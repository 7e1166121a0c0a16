"""Langevin integrators: closed forms with mass and matrices, stability, detailed comparisons with
heavy ball."""

import numpy as np
import pytest
from numpy.testing import assert_allclose as close

from langevin_sgd import theory

H, T, DT, FRICTION, MASS = 2.0, 0.3, 0.4, 1.5, 0.8
W = DT**2 * H / (4 * MASS)  # the small number of the closed forms


EXPLICIT = "underdamped_euler_maruyama"


def covariance(*arguments, **options):
    return theory.state_covariance(theory.langevin_process(*arguments, **options))


def blocks(method, hessian=H, dt=DT):
    return theory.stationary_blocks(theory.langevin_process(hessian, T, dt, method, FRICTION, MASS))


@pytest.mark.parametrize(
    ("method", "position", "velocity"),
    [
        ("baoab", 1, 1 - W),
        ("aboba", 1, 1 / (1 - W)),
        ("obabo", 1 / (1 - W), 1),
        ("oabao", 1 - W, 1),
    ],
)
def test_splittings_have_their_closed_forms_for_any_mass_and_friction(method, position, velocity):
    x, cross, v = blocks(method)
    close(x[0, 0], T / H * position, 1e-11)
    close(v[0, 0], T / MASS * velocity, 1e-11)
    assert abs(cross[0, 0]) < 1e-14
    assert x[0, 0] != pytest.approx(2 * T / H * position, rel=0.1)


@pytest.mark.parametrize("method", ["baoab", "aboba", "obabo", "oabao"])
def test_splittings_are_stable_up_to_two_over_the_frequency(method):
    limit = 2 * np.sqrt(MASS / H)
    blocks(method, dt=0.999 * limit)
    with pytest.raises(ValueError, match="spectral radius"):
        blocks(method, dt=1.001 * limit)


def test_explicit_underdamped_euler_is_refused_where_it_is_unstable():
    """Without the check of the spectral radius a Lyapunov solver still returns numbers there."""
    with pytest.raises(ValueError, match="no stationary law"):
        covariance(25.0, T, 0.3, EXPLICIT, 1.0)


def test_overdamped_methods_on_a_matrix():
    hessian = np.array([[2.0, 0.4], [0.4, 0.7]])
    leimkuhler = covariance(hessian, T, DT, "leimkuhler_matthews")[:2, :2]
    close(leimkuhler, T * np.linalg.inv(hessian), 1e-12)
    euler = covariance(hessian, T, DT)[:2, :2]
    close(euler, theory.stationary_covariance(hessian, 2 * T / DT * np.eye(2), DT), 1e-12)


def test_semi_implicit_hmc_is_heavy_ball():
    """mu = 1 - friction dt, eta = dt^2 / m and the same kick: the same positions, velocity =
    displacement / dt."""
    noise = 2 * FRICTION * T * MASS / DT
    ball = theory.linear_sgd(H, noise, DT**2 / MASS, 1, 1 - FRICTION * DT)
    x, _, v = theory.stationary_blocks(ball)
    other = blocks("semi_implicit")
    close([other.position, other.velocity], [x, v / DT**2], 1e-11)


def test_batch_noise_adds_to_the_thermal_noise():
    sgld = covariance(H, T, DT, batch_covariance=2.0)[0, 0]
    close(sgld, (2 * DT * T + DT**2 * 2.0) / (DT * H * (2 - DT * H)), 1e-12)
    pure = covariance(H, 0.0, DT, batch_covariance=2.0)[0, 0]
    close(pure, theory.stationary_covariance(H, 2.0, DT)[0, 0], 1e-12)
    hmc = covariance(H, 0.0, DT, "semi_implicit", FRICTION, MASS, batch_covariance=2.0)
    heavy = theory.stationary_covariance(H, 2.0, DT**2 / MASS, 1, 1 - FRICTION * DT)
    close(hmc[0, 0], heavy[0, 0], 1e-11)


OVERDAMPED = ["euler_maruyama", "leimkuhler_matthews"]


@pytest.mark.parametrize("method", [*OVERDAMPED, "baoab", "semi_implicit", EXPLICIT])
def test_a_sweep_over_step_sizes_and_temperatures_is_one_call(method):
    hessian = np.array([[2.0, 0.4], [0.4, 0.7]])
    steps, temperatures = np.array([[0.05], [0.2]]), np.array([0.1, 0.3, 1.0])
    friction = None if method in OVERDAMPED else FRICTION
    noise = np.eye(2) if method in ("euler_maruyama", "semi_implicit") else None
    options = {"method": method, "friction": friction, "mass": MASS, "batch_covariance": noise}
    stacked = covariance(hessian, temperatures, steps, **options)
    assert stacked.shape == (2, 3, 4, 4)
    single = covariance(hessian, 0.3, 0.2, **options)
    close(stacked[1, 1], single, 1e-12, atol=1e-15)
