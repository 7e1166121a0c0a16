"""One quadratic well per example."""

import numpy as np

from ..arguments import one_matrix
from ..kernels.elementary import fma
from .loss_record import Loss, table_of
from .records import recorded
from .sums import write_matrix


def _pull(p, x, row, k):
    pull = 0.0
    for j in range(len(x)):
        pull = fma(p.hessian[k, j], x[j] - row[j], pull)
    return pull


def centers_loss(p, x, row):
    """(x - c)' H (x - c) / 2, with c = row."""
    s = 0.0
    for k in range(len(x)):
        s = fma(_pull(p, x, row, k), x[k] - row[k], s)
    return 0.5 * s


def centers_gradient(p, x, row, out):
    """H (x - c)."""
    for k in range(len(x)):
        out[k] = _pull(p, x, row, k)


def centers_hessian(p, x, row, out):
    """H."""
    write_matrix(p.hessian, len(x), out)


@recorded(hessian=one_matrix)
def quadratic_centers(hessian, centers):
    """One quadratic well per example, (x - c)' H (x - c) / 2: the gradient noise is additive.

    The covariance of one example's gradient is Sigma = H cov(c) H everywhere.

    Parameters
    ----------
    hessian : array_like, shape (d, d) or (d,)
        Symmetric matrix H, or its diagonal; energy per length squared.
    centers : array_like, shape (examples, d)
        The minimum c of each example, length.

    Returns
    -------
    Loss
        Negative log-likelihood of c ~ N(x, H^-1), up to a constant; Fisher matrix H, unless H has
        an eigenvalue below zero.

    Notes
    -----
    Derived: the gradient H (x - c) differs between examples by H c alone.

    Examples
    --------
    Centres of variance 1 and H = 2: the variance of the gradient is 2 * 1 * 2, here and far away.

    >>> wells = ls.losses.quadratic_centers([2.0], [[-1.0], [1.0]])
    >>> ls.analysis.covariance_at(wells, [[0.0], [5.0]]).ravel().tolist()
    [4.0, 4.0]
    """
    table = table_of(centers, "centers")
    if table.shape[1] != len(hessian):
        raise ValueError(
            f"centers must have the shape (examples, {len(hessian)}) to fit hessian, got "
            f"{table.shape}."
        )
    functions = centers_loss, centers_gradient
    fisher = centers_hessian if np.linalg.eigvalsh(hessian)[0] >= 0 else None
    params, dim = {"hessian": hessian}, len(hessian)
    return Loss("quadratic_centers", *functions, params, table, dim, centers_hessian, fisher)
