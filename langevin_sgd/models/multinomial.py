"""Softmax regression over several classes."""

from ..arguments import within
from ..kernels.elementary import exp, fma, log, maximum, where
from .linear_predictor import check_whole, with_targets
from .loss_record import Loss
from .parameters import size
from .records import recorded
from .sums import dot, squares


def _softmax_loss(p, x, row):
    features = len(row) - 1
    largest, own = 0.0, 0.0
    for c in range(len(x) // features):
        z = dot(x, row, c * features, features)
        largest = maximum(largest, z)
        own = where(row[features] == c + 1, z, own)
    total = exp(-largest)  # class 0, with z = 0
    for c in range(len(x) // features):
        total = total + exp(dot(x, row, c * features, features) - largest)
    return fma(0.5 * p.l2, squares(x), largest + log(total) - own)


def _probabilities(x, row, out, start):
    """Probabilities of the classes 1, 2, ... into out[start:]."""
    features = len(row) - 1
    classes, largest = len(x) // features, 0.0
    for c in range(classes):
        z = dot(x, row, c * features, features)
        out[start + c] = z
        largest = maximum(largest, z)
    total = exp(-largest)
    for c in range(classes):
        e = exp(out[start + c] - largest)
        out[start + c] = e
        total = total + e
    for c in range(classes):
        out[start + c] = out[start + c] / total


def _softmax_gradient(p, x, row, out):
    features, d = len(row) - 1, len(x)
    _probabilities(x, row, out, d)
    for c in range(d // features):
        error = out[d + c] - where(row[features] == c + 1, 1.0, 0.0)
        for k in range(features):
            out[c * features + k] = fma(p.l2, x[c * features + k], error * row[k])


def _curvature(l2, x, row, out):
    """Second derivative by feature k of class a and feature j of class b: p_a (delta_ab - p_b)
    row_k row_j, plus l2 if equal.
    """
    features, d = len(row) - 1, len(x)
    _probabilities(x, row, out, d * d)
    for a in range(d // features):
        for b in range(d // features):
            weight = out[d * d + a] * ((1.0 if a == b else 0.0) - out[d * d + b])
            for k in range(features):
                for j in range(features):
                    ridge = l2 if a == b and k == j else 0.0
                    place = d * (a * features + k) + b * features + j
                    out[place] = weight * row[k] * row[j] + ridge


def _softmax_hessian(p, x, row, out):
    _curvature(p.l2, x, row, out)


def _softmax_fisher(p, x, row, out):
    _curvature(0.0, x, row, out)


@recorded(l2=within(at_least=0))
def multinomial_regression(inputs, labels, classes=None, l2=0.0):
    """Softmax regression over several classes, of which class 0 is the reference.

    The loss of one example is log(sum_c e^(z_c)) - z_label + (l2/2) x . x, with z_c = inputs . x_c
    and z_0 = 0, so that no direction of x is flat by construction; two classes are
    `logistic_regression`.

    Parameters
    ----------
    inputs : array_like, shape (examples, features)
        A column of ones gives intercepts.
    labels : array_like, shape (examples,)
        Whole numbers 0 ... classes - 1.
    classes : int, >= 2, optional
        Default: the largest label plus one.
    l2 : float, >= 0
        Ridge. Without it separable data have no minimum.

    Returns
    -------
    Loss
        Of x = (x_1, x_2, ...) class by class, d = (classes - 1) features components. Negative
        log-likelihood in nats per example; blocks of the Fisher matrix p_a (delta_ab - p_b) inputs
        inputs', the Hessian without l2 (canonical link; McCullagh and Nelder 1989, chapter 5;
        derived).

    Examples
    --------
    At x = 0 all three classes are equally likely, log 3 nats whatever the labels:

    >>> loss = ls.losses.multinomial_regression([[1.0], [2.0], [0.5]], labels=[0, 1, 2])
    >>> f"{ls.evaluate(loss, [[0.0, 0.0]], 'energy').item():.6f} {np.log(3):.6f}"
    '1.098612 1.098612'
    """
    table = with_targets(inputs, labels, "labels")
    check_whole(table[:, -1], "labels")
    classes = int(table[:, -1].max()) + 1 if classes is None else classes
    classes = size(2)(classes, "classes")
    check_whole(table[:, -1], "labels", classes)
    functions, blocks = (_softmax_loss, _softmax_gradient, {"l2": l2}, table), classes - 1
    dim = blocks * (table.shape[1] - 1)
    return Loss(
        "multinomial_regression", *functions, dim, _softmax_hessian, _softmax_fisher, scratch=blocks
    )
