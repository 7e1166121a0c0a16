"""Noise that is multiplicative or not Gaussian, against exact values that were computed elsewhere:
100,000 particles, |z| < 5.

Each has its twin: with the noise off by sqrt(2), or with the approximation that is common, the same
comparison fails."""

import numpy as np
import pytest
import z_scores
from oracle_cases import CASES, of_group
from z_scores import worst

import langevin_sgd as ls
from langevin_sgd.kernels.elementary import sqrt

REGRESSION, TAILS = of_group("04_linreg_multiplicative"), of_group("04_kesten_tail")
PARTICLES, SEED = 100_000, 404
SETTLED = 60  # steps; 0.7^60 < 1e-9 in the slowest case of group 16


def final(model, dynamics, noise, steps):
    """Positions, and velocities or None, after the burn-in from the mean, where all these laws
    start.
    """
    run = ls.simulate(model, dynamics, noise, particles=PARTICLES, steps=steps, seed=SEED)
    assert not run.status.any()
    return run.x[-1].values, run.v[-1].values if "v" in run else None


def regression_run(name, excess=1):
    """`excess` multiplies the variance of the labels, and with it every second moment of w - w*."""
    case = CASES[name]["inputs"]
    noise = ls.noise.online_regression(case["A"], excess * case["sig2"])
    dynamics = ls.dynamics.sgd(case["eta"], case["B"], case["mu"])
    return final(ls.potentials.quadratic(case["A"]), dynamics, noise, CASES[name]["burn_in_steps"])


def regression_scores(run, exact):
    x, v = run
    yield z_scores.of_products(x, x, exact["S"])
    if "V" in exact:
        yield z_scores.of_products(v, v, exact["V"])


@pytest.mark.parametrize("name", REGRESSION)
def test_online_regression(name):
    exact = CASES[name]["expected"]
    run = regression_run(name)
    assert worst(regression_scores(run, exact)) < 5
    assert worst(regression_scores(regression_run(name, 2), exact)) > 5
    if "additive_noise_prediction" in exact:
        assert worst(regression_scores(run, {"S": exact["additive_noise_prediction"]})) > 5


def write_regression_factor(p, x, out):
    """F (2, 3) with F F' = A x x' A + (x' A x + s2) A for A = L L': the first column A x, then a
    multiple of L.
    """
    level = p.label_noise
    for k in range(2):
        out[3 * k] = p.A[k, 0] * x[0] + p.A[k, 1] * x[1]
        level = level + x[k] * out[3 * k]
    for k in range(2):
        out[3 * k + 1] = sqrt(level) * p.L[k, 0]
        out[3 * k + 2] = sqrt(level) * p.L[k, 1]


@pytest.mark.parametrize("name", ["linreg_2d_B4", "linreg_2d_hb"])
def test_a_gaussian_field_of_the_same_covariance_has_the_same_second_moments(name):
    """They close, whatever the higher cumulants are: the noise must follow each particle, at its
    place before the move.
    """
    case, exact = CASES[name]["inputs"], CASES[name]["expected"]
    matrix = np.array(case["A"])

    def run(excess):
        params = {
            "A": matrix,
            "L": np.linalg.cholesky(excess * matrix),
            "label_noise": case["sig2"],
        }
        noise = ls.noise.gaussian_field(write_regression_factor, params, 3)
        dynamics = ls.dynamics.sgd(case["eta"], case["B"], case["mu"])
        return final(ls.potentials.quadratic(matrix), dynamics, noise, CASES[name]["burn_in_steps"])

    assert worst(regression_scores(run(1), exact)) < 5
    assert worst(regression_scores(run(2), exact)) > 5


def tail_scores(name, excess):
    """z of E d^2, and of E d^4 where its own standard error exists: tail exponent above 8."""
    case, exact = CASES[name]["inputs"], CASES[name]["expected"]
    noise = ls.noise.online_regression([case["a"]], excess * case["sig2"])
    dynamics = ls.dynamics.sgd(case["eta"], case["B"])
    steps = int(np.ceil(30 / (case["eta"] * case["a"])))
    x, _ = final(ls.potentials.quadratic([case["a"]]), dynamics, noise, steps)
    yield z_scores.of_means(x**2, exact["E_delta2"])
    if exact["kappa"] > 8:
        yield z_scores.of_means(x**4, exact["E_delta4"])


@pytest.mark.parametrize("name", TAILS)
def test_moments_of_online_regression_with_power_law_tails(name):
    assert worst(tail_scores(name, 1)) < 5
    assert worst(tail_scores(name, 2)) > 5


def filtered_scores(x, exact):
    """z of the first four moments of a law with these cumulants."""
    variance = exact["var"]
    third, fourth = exact["skew"] * variance**1.5, (exact["excess_kurtosis"] + 3) * variance**2
    return z_scores.of_means(x ** np.arange(1, 5), np.array([0.0, variance, third, fourth]))


def signs(name, factor=1.0):
    """Positions under two-point noise."""
    case = CASES[name]["inputs"]
    noise = ls.noise.two_point(factor * case.get("s", 1.0))
    return final(
        ls.potentials.quadratic([case["h"]]), ls.dynamics.sgd(case["eta"]), noise, SETTLED
    )[0]


def skewed(factor=1.0):
    """Positions under a table whose gradients at 0 are the oracle's values, each as often as its
    probability says.
    """
    case = CASES["cumulants_skewed"]["inputs"]
    gradients = np.repeat(
        case["noise_values"], np.round(5 * np.array(case["noise_probs"])).astype(int)
    )
    loss = ls.losses.quadratic_centers([case["h"]], -factor * gradients[:, None] / case["h"])
    return final(loss, ls.dynamics.sgd(case["eta"], case["B"]), ls.noise.minibatch(), SETTLED)[0]


@pytest.mark.parametrize(
    "name",
    [pytest.param("cumulants_rademacher", marks=pytest.mark.slow), "cumulants_skewed"],
)
def test_cumulants_of_the_noise_pass_through_the_filter(name):
    run = skewed if name == "cumulants_skewed" else lambda factor=1.0: signs(name, factor)
    exact = CASES[name]["expected"]
    assert np.abs(filtered_scores(run(), exact)).max() < 5
    assert np.abs(filtered_scores(run(np.sqrt(2)), exact)).max() > 5
    assert (
        np.abs(filtered_scores(run(), exact | {"skew": 0.0, "excess_kurtosis": 0.0})).max() > 5
    )  # Gaussian


def test_two_point_noise_settles_to_the_uniform_law():
    """Exactly so: Kolmogorov and Smirnov's test, the ends of the support, and the values of the
    distribution function.
    """
    from scipy import stats

    exact = CASES["uniform_law"]["expected"]
    low, high = exact["support"]
    uniform = stats.uniform(low, high - low)
    x = signs("uniform_law")[:, 0]
    assert stats.kstest(x, uniform.cdf).pvalue > 1e-4
    assert low <= x.min() < low + 1e-3 and high - 1e-3 < x.max() <= high
    for place, probability in exact["cdf"]:
        assert abs(np.mean(x <= place) - probability) < 5 * np.sqrt(
            probability * (1 - probability) / PARTICLES
        )
    assert np.abs(filtered_scores(x[:, None], exact | {"skew": 0.0})).max() < 5
    gaussian = stats.norm(0, np.sqrt(exact["var"]))
    assert stats.kstest(x, gaussian.cdf).pvalue < 1e-6
    assert stats.kstest(signs("uniform_law", np.sqrt(2))[:, 0], uniform.cdf).pvalue < 1e-6


def test_two_point_noise_leaves_the_gaps_of_a_cantor_set():
    """At learning_rate * h = 2/3 the middle third of the support stays empty, and the distribution
    function is the theory's.
    """
    x = final(
        ls.potentials.quadratic([1.0]), ls.dynamics.sgd(2 / 3), ls.noise.two_point(1.0), SETTLED
    )[0][:, 0]
    assert not np.any(np.abs(x) < 0.33)
    for place in (-0.95, -7 / 9, -0.5, 0.4, 0.8):
        probability = float(ls.theory.two_point_cdf(place + 1e-9, 1.0, 2 / 3))
        assert abs(np.mean(x <= place + 1e-9) - probability) < 5 * np.sqrt(
            probability * (1 - probability) / PARTICLES
        )
    assert np.mean(np.abs(signs("uniform_law")) < 0.33) > 0.3  # the twin: at 1/2 the gap is closed
