"""Losses of a data table, by name."""

import numpy as np

from ..arguments import one_matrix
from ..kernels.elementary import fma
from .loss_record import Loss, table_of
from .multinomial import multinomial_regression
from .populations import linear_regression_population, logistic_regression_population
from .records import recorded
from .regressions import (
    huber_regression,
    linear_regression,
    logistic_regression,
    phase_retrieval,
    poisson_regression,
)
from .two_layers import matrix_factorisation, tanh_network

__all__ = [
    "Loss",
    "huber_regression",
    "linear_regression",
    "linear_regression_population",
    "logistic_regression",
]
__all__ += [
    "logistic_regression_population",
    "matrix_factorisation",
    "multinomial_regression",
    "phase_retrieval",
]
__all__ += ["poisson_regression", "quadratic_centers", "tanh_network"]


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


@recorded(hessian=one_matrix)
def quadratic_centers(hessian, centers):
    """One quadratic well per example: loss (x - c)' H (x - c) / 2. Gradient noise is additive:
    Sigma = H cov(c) H everywhere.

    Parameters
    ----------
    hessian : array_like, shape (d, d) or (d,)
        Symmetric matrix H, or its diagonal; energy per length squared.
    centers : array_like, shape (examples, d)

    Returns
    -------
    Loss
        Negative log-likelihood of c ~ N(x, H^-1), up to a constant; Fisher matrix H, unless H has
        an eigenvalue below zero; derived.

    Raises
    ------
    TypeError, ValueError
        If hessian is not symmetric, or an array has another shape or is not finite.
    """
    table = table_of(centers, "centers")
    if table.shape[1] != len(hessian):
        raise ValueError(
            f"centers must have the shape (examples, {len(hessian)}) to fit hessian, got "
            f"{table.shape}."
        )
    return Loss(
        "quadratic_centers",
        _centers_loss,
        _centers_gradient,
        {"hessian": hessian},
        table,
        len(hessian),
        example_hessian=_centers_hessian,
        example_fisher=_centers_hessian if np.linalg.eigvalsh(hessian)[0] >= 0 else None,
    )
