"""The temperature matrix: T = S H on a Gaussian law, calibrated errors, exact values in the double
well.
"""

import numpy as np
import pytest
from synthetic_runs import gaussian_run, unit_variance

import langevin_sgd as ls

HESSIAN = np.array([[2.0, 0.5], [0.5, 1.0]])
COVARIANCE = np.array([[0.5, 0.2], [0.2, 0.8]])
EXACT_WELL = np.array(
    [[0.3604204026410813, -0.08950817006530551], [0.054420849115735845, 0.1139140434636934]]
)  # oracle dw2d_aniso


def z_scores(exact=COVARIANCE @ HESSIAN, error_factor=1.0):
    bowl = ls.potentials.quadratic(HESSIAN)
    results = [
        ls.analysis.equipartition(gaussian_run(COVARIANCE, 500, seed), bowl).isel(step=0)
        for seed in range(200)
    ]
    return [
        (r.temperature.values - exact) / (error_factor * r.standard_error.values) for r in results
    ]


def test_matrix_and_errors_are_calibrated_on_a_gaussian_law():
    assert unit_variance(z_scores(), kurtosis_excess=1.0)


def test_a_factor_of_two_is_seen():
    assert not unit_variance(z_scores(2 * COVARIANCE @ HESSIAN), kurtosis_excess=1.0)
    assert not unit_variance(z_scores(error_factor=2.0), kurtosis_excess=1.0)
    assert not unit_variance(z_scores(error_factor=0.5), kurtosis_excess=1.0)


def test_double_well_has_the_exact_virial(well_run, well):
    result = ls.analysis.equipartition(well_run.isel(step=-1), well)
    assert result.temperature.dims == ("component", "component_j")
    assert np.all(np.abs(result.temperature - EXACT_WELL) < 4 * result.standard_error)
    assert result.standard_error.max() < 0.01


def test_every_stored_step_has_its_matrix(well_run, well):
    result = ls.analysis.equipartition(well_run, well)
    assert result.temperature.dims == (
        "step",
        "component",
        "component_j",
    ) and result.step.values.tolist() == [0, 700]
    assert np.all(result.temperature[0] == 0)  # all particles started at one point


def test_directions_rotate_the_matrix():
    run, bowl = gaussian_run(COVARIANCE, 300, 1), ls.potentials.quadratic(HESSIAN)
    vectors = np.linalg.eigh(HESSIAN)[1]
    plain, turned = (
        ls.analysis.equipartition(run, bowl, directions=v).temperature.values[0]
        for v in (None, vectors)
    )
    assert np.allclose(turned, vectors.T @ plain @ vectors, rtol=1e-12)


def test_weight_decay_belongs_to_the_potential():
    decayed = gaussian_run(COVARIANCE, 300, 1, dynamics=("sgd", {"weight_decay": 0.3}))
    ridged = ls.potentials.quadratic(HESSIAN + 0.3 * np.eye(2))
    results = [
        ls.analysis.equipartition(decayed, ls.potentials.quadratic(HESSIAN)),
        ls.analysis.equipartition(gaussian_run(COVARIANCE, 300, 1), ridged),
    ]
    assert np.allclose(results[0].temperature, results[1].temperature, rtol=1e-12)


def test_messages():
    run, bowl = gaussian_run(COVARIANCE, 300, 1), ls.potentials.quadratic(HESSIAN)
    with pytest.raises(ValueError, match="dimension of the run, 2, but 'double_well' has 1"):
        ls.analysis.equipartition(run, ls.potentials.double_well())
    with pytest.raises(ValueError, match="orthonormal columns"):
        ls.analysis.equipartition(run, bowl, directions=HESSIAN)
    with pytest.raises(ValueError, match=r"shape \(2, k\)"):
        ls.analysis.equipartition(run, bowl, directions=np.eye(3))
