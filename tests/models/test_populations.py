"""Fresh examples: the law of the rows that `draw` writes, and the means over it; bad input to the
newer losses.
"""

import naive_losses
import numpy as np
import pytest
import z_scores

import langevin_sgd as ls
from langevin_sgd import losses
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
        matrix = np.block(
            [[COVARIANCE, cross[:, None]], [cross[None], np.array([[TRUE @ cross + noise]])]]
        )
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


def stein(x, l2):
    """Gradient and Hessian as the docstring states them, averages over one normal by Gauss and
    Hermite.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()

    def means(y):
        s = 1 / (1 + np.exp(-nodes * np.sqrt(y @ COVARIANCE @ y)))
        return weights @ (s * (1 - s)), weights @ (s * (1 - s) * (1 - 6 * s * (1 - s)))

    (first, third), (there, _) = means(x), means(TRUE)
    direction = COVARIANCE @ x
    hessian = first * COVARIANCE + third * np.outer(direction, direction) + l2 * np.eye(2)
    return first * direction - there * COVARIANCE @ TRUE + l2 * x, hessian


def test_means_of_the_logistic_population():
    gradient, hessian = naive_losses.logistic_population(COVARIANCE, TRUE, POINT, 0.1)
    np.testing.assert_allclose(stein(POINT, 0.1)[0], gradient, rtol=1e-8)
    np.testing.assert_allclose(stein(POINT, 0.1)[1], hessian, rtol=1e-8)
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
    z = np.array(
        [
            np.concatenate([random.normal(size=counts[0]), random.uniform(size=counts[1])])
            for _ in range(20)
        ]
    )
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


def half_a_draw(p, z, row):
    row[0] = z[0]


def own(**fields):
    return ls.Loss("own", example_loss, example_gradient, None, [[1.0, 2.0]], 1, **fields)


INPUTS, ENTRIES = np.eye(2), [[0, 1, 0.5], [2, 0, -0.5]]
BAD = [
    (
        lambda: own(draw_normals=1),
        ValueError,
        "draw_normals = 1 and draw_uniforms = 0 do not fit draw = None of 'own'",
    ),
    (
        lambda: own(draw=half_a_draw),
        ValueError,
        "give a draw and at least one random number, or neither.",
    ),
    (
        lambda: own(draw=half_a_draw, draw_normals=-1),
        ValueError,
        "draw_normals must be >= 0, got -1.",
    ),
    (
        lambda: own(draw=half_a_draw, draw_uniforms=0.5),
        TypeError,
        "draw_uniforms must be a whole number, got 0.5.",
    ),
    (
        lambda: own(draw=half_a_draw, draw_normals=1),
        ValueError,
        "draw of 'own' does not write row[1], which then holds anything",
    ),
    (
        lambda: losses.linear_regression(INPUTS, [1, 2], l2=-1.0),
        ValueError,
        "l2 must be >= 0, got -1.0.",
    ),
    (
        lambda: losses.poisson_regression(INPUTS, [1, -2]),
        ValueError,
        "counts must be whole numbers >= 0, got -2.0.",
    ),
    (
        lambda: losses.poisson_regression(INPUTS, [1, 0.5]),
        ValueError,
        "counts must be whole numbers >= 0, got 0.5.",
    ),
    (
        lambda: losses.poisson_regression(INPUTS, [1]),
        ValueError,
        "counts must have the shape (2,), one per row of inputs; got",
    ),
    (
        lambda: losses.poisson_regression(INPUTS, [1, 2], -1),
        ValueError,
        "l2 must be >= 0, got -1.0.",
    ),
    (
        lambda: losses.huber_regression(INPUTS, [1, 2], 0.0),
        ValueError,
        "delta must be > 0 and <= 1e+150, got 0.0.",
    ),
    (
        lambda: losses.huber_regression(INPUTS, [1, 2], l2=-1),
        ValueError,
        "l2 must be >= 0, got -1.0.",
    ),
    (
        lambda: losses.phase_retrieval(INPUTS, [1]),
        ValueError,
        "intensities must have the shape (2,)",
    ),
    (
        lambda: losses.multinomial_regression(INPUTS, [0, 0]),
        ValueError,
        "classes must be >= 2, got 1.",
    ),
    (
        lambda: losses.multinomial_regression(INPUTS, [0, 3], 3),
        ValueError,
        "labels must be whole numbers >= 0 and < 3, got 3.0.",
    ),
    (
        lambda: losses.multinomial_regression(INPUTS, [0, -1]),
        ValueError,
        "labels must be whole numbers >= 0, got -1.0.",
    ),
    (
        lambda: losses.multinomial_regression(INPUTS, [0, 1], l2=-1),
        ValueError,
        "l2 must be >= 0, got -1.0.",
    ),
    (
        lambda: losses.matrix_factorisation([[0, 1]], 1),
        ValueError,
        "entries must have the shape (examples, 3), rows of (i, j,",
    ),
    (lambda: losses.matrix_factorisation(ENTRIES, 0), ValueError, "rank must be >= 1, got 0."),
    (
        lambda: losses.matrix_factorisation([[0.5, 1, 1]], 1),
        ValueError,
        "row numbers of entries must be whole numbers >= 0, got",
    ),
    (
        lambda: losses.matrix_factorisation([[0, -1, 1]], 1),
        ValueError,
        "column numbers of entries must be whole numbers >= 0, got",
    ),
    (
        lambda: losses.matrix_factorisation(ENTRIES, 1, (2, 2)),
        ValueError,
        "row numbers of entries must be whole numbers >= 0",
    ),
    (
        lambda: losses.matrix_factorisation(ENTRIES, 1, 3),
        TypeError,
        "shape must be (rows, columns), got 3.",
    ),
    (
        lambda: losses.matrix_factorisation(ENTRIES, 1, (3, 0)),
        ValueError,
        "shape[1] must be >= 1, got 0.",
    ),
    (lambda: losses.tanh_network(INPUTS, [1, 2], 0), ValueError, "hidden must be >= 1, got 0."),
    (
        lambda: losses.linear_regression_population([0.0], 1.0),
        ValueError,
        "input_covariance must not be zero, got [0.0].",
    ),
    (
        lambda: losses.linear_regression_population([1.0, -1.0], 1.0),
        ValueError,
        "input_covariance must be positive semidefinite",
    ),
    (
        lambda: losses.linear_regression_population([1.0], -1.0),
        ValueError,
        "label_noise must be >= 0, got -1.0.",
    ),
    (
        lambda: losses.linear_regression_population([1.0], 1.0, [1, 2]),
        ValueError,
        "true_parameters must have the shape (1,) to",
    ),
    (
        lambda: losses.linear_regression_population([1.0], 1.0, examples=0),
        ValueError,
        "examples must be >= 1, got 0.",
    ),
    (
        lambda: losses.logistic_regression_population([1.0], seed=-1),
        ValueError,
        "seed must be >= 0, got -1.",
    ),
    (
        lambda: losses.logistic_regression_population([1.0], l2=-1),
        ValueError,
        "l2 must be >= 0, got -1.0.",
    ),
]


@pytest.mark.parametrize(
    ("make", "error", "message"), [pytest.param(*record, id=record[2]) for record in BAD]
)
def test_bad_input_is_refused_with_the_reason(make, error, message):
    with pytest.raises(error) as caught:
        make()
    assert message in str(caught.value)
