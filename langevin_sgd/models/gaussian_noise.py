"""Gaussian noise that is the same everywhere, and the factor of a covariance matrix."""

import math

import numpy as np

from ..arguments import covariance_matrix, finite_array, numbers, one_matrix, text
from .gradient_noise import GradientNoise
from .records import recorded
from .sums import row_times


def variances_or_matrix(value, name):
    """A check: d variances (d,), or a covariance matrix (d, d), which may be diagonal."""
    array = finite_array(value, name)
    if array.ndim < 2:
        return scales(array, name)
    return covariance_matrix(finite_array(array, name, ndim=2), name)


def scales(value, name):
    """A check: one number >= 0 for each component; a number is one component."""
    array = finite_array(np.atleast_1d(numbers(value, name, at_least=0)), name, ndim=1)
    if array.size == 0:
        raise ValueError(f"{name} must have an entry for each component, got none.")
    return array


def matrix_of(covariance):
    """What `variances_or_matrix` lets pass as a matrix."""
    return np.diag(covariance) if covariance.ndim == 1 else covariance


def _diagonal_sample(p, x, z, out):
    for k in range(len(z)):
        out[k] = p.scale[k] * z[k]


def _factor_sample(p, x, z, out):
    for k in range(len(out)):
        out[k] = row_times(p.factor, k, z)


@recorded(covariance=variances_or_matrix)
def gaussian(covariance):
    """Gaussian gradient noise with the same covariance everywhere.

    Parameters
    ----------
    covariance : array_like, shape (d, d) or (d,)
        Sigma, the covariance of ONE example's gradient (or the d diagonal entries), (energy /
        length)^2. Positive semidefinite: rank below d is allowed.

    Returns
    -------
    GradientNoise

    Examples
    --------
    The noise of an example is a standard normal number times the standard deviation:

    >>> noise = ls.noise.gaussian([4.0, 9.0])
    >>> xi = np.zeros(2)
    >>> noise.sample(noise.params, np.zeros(2), [1.0, -1.0], xi)
    >>> print(noise, xi)
    gaussian(covariance=[4.0, 9.0]) [ 2. -3.]
    """
    d = len(covariance)
    if covariance.ndim == 2 and np.array_equal(covariance, np.diag(np.diagonal(covariance))):
        covariance = np.diagonal(covariance)
    if covariance.ndim == 1:
        params = {"scale": np.sqrt(covariance)}
        return GradientNoise("gaussian", _diagonal_sample, params, d, gaussian=True, dim=d)
    factor = covariance_factor(covariance)
    params, rank = {"factor": factor}, factor.shape[1]
    return GradientNoise("gaussian", _factor_sample, params, rank, gaussian=True, dim=d)


def covariance_factor(covariance, name="covariance"):
    """Factor F of a covariance matrix, F F' = covariance, with as many columns as its rank.

    Parameters
    ----------
    covariance : array_like, shape (d, d)
        Positive semidefinite.
    name : str
        How messages call it.

    Returns
    -------
    array, shape (d, rank)

    Notes
    -----
    LDL' with diagonal pivoting, in plain Python: the same bits on every machine.

    Examples
    --------
    A matrix of rank one is one column; its square is the matrix.

    >>> factor = ls.noise.covariance_factor([[4.0, 2.0], [2.0, 1.0]])
    >>> factor.tolist(), (factor @ factor.T).tolist()
    ([[2.0], [1.0]], [[4.0, 2.0], [2.0, 1.0]])
    """
    matrix = one_matrix(covariance, text(name, "name"))
    left = covariance_matrix(matrix, name).tolist()
    size, columns = len(left), []
    tolerance = 1e-10 * max(abs(entry) for row in left for entry in row)
    while len(columns) < size:
        pivot = max(range(size), key=lambda k: left[k][k])
        largest = left[pivot][pivot]
        if largest <= tolerance:
            break
        root = math.sqrt(largest)  # correctly rounded everywhere, unlike a power
        column = [left[k][pivot] / root for k in range(size)]
        for k in range(size):
            for j in range(size):
                left[k][j] -= column[k] * column[j]
        for k in range(size):  # exact zeros: rounding must not revive a direction that is done
            left[k][pivot] = left[pivot][k] = 0.0
        columns.append(column)
    return np.array(columns).T.reshape(size, len(columns))
