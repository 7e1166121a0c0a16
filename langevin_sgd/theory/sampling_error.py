"""Errors of finite samples: autocorrelation times, the bias of a histogram's KL divergence,
critical values of tests and the sample size that an effect needs."""

from typing import NamedTuple

import numpy as np

from ..arguments import all_within, check_count, optional, probabilities, whole, within
from .meanings import ABOVE_ZERO, exact

COEFFICIENT = all_within(above=-1, below=1)
LEVELS = all_within(above=0, below=1, longest=10**4)
MOST_COUNTS = 5 * 10**7
RATE = within(above=0, below=1)


class HistogramBias(NamedTuple):
    """Mean of the KL divergence of a sample's histogram from the true bins, in nats.

    Parameters
    ----------
    exact : float
        For independent draws.
    leading : float
        (K - 1)/(2 n) of n draws in K bins.
    second_order : float
        The leading term and (sum 1/p - 1)/(12 n^2).

    Examples
    --------
    Two throws of a coin are alike with probability 1/2, and then the divergence is log 2:

    >>> bias = ls.theory.histogram_kl_bias([0.5, 0.5], samples=2)
    >>> f"{bias.exact:.4f} {np.log(2) / 2:.4f}, leading {bias.leading:.4f}"
    '0.3466 0.3466, leading 0.2500'
    """

    exact: float
    leading: float
    second_order: float


class VarianceTest(NamedTuple):
    """Independent samples that show a relative excess of a variance, by test.

    Parameters
    ----------
    variance_test : float
        Samples for a test of the variance; exact chi-squared power.
    normal_approximation : float
        Its normal approximation.
    kolmogorov_smirnov : float
        Samples for half power of the Kolmogorov-Smirnov test.
    distance : float
        The effect as sup of the distance of distribution functions.
    kl : float
        The effect as KL divergence, in nats.

    Examples
    --------
    An excess of 5 % is a KL divergence near 0.05^2/4 = 6.25e-4; the test of the variance sees it
    with an eighth of the samples:

    >>> needed = ls.theory.variance_test_samples(0.05)
    >>> f"{needed.kl:.2e}, ratio {needed.kolmogorov_smirnov / needed.variance_test:.1f}"
    '6.05e-04, ratio 8.1'
    """

    variance_test: float
    normal_approximation: float
    kolmogorov_smirnov: float
    distance: float
    kl: float


@exact(coefficient=COEFFICIENT)
def ar1_autocorrelation_time(coefficient):
    """Integrated autocorrelation time of an AR(1) chain, in steps.

    Parameters
    ----------
    coefficient : float or array in (-1, 1)
        a, the correlation of neighbours. SGD on a quadratic of curvature h has a = 1 - eta h; for
        the square of a Gaussian chain pass a^2.

    Returns
    -------
    float or array
        1 + 2 sum rho_k = (1 + a)/(1 - a).

    Notes
    -----
    Exact. Source: Sokal 1997; Priestley 1981; geometric series.

    Examples
    --------
    SGD at eta h = 0.1: 2/0.1 - 1 steps for each independent sample.

    >>> f"{ls.theory.ar1_autocorrelation_time(1 - 0.1):.2f}"
    '19.00'
    """
    return (1 + coefficient) / (1 - coefficient)


@exact(coefficient=COEFFICIENT, samples=all_within(at_least=1))
def ar1_mean_inflation(coefficient, samples):
    """How much more the mean of an AR(1) chain varies than that of independent values.

    Parameters
    ----------
    coefficient : float or array in (-1, 1)
        a, the correlation of neighbours; for the mean of the squares of a Gaussian chain pass a^2.
    samples : float or array >= 1
        Number n of successive values; arrays broadcast.

    Returns
    -------
    float or array
        n Var(mean)/Var(x) = tau - 2 a (1 - a^n) / (n (1 - a)^2), in steps, with tau of
        `ar1_autocorrelation_time`; the effective sample size is n over this.

    Notes
    -----
    Exact; derived.

    Examples
    --------
    Two values: (1 + a)/2 of the variance instead of 1/2. Many: tau = 19.

    >>> inflation = ls.theory.ar1_mean_inflation(0.9, [1, 2, 100_000])
    >>> inflation.round(2).tolist()
    [1.0, 1.9, 19.0]
    """
    a = coefficient
    return (1 + a) / (1 - a) - 2 * a * (1 - a**samples) / (samples * (1 - a) ** 2)


@exact(probabilities=probabilities, samples=whole(1))
def histogram_kl_bias(probabilities, samples):
    """Bias of the plug-in KL divergence of a histogram from the true bins, in nats.

    Parameters
    ----------
    probabilities : array, shape (K,)
        Of the bins, all > 0, summing to 1.
    samples : int >= 1
        Number n of independent draws.

    Returns
    -------
    HistogramBias

    Notes
    -----
    exact: sum over bins of E[(k/n) log(k/(n p))] with k binomial, which is the full multinomial
    expectation since the estimator is a sum over bins. A fine histogram's KL is mostly this bias.
    Derived; the leading term is that of Miller 1955.

    Examples
    --------
    One draw falls into one of four bins and looks like certainty, log 4; sixty draws: near 3/120.

    >>> once, often = (ls.theory.histogram_kl_bias([0.25] * 4, n) for n in (1, 60))
    >>> f"{once.exact:.4f} {np.log(4):.4f}, {often.exact:.4f} {often.leading:.4f}"
    '1.3863 1.3863, 0.0254 0.0250'
    """
    from scipy.special import gammaln, xlogy

    p, n = probabilities, samples
    if not p.all():
        raise ValueError("probabilities must be > 0: leave empty bins out.")
    check_count((n + 1) * len(p), "samples", MOST_COUNTS)
    k = np.arange(n + 1.0)
    ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    exact = 0.0
    for share in p:
        binomial = np.exp(ways + xlogy(k, share) + xlogy(n - k, 1 - share))
        exact += np.sum(binomial * xlogy(k / n, k / (n * share)))
    leading = (len(p) - 1) / (2 * n)
    return HistogramBias(exact, leading, leading + (np.sum(1 / p) - 1) / (12 * n**2))


@exact(level=LEVELS, samples=optional(whole(1)))
def kolmogorov_smirnov_critical(level, samples=None):
    """Critical value of the Kolmogorov-Smirnov distance D at a false-alarm rate.

    Parameters
    ----------
    level : float or array in (0, 1)
        False-alarm rate.
    samples : int >= 1, optional
        Number n of independent samples; None gives the limit of many, for sqrt(n) D.

    Returns
    -------
    float or array
        Of D, or of sqrt(n) D without samples; dimensionless.

    Notes
    -----
    Independent samples, fully specified null law: time-correlated samples break it. Exact finite-n
    law from SciPy. Source: Kolmogorov.

    Examples
    --------
    The published limit at 5 %, and one sample, which is further than 0.975 in 1 of 20 cases:

    >>> many = ls.theory.kolmogorov_smirnov_critical(0.05)
    >>> f"{many:.5f} {ls.theory.kolmogorov_smirnov_critical(0.05, samples=1):.3f}"
    '1.35810 0.975'
    """
    from scipy.stats import kstwo, kstwobign

    return kstwobign.isf(level) if samples is None else kstwo.isf(level, samples)


@exact(level=within(above=1e-12, below=1))
def cramer_von_mises_critical(level):
    """Critical value of the Cramer-von Mises statistic at a false-alarm rate, for many samples.

    Parameters
    ----------
    level : float in (1e-12, 1)
        False-alarm rate.

    Returns
    -------
    float
        Dimensionless.

    Notes
    -----
    Independent samples, fully specified null. Source: the limit law is that of Anderson and Darling
    1952, a series in Bessel functions; Csorgo and Faraway 1996 tabulate it. The error of the level
    is below 1e-12 (held against mpmath).

    Examples
    --------
    The tabulated values at 5 % and 1 %:

    >>> [round(ls.theory.cramer_von_mises_critical(level), 5) for level in (0.05, 0.01)]
    [0.46136, 0.74346]
    """
    from scipy.optimize import brentq
    from scipy.special import gamma, kve

    j = np.arange(60)
    weights = gamma(j + 0.5) / (np.pi**1.5 * gamma(j + 1.0)) * np.sqrt(4 * j + 1)

    def distribution(x):
        argument = (4 * j + 1) ** 2 / (16 * x)
        return np.sum(weights * np.exp(-2 * argument) * kve(0.25, argument)) / np.sqrt(x)

    return brentq(lambda x: distribution(x) - (1 - level), 1e-3, 10.0, xtol=1e-13)


@exact(level=LEVELS)
def normal_critical(level):
    """Two-sided critical value of a standard normal number, in standard errors.

    Parameters
    ----------
    level : float or array in (0, 1)
        False-alarm rate.

    Returns
    -------
    float or array
        z with ``P(|N(0, 1)| > z)`` = level.

    Notes
    -----
    Source: normal quantile.

    Examples
    --------
    The well-known values at 5 % and 1 %:

    >>> ls.theory.normal_critical([0.05, 0.01]).round(3).tolist()
    [1.96, 2.576]
    """
    from scipy.special import ndtri

    return -ndtri(level / 2)


@exact(excess=ABOVE_ZERO, level=RATE, miss_rate=RATE)
def variance_test_samples(excess, level=0.05, miss_rate=0.2):
    """Independent samples needed to see that a Gaussian's variance is larger than expected.

    Parameters
    ----------
    excess : float > 0
        eps: the variance is 1 + eps times the expected one.
    level : float in (0, 1)
        Two-sided false-alarm rate.
    miss_rate : float in (0, 1)
        Probability that the test misses the effect.

    Returns
    -------
    VarianceTest

    Notes
    -----
    Two-sided variance test with known mean: n such that (1 + eps) chi^2_n falls outside the central
    1 - level of chi^2_n with probability 1 - miss_rate; normal approximation 2 ((z_(1-level/2) +
    z_(1-miss))/eps)^2. Kolmogorov-Smirnov sees the largest difference of the distribution
    functions, about 0.12 eps, and has half power at n = (K_level / difference)^2: roughly eight
    times more samples at eps = 5 %. KL = (eps - log(1 + eps))/2, close to eps^2/4. Derived.

    Examples
    --------
    2 ((1.960 + 0.842)/0.05)^2 samples for 5 %, by the normal approximation, and the exact number:

    >>> needed = ls.theory.variance_test_samples(0.05)
    >>> f"{needed.normal_approximation:.0f} {needed.variance_test:.0f}"
    '6279 6552'
    """
    from scipy.optimize import brentq
    from scipy.special import chdtr, chdtrc, chdtri, ndtr, ndtri
    from scipy.stats import kstwobign

    eps = excess
    approximate = float(2 * ((ndtri(1 - level / 2) + ndtri(1 - miss_rate)) / eps) ** 2)

    def surplus(n):
        upper, lower = chdtri(n, level / 2) / (1 + eps), chdtri(n, 1 - level / 2) / (1 + eps)
        return chdtrc(n, upper) + chdtr(n, lower) - (1 - miss_rate)

    where = np.sqrt(np.log1p(eps) * (1 + eps) / eps)
    distance = float(ndtr(where) - ndtr(where / np.sqrt(1 + eps)))
    return VarianceTest(
        variance_test=brentq(surplus, approximate / 20, approximate * 20, rtol=1e-12),
        normal_approximation=approximate,
        kolmogorov_smirnov=float((kstwobign.isf(level) / distance) ** 2),
        distance=distance,
        kl=(eps - float(np.log1p(eps))) / 2,
    )
