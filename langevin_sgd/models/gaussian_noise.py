"""Gaussian noise: the same everywhere, or a field; and the factor of a covariance matrix."""

import math
from functools import cache

import numpy as np

from ..arguments import covariance_matrix, finite_array, numbers, one_matrix, optional, text
from ..kernels.elementary import fma
from ..kernels.rules import check_function
from .gradient_noise import GradientNoise
from .parameters import size
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


@cache
def _field_sample(factor):
    def sample(p, x, z, out):
        for k in range(len(out)):
            out[k] = 0.0
        factor(p, x, out)
        # In place: noise k lands in a row of the matrix that has been read, for k <= k * normals.
        for k in range(len(x)):
            s = 0.0
            for j in range(len(z)):
                s = fma(out[k * len(z) + j], z[j], s)
            out[k] = s

    return sample


@recorded(normals=size(1), dim=optional(size(1)))
def gaussian_field(factor, params, normals, dim=None):
    """Gaussian noise whose full covariance depends on the place.

    xi = F(x) z with Sigma(x) = F(x) F(x)': Gaussian at each place, hence a batch is one draw
    divided by sqrt(B). Over a run the law of xi is a mixture and not Gaussian.

    Parameters
    ----------
    factor : callable
        `factor(p, x, out)` writes the matrix F (d, normals) row by row, F[k, j] into
        `out[k * normals + j]`, in energy / length. Numbers that it does not write are zero.
    params : dict or namedtuple
        What `factor` finds in `p`.
    normals : int
        Columns of F: independent normals of one draw, at least one.
    dim : int, optional
        d, where `factor` works in one dimension only: a model of another one is refused.

    Returns
    -------
    GradientNoise

    Notes
    -----
    Evaluated before the move: for small learning rates the limit is the Ito equation with 2 D(x) =
    learning_rate Sigma(x)/B. Source: definition; E xi xi' = F E[z z'] F'.

    Examples
    --------
    Noise that grows with the distance, F = 2 x; a draw z = 0.5 at x = 3:

    >>> def factor(p, x, out):
    ...     out[0] = p.a * x[0]
    >>> noise, xi = ls.noise.gaussian_field(factor, {"a": 2.0}, normals=1), np.zeros(1)
    >>> noise.sample(noise.params, [3.0], [0.5], xi)
    >>> print(xi)
    [3.]
    """
    check_function(factor, "factor of gaussian_field", "p x out")
    options = {"gaussian": True, "dim": dim, "scratch_per_component": normals - 1}
    return GradientNoise("gaussian_field", _field_sample(factor), params, normals, **options)


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
