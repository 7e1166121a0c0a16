"""Energy landscapes: a `Potential` is an energy and its gradient for one particle, written as two plain functions."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..kernels.elementary import fma
from ..kernels.texts import check_text, interpreted
from .parameters import integer, number, parameters, symmetric_matrix


class _PotentialFields(NamedTuple):
    name: str
    energy: Callable
    gradient: Callable
    params: Any
    dim: int
    hessian: Callable | None = None
    drift: Callable | None = None
    scratch: int = 0


class Potential(_PotentialFields):
    """An energy landscape in `dim` dimensions.

    Parameters
    ----------
    name : str
        How messages and datasets call it.
    energy : callable
        `energy(p, x) -> float`, for one particle at x.
    gradient : callable
        `gradient(p, x, out)` writes the d components of dU/dx into `out`.
    params : dict or namedtuple
        What the functions find in `p`: numbers and small arrays.
    dim : int
        Number of components d of x.
    hessian : callable, optional
        `hessian(p, x, out)` writes the d*d second derivatives, row by row.
    drift : callable, optional
        `drift(p, x, out)` *adds* a force that need not be a gradient to -dU/dx; it enters the dynamics as -drift on the gradient.
    scratch : int
        Free numbers behind `out[d:]` that a text may use.

    Raises
    ------
    TypeError, ValueError
        If a text breaks the rules of `langevin_sgd.kernels.texts`, or the gradient is not that of the energy (central differences
        along a random direction at two points; relative tolerance 1e-4).
    """

    __slots__ = ()

    def __new__(cls, name, energy, gradient, params, dim, hessian=None, drift=None, scratch=0):
        for label, text in (("energy", energy), ("gradient", gradient), ("hessian", hessian), ("drift", drift)):
            if text is not None:
                check_text(text, f"{label} of {name!r}")
        dim, scratch = integer(dim, "dim", at_least=1), integer(scratch, "scratch", at_least=0)
        record = super().__new__(cls, name, energy, gradient, parameters(params, repr(name)), dim, hessian, drift, scratch)
        check_gradient(name, record.params, dim, scratch, energy, gradient)
        return record


def check_gradient(name, p, dim, scratch, energy, gradient, *row):
    """Compare `gradient` with central differences of `energy` along a random direction at two points, interpreted."""
    energy, gradient = interpreted(energy), interpreted(gradient)
    random, step, out = np.random.default_rng(0), 1e-5, np.zeros(dim + scratch)
    with np.errstate(all="ignore"):
        for x in random.normal(size=(2, dim)):
            direction = random.normal(size=dim) / np.sqrt(dim)
            gradient(p, x, *row, out)
            slope = float(out[:dim] @ direction)
            difference = float(energy(p, x + step * direction, *row) - energy(p, x - step * direction, *row)) / (2 * step)
            scale = max(abs(slope), abs(difference), float(np.abs(out[:dim]).max()))
            if np.isfinite(slope) and np.isfinite(difference) and abs(slope - difference) > 1e-4 * scale + 1e-8:
                raise ValueError(
                    f"the gradient of {name!r} is not that of its energy: at x = {np.round(x, 3).tolist()} along a random "
                    f"direction it gives {slope:.6g}, differences of the energy give {difference:.6g}. Correct one of them; a "
                    "force that is no gradient goes into drift=."
                )


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


def quadratic(hessian):
    """Quadratic well U = x' H x / 2.

    Parameters
    ----------
    hessian : array_like, shape (d, d) or (d,)
        Symmetric matrix H of second derivatives, or its d diagonal entries; energy per length squared. Negative eigenvalues are
        allowed: a saddle, from which particles diverge.

    Returns
    -------
    Potential
    """
    matrix = symmetric_matrix(hessian, "hessian")
    if matrix.ndim == 1:
        return Potential("quadratic", _diagonal_energy, _diagonal_gradient, {"curvature": matrix}, len(matrix), _diagonal_hessian)
    return Potential("quadratic", _matrix_energy, _matrix_gradient, {"hessian": matrix}, len(matrix), _matrix_hessian)


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
    out[0] = 4.0 * p.barrier * fma(3.0 * x[0], x[0], -1.0) + p.stiffness * p.coupling * p.coupling * (d - 1)
    for k in range(1, d):
        out[k] = -p.stiffness * p.coupling
        out[d * k] = -p.stiffness * p.coupling


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
    return Potential("double_well", _well_energy, _well_gradient, params, integer(dim, "dim", at_least=1), _well_hessian)
