"""Fresh examples: the law of the rows that `draw` writes, and the means over it; bad input to the
newer losses.
"""

import naive_losses
import numpy as np
import pytest
import z_scores

import langevin_sgd as ls
from langevin_sgd import losses
from langevin_sgd.engine.description import data_of
from langevin_sgd.engine.rebuilding import rebuilt
from langevin_sgd.models.loss_record import fresh_rows

COVARIANCE, TRUE = np.array([[1.5, 0.4], [0.4, 0.5]]), np.array([0.8, -1.2])
LABEL_NOISE, EXAMPLES = 0.3, 5000
POINT = np.array([0.3, 0.5])
LINEAR = losses.linear_regression_population(
    COVARIANCE, LABEL_NOISE, TRUE, examples=EXAMPLES, seed=4
)
LOGISTIC = losses.logistic_regression_population(COVARIANCE, TRUE, 0.1, examples=EXAMPLES, seed=5)


def worst(samples, exact):
    return np.abs(z_scores.of_means(samples, exact)).max()


def products(rows):
    return (rows[:, :, None] * rows[:, None])[:, *np.triu_indices(rows.shape[1])]


def test_rows_of_the_linear_population_have_the_stated_covariance():
    """Targets carry the label noise as a variance, not as its root or its double."""
    cross = COVARIANCE @ TRUE

    def joint(noise):
        target = np.array([[TRUE @ cross + noise]])
        matrix = np.block([[COVARIANCE, cross[:, None]], [cross[None], target]])
        return matrix[np.triu_indices(3)]

    assert worst(LINEAR.data, np.zeros(3)) < 4
    assert worst(products(LINEAR.data), joint(LABEL_NOISE)) < 4
    residuals = (LINEAR.data[:, 2] - LINEAR.data[:, :2] @ TRUE)[:, None] ** 2
    assert worst(residuals, [LABEL_NOISE]) < 4
    assert worst(residuals, [2 * LABEL_NOISE]) > 4
    assert worst(residuals, [np.sqrt(LABEL_NOISE)]) > 4
    assert worst(products(LINEAR.data), 2 * joint(LABEL_NOISE)) > 4


def test_gradients_of_the_linear_population_have_the_moments_of_isserlis():
    exact = ls.theory.regression_statistics(COVARIANCE, POINT - TRUE, LABEL_NOISE)
    gradients = (LINEAR.data[:, :2] @ POINT - LINEAR.data[:, 2])[:, None] * LINEAR.data[:, :2]
    assert worst(gradients, exact.gradient) < 4
    second = exact.second_moment[np.triu_indices(2)]
    assert worst(products(gradients), second) < 4
    assert worst(products(gradients), 2 * second) > 4
    assert worst(products(LINEAR.data[:, :2]), exact.hessian[np.triu_indices(2)]) < 4


def test_the_mean_of_the_linear_population_is_that_of_isserlis():
    delta = POINT - TRUE
    exact = ls.theory.regression_statistics(COVARIANCE, delta, LABEL_NOISE)
    mean = LINEAR.expected("population")
    np.testing.assert_allclose(ls.evaluate(mean, POINT, "gradient"), exact.gradient, rtol=1e-13)
    np.testing.assert_allclose(ls.evaluate(mean, POINT, "hessian"), COVARIANCE, rtol=1e-15)
    energy = (delta @ COVARIANCE @ delta + LABEL_NOISE) / 2
    np.testing.assert_allclose(ls.evaluate(mean, POINT, "energy"), energy, rtol=1e-14)
    table = LINEAR.expected("with_replacement")
    assert table.data is LINEAR.data and table.draw is None and table.mean is None
    assert table.expected("with_replacement") is table and mean.expected("population") is mean


def test_means_of_the_logistic_population():
    gradient, hessian = naive_losses.logistic_population(COVARIANCE, TRUE, POINT, 0.1)
    mean = LOGISTIC.expected("population")
    np.testing.assert_allclose(ls.evaluate(mean, POINT, "gradient"), gradient, rtol=1e-8)
    np.testing.assert_allclose(ls.evaluate(mean, POINT, "hessian"), hessian, rtol=1e-8)
    z, l2 = LOGISTIC.data[:, :2] @ POINT, 0.05 * POINT @ POINT
    energies = (np.logaddexp(0.0, z) - LOGISTIC.data[:, 2] * z + l2)[:, None]
    energy = ls.evaluate(mean, POINT, "energy")
    assert worst(energies, energy) < 4 < worst(energies, energy - l2)
    inputs, labels = LOGISTIC.data[:, :2], LOGISTIC.data[:, 2]
    p = 1 / (1 + np.exp(-inputs @ POINT))
    assert set(labels) == {0.0, 1.0}
    assert worst((p - labels)[:, None] * inputs + 0.1 * POINT, gradient) < 4
    assert worst((p - (1 - labels))[:, None] * inputs + 0.1 * POINT, gradient) > 4
    curvatures = (p * (1 - p))[:, None] * products(inputs)
    assert worst(curvatures, (hessian - 0.1 * np.eye(2))[np.triu_indices(2)]) < 4
    assert worst(curvatures, hessian[np.triu_indices(2)]) > 4


def test_labels_of_the_model_itself_have_the_hessian_for_noise_covariance():
    gradient, hessian = naive_losses.logistic_population(COVARIANCE, TRUE, TRUE, 0.0)
    np.testing.assert_allclose(gradient, 0.0, atol=1e-15)
    errors = 1 / (1 + np.exp(-LOGISTIC.data[:, :2] @ TRUE)) - LOGISTIC.data[:, 2]
    assert worst(products(errors[:, None] * LOGISTIC.data[:, :2]), hessian[np.triu_indices(2)]) < 4


def nothing(p, x):
    return 0.0 * x[0]


def no_gradient(p, x, out):
    for k in range(len(x)):
        out[k] = 0.0


@pytest.mark.interpreted
@pytest.mark.parametrize("loss", [LINEAR, LOGISTIC], ids=lambda loss: loss.name)
def test_rows_drawn_in_lanes_are_those_drawn_one_by_one(loss):
    """A draw takes as many numbers here as it writes, so it can pose as the drift of a flat
    potential.
    """
    counts, random = (loss.draw_normals, loss.draw_uniforms), np.random.default_rng(6)
    rows = fresh_rows(loss.draw, loss.params, *counts, (20, 3), 6)
    z = [[*random.normal(size=counts[0]), *random.uniform(size=counts[1])] for _ in range(20)]
    carrier = ls.Potential("carrier", nothing, no_gradient, loss.params, 3, drift=loss.draw)
    np.testing.assert_array_equal(ls.evaluate(carrier, z, "drift"), rows)


def test_the_table_is_a_sample_that_the_seed_fixes():
    again = losses.linear_regression_population(COVARIANCE, LABEL_NOISE, TRUE, examples=10, seed=4)
    np.testing.assert_array_equal(again.data, LINEAR.data[:10])
    other = losses.linear_regression_population(COVARIANCE, LABEL_NOISE, TRUE, examples=10, seed=5)
    assert not np.any(other.data == again.data)
    flat = losses.linear_regression_population([1.0, 0.0], 0.0, examples=10)
    assert flat.draw_normals == 2 and np.all(flat.data[:, 1:] == 0.0)


def example_loss(p, x, row):
    return 0.5 * (x[0] - row[0]) * (x[0] - row[0])


def example_gradient(p, x, row, out):
    out[0] = x[0] - row[0]


def draw(p, z, row):
    row[0] = z[0]
    row[1] = z[1]


def half_a_draw(p, z, row):
    row[0] = z[0]


def own(**fields):
    return ls.Loss("own", example_loss, example_gradient, None, [[1.0, 2.0]], 1, **fields)


def heavy_tailed(p, z, row):
    row[0] = z[0] * z[0] * z[0]
    row[1] = z[1]


def biased(p, z, row):
    row[0] = z[0] + 0.25
    row[1] = z[1]


def test_the_mean_of_a_population_must_be_that_of_its_draw():
    right, steep = ls.potentials.quadratic([1.0]), ls.potentials.quadratic([1.5])
    for drawn in (draw, heavy_tailed):
        assert own(draw=drawn, draw_normals=2, mean=right).mean is right
    for drawn, mean in ((draw, steep), (biased, right)):
        with pytest.raises(ValueError, match="mean of 'own' is not that of what its draw draws"):
            own(draw=drawn, draw_normals=2, mean=mean)


INPUTS, ENTRIES = np.eye(2), [[0, 1, 0.5], [2, 0, -0.5]]
FLAT = ls.potentials.quadratic([1.0, 1.0])
BAD = [  # what is special; the rest is in bad_inputs
    (lambda: own(draw_normals=1), "draw_normals = 1 and draw_uniforms = 0 do not fit draw = None"),
    (lambda: own(draw=half_a_draw), "give a draw and at least one random number, or neither."),
    (lambda: own(draw=half_a_draw, draw_normals=1), "draw of 'own' does not write row[1], which"),
    (lambda: own(mean=ls.potentials.quadratic([1.0])), "must be that of a population, with a draw"),
    (lambda: own(draw=draw, draw_normals=2, mean=FLAT), "and have dim = 1, got quadratic("),
    (lambda: losses.poisson_regression(INPUTS, [1, -2]), "counts must be whole numbers >= 0, got"),
    (lambda: losses.poisson_regression(INPUTS, [1, 0.5]), "whole numbers >= 0, got 0.5."),
    (lambda: losses.poisson_regression(INPUTS, [1]), "counts must have the shape (2,), one per ro"),
    (lambda: losses.multinomial_regression(INPUTS, [0, 0]), "classes must be >= 2, got 1."),
    (lambda: losses.multinomial_regression(INPUTS, [0, 3], 3), "numbers >= 0 and < 3, got 3.0."),
    (lambda: losses.multinomial_regression(INPUTS, [0, -1]), "whole numbers >= 0, got -1.0."),
    (lambda: losses.matrix_factorisation([[0, 1]], 1), "(examples, 3), rows of (i, j,"),
    (lambda: losses.matrix_factorisation([[0.5, 1, 1]], 1), "row numbers of entries must be whole"),
    (lambda: losses.matrix_factorisation([[0, -1, 1]], 1), "column numbers of entries must be who"),
    (lambda: losses.matrix_factorisation(ENTRIES, 1, (2, 2)), "row numbers of entries must be who"),
    (lambda: losses.matrix_factorisation(ENTRIES, 1, (3, 0)), "shape[1] must be >= 1, got 0."),
    (lambda: losses.linear_regression_population([0.0], 1.0), "input_covariance must not be zero"),
    (lambda: losses.linear_regression_population([1], 1.0, [1, 2]), "must have the shape (1,) to"),
    (lambda: own(draw=draw, draw_normals=2).expected("population"), "Give the Loss mean=, a Poten"),
]


@pytest.mark.parametrize(("call", "message"), BAD, ids=[row[1] for row in BAD])
def test_bad_input_is_refused_with_the_reason(call, message):
    with pytest.raises(ValueError) as caught:
        call()
    assert message in str(caught.value)


def test_a_folder_rebuilds_a_population_and_its_mean():
    arrays = {}
    again = rebuilt(data_of(LOGISTIC, "model", arrays), arrays)
    for one, other in ((LOGISTIC, again), (LOGISTIC.mean, again.mean)):
        energies = (ls.evaluate(each, POINT, "energy") for each in (one, other))
        np.testing.assert_array_equal(*energies)
