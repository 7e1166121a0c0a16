"""Joint p-values: exact for Gaussian numbers, whatever their scale, and right at the edges."""

import numpy as np
import pytest

from langevin_sgd.analysis.significance import Deviation, decide, holm, hotelling


def p_values(shift, seeds=300, particles=60):
    mixing = np.array([[1e-6, 0.0, 0.0], [2.0, 1.0, 0.0], [5e3, 1e3, 3e3]])
    for seed in range(seeds):
        numbers = (np.random.default_rng(seed).normal(size=(particles, 3)) + shift) @ mixing.T
        yield hotelling(numbers.mean(axis=0), np.cov(numbers.T), particles)


def test_uniform_for_gaussian_numbers_of_any_scale():
    p = np.sort(list(p_values(0.0)))
    # Kolmogorov, 0.07 % level.
    assert np.abs(p - np.arange(1, len(p) + 1) / len(p)).max() < 2.0 / np.sqrt(len(p))
    # The twin: half a standard deviation off zero.
    assert np.median(list(p_values(0.5, seeds=20))) < 1e-3


def test_dependent_numbers_count_once():
    numbers = np.random.default_rng(0).normal(size=(50, 2))
    doubled = np.column_stack([numbers, numbers.sum(axis=1)])
    found, expected = (hotelling(x.mean(axis=0), np.cov(x.T), 50) for x in (doubled, numbers))
    assert found == pytest.approx(expected)


def test_numbers_without_spread():
    covariance = np.diag([1.0, 0.0])
    alone = hotelling(np.array([0.1]), covariance[:1, :1], 40)
    assert hotelling(np.array([0.1, 0.0]), covariance, 40) == alone
    assert hotelling(np.array([0.1, 0.2]), covariance, 40) == 0.0
    assert hotelling(np.zeros(2), 0 * covariance, 40) == 1.0


def test_holm_adjusts_the_smallest_by_all_and_keeps_the_order():
    assert holm([0.01, 0.04, 0.03, 0.9]) == pytest.approx([0.04, 0.09, 0.09, 0.9])
    assert holm([0.5, 0.6]) == pytest.approx([1.0, 1.0]) and holm([0.2]) == pytest.approx([0.2])


ONE_SIDED, OF_TWO, OF_FOUR = 1.6448536, 2.2414027, 2.4977055  # normal quantiles, level 0.05
DECISIONS = [
    ([0.0], [0.019 / ONE_SIDED], 0.5, "consistent within tolerance", 1.0),
    ([0.0], [0.021 / ONE_SIDED], 0.5, "undecided", (21 / 20) ** 2),
    ([0.021 + OF_TWO, 0.0], [1.0, 0.01], 0.04, "departs", 1.0),
    ([0.021 + OF_TWO, 0.0], [1.0, 0.01], 0.06, "undecided", (1.9599640 / 1.8807936) ** 2),  # for p
    ([0.019 + OF_TWO, 0.0], [1.0, 0.01], 0.04, "undecided", (OF_TWO / (OF_TWO - 0.001)) ** 2),
    ([0.01], [0.01], 0.3, "undecided", ((10 + 10 * ONE_SIDED) / 20) ** 2),  # it may be noise
    ([0.005], [0.001], 1e-6, "consistent within tolerance", 1.0),
]


@pytest.mark.parametrize(("effect", "error", "p_value", "word", "more"), DECISIONS)
def test_one_decision_from_intervals_and_the_p_value(effect, error, p_value, word, more):
    found = decide([Deviation(np.array(effect), np.array(error), p_value)], 0.02, 0.05)
    assert (found.word, found.family_p_value) == (word, p_value)
    assert found.more == pytest.approx(more, rel=1e-4)


def test_intervals_are_as_wide_as_all_numbers_of_all_tests_ask():
    two = Deviation(np.array([0.021 + OF_TWO, 0.0]), np.array([1.0, 1.0]), 1e-9)
    assert decide([two], 0.02, 0.05).word == "departs"
    both = decide([two, two._replace(p_value=0.5)], 0.02, 0.05)
    assert both.word == "undecided" and both.adjusted == pytest.approx([2e-9, 0.5])
    assert both.more == pytest.approx((OF_FOUR / (0.001 + OF_TWO)) ** 2)
