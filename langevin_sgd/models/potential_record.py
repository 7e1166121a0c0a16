"""The record of an energy landscape, and the check that a gradient is that of its energy."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..kernels.texts import check_text, interpreted
from .parameters import choice, integer, number, parameters
from .recipes import Recipe


class _PotentialFields(NamedTuple):
    name: str
    energy: Callable
    gradient: Callable
    params: Any
    dim: int
    hessian: Callable | None = None
    drift: Callable | None = None
    scratch: int = 0
    domain: tuple | None = None
    recipe: Recipe | None = None


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
        `drift(p, x, out)` writes a force, which need not be a gradient, into `out`; it is added to -dU/dx.
    scratch : int
        Free numbers behind `out[d:]` that a text may use.
    domain : sequence of d entries, optional
        Walls of each component: None (open), ("periodic", low, high) or ("reflecting", low, high), in units of length. A
        particle that crosses comes in at the other side, or is mirrored, velocity included.

    Raises
    ------
    TypeError, ValueError
        If a text breaks the rules of `langevin_sgd.kernels.texts`, or the gradient is not that of the energy (central differences
        along a random direction at two points; relative tolerance 1e-4).
    """

    __slots__ = ()

    def __new__(cls, name, energy, gradient, params, dim, hessian=None, drift=None, scratch=0, domain=None):
        for label, text in (("energy", energy), ("gradient", gradient), ("hessian", hessian), ("drift", drift)):
            if text is not None:
                check_text(text, f"{label} of {name!r}")
        dim, scratch = integer(dim, "dim", at_least=1), integer(scratch, "scratch", at_least=0)
        params, domain = parameters(params, repr(name)), _checked_domain(domain, dim)
        record = super().__new__(cls, name, energy, gradient, params, dim, hessian, drift, scratch, domain)
        check_gradient(name, record.params, dim, scratch, energy, gradient)
        return record


def _checked_domain(domain, dim):
    if domain is None or all(wall is None for wall in domain):
        return None
    if len(domain) != dim:
        raise ValueError(f"domain must have {dim} entries, one per component, got {len(domain)}: {domain!r}.")
    walls = []
    for wall in domain:
        if wall is not None:
            if len(wall) != 3:
                raise ValueError(f"an entry of domain must be None or (kind, low, high), got {wall!r}.")
            choice(wall[0], "the kind of a wall in domain", ("periodic", "reflecting"))
            low, high = number(wall[1], "low of a wall"), number(wall[2], "high of a wall")
            if not low < high:
                raise ValueError(f"the walls of a domain must be low < high, got {wall!r}.")
            wall = wall[0], low, high
        walls.append(wall)
    return tuple(walls)


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
