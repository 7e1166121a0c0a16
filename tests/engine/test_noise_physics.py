"""Noise that is multiplicative or not Gaussian, against exact values that were computed elsewhere:
100,000 particles, |z| < 5.

Each has its twin: with the noise off by sqrt(2), or with the approximation that is common, the same
comparison fails."""

import numpy as np
import pytest
import z_scores
from _oracle_cases import CASES, of_group
from _oracle_runs import SIMULATIONS
from _oracle_tables import SETTLED, of_cumulants
from z_scores import worst

import langevin_sgd as ls
from langevin_sgd.kernels.elementary import sqrt

PARTICLES, SEED = 100_000, 404


def final(model, dynamics, noise, steps):
    """Positions, and velocities or None, after the burn-in from the mean, where all these laws
    start.
    """
    run = ls.simulate(model, dynamics, noise, particles=PARTICLES, steps=steps, seed=SEED)
    assert not run.status.any()
    return run.x[-1].values, run.v[-1].values if "v" in run else None


def moved(simulation):
    """Positions, and velocities or None."""
    return final(simulation.model, simulation.dynamics, simulation.noise, simulation.steps)


def regression_scores(run, exact):
    x, v = run
    yield z_scores.of_products(x, x, exact["S"])
    if "V" in exact:
        yield z_scores.of_products(v, v, exact["V"])


@pytest.mark.parametrize("name", of_group("04_linreg_multiplicative"))
def test_the_noise_of_online_regression_is_not_additive(name):
    exact = CASES[name]["expected"]
    if "additive_noise_prediction" in exact:
        run = moved(SIMULATIONS[name]())
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


@pytest.mark.parametrize(
    "name", ["linreg_2d_B4", pytest.param("linreg_2d_hb", marks=pytest.mark.slow)]
)
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


def filtered_scores(x, exact):
    """z of the first four moments of a law with these cumulants."""
    return z_scores.of_means(*of_cumulants(x, exact))


def signs(name, excess=1):
    """Positions under two-point noise."""
    return moved(SIMULATIONS[name](excess=excess))[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cumulants_rademacher", "cumulants_skewed"])
def test_what_the_noise_settles_to_is_not_gaussian(name):
    gaussian = CASES[name]["expected"] | {"skew": 0.0, "excess_kurtosis": 0.0}
    assert np.abs(filtered_scores(moved(SIMULATIONS[name]())[0], gaussian)).max() > 5


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
    assert stats.kstest(signs("uniform_law", 2)[:, 0], uniform.cdf).pvalue < 1e-6


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
