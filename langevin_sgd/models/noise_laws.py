"""Laws of gradient noise beyond the constant Gaussian: two that depend on the place, three that are
not Gaussian.

All are noise of ONE example: a batch of B is the mean of B independent draws. Cumulants of order n
then fall as B^(1 - n), so that variance and excess kurtosis fall as 1/B; alpha-stable noise keeps
its law, and its scale is multiplied by B^(1/alpha - 1)."""

from functools import cache

import numpy as np

from ..kernels.elementary import exp, expm1, fma, log, log_unit, maximum, sin, sqrt, where
from ..kernels.rules import check_function
from .arrays import real_array
from .gradient_noise import GradientNoise, covariance_factor
from .parameters import COUNT_LIMIT, integer, number, symmetric_matrix
from .recipes import recorded

_PI, _HALF_STEP = (
    3.141592653589793,
    2.0**-53,
)  # half the spacing of the uniform numbers: moved by it, they avoid both ends
_TINY = 1e-300


@cache
def _field_sample(factor):
    def sample(p, x, z, out):
        for k in range(len(out)):
            out[k] = 0.0
        factor(p, x, out)
        # In place: noise k lands in a row of the matrix that has been read, for k <= k * normals.
        for k in range(len(x)):
            s = 0.0
            for j in range(len(z)):
                s = fma(out[k * len(z) + j], z[j], s)
            out[k] = s

    return sample


@recorded
def gaussian_field(factor, params, normals, dim=None):
    """Gaussian noise whose full covariance depends on the place: xi = F(x) z, Sigma(x) = F(x)
    F(x)'.

    Gaussian at each place, hence a batch is one draw divided by sqrt(B). Over a run the law of xi
    is a mixture and not Gaussian.

    Parameters
    ----------
    factor : callable
        `factor(p, x, out)` writes the matrix F (d, normals) row by row, F[k, j] into `out[k *
        normals + j]`, in energy / length. Numbers that it does not write are zero.
    params : dict or namedtuple
        What `factor` finds in `p`.
    normals : int
        Columns of F: independent normals of one draw, at least one.
    dim : int, optional
        d, where `factor` works in one dimension only: a model of another one is refused.

    Returns
    -------
    GradientNoise

    Raises
    ------
    TypeError, ValueError
        If factor is no text, params are no finite numbers and arrays, or normals or dim are below
        1.

    Notes
    -----
    Evaluated before the move: for small learning rates the limit is the Ito equation with 2 D(x) =
    learning_rate Sigma(x)/B. Source: definition; E xi xi' = F E[z z'] F'."""
    check_function(factor, "factor of gaussian_field", "p x out")
    normals = integer(normals, "normals", 1, limit=COUNT_LIMIT)
    dim = dim if dim is None else integer(dim, "dim", 1, limit=COUNT_LIMIT)
    text = _field_sample(factor)
    return GradientNoise(
        "gaussian_field",
        text,
        params,
        normals,
        gaussian=True,
        dim=dim,
        scratch_per_component=normals - 1,
    )


def _scales(scale):
    scales = np.atleast_1d(real_array(scale, "scale"))
    if scales.ndim != 1 or scales.size == 0:
        raise ValueError(
            f"scale must be a number or have the shape (d,), got the shape {scales.shape}."
        )
    for value in scales:
        number(float(value), "scale", at_least=0)
    return scales


def _two_point_sample(p, x, z, out):
    for k in range(len(out)):
        out[k] = where(z[k] < 0.5, -p.scale[k], p.scale[k])


@recorded
def two_point(scale):
    """Each component is +scale or -scale with probability 1/2, independently: bounded noise.

    Parameters
    ----------
    scale : float or array_like, shape (d,)
        Size of each component, energy / length, at least 0; a number is one component.

    Returns
    -------
    GradientNoise
        Sigma = diag(scale^2), fourth cumulant -2 scale^4 (excess kurtosis -2).

    Raises
    ------
    TypeError, ValueError
        If scale is no finite number >= 0 or vector of them.

    Notes
    -----
    On U = h x^2/2 with B = 1 and learning_rate h = 1/2, SGD settles to exactly the uniform law on
    [-scale/h, scale/h]; above 1/2 to a Cantor law without density (`theory.two_point_cdf`). Source:
    definition; Bernoulli convolutions."""
    scales = _scales(scale)
    return GradientNoise(
        "two_point", _two_point_sample, {"scale": scales}, 0, len(scales), dim=len(scales)
    )


def _student_sample(p, x, z, out):
    pairs = len(z) // 3
    squared, growth = 0.0, 0.0
    for k in range(2 * pairs):
        squared = fma(z[k], z[k], squared)
    for k in range(pairs):
        growth = fma(log_unit(1.0 - z[2 * pairs + k]), -2.0 / (p.dof + 2.0 * k), growth)
    stretch = sqrt((p.dof - 2.0) * expm1(growth) / maximum(squared, _TINY))
    for k in range(len(out)):
        s = 0.0
        for j in range(p.factor.shape[1]):
            s = fma(p.factor[k, j], z[j], s)
        out[k] = s * stretch


@recorded
def student_t(dof, covariance):
    """Multivariate Student noise of any real dof > 2, scaled to have this covariance: power-law
    tails P(|xi| > r) ~ r^-dof.

    The elliptical law F z sqrt((dof - 2)/chi^2_dof) with F F' = Sigma: all components share one
    chi^2, so that uncorrelated ones are still not independent. Each component is Student's t, times
    sqrt(Sigma_kk (dof - 2)/dof).

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
        Excess kurtosis 6/(nu - 4) in every direction for nu > 4, infinite otherwise.

    Raises
    ------
    TypeError, ValueError
        If dof is no finite number > 2, or covariance is no covariance.

    Notes
    -----
    Exact in distribution at a fixed number of draws, without rejection. Derivation: in 2m
    dimensions, 2m the rank of Sigma made even, |t|^2/nu = (1 - W)/W with W ~ Beta(nu/2, m), and
    such a W is the product over k < m of independent U_k^(2/(nu + 2k)). So t = sqrt(nu (1/W - 1))
    n/|n| for m uniform numbers and 2m normals n, and the marginal laws of t have the same nu: an
    odd dimension leaves one number out. m = 1 is Bailey's formula (Mathematics of Computation 62
    (1994) 779; not read). Resolved down to probabilities of 2^-52, the spacing of the uniform
    numbers."""
    dof = number(dof, "dof", above=2)
    matrix = symmetric_matrix(covariance, "covariance")
    factor = covariance_factor(np.diag(matrix) if matrix.ndim == 1 else matrix)
    pairs = max(1, (factor.shape[1] + 1) // 2)
    return GradientNoise(
        "student_t",
        _student_sample,
        {"dof": dof, "factor": factor},
        2 * pairs,
        pairs,
        dim=len(factor),
    )


def _stable_sample(p, x, z, out):
    for k in range(len(out)):
        turn = (z[2 * k] - 0.5) + _HALF_STEP  # V/pi, strictly between -1/2 and 1/2
        waiting = -log_unit((1.0 - z[2 * k + 1]) - _HALF_STEP)
        cosine = sin(_PI * (0.5 - abs(turn)))  # cos V, to full accuracy also where it is small
        other = sin(_PI * (0.5 - abs((1.0 - p.alpha) * turn)))
        power = (1.0 - p.alpha) * (log(other) - log(waiting)) - log(cosine)
        out[k] = p.scale[k] * sin(p.alpha * _PI * turn) * exp(power / p.alpha)


@recorded
def alpha_stable(alpha, scale):
    """Symmetric alpha-stable noise in each component, independently: E exp(i t xi) = exp(-|scale
    t|^alpha), no variance.

    Parameters
    ----------
    alpha : float
        Index in (0, 2]. 2 is Gaussian of variance 2 scale^2, 1 is Cauchy; below 2 the tails are
        P(|xi| > r) ~ r^-alpha, and at 1 and below there is no mean either: xi is then centred by
        its symmetry only.
    scale : float or array_like, shape (d,)
        Size of each component, energy / length, at least 0; a number is one component.

    Returns
    -------
    GradientNoise
        The mean of B draws has the same law with scale B^(1/alpha - 1): below alpha = 1 larger
        batches are *noisier*.

    Raises
    ------
    TypeError, ValueError
        If alpha is outside (0, 2], or scale is no finite number >= 0 or vector of them.

    Notes
    -----
    xi = sin(alpha V)/cos(V)^(1/alpha) [cos((1 - alpha) V)/W]^((1 - alpha)/alpha), V uniform on
    (-pi/2, pi/2), W exponential (Chambers, Mallows and Stuck 1976, JASA 71, 340; Weron 1996;
    neither read). Exact in distribution down to probabilities of 2^-53. For alpha < 0.11 a draw can
    exceed the largest float64; the particle is then marked as not finite."""
    alpha, scales = number(alpha, "alpha", above=0, at_most=2), _scales(scale)
    return GradientNoise(
        "alpha_stable",
        _stable_sample,
        {"alpha": alpha, "scale": scales},
        0,
        2 * len(scales),
        dim=len(scales),
    )


def _regression_sample(p, x, z, out):
    rank, residual = p.factor.shape[1], 0.0
    for k in range(len(out)):
        a = 0.0
        for j in range(rank):
            a = fma(p.factor[k, j], z[j], a)
        out[k] = a
        residual = fma(a, x[k], residual)
    residual = fma(p.label_deviation, -z[rank], residual)
    for k in range(len(out)):
        mean = 0.0
        for j in range(len(x)):
            mean = fma(p.input_covariance[k, j], x[j], mean)
        out[k] = fma(out[k], residual, -mean)


@recorded
def online_regression(input_covariance, label_noise):
    """Gradient noise of online least squares, a fresh example in every draw: multiplicative, and
    not Gaussian.

    The loss of an example is (a . w - y)^2 / 2 with input a ~ N(0, A) and label y = a . w* + e, e ~
    N(0, label_noise). In x = w - w* its gradient is A x + xi, xi = a (a . x - e) - A x: use it with
    the potential `quadratic(A)`.

    Parameters
    ----------
    input_covariance : array_like, shape (d, d) or (d,)
        A, which is the Hessian (or its diagonal), energy / length^2; positive semidefinite.
    label_noise : float
        Variance of e, energy; at least 0.

    Returns
    -------
    GradientNoise
        Sigma(x) = A x x' A + (x' A x) A + label_noise A.

    Raises
    ------
    TypeError, ValueError
        If input_covariance is no covariance, or label_noise no finite number >= 0.

    Notes
    -----
    Along u the gradient is the product of two Gaussians: with v = u'Au, c = u'Ax and r = x'Ax +
    label_noise, its cumulants are kappa_n = 2^(n-1) (n-1)! (l_1^n + l_2^n), l = (c +- sqrt(v r))/2
    for n >= 2 (derived: E exp(t u'g) = [1 - 2 t c - t^2 (v r - c^2)]^(-1/2)). Stationary
    covariance: `theory.regression_covariance`, as in Ziyin, Liu, Mori and Ueda (arXiv:2102.05375,
    abstract read only)."""
    matrix = symmetric_matrix(input_covariance, "input_covariance")
    matrix = np.diag(matrix) if matrix.ndim == 1 else matrix
    factor = covariance_factor(matrix, "input_covariance")
    deviation = np.sqrt(number(label_noise, "label_noise", at_least=0))
    params = {
        "input_covariance": np.ascontiguousarray(matrix),
        "factor": factor,
        "label_deviation": float(deviation),
    }
    return GradientNoise(
        "online_regression", _regression_sample, params, factor.shape[1] + 1, dim=len(matrix)
    )
