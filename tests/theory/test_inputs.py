"""The shared checks: what they accept, and that each refusal names the argument and its value."""

import numpy as np
import pytest

from langevin_sgd.theory import inputs


def test_scalars_and_vectors_are_diagonals():
    np.testing.assert_array_equal(inputs.symmetric_matrix("hessian", 2), [[2.0]])
    np.testing.assert_array_equal(inputs.symmetric_matrix("hessian", [1, 2]), np.diag([1.0, 2.0]))
    assert inputs.symmetric_matrix("hessian", np.ones((5, 1, 1))).shape == (5, 1, 1)


def test_rounding_is_symmetrised_and_more_is_refused():
    nearly = np.array([[1.0, 0.3], [0.3 + 1e-13, 1.0]])
    clean = inputs.symmetric_matrix("hessian", nearly)
    assert clean[0, 1] == clean[1, 0]
    with pytest.raises(ValueError, match="hessian is not symmetric"):
        inputs.symmetric_matrix("hessian", [[1.0, 0.3], [0.2, 1.0]])


@pytest.mark.parametrize(
    ("value", "error"), [(2.5, ValueError), (0, ValueError), (True, TypeError), ("3", TypeError)]
)
def test_whole_numbers_are_whole(value, error):
    with pytest.raises(error, match="steps = .* whole number that is at least 1"):
        inputs.whole_number("steps", value, 1)
    assert inputs.whole_number("steps", np.int64(3), 1) == inputs.whole_number("steps", 3.0, 1) == 3


def test_intervals_are_open_or_closed_as_written():
    assert inputs.in_range("momentum", 0.0, 0.0, 1.0, closed_low=True) == 0
    with pytest.raises(ValueError, match=r"momentum = 1 is outside its range \[0, 1\)"):
        inputs.in_range("momentum", [0.5, 1.0], 0.0, 1.0, closed_low=True)
    with pytest.raises(ValueError, match=r"learning_rate = 0 is outside its range \(0, inf\)"):
        inputs.positive("learning_rate", 0)


def test_covariances_are_semidefinite_and_metrics_definite():
    inputs.covariance_matrix("noise_covariance", [1.0, 0.0])
    with pytest.raises(ValueError, match="noise_covariance has the eigenvalue -1"):
        inputs.covariance_matrix("noise_covariance", [[0.0, 1.0], [1.0, 0.0]])
    with pytest.raises(ValueError, match="must be positive definite"):
        inputs.positive_matrix("hessian", [1.0, 0.0])
    with pytest.raises(TypeError, match="hessian = "):
        inputs.real_array("hessian", 1j)
