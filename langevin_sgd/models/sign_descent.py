"""Descent along the sign of each component of the gradient."""

from ..kernels.elementary import where
from .dynamics_record import Dynamics, dynamics_maker


def _sign_of(force):
    return where(force > 0.0, 1.0, where(force < 0.0, -1.0, 0.0))


def _of_gradient(p, x, v, g, xi, z):
    for k in range(len(x)):
        x[k] = x[k] - p.learning_rate * _sign_of(g[k] + xi[k])


def _of_mean(p, x, v, g, xi, z):
    for k in range(len(x)):
        v[k] = p.momentum * v[k] + (1.0 - p.momentum) * (g[k] + xi[k])
        x[k] = x[k] - p.learning_rate * _sign_of(v[k])


@dynamics_maker
def sign_sgd(learning_rate, batch_size=1, momentum=0.0):
    """Sign descent, x' = x - eta sign(g), or along the sign of the gradient's running mean.

    With momentum the mean is m' = mu m + (1 - mu) g. The sign of 0 is 0.

    Parameters
    ----------
    learning_rate : float > 0, or Schedule
        eta, a length: the step of every component.
    batch_size : int >= 1, or Schedule
        As in `sgd`.
    momentum : float in [0, 1), or Schedule
        mu; the mean remembers 1/(1 - mu) steps.

    Returns
    -------
    Dynamics

    Notes
    -----
    signSGD and Signum of Bernstein et al. (2018), algorithms 1 and 2. Under noise that is symmetric
    about 0 a component moves by E sign(g + xi) = 1 - 2 P(xi < -g): the tails of the noise do not
    matter, and on U = h x^2/2 with Gaussian noise of small eta the drift is
    -eta erf(h x / sqrt(2 Sigma/B)).

    Examples
    --------
    All components move by the learning rate, whatever the gradient's size:

    >>> dynamics, x = ls.dynamics.sign_sgd(0.1), np.array([1.0, 1.0, 1.0])
    >>> dynamics.update(dynamics.params, x, None, [500.0, -0.01, 0.0], [0.0, 0.0, 0.0], None)
    >>> print(dynamics, x.round(4))
    sign_sgd(learning_rate=0.1) [0.9 1.1 1. ]
    """
    params = {"learning_rate": learning_rate, "batch_size": batch_size, "momentum": momentum}
    if momentum == 0.0:
        return Dynamics("sign_sgd", _of_gradient, params)
    return Dynamics("sign_sgd_momentum", _of_mean, params, memory="hidden", vectors=1)
