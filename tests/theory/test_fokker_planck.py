"""Fokker-Planck on a grid: monotone for every orientation of D, second order, and the exact laws of
the field."""

import numpy as np
import pytest
from pytest import approx
from theory.landscapes import WALLS, parabola

from langevin_sgd import theory
from langevin_sgd.models.potentials import Potential, double_well, from_expression, quadratic

HESSIAN = np.array([[2.0, 0.5], [0.5, 0.7]])
FULL = np.array([[0.3, 0.1], [0.1, 0.05]])
WELL = double_well(dim=2, coupling=0.8)


def rotated(angle, condition):
    c, s = np.cos(angle), np.sin(angle)
    rotation = np.array([[c, -s], [s, c]])
    return 0.3 * rotation @ np.diag([1.0, 1 / condition]) @ rotation.T


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_selling_decomposes_any_positive_matrix(dim):
    random = np.random.default_rng(dim)
    factors = random.normal(size=(500, dim, dim + 1))
    matrix = factors @ factors.transpose(0, 2, 1)
    weights, offsets = theory.selling_decomposition(matrix)
    rebuilt = np.einsum("nk,nki,nkj->nij", weights, offsets, offsets)
    assert weights.min() >= 0 and weights.shape == (500, dim * (dim + 1) // 2)
    assert np.abs(rebuilt - matrix).max() < 1e-12 * np.abs(matrix).max()


def test_isotropic_constant_noise_is_boltzmann_at_every_node():
    law = theory.fokker_planck(WELL, 0.2, points=60)
    exact = np.exp(-(law.energy - law.energy.min()) / 0.2)
    exact /= (exact * law.weight).sum()
    assert np.abs(law.density / exact - 1).max() < 1e-11
    assert np.abs(law.current).max() < 1e-13
    assert abs(law.entropy_production.item()) < 1e-20


def test_generator_conserves_probability_and_is_monotone():
    generator = theory.fokker_planck_generator(WELL, FULL, points=40)
    matrix = generator.matrix.tocoo()
    assert matrix.data[matrix.row != matrix.col].min() >= 0
    assert np.abs(generator.matrix.sum(axis=0)).max() < 1e-12 * np.abs(matrix.data).max()


def test_order_of_accuracy_on_a_non_commuting_process():
    """The plain covariance converges with order 2, the extrapolated one with order 4; current and
    entropy production too."""
    exact = theory.ornstein_uhlenbeck(HESSIAN, FULL)
    bounds = [(-3.2, 3.2), (-2.9, 2.9)]
    plain, better, production = [], [], []
    for points in (40, 80):
        law = theory.fokker_planck(quadratic(HESSIAN), FULL, points=points, bounds=bounds)
        x = np.stack(np.meshgrid(law.axis_0, law.axis_1, indexing="ij"), -1).reshape(-1, 2)
        p = (law.density * law.weight).values.ravel()
        miss = np.abs(law.second_moment.values - exact.covariance)
        plain.append(np.abs((x * p[:, None]).T @ x - exact.covariance).max())
        better.append(miss.max())
        production.append(abs(law.entropy_production.item() / exact.entropy_production - 1))
        assert law.density.min() >= 0
        assert (miss <= law.second_moment_error.values + 1e-9).all()
    assert 1.8 < np.log2(plain[0] / plain[1]) < 2.2
    assert np.log2(better[0] / better[1]) > 3.4
    assert production[1] < min(5e-3, production[0] / 8)
    assert law.area_rate.values[0, 1] == approx(exact.circulation[0, 1], rel=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("condition", "tolerance"), [(10, 2e-3), (100, 0.1)])
def test_every_angle_of_an_anisotropic_diffusion(condition, tolerance):
    """At a condition number of 100 the ridge of the density is about two cells wide: the law says
    so in its error."""
    for angle in np.linspace(0.05, np.pi, 6):
        diffusion = rotated(angle, condition)
        exact = theory.ornstein_uhlenbeck(HESSIAN, diffusion).covariance
        law = theory.fokker_planck(quadratic(HESSIAN), diffusion, points=80)
        miss = np.abs(law.second_moment.values - exact).max()
        assert law.density.min() >= 0
        assert miss < tolerance * np.abs(exact).max()
        assert miss < 2 * law.second_moment_error.max() + 1e-6


def swirl(x):
    """A state-dependent D under which the law of drift -grad(r^2/2) is exactly exp(-r^2/2), with a
    current."""
    u, v = x[:, 0], x[:, 1]
    bump = 0.9 * np.exp(-(u * u + v * v) / 2)
    along, across = 2 * u * v * bump, (u * u - v * v) * bump
    return np.array([[1 - along, across], [across, 1 + along]]).transpose(2, 0, 1)


def test_right_density_wrong_physics():
    """Boltzmann's density with a tangential current J_t = -eps (4r - 2r^3) exp(-r^2)/(2 pi), whose
    total area rate is zero."""
    law = theory.fokker_planck(quadratic([1.0, 1.0]), swirl, points=100, bounds=[(-6, 6), (-6, 6)])
    assert np.allclose(law.second_moment, np.eye(2), atol=2e-4)
    assert abs(law.area_rate.values[0, 1]) < 1e-3
    x, y = law.axis_0, law.axis_1
    turn = x * law.current[..., 1] - y * law.current[..., 0]
    weighted = float((turn * np.exp(-(x**2) - y**2) * law.weight).sum())
    assert weighted == approx(-0.225, rel=0.02)


def test_rotational_force_keeps_the_density():
    """Drift -grad Phi + A grad Phi with antisymmetric A and D = 1 (as in Chaudhari and Soatto's
    example): density exp(-Phi)."""
    turn = 1.5

    def force(x):
        slope = np.stack([x[:, 0] * (x[:, 0] ** 2 - 1), x[:, 1]], axis=-1)
        return turn * np.stack([slope[:, 1], -slope[:, 0]], axis=-1)

    law = theory.fokker_planck(double_well(dim=2), 1.0, points=100, force=force)
    exact = theory.boltzmann_density(double_well(dim=2), 1.0)
    assert np.allclose(law.second_moment, exact.second_moment, rtol=1e-3, atol=1e-3)
    # J = A grad Phi p: entropy production turn^2 E|grad Phi|^2, and E|grad Phi|^2 = E Laplacian Phi
    # = 3 E x^2 - 1 + 1.
    assert law.entropy_production.item() == approx(
        turn**2 * 3 * exact.second_moment.values[0, 0], rel=5e-3
    )


def test_degenerate_diffusion_is_lifted_by_the_floor():
    rank_one = np.array([[1.0, 1.0], [1.0, 1.0]]) * 0.1
    law = theory.fokker_planck(quadratic(HESSIAN), rank_one, points=60, floor=1e-2)
    lifted = rank_one + 0.002 * np.array([[0.5, -0.5], [-0.5, 0.5]])
    exact = theory.ornstein_uhlenbeck(HESSIAN, lifted).covariance
    assert np.abs(law.second_moment.values - exact).max() < 0.05 * np.abs(exact).max()


def test_state_dependent_diffusion_on_the_line():
    """D = c(U + u0), the Student law of mean-square losses, on a box; against quadrature on the
    same box."""

    def spread(x):
        return 0.15 * (x * x / 2 + 0.5)

    well, bounds = quadratic([1.0]), (-6.0, 6.0)
    exact = theory.sde_law(well, spread, bounds=bounds)
    law = theory.fokker_planck(well, lambda x: spread(x[:, 0]), bounds=bounds, points=400)
    assert law.second_moment.item() == approx(exact.second_moment.item(), rel=1e-6)
    inside = law.where(np.abs(law.axis_0) < 2, drop=True)
    ratio = inside.density * (inside.axis_0**2 / 2 + 0.5) ** (1 + 1 / 0.15)
    assert np.abs(ratio / ratio.mean() - 1).max() < 2e-3


@pytest.mark.parametrize("well", [parabola(domain=WALLS), parabola(2.0, push=1.0)])
def test_walls_and_drift_of_the_potential_count(well):
    exact, law = theory.sde_law(well, 0.4), theory.fokker_planck(well, 0.4, points=200)
    for name in ("mean_position", "second_moment"):
        assert law[name].item() == approx(exact[name].item(), rel=1e-6, abs=1e-12)


def test_a_periodic_domain_has_a_seam():
    """The ends of this energy are level, their slopes are not: beyond the seam it is another."""
    formula = from_expression("(1 - x**2) * (2 + x)", "x")
    ring = Potential(*formula[:5], domain=[("periodic", -1.0, 1.0)])
    law, exact = theory.fokker_planck(ring, 1.0, points=200), theory.boltzmann_density(ring, 1.0)
    assert law.mean_position.item() == approx(exact.mean_position.item(), abs=1e-5)
    assert np.abs(law.current).max() < 1e-12


@pytest.mark.slow
def test_limit_of_the_transfer_operator():
    """D = eta Sigma/(2B): E x x' of SGD at eta = 0.1 and 0.05, extrapolated to zero, is the
    Fokker-Planck one."""
    diffusion = np.array([0.3, 0.1])
    coarse, fine = (
        theory.transfer_operator(WELL, 8 * diffusion / eta, eta, batch_size=4).second_moment.values
        for eta in (0.1, 0.05)
    )
    limit = theory.fokker_planck(WELL, diffusion).second_moment.values
    assert np.abs(2 * fine - coarse - limit).max() < 4e-3
    assert np.abs(coarse - limit).max() > 1e-2


def test_time_evolution_and_relaxation_of_a_quadratic():
    generator = theory.fokker_planck_generator(
        quadratic([1.0]), 0.5, points=200, bounds=[(-5.0, 5.0)]
    )
    x = generator.axes[0]
    spacing = x[1] - x[0]
    start = np.exp(-(((x - 1) / 0.3) ** 2) / 2)
    start /= start.sum() * spacing
    later = theory.evolve_density(generator, start, [0.5, 1.0])
    assert np.allclose(later.sum(axis=1) * spacing, 1, atol=1e-12) and later.min() >= 0
    assert np.allclose(later @ x * spacing, np.exp([-0.5, -1.0]), rtol=1e-3)
    assert np.allclose(theory.relaxation_rates(generator, 3), [0, 1, 2], atol=3e-3)


def test_absorbing_walls():
    """dx = -x dt + sqrt(2) dW, absorbed at -1 and 1: the slowest rate is 2, because f = 1 - x^2
    solves f'' - x f' = -2 f."""
    generator = theory.fokker_planck_generator(
        quadratic([1.0]), 1.0, points=200, bounds=[(-1.0, 1.0)], boundary="absorbing"
    )
    assert theory.relaxation_rates(generator, 1)[0] == approx(2, rel=1e-4)


def test_three_dimensions():
    hessian = np.diag([1.0, 2.0, 1.5])
    diffusion = np.array([[0.2, 0.08, 0.0], [0.08, 0.2, 0.05], [0.0, 0.05, 0.3]])
    law = theory.fokker_planck(quadratic(hessian), diffusion, points=20, bounds=[(-2.2, 2.2)] * 3)
    exact = theory.ornstein_uhlenbeck(hessian, diffusion).covariance
    assert np.abs(law.second_moment.values - exact).max() < 0.02 * np.abs(exact).max()
