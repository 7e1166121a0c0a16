"""Gradient noise that is uniform on a disk."""

from ..arguments import within
from ..kernels.elementary import sincos, sqrt
from .gradient_noise import GradientNoise
from .records import recorded
from .sums import write_two_by_two

_TURN = 6.283185307179586


def _disk_sample(p, x, z, out):
    sine, cosine = sincos(_TURN * z[0])
    distance = p.radius * sqrt(z[1])
    out[0] = distance * cosine
    out[1] = distance * sine


def _disk_covariance(p, x, out):
    variance = 0.25 * p.radius * p.radius
    write_two_by_two(variance, 0.0, variance, out)


@recorded(radius=within(at_least=0))
def disk(radius):
    """Noise that is uniform on a disk in two dimensions: bounded and isotropic.

    Its components are uncorrelated and not independent.

    Parameters
    ----------
    radius : float
        Of the disk, energy / length, at least 0.

    Returns
    -------
    GradientNoise

    Notes
    -----
    Sigma = radius^2/4 times the identity, excess kurtosis -1 of each component. Area within r grows
    as r^2, so that the distance is radius sqrt(u) for a uniform u. A component has Wigner's
    semicircle law (derived: E a^2 = radius^2/4, E a^4 = radius^4/8).

    Examples
    --------
    A disk of radius 2 has the covariance of two independent standard normal numbers:

    >>> noise, sigma = ls.noise.disk(2.0), np.zeros(4)
    >>> noise.covariance(noise.params, np.zeros(2), sigma)
    >>> print(noise, sigma)
    disk(radius=2.0) [1. 0. 0. 1.]
    """
    options = {"uniforms": 2, "dim": 2, "covariance": _disk_covariance}
    return GradientNoise("disk", _disk_sample, {"radius": radius}, 0, **options)
