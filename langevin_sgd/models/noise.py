"""Gradient noise: what is added to the gradient of ONE example. A batch of B is the mean of B
independent draws.
"""

import numpy as np

from ..kernels.elementary import fma
from .gradient_noise import GradientNoise, covariance_factor
from .minibatches import Minibatch, TableGaussian, minibatch, table_gaussian
from .noise_laws import alpha_stable, gaussian_field, online_regression, student_t, two_point
from .parameters import symmetric_matrix
from .recipes import recorded

__all__ = [
    "GradientNoise",
    "Minibatch",
    "TableGaussian",
    "alpha_stable",
    "covariance_factor",
    "gaussian",
    "gaussian_field",
]
__all__ += ["minibatch", "online_regression", "student_t", "table_gaussian", "two_point"]


def _diagonal_sample(p, x, z, out):
    for k in range(len(z)):
        out[k] = p.scale[k] * z[k]


def _factor_sample(p, x, z, out):
    for k in range(len(out)):
        s = 0.0
        for j in range(len(z)):
            s = fma(p.factor[k, j], z[j], s)
        out[k] = s


@recorded
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
    """
    matrix = symmetric_matrix(covariance, "covariance")
    if matrix.ndim == 2 and np.array_equal(matrix, np.diag(np.diagonal(matrix))):
        matrix = np.diagonal(matrix)
    if matrix.ndim == 1:
        if matrix.min() < 0:
            raise ValueError(
                "covariance must be positive semidefinite, but its smallest eigenvalue is "
                f"{matrix.min():.6g}."
            )
        return GradientNoise(
            "gaussian",
            _diagonal_sample,
            {"scale": np.sqrt(matrix)},
            len(matrix),
            gaussian=True,
            dim=len(matrix),
        )
    factor = covariance_factor(matrix)
    return GradientNoise(
        "gaussian",
        _factor_sample,
        {"factor": factor},
        factor.shape[1],
        gaussian=True,
        dim=len(factor),
    )
