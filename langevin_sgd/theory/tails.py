"""Power-law tails of one-dimensional online regression: the exact Kesten exponent against two
approximations that are in use.

delta' = (1 - eta a w) delta + noise with w ~ chi^2_B / B: P(|delta| > t) ~ t^-kappa.
"""

from math import comb
from typing import NamedTuple

import numpy as np

from ..arguments import all_within, formula
from .grids import bin_rule

MOST_PANELS = 3e4  # the quadrature has a panel for each unit
MOST_UPDATES = 10_000  # of a sweep: each takes milliseconds
MANY_ABOVE_ZERO = all_within(above=0, longest=MOST_UPDATES)
ONE_INPUT = {
    "curvature": MANY_ABOVE_ZERO,
    "learning_rate": MANY_ABOVE_ZERO,
    "batch_size": all_within(at_least=1, longest=MOST_UPDATES),
}


class TailExponents(NamedTuple):
    """Exponents kappa of P(|delta| > t) ~ t^-kappa: ``exact`` (Kesten), ``diffusion`` (SDE with the
    true noise) and ``decoupled`` (SDE with noise 2 L H, without G G')."""

    exact: np.ndarray
    diffusion: np.ndarray
    decoupled: np.ndarray


@formula(**ONE_INPUT)
def tail_exponents(curvature, learning_rate, batch_size=1):
    """Tail exponents of online linear regression in one dimension, as `TailExponents`
    (dimensionless; arrays broadcast).

    ``curvature`` a is the variance of the input = second derivative of the loss. exact: the root of
    E |1 - eta a chi^2_B / B|^kappa = 1. diffusion: 1 + B/(eta a), Student's law of the SDE with the
    exact noise covariance. decoupled: 1 + 2 B/(eta a), with Sigma replaced by 2 L H. ValueError if
    E log |1 - eta a w| >= 0: there is no stationary law at all.

    exact = 2 at eta a = 2 B/(B + 2), the mean-square threshold. Fitted slopes approach the exponent
    slowly and not monotonically: compare tail probabilities at a fixed distance instead. Source:
    Kesten 1973; SDE form as in Ziyin et al. (arXiv:2102.05375); decoupled form as in Mori, Ziyin,
    Liu, Ueda 2022 (arXiv:2105.09557). Relative error below 1e-10 (held against mpmath)."""
    step, batch = np.broadcast_arrays(curvature * learning_rate, batch_size)
    exact = np.vectorize(_kesten_root, otypes=[float])(step, batch)
    return TailExponents(exact[()], 1 + batch / step, 1 + 2 * batch / step)


@formula(**ONE_INPUT, label_noise=all_within(at_least=0, longest=MOST_UPDATES))
def regression_moments_1d(curvature, label_noise, learning_rate, batch_size=1):
    """Exact stationary second and fourth moment of delta = w - w* in one dimension (units of w^2
    and w^4).

    Two floats, or arrays over a sweep of all four arguments. Raises ValueError where the moment
    diverges (tail exponent <= 2 or <= 4). Derived from E delta'^2 = E delta^2 and E delta'^4 = E
    delta^4 with delta' = m delta + n, m = 1 - eta a w, n Gaussian of variance eta^2 label_noise a w
    / B given w."""
    step, batch = np.broadcast_arrays(learning_rate * curvature, batch_size)
    noise = learning_rate**2 * label_noise * curvature / batch
    w = [np.ones_like(batch)]  # raw moments of w = chi^2_B / B
    for k in range(4):
        w.append(w[-1] * (batch + 2 * k) / batch)

    def mean(power, with_w=0):
        """E[(1 - step w)^power w^with_w]."""
        terms = (comb(power, k) * (-step) ** k * w[k + with_w] for k in range(power + 1))
        return sum(terms)

    m2, m4 = mean(2), mean(4)
    for order, factor in ((2, m2), (4, m4)):
        if np.any(factor >= 1):
            raise ValueError(
                f"moment {order} diverges (E|1 - eta a w|^{order} = {factor.max():.6g} >= 1); "
                "lower learning_rate * curvature."
            )
    second = noise / (1 - m2)
    fourth = (6 * noise * mean(2, 1) * second + 3 * noise**2 * w[2]) / (1 - m4)
    return second[()], fourth[()]


def _kesten_root(step, batch):
    """Root kappa > 0 of log E |1 - step w|^kappa, a convex function of kappa that vanishes at 0."""
    from scipy.optimize import brentq

    nodes, log_weights = _chi_quadrature(step, batch)
    log_factor = np.log(np.abs(1 - step * nodes**2 / batch))

    def log_moment(kappa):
        exponents = log_weights + kappa * log_factor
        top = exponents.max()
        return top + np.log(np.sum(np.exp(exponents - top)))

    if np.sum(np.exp(log_weights) * log_factor) >= 0:
        raise ValueError(
            f"learning_rate * curvature = {step:.6g}: E log|1 - eta a w| >= 0, so there is no "
            "stationary law; lower it"
        )
    low, high = 0.0, 1.0
    while log_moment(high) < 0:
        low, high = high, 2 * high
    return brentq(log_moment, max(low, 1e-6), high, xtol=1e-300, rtol=1e-14)


def _chi_quadrature(step, batch):
    """Nodes s and log-weights for expectations over s = sqrt(chi^2_B), graded towards the kink of
    |1 - step s^2 / B|.
    """
    from scipy.special import gammaln

    kink = np.sqrt(batch / step)
    # the integrand |1 - step s^2/B|^kappa exp(-s^2/2) peaks beyond the kink by O(1), whatever
    # kappa: 40 covers the Gaussian tail
    far = 3 * kink + np.sqrt(batch) + 40.0
    if far > MOST_PANELS:
        raise ValueError(
            f"batch_size {batch:g} over learning_rate * curvature {step:g} is too large: the "
            "exponent is 1 + 2 B/(eta a) there."
        )
    grading = np.concatenate([[0.0], np.logspace(-12, 0, 49)])
    sides = kink * (1 - grading), kink + (far - kink) * grading
    edges = np.unique(np.concatenate([*sides, np.linspace(0, far, 400 + int(far))]))
    nodes, weights = bin_rule(edges, 16)
    log_norm = (batch / 2 - 1) * np.log(2) + gammaln(batch / 2)
    log_density = (batch - 1) * np.log(nodes) - nodes**2 / 2 - log_norm
    return nodes, np.log(weights) + log_density
