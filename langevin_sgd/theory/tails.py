"""Power-law tails and stability of one-dimensional online regression: the exact Kesten exponent
against two approximations that are in use, and the rate at which each moment diverges.

delta' = (1 - eta a w) delta + noise with w ~ chi^2_B / B: P(|delta| > t) ~ t^-kappa."""

from math import comb
from typing import NamedTuple

import numpy as np

from ..arguments import all_within
from .grids import bin_rule
from .meanings import exact
from .roots import rising_root

MOST_PANELS = 3e4  # the quadrature has a panel for each unit
MOST_UPDATES = 10_000  # of a sweep: each takes milliseconds
LARGEST_MOMENT = 100.0
UNSTABLE = 4.0  # learning rate times curvature at which E log |1 - eta a w| > 0 for every batch
SMALL_POWER = 1e-2  # below it |1 - step w|^kappa is 1 and a little, which is summed alone
MANY_ABOVE_ZERO = all_within(above=0, longest=MOST_UPDATES)
ONE_INPUT = {
    "curvature": MANY_ABOVE_ZERO,
    "learning_rate": MANY_ABOVE_ZERO,
    "batch_size": all_within(at_least=1, longest=MOST_UPDATES),
}


class TailExponents(NamedTuple):
    """Exponents kappa of the tail t^-kappa of online regression, exact and approximate.

    Parameters
    ----------
    exact : float or array
        Kesten's.
    diffusion : float or array
        Of the SDE with the true noise.
    decoupled : float or array
        Of the SDE with noise 2 L H, without G G'.

    Examples
    --------
    At the mean-square threshold the exact exponent is 2; the diffusions still have a variance
    there:

    >>> tails = ls.theory.tail_exponents(1.0, learning_rate=2 / 3)
    >>> f"{tails.exact:.3f} {tails.diffusion:.1f} {tails.decoupled:.1f}"
    '2.000 2.5 4.0'
    """

    exact: np.ndarray
    diffusion: np.ndarray
    decoupled: np.ndarray


@exact(**ONE_INPUT)
def tail_exponents(curvature, learning_rate, batch_size=1):
    """Tail exponents of online linear regression in one dimension.

    Parameters
    ----------
    curvature : float or array > 0
        a, the variance of the input = second derivative of the loss.
    learning_rate : float or array > 0
        eta.
    batch_size : float or array >= 1
        Examples B of a batch; all arguments broadcast.

    Returns
    -------
    TailExponents
        Dimensionless kappa of ``P(|delta| > t) ~ t^-kappa``. exact: the root of ``E |1 - eta a
        chi^2_B / B|^kappa = 1``. diffusion: 1 + B/(eta a), Student's law of the SDE with the exact
        noise covariance. decoupled: 1 + 2 B/(eta a), with Sigma replaced by 2 L H.

    Raises
    ------
    ValueError
        If ``E log |1 - eta a w| >= 0``, w ~ chi^2_B / B: there is no stationary law at all.

    Notes
    -----
    exact = 2 at eta a = 2 B/(B + 2), the mean-square threshold. Fitted slopes approach the exponent
    slowly and not monotonically: compare tail probabilities at a fixed distance instead. Source:
    Kesten 1973; SDE form as in Ziyin et al. (arXiv:2102.05375); decoupled form as in Mori, Ziyin,
    Liu, Ueda 2022 (arXiv:2105.09557). Relative error below 1e-10 (held against mpmath).

    Examples
    --------
    At eta a = 0.1 the exact 17.28 (mpmath) is far from the diffusions' 1 + 10 and 1 + 20; at 2/3
    and single examples the variance ends, 2.

    >>> tails = ls.theory.tail_exponents(1.0, [0.1, 2 / 3])
    >>> tails.exact.round(2).tolist(), tails.diffusion.round(2).tolist()
    ([17.28, 2.0], [11.0, 2.5])
    """
    step, batch = np.broadcast_arrays(curvature * learning_rate, batch_size)
    exact = np.vectorize(_kesten_root, otypes=[float])(step, batch)
    return TailExponents(exact[()], 1 + batch / step, 1 + 2 * batch / step)


@exact(
    curvature=MANY_ABOVE_ZERO,
    batch_size=ONE_INPUT["batch_size"],
    moment=all_within(at_least=0, at_most=LARGEST_MOMENT, longest=MOST_UPDATES),
)
def lyapunov_edge(curvature, batch_size=1, moment=0.0):
    """Learning rate from which on online linear regression in one dimension is unstable.

    Parameters
    ----------
    curvature : float or array > 0
        a, the variance of the input.
    batch_size : float or array >= 1
        Examples B of a batch.
    moment : float or array in [0, 100]
        p says of what: 0, the default, of almost every particle, ``E log |1 - eta a w| = 0``,
        w ~ chi^2_B / B; p > 0 of the p-th absolute moment, ``E |1 - eta a w|^p = 1``.

    Returns
    -------
    float or array
        In inverse units of curvature; arrays broadcast: a sweep.

    Notes
    -----
    The edge falls with p, and there `tail_exponents(...).exact` is p: between the edges of 2 and 0
    particles settle, though their variance is infinite. 2 gives `regression_threshold`, 2 B / (a (B
    + 2)). Label noise does not matter.

    Almost surely the edge lies above 2/a, gradient descent's, and is not monotone in B: 2.42, 2.68,
    2.66, 2.49 for a = 1 and B = 1, 2, 4, 8. At B = 2 it is the inverse of the zero of Ei. Relative
    error below 1e-10 (held against that, mpmath and closed forms of p = 1 and 2). Derived; that the
    sign of E log decides: Furstenberg and Kesten 1960.

    Examples
    --------
    1/0.372507, the zero of Ei, for almost every particle; 2 * 2/(2 + 2) for their variance:

    >>> edges = ls.theory.lyapunov_edge(1.0, batch_size=2, moment=[0.0, 2.0])
    >>> f"{edges[0]:.4f} {1 / 0.372507:.4f}, variance {edges[1]:.4f}"
    '2.6845 2.6845, variance 1.0000'
    """
    edges = np.vectorize(_edge, otypes=[float])
    return (edges(batch_size, moment) / curvature)[()]


@exact(**ONE_INPUT, label_noise=all_within(at_least=0, longest=MOST_UPDATES))
def regression_moments_1d(curvature, label_noise, learning_rate, batch_size=1):
    """Exact stationary second and fourth moment of online linear regression in one dimension.

    Parameters
    ----------
    curvature : float or array > 0
        a, the variance of the input.
    label_noise : float or array >= 0
        Variance of the labels' noise.
    learning_rate : float or array > 0
        eta.
    batch_size : float or array >= 1
        Examples B of a batch; all arguments broadcast: a sweep.

    Returns
    -------
    second, fourth : float or array
        Moments of delta = w - w*, in units of w^2 and w^4.

    Raises
    ------
    ValueError
        Where the moment diverges (tail exponent <= 2 or <= 4).

    Notes
    -----
    Derived from E delta'^2 = E delta^2 and E delta'^4 = E delta^4 with delta' = m delta + n, m = 1
    - eta a w, n Gaussian of variance eta^2 label_noise a w / B given w.

    Examples
    --------
    The variance is eta / (2 - 3 eta) = 1/17 here; the kurtosis is a little above a Gaussian's 3.

    >>> second, fourth = ls.theory.regression_moments_1d(1.0, 1.0, learning_rate=0.1)
    >>> f"{second:.4f} {1 / 17:.4f}, kurtosis {fourth / second**2:.3f}"
    '0.0588 0.0588, kurtosis 3.047'
    """
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
    growth = _growth_of(step, batch)
    if growth(0.0) >= 0:
        raise ValueError(
            f"learning_rate * curvature = {step:.6g}: E log|1 - eta a w| >= 0, so there is no "
            "stationary law; lower it"
        )
    missing = f"learning_rate * curvature = {step:.6g}: its tail exponent is out of reach"
    return rising_root(growth, 1.0, missing)


def _edge(batch, moment):
    """Root step > 0 of the growth of a moment, negative for small steps."""
    missing = f"moment = {moment:g}: its edge is out of reach at batch_size = {batch:g}"
    return rising_root(lambda step: _growth_of(step, batch)(moment), UNSTABLE, missing)


def _growth_of(step, batch):
    """The function kappa -> log E |1 - step w|^kappa / kappa; at kappa = 0 its limit, E log."""
    nodes, log_weights = _chi_quadrature(step, batch)
    log_factor = np.log(np.abs(1 - step * nodes**2 / batch))
    weights = np.exp(log_weights)
    weights /= weights.sum()

    def growth(kappa):
        if kappa == 0:
            return np.sum(weights * log_factor)
        if kappa < SMALL_POWER:
            return np.log1p(np.sum(weights * np.expm1(kappa * log_factor))) / kappa
        exponents = log_weights + kappa * log_factor
        top = exponents.max()
        return (top + np.log(np.sum(np.exp(exponents - top)))) / kappa

    return growth


def _chi_quadrature(step, batch):
    """Nodes s and log-weights for expectations over s = sqrt(chi^2_B), graded towards the kink of
    |1 - step s^2 / B|."""
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
