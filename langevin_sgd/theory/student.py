"""Noise that grows with the loss, D = slope (U + offset), on a quadratic: Student's law, with
power-law tails, not Boltzmann's.

Ito diffusion dx = -grad U dt + sqrt(2 D(x)) dW with D(x) = slope (U(x) + offset) times the
identity: the density is proportional to (U + offset)^-(1 + 1/slope) for any U, without a current.
For SGD with Sigma = 2 L H and one curvature h, slope = eta h / B."""

from typing import NamedTuple

import numpy as np

from .confinement import number_or_matrix, one_positive_matrix
from .linear_process import state_covariance
from .meanings import ABOVE_ZERO, exact
from .quadratic_sgd import linear_sgd, require_stable


class StudentLaw(NamedTuple):
    """A multivariate Student law, whose tails fall like a power of the distance.

    Parameters
    ----------
    dof : float
        nu; ``P(|x| > r)`` falls like r^-nu.
    scale : array, shape (d, d)
        Squared length.
    covariance : array, shape (d, d)
        scale nu/(nu - 2), infinite for nu <= 2.
    density_exponent : float
        The negative power of U + offset in the density.

    Examples
    --------
    In one dimension nu = 1 + 2/slope, and the variance is scale nu/(nu - 2):

    >>> law = ls.theory.student_law(1.0, slope=0.5, offset=1.0)
    >>> variance = law.scale.item() * law.dof / (law.dof - 2)
    >>> f"nu {law.dof}, variance {law.covariance.item():.4f} {variance:.4f}"
    'nu 5.0, variance 0.6667 0.6667'
    """

    dof: float
    scale: np.ndarray
    covariance: np.ndarray
    density_exponent: float


@exact(infinite=True, hessian=one_positive_matrix)
def student_law(hessian, slope, offset):
    """Stationary law of the diffusion with D = slope (U + offset) on U = x' H x / 2: Student's.

    Parameters
    ----------
    hessian : (d, d) matrix, (d,) curvatures or scalar
        H, positive definite.
    slope : float > 0
        c, dimensionless with t = eta * steps: in d dimensions the law exists for c < 2/(d - 2) (any
        c if d <= 2).
    offset : float > 0
        u0, in units of the loss.

    Returns
    -------
    StudentLaw
        nu = 2 (1 + 1/c) - d, scale = 2 u0 / nu H^-1, covariance = 2 u0 / (2/c - d) H^-1, infinite
        for nu <= 2.

    Raises
    ------
    ValueError
        If the density cannot be normalised (nu <= 0).

    Notes
    -----
    Exact for the Ito diffusion (Stratonovich would give another exponent), a limit for SGD. Source:
    Fokker-Planck equation, derived: D p' + (D' + U') p = 0; compare Mori, Ziyin, Liu, Ueda 2022
    (arXiv:2105.09557).

    Examples
    --------
    Noise that grows faster with the loss has heavier tails; from c = 2/d on the variance is
    infinite.

    >>> for slope in (0.5, 2.0):
    ...     law = ls.theory.student_law(1.0, slope, offset=1.0)
    ...     print(f"tail r^-{law.dof:g}, variance {law.covariance.item():.4f}")
    tail r^-5, variance 0.6667
    tail r^-2, variance inf
    """
    d = len(hessian)
    dof = 2 * (1 + 1 / slope) - d
    if dof <= 0:
        raise ValueError(
            f"slope must be below {2 / (d - 2):g} in {d} dimensions, got {slope:g}: the density "
            "cannot be normalised."
        )
    shape = 2 * offset * np.linalg.inv(hessian)
    if dof > 2:
        covariance = shape / (dof - 2)
    else:
        covariance = np.where(shape == 0, 0.0, np.copysign(np.inf, shape))
    return StudentLaw(dof, shape / dof, covariance, 1 + 1 / slope)


@exact(hessian=number_or_matrix)
def student_density(x, hessian, slope, offset):
    """Density of `student_law` at points.

    Parameters
    ----------
    x : array, shape (..., d)
        Points; with a scalar Hessian (...).
    hessian : (d, d) matrix, (d,) curvatures or scalar
        H, positive definite.
    slope, offset : float > 0
        Those of `student_law`, whose errors and source it shares.

    Returns
    -------
    array, shape (...)
        In inverse volume; exact, normalised.

    Examples
    --------
    For c = 1/2 the density is proportional to (1 + x^2/2)^-3, whose integral is 3 pi sqrt(2)/8:

    >>> density = ls.theory.student_density(0.0, 1.0, slope=0.5, offset=1.0)
    >>> f"{density:.4f} {8 / (3 * np.pi * 2**0.5):.4f}"
    '0.6002 0.6002'
    """
    from scipy.special import gammaln

    law = student_law(hessian, slope, offset)
    d = len(law.scale)
    points = x[..., None] if np.ndim(hessian) == 0 else x
    if points.shape[-1:] != (d,):
        raise ValueError(
            f"x must have the {d} components of hessian on its last axis, got the shape {x.shape}."
        )
    distance = np.einsum("...i,ij,...j->...", points, np.linalg.inv(law.scale), points)
    log_norm = gammaln((law.dof + d) / 2) - gammaln(law.dof / 2) - d / 2 * np.log(law.dof * np.pi)
    log_norm -= np.linalg.slogdet(law.scale)[1] / 2
    return np.exp(log_norm - (law.dof + d) / 2 * np.log1p(distance / law.dof))


@exact(curvature=ABOVE_ZERO)
def student_tail(radius, curvature, slope, offset):
    """Probability that `student_law` in one dimension is further out than a radius.

    Parameters
    ----------
    radius : float or array >= 0
        A length.
    curvature : float > 0
        h, energy per squared length.
    slope, offset : float > 0
        Those of `student_law`, whose errors and source it shares.

    Returns
    -------
    array like radius
        ``P(|x| > radius)``; it falls like radius^-(1 + 2/slope).

    Notes
    -----
    Exact; regularised incomplete beta function.

    Examples
    --------
    For c = 2 it is 1 - r/sqrt(2 + r^2), and 1/r^2 far out:

    >>> tail = ls.theory.student_tail([2**0.5, 100.0], curvature=1.0, slope=2.0, offset=1.0)
    >>> f"{tail[0]:.4f} {1 - 0.5**0.5:.4f}, far out {tail[1]:.6f}"
    '0.2929 0.2929, far out 0.000100'
    """
    from scipy.special import betainc

    law = student_law(curvature, slope, offset)
    ratio = radius**2 / law.scale[0, 0]
    return betainc(law.dof / 2, 0.5, law.dof / (law.dof + ratio))


@exact(hessian=one_positive_matrix, learning_rate=ABOVE_ZERO)
def student_covariance(hessian, slope, offset, learning_rate):
    """Covariance of SGD whose noise grows with the loss, at a finite learning rate.

    Of the chain x' = x - eta H x + sqrt(2 eta slope (U + offset)) N with normal N.

    Parameters
    ----------
    hessian : (d, d) matrix, (d,) curvatures or scalar
        H, positive definite.
    slope, offset : float > 0
        Those of `student_law`, c and u0.
    learning_rate : float > 0
        eta.

    Returns
    -------
    array, shape (d, d)
        Squared length.

    Raises
    ------
    ValueError
        If the second moment diverges, or at the stability threshold of the mean.

    Notes
    -----
    S = A S A + 2 eta c (tr(H S)/2 + u0) I with A = I - eta H: exact. Tends to
    `student_law(...).covariance` as eta -> 0 for c < 2/d. Derived: stationarity of E[x x']; the
    equation is diagonal plus rank one in tau = tr(H S).

    Examples
    --------
    One dimension: 2 eta c u0 / (1 - (1 - eta)^2 - eta c) = 0.1/0.14; the diffusion has 2/3.

    >>> chain = ls.theory.student_covariance(1.0, slope=0.5, offset=1.0, learning_rate=0.1)
    >>> f"{chain.item():.4f} {0.1 / 0.14:.4f}"
    '0.7143 0.7143'
    """
    require_stable(hessian, learning_rate)
    d = len(hessian)
    noise = 2 * slope / learning_rate * np.eye(d)
    response = state_covariance(linear_sgd(hessian, noise, learning_rate))[:d, :d]
    gain = np.trace(hessian @ response) / 2
    if gain >= 1:
        raise ValueError(
            f"the second moment diverges (gain {gain:.6g} >= 1); slope must be below about "
            f"{2 / d:g}, got {slope:g}."
        )
    return response * offset / (1 - gain)
