"""Losses of a data table: a `Loss` is one example's loss and gradient; its mean over the table is a potential."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..kernels.elementary import fma, sigmoid, softplus
from ..kernels.texts import check_text
from .arrays import real_array
from .parameters import integer, number, parameters, symmetric_matrix
from .potentials import check_gradient


class _LossFields(NamedTuple):
    name: str
    example_loss: Callable
    example_gradient: Callable
    params: Any
    data: np.ndarray
    dim: int
    example_hessian: Callable | None = None
    example_fisher: Callable | None = None
    draw: Callable | None = None
    scratch: int = 0


class Loss(_LossFields):
    """Mean loss over a table of examples.

    Parameters
    ----------
    name : str
        How messages and datasets call it.
    example_loss : callable
        `example_loss(p, x, row) -> float`: loss of one example at parameters x.
    example_gradient : callable
        `example_gradient(p, x, row, out)` writes its d derivatives into `out`.
    params : dict or namedtuple
        What the functions find in `p`.
    data : array_like, shape (examples, columns)
        The table; a text sees one line of it as `row`.
    dim : int
        Number of components d of x.
    example_hessian, example_fisher : callable, optional
        `f(p, x, row, out)`, d*d numbers row by row.
    draw : callable, optional
        `draw(p, z, row)` writes a fresh row for sampling from the population.
    scratch : int
        Free numbers behind `out[d:]` that a text may use.

    Raises
    ------
    TypeError, ValueError
        If a text breaks the rules of `langevin_sgd.kernels.texts`, the table is not finite, or the gradient is not that of the
        loss.
    """

    __slots__ = ()

    def __new__(
        cls,
        name,
        example_loss,
        example_gradient,
        params,
        data,
        dim,
        example_hessian=None,
        example_fisher=None,
        draw=None,
        scratch=0,
    ):
        texts = {"example_loss": example_loss, "example_gradient": example_gradient}
        texts |= {"example_hessian": example_hessian, "example_fisher": example_fisher, "draw": draw}
        for label, text in texts.items():
            if text is not None:
                check_text(text, f"{label} of {name!r}")
        table = table_of(data, f"data of {name!r}")
        dim, scratch = integer(dim, "dim", at_least=1), integer(scratch, "scratch", at_least=0)
        fields = name, example_loss, example_gradient, parameters(params, repr(name)), table, dim
        record = super().__new__(cls, *fields, example_hessian, example_fisher, draw, scratch)
        check_gradient(name, record.params, dim, scratch, example_loss, example_gradient, table[0])
        return record


def table_of(values, name):
    """`values` as a new, finite, C-contiguous float64 table (examples, columns)."""
    table = real_array(values, name)
    if table.ndim != 2 or table.size == 0:
        raise ValueError(f"{name} must have the shape (examples, columns), got {np.shape(values)}.")
    if not np.all(np.isfinite(table)):
        example, column = np.argwhere(~np.isfinite(table))[0]
        raise ValueError(f"{name} must be finite, but example {example}, column {column} is {table[example, column]}.")
    return table


def _with_targets(inputs, targets, name):
    inputs = table_of(inputs, "inputs")
    targets = real_array(targets, name)
    if targets.shape != (len(inputs),):
        raise ValueError(f"{name} must have the shape ({len(inputs)},), one per row of inputs; got {targets.shape}.")
    return table_of(np.column_stack([inputs, targets]), f"inputs with {name}")


def _dot(x, row):
    s = 0.0
    for k in range(len(x)):
        s = fma(row[k], x[k], s)
    return s


def _squares_loss(p, x, row):
    residual = _dot(x, row) - row[len(x)]
    return 0.5 * residual * residual


def _squares_gradient(p, x, row, out):
    residual = _dot(x, row) - row[len(x)]
    for k in range(len(x)):
        out[k] = residual * row[k]


def _squares_hessian(p, x, row, out):
    d = len(x)
    for k in range(d):
        for j in range(d):
            out[d * k + j] = row[k] * row[j]


def linear_regression(inputs, targets):
    """Least squares: loss of one example (inputs . x - target)^2 / 2.

    Parameters
    ----------
    inputs : array_like, shape (examples, d)
        A column of ones gives an intercept.
    targets : array_like, shape (examples,)

    Returns
    -------
    Loss
    """
    table = _with_targets(inputs, targets, "targets")
    return Loss("linear_regression", _squares_loss, _squares_gradient, None, table, table.shape[1] - 1, _squares_hessian)


def _logistic_loss(p, x, row):
    z = _dot(x, row)
    squares = 0.0
    for k in range(len(x)):
        squares = fma(x[k], x[k], squares)
    return softplus(z) - row[len(x)] * z + 0.5 * p.l2 * squares


def _logistic_gradient(p, x, row, out):
    error = sigmoid(_dot(x, row)) - row[len(x)]
    for k in range(len(x)):
        out[k] = fma(p.l2, x[k], error * row[k])


def _logistic_hessian(p, x, row, out):
    s = sigmoid(_dot(x, row))
    weight, d = s * (1.0 - s), len(x)
    for k in range(d):
        for j in range(d):
            out[d * k + j] = weight * row[k] * row[j] + (p.l2 if k == j else 0.0)


def logistic_regression(inputs, labels, l2=0.0):
    """Logistic regression: loss of one example log(1 + e^z) - label z + (l2/2) |x|^2 with z = inputs . x.

    Parameters
    ----------
    inputs : array_like, shape (examples, d)
        A column of ones gives an intercept, which is then penalised as well.
    labels : array_like, shape (examples,)
        0 or 1.
    l2 : float, >= 0
        Ridge. Without it separable data have no minimum: the weights grow for ever.

    Returns
    -------
    Loss
        Negative log-likelihood in nats per example.
    """
    table = _with_targets(inputs, labels, "labels")
    if not np.all(np.isin(table[:, -1], (0.0, 1.0))):
        raise ValueError(
            f"labels must be 0 or 1, got the values {np.unique(table[:, -1])[:5].tolist()}. For -1 and +1 pass (labels + 1) / 2."
        )
    params = {"l2": number(l2, "l2", at_least=0)}
    return Loss("logistic_regression", _logistic_loss, _logistic_gradient, params, table, table.shape[1] - 1, _logistic_hessian)


def _centers_loss(p, x, row):
    s = 0.0
    for k in range(len(x)):
        pull = 0.0
        for j in range(len(x)):
            pull = fma(p.hessian[k, j], x[j] - row[j], pull)
        s = fma(pull, x[k] - row[k], s)
    return 0.5 * s


def _centers_gradient(p, x, row, out):
    for k in range(len(x)):
        pull = 0.0
        for j in range(len(x)):
            pull = fma(p.hessian[k, j], x[j] - row[j], pull)
        out[k] = pull


def _centers_hessian(p, x, row, out):
    d = len(x)
    for k in range(d):
        for j in range(d):
            out[d * k + j] = p.hessian[k, j]


def quadratic_centers(hessian, centers):
    """One quadratic well per example: loss (x - c)' H (x - c) / 2. Gradient noise is additive: Sigma = H cov(c) H everywhere.

    Parameters
    ----------
    hessian : array_like, shape (d, d) or (d,)
        Symmetric matrix H, or its diagonal; energy per length squared.
    centers : array_like, shape (examples, d)

    Returns
    -------
    Loss
    """
    matrix, table = symmetric_matrix(hessian, "hessian"), table_of(centers, "centers")
    matrix = np.diag(matrix) if matrix.ndim == 1 else matrix
    if table.shape[1] != len(matrix):
        raise ValueError(f"centers must have the shape (examples, {len(matrix)}) to fit hessian, got {table.shape}.")
    return Loss("quadratic_centers", _centers_loss, _centers_gradient, {"hessian": matrix}, table, len(matrix), _centers_hessian)
