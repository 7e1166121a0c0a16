"""How well a diffusion reproduces SGD step for step: stochastic modified equations on a
one-dimensional quadratic.

SGD x' = x - eta (h x + xi) with Var xi = c, time t = eta k. All processes here are linear, so mean
and variance say everything about second moments, and the weak errors are exact."""

from typing import NamedTuple

import numpy as np

from ..arguments import (
    all_within,
    covariance_matrix,
    finite_array,
    instance,
    numbers,
    one_of,
    optional,
    shown,
)
from .linear_process import trace
from .meanings import exact


class DriftNoise(NamedTuple):
    """A linear diffusion, dX = -rate X dt + sqrt(eta variance) dW with t = eta k.

    Parameters
    ----------
    rate : float or array
        Per unit of t.
    variance : float or array
        Of the gradient of a batch.

    Examples
    --------
    Its stationary variance is eta variance / (2 rate), reached after many times 1/rate:

    >>> process = ls.theory.DriftNoise(rate=2.0, variance=1.0)
    >>> mean, variance = ls.theory.diffusion_moments(process, learning_rate=0.1, time=20.0)
    >>> f"{variance:.4f} {0.1 * 1.0 / (2 * 2.0):.4f}"
    '0.0250 0.0250'
    """

    rate: np.ndarray
    variance: np.ndarray


def drift_noise(value, name):
    """A check: `value` as a `DriftNoise` of finite numbers, with a variance >= 0."""
    instance(value, name, DriftNoise, "a DriftNoise, as modified_equation makes")
    rate = finite_array(value.rate, f"{name}.rate")
    return DriftNoise(rate, numbers(value.variance, f"{name}.variance", at_least=0))


def whole_steps(value, name):
    """A check: whole numbers >= 0."""
    array = numbers(value, name, at_least=0)
    if np.any(array != np.floor(array)):
        raise ValueError(f"{name} must be whole numbers of updates, got {shown(value)}.")
    return array


@exact(steps=whole_steps)
def sgd_moments(curvature, noise_variance, learning_rate, steps, start=1.0):
    """Exact mean and variance of SGD on U = h x^2 / 2 after a number of steps from one point.

    Parameters
    ----------
    curvature : float or array
        h, energy per squared length; any sign.
    noise_variance : float or array >= 0
        c, the variance of the batch gradient.
    learning_rate : float or array > 0
        eta; unstable rates are allowed since the time is finite.
    steps : int or array >= 0
        Number of steps k.
    start : float or array
        x0, the point where all particles start.

    Returns
    -------
    mean, variance : float or array
        m = (1 - eta h)^k x0 and v = eta^2 c (1 - a^2k) / (1 - a^2), a = 1 - eta h, in units of x
        and of x squared; all arguments broadcast.

    Notes
    -----
    Exact for any noise law. Derived.

    Examples
    --------
    Two steps by hand: the mean is 0.9^2, the variance 0.1^2 (1 + 0.9^2).

    >>> mean, variance = ls.theory.sgd_moments(1.0, 1.0, learning_rate=0.1, steps=2)
    >>> f"{mean:.4f} {variance:.4f}"
    '0.8100 0.0181'
    """
    decay = 1 - learning_rate * curvature
    contraction = learning_rate * curvature * (2 - learning_rate * curvature)  # 1 - decay^2
    flat = np.abs(contraction) < 1e-300
    geometric = (1 - (decay * decay) ** steps) / np.where(flat, 1.0, contraction)
    variance = learning_rate**2 * noise_variance * np.where(flat, steps, geometric)
    return decay**steps * start, variance


@exact(order=one_of(1, 2))
def modified_equation(curvature, noise_variance, learning_rate, order=1):
    """Stochastic modified equation of weak order 1 or 2 for SGD on U = h x^2 / 2.

    Parameters
    ----------
    curvature : float or array
        h, energy per squared length; any sign.
    noise_variance : float or array >= 0
        c, the variance of the batch gradient.
    learning_rate : float or array > 0
        eta.
    order : 1 or 2
        Weak order.

    Returns
    -------
    DriftNoise
        Order 1: drift h, noise sqrt(eta c). Order 2: drift h (1 + eta h / 2), from the modified
        loss U + (eta/4) U'^2, and the same noise.

    Notes
    -----
    Weak error O(eta^order) at fixed time t = eta k, reached only for eta h below about 0.05. For
    the STATIONARY variance both have error O(eta^2) and order 2 is the worse one. Li et al. 2017;
    coefficients checked here against exact moments.

    Examples
    --------
    In a step of SGD the mean falls to 1 - eta h = 0.9 of itself; order 2 gives exp(-0.105), order 1
    exp(-0.1):

    >>> for order in (1, 2):
    ...     process = ls.theory.modified_equation(1.0, 1.0, learning_rate=0.1, order=order)
    ...     mean, _ = ls.theory.diffusion_moments(process, learning_rate=0.1, time=0.1)
    ...     print(f"{mean:.4f}")
    0.9048
    0.9003
    """
    rate = curvature if order == 1 else curvature * (1 + learning_rate * curvature / 2)
    return DriftNoise(*np.broadcast_arrays(rate, noise_variance))


@exact(curvature=all_within(above=0))
def interpolating_ou(curvature, noise_variance, learning_rate):
    """The Ornstein-Uhlenbeck process with the mean and variance of SGD at every step.

    Parameters
    ----------
    curvature : float or array > 0
        h, energy per squared length.
    noise_variance : float or array >= 0
        c, the variance of the batch gradient.
    learning_rate : float or array
        eta, with 0 < eta h < 1: beyond that SGD alternates in sign, which no such process does.

    Returns
    -------
    DriftNoise
        rate = -log(1 - eta h)/eta, variance = 2 rate c / (h (2 - eta h)).

    Notes
    -----
    Derived by equating the two autoregressions.

    Examples
    --------
    At time t = eta k = 0.2 its moments are those of two steps, 0.9^2 and 0.01 (1 + 0.9^2):

    >>> process = ls.theory.interpolating_ou(1.0, 1.0, learning_rate=0.1)
    >>> mean, variance = ls.theory.diffusion_moments(process, learning_rate=0.1, time=0.2)
    >>> f"{mean:.4f} {variance:.4f}"
    '0.8100 0.0181'
    """
    step = numbers(learning_rate * curvature, "learning_rate * curvature", above=0, below=1)
    rate = -np.log1p(-step) / learning_rate
    return DriftNoise(rate, 2 * rate * noise_variance / (curvature * (2 - step)))


@exact(process=drift_noise)
def diffusion_moments(process, learning_rate, time, start=1.0):
    """Mean and variance of a linear diffusion at a time, from one point.

    Parameters
    ----------
    process : DriftNoise
        dX = -rate X dt + sqrt(eta variance) dW.
    learning_rate : float or array > 0
        eta.
    time : float or array >= 0
        t = eta k.
    start : float or array
        x0.

    Returns
    -------
    mean, variance : float or array
        m = exp(-rate t) x0 and v = eta variance (1 - exp(-2 rate t)) / (2 rate), in units of x and
        of x squared; all arguments broadcast.

    Notes
    -----
    Exact. Gradient flow is the case of variance 0. Source: solution of the linear equation.

    Examples
    --------
    exp(-1), and 0.1 (1 - exp(-2))/2:

    >>> process = ls.theory.DriftNoise(rate=1.0, variance=1.0)
    >>> mean, variance = ls.theory.diffusion_moments(process, learning_rate=0.1, time=1.0)
    >>> f"{mean:.4f} {variance:.4f}"
    '0.3679 0.0432'
    """
    rate, flat = process.rate, process.rate == 0
    spread = -np.expm1(-2 * rate * time) / np.where(flat, 1.0, 2 * rate)
    variance = learning_rate * process.variance * np.where(flat, time, spread)
    return np.exp(-rate * time) * start, variance


@exact
def flow_error(curvature, learning_rate, time, start=1.0):
    """Leading error of gradient flow for the mean of SGD on U = h x^2 / 2.

    Parameters
    ----------
    curvature : float or array
        h, energy per squared length; any sign.
    learning_rate : float or array > 0
        eta.
    time : float or array >= 0
        t = eta k.
    start : float or array
        x0.

    Returns
    -------
    float or array
        -(eta h^2 t / 2) exp(-h t) x0, in units of x; the mean m of SGD obeys m - exp(-h t) x0 =
        this + O(eta^2). All arguments broadcast.

    Notes
    -----
    Derived: (1 - eta h)^(t/eta) expanded in eta.

    Examples
    --------
    After ten steps of 0.1 the mean is 0.9^10, the flow exp(-1):

    >>> error = ls.theory.flow_error(1.0, learning_rate=0.1, time=1.0)
    >>> f"{0.9**10 - np.exp(-1):.4f} {error:.4f}"
    '-0.0192 -0.0184'
    """
    decay = np.exp(-curvature * time)
    return -learning_rate * curvature**2 * time / 2 * decay * start


@exact(batch_covariance=optional(covariance_matrix))
def modified_loss(energy, gradient, learning_rate, batch_covariance=None):
    """Loss whose gradient flow the mean path of SGD follows to second order.

    Parameters
    ----------
    energy : array, shape (...)
        U at the points.
    gradient : array, shape (..., d)
        grad U there.
    learning_rate : float > 0
        eta, in length^2 per energy.
    batch_covariance : array, shape (..., d, d), optional
        C of one batch drawn without replacement: give it for reshuffled epochs, whose mean path
        drifts along -grad tr C as well; leave it out for independent batches.

    Returns
    -------
    array, shape (...)
        U + (eta/4) (grad U)^2, and + (eta/4) tr C where C is given, in units of U.

    Notes
    -----
    Error O(eta^2); derived by backward error analysis and enumerated. This is the loss of the mean
    path, not the stationary law: that has the opposite sign of (grad U)^2. Smith et al. 2021 for
    the trace term. With it the mean over all orders of a nonlinear epoch is off by O(eta^3),
    without it by O(eta^2) (orders 3.000(2) and 2.000(2) in ``studies/gradient_flow.py``).

    Examples
    --------
    U = x^2/2 at x = 1 becomes 1/2 + 0.1/4, as in the drift 1 + eta h/2 of `modified_equation`:

    >>> loss = ls.theory.modified_loss(energy=0.5, gradient=[1.0], learning_rate=0.1)
    >>> f"{loss:.3f}"
    '0.525'
    """
    penalty = np.sum(gradient**2, axis=-1)
    if batch_covariance is not None:
        penalty = penalty + trace(batch_covariance)
    return energy + learning_rate / 4 * penalty
