"""The covariance of per-example gradients against closed forms and NumPy, its spectrum, and what an
array of anybody's gradients gives.
"""

import numpy as np
import pytest
from _oracle_cases import CASES
from refusals import refusal

import langevin_sgd as ls

POINT = np.array([0.4, -0.7])
RANDOM = np.random.default_rng(3)
TALL = RANDOM.normal(size=(40, 3)) * [1.0, 2.0, 0.5] + [1.0, 0.0, -2.0]
WIDE = RANDOM.normal(size=(6, 9)) + 1.0
covariance_of = ls.analysis.gradient_covariance


def test_logistic_regression_has_the_closed_form(table):
    result = covariance_of(table, POINT)
    exact = ls.theory.logistic_statistics(table.data[:, :2], table.data[:, 2], POINT)
    # the ridge moves the mean, not the covariance
    assert np.allclose(result.covariance, exact.noise_covariance, rtol=1e-12)
    assert np.allclose(result.mean_gradient, exact.gradient + 0.1 * POINT, rtol=1e-12)
    assert result.trace.item() == pytest.approx(np.trace(exact.noise_covariance), rel=1e-12)


def of_sampling(inputs):
    return covariance_of(inputs["per_example_gradients"])


def of_logistic_regression(inputs):
    return covariance_of(ls.losses.logistic_regression(inputs["X"], inputs["y"]), inputs["theta"])


ORACLES = [("sampling_8x2", of_sampling), ("fisher_logistic", of_logistic_regression)]


@pytest.mark.parametrize(("case", "function"), ORACLES)
def test_oracles(case, function):
    exact, result = CASES[case]["expected"], function(CASES[case]["inputs"])
    values = {"Sigma": result.covariance, "trace": result.trace}
    values |= dict.fromkeys(("G", "G_T"), result.mean_gradient)
    values |= dict.fromkeys(("eig", "eigenvalues"), result.eigenvalues[::-1])
    values |= dict.fromkeys(("E_norm2", "E_norm2_single"), result.mean_squared_gradient)
    values["noise_scale_trSigma_over_G2"] = result.noise_scale
    for name in values.keys() & exact.keys():
        np.testing.assert_allclose(values[name], exact[name], rtol=1e-10, err_msg=name)
    assert len(values.keys() & exact.keys()) >= 5


DECADES = WIDE * np.logspace(0, -4, 6)[:, None]
TWICE = np.concatenate([WIDE[:3], WIDE[:3]])


@pytest.mark.parametrize("gradients", [TALL, WIDE, TALL * 1e-150, WIDE * 1e70, DECADES, TWICE])
def test_identities_hold_for_tables_of_any_shape_and_size(gradients):
    result, examples = covariance_of(gradients), len(gradients)
    away = gradients - gradients.mean(axis=0)
    covariance, vectors = away.T @ away / examples, result.eigenvectors.values
    scale = np.trace(covariance)
    np.testing.assert_allclose(result.covariance, covariance, rtol=1e-12, atol=1e-14 * scale)
    values = np.linalg.eigvalsh(covariance)[::-1][: examples - 1]
    np.testing.assert_allclose(result.eigenvalues, values, atol=1e-14 * scale)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(len(values)), atol=1e-13)
    rebuilt = vectors * result.eigenvalues.values @ vectors.T
    np.testing.assert_allclose(rebuilt, covariance, atol=1e-14 * scale)
    assert np.all(vectors[np.abs(vectors).argmax(axis=0), range(len(values))] > 0)
    assert result.trace.item() == pytest.approx(result.eigenvalues.sum().item(), rel=1e-13)
    square = np.mean(np.sum(gradients**2, axis=1))
    assert result.mean_squared_gradient.item() == pytest.approx(square, rel=1e-13)
    left = result.mean_squared_gradient - result.squared_mean_gradient
    assert left.item() == pytest.approx(result.trace.item(), rel=1e-12)
    snr = gradients.mean(axis=0) / gradients.std(axis=0)
    np.testing.assert_allclose(result.signal_to_noise, snr, rtol=1e-12)


@pytest.mark.parametrize("equal", [1, 2, 5])
@pytest.mark.parametrize("dim", [5, 80])
def test_both_ranks_count_equal_eigenvalues(equal, dim):
    """Of the vertices +-e_k the covariance is a multiple of the projector on the first `equal`
    axes, which the degenerate eigenvectors span, whatever they are."""
    axes = np.eye(dim)[:equal]
    result = covariance_of(np.tile(np.concatenate([axes, -axes]), (8, 1)) + 3.0)
    for name in ("effective_rank", "participation_ratio"):
        assert result[name].item() == pytest.approx(equal, rel=1e-12)
    vectors = result.eigenvectors.values[:, :equal]
    np.testing.assert_allclose(vectors @ vectors.T, axes.T @ axes, atol=1e-13)


@pytest.mark.parametrize("dim", [1, 30])
def test_a_small_spread_far_from_zero_keeps_its_digits(dim):
    """Second moments less squares would leave nothing of 1e-6 beside 1e12."""
    away = np.tile([1e-3, -1e-3], 10)
    gradients = np.tile(1e6 + away[:, None], dim)
    exact = dim * np.mean((gradients[:, 0] - 1e6) ** 2)  # as 1e6 + 1e-3 is rounded
    assert exact == pytest.approx(dim * 1e-6, rel=1e-6)
    assert covariance_of(gradients).trace.item() == pytest.approx(exact, rel=1e-9)
    centers = ls.losses.quadratic_centers([1.0], -gradients[:, :1])
    assert ls.analysis.covariance_at(centers, [0.0]).item() == pytest.approx(exact / dim, rel=1e-9)


def test_equal_gradients_have_no_noise_and_no_rank():
    result = covariance_of(np.ones((4, 2)))
    assert result.trace == 0.0 and result.noise_scale == 0.0
    assert np.all(np.isinf(result.signal_to_noise)) and np.isnan(result.effective_rank)


def test_many_points_at_once(table):
    points = np.random.default_rng(0).normal(size=(3, 2))
    several, one = covariance_of(table, points), covariance_of(table, points[2])
    assert several.eigenvectors.dims == ("point", "component", "mode")
    of_tables = covariance_of(ls.example_gradients(table, points))
    for name in one:
        np.testing.assert_allclose(several[name][2], one[name], rtol=1e-12, err_msg=name)
        np.testing.assert_allclose(of_tables[name], several[name], rtol=1e-12, err_msg=name)
    covariance = ls.analysis.covariance_at(table, points.reshape(3, 1, 2))
    np.testing.assert_allclose(covariance[:, 0], several.covariance, rtol=1e-12)


def test_the_matrix_is_returned_up_to_2048_components_or_when_asked_for():
    wide = np.random.default_rng(0).normal(size=(3, 2049))
    assert "covariance" not in covariance_of(wide)
    assert "covariance" not in covariance_of(TALL, matrix=False)
    assert covariance_of(wide, matrix=True).covariance.shape == (2049, 2049)


def test_the_first_example_without_a_finite_gradient_is_named():
    loss = ls.losses.poisson_regression([[1.0], [2.0], [1000.0]], [1, 0, 2])
    for function in (covariance_of, ls.analysis.covariance_at):
        assert "that of example 2 is array([inf])" in refusal(function, loss, [1.0])
