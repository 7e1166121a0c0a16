"""Losses that see x only through a linear predictor z = inputs . x."""

import math

import numpy as np

from ..arguments import within
from ..kernels.elementary import exp, fma, maximum, minimum, sigmoid, softplus, where
from .linear_predictor import check_whole, loss_of_predictor, of_predictor, with_targets
from .records import recorded


def _square(p, z, y):
    return 0.5 * (z - y) * (z - y)


def _residual(p, z, y):
    return z - y


def _one(p, z, y=0.0):
    return 1.0


LINEAR = of_predictor(_square, _residual, _one, _one)


@recorded(l2=within(at_least=0))
def linear_regression(inputs, targets, l2=0.0):
    """Least squares: the loss of one example is (z - target)^2 / 2 with z = inputs . x.

    Parameters
    ----------
    inputs : array_like, shape (examples, d)
        A column of ones gives an intercept, penalised like the rest.
    targets : array_like, shape (examples,)
        What z should be.
    l2 : float, >= 0
        Ridge: (l2/2) times the squared length of x is added to the loss of every example.

    Returns
    -------
    Loss
        Negative log-likelihood of target ~ N(z, 1), up to a constant, in targets squared; Fisher
        matrix inputs inputs'.

    Notes
    -----
    Fisher matrix: the mean of g g' over labels drawn from the model at x, of the loss without its
    ridge. For the canonical links (linear, logistic, Poisson) it is the Hessian without the ridge,
    whatever the labels. Source: McCullagh and Nelder 1989, Generalized Linear Models, section 2.5.

    Examples
    --------
    From 0 one step of Newton's reaches the minimum, sum(input target) / sum(input^2) = 7/5:

    >>> line = ls.losses.linear_regression([[1.0], [2.0]], [1.0, 3.0])
    >>> slope, bend = (ls.evaluate(line, [0.0], name).item() for name in ("gradient", "hessian"))
    >>> print(f"{-slope / bend:.3f}")
    1.400
    """
    table = with_targets(inputs, targets, "targets")
    return loss_of_predictor("linear_regression", LINEAR, table, {"l2": l2})


def _cross_entropy(p, z, y):
    return softplus(z) - y * z


def _probability_error(p, z, y):
    return sigmoid(z) - y


def _probability_slope(p, z, y=0.0):
    s = sigmoid(z)
    return s * (1.0 - s)


LOGISTIC = of_predictor(_cross_entropy, _probability_error, _probability_slope, _probability_slope)


@recorded(l2=within(at_least=0))
def logistic_regression(inputs, labels, l2=0.0):
    """Logistic regression: the loss of one example is log(1 + e^z) - label z with z = inputs . x.

    Parameters
    ----------
    inputs : array_like, shape (examples, d)
        A column of ones gives an intercept, penalised like the rest.
    labels : array_like, shape (examples,)
        0 or 1.
    l2 : float, >= 0
        Ridge: (l2/2) times the squared length of x is added to the loss of every example. Without
        it separable data have no minimum: the weights grow for ever.

    Returns
    -------
    Loss
        Negative log-likelihood in nats per example; Fisher matrix s (1 - s) inputs inputs' with s =
        sigmoid(z), which is the Hessian without the ridge: see `linear_regression`.

    Examples
    --------
    Without an opinion, x = 0, the Fisher matrix is (1/4) (1^2 + 3^2)/2:

    >>> coin = ls.losses.logistic_regression([[1.0], [3.0]], [0, 1])
    >>> ls.evaluate(coin, [0.0], "fisher").tolist()
    [[1.25]]
    """
    table = with_targets(inputs, labels, "labels")
    classes = np.unique(table[:, -1])
    if not np.all(np.isin(classes, (0.0, 1.0))):
        raise ValueError(
            f"labels must be 0 or 1, got the values {classes[:5].tolist()}. For -1 and +1 pass "
            "(labels + 1) / 2."
        )
    return loss_of_predictor("logistic_regression", LOGISTIC, table, {"l2": l2})


def _poisson_value(p, z, y):
    return fma(-y, z, exp(z))


def _rate_error(p, z, y):
    return exp(z) - y


def _rate(p, z, y=0.0):
    return exp(z)


_POISSON = of_predictor(_poisson_value, _rate_error, _rate, _rate)


@recorded(l2=within(at_least=0))
def poisson_regression(inputs, counts, l2=0.0):
    """Poisson regression: the loss of one example is e^z - count z with z = inputs . x.

    The link is logarithmic: e^z is the expected count.

    Parameters
    ----------
    inputs : array_like, shape (examples, d)
        A column of ones gives an intercept, penalised like the rest.
    counts : array_like, shape (examples,)
        Whole numbers >= 0.
    l2 : float, >= 0
        Ridge: (l2/2) times the squared length of x is added to the loss of every example.

    Returns
    -------
    Loss
        Negative log-likelihood in nats per example without the constant log(count!); Fisher matrix
        e^z inputs inputs', the Hessian without the ridge: see `linear_regression`. The curvature
        e^z grows without bound, so that no learning rate is stable everywhere.

    Examples
    --------
    At x = 0 the model expects 1; the counts have the mean 3:

    >>> counter = ls.losses.poisson_regression([[1.0], [1.0]], [2, 4])
    >>> ls.evaluate(counter, [[0.0]], "gradient").tolist()
    [[-2.0]]
    """
    table = with_targets(inputs, counts, "counts")
    check_whole(table[:, -1], "counts")
    return loss_of_predictor("poisson_regression", _POISSON, table, {"l2": l2})


def _huber_value(p, z, y):
    size = abs(z - y)
    inside = minimum(size, p.delta)
    return inside * (size - 0.5 * inside)


def _huber_slope(p, z, y):
    return maximum(-p.delta, minimum(p.delta, z - y))


def _huber_curvature(p, z, y):
    return where(abs(z - y) <= p.delta, 1.0, 0.0)


def _huber_information(p, z):
    return p.information


_HUBER = of_predictor(_huber_value, _huber_slope, _huber_curvature, _huber_information)


@recorded(delta=within(above=0, at_most=1e150), l2=within(at_least=0))
def huber_regression(inputs, targets, delta=1.0, l2=0.0):
    """Robust regression: the loss h(z - target), z = inputs . x, is a parabola with straight sides.

    h(r) = r^2 / 2 for residuals up to delta in size, else delta (abs(r) - delta/2).

    Parameters
    ----------
    inputs : array_like, shape (examples, d)
        A column of ones gives an intercept, penalised like the rest.
    targets : array_like, shape (examples,)
        What z should be.
    delta : float, > 0
        Residual beyond which the loss is linear, in units of the targets.
    l2 : float, >= 0
        Ridge: (l2/2) times the squared length of x is added to the loss of every example.

    Returns
    -------
    Loss
        The Hessian jumps where a residual is delta in size. Fisher matrix I inputs inputs' of
        residuals with the density exp(-h(r)) / Z.

    Notes
    -----
    I = E h'^2 = E h'' (by parts) = P(abs(r) <= delta) = a / (a + (2/delta) exp(-delta^2/2)), a =
    sqrt(2 pi) erf(delta/sqrt 2); derived. Source: Huber 1964, Annals of Mathematical Statistics 35,
    73.

    Examples
    --------
    An outlier at the distance 3 costs 1 * (3 - 1/2), not 3^2 / 2:

    >>> robust = ls.losses.huber_regression([[1.0]], [0.0], delta=1.0)
    >>> ls.evaluate(robust, [[0.5], [3.0]], "energy").tolist()
    [0.125, 2.5]
    """
    middle = math.sqrt(2 * math.pi) * math.erf(delta / math.sqrt(2))
    information = middle / (middle + 2 / delta * math.exp(-0.5 * delta * delta))
    params = {"l2": l2, "delta": delta, "information": information}
    table = with_targets(inputs, targets, "targets")
    return loss_of_predictor("huber_regression", _HUBER, table, params)


def _intensity_value(p, z, y):
    miss = z * z - y
    return 0.25 * miss * miss


def _intensity_slope(p, z, y):
    return (z * z - y) * z


def _intensity_curvature(p, z, y):
    return 3.0 * z * z - y


def _intensity_information(p, z):
    return 2.0 * z * z


_PHASE = of_predictor(
    _intensity_value, _intensity_slope, _intensity_curvature, _intensity_information
)


@recorded
def phase_retrieval(inputs, intensities):
    """Real phase retrieval: the loss (z^2 - intensity)^2 / 4 of z = inputs . x, whatever its sign.

    Parameters
    ----------
    inputs : array_like, shape (examples, d)
        A direction for each measurement.
    intensities : array_like, shape (examples,)
        Measured squares of z; noise may make them negative.

    Returns
    -------
    Loss
        Hessian (3 z^2 - intensity) inputs inputs'. Negative log-likelihood of intensity ~ N(z^2,
        2), up to a constant, hence the Fisher matrix 2 z^2 inputs inputs'.

    Notes
    -----
    Source of the loss: Ma, Wang, Chi and Chen, "Implicit regularization in nonconvex statistical
    estimation" (arXiv:1711.10467); derivatives: derived.

    Examples
    --------
    x and -x fit the intensities 1 and 4 equally well; x = 0, a maximum, costs (1 + 16)/8:

    >>> phase = ls.losses.phase_retrieval([[1.0, 0.0], [0.0, 1.0]], [1.0, 4.0])
    >>> ls.evaluate(phase, [[1.0, 2.0], [-1.0, -2.0], [0.0, 0.0]], "energy").tolist()
    [0.0, 0.0, 2.125]
    """
    table = with_targets(inputs, intensities, "intensities")
    return loss_of_predictor("phase_retrieval", _PHASE, table, {"l2": 0.0})
