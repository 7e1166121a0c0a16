"""What losses of a linear predictor z = inputs . x share: their table, and four texts made of four
functions of z.
"""

import math

import numpy as np

from ..kernels.elementary import fma
from .arrays import real_array
from .loss_record import Loss, table_of
from .parameters import number


def with_targets(inputs, targets, name):
    """The table (inputs, target), checked; `name` is what messages call the targets."""
    inputs = table_of(inputs, "inputs")
    truth = (
        isinstance(targets, np.ndarray) and targets.dtype == bool
    )  # labels that come from a comparison
    targets = real_array(targets.astype(float) if truth else targets, name)
    if targets.shape != (len(inputs),):
        raise ValueError(
            f"{name} must have the shape ({len(inputs)},), one per row of inputs; got "
            f"{targets.shape}."
        )
    return table_of(np.column_stack([inputs, targets]), f"inputs with {name}")


def check_whole(values, name, below):
    """Refuse values that are no whole numbers in [0, below)."""
    wrong = (values < 0) | (values >= below) | (values != np.round(values))
    if np.any(wrong):
        limit = "" if below == math.inf else f" and < {below:g}"
        raise ValueError(f"{name} must be whole numbers >= 0{limit}, got {values[wrong][0]}.")


def dot(x, row, start, size):
    """Sum of row[k] x[start + k] over k < size."""
    s = 0.0
    for k in range(size):
        s = fma(row[k], x[start + k], s)
    return s


def squares(x):
    """|x|^2."""
    s = 0.0
    for k in range(len(x)):
        s = fma(x[k], x[k], s)
    return s


def _outer(weight, l2, x, row, out):
    d = len(x)
    for k in range(d):
        for j in range(d):
            out[d * k + j] = weight * row[k] * row[j] + (l2 if k == j else 0.0)


def predictor_texts(value, slope, curvature, information):
    """The four texts of the loss value(p, z, y) + (l2/2) |x|^2: slope and curvature are its
    derivatives by z, information is the mean of slope^2 over the model's own labels."""

    def example_loss(p, x, row):
        return fma(0.5 * p.l2, squares(x), value(p, dot(x, row, 0, len(x)), row[len(x)]))

    def example_gradient(p, x, row, out):
        pull = slope(p, dot(x, row, 0, len(x)), row[len(x)])
        for k in range(len(x)):
            out[k] = fma(p.l2, x[k], pull * row[k])

    def example_hessian(p, x, row, out):
        _outer(curvature(p, dot(x, row, 0, len(x)), row[len(x)]), p.l2, x, row, out)

    def example_fisher(p, x, row, out):
        _outer(information(p, dot(x, row, 0, len(x))), 0.0, x, row, out)

    return example_loss, example_gradient, example_hessian, example_fisher


def loss_of_predictor(name, texts, table, params, l2, **fields):
    """The `Loss` of four such texts on a table (inputs, target); `fields` are further ones of the
    record.
    """
    loss, gradient, hessian, fisher = texts
    params = params | {"l2": number(l2, "l2", at_least=0)}
    return Loss(name, loss, gradient, params, table, table.shape[1] - 1, hessian, fisher, **fields)
