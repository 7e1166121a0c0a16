"""The one-step Markov operator x' = image(x) + sd(x) z on a grid, with z standard normal: its
matrix and its leading eigenpairs.

Trapezoid Nystrom: p'(y) = sum_n w p(x_n) prod_k N(y_k; image_k(x_n), sd_k(x_n)^2). With a constant
sd s the kernel at spacing h is integrated to a relative exp(-(pi s / h)^2) or better: 2e-9 at h =
0.7 s, 7e-15 at h = 0.55 s (derived from Poisson summation for a drift with unit slope)."""

import math
from typing import NamedTuple

import numpy as np

from .grids import spacing_of

REACH = 8.0  # a kernel is cut off at 8 standard deviations, where it is 1e-14 of its maximum
MOST_ENTRIES = 60_000_000  # non-zero entries: about 0.7 GB
LONGEST_SIDE = 100_000  # nodes of an axis: beyond it a chain mixes too slowly
DENSE = 300
COARSE, FINE = 0.7, 0.55  # grid spacings in units of the smallest step noise
LARGEST_LEAK = 1e-9


class Leading(NamedTuple):
    """Leading right eigenvector (a probability per node), survival and relaxation eigenvalue of a
    transition matrix.

    `span` is a vector with a share of both leading eigenvectors: interpolated, it starts the
    solution on a finer grid."""

    probability: np.ndarray
    survival: float
    relaxation: float
    span: np.ndarray


def transition_matrix(axes, image, sd):
    """Sparse matrix (nodes, nodes) that maps the probabilities of the nodes of a tensor grid to
    those one step later.

    `image` and `sd` have shape (nodes, d): where the noise-free step leads, and the standard
    deviation of the step along each axis. Column sums fall short of one by what leaves the grid."""
    rows, values = np.zeros((len(image), 1), dtype=np.int32), np.ones((len(image), 1))
    for k, axis in enumerate(axes):
        mean, spread = image[:, k, None], sd[:, k, None]
        spacing = spacing_of(axis)
        reach = int(min(np.ceil(REACH * spread.max() / spacing), LONGEST_SIDE))
        nearest = np.rint(np.clip((mean - axis[0]) / spacing, -1e6, 1e6)).astype(np.int32)
        index = nearest + np.arange(-reach, reach + 1, dtype=np.int32)
        kernel = normal_density(axis[0] + index * spacing - mean, spread) * spacing
        inside = (index >= 0) & (index < len(axis))
        index, kernel = np.where(inside, index, np.int32(0)), np.where(inside, kernel, 0.0)
        rows = (rows[:, :, None] * len(axis) + index[:, None, :]).reshape(len(image), -1)
        values = (values[:, :, None] * kernel[:, None, :]).reshape(len(image), -1)
    return matrix_of_columns(rows, values)


def matrix_of_columns(rows, values):
    """Sparse square matrix from the rows (n, k) and values (n, k) of the entries of its columns."""
    from scipy.sparse import csc_matrix

    starts = np.arange(len(rows) + 1, dtype=np.int32) * rows.shape[1]
    return csc_matrix((values.ravel(), rows.ravel(), starts), shape=(len(rows),) * 2)


def check_entries(points, sd, spacing):
    """Refuse a grid of `points` nodes per axis whose matrix, with at most REACH step sd to each
    side, would not fit."""
    entries = np.prod(points, dtype=float) * np.prod(2 * REACH * sd / spacing + 2)
    if not (entries <= MOST_ENTRIES and np.max(points) <= LONGEST_SIDE):
        raise ValueError(
            f"the transfer operator needs {np.prod(points, dtype=float):.3g} nodes and "
            f"{entries:.2g} matrix entries (limit {MOST_ENTRIES:.2g}): the step noise is too "
            "small for the box. Use a larger learning_rate or noise_covariance, a smaller "
            "batch_size, narrower bounds, or fokker_planck, the limit of small steps."
        )


def normal_density(x, sd):
    """Normal density of x with mean zero."""
    return np.exp(-0.5 * (x / sd) ** 2) / (sd * np.sqrt(2 * np.pi))


def kernel_density(y, mean, sd):
    """Densities (m, n) of places y (m, d) after steps that lead to `mean` (n, d), noise aside."""
    return math.prod(
        normal_density(y[:, k, None] - mean[:, k], sd[:, k]) for k in range(y.shape[1])
    )


def two_largest(matrix, start, **options):
    """The two eigenpairs of largest modulus, by ARPACK: to the last place or, where it never calls
    that reached (of equal eigenvalues, such as a symmetric circle has), to 1e-14."""
    from scipy.sparse.linalg import ArpackError, eigs

    for tolerance in (0, 1e-14):
        try:
            return eigs(matrix, k=2, v0=start, tol=tolerance, **options)
        except ArpackError as error:
            failure = error
    raise ValueError(
        "the chain mixes too slowly for its law: make its steps larger by learning_rate or "
        "noise_covariance, or batch_size smaller, or give narrower bounds."
    ) from failure


def leading(matrix, start=None):
    """Leading eigenpair of a non-negative matrix or operator and the next eigenvalue in modulus
    (its real part)."""
    if matrix.shape[0] <= DENSE:
        values, vectors = np.linalg.eig(matrix @ np.eye(matrix.shape[0]))
    else:
        # A fixed start vector makes the answer reproducible.
        start = np.ones(matrix.shape[0]) if start is None else start
        work = getattr(matrix, "size", 100 * len(start))  # of one product, if there is no matrix
        # 40 basis vectors halve the time at small spectral gaps.
        values, vectors = two_largest(matrix, start, ncv=40, maxiter=10 + 10**8 // work)
    first, second = np.argsort(-np.abs(values))[:2]
    probability = vectors[:, first].real
    probability = np.maximum(probability / probability.sum(), 0.0)
    span = vectors[:, first].real + vectors[:, second].real
    return Leading(
        probability / probability.sum(), float(values[first].real), float(values[second].real), span
    )
