"""Laws of gradient noise that are not Gaussian.

All are noise of ONE example: a batch of B is the mean of B independent draws. Cumulants of order n
then fall as B^(1 - n), so that variance and excess kurtosis fall as 1/B; alpha-stable noise keeps
its law, and its scale is multiplied by B^(1/alpha - 1)."""

import math

import numpy as np

from ..arguments import within
from ..kernels.elementary import exp, expm1, fma, log, log_unit, maximum, sin, sqrt, where
from .gaussian_noise import covariance_factor, matrix_of, scales, variances_or_matrix
from .gradient_noise import GradientNoise
from .records import recorded
from .sums import row_times

_PI = 3.141592653589793
_HALF_STEP = 2.0**-53  # half the spacing of the uniform numbers: moved by it, they avoid both ends
_ALMOST_ZERO = 1e-300


def _two_point_sample(p, x, z, out):
    for k in range(len(out)):
        out[k] = where(z[k] < 0.5, -p.scale[k], p.scale[k])


def _two_point_covariance(p, x, out):
    d = len(x)
    for k in range(d * d):
        out[k] = 0.0
    for k in range(d):
        out[k * d + k] = p.scale[k] * p.scale[k]


@recorded(scale=scales)
def two_point(scale):
    """Each component is +scale or -scale with probability 1/2, independently: bounded noise.

    Parameters
    ----------
    scale : float or array_like, shape (d,)
        Size of each component, energy / length, at least 0; a number is one component.

    Returns
    -------
    GradientNoise

    Notes
    -----
    Sigma = diag(scale^2), fourth cumulant -2 scale^4 (excess kurtosis -2). On U = h x^2/2 with B =
    1 and learning_rate h = 1/2, SGD settles to exactly the uniform law on [-scale/h, scale/h];
    above 1/2 to a Cantor law without density (`theory.two_point_cdf`). Source: definition;
    Bernoulli convolutions.

    Examples
    --------
    Uniform numbers below 1/2 give -scale:

    >>> noise, xi = ls.noise.two_point([2.0, 3.0]), np.zeros(2)
    >>> noise.sample(noise.params, np.zeros(2), [0.2, 0.7], xi)
    >>> print(noise, xi)
    two_point(scale=[2.0, 3.0]) [-2.  3.]
    """
    d = len(scale)
    options = {"dim": d, "covariance": _two_point_covariance}
    return GradientNoise("two_point", _two_point_sample, {"scale": scale}, 0, d, **options)


def _student_sample(p, x, z, out):
    pairs = len(z) // 3
    squared, growth = 0.0, 0.0
    for k in range(2 * pairs):
        squared = fma(z[k], z[k], squared)
    for k in range(pairs):
        growth = fma(log_unit(1.0 - z[2 * pairs + k]), -2.0 / (p.dof + 2.0 * k), growth)
    stretch = sqrt((p.dof - 2.0) * expm1(growth) / maximum(squared, _ALMOST_ZERO))
    for k in range(len(out)):
        out[k] = row_times(p.factor, k, z) * stretch


def _factor_covariance(p, x, out):
    d = len(x)
    for k in range(d):
        for i in range(d):
            s = 0.0
            for j in range(p.factor.shape[1]):
                s = fma(p.factor[k, j], p.factor[i, j], s)
            out[k * d + i] = s


@recorded(dof=within(above=2), covariance=variances_or_matrix)
def student_t(dof, covariance):
    """Multivariate Student noise of any real dof > 2: power-law tails ``P(|xi| > r) ~ r^-dof``.

    The elliptical law F z sqrt((dof - 2)/chi^2_dof) with F F' = Sigma: all components share one
    chi^2, so that uncorrelated ones are still not independent. Each component is Student's t, times
    sqrt(Sigma_kk (dof - 2)/dof), so that the covariance is Sigma.

    Parameters
    ----------
    dof : float
        Degrees of freedom nu > 2 (at or below 2 there is no covariance; see `alpha_stable`).
    covariance : array_like, shape (d, d) or (d,)
        Sigma of ONE example's gradient (or its diagonal), (energy / length)^2; positive
        semidefinite.

    Returns
    -------
    GradientNoise

    Notes
    -----
    Excess kurtosis 6/(nu - 4) in every direction for nu > 4, infinite otherwise. Exact in
    distribution at a fixed number of draws, without rejection. Derivation: in 2m dimensions, 2m the
    rank of Sigma made even, ``|t|^2/nu = (1 - W)/W`` with W ~ Beta(nu/2, m), and such a W is the
    product over k < m of independent U_k^(2/(nu + 2k)). So ``t = sqrt(nu (1/W - 1)) n/|n|`` for m
    uniform numbers and 2m normals n, and the marginal laws of t have the same nu: an odd dimension
    leaves one number out. m = 1 is Bailey's formula (Mathematics of Computation 62 (1994) 779; not
    read). Resolved down to probabilities of 2^-52, the spacing of the uniform numbers.

    Examples
    --------
    The covariance is the one that was asked for, whatever the tails:

    >>> noise, sigma = ls.noise.student_t(3.0, [1.0, 4.0]), np.zeros(4)
    >>> noise.covariance(noise.params, np.zeros(2), sigma)
    >>> print(noise, sigma)
    student_t(dof=3.0, covariance=[1.0, 4.0]) [1. 0. 0. 4.]
    """
    factor = covariance_factor(matrix_of(covariance))
    pairs = max(1, (factor.shape[1] + 1) // 2)
    params, options = {"dof": dof, "factor": factor}, {"dim": len(factor)}
    options |= {"covariance": _factor_covariance}
    return GradientNoise("student_t", _student_sample, params, 2 * pairs, pairs, **options)


def _stable_sample(p, x, z, out):
    for k in range(len(out)):
        turn = (z[2 * k] - 0.5) + _HALF_STEP  # V/pi, strictly between -1/2 and 1/2
        waiting = -log_unit((1.0 - z[2 * k + 1]) - _HALF_STEP)
        cosine = sin(_PI * (0.5 - abs(turn)))  # cos V, to full accuracy also where it is small
        other = sin(_PI * (0.5 - abs((1.0 - p.alpha) * turn)))
        power = (1.0 - p.alpha) * (log(other) - log(waiting)) - log(cosine)
        out[k] = p.scale[k] * sin(p.alpha * _PI * turn) * exp(power / p.alpha)


@recorded(alpha=within(above=0, at_most=2), scale=scales)
def alpha_stable(alpha, scale):
    """Symmetric alpha-stable noise in each component, independently, which has no variance.

    ``E exp(i t xi) = exp(-|scale t|^alpha)``.

    Parameters
    ----------
    alpha : float
        Index in (0, 2]. 2 is Gaussian of variance 2 scale^2, 1 is Cauchy; below 2 the tails are
        ``P(|xi| > r) ~ r^-alpha``, and at 1 and below there is no mean either: xi is then centred
        by its symmetry only.
    scale : float or array_like, shape (d,)
        Size of each component, energy / length, at least 0; a number is one component.

    Returns
    -------
    GradientNoise

    Notes
    -----
    The mean of B draws has the same law with scale B^(1/alpha - 1): below alpha = 1 larger batches
    are *noisier*. xi = sin(alpha V)/cos(V)^(1/alpha) [cos((1 - alpha) V)/W]^((1 - alpha)/alpha), V
    uniform on (-pi/2, pi/2), W exponential (Chambers, Mallows and Stuck 1976, JASA 71, 340; Weron
    1996; neither read). Exact in distribution down to probabilities of 2^-53. For alpha < 0.094 a
    draw of scale 1 can exceed the largest float64; the particle is then marked as not finite.

    Examples
    --------
    A batch of 16 makes the noise of alpha = 3/2 only 16^(1/3) = 2.52 times smaller, not 4 times:

    >>> noise = ls.noise.alpha_stable(1.5, scale=1.0)
    >>> print(noise, noise.covariance, round(16 ** (1 / noise.params.alpha - 1), 3))
    alpha_stable(alpha=1.5, scale=1.0) None 0.397
    """
    params, d = {"alpha": alpha, "scale": scale}, len(scale)
    return GradientNoise("alpha_stable", _stable_sample, params, 0, 2 * d, dim=d)


def _regression_sample(p, x, z, out):
    rank, residual = p.factor.shape[1], 0.0
    for k in range(len(out)):
        out[k] = row_times(p.factor, k, z)
        residual = fma(out[k], x[k], residual)
    residual = fma(p.label_deviation, -z[rank], residual)
    for k in range(len(out)):
        out[k] = fma(out[k], residual, -row_times(p.input_covariance, k, x))


def _regression_covariance(p, x, out):
    d, loss = len(x), p.label_deviation * p.label_deviation
    for k in range(d):
        loss = fma(x[k], row_times(p.input_covariance, k, x), loss)
    for k in range(d):
        mean = row_times(p.input_covariance, k, x)
        for i in range(d):
            products = mean * row_times(p.input_covariance, i, x)
            out[k * d + i] = fma(loss, p.input_covariance[k, i], products)


@recorded(input_covariance=variances_or_matrix, label_noise=within(at_least=0))
def online_regression(input_covariance, label_noise):
    """Gradient noise of online least squares, a fresh example in every draw.

    It is multiplicative, and not Gaussian. The loss of an example is (a . w - y)^2 / 2 with input a
    ~ N(0, A) and label y = a . w* + e, e ~ N(0, label_noise). In x = w - w* its gradient is A x +
    xi, xi = a (a . x - e) - A x: use it with the potential `quadratic(A)`.

    Parameters
    ----------
    input_covariance : array_like, shape (d, d) or (d,)
        A, which is the Hessian (or its diagonal), energy / length^2; positive semidefinite.
    label_noise : float
        Variance of e, energy; at least 0.

    Returns
    -------
    GradientNoise

    Notes
    -----
    Sigma(x) = A x x' A + (x' A x) A + label_noise A. Along u the gradient is the product of two
    Gaussians: with v = u'Au, c = u'Ax and r = x'Ax + label_noise, its cumulants are kappa_n =
    2^(n-1) (n-1)! (l_1^n + l_2^n), l = (c +- sqrt(v r))/2 for n >= 2 (derived: E exp(t u'g) = [1 -
    2 t c - t^2 (v r - c^2)]^(-1/2)). Stationary covariance: `theory.regression_covariance`, as in
    Ziyin et al. (2022).

    Examples
    --------
    For one input of variance 1 the variance is 2 x^2 + label_noise, at x = 1:

    >>> noise, sigma = ls.noise.online_regression([1.0], label_noise=0.5), np.zeros(1)
    >>> noise.covariance(noise.params, [1.0], sigma)
    >>> print(sigma)
    [2.5]
    """
    matrix = np.ascontiguousarray(matrix_of(input_covariance))
    factor = covariance_factor(matrix, "input_covariance")
    params = {
        "input_covariance": matrix,
        "factor": factor,
        "label_deviation": math.sqrt(label_noise),
    }
    options = {"dim": len(matrix), "covariance": _regression_covariance}
    normals = factor.shape[1] + 1
    return GradientNoise("online_regression", _regression_sample, params, normals, **options)
