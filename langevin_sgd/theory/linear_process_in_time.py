"""Linear processes in time: autocovariance, time averages, and evolution from any start."""

import numpy as np

from ..arguments import check_count, covariance_matrix, finite_array, optional, whole
from .linear_process import injected_covariance, of_process, state_covariance

MOST_STEPS = 10**6


@of_process(lags=whole(0, MOST_STEPS))
def autocovariance(process, lags):
    """Stationary autocovariance of the position, E[x(t + k) x(t)'] for k = 0 ... ``lags``.

    Parameters
    ----------
    process : LinearProcess
        Of `linear_sgd`, `langevin_process` or your own matrices.
    lags : int
        The longest lag, in steps.

    Returns
    -------
    (lags + 1, ..., d, d) array
        In squared units of x.

    Raises
    ------
    ValueError
        If there is no stationary law.

    Notes
    -----
    F^k Z, position block; exact. Its decay gives every integrated autocorrelation time. Derived:
    E[z(t+k) z(t)'] = F^k Z.

    Examples
    --------
    SGD on x^2/2 with eta = 1/2: the variance 1/3 falls by 1 - eta a step.

    >>> process = ls.theory.linear_sgd(1.0, 1.0, learning_rate=0.5)
    >>> ls.theory.autocovariance(process, 2).ravel().round(4).tolist()
    [0.3333, 0.1667, 0.0833]
    """
    d, correlation = process.dim, state_covariance(process)
    check_count((lags + 1) * correlation.size, "lags")
    values = np.empty((lags + 1, *correlation.shape[:-2], d, d))
    values[0] = correlation[..., :d, :d]
    for k in range(1, lags + 1):
        correlation = process.transition @ correlation
        values[k] = correlation[..., :d, :d]
    return values


@of_process(steps=optional(whole(1)))
def time_average_covariance(process, steps=None):
    """Covariance of the mean of successive stationary positions.

    Parameters
    ----------
    process : LinearProcess
        Of `linear_sgd`, `langevin_process` or your own matrices.
    steps : int, optional
        Number n of positions; None gives n Cov as n grows.

    Returns
    -------
    (..., d, d) array
        In squared units of x.

    Raises
    ------
    ValueError
        If there is no stationary law.

    Notes
    -----
    n Cov(mean) = sum over all k between -n and n of (1 - k/n) E[x(t+k) x(t)'], k taken without its
    sign. The limit for every form of SGD is H^-1 C H^-1 whatever the learning rate and momentum:
    only noise at zero frequency is left. Derived from F^k Z with A = (I - F)^-1:
    sum_{k<n} (1 - k/n) F^k = A - F (I - F^n) A^2 / n.

    Examples
    --------
    Noise 1 and curvature 2 give 1/4 in the limit, at any learning rate and momentum:

    >>> for eta, mu in ((0.01, 0.0), (0.9, 0.9)):
    ...     process = ls.theory.linear_sgd(2.0, 1.0, eta, momentum=mu)
    ...     print(round(ls.theory.time_average_covariance(process).item(), 4))
    0.25
    0.25
    """
    d, transition = process.dim, process.transition
    covariance, identity = state_covariance(process), np.eye(transition.shape[-1])
    weights = inverse = np.linalg.inv(identity - transition)
    if steps is not None:
        left = identity - np.linalg.matrix_power(transition, steps)
        weights = inverse - transition @ left @ inverse @ inverse / steps
    half = weights @ covariance
    return ((half + half.mT - covariance) / (steps or 1))[..., :d, :d]


@of_process(covariance=optional(finite_array), steps=optional(whole(0, MOST_STEPS)))
def evolve(process, mean, covariance=None, steps=None):
    """Exact mean and covariance of the position after every step of an update or a schedule.

    Parameters
    ----------
    process : LinearProcess
        Constant (give ``steps``), or with one leading axis that counts the steps: `linear_sgd` with
        arrays of learning rates, batch sizes or momenta makes such a schedule.
    mean : (d,) or (n,) array
        Start, in units of x; if only the position is given, the memory starts at zero.
    covariance : (d, d) or (n, n) array, optional
        Covariance of the start; zero by default.
    steps : int, optional
        Number of steps of a constant process.

    Returns
    -------
    means, covariances : (steps + 1, d) and (steps + 1, d, d) arrays
        The start first; in units of x, and squared ones.

    Raises
    ------
    ValueError
        If neither or both of a schedule and ``steps`` are given, or for a start that does not fit.

    Notes
    -----
    m' = F m, S' = F S F' + G W G': exact for any schedule and any noise law with covariance W;
    unstable steps are allowed, the time is finite. In `linear_sgd` the learning rate stands inside
    v, so a change leaves the old velocity as it is. PyTorch's heavy ball keeps it outside; that is
    the same update with momentum_k = mu eta_k / eta_(k-1). Derived.

    Examples
    --------
    The schedule eta_k = 1/k on x^2/2 averages the gradients: the mean is 0 after one step, the
    variance 1/k.

    >>> process = ls.theory.linear_sgd(1.0, 1.0, learning_rate=[1.0, 1 / 2, 1 / 3, 1 / 4])
    >>> means, covariances = ls.theory.evolve(process, mean=[5.0])
    >>> means.ravel().tolist(), covariances.ravel().round(4).tolist()
    ([5.0, 0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.5, 0.3333, 0.25])
    """
    d, size = process.dim, process.transition.shape[-1]
    if process.transition.ndim - 2 + (steps is not None) != 1:
        raise ValueError(
            f"process has a transition of the shape {process.transition.shape} and steps = "
            f"{steps!r}: pass a schedule with one leading axis, or a constant process and the "
            "number of steps."
        )
    state, spread = _padded(mean, "mean", (d,), (size,)), np.zeros((size, size))
    if covariance is not None:
        covariance = _padded(covariance, "covariance", (d, d), (size, size))
        spread = covariance_matrix(covariance, "covariance")
    count = len(process.transition) if steps is None else steps
    check_count((count + 1) * size**2, "steps")
    transitions = np.broadcast_to(process.transition, (count, size, size))
    injected = np.broadcast_to(injected_covariance(process), (count, size, size))
    means, covariances = [state[:d]], [spread[:d, :d]]
    for transition, noise in zip(transitions, injected, strict=True):
        state = transition @ state
        spread = transition @ spread @ transition.T + noise
        means.append(state[:d])
        covariances.append(spread[:d, :d])
    return np.array(means), np.array(covariances)


def _padded(given, name, position_shape, state_shape):
    """A start that is given for the position only, with zeros for the memory."""
    if given.ndim == 0 and position_shape[0] == 1:
        given = given.reshape(position_shape)
    if given.shape not in (position_shape, state_shape):
        raise ValueError(
            f"{name} must have the shape {position_shape} of the position or {state_shape} of the "
            f"whole state, got {given.shape}."
        )
    return np.pad(given, [(0, n - m) for n, m in zip(state_shape, given.shape, strict=True)])
