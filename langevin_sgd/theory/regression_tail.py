"""The exact stationary law of one-dimensional online regression, as the probability of its tails.

In units in which curvature and label noise are 1, delta' = delta - step p, where p is the mean of B
products u (u delta - e) of normal numbers. With s = sqrt(1 + delta^2) it has the law of ((delta +
s) X - (s - delta) Y) / (2 B), X and Y ~ chi^2_B: independent, so that their sum, chi^2_2B, is
independent of their shares (1 +- cos psi)/2, which have a density like sin(psi)^(B-1). Hence

P(p > c) = E Q(B, B c / (delta + s cos psi))   over psi with delta + s cos psi > 0,  c >= 0

with Q the regularised upper incomplete gamma function, exp(-c / ...) for B = 1."""

from typing import NamedTuple

import numpy as np

from ..arguments import within
from .grids import gauss_rule
from .meanings import ABOVE_ZERO, exact
from .tails import tail_exponents

CELLS = 400  # cells; the fine grid has twice as many
ANGLES = 32
LARGEST_BATCH = 32  # the angles resolve sin(psi)^(B-1)
DECADES = 6.0  # decades that the probability falls from the largest distance to the grid's end


class RegressionTail(NamedTuple):
    """Exact tail probabilities of online linear regression at some distances.

    Parameters
    ----------
    probability : array
        ``P(|w - w*| > distance)``.
    exponent : array
        Local exponent -d log P / d log distance.
    error : array
        Of the probability: the difference of two grids, an upper estimate.

    Examples
    --------
    Ten times further out the probability is about 10^-exponent of it:

    >>> tail = ls.theory.RegressionTail(probability=2e-3, exponent=2.3, error=3e-7)
    >>> f"{tail.probability * 10**-tail.exponent:.1e}"
    '1.0e-05'
    """

    probability: np.ndarray
    exponent: np.ndarray
    error: np.ndarray


@exact(
    curvature=ABOVE_ZERO,
    label_noise=ABOVE_ZERO,
    learning_rate=ABOVE_ZERO,
    batch_size=within(at_least=1, at_most=LARGEST_BATCH),
)
def regression_tail(distance, curvature, label_noise, learning_rate, batch_size=1):
    """Exact tails of the stationary law of online linear regression in one dimension.

    Parameters
    ----------
    distance : float or array >= 0
        Distances from w*, in units of w.
    curvature : float > 0
        a, the variance of the input.
    label_noise : float > 0
        Variance of the labels' noise.
    learning_rate : float > 0
        eta.
    batch_size : float, 1 ... 32
        Examples B of a batch.

    Returns
    -------
    RegressionTail
        Of arrays like distance.

    Raises
    ------
    ValueError
        If there is no stationary law.

    Notes
    -----
    The local exponent tends to `tail_exponents(...).exact`, slowly and not monotonically. The tail
    ``G(t) = P(|delta| > t)`` solves G(t) = S(t, 0) + int G(x) dS(t, x), where ``S(t, x) =
    P(|delta'| > t | delta = x)`` is a mean over an angle (this module's docstring); solved on two
    grids and extrapolated, in seconds, to a relative error near 1e-4 down to P = 1e-12. Derived;
    held against exact moments.

    Examples
    --------
    Twice the integral of t P(t) is the variance, eta / (2 - 3 eta) = 1/17 here:

    >>> t = np.linspace(0, 3, 601)
    >>> tail = ls.theory.regression_tail(t, 1.0, label_noise=1.0, learning_rate=0.1)
    >>> f"{2 * np.trapezoid(t * tail.probability, t):.4f} {1 / 17:.4f}"
    '0.0588 0.0588'
    """
    unit = np.sqrt(label_noise / curvature)
    step, far = learning_rate * curvature, distance / unit
    exponent = tail_exponents(curvature, learning_rate, batch_size).exact
    scale = np.sqrt(step / batch_size) / 3  # about half a standard deviation at small steps
    end = max(20 * scale, far.max(initial=0.0)) * max(3.0, 10 ** (DECADES / exponent))
    place = np.arcsinh(far / scale)
    coarse, fine = (_log_tail(step, batch_size, scale, end, n) for n in (CELLS, 2 * CELLS))
    value, slope = ((4 * fine(place, k) - coarse(place, k)) / 3 for k in (0, 1))
    error = np.exp(value) * np.abs(np.expm1(fine(place) - value))
    return RegressionTail(np.exp(value), -slope * np.tanh(place), error)


def _log_tail(step, batch, scale, end, cells):
    """log G as a spline in asinh(t / scale)."""
    from scipy.interpolate import CubicSpline

    places = np.linspace(0, np.arcsinh(end / scale), cells + 1)
    grid = scale * np.sinh(places)
    stays_out = _stays_out(grid[:, None], grid, step, batch)
    moves = np.diff(stays_out, axis=1) / 2
    matrix = np.eye(cells + 1)
    matrix[:, :-1] -= moves
    matrix[:, 1:] -= moves
    tail = np.linalg.solve(matrix, stays_out[:, 0])
    return CubicSpline(places, np.log(np.maximum(tail, np.finfo(float).tiny)))


def _stays_out(t, x, step, batch):
    """P(|delta'| > t | delta = x), for t and x >= 0."""
    push = (x - t) / step  # beyond t is where p is below it
    inward = 1 - _beyond(np.maximum(push, 0), x, batch)
    outward = _beyond(np.maximum(-push, 0), -x, batch)
    return np.where(push > 0, inward, outward) + _beyond((x + t) / step, x, batch)


def _beyond(c, x, batch):
    """P(p > c | delta = x) for c >= 0."""
    from scipy.special import beta, gammaincc

    nodes, weights = gauss_rule(0.0, 1.0, ANGLES)  # dense where delta + s cos psi vanishes
    nodes, weights = 1 - (1 - nodes) ** 4, 4 * weights * (1 - nodes) ** 3
    s, total = np.hypot(1, x), 0.0
    end = np.arccos(-x / s)
    for node, weight in zip(nodes, weights / beta(batch / 2, 0.5), strict=True):
        psi = end * node
        ratio = batch * c / np.maximum(x + s * np.cos(psi), np.finfo(float).tiny)
        survival = np.exp(-ratio) if batch == 1 else gammaincc(batch, ratio)
        total = total + weight * end * np.sin(psi) ** (batch - 1) * survival
    return total
