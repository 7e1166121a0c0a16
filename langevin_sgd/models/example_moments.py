"""Moments of the example gradients of a `Loss` over its table, centred in two passes."""

from typing import NamedTuple

import numpy as np

from .example_gradients import block_at, blocks_of_points, blocks_of_rows, gradients_of


class Moments(NamedTuple):
    """Of the gradients of a table at m points."""

    mean: np.ndarray  # (m, d) G
    covariance: np.ndarray  # (m, d, d) mean of (g_i - G)(g_i - G)'


def moments_of(block, examples, dim, weights=None):
    """`Moments` of gradients that `block(rows)` gives as an array (m, rows, d), of a slice of the
    examples, which it is asked for twice.

    With `weights` w_i = 1/(N p_i), those of w_i g_i, i drawn with probability p_i. A variance is
    a sum of squares, so that it is never negative; rounding: 1e-16 tr Sigma, whatever G is."""
    slices = blocks_of_rows(examples, dim)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = sum(block(rows).sum(axis=1) for rows in slices) / examples
        total = 0.0
        for rows in slices:
            each = block(rows)
            if weights is None:
                away = each - mean[:, None]
            else:
                root = np.sqrt(weights[rows])[:, None]
                away = each * root - mean[:, None] / root
            total = total + away.swapaxes(1, 2) @ away
    return Moments(mean, total / examples)


def example_covariance(loss, x, weights=None):
    """Covariance (..., d, d) at points x (..., d) of one example's gradient over the table, or with
    `weights` of w_i g_i, as in `moments_of`."""
    gradients, examples, dim = gradients_of(loss), len(loss.data), loss.dim
    points = x.reshape(-1, dim)
    covariance = np.empty((len(points), dim, dim))
    for some in blocks_of_points(len(points), examples, dim):
        block = block_at(gradients, points[some], examples)
        covariance[some] = moments_of(block, examples, dim, weights).covariance
    return covariance.reshape(*x.shape, dim)
