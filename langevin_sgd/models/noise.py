"""Gradient noise: what is added to the gradient of ONE example. A batch of B is the mean of B independent draws."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..kernels.elementary import fma
from ..kernels.texts import check_text
from .parameters import choice, integer, parameters, symmetric_matrix

SAMPLING = ("with_replacement",)


class _NoiseFields(NamedTuple):
    name: str
    sample: Callable
    params: Any
    normals: int
    uniforms: int = 0
    gaussian: bool = False
    dim: int | None = None


class GradientNoise(_NoiseFields):
    """Noise with zero mean that is drawn where the gradient is evaluated, before the update (Ito, as in SGD).

    Parameters
    ----------
    name : str
        How messages and datasets call it.
    sample : callable
        `sample(p, x, z, out)` writes the noise of one example at x into `out`, from `z`: `normals` independent standard normals,
        then `uniforms` independent uniform numbers in [0, 1).
    params : dict or namedtuple
        What `sample` finds in `p`.
    normals, uniforms : int
        How many random numbers one draw takes.
    gaussian : bool
        True if the noise is Gaussian at fixed x: a batch of B is then one draw divided by sqrt(B), which is the same law.
    dim : int, optional
        Number of components, where it is fixed by the parameters: a model of another dimension is refused.
    """

    __slots__ = ()

    def __new__(cls, name, sample, params, normals, uniforms=0, gaussian=False, dim=None):
        check_text(sample, f"sample of {name!r}")
        normals, uniforms = integer(normals, "normals", at_least=0), integer(uniforms, "uniforms", at_least=0)
        if gaussian and uniforms:
            raise ValueError(
                f"uniforms must be 0 for gaussian=True, got {uniforms}: {name!r} cannot be Gaussian in uniform numbers."
            )
        return super().__new__(cls, name, sample, parameters(params, repr(name)), normals, uniforms, bool(gaussian), dim)


class Minibatch(NamedTuple):
    """Noise of true minibatches of a `Loss`: each step takes the gradient of `batch_size` examples."""

    name: str
    params: Any
    sampling: str


class TableGaussian(NamedTuple):
    """Gaussian noise with exactly the covariance of a `Loss`'s table at each point."""

    name: str
    params: Any


def covariance_factor(covariance, name="covariance"):
    """Factor F (d, rank) with F F' = covariance, by LDL' with diagonal pivoting, in plain Python: the same bits on every machine.

    Raises
    ------
    ValueError
        If the matrix is not positive semidefinite (relative tolerance 1e-10 of its largest diagonal entry).
    """
    left = [[float(entry) for entry in row] for row in covariance]
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
    if max(abs(entry) for row in left for entry in row) > tolerance:
        lowest = float(np.linalg.eigvalsh(np.asarray(covariance, dtype=np.float64))[0])
        raise ValueError(f"{name} must be positive semidefinite, but its smallest eigenvalue is {lowest:.6g}.")
    return np.array(columns).T.reshape(size, len(columns))


def _diagonal_sample(p, x, z, out):
    for k in range(len(z)):
        out[k] = p.scale[k] * z[k]


def _factor_sample(p, x, z, out):
    for k in range(len(out)):
        s = 0.0
        for j in range(len(z)):
            s = fma(p.factor[k, j], z[j], s)
        out[k] = s


def gaussian(covariance):
    """Gaussian gradient noise with the same covariance everywhere.

    Parameters
    ----------
    covariance : array_like, shape (d, d) or (d,)
        Sigma, the covariance of ONE example's gradient (or the d diagonal entries), (energy / length)^2. Positive semidefinite:
        rank below d is allowed.

    Returns
    -------
    GradientNoise
    """
    matrix = symmetric_matrix(covariance, "covariance")
    if matrix.ndim == 2 and np.array_equal(matrix, np.diag(np.diagonal(matrix))):
        matrix = np.diagonal(matrix)
    if matrix.ndim == 1:
        if matrix.min() < 0:
            raise ValueError(f"covariance must be positive semidefinite, but its smallest eigenvalue is {matrix.min():.6g}.")
        return GradientNoise(
            "gaussian", _diagonal_sample, {"scale": np.sqrt(matrix)}, len(matrix), gaussian=True, dim=len(matrix)
        )
    factor = covariance_factor(matrix)
    return GradientNoise("gaussian", _factor_sample, {"factor": factor}, factor.shape[1], gaussian=True, dim=len(factor))


def minibatch(sampling="with_replacement"):
    """True minibatches of a `Loss`, the batch size being that of the dynamics.

    Parameters
    ----------
    sampling : {"with_replacement"}
        `"with_replacement"`: B independent uniform examples in each step.

    Returns
    -------
    Minibatch
    """
    return Minibatch("minibatch", parameters(None, "minibatch"), choice(sampling, "sampling", SAMPLING))


def table_gaussian():
    """The Gaussian twin of minibatch noise: covariance exactly that of the table at each x, without a matrix root.

    xi = sum_i (z_i - mean z) g_i / sqrt(N B) for the N example gradients g_i and N standard normals z_i. Derivation: the
    covariance of z_i - mean z is delta_ij - 1/N, so that E xi xi' = (sum_i g_i g_i' / N - gbar gbar') / B = Sigma / B.

    Returns
    -------
    TableGaussian
    """
    return TableGaussian("table_gaussian", parameters(None, "table_gaussian"))
