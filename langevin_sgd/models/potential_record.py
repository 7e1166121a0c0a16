"""The record of an energy landscape, and the check that a gradient is that of its energy."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..kernels.functions import interpreted
from ..kernels.rehearsal import rehearse
from ..kernels.rules import check_function
from .arrays import shown
from .forces import force_of_potential
from .parameters import COUNT_LIMIT, choice, integer, number, parameters, record_name
from .recipes import Made, Recipe


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


class Potential(Made, _PotentialFields):
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
        `drift(p, x, out)` writes a force, which need not be a gradient, into `out`; it is added to
        -dU/dx.
    scratch : int
        Free numbers behind `out[d:]` that a text may use.
    domain : sequence of d entries, optional
        Walls of each component: None (open), ("periodic", low, high) or ("reflecting", low, high),
        in units of length. A particle that crosses comes in at the other side, or is mirrored,
        velocity included.

    Raises
    ------
    TypeError, ValueError
        If a text breaks the rules of `langevin_sgd.kernels.rules`, or the gradient is not that of
        the energy (central differences along a random direction at two points; relative tolerance
        1e-4).
    """

    __slots__ = ()
    data = None  # the table that a Loss has
    force = force_of_potential

    def __new__(
        cls, name, energy, gradient, params, dim, hessian=None, drift=None, scratch=0, domain=None
    ):
        record_name(name)
        dim, scratch = (
            integer(dim, "dim", 1, limit=COUNT_LIMIT),
            integer(scratch, "scratch", 0, limit=COUNT_LIMIT),
        )
        params, domain = parameters(params, repr(name)), _checked_domain(domain, dim)
        texts = {"energy": (energy, "p x"), "gradient": (gradient, "p x out")}
        texts |= {"hessian": (hessian, "p x out"), "drift": (drift, "p x out")}
        for role, (text, arguments) in texts.items():
            if text is not None or role in ("energy", "gradient"):
                label, room = f"{role} of {name!r}", dim * dim if role == "hessian" else dim
                check_function(text, label, arguments)
                written = 0 if role == "energy" else room
                rehearse(text, label, params, (dim, room + scratch), written=written)
        record = super().__new__(
            cls, name, energy, gradient, params, dim, hessian, drift, scratch, domain
        )
        check_gradient(name, record.params, dim, scratch, energy, gradient)
        return record


def _checked_domain(domain, dim):
    if domain is None:
        return None
    if not isinstance(domain, (tuple, list)) or not all(
        wall is None or isinstance(wall, (tuple, list)) for wall in domain
    ):
        raise TypeError(
            f"domain must be None or a sequence of {dim} entries, None or (kind, low, high), got "
            f"{shown(domain)}."
        )
    if len(domain) != dim:
        raise ValueError(
            f"domain must have {dim} entries, one per component, got {len(domain)}: "
            f"{shown(domain)}."
        )
    return (
        None
        if all(wall is None for wall in domain)
        else tuple(wall and _checked_wall(wall) for wall in domain)
    )


def _checked_wall(wall):
    if len(wall) != 3:
        raise ValueError(
            f"an entry of domain must be None or (kind, low, high), got {shown(wall)}."
        )
    choice(wall[0], "the kind of a wall in domain", ("periodic", "reflecting"))
    low, high = (
        number(wall[1], "low of a wall of domain"),
        number(wall[2], "high of a wall of domain"),
    )
    if not low < high:
        raise ValueError(f"the walls of a domain must be low < high, got {shown(wall)}.")
    return wall[0], low, high


def check_gradient(name, p, dim, scratch, energy, gradient, *row):
    """Compare `gradient` with central differences of `energy` along a random direction at two
    points, interpreted.
    """
    energy, gradient = interpreted(energy), interpreted(gradient)
    random, step, out = np.random.default_rng(0), 1e-5, np.zeros(dim + scratch)
    with np.errstate(all="ignore"):
        for x in random.normal(size=(2, dim)):
            direction = random.normal(size=dim) / np.sqrt(dim)
            try:
                gradient(p, x, *row, out)
                there, back = (
                    float(energy(p, x + side * step * direction, *row)) for side in (1, -1)
                )
            except (TypeError, ArithmeticError, AttributeError, LookupError) as error:
                raise ValueError(
                    f"the energy or gradient of {name!r} cannot be run at x = "
                    f"{np.round(x, 3).tolist()}: {error}."
                ) from error
            slope, difference = float(out[:dim] @ direction), (there - back) / (2 * step)
            scale = max(abs(slope), abs(difference), float(np.abs(out[:dim]).max()))
            rounding = 1e-14 * abs(there) / step
            if (
                np.isfinite(slope)
                and np.isfinite(difference)
                and abs(slope - difference) > 1e-4 * scale + 1e-8 + rounding
            ):
                raise ValueError(
                    f"the gradient of {name!r} is not that of its energy: at x = "
                    f"{np.round(x, 3).tolist()} along a random "
                    f"direction it gives {slope:.6g}, differences of the energy give "
                    f"{difference:.6g}. Correct one of them; a "
                    "force that is no gradient goes into drift=."
                )
