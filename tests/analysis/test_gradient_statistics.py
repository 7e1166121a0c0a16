"""What a table of gradients tells of the population that it is a sample of: corrected numbers, and
errors from resampled examples.
"""

import numpy as np
import pytest
from _oracle_cases import CASES

import langevin_sgd as ls
from langevin_sgd.analysis.gradient_statistics import LABELS, Bootstrap, bootstrap, statistics

RANDOM = np.random.default_rng(8)
TALL = RANDOM.normal(size=(30, 3)) * [1.0, 2.0, 0.5] + [1.0, 0.5, -2.0]
WIDE = RANDOM.normal(size=(12, 20)) + 0.5
covariance_of = ls.analysis.gradient_covariance
WITH_ERRORS = [name for name in LABELS if name not in ("covariance", "eigenvectors")]


def test_the_corrected_numbers_by_their_formulas():
    table, sample = covariance_of(TALL), covariance_of(TALL, population=True)
    np.testing.assert_allclose(sample.covariance, np.cov(TALL.T), rtol=1e-12)
    assert sample.trace.item() == pytest.approx(table.trace.item() * 30 / 29, rel=1e-12)
    squared = (table.squared_mean_gradient - sample.trace / 30).item()
    assert sample.squared_mean_gradient.item() == pytest.approx(squared, rel=1e-12)
    assert sample.noise_scale.item() == pytest.approx(sample.trace.item() / squared, rel=1e-12)
    identity = sample.squared_mean_gradient + sample.trace
    assert sample.mean_squared_gradient.item() == pytest.approx(identity.item(), rel=1e-12)
    for name in ("mean_squared_gradient", "effective_rank", "eigenvectors"):
        np.testing.assert_allclose(sample[name], table[name], rtol=1e-12)
    assert (sample.population, sample.examples, table.population) == (1, 30, 0)


def test_trace_and_squared_mean_are_unbiased_and_uncorrected_they_are_not():
    """Of 20,000 tables of ten gradients; the twin is off by tr Sigma / N."""
    tables, exact = np.random.default_rng(1).normal(size=(20_000, 10, 3)) + [0.2, 0.0, 0.1], 0.05
    setting = tables.mean(axis=1), tables.var(axis=1), np.ones(3)
    for examples, low, high in [(10, 0, 4), (None, 50, np.inf)]:
        found = statistics(*setting, examples)
        for name, value in [("trace", 3.0), ("squared_mean_gradient", exact)]:
            error = found[name].std() / np.sqrt(len(tables))
            assert low <= abs(found[name].mean() - value) / error < high


@pytest.mark.parametrize("gradients", [TALL, WIDE])
def test_errors_are_those_of_tables_written_out_example_by_example(gradients):
    result = covariance_of(gradients, population=True, resamples=40, level=0.2, seed=5)
    count, plain = len(gradients), covariance_of(gradients)
    drawn = np.random.default_rng(5).multinomial(count, np.full(count, 1 / count), 40)
    tables = [gradients[np.repeat(np.arange(count), each)] for each in drawn]
    replicates = [covariance_of(each, population=True, resamples=2) for each in tables]
    for name in set(WITH_ERRORS) - {"noise_scale"}:
        values = np.array([each[name].values for each in replicates])
        error = result[f"{name}_standard_error"]
        np.testing.assert_allclose(error, values.std(axis=0, ddof=1), rtol=1e-9, atol=1e-12)
        ends = np.quantile(values - plain[name].values, [0.9, 0.1], axis=0)
        interval = result[name].values - ends
        found = result[f"{name}_interval"].transpose("bound", ...)
        np.testing.assert_allclose(found, interval, rtol=1e-9, atol=1e-12, err_msg=name)


def test_the_error_of_the_noise_scale_is_that_of_its_reciprocal_carried_over():
    result = covariance_of(TALL, population=True, resamples=40, seed=5)
    drawn = np.random.default_rng(5).multinomial(30, np.full(30, 1 / 30), 40)
    tables = [TALL[np.repeat(np.arange(30), each)] for each in drawn]
    replicates = [covariance_of(each, population=True, resamples=2) for each in tables]
    table = covariance_of(TALL)
    linear = [each.squared_mean_gradient - each.trace / table.noise_scale for each in replicates]
    error = np.std(linear, ddof=1) / table.trace
    expected = (error * result.noise_scale**2).item()
    assert result.noise_scale_standard_error.item() == pytest.approx(expected, rel=1e-9)


def test_a_noise_scale_that_the_sample_does_not_bound_has_an_infinite_end():
    far = covariance_of(TALL, population=True)
    low, high = far.noise_scale_interval.values
    assert 0 < low < far.noise_scale < high < np.inf
    near = covariance_of(TALL - TALL.mean(axis=0), population=True)
    assert near.squared_mean_gradient < 0 and np.isinf(near.noise_scale)
    assert np.isinf(near.noise_scale_interval[1]) and near.noise_scale_interval[0] > 0


def test_a_noise_scale_without_noise_has_no_interval():
    still = covariance_of(np.ones((12, 2)), population=True, resamples=2)
    assert still.noise_scale == 0 and still.squared_mean_gradient == 2
    assert np.all(np.isnan(still.noise_scale_interval))


def test_a_sample_agrees_with_its_population():
    """Oracle: Sigma = 2 L H + G G' of Gaussian least squares."""
    case = CASES["linreg_sigma_2LH"]
    inputs, exact = case["inputs"], case["expected"]
    loss = ls.losses.linear_regression_population(inputs["A"], inputs["sig2"], examples=4000)
    result = covariance_of(loss, inputs["delta"], population=True)
    sigma, mean = np.array(exact["Sigma"]), np.array(exact["G"])
    truth = statistics(mean, np.diag(sigma), np.linalg.eigvalsh(sigma)[::-1])
    assert truth["mean_squared_gradient"] == pytest.approx(np.trace(exact["second_moment"]))
    for name, value in truth.items():
        off = (result[name] - value) / result[f"{name}_standard_error"]
        assert np.abs(off).max() < 4, name
        assert np.all(np.abs(off + 8) > 4), name


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say():
    """In 20 dimensions, where |G_T|^2 of 100 examples has a bias of 1.3 standard deviations: an
    interval round the uncorrected number, the twin, misses."""
    random, level, mean = np.random.default_rng(2), 0.1, np.full(20, np.sqrt(0.5 / 20))
    held, twin, tables = dict.fromkeys(("trace", "squared_mean_gradient", "noise_scale"), 0), 0, 400
    truth = statistics(mean, np.ones(20), np.ones(20))
    for seed in range(tables):
        rows = mean + random.normal(size=(100, 20))
        found = bootstrap(rows, np.ones(20), Bootstrap(100, level, seed))
        for name in held:
            low, high = found[name][1]
            held[name] += low <= truth[name] <= high
        low, high = found["squared_mean_gradient"][1] + 20 / 100
        twin += low <= truth["squared_mean_gradient"] <= high
    error = np.sqrt(level * (1 - level) / tables)
    for name, count in held.items():
        assert abs(count / tables - 0.9) < 4 * error, name
    assert twin / tables < 0.9 - 4 * error
