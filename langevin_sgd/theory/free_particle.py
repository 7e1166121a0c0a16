"""A particle without a force: what inertia, friction and noise do alone."""

from typing import NamedTuple

import numpy as np

from ..arguments import all_within, formula


class FreeParticle(NamedTuple):
    """Of one component after a time: the mean squared displacement, in length^2, and the
    autocovariance of the velocity, in (length/time)^2."""

    mean_square: np.ndarray
    velocity_autocovariance: np.ndarray


@formula(time=all_within(at_least=0))
def free_particle(time, temperature, friction, mass=1.0):
    """m dv = -f m v dt + sqrt(2 f m T) dW, stationary in v, as `FreeParticle`.

    The noise has the strength 2 f m T, so that E v^2 = T/m. E v(t) v(0) = (T/m) exp(-f t), and E
    (x(t) - x(0))^2 = 2 T/(m f^2) (f t - 1 + exp(-f t)): (T/m) t^2 for f t << 1, ballistic, and 2 D
    t with D = T/(m f) for f t >> 1. With a drag coefficient gamma = m f in place of the friction f,
    per time, D = T/gamma. Numbers, or arrays that broadcast together. Derived: the Ornstein-
    Uhlenbeck process of v, integrated twice."""
    heat, decay = temperature / mass, friction * time
    lost = np.expm1(-decay)
    # of few digits below 1e-4, where three terms of the series have them all
    series = 1 / 2 - decay / 6 + np.square(decay) / 24
    grown = np.where(decay < 1e-4, series, (decay + lost) / np.square(decay))
    return FreeParticle(2 * heat * time**2 * grown, heat * (1 + lost))
