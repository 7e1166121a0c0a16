"""The steps from the particles of a rung to its symptoms and their errors, one by one."""

import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd.analysis import ledger_solutions
from langevin_sgd.analysis.ledger import LEFT_OUT, _extrapolated, _jackknife
from langevin_sgd.analysis.ledger_quadratic import gaussian_symptoms
from langevin_sgd.analysis.ledger_solutions import Moved, Plan, boltzmann_symptoms, make_ruler
from langevin_sgd.analysis.ledger_symptoms import Look, symptoms_of
from langevin_sgd.analysis.ledger_systems import Simulated, Update, make_frame

UPDATE = Update(0.1, 0.0, 1)
WELL, BOWL = ls.potentials.double_well(), ls.potentials.quadratic([1.0, 0.2])


def frame_of(model, variance):
    def covariance(x):
        return np.broadcast_to(variance * np.eye(model.dim), (len(x), model.dim, model.dim))

    return make_frame(model, covariance, UPDATE, None, np.full((1, model.dim), 0.9))


def test_the_jackknife_of_a_mean_is_its_standard_error():
    groups = np.random.default_rng(1).normal(size=LEFT_OUT)
    table = np.append(groups.mean(), (groups.sum() - groups) / (LEFT_OUT - 1))
    value, error = _jackknife(table)
    np.testing.assert_allclose(value, groups.mean(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(error, groups.std(ddof=1) / np.sqrt(LEFT_OUT), rtol=1e-12)


def test_an_error_of_first_order_is_extrapolated_away(monkeypatch):
    def linear(ruler, step):
        return {"energy": np.array([2.0 + 3.0 * step])}

    monkeypatch.setitem(_extrapolated.__globals__, "symptoms_of", linear)
    assert _extrapolated(None, Moved(0.1, 0.2, 0.0))["energy"] == pytest.approx(2.0, rel=1e-12)
    assert _extrapolated(None, Moved(0.1, None, 0.0))["energy"] == pytest.approx(2.3, rel=1e-12)


def test_particles_of_boltzmanns_law_have_its_symptoms():
    """Quantiles of the law of a double well in place of particles."""
    frame, grid = frame_of(WELL, 2.0), np.linspace(-3.0, 3.0, 200_001)
    law = np.exp(-ls.evaluate(WELL, grid[:, None], "energy") / frame.temperature)
    levels = np.random.default_rng(2).permutation(np.arange(20_000) + 0.5) / 20_000
    x = np.interp(levels, np.cumsum(law) / law.sum(), grid)[:, None]
    ruler = make_ruler(frame, False, {"boltzmann": x}, 16)
    found = symptoms_of(ruler, Look(x))
    for name, exact in boltzmann_symptoms(ruler, ["energy"]).items():
        assert found[name][0] == pytest.approx(exact, rel=2e-3), name
    assert np.allclose([found[name][0] for name in ("kl", "kl_shape")], 0.0, atol=1e-3)
    assert frame.temperature == pytest.approx(0.1)


def test_a_bowl_has_the_energy_of_its_gaussian_law():
    frame = frame_of(BOWL, 2.0)
    law = np.diag(frame.temperature / frame.curvature)
    exact = gaussian_symptoms(law, frame.curvature, frame.temperature)["energy"]
    found = boltzmann_symptoms(make_ruler(frame, True, {}, 16), ["energy"])["energy"]
    assert found == pytest.approx(float(np.ravel(exact)[0]), rel=1e-12)


def test_rotations_are_those_of_the_current():
    """Of a Gaussian law p under tilted noise, with the current J = K y p; plain and weighted."""
    frame, mobility, noise = frame_of(BOWL, 2.0), 2.0, np.array([[0.5, 0.2], [0.2, 0.3]])
    h, tilted = frame.curvature, frame.basis @ noise @ frame.basis.T
    law = noise / (mobility * np.add.outer(h, h))
    current = noise @ np.linalg.inv(law) / 2 - mobility * np.diag(h)
    weighted = np.linalg.inv(np.linalg.inv(law) + 2 * np.diag(h) / frame.temperature)
    y = np.random.default_rng(1).multivariate_normal(np.zeros(2), law, 100_000)
    look = Look(y @ frame.basis.T, None, lambda x: np.broadcast_to(tilted, (len(x), 2, 2)), 2.0)
    found = symptoms_of(make_ruler(frame, True, {}, 16), look)
    for name, second in ("rotation", law), ("weighted_rotation", weighted):
        share = np.sqrt(np.linalg.det(second) / np.linalg.det(law))
        exact = share * float(np.diff((current @ second)[[0, 1], [1, 0]])[0])
        value, error = _jackknife(found[f"{name}_0_1"])
        assert abs(value - exact) < 4 * error < abs(exact) / 3, name


def test_the_drift_is_the_change_of_the_mean_energy_in_its_standard_errors():
    sgd, noise = ls.dynamics.sgd(0.1), ls.noise.gaussian([0.02, 0.02])
    plan = Plan(BOWL, 128, 10, 1, np.array([2.0, 1.0]))
    moved = ledger_solutions.simulated(plan, frame_of(BOWL, 0.02), UPDATE, Simulated(sgd, noise))
    run = ls.simulate(BOWL, sgd, noise, particles=128, steps=10, every=5, seed=1, x0=plan.x0)
    before, end = (ls.evaluate(BOWL, run.x.values[k], "energy") for k in (1, 2))
    change = end - before
    z = change.mean() / (change.std(ddof=1) / np.sqrt(len(change)))
    assert moved.drift == pytest.approx(z, rel=1e-9) and z < -10
