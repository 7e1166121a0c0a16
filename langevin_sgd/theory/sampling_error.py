"""Errors of finite samples: autocorrelation times, the bias of a histogram's KL divergence,
critical values of tests and the sample size that an effect needs."""

from typing import NamedTuple

import numpy as np

from ..arguments import all_within, check_count, formula, optional, probabilities, whole, within

COEFFICIENT = all_within(above=-1, below=1)
LEVELS = all_within(above=0, below=1, longest=10**4)
MOST_COUNTS = 5 * 10**7
RATE = within(above=0, below=1)


class HistogramBias(NamedTuple):
    """Mean of KL(sample histogram || true bins) in nats: ``exact``, ``leading`` (K - 1)/(2 n) and
    ``second_order``, which adds (sum 1/p - 1)/(12 n^2)."""

    exact: float
    leading: float
    second_order: float


class VarianceTest(NamedTuple):
    """Samples that show a relative variance excess: ``variance_test`` (exact chi-squared power),
    ``normal_approximation`` of it, ``kolmogorov_smirnov`` (half power), with ``distance`` sup|F -
    F0| and ``kl`` the effect itself in nats."""

    variance_test: float
    normal_approximation: float
    kolmogorov_smirnov: float
    distance: float
    kl: float


@formula(coefficient=COEFFICIENT)
def ar1_autocorrelation_time(coefficient):
    """Integrated autocorrelation time 1 + 2 sum rho_k = (1 + a)/(1 - a) of an AR(1) chain, in
    steps; arrays allowed.

    SGD on a quadratic has a = 1 - eta h, so tau = 2/(eta h) - 1. For x^2 of a Gaussian chain pass
    a^2. Exact for |a| < 1. Source: Sokal 1997; Priestley 1981; geometric series."""
    return (1 + coefficient) / (1 - coefficient)


@formula(coefficient=COEFFICIENT, samples=all_within(at_least=1))
def ar1_mean_inflation(coefficient, samples):
    """n Var(mean of n successive values) / Var(x) for an AR(1) chain, in steps; the effective
    sample size is n over this.

    tau - 2 a (1 - a^n) / (n (1 - a)^2); floats or arrays that broadcast. For the mean of x^2 of a
    Gaussian chain pass a^2. Exact; derived."""
    a = coefficient
    return (1 + a) / (1 - a) - 2 * a * (1 - a**samples) / (samples * (1 - a) ** 2)


@formula(probabilities=probabilities, samples=whole(1))
def histogram_kl_bias(probabilities, samples):
    """Bias of the plug-in KL divergence of a histogram of ``samples`` independent draws from the
    true bins, as `HistogramBias`.

    In nats. ``probabilities`` (K,) of the bins, all > 0, summing to 1. exact: sum over bins of
    E[(k/n) log(k/(n p))] with k binomial, which is the full multinomial expectation since the
    estimator is a sum over bins. A fine histogram's KL is mostly this bias. Derived; the leading
    term is that of Miller 1955."""
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


@formula(level=LEVELS, samples=optional(whole(1)))
def kolmogorov_smirnov_critical(level, samples=None):
    """Critical value of the Kolmogorov-Smirnov distance D at a false-alarm rate ``level``; of
    sqrt(n) D for ``samples=None``.

    Dimensionless (float, or an array over levels). Independent samples, fully specified null law:
    time-correlated samples break it. Exact finite-n law from SciPy. Source: Kolmogorov."""
    from scipy.stats import kstwo, kstwobign

    return kstwobign.isf(level) if samples is None else kstwo.isf(level, samples)


@formula(level=within(above=1e-12, below=1))
def cramer_von_mises_critical(level):
    """Critical value of the Cramer-von Mises statistic at a false-alarm rate ``level``, limit of
    many samples (float).

    Independent samples, fully specified null; 1e-12 < level < 1. Source: the limit law is that of
    Anderson and Darling 1952, a series in Bessel functions; Csorgo and Faraway 1996 tabulate it.
    The error of the level is below 1e-12 (held against mpmath)."""
    from scipy.optimize import brentq
    from scipy.special import gamma, kve

    j = np.arange(60)
    weights = gamma(j + 0.5) / (np.pi**1.5 * gamma(j + 1.0)) * np.sqrt(4 * j + 1)

    def distribution(x):
        argument = (4 * j + 1) ** 2 / (16 * x)
        return np.sum(weights * np.exp(-2 * argument) * kve(0.25, argument)) / np.sqrt(x)

    return brentq(lambda x: distribution(x) - (1 - level), 1e-3, 10.0, xtol=1e-13)


@formula(level=LEVELS)
def normal_critical(level):
    """Two-sided critical value z with P(|N(0, 1)| > z) = ``level``, dimensionless; arrays allowed.
    Source: normal quantile."""
    from scipy.special import ndtri

    return -ndtri(level / 2)


@formula(excess=within(above=0), level=RATE, miss_rate=RATE)
def variance_test_samples(excess, level=0.05, miss_rate=0.2):
    """Independent samples needed to see that a Gaussian's variance is 1 + ``excess`` times the
    expected one, as `VarianceTest`.

    ``level`` is the two-sided false-alarm rate, ``miss_rate`` the probability that the test misses
    the effect. Two-sided variance test with known mean: n such that (1 + eps) chi^2_n falls outside
    the central 1 - level of chi^2_n with probability 1 - miss_rate; normal approximation 2
    ((z_(1-level/2) + z_(1-miss))/eps)^2. Kolmogorov-Smirnov sees sup|dF|, about 0.12 eps, and has
    half power at n = (K_level / sup|dF|)^2: roughly eight times more samples at eps = 5 %. KL =
    (eps - log(1 + eps))/2, close to eps^2/4. Derived."""
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
