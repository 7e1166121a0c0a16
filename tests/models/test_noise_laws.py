"""Laws of gradient noise against closed forms at one point: after one step of SGD, (x0 - x1) /
learning_rate is g + xi.
"""

from functools import cache
from itertools import product
from math import factorial

import naive_noise
import numpy as np
import pytest
import z_scores
from models.one_step import BOWL, HESSIAN, PARTICLES, POINT, SIGMA, noisy_gradients
from z_scores import worst

import langevin_sgd as ls
from langevin_sgd.kernels.rng import Stream, words_at

SEED, SCALE, LABEL_NOISE = 11, np.array([1.0, 0.5, 2.0]), 0.8
PROJECTIONS = np.vstack([np.eye(3), [[1.0, 1.0, 1.0], [1.0, -1.0, 0.5], [0.2, 1.0, -0.7]]])


def write_factor(p, x, out):
    """F = [[1 + a x_0^2, 0], [x_1, a x_2], [0.5, -1]]; the zero is left out."""
    out[0] = 1.0 + p.a * x[0] * x[0]
    out[2] = x[1]
    out[3] = p.a * x[2]
    out[4] = 0.5
    out[5] = -1.0


def factor_at(x):
    return np.array([[1 + 1.3 * x[0] ** 2, 0.0], [x[1], 1.3 * x[2]], [0.5, -1.0]])


def field_cumulants(u):
    return u @ factor_at(POINT) @ factor_at(POINT).T @ u, 0.0, 0.0


def two_point_cumulants(u):
    return np.sum((u * SCALE) ** 2), 0.0, -2 * np.sum((u * SCALE) ** 4)


def student_cumulants(u):
    variance = u @ SIGMA @ u
    return variance, 0.0, 6 / (14.5 - 4) * variance**2


def stable_cumulants(u):
    return 2 * np.sum((u * SCALE) ** 2), 0.0, 0.0


def regression_cumulants(u):
    """Of the product of two Gaussians, with variances v and r and covariance c."""
    v, c, r = u @ HESSIAN @ u, u @ HESSIAN @ POINT, POINT @ HESSIAN @ POINT + LABEL_NOISE
    low, high = (c - np.sqrt(v * r)) / 2, (c + np.sqrt(v * r)) / 2
    return tuple(2 ** (n - 1) * factorial(n - 1) * (low**n + high**n) for n in (2, 3, 4))


FIELD_SIGMA = factor_at(POINT) @ factor_at(POINT).T
LOSS = POINT @ HESSIAN @ POINT + LABEL_NOISE
REGRESSION_SIGMA = HESSIAN @ np.outer(POINT, POINT) @ HESSIAN + LOSS * HESSIAN
FIELD = ls.noise.gaussian_field(write_factor, {"a": 1.3}, 2)
REGRESSION = ls.noise.online_regression(HESSIAN, LABEL_NOISE)
LAWS = {  # name -> noise, cumulants along a direction, covariance
    "gaussian_field": (FIELD, field_cumulants, FIELD_SIGMA),
    "two_point": (ls.noise.two_point(SCALE), two_point_cumulants, np.diag(SCALE**2)),
    "student_t": (ls.noise.student_t(14.5, SIGMA), student_cumulants, SIGMA),
    "alpha_stable": (ls.noise.alpha_stable(2.0, SCALE), stable_cumulants, np.diag(2 * SCALE**2)),
    "online_regression": (REGRESSION, regression_cumulants, REGRESSION_SIGMA),
}
NOISES, CUMULANTS, COVARIANCES = ({name: row[k] for name, row in LAWS.items()} for k in range(3))
FLATTER = ["two_point", "student_t", "online_regression"]  # the fourth cumulant is not zero


def drawn(noise, batch_size=1, particles=PARTICLES):
    return noisy_gradients(BOWL, noise, batch_size, particles, seed=SEED) - HESSIAN @ POINT


@cache
def samples_of(name, batch_size):
    return drawn(NOISES[name], batch_size)


def moment_scores(samples, cumulants, batch_size):
    """z of the first four moments along each projection; a batch divides the cumulant of order n by
    B^(n - 1).
    """
    for u in PROJECTIONS:
        second, third, fourth = (
            kappa / batch_size**n for n, kappa in enumerate(cumulants(u), start=1)
        )
        moments = np.cumprod(np.outer(samples @ u, np.ones(4)), axis=1)
        spread = moments.std(axis=0) > 1e-9  # the square of one two-point component is a constant
        exact = np.array([0.0, second, third, fourth + 3 * second**2])
        np.testing.assert_allclose(moments[0, ~spread], exact[~spread], rtol=1e-9)
        yield z_scores.of_means(moments[:, spread], exact[spread])


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("name", NOISES)
def test_cumulants_to_order_four_in_six_directions(name, batch_size):
    samples = samples_of(name, batch_size)
    assert worst(moment_scores(samples, CUMULANTS[name], batch_size)) < 4.5  # 24 numbers
    if batch_size > 1:
        assert worst(moment_scores(np.sqrt(2) * samples, CUMULANTS[name], batch_size)) > 10


@pytest.mark.parametrize("name", NOISES)
def test_mean_and_covariance(name):
    samples = samples_of(name, 4)
    assert np.abs(z_scores.of_means(samples, 0.0)).max() < 4
    products = z_scores.of_products(samples, samples, COVARIANCES[name] / 4)
    assert np.abs(products).max() < 4
    assert np.abs(z_scores.of_products(samples, samples, COVARIANCES[name] / 2)).max() > 10
    if name != "alpha_stable":  # which has a covariance at this one index only
        found = NOISES[name].batch_covariance(BOWL, POINT[None], 4)[0]
        np.testing.assert_allclose(found, COVARIANCES[name] / 4, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", FLATTER)
def test_the_fourth_moment_sees_a_wrong_excess_kurtosis(name):
    """The twin: neither no excess at all, nor one that a batch leaves as it was, passes."""

    def gaussian(u):
        return CUMULANTS[name](u)[0], 0.0, 0.0

    def unscaled(u):
        second, third, fourth = CUMULANTS[name](u)
        return second, third * 2, fourth * 4

    samples = samples_of(name, 4)
    assert worst(moment_scores(samples, gaussian, 4)) > 4.5
    assert worst(moment_scores(samples, unscaled, 4)) > 4.5


def test_the_covariance_of_a_field_follows_the_place():
    """One text, no compilation: at the place where it would be another matrix the test fails."""
    samples = samples_of("gaussian_field", 1)
    elsewhere = factor_at(1.2 * POINT)
    assert np.abs(z_scores.of_products(samples, samples, elsewhere @ elsewhere.T)).max() > 10


# ---- heavy tails: quantiles and characteristic functions, for moments do not exist ---------------


@pytest.mark.parametrize("dof", [2.1, 3.7])
def test_student_noise_has_students_law(dof):
    """Each component is a scaled t, and t' Sigma^-1 t / 3 of the unscaled t follows F(3, dof): the
    whole elliptical law.
    """
    from scipy import stats

    samples = drawn(ls.noise.student_t(dof, SIGMA)) * np.sqrt(dof / (dof - 2))
    laws = [(samples[:, k] / np.sqrt(SIGMA[k, k]), stats.t(dof)) for k in range(3)]
    laws.append(
        (np.einsum("ni,ij,nj->n", samples, np.linalg.inv(SIGMA), samples) / 3, stats.f(3, dof))
    )
    for values, law in laws:
        assert stats.kstest(values, law.cdf).pvalue > 1e-4
    for values, law in laws:
        assert stats.kstest(np.sqrt(2) * values, law.cdf).pvalue < 1e-6
    far = laws[0][1].isf(1e-3)
    beyond = np.mean(np.abs(laws[0][0]) > far)
    assert abs(beyond - 2e-3) < 4 * np.sqrt(2e-3 / PARTICLES)


def characteristic_scores(samples, alpha, batch_size):
    """z of E cos(u . xi) against exp(-sum_k |B^(1/alpha - 1) scale_k u_k|^alpha), for six u and
    three lengths.
    """
    scale = SCALE * batch_size ** (1 / alpha - 1)
    lengths = np.array([0.2, 0.5, 1.0]) / batch_size ** (1 / alpha - 1)
    for u in np.concatenate([PROJECTIONS * length for length in lengths]):
        exact = np.exp(-np.sum(np.abs(scale * u) ** alpha))
        yield z_scores.of_means(np.cos(samples @ u)[:, None], exact)
        yield z_scores.of_means(np.sin(samples @ u)[:, None], 0.0)


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("alpha", [0.6, 1.0, 1.5, 1.9])
def test_alpha_stable_noise_has_its_characteristic_function(alpha, batch_size):
    """And a batch its scale B^(1/alpha - 1), which is above 1 for alpha < 1."""
    samples = drawn(ls.noise.alpha_stable(alpha, SCALE), batch_size)
    assert worst(characteristic_scores(samples, alpha, batch_size)) < 4.5  # 36 numbers
    assert worst(characteristic_scores(np.sqrt(2) * samples, alpha, batch_size)) > 10


@pytest.mark.parametrize("alpha", [0.6, 1.5])
def test_alpha_stable_noise_has_power_law_tails(alpha):
    """P(|xi| > r) -> (2/pi) Gamma(alpha) sin(pi alpha/2) (scale/r)^alpha; the next order is
    (scale/r)^alpha smaller.
    """
    from scipy.special import gamma

    samples = drawn(ls.noise.alpha_stable(alpha, SCALE)) / SCALE
    far = 0.002 ** (-1 / alpha)
    expected = 0.002 * 2 / np.pi * gamma(alpha) * np.sin(np.pi * alpha / 2)
    beyond = np.mean(np.abs(samples) > far)
    error = np.sqrt(expected / samples.size)
    assert abs(beyond - expected) < 4 * error + 0.01 * expected
    assert abs(np.mean(np.abs(samples) > 2 * far) - expected) > 4 * error + 0.01 * expected


def test_alpha_stable_noise_of_index_one_is_cauchys():
    from scipy import stats

    samples = drawn(ls.noise.alpha_stable(1.0, SCALE), 5) / SCALE
    assert all(stats.kstest(column, stats.cauchy.cdf).pvalue > 1e-4 for column in samples.T)
    assert stats.kstest(np.sqrt(2) * samples[:, 0], stats.cauchy.cdf).pvalue < 1e-6


# ---- numbers at their addresses ------------------------------------------------------------------


def numbers_at(stream, count, pair_of):
    """The first `count` numbers of 20 particles in step 0, two from each four words."""
    places = product([SEED], [0], range(20), [stream], range((count + 1) // 2), [0])
    pairs = [pair_of(*words_at(*map(np.uint64, place))) for place in places]
    return np.reshape(pairs, (20, -1))[:, :count]


def uniform_pair(a, b, c, d):
    return naive_noise.uniform(a, b), naive_noise.uniform(c, d)


@pytest.mark.interpreted
@pytest.mark.parametrize("name", NOISES)
def test_each_particle_takes_the_numbers_at_its_address(name):
    noise = NOISES[name]
    z = numbers_at(Stream.NOISE_NORMAL, noise.normals, naive_noise.normal_pair)
    u = numbers_at(Stream.NOISE_UNIFORM, noise.uniforms, uniform_pair)
    expected = {
        "gaussian_field": lambda: naive_noise.gaussian_field(factor_at, POINT, z),
        "two_point": lambda: naive_noise.two_point(SCALE, u),
        "student_t": lambda: naive_noise.student_t(14.5, noise.params.factor, z, u),
        "alpha_stable": lambda: naive_noise.alpha_stable(2.0, SCALE, u),
        "online_regression": lambda: naive_noise.online_regression(
            HESSIAN, LABEL_NOISE, noise.params.factor, POINT, z
        ),
    }[name]()
    np.testing.assert_allclose(drawn(noise, 1, 20), expected, rtol=1e-10, atol=1e-12)


def sample_directly(p, x, z, out):
    for k in range(len(x)):
        out[k] = p.a * x[k] * (z[0] * z[0] - 1.0) + (k + 1.0) * (z[1] - 0.5)


def sample_through_scratch(p, x, z, out):
    for k in range(len(x)):
        out[len(x) + k] = p.a * x[k] * (z[0] * z[0] - 1.0)
        out[2 * len(x) + k] = (k + 1.0) * (z[1] - 0.5)
    for k in range(len(x)):
        out[k] = out[len(x) + k] + out[2 * len(x) + k]


@pytest.mark.slow  # a kernel of its own; the lane `interpreted` runs it too
@pytest.mark.interpreted
def test_scratch_numbers_disturb_nothing():
    """Beside thermal normals, an odd number of normals, uniform numbers, batches and any block: bit
    for bit the plain text.
    """
    plain = ls.GradientNoise("plain", sample_directly, {"a": 0.3}, normals=1, uniforms=1)
    roomy = ls.GradientNoise(
        "roomy", sample_through_scratch, {"a": 0.3}, normals=1, uniforms=1, scratch_per_component=2
    )

    def path(noise, block_size):
        options = {"particles": 40, "steps": 5, "x0": POINT, "seed": SEED, "every": 1}
        dynamics = ls.dynamics.langevin(0.5, 0.1, batch_size=3)
        return ls.simulate(BOWL, dynamics, noise, block_size=block_size, **options).x.values

    expected = path(plain, 64)
    assert len(np.unique(expected[-1])) == expected[-1].size
    np.testing.assert_array_equal(path(roomy, 64), expected)
    np.testing.assert_array_equal(path(roomy, 16), expected)
