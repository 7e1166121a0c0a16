"""Sums and matrices that several models share; sums run in a fixed order, so that their bits are
fixed."""

from ..kernels.elementary import fma


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


def row_times(matrix, k, x):
    """Row k of a matrix, times as many numbers of x as it has columns."""
    s = 0.0
    for j in range(matrix.shape[1]):
        s = fma(matrix[k, j], x[j], s)
    return s


def square_in(matrix, x):
    """x' M x of a matrix M."""
    s = 0.0
    for k in range(len(x)):
        s = fma(row_times(matrix, k, x), x[k], s)
    return s


def write_matrix(matrix, d, out):
    """A (d, d) matrix into `out`, row by row."""
    for k in range(d):
        for j in range(d):
            out[d * k + j] = matrix[k, j]


def write_two_by_two(first, mixed, second, out):
    """A symmetric (2, 2) matrix into `out`."""
    out[0] = first
    out[1] = mixed
    out[2] = mixed
    out[3] = second
