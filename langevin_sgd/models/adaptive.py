"""Optimizers that divide each component of the gradient by its own running size; letters as in
`dynamics_record`."""

from ..kernels.elementary import fma, sqrt
from .dynamics_record import Dynamics, dynamics_maker


def _adam(p, x, v, g, xi, z):
    """v: the running means of g, g^2, and of 1 with either memory; the last two undo the start at
    zero.
    """
    dim = len(x)
    for k in range(dim):
        force = fma(p.weight_decay, x[k], g[k] + xi[k])
        mean = p.beta1 * v[k] + (1.0 - p.beta1) * force
        square = p.beta2 * v[dim + k] + (1.0 - p.beta2) * force * force
        weight = p.beta1 * v[2 * dim + k] + (1.0 - p.beta1)
        square_weight = p.beta2 * v[3 * dim + k] + (1.0 - p.beta2)
        x[k] = x[k] - p.learning_rate * (mean / weight) / (sqrt(square / square_weight) + p.epsilon)
        v[k] = mean
        v[dim + k] = square
        v[2 * dim + k] = weight
        v[3 * dim + k] = square_weight


@dynamics_maker
def adam(learning_rate, batch_size=1, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.0):
    """Adam: each component of the gradient's running mean, divided by its own running size.

    x' = x - eta m/(sqrt(s) + epsilon), with the bias-corrected running means m of g and s of g^2.

    Parameters
    ----------
    learning_rate : float > 0, or Schedule
        eta, a length: the step of a component whose gradient stays the same.
    batch_size : int >= 1, or Schedule
        As in `sgd`.
    beta1, beta2 : float in [0, 1), or Schedule
        What m and s keep in a step: memories of 1/(1 - beta) steps.
    epsilon : float > 0, or Schedule
        Added to the root, in energy per length.
    weight_decay : float >= 0, or Schedule
        As in `sgd`: that of PyTorch's Adam, not its AdamW.

    Returns
    -------
    Dynamics

    Notes
    -----
    Kingma and Ba (2015, arXiv:1412.6980), algorithm 1. Their correction 1 - beta^t is the running
    mean of the number 1 from the same start at zero (by induction: beta (1 - beta^(t-1)) + 1 - beta
    = 1 - beta^t), and is carried as such: no step number.

    Examples
    --------
    The first step is as long as the learning rate, however large the gradient is:

    >>> dynamics = ls.dynamics.adam(0.1)
    >>> x, memory = np.array([1.0, 1.0]), np.zeros(8)
    >>> dynamics.update(dynamics.params, x, memory, [2.0, -500.0], [0.0, 0.0], None)
    >>> print(dynamics, x.round(4))
    adam(learning_rate=0.1) [0.9 1.1]
    """
    params = {"beta1": beta1, "learning_rate": learning_rate, "batch_size": batch_size}
    params |= {"beta2": beta2, "epsilon": epsilon, "weight_decay": weight_decay}
    return Dynamics("adam", _adam, params, memory="hidden", state_size=4, vectors=1)


def _rmsprop(p, x, v, g, xi, z):
    for k in range(len(x)):
        force = fma(p.weight_decay, x[k], g[k] + xi[k])
        v[k] = p.beta2 * v[k] + (1.0 - p.beta2) * force * force
        x[k] = x[k] - p.learning_rate * force / (sqrt(v[k]) + p.epsilon)


@dynamics_maker
def rmsprop(learning_rate, batch_size=1, beta2=0.99, epsilon=1e-8, weight_decay=0.0):
    """RMSprop: each component of the gradient, divided by its own running size.

    x' = x - eta g/(sqrt(s) + epsilon), with s the running mean of g^2.

    Parameters
    ----------
    learning_rate, batch_size : as in `adam`
    beta2 : float in [0, 1), or Schedule
        What s keeps in a step (PyTorch's alpha).
    epsilon, weight_decay : as in `adam`

    Returns
    -------
    Dynamics

    Notes
    -----
    Hinton, lecture 6e of "Neural Networks for Machine Learning" (2012), with epsilon outside the
    root as in PyTorch. s starts at 0 without correction, so that the first steps are up to 1/sqrt(1
    - beta2) times longer than later ones.

    Examples
    --------
    The first step is 1/sqrt(1 - 0.99) = 10 learning rates long:

    >>> dynamics, x, memory = ls.dynamics.rmsprop(0.01), np.array([1.0]), np.zeros(1)
    >>> dynamics.update(dynamics.params, x, memory, [2.0], [0.0], None)
    >>> print(dynamics, x.round(4))
    rmsprop(learning_rate=0.01) [0.9]
    """
    params = {"learning_rate": learning_rate, "batch_size": batch_size}
    params |= {"beta2": beta2, "epsilon": epsilon, "weight_decay": weight_decay}
    return Dynamics("rmsprop", _rmsprop, params, memory="hidden", vectors=0)
