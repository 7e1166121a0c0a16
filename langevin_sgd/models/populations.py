"""Regressions on a population: fresh examples from a law, not a table, so that the noise never runs
out.

Use `noise.minibatch(sampling="population")`. The `data` of these losses is a sample of the
population, drawn at construction, for what needs a table: the loss that a run records, and
`evaluate`, whose error falls as 1/sqrt(examples). Their field `mean` is the population's own mean
loss, a Potential."""

import math

import numpy as np

from ..arguments import finite_array, one_matrix, whole, within
from ..kernels.elementary import fma, sigmoid, softplus, sqrt, where
from .gaussian_noise import covariance_factor
from .linear_predictor import loss_of_predictor
from .loss_record import fresh_rows
from .parameters import EXAMPLES_LIMIT, parameters
from .potential_record import Potential
from .quadratic_centers import centers_gradient, centers_hessian, centers_loss
from .records import recorded
from .regressions import LINEAR, LOGISTIC
from .sums import dot, row_times, square_in, squares

NODES = np.linspace(-9.0, 9.0, 361)  # of a mean over a standard normal number


def _draw_inputs(p, z, row):
    """Inputs N(0, factor factor') into row; returns inputs . true_parameters."""
    predictor = 0.0
    for k in range(len(row) - 1):
        row[k] = row_times(p.factor, k, z)
        predictor = fma(p.true_parameters[k], row[k], predictor)
    return predictor


def _linear_draw(p, z, row):
    row[len(row) - 1] = fma(p.label_scale, z[len(z) - 1], _draw_inputs(p, z, row))


def _logistic_draw(p, z, row):
    probability = sigmoid(_draw_inputs(p, z, row))
    row[len(row) - 1] = where(z[len(z) - 1] < probability, 1.0, 0.0)


def _mean_of_squares(p, x):
    return centers_loss(p, x, p.center) + p.floor


def _gradient_of_squares(p, x, out):
    centers_gradient(p, x, p.center, out)


def _hessian_of_squares(p, x, out):
    centers_hessian(p, x, p.center, out)


def _spread(p, x):
    """sqrt(x' A x), the standard deviation of z = inputs . x."""
    return sqrt(square_in(p.hessian, x))


def _mean_of_entropy(p, x):
    spread, s = _spread(p, x), 0.0
    for k in range(len(p.nodes)):
        s = fma(p.weights[k], softplus(spread * p.nodes[k]), s)
    return fma(0.5 * p.l2, squares(x), s - dot(x, p.labels, 0, len(x)))


def _derivatives(p, x):
    """E s'(z) and E s'''(z) of the sigmoid s, over z of this spread."""
    spread, first, third = _spread(p, x), 0.0, 0.0
    for k in range(len(p.nodes)):
        s = sigmoid(spread * p.nodes[k])
        slope = p.weights[k] * s * (1.0 - s)
        first = first + slope
        third = fma(slope, 1.0 - 6.0 * s * (1.0 - s), third)
    return first, third


def _gradient_of_entropy(p, x, out):
    first, _ = _derivatives(p, x)
    for k in range(len(x)):
        out[k] = fma(first, row_times(p.hessian, k, x), fma(p.l2, x[k], -p.labels[k]))


def _hessian_of_entropy(p, x, out):
    d, (first, third) = len(x), _derivatives(p, x)
    for k in range(d):
        for j in range(d):
            bent = third * row_times(p.hessian, k, x) * row_times(p.hessian, j, x)
            out[d * k + j] = fma(first, p.hessian[k, j], bent) + (p.l2 if k == j else 0.0)


def _entropy_params(covariance, center, l2):
    weights = np.exp(-0.5 * NODES * NODES)
    weights /= weights.sum()
    with np.errstate(over="ignore"):
        own = 1 / (1 + np.exp(-np.sqrt(center @ covariance @ center) * NODES))
    labels = weights @ (own * (1 - own)) * covariance @ center  # E[label inputs]
    return {"hessian": covariance, "labels": labels, "l2": l2, "nodes": NODES, "weights": weights}


def _center_of(true_parameters, covariance):
    """The true parameters, checked; default: zero."""
    if true_parameters is None:
        return np.zeros(len(covariance))
    center = finite_array(true_parameters, "true_parameters")
    if center.shape != (len(covariance),):
        raise ValueError(
            f"true_parameters must have the shape ({len(covariance)},) to fit input_covariance, "
            f"got {center.shape}."
        )
    return center


def _factor_of(covariance):
    factor = covariance_factor(covariance, "input_covariance")
    if not factor.size:
        raise ValueError("input_covariance must not be zero, got zeros.")
    return factor


def _population(name, functions, params, mean, examples, seed, **draw):
    """The `Loss` with a sample of the population for its table."""
    counts = draw["draw_normals"], draw.get("draw_uniforms", 0)
    shape = examples, len(params["true_parameters"]) + 1
    table = fresh_rows(draw["draw"], parameters(params, repr(name)), *counts, shape, seed)
    return loss_of_predictor(name, functions, table, params, mean=mean, **draw)


CHECKED = {"input_covariance": one_matrix, "seed": whole(0, 2**64)}
CHECKED |= {"examples": whole(1, EXAMPLES_LIMIT)}


@recorded(**CHECKED, label_noise=within(at_least=0))
def linear_regression_population(
    input_covariance, label_noise, true_parameters=None, *, examples=1000, seed=0
):
    """Least squares on examples that are drawn afresh: the loss (z - target)^2 / 2, z = inputs . x.

    inputs ~ N(0, A), target ~ N(inputs . w, s2). Over the population, with delta = x - w: loss
    (delta' A delta + s2)/2, gradient A delta, Hessian and Fisher matrix A, and covariance of one
    example's gradient A delta delta' A + (delta' A delta + s2) A, exactly (Isserlis; Ziyin, Liu,
    Mori and Ueda 2022, arXiv:2102.05375; `theory.regression_statistics`).

    Parameters
    ----------
    input_covariance : array_like, shape (d, d) or (d,)
        A, or its diagonal; positive semidefinite, not zero.
    label_noise : float, >= 0
        s2, the variance of the noise on the targets, targets squared.
    true_parameters : array_like, shape (d,), optional
        w; default: zero.
    examples, seed : int
        The table is this many rows, drawn with numpy's generator from this seed.

    Returns
    -------
    Loss
        With a generator, for ``noise.minibatch(sampling="population")``, and the Potential ``mean``
        of the whole population.

    Examples
    --------
    At the distance (1, 1) from w the mean loss is (1 + 4 + 1)/2:

    >>> stream = ls.losses.linear_regression_population([1.0, 4.0], label_noise=1.0)
    >>> float(ls.evaluate(stream.mean, [1.0, 1.0], "energy"))
    3.0
    """
    factor, center = _factor_of(input_covariance), _center_of(true_parameters, input_covariance)
    params = {"factor": factor, "true_parameters": center, "l2": 0.0}
    params["label_scale"] = math.sqrt(label_noise)
    name = "linear_regression_population"
    of_mean = {"hessian": input_covariance, "center": center, "floor": 0.5 * label_noise}
    functions = _mean_of_squares, _gradient_of_squares, of_mean, len(center), _hessian_of_squares
    mean, normals = Potential(name, *functions), factor.shape[1] + 1
    draw = {"draw": _linear_draw, "draw_normals": normals}
    return _population(name, LINEAR, params, mean, examples, seed, **draw)


@recorded(**CHECKED, l2=within(at_least=0))
def logistic_regression_population(
    input_covariance, true_parameters=None, l2=0.0, *, examples=1000, seed=0
):
    """Logistic regression on examples that are drawn afresh; the loss is `logistic_regression`.

    inputs ~ N(0, A), and the label is 1 with probability sigmoid(inputs . w). Over the population,
    with the mean over the standard normal z, q = sqrt(x' A x), s = sigmoid and its derivatives s'
    and s''': gradient E[s'(q z)] A x - E[s'(q_w z)] A w + l2 x and Hessian E[s'(q z)] A + E[s'''(q
    z)] A x x' A + l2 (Stein's lemma; derived; `mean` sums over 361 values of z, exact to 1e-9 for
    x' A x < 400). Without l2 a minimum is x = w exactly, and there the covariance of one example's
    gradient is the Hessian.

    Parameters
    ----------
    input_covariance, true_parameters
        As in `linear_regression_population`; with w = 0 labels are coin tosses.
    l2 : float, >= 0
        Ridge, as in `linear_regression`.
    examples, seed : int
        As in `linear_regression_population`.

    Returns
    -------
    Loss
        With a generator, for ``noise.minibatch(sampling="population")``, and the Potential ``mean``
        of the whole population.

    Examples
    --------
    The minimum of the population is w itself:

    >>> stream = ls.losses.logistic_regression_population([1.0], true_parameters=[2.0])
    >>> bool(abs(ls.evaluate(stream.mean, [2.0], "gradient")[0]) < 1e-12)
    True
    """
    factor, center = _factor_of(input_covariance), _center_of(true_parameters, input_covariance)
    params = {"factor": factor, "true_parameters": center, "l2": l2}
    name, of_mean = "logistic_regression_population", _entropy_params(input_covariance, center, l2)
    functions = _mean_of_entropy, _gradient_of_entropy, of_mean, len(center), _hessian_of_entropy
    mean, normals = Potential(name, *functions), factor.shape[1]
    draw = {"draw": _logistic_draw, "draw_normals": normals, "draw_uniforms": 1}
    return _population(name, LOGISTIC, params, mean, examples, seed, **draw)
