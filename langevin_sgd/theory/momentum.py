"""Momentum as an exponential average, and as the inertia of Langevin dynamics."""

from typing import NamedTuple

import numpy as np

from ..arguments import within
from .meanings import ABOVE_ZERO, exact

MU = within(at_least=0, below=1)


class UnderdampedLimit(NamedTuple):
    """The Langevin dynamics that heavy ball resembles.

    Parameters
    ----------
    friction : float or array
        f of dv = -f v dt, per unit of the time t = eta * steps.
    mass : float or array
        m, in units of t squared.

    Examples
    --------
    Mass times friction is what a step takes from the velocity, 1 - momentum:

    >>> limit = ls.theory.underdamped_limit(0.1, momentum=0.9)
    >>> f"{limit.mass * limit.friction:.3f}"
    '0.100'
    """

    friction: np.ndarray
    mass: np.ndarray


@exact
def underdamped_limit(learning_rate, momentum=0.0):
    """Heavy ball as Langevin dynamics with inertia: its friction and its mass.

    m dv = -grad U dt - m f v dt + noise in the time t = eta * steps.

    Parameters
    ----------
    learning_rate : float or array > 0
        eta, in length^2 per energy.
    momentum : float or array in [0, 1)
        mu; arrays broadcast.

    Returns
    -------
    UnderdampedLimit
        Friction f = 2 (1 - mu) / (eta (1 + mu)), per unit of t, and mass m = eta (1 + mu) / 2, in
        units of t squared, so that a curvature h has omega^2 = h/m = 2 h / (eta (1 + mu)).

    Notes
    -----
    A root lambda per step agrees with the update's to relative order lambda^2, so eta h and 1 - mu
    must be small. At this mass the kinetic temperature m E v^2 equals E[x U'] exactly at every eta:
    their equality tests nothing. The update itself oscillates iff eta h > (1 - sqrt mu)^2. Kunin et
    al. 2023; derived from (1 + mu)(cosh lambda - 1) + (1 - mu) sinh lambda = -eta h.

    Examples
    --------
    f = 2 * 0.5 / (0.1 * 1.5) and m = 0.1 * 1.5 / 2:

    >>> limit = ls.theory.underdamped_limit(0.1, momentum=0.5)
    >>> f"friction {limit.friction:.3f}, mass {limit.mass:.3f}"
    'friction 6.667, mass 0.075'
    """
    friction = 2 * (1 - momentum) / (learning_rate * (1 + momentum))
    return UnderdampedLimit(friction, learning_rate * (1 + momentum) / 2)


@exact(momentum=MU)
def gradient_average(gradients, momentum):
    """Exponential moving average of a sequence of gradients.

    gbar' = mu gbar + (1 - mu) g from gbar = 0, without bias correction.

    Parameters
    ----------
    gradients : array, shape (steps, ...)
        g of each step, in any unit.
    momentum : float in [0, 1)
        mu; the average remembers N = 1/(1 - mu) steps.

    Returns
    -------
    array, shape (steps, ...)
        gbar after each step, in the unit of the gradients.

    Notes
    -----
    Heavy ball is eta / (1 - mu) times it: v_t = eta N gbar_t, an identity at constant eta and zero
    start. Variance of the average of independent gradients: Var g (1 - mu)/(1 + mu). Source:
    definition.

    Examples
    --------
    After k equal gradients 1 - mu^k of them have come in:

    >>> ls.theory.gradient_average([1.0, 1.0, 1.0], momentum=0.5).tolist()
    [0.5, 0.75, 0.875]
    """
    return _filtered(gradients, 1 - momentum, momentum)


@exact(learning_rate=ABOVE_ZERO, momentum=MU)
def heavy_ball_path(gradients, learning_rate, momentum=0.0, start=0.0):
    """Positions and velocities of heavy ball that given gradients drive.

    v' = mu v + eta g, x' = x - v' from v = 0.

    Parameters
    ----------
    gradients : array, shape (steps, ...)
        g of each step, energy per length.
    learning_rate : float > 0
        eta, in length^2 per energy.
    momentum : float in [0, 1)
        mu.
    start : float or array, shape (...)
        x before the first step, a length.

    Returns
    -------
    positions, velocities : arrays, shape (steps, ...)
        x and v after each step, both lengths.

    Notes
    -----
    Source: definition.

    Examples
    --------
    Two steps against a gradient of 1, by hand: v = 0.1, then 0.5 * 0.1 + 0.1.

    >>> x, v = ls.theory.heavy_ball_path([1.0, 1.0], 0.1, momentum=0.5)
    >>> f"v: {v[0]:.2f} {v[1]:.2f}, x: {x[0]:.2f} {x[1]:.2f}"
    'v: 0.10 0.15, x: -0.10 -0.25'
    """
    velocities = _filtered(gradients, learning_rate, momentum)
    return start - np.cumsum(velocities, axis=0), velocities


def _filtered(gradients, weight, momentum):
    """y' = mu y + weight g along the first axis, from y = 0."""
    from scipy.signal import lfilter

    if gradients.ndim == 0:
        raise ValueError("gradients must have the shape (steps, ...), got one number.")
    return lfilter([weight], [1.0, -momentum], gradients, axis=0)
