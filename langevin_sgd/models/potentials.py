"""Energy landscapes: a `Potential` is an energy and its gradient for one particle, written as two
plain functions.

The two simplest are written here; the others come from `landscapes`, `sgd_landscapes` and
`symbolic`."""

from ..kernels.elementary import fma
from .landscapes import mueller_brown, rosenbrock, two_minima, washboard
from .modified_loss import modified_loss
from .parameters import COUNT_LIMIT, integer, number, symmetric_matrix
from .potential_record import Potential, check_gradient
from .records import recorded
from .sgd_landscapes import (
    label_noise,
    label_noise_valley,
    ring,
    rotational_drift,
    swirl_noise,
    zhu_bowls,
)
from .symbolic import from_expression

__all__ = [
    "Potential",
    "check_gradient",
    "double_well",
    "from_expression",
    "label_noise",
    "label_noise_valley",
    "modified_loss",
]
__all__ += [
    "mueller_brown",
    "quadratic",
    "ring",
    "rosenbrock",
    "rotational_drift",
    "swirl_noise",
    "two_minima",
    "washboard",
]
__all__ += ["zhu_bowls"]


def _diagonal_energy(p, x):
    s = 0.0
    for k in range(len(x)):
        s = fma(p.curvature[k] * x[k], x[k], s)
    return 0.5 * s


def _diagonal_gradient(p, x, out):
    for k in range(len(x)):
        out[k] = p.curvature[k] * x[k]


def _diagonal_hessian(p, x, out):
    d = len(x)
    for k in range(d):
        for j in range(d):
            out[d * k + j] = p.curvature[k] if k == j else 0.0


def _matrix_energy(p, x):
    s = 0.0
    for k in range(len(x)):
        row = 0.0
        for j in range(len(x)):
            row = fma(p.hessian[k, j], x[j], row)
        s = fma(row, x[k], s)
    return 0.5 * s


def _matrix_gradient(p, x, out):
    for k in range(len(x)):
        row = 0.0
        for j in range(len(x)):
            row = fma(p.hessian[k, j], x[j], row)
        out[k] = row


def _matrix_hessian(p, x, out):
    d = len(x)
    for k in range(d):
        for j in range(d):
            out[d * k + j] = p.hessian[k, j]


@recorded
def quadratic(hessian):
    """Quadratic well U = x' H x / 2.

    Parameters
    ----------
    hessian : array_like, shape (d, d) or (d,)
        Symmetric matrix H of second derivatives, or its d diagonal entries; energy per length
        squared. Negative eigenvalues are allowed: a saddle, from which particles diverge.

    Returns
    -------
    Potential
    """
    matrix = symmetric_matrix(hessian, "hessian")
    if matrix.ndim == 1:
        return Potential(
            "quadratic",
            _diagonal_energy,
            _diagonal_gradient,
            {"curvature": matrix},
            len(matrix),
            _diagonal_hessian,
        )
    return Potential(
        "quadratic",
        _matrix_energy,
        _matrix_gradient,
        {"hessian": matrix},
        len(matrix),
        _matrix_hessian,
    )


def _well_energy(p, x):
    y = x[0] * x[0] - 1.0
    s = 0.0
    for k in range(1, len(x)):
        r = x[k] - p.coupling * x[0]
        s = fma(r, r, s)
    return fma(p.barrier * y, y, fma(p.tilt, x[0], 0.5 * p.stiffness * s))


def _well_gradient(p, x, out):
    s = 0.0
    for k in range(1, len(x)):
        r = p.stiffness * (x[k] - p.coupling * x[0])
        out[k] = r
        s = s + r
    out[0] = fma(4.0 * p.barrier * x[0], fma(x[0], x[0], -1.0), fma(-p.coupling, s, p.tilt))


def _well_hessian(p, x, out):
    d = len(x)
    for k in range(d):
        for j in range(d):
            out[d * k + j] = p.stiffness if k == j else 0.0
    out[0] = 4.0 * p.barrier * fma(
        3.0 * x[0], x[0], -1.0
    ) + p.stiffness * p.coupling * p.coupling * (d - 1)
    for k in range(1, d):
        out[k] = -p.stiffness * p.coupling
        out[d * k] = -p.stiffness * p.coupling


@recorded
def double_well(dim=1, barrier=0.25, stiffness=1.0, coupling=0.0, tilt=0.0):
    """Double well along x_0, harmonic and coupled to x_0 in the other directions.

    U = barrier (x_0^2 - 1)^2 + tilt x_0 + (stiffness/2) sum_{k>=1} (x_k - coupling x_0)^2

    Parameters
    ----------
    dim : int
        Number of components d.
    barrier : float, > 0
        Height of the barrier at x_0 = 0 (without tilt), energy.
    stiffness : float, > 0
        Curvature of the harmonic directions, energy per length squared.
    coupling : float
        Slope of the valley floor x_k = coupling x_0.
    tilt : float
        Force that favours the left well (if positive), energy per length.

    Returns
    -------
    Potential
    """
    params = {
        "barrier": number(barrier, "barrier", above=0),
        "stiffness": number(stiffness, "stiffness", above=0),
        "coupling": number(coupling, "coupling"),
        "tilt": number(tilt, "tilt"),
    }
    return Potential(
        "double_well",
        _well_energy,
        _well_gradient,
        params,
        integer(dim, "dim", 1, limit=COUNT_LIMIT),
        _well_hessian,
    )
