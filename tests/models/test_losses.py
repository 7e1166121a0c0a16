"""Losses: values, gradients, Hessians and Fisher matrices against their twins, differences and the
mean over labels.
"""

import math

import naive
import naive_losses
import numba
import numpy as np
import pytest
from models.twins import agree

import langevin_sgd as ls
from langevin_sgd.kernels.compiling import for_lanes
from langevin_sgd.kernels.elementary import exp, log1p, tanh
from langevin_sgd.kernels.functions import interpreted
from langevin_sgd.kernels.views import GatheredRowType, view_type

RNG = np.random.default_rng(30)
MATRIX = np.array([[2.0, 0.3, -0.1], [0.3, 1.0, 0.4], [-0.1, 0.4, 1.5]])
INPUTS, TARGETS = RNG.normal(size=(23, 3)), RNG.normal(size=23)
LABELS, COUNTS, CLASSES = (TARGETS > 0) * 1.0, RNG.poisson(1.5, size=23), np.arange(23) % 4
ENTRIES = np.column_stack([np.arange(11) % 3, np.arange(11) % 2, RNG.normal(size=11)])
DELTA, L2 = 0.7, 0.1
LINEAR, LOGISTIC, POISSON = (INPUTS, TARGETS), (INPUTS, LABELS, L2), (INPUTS, COUNTS, L2)
HUBER = INPUTS, TARGETS, DELTA, L2


def normal_around(mean, variance):
    """Five values and weights that average polynomials to degree 9 like a normal law."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)
    return [
        (mean + math.sqrt(variance) * node, weight / weights.sum())
        for node, weight in zip(nodes, weights, strict=True)
    ]


def with_label(row, law):
    return [(np.append(row[:-1], value), weight) for value, weight in law]


def gaussian_labels(prediction, variance=1.0):
    return lambda x, row: with_label(row, normal_around(prediction(x, row), variance))


def logistic_labels(x, row):
    p = 1 / (1 + math.exp(-x @ row[:-1]))
    return with_label(row, [(0.0, 1 - p), (1.0, p)])


def poisson_labels(x, row):
    rate = math.exp(x @ row[:-1])
    logs = [k * math.log(rate) - rate - math.lgamma(k + 1) for k in range(200)]
    return with_label(row, enumerate(map(math.exp, logs)))


def class_labels(x, row):
    probabilities = naive_losses.class_probabilities([row[:-1]], 4, x[None])[0, 0]
    return with_label(row, enumerate(probabilities))


def huber_labels(x, row):
    """The density exp(-h(r)) / Z: Gauss and Legendre inside; both tails are exponential, and there
    the slope is constant.
    """
    nodes, weights = np.polynomial.legendre.leggauss(40)
    tail = math.exp(-DELTA * DELTA / 2) / DELTA
    law = [
        (DELTA * r, DELTA * w * math.exp(-DELTA * DELTA * r * r / 2))
        for r, w in zip(nodes, weights, strict=True)
    ]
    law += [(1.5 * DELTA, tail), (-1.5 * DELTA, tail)]
    total = sum(weight for _, weight in law)
    return with_label(row, [(x @ row[:-1] - r, weight / total) for r, weight in law])


def scattered_centers(x, row):
    """Six points around x with exactly the covariance H^-1."""
    root = np.linalg.cholesky(np.linalg.inv(MATRIX)) * math.sqrt(3)
    return [(x + sign * root[:, k], 1 / 6) for k in range(3) for sign in (-1, 1)]


def factor_prediction(x, row):
    return x.reshape(5, 2)[int(row[0])] @ x.reshape(5, 2)[int(row[1])]


def network_prediction(x, row):
    return x[:2] @ np.tanh(x[2:].reshape(2, 3) @ row[:-1])


def linear_prediction(x, row):
    return x @ row[:-1]


def intensity(x, row):
    return (x @ row[:-1]) ** 2


losses = ls.losses
ENTRIES_OF = ENTRIES, 2, (3, 2)
TABLE = [  # the loss, its arguments, those of its twin, the law of its labels at x
    ("linear_regression", LINEAR, LINEAR, gaussian_labels(linear_prediction)),
    ("logistic_regression", LOGISTIC, LOGISTIC, logistic_labels),
    ("poisson_regression", POISSON, POISSON, poisson_labels),
    ("huber_regression", HUBER, HUBER, huber_labels),
    ("phase_retrieval", LINEAR, LINEAR, gaussian_labels(intensity, 2.0)),
    ("multinomial_regression", (INPUTS, CLASSES, None, L2), (INPUTS, CLASSES, 4, L2), class_labels),
    ("matrix_factorisation", ENTRIES_OF[:2], ENTRIES_OF, gaussian_labels(factor_prediction)),
    ("tanh_network", (*LINEAR, 2), (*LINEAR, 2), gaussian_labels(network_prediction)),
    ("quadratic_centers", (MATRIX, INPUTS), (MATRIX, INPUTS), scattered_centers),
]


def twin_of(name, arguments):
    return getattr(naive_losses if hasattr(naive_losses, name) else naive, name)(*arguments)


LOSSES = {  # the loss, its twin, and the law of its labels at x
    name: (getattr(losses, name)(*ours), twin_of(name, theirs), law)
    for name, ours, theirs, law in TABLE
}
SEEN = {"linear_regression", "logistic_regression", "quadratic_centers"}  # by test_models


def places(loss):
    return 0.7 * np.random.default_rng(1).normal(size=(9, loss.dim))


@pytest.mark.interpreted
@pytest.mark.parametrize("name", [name for name in LOSSES if name not in SEEN])
def test_loss_gradient_and_hessian(name):
    loss, twin, _ = LOSSES[name]
    agree(loss, twin, places(loss))


def mean_over_labels(loss, labels, x):
    """Mean of g g' over the rows and over labels drawn from the model at x; the ridge is no part of
    the model.
    """
    gradient, out = interpreted(loss.example_gradient), np.zeros(loss.dim + loss.scratch)
    total = np.zeros((loss.dim, loss.dim))
    for row in loss.data:
        for relabelled, weight in labels(x, row):
            gradient(loss.params, x, relabelled, out)
            g = out[: loss.dim] - getattr(loss.params, "l2", 0.0) * x
            total += weight * np.outer(g, g)
    return total / len(loss.data)


@pytest.mark.parametrize("name", LOSSES)
def test_fisher_matrix_is_the_mean_over_labels_of_the_model(name):
    loss, _, labels = LOSSES[name]
    x = places(loss)[:2]
    fisher = ls.evaluate(loss, x, "fisher")
    for place, matrix in zip(x, fisher, strict=True):
        expected = mean_over_labels(loss, labels, place)
        np.testing.assert_allclose(matrix, expected, rtol=1e-11, atol=1e-11)
        assert not np.allclose(2 * matrix, expected, rtol=0.1)


@pytest.mark.parametrize(
    "name", ["logistic_regression", "poisson_regression", "multinomial_regression"]
)
def test_canonical_links_have_the_hessian_for_a_fisher_matrix(name):
    loss = LOSSES[name][0]
    x = places(loss)
    ridge = loss.params.l2 * np.eye(loss.dim)
    hessian, fisher = (ls.evaluate(loss, x, quantity) for quantity in ("hessian", "fisher"))
    np.testing.assert_allclose(hessian - ridge, fisher, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", ["huber_regression", "multinomial_regression", "tanh_network"])
def test_gradients_run_in_lanes_where_each_lane_has_a_row_of_its_own(name):
    loss = LOSSES[name][0]
    row, out = GatheredRowType(loss.data.shape[1]), view_type(loss.dim + loss.scratch)
    kinds = numba.typeof(loss.params), view_type(loss.dim), row, out
    assert for_lanes(loss.example_gradient, name, kinds)[1] == "lanes"


def example_gradients(loss, x):
    """One row per example, interpreted."""
    gradient = interpreted(loss.example_gradient)
    out = np.zeros((len(loss.data), loss.dim + loss.scratch))
    for row, slot in zip(loss.data, out, strict=True):
        gradient(loss.params, x, row, slot)
    return out[:, : loss.dim]


def test_two_classes_are_logistic_regression_and_a_wide_huber_loss_is_a_parabola():
    x = places(LOSSES["linear_regression"][0])[0]
    two_classes = losses.multinomial_regression(INPUTS, LABELS, l2=L2)
    wide = losses.huber_regression(INPUTS, TARGETS, 1e9)
    for one, name in [(two_classes, "logistic_regression"), (wide, "linear_regression")]:
        found, expected = (example_gradients(each, x) for each in (one, LOSSES[name][0]))
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_softmax_does_not_overflow_far_out():
    loss = losses.multinomial_regression([[1.0], [1.0]], [0, 2], classes=3)
    value = interpreted(loss.example_loss)
    for x, row, expected, slope in [
        ((-800.0, -900.0), 0, 0.0, (0.0, 0.0)),
        ((900.0, 800.0), 1, 100.0, (1.0, -1.0)),
    ]:
        assert value(loss.params, np.array(x), loss.data[row]) == expected
        np.testing.assert_array_equal(example_gradients(loss, np.array(x))[row], slope)


@pytest.mark.interpreted
def test_minibatches_of_a_factorisation_pick_the_rows_of_their_example():
    """One step with B = 1: each particle has moved by the gradient of some example, and every
    example has its turn.
    """
    loss, x = LOSSES["matrix_factorisation"][0], places(LOSSES["matrix_factorisation"][0])[0]
    run = ls.simulate(
        loss, ls.dynamics.sgd(0.1), ls.noise.minibatch(), particles=200, steps=1, x0=x, seed=3
    )
    moved = (x - run.x[1].values) / 0.1
    distance = np.abs(moved[:, None] - example_gradients(loss, x)).max(axis=2)
    assert distance.min(axis=1).max() < 1e-14
    assert len(np.unique(distance.argmin(axis=1))) == len(loss.data)


# A loss of one's own: two functions and a table


def log_cosh(p, x, row):
    size = abs(x[0] * row[0] + x[1] * row[1] - row[2]) / p.width
    return p.width * p.width * (size + log1p(exp(-2.0 * size)) - 0.6931471805599453)


def log_cosh_gradient(p, x, row, out):
    pull = p.width * tanh((x[0] * row[0] + x[1] * row[1] - row[2]) / p.width)
    for k in range(len(x)):
        out[k] = pull * row[k]


def test_a_loss_of_ones_own_is_two_functions_and_a_table():
    inputs, outliers = RNG.normal(size=(40, 2)), np.where(np.arange(40) % 10 == 0, 50.0, 0.0)
    table = np.column_stack([inputs, inputs @ [1.0, -2.0] + outliers])
    loss = ls.Loss("log cosh", log_cosh, log_cosh_gradient, {"width": 0.5}, table, dim=2)
    residuals = (places(loss) @ inputs.T - table[:, 2]) / 0.5
    np.testing.assert_allclose(
        ls.evaluate(loss, places(loss), "energy"), 0.25 * np.log(np.cosh(residuals)).mean(axis=1)
    )
    sgd, noise = ls.dynamics.sgd(0.1, batch_size=4), ls.noise.minibatch()
    run = ls.simulate(loss, sgd, noise, particles=300, steps=400, seed=1)
    # least squares is off by more
    np.testing.assert_allclose(run.x[-1].mean("particle"), [1.0, -2.0], atol=0.15)
    assert np.abs(np.linalg.lstsq(inputs, table[:, 2], rcond=None)[0] - [1.0, -2.0]).max() > 1.0
    with pytest.raises(ValueError, match="has no fisher; give it one as example_fisher= to ask"):
        ls.evaluate(loss, [0.0, 0.0], "fisher")
