"""Losses of two layers of parameters: matrix factorisation and a network with one hidden layer.
Neither is convex.

Both are least squares in a prediction f(x): with the residual r = f - value and J = df/dx, the
gradient is r J, the Hessian J J' + r f'' and the Fisher matrix of value ~ N(f, 1) is J J'."""

from functools import cache

import numpy as np

from ..kernels.elementary import fma, tanh, where
from .arrays import shown
from .linear_predictor import check_whole, dot, with_targets
from .loss_record import Loss, table_of
from .parameters import COUNT_LIMIT, integer
from .records import recorded


def _outer_square(out, d):
    """Turn the vector J in out[:d] into the matrix J J' in out[:d*d]; J goes last, for it is the
    first row.
    """
    for k in range(d - 1, 0, -1):
        for j in range(d):
            out[d * k + j] = out[k] * out[j]
    first = out[0]
    for j in range(d):
        out[j] = first * out[j]


def _factors(x, row, out, start, rank):
    """u of the example's row into out[start:], v of its column behind it; returns u . v - value.

    Lanes may hold different examples: each picks its own u and v by comparison, for no lane can
    index by itself."""
    i, j, residual = row[0], row[1], -row[2]
    for k in range(rank):
        u, v = 0.0, 0.0
        for node in range(len(x) // rank):
            u = where(i == node, x[node * rank + k], u)
            v = where(j == node, x[node * rank + k], v)
        out[start + k] = u
        out[start + rank + k] = v
        residual = fma(u, v, residual)
    return residual


@cache
def _factorisation_texts(rank):
    """Loss, gradient, Hessian and Fisher matrix for factors of `rank` columns."""

    def example_loss(p, x, row):
        i, j, residual = row[0], row[1], -row[2]
        for k in range(rank):
            u, v = 0.0, 0.0
            for node in range(len(x) // rank):
                u = where(i == node, x[node * rank + k], u)
                v = where(j == node, x[node * rank + k], v)
            residual = fma(u, v, residual)
        return 0.5 * residual * residual

    def jacobian(factor, x, row, out, start):
        i, j = row[0], row[1]
        for k in range(rank):
            by_u, by_v = factor * out[start + rank + k], factor * out[start + k]
            for node in range(len(x) // rank):
                out[node * rank + k] = where(i == node, by_u, where(j == node, by_v, 0.0))

    def example_gradient(p, x, row, out):
        jacobian(_factors(x, row, out, len(x), rank), x, row, out, len(x))

    def example_fisher(p, x, row, out):
        d = len(x)
        _factors(x, row, out, d * d, rank)
        jacobian(1.0, x, row, out, d * d)
        _outer_square(out, d)

    def example_hessian(p, x, row, out):
        d = len(x)
        example_fisher(p, x, row, out)
        i, j, residual = row[0], row[1], -row[2]
        for k in range(rank):
            residual = fma(out[d * d + k], out[d * d + rank + k], residual)
        for a in range(d // rank):
            for b in range(d // rank):
                pair = where(i == a, where(j == b, residual, 0.0), 0.0)
                for k in range(rank):
                    out[d * (a * rank + k) + b * rank + k] += pair
                    out[d * (b * rank + k) + a * rank + k] += pair

    return example_loss, example_gradient, example_hessian, example_fisher


@recorded
def matrix_factorisation(entries, rank, shape=None):
    """Two factors of a partly known matrix: loss of one entry (u_i . v_j - value)^2 / 2, u_i and
    v_j rows of U and V.

    U -> U A, V -> V A^-T leaves the loss as it is: a minimum with factors of full rank lies in a
    valley of rank^2 dimensions.

    Parameters
    ----------
    entries : array_like, shape (examples, 3)
        Rows (i, j, value): row and column number of a known entry, from 0, and its value.
    rank : int, >= 1
        Columns of U and of V.
    shape : (int, int), optional
        Rows and columns (m, n) of the matrix. Default: the largest numbers in entries plus one.

    Returns
    -------
    Loss
        Of x = (U row by row, V row by row), d = (m + n) rank components. Its table holds (i, m + j,
        value). Hessian and Fisher matrix as in `langevin_sgd.models.two_layers`; one example costs
        O(d), because lanes pick their rows by comparison. Model of Srebro and Jaakkola 2003,
        "Weighted low-rank approximations" (from memory); derivatives: derived.

    Raises
    ------
    TypeError, ValueError
        If entries have another shape, a number of them is no whole number inside shape, or rank <
        1.
    """
    table, rank = table_of(entries, "entries"), integer(rank, "rank", 1, limit=COUNT_LIMIT)
    if table.shape[1] != 3:
        raise ValueError(
            f"entries must have the shape (examples, 3), rows of (i, j, value); got {table.shape}."
        )
    largest = table[:, :2].max(axis=0) + 1
    check_whole(table[:, 0], "row numbers of entries", np.inf)
    check_whole(table[:, 1], "column numbers of entries", np.inf)
    rows, columns = (int(count) for count in largest) if shape is None else _matrix_shape(shape)
    check_whole(table[:, 0], "row numbers of entries", rows)
    check_whole(table[:, 1], "column numbers of entries", columns)
    table[:, 1] += rows
    value, slope, hessian, fisher = _factorisation_texts(rank)
    dim = (rows + columns) * rank
    return Loss(
        "matrix_factorisation", value, slope, None, table, dim, hessian, fisher, scratch=2 * rank
    )


def _matrix_shape(shape):
    if not isinstance(shape, (tuple, list)) or len(shape) != 2:
        raise TypeError(f"shape must be (rows, columns), got {shown(shape)}.")
    return tuple(
        integer(count, f"shape[{axis}]", 1, limit=COUNT_LIMIT) for axis, count in enumerate(shape)
    )


def _network_loss(p, x, row):
    features = len(row) - 1
    hidden, residual = len(x) // (features + 1), -row[features]
    for h in range(hidden):
        residual = fma(x[h], tanh(dot(x, row, hidden + h * features, features)), residual)
    return 0.5 * residual * residual


def _activations(x, row, out, start):
    """Hidden activations into out[start:]; returns the residual."""
    features = len(row) - 1
    hidden, residual = len(x) // (features + 1), -row[features]
    for h in range(hidden):
        activation = tanh(dot(x, row, hidden + h * features, features))
        out[start + h] = activation
        residual = fma(x[h], activation, residual)
    return residual


def _network_jacobian(factor, x, row, out, start):
    features = len(row) - 1
    hidden = len(x) // (features + 1)
    for h in range(hidden):
        activation = out[start + h]
        back = factor * x[h] * fma(-activation, activation, 1.0)
        out[h] = factor * activation
        for k in range(features):
            out[hidden + h * features + k] = back * row[k]


def _network_gradient(p, x, row, out):
    _network_jacobian(_activations(x, row, out, len(x)), x, row, out, len(x))


def _network_fisher(p, x, row, out):
    d = len(x)
    _activations(x, row, out, d * d)
    _network_jacobian(1.0, x, row, out, d * d)
    _outer_square(out, d)


def _network_hessian(p, x, row, out):
    d, features = len(x), len(row) - 1
    hidden, residual = d // (features + 1), _activations(x, row, out, d * d)
    _network_jacobian(1.0, x, row, out, d * d)
    _outer_square(out, d)
    for h in range(hidden):
        activation, first = out[d * d + h], hidden + h * features
        slope = residual * fma(-activation, activation, 1.0)
        for k in range(features):
            out[d * h + first + k] += slope * row[k]
            out[d * (first + k) + h] += slope * row[k]
            for j in range(features):
                out[d * (first + k) + first + j] -= (
                    2.0 * x[h] * activation * slope * row[k] * row[j]
                )


@recorded
def tanh_network(inputs, targets, hidden):
    """Network with one hidden layer: loss of one example (f - target)^2 / 2, f = sum_h a_h tanh(w_h
    . inputs).

    A committee machine with trained output weights (Saad and Solla 1995, Physical Review E 52,
    4225, with erf for tanh; from memory). Units may be exchanged, a_h and w_h change sign together:
    a minimum whose units differ has 2^hidden hidden! copies.

    Parameters
    ----------
    inputs : array_like, shape (examples, features)
        A column of ones gives the hidden units their biases.
    targets : array_like, shape (examples,)
    hidden : int, >= 1
        Number of hidden units.

    Returns
    -------
    Loss
        Of x = (a_1 ... a_hidden, w_1, w_2, ...), d = hidden (1 + features) components. Hessian by
        back-propagation twice, Fisher matrix J J' of target ~ N(f, 1); derived.

    Raises
    ------
    TypeError, ValueError
        If an array has another shape or is not finite, or hidden < 1.
    """
    table, hidden = (
        with_targets(inputs, targets, "targets"),
        integer(hidden, "hidden", 1, limit=COUNT_LIMIT),
    )
    texts = (
        _network_loss,
        _network_gradient,
        None,
        table,
        hidden * table.shape[1],
        _network_hessian,
        _network_fisher,
    )
    return Loss("tanh_network", *texts, scratch=hidden)
