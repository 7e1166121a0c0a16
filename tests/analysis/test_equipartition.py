"""The temperature matrix: T = S H on a Gaussian law, calibrated errors, exact values in the double
well.
"""

import numpy as np
import pytest
from synthetic_runs import gaussian_run, unit_variance

import langevin_sgd as ls

HESSIAN = np.array([[2.0, 0.5], [0.5, 1.0]])
COVARIANCE = np.array([[0.5, 0.2], [0.2, 0.8]])
# Oracle dw2d_aniso.
EXACT_WELL = np.array(
    [[0.3604204026410813, -0.08950817006530551], [0.054420849115735845, 0.1139140434636934]]
)
BOWL = ls.potentials.quadratic(HESSIAN)
equipartition = ls.analysis.equipartition


FACTORS = [(1.0, 1.0), (2.0, 1.0), (1.0, 2.0), (1.0, 0.5)]


@pytest.mark.parametrize(("exact_factor", "error_factor"), FACTORS)
def test_matrix_and_errors_are_calibrated_on_a_gaussian_law(exact_factor, error_factor):
    """The twins: a matrix or an error that is wrong by two is seen."""
    z = []
    for seed in range(200):
        result = equipartition(gaussian_run(COVARIANCE, 500, seed), BOWL).isel(step=0)
        away = result.temperature.values - exact_factor * COVARIANCE @ HESSIAN
        z.append(away / (error_factor * result.temperature_standard_error.values))
    assert unit_variance(z, kurtosis_excess=1.0) == (exact_factor == error_factor == 1.0)


def test_double_well_has_the_exact_virial(well_run, well):
    result = equipartition(well_run.isel(step=-1), well)
    assert result.temperature.dims == ("component", "component_j")
    assert np.all(np.abs(result.temperature - EXACT_WELL) < 4 * result.temperature_standard_error)
    assert result.temperature_standard_error.max() < 0.01
    steps = equipartition(well_run, well)
    assert steps.temperature.dims == ("step", "component", "component_j")
    assert steps.step.values.tolist() == [0, 700]
    assert np.all(steps.temperature[0] == 0)  # all particles started at one point


def test_where_the_particles_stand_does_not_count():
    """Both factors are centred: a bowl and its particles moved by 50 widths have the same matrix
    and errors.
    """
    run = gaussian_run(COVARIANCE, 300, 1)
    away = run.assign(x=run.x + np.array([40.0, -30.0]))
    here, there = (equipartition(one, BOWL) for one in (run, away))
    for name in here:
        np.testing.assert_allclose(there[name], here[name], rtol=1e-9)


def test_a_bath_that_has_a_temperature_too_does_not_stand_in_for_the_matrix():
    run = gaussian_run(COVARIANCE, 300, 1)
    of_bath = equipartition(run.assign_coords(temperature=0.3, friction=2.0), BOWL)
    np.testing.assert_array_equal(of_bath.temperature, equipartition(run, BOWL).temperature)
    assert of_bath.friction == 2.0


def test_directions_rotate_the_matrix():
    run, vectors = gaussian_run(COVARIANCE, 300, 1), np.linalg.eigh(HESSIAN)[1]
    plain, turned = (equipartition(run, BOWL, directions=v) for v in (None, vectors))
    exact = vectors.T @ plain.temperature.values[0] @ vectors
    assert np.allclose(turned.temperature[0], exact, rtol=1e-12)
    assert plain.component.values.tolist() == ["x0", "x1"]
    assert turned.component_j.values.tolist() == ["direction 0", "direction 1"]


def test_weight_decay_belongs_to_the_potential():
    decayed = gaussian_run(COVARIANCE, 300, 1, dynamics=("sgd", {"weight_decay": 0.3}))
    ridged = ls.potentials.quadratic(HESSIAN + 0.3 * np.eye(2))
    results = equipartition(decayed, BOWL), equipartition(gaussian_run(COVARIANCE, 300, 1), ridged)
    assert np.allclose(*(result.temperature for result in results), rtol=1e-12)


def test_the_divisor_is_one_less_than_the_particles():
    """Exactly cov(x) H with the unbiased covariance of 255 particles, however it is taken."""
    run = gaussian_run(COVARIANCE, 255, 5)
    exact = np.cov(run.x.values[-1].T) @ HESSIAN
    np.testing.assert_allclose(equipartition(run, BOWL).temperature[-1], exact, rtol=1e-11)
    tested = ls.analysis.boltzmann_test(run, BOWL)
    np.testing.assert_allclose(tested.directional_temperature, np.diag(exact), rtol=1e-11)
    given = {"dynamics": ls.dynamics.sgd(0.1), "noise_covariance": COVARIANCE}
    budget = ls.analysis.temperature_budget(run, BOWL, **given)
    np.testing.assert_allclose(budget.virial, (exact + exact.T) / 2, rtol=1e-11)
