"""A particle without a force: what inertia, friction and noise do alone."""

from typing import NamedTuple

import numpy as np

from .meanings import exact


class FreeParticle(NamedTuple):
    """Statistics of one component of a free particle after a time.

    Parameters
    ----------
    mean_square : float or array
        Mean squared displacement, in length^2.
    velocity_autocovariance : float or array
        In (length/time)^2.

    Examples
    --------
    Far beyond 1/f it diffuses, with D = T/(m f) = 1: E x^2 = 2 D (t - 1/f).

    >>> float(ls.theory.free_particle(101.0, temperature=1.0, friction=1.0).mean_square.round(4))
    200.0
    """

    mean_square: np.ndarray
    velocity_autocovariance: np.ndarray


@exact
def free_particle(time, temperature, friction, mass=1.0):
    """Mean squared displacement and velocity autocovariance of an underdamped free particle.

    Parameters
    ----------
    time : float or array
        At least 0; the four broadcast together.
    temperature : float or array
        T, in units of energy.
    friction : float or array
        f, per unit time.
    mass : float or array
        m, in energy time^2/length^2.

    Returns
    -------
    FreeParticle
        Of each component.

    Raises
    ------
    ValueError
        For a negative time, or another number that is not positive.

    Notes
    -----
    m dv = -f m v dt + sqrt(2 f m T) dW, stationary in v, so that E v^2 = T/m.
    E v(t) v(0) = (T/m) exp(-f t), and E (x(t) - x(0))^2 = 2 T/(m f^2) (f t - 1 + exp(-f t)):
    (T/m) t^2 for f t << 1, ballistic, and 2 D t with D = T/(m f) for f t >> 1. With a drag
    coefficient gamma = m f in place of the friction f, per time, D = T/gamma. Derived: the
    Ornstein-Uhlenbeck process of v, integrated twice.

    Examples
    --------
    After a time 1/f with T = m = f = 1: the velocity remembers 1/e of itself, and the displacement
    is 2 (1 - 1 + 1/e).

    >>> found = ls.theory.free_particle(1.0, temperature=1.0, friction=1.0)
    >>> round(float(found.velocity_autocovariance), 4), round(float(found.mean_square), 4)
    (0.3679, 0.7358)
    """
    heat, decay = temperature / mass, friction * time
    lost = np.expm1(-decay)
    # of few digits below 1e-4, where three terms of the series have them all
    series = 1 / 2 - decay / 6 + np.square(decay) / 24
    grown = np.where(decay < 1e-4, series, (decay + lost) / np.square(decay))
    return FreeParticle(2 * heat * time**2 * grown, heat * (1 + lost))
