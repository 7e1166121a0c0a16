"""First passage and quasi-stationary laws of SGD chains, against geometric laws, a simulation and
the operator without walls."""

import numpy as np
from pytest import approx
from scipy.stats import norm

from langevin_sgd import evaluate, theory
from langevin_sgd.models.potentials import double_well, quadratic

INF = np.inf
WELL = double_well()


def test_a_chain_that_forgets_in_one_step_leaves_geometrically():
    """eta h = 1: x' is pure noise, so that the mean number of steps is 1/P(outside) and the law
    inside is a cut normal law."""
    setting = quadratic([1.0]), 1.0, 1.0
    stay = norm.cdf(1.2) - norm.cdf(-0.5)
    steps = theory.mean_first_passage_steps(*setting, start=[0.0, 1.1], inside=[(-0.5, 1.2)])
    assert np.allclose(steps.mean_steps, 1 / (1 - stay), rtol=1e-10)
    law = theory.quasi_stationary_law(*setting, inside=[(-0.5, 1.2)])
    assert law.survival.item() == approx(stay, rel=1e-11)
    assert law.mean_position.item() == approx((norm.pdf(-0.5) - norm.pdf(1.2)) / stay, rel=1e-10)


def test_correlated_noise_forgets_too():
    """eta H = 1 with noise of correlation 0.6: the probability to stay in a quadrant's box."""
    from scipy.stats import multivariate_normal

    covariance = np.array([[1.0, 0.6], [0.6, 1.0]])
    setting, region = (quadratic([1.0, 1.0]), covariance, 1.0), [(-1.5, 1.0), (-1.0, 2.0)]
    law = multivariate_normal(cov=covariance)
    stay = law.cdf([1.0, 2.0], lower_limit=[-1.5, -1.0])
    steps = theory.mean_first_passage_steps(*setting, start=[0.0, 0.0], inside=region)
    assert steps.mean_steps.item() == approx(1 / (1 - stay), rel=1e-6)
    assert theory.quasi_stationary_law(*setting, inside=region).survival.item() == approx(
        stay, rel=1e-6
    )


def test_correlated_noise_against_a_simulation():
    well, region, start = double_well(dim=2, coupling=0.8), [(-1.8, 0.0), (-1.5, 0.0)], [-1.0, -0.8]
    exact, independent = (
        theory.mean_first_passage_steps(well, noise, 0.5, start=start, inside=region)
        for noise in ([[1.0, 0.9], [0.9, 1.0]], [1.0, 1.0])
    )
    random, low, high = np.random.default_rng(1), *np.transpose(region)
    x, steps = np.tile(start, (20_000, 1)), np.zeros(20_000)
    inside = np.arange(len(x))
    while len(inside):
        common, own = random.normal(size=(len(inside), 1)), random.normal(size=(len(inside), 2))
        noise = np.sqrt(0.9) * common + np.sqrt(0.1) * own
        x[inside] -= 0.5 * (evaluate(well, x[inside], "gradient") + noise)
        steps[inside] += 1
        inside = inside[np.all((x[inside] > low) & (x[inside] < high), axis=1)]
    error = steps.std() / np.sqrt(len(steps))
    assert abs(steps.mean() - exact.mean_steps.item()) < 4 * error
    assert abs(steps.mean() - independent.mean_steps.item()) > 10 * error  # the twin


def test_lifetime_of_the_quasi_stationary_law():
    """From the quasi-stationary law itself the mean number of steps is exactly 1/(1 - survival)."""
    setting, region = (WELL, 1.5, 0.4), [(-2.4, 2.4)]
    law = theory.quasi_stationary_law(*setting, inside=region)
    steps = theory.mean_first_passage_steps(*setting, start=law.axis_0.values, inside=region)
    lifetime = float((law.density * law.weight).values @ steps.mean_steps.values)
    assert lifetime == approx(1 / law.exit_probability.item(), rel=1e-8)
