"""The covariance of per-example gradients against the closed form of logistic regression, and its
eigenvectors.
"""

import numpy as np
import pytest
from refusals import refusal

import langevin_sgd as ls

POINT = np.array([0.4, -0.7])


def test_logistic_regression_has_the_closed_form(table):
    result = ls.analysis.gradient_covariance(table, POINT)
    exact = ls.theory.logistic_statistics(table.data[:, :2], table.data[:, 2], POINT)
    assert np.allclose(
        result.covariance, exact.noise_covariance, rtol=1e-12
    )  # the ridge moves the mean, not the covariance
    assert np.allclose(result.mean_gradient, exact.gradient + 0.1 * POINT, rtol=1e-12)
    assert result.trace.item() == pytest.approx(np.trace(exact.noise_covariance), rel=1e-12)


def test_eigenvectors_are_orthonormal_ordered_and_signed(table):
    result = ls.analysis.gradient_covariance(table, POINT)
    vectors, values = result.eigenvectors.values, result.eigenvalues.values
    assert np.allclose(vectors * values @ vectors.T, result.covariance, rtol=1e-12)
    assert values[0] > values[1] and np.allclose(vectors.T @ vectors, np.eye(2))
    assert np.all(vectors[np.abs(vectors).argmax(axis=0), [0, 1]] > 0)


def test_many_points_at_once(table):
    points = np.random.default_rng(0).normal(size=(3, 5, 2))
    covariance = ls.analysis.covariance_at(table, points)
    assert np.allclose(
        covariance[2, 4],
        ls.analysis.gradient_covariance(table, points[2, 4]).covariance,
        rtol=1e-12,
    )


@pytest.mark.parametrize(
    ("function", "change", "message"),
    [
        (
            "gradient_covariance",
            {"loss": ls.potentials.double_well()},
            "TypeError: loss must be a L",
        ),
        (
            "gradient_covariance",
            {"x": np.zeros((3, 2))},
            "ValueError: x must be one point of shape",
        ),
        ("gradient_covariance", {"x": [np.nan, np.nan]}, "ValueError: x must be finite, got [nan"),
        ("covariance_at", {"x": [1e200, 1.0]}, "ValueError: x must be where the gradients of"),
    ],
)
def test_what_cannot_be_right_is_refused(function, change, message):
    loss = ls.losses.linear_regression(np.eye(2), [1.0, 2.0])
    given = {"loss": loss, "x": POINT} | change
    assert refusal(getattr(ls.analysis, function), **given).startswith(message)


def test_a_loss_with_too_much_scratch_is_refused(table):
    assert "scratch=3" in refusal(ls.analysis.covariance_at, table._replace(scratch=3), POINT)
