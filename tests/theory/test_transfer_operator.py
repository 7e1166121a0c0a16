"""The transfer operator against the linear chain (any learning rate, any noise) and against its own
exact identities."""

import numpy as np
import pytest
from pytest import approx

from langevin_sgd import theory
from langevin_sgd.models.potentials import double_well, quadratic

HESSIAN = np.array([[2.0, 0.5], [0.5, 0.7]])
SIGMA = np.array([[1.0, 0.6], [0.6, 0.8]])
WELL, INF = double_well(dim=2, coupling=0.8), np.inf


@pytest.fixture(scope="module")
def correlated():
    return theory.transfer_operator(WELL, SIGMA, 0.15)


def test_quadratic_chain_is_the_discrete_lyapunov_gaussian():
    """At this learning rate the Langevin covariance is wrong by tens of percent: the twin."""
    law = theory.transfer_operator(quadratic(HESSIAN), SIGMA, 0.5, batch_size=2)
    exact = theory.stationary_covariance(HESSIAN, SIGMA, 0.5, 2)
    assert np.allclose(law.second_moment, exact, rtol=1e-11)
    small = theory.small_step_covariance(HESSIAN, SIGMA, 0.5, 2)
    assert np.abs(law.second_moment.values / small - 1).max() > 0.1
    assert np.allclose(law.lag_one_moment, exact @ (np.eye(2) - 0.5 * HESSIAN), rtol=1e-10)
    slowest = 1 - 0.5 * np.linalg.eigvalsh(HESSIAN).min()
    assert law.relaxation_eigenvalue.item() == approx(slowest, rel=1e-11)
    entropy = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * exact)[1]
    assert law.entropy.item() == approx(entropy, abs=1e-11)
    points = np.array([[0.0, 0.0], [0.4, -0.3], [1.0, 0.5]])
    distance = np.einsum("ni,ij,nj->n", points, np.linalg.inv(exact), points)
    density = np.exp(-0.5 * distance) / np.sqrt(np.linalg.det(2 * np.pi * exact))
    assert np.allclose(theory.stationary_density(law, points), density, rtol=1e-9)


def test_exact_identities(correlated):
    """E[g] = 0 and E[x g'] + E[g x'] = eta (E[g g'] + E[C]): a factor 2 in the noise would break
    the second. The integral of x_i J_j is the area per step, and that of J is zero."""
    assert np.abs(correlated.mean_gradient).max() < 1e-11
    assert np.abs(correlated.virial_residual).max() < 1e-12
    assert np.allclose(correlated.mean_batch_covariance, SIGMA, rtol=1e-12)
    wrong = correlated.virial_residual - 0.15 * correlated.mean_batch_covariance
    assert np.abs(wrong).max() > 0.05
    grid = np.stack(np.meshgrid(correlated.axis_0, correlated.axis_1, indexing="ij"), -1)
    x = (grid @ correlated.rotation.values.T).reshape(-1, 2)
    flow = (correlated.current * correlated.weight).values.reshape(-1, 2)
    assert np.allclose(x.T @ flow, correlated.area_per_step, atol=1e-12)
    assert abs(correlated.area_per_step.values[0, 1]) > 1e-3
    assert np.abs(flow.sum(axis=0)).max() < 1e-12


def test_errors_are_carried(correlated):
    for name in ("second_moment", "mean_energy", "virial", "relaxation_eigenvalue", "entropy"):
        assert 0 <= correlated[f"{name}_error"].max() < 1e-10
        assert correlated[name].attrs["units"]


def test_bins_of_correlated_noise_agree_with_the_density(correlated):
    edges = [np.linspace(-1.5, 1.5, 13), np.array([-2.0, -0.5, 0.1, 2.0])]
    bins = theory.bin_probabilities(correlated, edges)
    nodes, weights = np.polynomial.legendre.leggauss(24)
    x, y = 0.25 * (nodes + 1) / 2 + edges[0][7], 0.6 * (nodes + 1) / 2 + edges[1][1]
    density = theory.stationary_density(correlated, np.stack(np.meshgrid(x, y, indexing="ij"), -1))
    assert bins[7, 1] == approx(weights @ density @ weights * 0.125 * 0.3, rel=1e-11)
    wide = theory.bin_probabilities(correlated, [np.linspace(-4, 4, 9), [-INF, INF]])
    assert wide.sum() == approx(1, abs=1e-11)


def test_bins_of_diagonal_noise():
    law = theory.transfer_operator(WELL, [4.0, 4.0 / 3], 0.15)
    edges = np.linspace(-4, 4, 33)
    assert theory.bin_probabilities(law, [edges, edges]).sum() == approx(1, abs=1e-11)
    half = theory.bin_probabilities(law, [[-INF, 0.0, INF], [-INF, INF]])
    assert half[:, 0] == approx([0.5, 0.5], abs=1e-10)


def test_state_dependent_noise_in_one_dimension():
    """A constant variance given as a function is the constant; and the virial identity holds with
    E[C] for one that varies."""
    constant, function, varying = (
        theory.transfer_operator(double_well(), noise, 0.1)
        for noise in (4.0, lambda x: np.full_like(x, 4.0), lambda x: 2.0 * (1 + x * x))
    )
    assert function.second_moment.item() == approx(constant.second_moment.item(), rel=1e-12)
    assert abs(varying.virial_residual.item()) < 1e-12
    mean = 2 * (1 + varying.second_moment.item())
    assert varying.mean_batch_covariance.item() == approx(mean, rel=1e-12)


def test_best_boltzmann_of_a_boltzmann_law_is_itself():
    """Isotropic noise on an isotropic quadratic: exactly Boltzmann at eta sigma^2/(2 - eta h), so
    KL is zero."""
    law = theory.transfer_operator(quadratic([1.0, 1.0]), 2.0, 0.4)
    best = theory.best_boltzmann(law, quadratic([1.0, 1.0]))
    assert best.temperature.item() == approx(0.4 * 2.0 / (2 - 0.4), rel=1e-11)
    assert abs(best.kl.item()) < 1e-10


def test_bounds_pick_one_of_two_separate_wells():
    """At a temperature of 1/80 of the barrier the wells are separate, and the law of one is nearly
    Gaussian: variance T/U''."""
    law = theory.transfer_operator(double_well(), 0.06, 0.1, bounds=[(0.2, 1.8)])
    mean = law.mean_position.item()
    assert law.second_moment.item() - mean**2 == approx(0.0015 / 0.9, rel=0.02)
    assert mean == approx(1.0, abs=0.01)
