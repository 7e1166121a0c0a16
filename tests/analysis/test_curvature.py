"""Hessian, Fisher and noise matrices on tables whose moments are exactly those of a law."""

from itertools import product

import numpy as np
import pytest
from refusals import refusal

import langevin_sgd as ls

ROOT3 = np.sqrt(3.0)
NORMAL = [0.0, 0.0, 0.0, 0.0, ROOT3, -ROOT3]  # has the first five moments of N(0, 1)
COIN = [1.0, -1.0]  # has the first three
TRUTH, DEVIATION = np.array([0.5, -0.25]), 0.6
AWAY = np.array([0.8, 0.3])
SIDES = -1.0, 0.4, 2.0
FACTOR = np.array([[1.5, 0.0], [0.4, 0.7]])


def regression(values):
    """Targets with noise of two values on inputs whose every moment is that of `values`."""
    rows = np.array(list(product(values, values, COIN)))
    inputs = rows[:, :2] @ FACTOR.T
    return ls.losses.linear_regression(inputs, inputs @ TRUTH + DEVIATION * rows[:, 2])


def matrices(loss, x, **options):
    """The dataset, and its matrices by name."""
    found = ls.analysis.curvature(loss, x, resamples=2, **options)
    return found, dict(zip(found.matrix.values.tolist(), found.value.values, strict=True))


def predicted(loss, x):
    """2 L H + G G' at x."""
    energy, gradient, hessian = (ls.evaluate(loss, x, q) for q in ("energy", "gradient", "hessian"))
    return 2 * energy * hessian + np.outer(gradient, gradient)


def test_gaussian_inputs_have_the_covariance_2LH_plus_GG_wherever_x_is():
    """And the empirical Fisher matrix 2 L H + 2 G G'; the noise of the targets is a coin."""
    loss = regression(NORMAL)
    for x in (TRUTH, TRUTH + AWAY, TRUTH - 5 * AWAY):
        gradient, of = ls.evaluate(loss, x, "gradient"), matrices(loss, x)[1]
        assert np.allclose(of["noise_covariance"], predicted(loss, x), rtol=1e-12)
        twice = predicted(loss, x) + np.outer(gradient, gradient)
        assert np.allclose(of["empirical_fisher"], twice, rtol=1e-12)


@pytest.mark.parametrize("values", [NORMAL, COIN])
def test_at_the_minimum_of_a_true_least_squares_model_sigma_is_s2_times_fisher(values):
    found, of = matrices(regression(values), TRUTH)
    assert np.allclose(of["noise_covariance"], DEVIATION**2 * of["fisher"], rtol=1e-12)
    assert np.allclose(of["fisher"], of["hessian"], rtol=1e-12)
    assert found.gamma.item() == pytest.approx(1.0, rel=1e-12)
    assert found.trace_inverse_hessian_noise.item() == pytest.approx(2 * DEVIATION**2)


def logistic(odds=(1, 2, 3)):
    """Labels in exactly the proportions odds : 4 - odds, those of the model at (1, 0) by default;
    the second column has no effect."""
    cases = zip(np.log([1 / 3, 1.0, 3.0]), odds, strict=True)
    rows = [(z, side, k < n) for z, n in cases for side in SIDES for k in range(4)]
    inputs, labels = np.array(rows)[:, :2], np.array(rows)[:, 2]
    return ls.losses.logistic_regression(inputs, labels)


def softmax():
    """Twelve labels a row in exactly the proportions of three classes at (1, 0, 0), (0, 1, 0)."""
    inputs, labels = [], []
    for first, second in ((0, 0), (0, 1), (1, 0)):
        weights = np.array([1, 2**first, 2**second])
        for side in SIDES:
            inputs += 12 * [[first * np.log(2), second * np.log(2), side]]
            labels += np.repeat(np.arange(3), weights * 12 // weights.sum()).tolist()
    return ls.losses.multinomial_regression(inputs, labels)


POINTS = {"logistic": (1.0, 0.0), "softmax": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)}


@pytest.mark.parametrize("name", ["logistic", pytest.param("softmax", marks=pytest.mark.slow)])
def test_at_the_truth_of_a_model_of_classes_sigma_fisher_and_hessian_are_one(name):
    loss = {"logistic": logistic, "softmax": softmax}[name]()
    found, _ = matrices(loss, POINTS[name])
    assert np.all(found.distance < 1e-12) and np.all(found.alignment > 1 - 1e-12)
    assert np.all(found.overlap > 1 - 1e-12) and np.all(found.angles < 1e-6)


def test_labels_of_another_law_take_sigma_from_fisher_and_leave_the_hessian():
    found, of = matrices(logistic((2, 2, 2)), POINTS["logistic"])
    assert np.allclose(of["hessian"], of["fisher"], rtol=1e-12)
    assert found.distance.sel(matrix="noise_covariance", matrix_j="fisher") > 0.1


@pytest.mark.slow
def test_gauss_newton_matrix_of_a_network_is_that_of_its_jacobian():
    """By differences; where it fits the targets exactly it is the Hessian, and the noise is
    nothing."""
    random = np.random.default_rng(3)
    inputs, x = random.normal(size=(20, 2)), random.normal(size=6)

    def forward(x):
        return np.tanh(inputs @ x[2:].reshape(2, 2).T) @ x[:2]

    steps = 1e-6 * np.eye(6)
    jacobian = np.array([forward(x + e) - forward(x - e) for e in steps]).T / 2e-6
    exact = jacobian.T @ jacobian / len(inputs)
    of = matrices(ls.losses.tanh_network(inputs, random.normal(size=20), hidden=2), x)[1]
    assert np.allclose(of["gauss_newton"], exact, atol=1e-8)
    assert not np.allclose(of["hessian"], exact, rtol=0.1)
    of = matrices(ls.losses.tanh_network(inputs, forward(x), hidden=2), x)[1]
    assert np.allclose(of["hessian"], exact, atol=1e-8)
    assert np.abs(of["noise_covariance"]).max() < 1e-20


def centers_with(covariance, hessian):
    """Wells of one Hessian whose gradients have this covariance."""
    pulls = np.linalg.cholesky(covariance) @ np.array(list(product(COIN, repeat=2))).T
    return ls.losses.quadratic_centers(hessian, np.linalg.solve(hessian, pulls).T)


@pytest.mark.parametrize("gamma", [-0.5, 1.0, 2.0])
def test_the_exponent_of_the_noise_is_that_which_was_planted(gamma):
    """And the scalars are those of diagonal matrices, away from the minimum."""
    h, x = np.array([4.0, 0.5]), np.array([1.0, -2.0])
    found, of = matrices(centers_with(np.diag(3 * h**gamma), np.diag(h)), x)
    assert found.gamma.item() == pytest.approx(gamma, abs=1e-10)
    scalars = {
        "trace_hessian_noise": 3 * np.sum(h ** (gamma + 1)),
        "trace_inverse_hessian_noise": 3 * np.sum(h ** (gamma - 1)),
        "squared_gradient": np.sum((h * x) ** 2),
        "gradient_curvature": np.sum(h**3 * x**2),
    }
    for name, exact in scalars.items():
        assert found[name].item() == pytest.approx(exact)
    hessian = found.sel(matrix="hessian")
    assert hessian.log_determinant.item() == pytest.approx(np.log(2.0))
    assert np.allclose(hessian.eigenvalues, h) and hessian.trace == pytest.approx(4.5)
    shape = found.sel(matrix="noise_covariance", matrix_j="hessian")
    cosine = np.sum(h ** (gamma + 1)) / np.sqrt(np.sum(h ** (2 * gamma)) * np.sum(h**2))
    assert shape.alignment.item() == pytest.approx(cosine)
    apart = np.linalg.norm(3 * h**gamma - h) / np.linalg.norm(h)
    assert shape.distance.item() == pytest.approx(apart)


def test_one_curvature_in_all_directions_has_no_exponent():
    inputs, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(40, 4)))
    loss = ls.losses.linear_regression(inputs * np.sqrt(40), np.arange(40.0))
    found = ls.analysis.curvature(loss, np.zeros(4), resamples=2)
    assert 0 < np.ptp(found.eigenvalues.sel(matrix="hessian").values) < 1e-12  # by rounding
    assert np.isnan(found.gamma)


@pytest.mark.parametrize("angle", [1e-9, 0.3, 1.5])
def test_the_angle_between_leading_directions_is_that_which_was_planted(angle):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    loss = centers_with(turn @ np.diag([5.0, 1.0]) @ turn.T, np.diag([3.0, 1.0]))
    pair = matrices(loss, [0.0, 0.0], leading=1)[0]
    pair = pair.sel(matrix="noise_covariance", matrix_j="hessian")
    assert pair.angles.item() == pytest.approx(angle, rel=1e-6)
    assert pair.overlap.item() == pytest.approx(np.cos(angle) ** 2)


def test_the_error_of_the_mean_gradient_is_that_of_independent_examples():
    """Of 64 groups: known to 9 %."""
    random = np.random.default_rng(5)
    loss = ls.losses.linear_regression(random.normal(size=(640, 2)), random.normal(size=640))
    found = ls.analysis.curvature(loss, [0.1, 0.2], resamples=400)
    exact = np.sqrt(np.diag(found.value.sel(matrix="noise_covariance")) / 640)
    assert np.all(np.abs(found.gradient_standard_error / exact - 1) < 0.36)
    squares = (loss.data[:, :2] ** 2).sum(axis=1)  # the Hessian of an example is x x'
    residuals = loss.data[:, :2] @ [0.1, 0.2] - loss.data[:, 2]
    gradients = residuals[:, None] * loss.data[:, :2]
    centred = ((gradients - gradients.mean(axis=0)) ** 2).sum(axis=1)
    for matrix, of_example in (("hessian", squares), ("noise_covariance", centred)):
        error = found.trace_standard_error.sel(matrix=matrix) / (of_example.std() / np.sqrt(640))
        assert abs(float(error) - 1) < 0.36
    again = ls.analysis.curvature(loss, [0.1, 0.2], resamples=400)
    assert again.identical(found)
    other = ls.analysis.curvature(loss, [0.1, 0.2], resamples=400, seed=1)
    assert not other.identical(found)


def test_a_matrix_that_a_loss_does_not_have_is_left_out_and_the_reason_said():
    saddle = ls.losses.quadratic_centers([1.0, -1.0], [[0.0, 1.0], [1.0, 0.0]])
    found, of = matrices(saddle, [0.0, 0.0])
    assert list(of) == ["hessian", "empirical_fisher", "noise_covariance"]
    assert "no example_fisher" in found.attrs["left_out"]
    assert np.isnan(found.trace_inverse_hessian_noise) and np.isnan(found.log_determinant[0])
    robust = ls.losses.huber_regression(np.eye(2), [0.0, 3.0])
    found, of = matrices(robust, [0.0, 0.0])
    assert "gauss_newton" not in of and "fisher" in of
    assert "not known to be exponential" in found.attrs["left_out"]


def test_one_example_has_no_standard_error():
    found, _ = matrices(ls.losses.linear_regression([[1.0, 2.0]], [1.0]), [0.0, 0.0])
    assert np.isnan(found.trace_standard_error).all() and found.trace[0] == 5.0


def test_a_loss_of_the_users_has_no_gauss_newton_matrix_and_without_a_hessian_nothing():
    """One parabola a row, whose author says what its Fisher matrix is."""

    def parabola(p, x, row):
        return 0.5 * (x[0] - row[0]) * (x[0] - row[0])

    def slope(p, x, row, out):
        out[0] = x[0] - row[0]

    def one(p, x, row, out):
        out[0] = 1.0

    loss = ls.Loss("mine", parabola, slope, None, [[0.0], [2.0]], 1, one, one)
    _, of = matrices(loss, [1.0])
    assert "gauss_newton" not in of and of["fisher"] == of["noise_covariance"] == 1.0
    bare = ls.Loss("mine", parabola, slope, None, [[0.0], [2.0]], 1)
    assert "give 'mine' one as example_hessian=" in refusal(ls.analysis.curvature, bare, [1.0])
