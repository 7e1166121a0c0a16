"""Momentum as an exponential average, and as the inertia of Langevin dynamics."""

from typing import NamedTuple

import numpy as np

from ..arguments import finite_array, formula, within

MU = within(at_least=0, below=1)


class UnderdampedLimit(NamedTuple):
    """Langevin dynamics that heavy ball resembles: ``friction`` (per time, dv = -friction v dt) and
    ``mass`` (time squared)."""

    friction: np.ndarray
    mass: np.ndarray


@formula
def underdamped_limit(learning_rate, momentum=0.0):
    """Heavy ball as Langevin dynamics m dv = -grad U dt - m f v dt + noise in the time t = eta *
    steps, as `UnderdampedLimit`.

    friction f = 2 (1 - mu) / (eta (1 + mu)) per unit of t, mass m = eta (1 + mu) / 2 (units of t
    squared), so that a curvature h has omega^2 = h/m = 2 h / (eta (1 + mu)). A root lambda per step
    agrees with the update's to relative order lambda^2, so eta h and 1 - mu must be small. At this
    mass the kinetic temperature m E v^2 equals E[x U'] exactly at every eta: their equality tests
    nothing. The update itself oscillates iff eta h > (1 - sqrt mu)^2. Kunin et al. 2023; derived
    from (1 + mu)(cosh lambda - 1) + (1 - mu) sinh lambda = -eta h."""
    friction = 2 * (1 - momentum) / (learning_rate * (1 + momentum))
    return UnderdampedLimit(friction, learning_rate * (1 + momentum) / 2)


@formula(gradients=finite_array, momentum=MU)
def gradient_average(gradients, momentum):
    """Exponential moving average of a gradient sequence (steps, ...), gbar' = mu gbar + (1 - mu) g
    from gbar = 0, same shape.

    Without bias correction. Heavy ball is eta / (1 - mu) times it: v_t = eta N gbar_t with N = 1/(1
    - mu), an identity at constant eta and zero start. Variance of the average of independent
    gradients: Var g (1 - mu)/(1 + mu). Source: definition."""
    return _filtered(gradients, 1 - momentum, momentum)


@formula(gradients=finite_array, learning_rate=within(above=0), momentum=MU, start=finite_array)
def heavy_ball_path(gradients, learning_rate, momentum=0.0, start=0.0):
    """Positions and velocities of heavy ball driven by given gradients: two (steps, ...) arrays,
    after each step.

    v' = mu v + eta g, x' = x - v' from v = 0. ``gradients`` (steps, ...) in gradient units. Source:
    definition."""
    velocities = _filtered(gradients, learning_rate, momentum)
    return start - np.cumsum(velocities, axis=0), velocities


def _filtered(gradients, weight, momentum):
    """y' = mu y + weight g along the first axis, from y = 0."""
    from scipy.signal import lfilter

    if gradients.ndim == 0:
        raise ValueError("gradients must have the shape (steps, ...), got one number.")
    return lfilter([weight], [1.0, -momentum], gradients, axis=0)
