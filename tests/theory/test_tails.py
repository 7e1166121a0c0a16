"""Tail exponents against mpmath and their exact values; moments against the matrix theory."""

import mpmath
import numpy as np
import pytest
from pytest import approx
from scipy.special import expi, gammaincc

from langevin_sgd import theory


def moment(step, batch, kappa):
    """E |1 - step chi^2_B / B|^kappa with mpmath, split at the kink."""
    kink = mpmath.sqrt(mpmath.mpf(batch) / step)
    norm = 2 ** (1 - mpmath.mpf(batch) / 2) / mpmath.gamma(mpmath.mpf(batch) / 2)

    def weighted(s):
        factor = abs(1 - step * s * s / batch) ** kappa
        return norm * s ** (batch - 1) * mpmath.exp(-s * s / 2) * factor

    return mpmath.quad(weighted, [0, kink / 2, kink, 2 * kink, 4 * kink, 8 * kink + 30])


@pytest.mark.parametrize(("step", "batch"), [(0.3, 1), (0.1, 1), (0.9, 2), (1.0, 7), (0.02, 1)])
def test_the_exponent_solves_kestens_equation(step, batch):
    exact = theory.tail_exponents(1.0, step, batch).exact
    assert abs(float(moment(step, batch, exact)) - 1) < 1e-9
    assert abs(float(moment(step, batch, 2 * exact)) - 1) > 0.1


@pytest.mark.parametrize("batch", [1, 2, 3, 10])
def test_the_exponent_is_two_at_the_mean_square_threshold(batch):
    threshold = theory.regression_threshold(1.0, batch)
    assert threshold == approx(2 * batch / (batch + 2), rel=1e-12)
    assert theory.tail_exponents(1.0, threshold, batch).exact == approx(2, rel=1e-9)


def test_the_two_diffusions_bracket_the_exact_exponent_at_small_steps():
    for step in (0.2, 0.05, 1e-3):
        exact, diffusion, decoupled = theory.tail_exponents(2.0, step / 2)
        assert diffusion < exact < decoupled


def test_the_moments_agree_with_the_matrix_theory_and_a_simulation():
    second, fourth = theory.regression_moments_1d(1.5, 0.4, 0.1, 4)
    matrix = theory.regression_covariance(1.5, 0.4, 0.1, 4).position[0, 0]
    assert second == approx(matrix, rel=1e-12)
    rng, delta = np.random.default_rng(2), np.zeros(100_000)
    for _ in range(80):
        w = rng.chisquare(4, delta.size) * 1.5 / 4
        delta = (1 - 0.1 * w) * delta + 0.1 * np.sqrt(0.4 * w / 4) * rng.standard_normal(delta.size)
    error = (delta**4).std() / np.sqrt(delta.size)
    assert abs((delta**4).mean() - fourth) < 4 * error
    assert abs((delta**4).mean() - 2 * fourth) > 10 * error


@pytest.mark.parametrize(
    ("step", "exact", "diffusion", "decoupled"),
    [(0.1, 17.28, 11, 21), (0.2, 8.30, 6, 11), (0.3, 5.31, 4.33, 7.67)],
)
def test_the_exponents_are_the_published_ones(step, exact, diffusion, decoupled):
    """Slopes that a fit at P = 1e-3 would show are 10.9, 6.6 and 4.6: the exponents themselves lie
    far beyond any sample."""
    assert theory.tail_exponents(1.0, step) == approx((exact, diffusion, decoupled), abs=0.006)


def test_the_edges_have_their_closed_forms_and_the_published_values():
    """At B = 2 and 4 the mean of log |1 - u/c|, u of Gamma(B/2), is -exp(-c) Ei(c) and
    1 - (1 + c) exp(-c) Ei(c); the mean of |1 - step w| is a matter of incomplete gamma functions.
    """
    batches, half = np.array([1, 2, 4, 8, 16]), np.array([0.5, 1, 2, 4, 8])
    almost_sure, first, second = (theory.lyapunov_edge(1.0, batches, p) for p in (0, 1, 2))
    assert almost_sure == approx([2.421, 2.685, 2.663, 2.493, 2.299], abs=6e-4)
    assert expi(1 / almost_sure[1]) == approx(0, abs=1e-11)
    c = 2 / almost_sure[2]
    assert (1 + c) * np.exp(-c) * expi(c) == approx(1, abs=1e-11)
    beyond = gammaincc(half + 1, half / first), gammaincc(half, half / first)
    assert 2 * (first * beyond[0] - beyond[1]) == approx(first, rel=1e-11)
    assert first[1] == approx(1 / np.log(2), rel=1e-12)
    assert second == approx(theory.regression_threshold(1.0, batches), rel=1e-12)
    assert theory.lyapunov_edge([2.0, 4.0], 1e6) == approx([1.0, 0.5], rel=1e-5)
    with pytest.raises(ValueError, match="no stationary law"):
        theory.tail_exponents(1.0, 1.0001 * almost_sure[0])


@pytest.mark.parametrize("moment", [0.01, 0.5, 5.306])
def test_a_moment_is_the_exponent_at_its_edge(moment):
    exponent = theory.tail_exponents(0.5, theory.lyapunov_edge(0.5, 3, moment), 3).exact
    assert exponent == approx(moment, rel=1e-8)


def test_typical_particles_neither_grow_nor_decay_at_the_edge_and_do_three_percent_off():
    w = np.random.default_rng(3).chisquare(4, 4_000_000) / 4
    for factor, holds in ((1.0, True), (0.97, False), (1.03, False)):
        growth = np.log(np.abs(1 - factor * theory.lyapunov_edge(1.0, 4) * w))
        error = growth.std() / np.sqrt(growth.size)
        assert (abs(growth.mean()) < 4 * error) == holds


@pytest.mark.parametrize("below", [1e-6, 1e-9, 1e-12])
def test_the_exponent_goes_to_zero_in_proportion_at_the_edge(below):
    edge = theory.lyapunov_edge(1.0, 1)
    found = theory.tail_exponents(1.0, edge * (1 - below), 1).exact
    assert found == approx(0.792 * below, rel=1e-3)


@pytest.mark.parametrize("batch", [1, 1e5, 1e6])
def test_the_edge_of_a_small_moment_is_that_of_the_typical_particle(batch):
    edge = theory.lyapunov_edge(1.0, batch)
    for moment in (1e-9, 1e-12, 1e-16):
        assert theory.lyapunov_edge(1.0, batch, moment) == approx(edge, rel=1e-7)
