"""Particles on a circle: von Mises' law, the free tilted particle, and the limit of small steps."""

import numpy as np
import pytest
import scipy.sparse.linalg
from pytest import approx
from scipy.special import iv
from theory.landscapes import CIRCLE, parabola, pendulum

from langevin_sgd import theory


def mean_cosine(law):
    return float((law.density * law.weight * np.cos(law.axis_0)).sum())


def test_without_a_potential_the_law_is_uniform_and_moves_with_the_force():
    law = theory.transfer_operator_circle(pendulum(0.0), 1.0, 0.3, force=0.7)
    assert np.allclose(law.density, 1 / (2 * np.pi), rtol=1e-12)
    assert law.mean_velocity.item() == approx(0.7, rel=1e-12)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_chain_tends_to_the_diffusion_with_the_learning_rate(batch_size):
    """D = eta Sigma/(2 B): E cos x at eta = 0.1 and 0.05 errs in a ratio of 2, first order."""
    exact = mean_cosine(theory.sde_law_circle(pendulum(), 0.5, force=0.6))

    def error(eta):
        setting = pendulum(), batch_size / eta, eta, batch_size
        return mean_cosine(theory.transfer_operator_circle(*setting, force=0.6)) - exact

    assert 1.8 < error(0.1) / error(0.05) < 2.2


def test_the_domain_is_the_circle_and_a_drift_is_a_force():
    law = theory.sde_law_circle(pendulum(domain=CIRCLE), 0.5)
    assert law.axis_0.values[0] == -np.pi
    assert mean_cosine(law) == approx(iv(1, 2) / iv(0, 2), rel=1e-12)
    assert abs(law.current.item()) < 1e-14
    pushed = theory.transfer_operator_circle(parabola(0.0, push=0.7), 1.0, 0.3)
    assert pushed.mean_velocity.item() == approx(0.7, rel=1e-12)


@pytest.mark.parametrize("model", [pendulum(), pendulum(domain=CIRCLE)])
def test_the_grid_solver_finds_the_same_current(model):
    driven = theory.sde_law_circle(model, lambda x: 0.5 + 0.2 * np.cos(x), force=0.6)
    box = {} if model.domain else {"bounds": [(0, 2 * np.pi)], "boundary": "periodic"}
    box |= {"points": 400, "force": lambda x: np.full_like(x, 0.6)}
    slow = theory.fokker_planck(model, lambda x: 0.5 + 0.2 * np.cos(x[:, 0]), **box)
    for name, tolerance in (("mean_velocity", 1e-7), ("entropy_production", 1e-6)):
        assert slow[name].item() == approx(driven[name].item(), rel=tolerance)


def test_entropy_production_is_force_times_velocity_over_temperature():
    law = theory.sde_law_circle(pendulum(), 0.5, force=0.6)
    assert law.entropy_production.item() == approx(0.6 * law.mean_velocity.item() / 0.5, rel=1e-11)


@pytest.mark.parametrize("reached", ["to the last place", "to 1e-14", "never"])
def test_equal_eigenvalues_are_found_though_the_solver_may_not_call_them_converged(
    reached, monkeypatch
):
    """A free particle: cos x and sin x decay at the same rate, exp(-sd^2/2). Whether ARPACK stops
    at tolerance zero then hangs on the last digits of a machine."""
    solve = scipy.sparse.linalg.eigs

    def eigs(matrix, tol, **options):
        if reached == "never" or (reached == "to 1e-14" and tol == 0):
            raise scipy.sparse.linalg.ArpackNoConvergence("planted", [], [])
        return solve(matrix, tol=tol, **options)

    monkeypatch.setattr(scipy.sparse.linalg, "eigs", eigs)
    chain = pendulum(0.0), 1.0, 0.03
    if reached == "never":
        with pytest.raises(ValueError, match="the chain mixes too slowly"):
            theory.transfer_operator_circle(*chain)
        return
    law = theory.transfer_operator_circle(*chain)
    assert law.relaxation_eigenvalue.item() == approx(np.exp(-(0.03**2) / 2), rel=1e-11)
