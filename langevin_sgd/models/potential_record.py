"""The record of an energy landscape."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from ..arguments import choice, number, shown
from ..kernels.bits import inlined
from ..kernels.views import local, view
from .derivative_checks import check_gradient, check_hessian
from .forces import Force, nothing, stack_room
from .parameters import parameters, size
from .records import Recipe, check_functions, record


class PotentialAnswers:
    """What a model answers, a Loss alike."""

    __slots__ = ()
    argument = "model"  # of simulate, that it is for
    data = None  # no table
    energy_word = "energy"


@record(PotentialAnswers, dim=size(1), scratch=size(0))
class Potential(NamedTuple):
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
        Free numbers behind `out[d:]` that a function may use.
    domain : sequence of d entries, optional
        Walls of each component: None (open), ("periodic", low, high) or ("reflecting", low, high),
        in units of length. A particle that crosses comes in at the other side, or is mirrored,
        velocity included.

    Raises
    ------
    TypeError, ValueError
        If a function breaks the rules of `langevin_sgd.kernels.rules`, the gradient is not that of
        the energy, or the Hessian not that of the gradient: central differences along a random
        direction at one or two points, relative tolerance 1e-4. A Hessian that reads and writes
        more than 524,288 numbers is not checked.

    Examples
    --------
    A spring of stiffness 2, drawn out by 3:

    >>> def energy(p, x):
    ...     return p.stiffness * x[0] * x[0] / 2
    >>> def gradient(p, x, out):
    ...     out[0] = p.stiffness * x[0]
    >>> spring = ls.Potential("spring", energy, gradient, {"stiffness": 2.0}, dim=1)
    >>> print(ls.evaluate(spring, [3.0], "energy"), ls.evaluate(spring, [3.0], "gradient"))
    9.0 [6.]
    """

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

    def _checked(self):
        name, dim = self.name, self.dim
        domain = _checked_domain(self.domain, dim)
        self = self._with(params=parameters(self.params, repr(name)), domain=domain)
        vector = "p x out", (dim, dim + self.scratch), dim
        matrix = "p x out", (dim, dim * dim + self.scratch), dim * dim
        check_functions(
            self, energy=("p x", (dim,), 0), gradient=vector, hessian=matrix, drift=vector
        )
        about = name, self.params, dim, self.scratch
        check_gradient(*about, self.energy, self.gradient)
        check_hessian(*about, self.gradient, self.hessian)
        return self

    def force(self, site):
        """The `Force` without noise: g = dU/dx, less the drift if there is one."""
        size = self.dim + self.scratch
        kinds = site.view(self.dim), site.view(size)
        drift = site.compiled(self, "drift", *kinds) if self.drift else None
        return _gradient_force(site.compiled(self, "gradient", *kinds), drift, self.dim, size)

    def role(self, quantity):
        """The field with the function of a quantity: "energy", "gradient", "hessian" or "drift"."""
        return quantity

    def function(self, quantity):
        """The function of a quantity; None if the potential has none."""
        return getattr(self, quantity) if quantity in self._fields else None

    def expected(self, sampling):
        """The model whose gradient is the mean gradient of a step: itself."""
        return self


@cache
def _gradient_force(gradient, drift, dim, size):
    has_drift = drift is not None
    drift, room = drift or gradient, stack_room(size) if drift else 1
    large = room < size

    @inlined
    def act(work, block, given, moment, group, here):
        gradient(given.model, here.x, here.g)
        if has_drift:
            push = view(work.spare, 0, size) if large else view(local(room, work.spare), 0, size)
            drift(given.model, here.x, push)
            for k in range(dim):
                here.g[k] -= push[k]

    return Force(nothing, act)


def _checked_domain(domain, dim):
    if domain is None:
        return None
    walls = isinstance(domain, (tuple, list)) and all(
        wall is None or isinstance(wall, (tuple, list)) for wall in domain
    )
    if not walls:
        raise TypeError(
            f"domain must be None or a sequence of {dim} entries, None or (kind, low, high), got "
            f"{shown(domain)}."
        )
    if len(domain) != dim:
        raise ValueError(
            f"domain must have {dim} entries, one per component, got {len(domain)}: "
            f"{shown(domain)}."
        )
    domain = tuple(wall and _checked_wall(wall) for wall in domain)
    return domain if any(domain) else None


def _checked_wall(wall):
    if len(wall) != 3:
        raise ValueError(
            f"an entry of domain must be None or (kind, low, high), got {shown(wall)}."
        )
    kind, low, high = wall
    choice(kind, "the kind of a wall in domain", ("periodic", "reflecting"))
    low = number(low, "low of a wall of domain")
    high = number(high, "high of a wall of domain")
    if not low < high:
        raise ValueError(f"the walls of a domain must be low < high, got {shown(wall)}.")
    return kind, low, high
