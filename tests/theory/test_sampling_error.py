"""Autocorrelation times, biases and critical values against sums, enumeration and SciPy."""

from itertools import product
from math import factorial

import numpy as np
import pytest
from numpy.testing import assert_allclose as close

from langevin_sgd import theory


@pytest.mark.parametrize("a", [0.9, 0.3, -0.5])
def test_autocorrelation_follows_from_the_linear_process(a):
    process = theory.linear_sgd(1.0, 1.0, 1 - a)
    variance = theory.autocovariance(process, 0)[0, 0, 0]
    limit = theory.time_average_covariance(process)[0, 0] / variance
    close(theory.ar1_autocorrelation_time(a), limit, 1e-12)
    for n in (1, 5, 40):
        expected = n * theory.time_average_covariance(process, n)[0, 0] / variance
        close(theory.ar1_mean_inflation(a, n), expected, 1e-12)


def test_the_histogram_bias_equals_the_multinomial_enumeration():
    p, n = np.array([0.2, 0.5, 0.3]), 7
    exact = 0.0
    for counts in product(range(n + 1), repeat=3):
        if sum(counts) == n:
            share = np.array(counts) / n
            ways = factorial(n) / np.prod([factorial(k) for k in counts])
            seen = share > 0
            exact += ways * np.prod(p**counts) * np.sum(share[seen] * np.log(share[seen] / p[seen]))
    bias = theory.histogram_kl_bias(p, n)
    close(bias.exact, exact, 1e-12)
    large = theory.histogram_kl_bias(p, 2000)
    close(large.exact, large.second_order, 1e-5)
    assert large.leading == 2 / 4000


@pytest.mark.parametrize("level", [0.5, 0.05, 0.01, 1e-4])
def test_the_cramer_von_mises_limit_agrees_with_scipys_law(level):
    """SciPy's p-value of the statistic of a large sample, whose finite-n correction is of order
    1/n."""
    from scipy.stats import cramervonmises

    value = theory.cramer_von_mises_critical(level)
    n = 100_000
    grid = (np.arange(n) + 0.5) / n
    # a sample shifted from the quantiles by s has the statistic 1/(12 n) + n s^2
    shift = np.sqrt((value - 1 / (12 * n)) / n)
    found = cramervonmises(grid + shift, lambda x: x)
    close(found.statistic, value, 1e-6)
    assert found.pvalue == pytest.approx(level, rel=5e-3, abs=1e-6)


def test_a_tiny_excess_keeps_its_digits():
    close(theory.variance_test_samples(1e-6).kl, 1e-12 / 4, 1e-3)
