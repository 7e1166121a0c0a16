"""What losses of a linear predictor z = inputs . x share: their table, and four functions of an
example made of four functions of z."""

import math

import numpy as np

from ..arguments import real_array
from ..kernels.elementary import fma
from .loss_record import Loss, table_of
from .sums import dot, squares


def with_targets(inputs, targets, name):
    """The table (inputs, target), checked; `name` is what messages call the targets."""
    inputs, targets = real_array(inputs, "inputs"), numbers_or_truths(targets, name)
    if (inputs.ndim, targets.ndim) == (1, 2):
        raise ValueError(
            f"inputs must have the shape (examples, columns) and {name} (examples,), got "
            f"{inputs.shape} and {targets.shape}. Exchange inputs and {name}."
        )
    inputs = table_of(inputs, "inputs")
    if targets.shape != (len(inputs),):
        raise ValueError(
            f"{name} must have the shape ({len(inputs)},), one per row of inputs; got "
            f"{targets.shape}."
        )
    return table_of(np.column_stack([inputs, targets]), f"inputs with {name}")


def numbers_or_truths(values, name):
    """`values` as a float64 array; True and False, of a comparison, as 1 and 0."""
    is_truth = getattr(values, "dtype", None) == np.dtype(bool) or (
        isinstance(values, (list, tuple)) and all(isinstance(value, bool) for value in values)
    )
    return real_array(np.asarray(values, dtype=float) if is_truth else values, name)


def check_whole(values, name, below=math.inf):
    """Refuse values that are no whole numbers in [0, below)."""
    wrong = (values < 0) | (values >= below) | (values != np.round(values))
    if np.any(wrong):
        limit = "" if below == math.inf else f" and < {below:g}"
        raise ValueError(f"{name} must be whole numbers >= 0{limit}, got {values[wrong][0]}.")


def _outer(weight, l2, x, row, out):
    d = len(x)
    for k in range(d):
        for j in range(d):
            out[d * k + j] = weight * row[k] * row[j] + (l2 if k == j else 0.0)


def of_predictor(value, slope, curvature, information):
    """The functions of the loss value(p, z, y) + (l2/2) |x|^2: slope and curvature are its
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


def loss_of_predictor(name, functions, table, params, **fields):
    """The `Loss` of four such functions on a table (inputs, target); `fields` are further ones of
    the record."""
    loss, gradient, *matrices = functions
    dim = table.shape[1] - 1
    return Loss(name, loss, gradient, params, table, dim, *matrices, **fields)
