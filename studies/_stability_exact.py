"""The exact side of stability_atlas.py, by other routes than the package's own functions."""

from functools import cache

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import gammaln
from scipy.stats import chi2


def chain_mean(step, batch, power):
    """E |1 - step w|^power, w ~ chi^2_B / B; of log |1 - step w| for power 0: by adaptive
    quadrature over sqrt(chi^2), cut at the singular point."""
    log_norm = (batch / 2 - 1) * np.log(2) + gammaln(batch / 2)

    def weighted(s):
        factor = np.abs(1 - step * s * s / batch)
        value = factor**power if power else np.log(factor)
        return value * np.exp((batch - 1) * np.log(s) - s * s / 2 - log_norm)

    kink = np.sqrt(batch / step)
    pieces = (1e-300, kink), (kink, kink + 2), (kink + 2, kink + np.sqrt(batch) + 30)
    return sum(quad(weighted, *ends, epsabs=1e-12, limit=200)[0] for ends in pieces)


def forgotten_after(particles, step, batch):
    """Steps until a sample no longer shows its second moment: log P over the relative entropy of a
    step that is weighted with its square."""

    def log_mean(power):
        return np.log(chain_mean(step, batch, power))

    slope = (log_mean(2 + 1e-4) - log_mean(2 - 1e-4)) / 2e-4
    return np.log(particles) / (2 * slope - log_mean(2))


def second_moments(curvatures, rate, batch, momentum, steps):
    """E (w - w*)^2 of each direction after steps from (1, ..., 1), by the recursion of E delta^2, E
    delta v, E v^2: the noise of direction i is a_i (a_i s_i + sum a s) / B."""
    a, s = curvatures, np.ones(len(curvatures))
    cross, v = np.zeros((2, len(a)))
    for _ in range(steps):
        noise = a * (a * s + a @ s) / batch
        kept = momentum * cross + rate * a * s  # E delta v'
        v = momentum**2 * v + 2 * momentum * rate * a * cross + rate**2 * (a**2 * s + noise)
        s, cross = s - 2 * kept + v, kept - v
    return s


@cache
def quantiles(dof, count):
    return chi2.ppf((np.arange(count) + 0.5) / count, dof)


def isotropic_growth(rate, dim, batch):
    """Mean growth of log |w - w*| in a step, with curvature 1 in `dim` >= 2 directions: half of E
    log((1 - eta w)^2 + eta^2 w q / B), w ~ chi^2_B / B, q ~ chi^2_(d-1); midpoints of quantiles."""
    rate = np.asarray(rate)[..., None, None]
    w, q = quantiles(batch, 1000)[:, None] / batch, quantiles(dim - 1, 400)
    return np.log((1 - rate * w) ** 2 + rate**2 * w * q / batch).mean(axis=(-2, -1)) / 2


def isotropic_ratio(dim, batch):
    """The rate at which almost every particle leaves, over the mean-square threshold."""
    threshold = 2 * batch / (batch + dim + 1)
    top = 5 * threshold
    return brentq(isotropic_growth, 0.99 * threshold, top, (dim, batch), xtol=1e-6) / threshold
