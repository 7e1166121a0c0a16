"""The diffusion that SGD is compared with."""

from ..kernels.elementary import fma, sqrt
from .dynamics_record import Dynamics, dynamics_maker
from .parameters import size


def _diffusion(p, x, v, g, xi, z):
    step, louder = p.learning_rate / p.substeps, sqrt(p.substeps)
    for k in range(len(x)):
        x[k] = fma(-step, fma(louder, xi[k], g[k]), x[k])


@dynamics_maker(substeps=size(1))
def sgd_diffusion(learning_rate, batch_size=1, substeps=10):
    """The diffusion that SGD is compared with, by Euler and Maruyama's method (Ito).

    dX = -grad U dt + sqrt(eta Sigma/B) dW.

    Parameters
    ----------
    learning_rate : float > 0, or Schedule
        eta, length squared per energy: the time of one step, and part of the noise.
    batch_size : as in `sgd`
    substeps : int >= 1
        m updates of length h = eta/m make up one step; 1 is SGD itself.

    Returns
    -------
    Dynamics

    Notes
    -----
    It rescales the noise: minibatches are refused, use `noise.table_gaussian()`. X' = X - h g -
    sqrt(eta h) xi = X - h (g + sqrt(m) xi), xi drawn anew in each substep: m of them add up to the
    variance of one step of SGD, eta^2 Sigma/B. On a quadratic of curvature a the variance is T/(a
    (1 - eta a/(2m))) with T = eta Sigma/(2B), so the error against the diffusion is of order eta/m
    (derived). Li, Tai and E (2017, arXiv:1511.06251) for the limit.

    Examples
    --------
    One of four substeps: a quarter of the rate, twice the noise, 1 - 0.025 (2 + 2 * 0.5).

    >>> dynamics, x = ls.dynamics.sgd_diffusion(0.1, substeps=4), np.array([1.0])
    >>> dynamics.update(dynamics.params, x, None, [2.0], [0.5], None)
    >>> print(dynamics, x.round(4))
    sgd_diffusion(learning_rate=0.1, substeps=4) [0.925]
    """
    params = {"learning_rate": learning_rate, "batch_size": batch_size, "substeps": substeps}
    return Dynamics("sgd_diffusion", _diffusion, params, substeps=substeps)
