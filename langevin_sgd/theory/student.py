"""Noise that grows with the loss, D = slope (U + offset), on a quadratic: Student's law, with
power-law tails, not Boltzmann's.

Ito diffusion dx = -grad U dt + sqrt(2 D(x)) dW with D(x) = slope (U(x) + offset) times the
identity: the density is proportional to (U + offset)^-(1 + 1/slope) for any U, without a current.
For SGD with Sigma = 2 L H and one curvature h, slope = eta h / B."""

from typing import NamedTuple

import numpy as np

from ..arguments import all_within, formula
from .confinement import ABOVE_ZERO, number_or_matrix, one_positive_matrix
from .linear_process import state_covariance
from .quadratic_sgd import linear_sgd, require_stable


class StudentLaw(NamedTuple):
    """Multivariate Student law: ``dof`` nu, ``scale`` (d, d), ``covariance`` (d, d) = scale nu/(nu
    - 2), infinite for nu <= 2, and ``density_exponent``, the negative power of U + offset in the
    density. P(|x| > r) falls like r^-nu."""

    dof: float
    scale: np.ndarray
    covariance: np.ndarray
    density_exponent: float


LOSS_NOISE = {"hessian": one_positive_matrix, "slope": ABOVE_ZERO, "offset": ABOVE_ZERO}


@formula(infinite=True, **LOSS_NOISE)
def student_law(hessian, slope, offset):
    """Stationary law of the diffusion with D = slope (U + offset) on U = x' H x / 2, as
    `StudentLaw`.

    ``hessian`` H, positive definite; ``slope`` c > 0, dimensionless with t = eta * steps: in d
    dimensions the law exists for c < 2/(d - 2) (any c if d <= 2); ``offset`` u0 > 0, in units of
    the loss. nu = 2 (1 + 1/c) - d, scale = 2 u0 / nu H^-1, covariance = 2 u0 / (2/c - d) H^-1,
    infinite for nu <= 2. ValueError if the density cannot be normalised (nu <= 0).

    Exact for the Ito diffusion (Stratonovich would give another exponent), a limit for SGD. Source:
    Fokker-Planck equation, derived: D p' + (D' + U') p = 0; compare Mori, Ziyin, Liu, Ueda 2022
    (arXiv:2105.09557)."""
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


@formula(**LOSS_NOISE | {"hessian": number_or_matrix}, x=all_within())
def student_density(x, hessian, slope, offset):
    """Density of `student_law` at the points x, (..., d) -> (...), in inverse volume; with a scalar
    hessian (...) -> (...).

    Exact, normalised. Parameters, errors and source as `student_law`.
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


@formula(radius=all_within(at_least=0), curvature=ABOVE_ZERO, slope=ABOVE_ZERO, offset=ABOVE_ZERO)
def student_tail(radius, curvature, slope, offset):
    """P(|x| > radius) of `student_law` in one dimension, an array like ``radius``; it falls like
    radius^-(1 + 2/slope).

    Exact; regularised incomplete beta function. Parameters, errors and source as `student_law`.
    """
    from scipy.special import betainc

    law = student_law(curvature, slope, offset)
    ratio = radius**2 / law.scale[0, 0]
    return betainc(law.dof / 2, 0.5, law.dof / (law.dof + ratio))


@formula(**LOSS_NOISE, learning_rate=ABOVE_ZERO)
def student_covariance(hessian, slope, offset, learning_rate):
    """Covariance of the chain x' = x - eta H x + sqrt(2 eta slope (U + offset)) N, (d, d), at a
    finite learning rate.

    S = A S A + 2 eta c (tr(H S)/2 + u0) I with A = I - eta H: exact. Tends to
    `student_law(...).covariance` as eta -> 0 for c < 2/d. ValueError if the second moment diverges,
    or at the stability threshold of the mean. Derived: stationarity of E[x x']; the equation is
    diagonal plus rank one in tau = tr(H S)."""
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
