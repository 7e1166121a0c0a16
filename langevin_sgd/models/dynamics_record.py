"""The record of a dynamics: one update of one particle. SGD and Langevin dynamics are two records
of the same kind.

Throughout, g is the gradient, xi the gradient noise (already divided by sqrt(batch_size), or
averaged over the batch), z thermal normals."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..arguments import flag, keeps_signature, one_of, optional
from ..kernels.functions import interpreted
from ..kernels.rehearsal import rehearse
from .parameters import parameters, size
from .records import Recipe, check_functions, record, recorded
from .schedule_record import Schedule, integer_or_schedule, number_or_schedule, tabulated

MEMORIES = (None, "velocity", "hidden")

_ABOVE = dict.fromkeys(
    ("learning_rate", "step_size", "mass", "epsilon", "max_norm"),
    partial(number_or_schedule, above=0),
)
_FROM = dict.fromkeys(
    ("temperature", "friction", "weight_decay"), partial(number_or_schedule, at_least=0)
)
_BELOW_ONE = dict.fromkeys(
    ("momentum", "beta1", "beta2"), partial(number_or_schedule, at_least=0, below=1)
)
# `recorded`, with the checks of what a name means in the making of a dynamics.
OF_A_DYNAMICS = _ABOVE | _FROM | _BELOW_ONE
OF_A_DYNAMICS["batch_size"] = partial(integer_or_schedule, at_least=1)
dynamics_maker = keeps_signature(partial(recorded, **OF_A_DYNAMICS))


class DynamicsAnswers:
    """What a dynamics answers."""

    __slots__ = ()
    argument = "dynamics"  # of simulate, that it is for

    @property
    def parts(self):
        """How many parts of d numbers `v` has: `state_size`, and 0 without a memory."""
        return self.state_size if self.memory else 0


@record(
    DynamicsAnswers,
    memory=one_of(*MEMORIES),
    normals=size(0),
    state_size=size(1),
    substeps=size(1),
    vectors=optional(size(0)),
    walls=flag,
)
class Dynamics(NamedTuple):
    """One update of one particle.

    Parameters
    ----------
    name : str
        How messages and datasets call it.
    update : callable
        `update(p, x, v, g, xi, z)` moves one particle in place: x and its memory v, from the
        gradient g at x, the gradient noise xi, which is averaged over the batch already and is to
        be added by hand (g + xi; minibatches put all into g), and thermal normals z.
    params : dict or namedtuple
        What the functions find in `p`; a `Schedule` among them is a number in each step.
        `batch_size` (default 1) divides the noise.
    advance : callable, optional
        `advance(p, x, v, g, z)` runs before the one gradient evaluation of a step; g is then what
        the last step left there, or the gradient at the start.
    normals : int
        Thermal normals per component; `z` has normals * d numbers.
    memory : None, "velocity" or "hidden"
        What `v` is: nothing, a velocity (stored in the dataset), or a state of no interest.
    state_size : int
        Numbers per component of `v`; `v` has state_size * d numbers.
    substeps : int
        Updates that make up one step, all with the parameters of that step; only whole steps are
        stored.
    vectors : int, optional
        How many of the state_size parts of `v`, each of d numbers, the first ones, change sign with
        x in a mirror, as a velocity, a mean gradient or a remembered noise does and a mean square
        does not: a reflecting wall turns them round. A velocity has 1; a hidden memory must say
        before it meets such a wall.
    walls : bool
        False if x is not where the particle is, so that no wall can act on it.

    Examples
    --------
    SGD written by hand, and a step of it with the gradient 2 and the noise 0.5:

    >>> def update(p, x, v, g, xi, z):
    ...     for k in range(len(x)):
    ...         x[k] = x[k] - p.rate * (g[k] + xi[k])
    >>> dynamics, x = ls.Dynamics("my_sgd", update, {"rate": 0.1}), np.array([1.0])
    >>> dynamics.update(dynamics.params, x, None, [2.0], [0.5], None)
    >>> print(dynamics, x)
    Dynamics('my_sgd', rate=0.1) [0.75]
    """

    name: str
    update: Callable
    params: Any
    advance: Callable | None = None
    normals: int = 0
    memory: str | None = None
    state_size: int = 1
    substeps: int = 1
    vectors: int | None = None
    walls: bool = True
    recipe: Recipe | None = None

    def _checked(self):
        check_functions(self, update=("p x v g xi z", None, 0), advance=("p x v g z", None, 0))
        params = parameters(self.params, repr(self.name), schedules=True)
        if "batch_size" in params._fields:
            params = params._replace(batch_size=_batch_size(params.batch_size, self.name))
        vectors = 1 if self.vectors is None and self.memory == "velocity" else self.vectors
        if vectors and vectors > self.parts:
            raise ValueError(
                f"vectors of {self.name!r} must be at most its state_size, and 0 without a memory, "
                f"got {vectors}."
            )
        return self._with(params=params, vectors=vectors)

    def check(self, model):
        """Refuse a memory that was not asked for, and walls that the dynamics cannot meet."""
        if self.memory is None and self._finds(model.dim, 0) and not self._finds(model.dim, 1):
            raise ValueError(
                f"{self.name!r} uses v, but has no memory. Give its record memory='velocity', or "
                "memory='hidden' for a state that no dataset shows, and state_size."
            )
        if model.domain is not None and not self.walls:
            raise ValueError(
                f"{self.name!r} needs a model without walls, got the domain {model.domain!r} of "
                f"{model.name!r}: its x is not where a particle is, and no wall can act on it."
            )
        reflecting = any(wall and wall[0] == "reflecting" for wall in model.domain or ())
        if reflecting and self.memory and self.vectors is None:
            raise ValueError(
                f"vectors of {self.name!r} must be given for reflecting walls: how many of the "
                f"{self.state_size} parts of its hidden memory, the first ones, turn round with "
                "the particle."
            )

    def _finds(self, dim, memory):
        """What a rehearsal finds wrong with so many parts of v; None for nothing."""
        v, z = memory * dim, self.normals * dim
        firsts = {name: tabulated(each, name, 1)[0] for name, each in self.schedules().items()}
        p = self.params._replace(**firsts)
        try:
            rehearse(self.update, "update", p, (dim, v, dim, dim, z))
            if self.advance is not None:
                rehearse(self.advance, "advance", p, (dim, v, dim, z))
        except ValueError as error:
            return error

    def doubts(self, model, noise, params, alike=False):
        """Sentences about what the dynamics, with these parameters, and `noise`, or None, do not
        do, and nothing refuses; `alike`: there are several particles, all at one start."""
        if noise is None:
            yield from _without_noise(model, self, alike)
        elif noise.adds:
            yield from _unused_noise(model, self, noise, params)
            yield from noise.doubts(model)
        if self.normals and not _reached("z", self, params, model.dim).any():
            yield (
                f"{self.name!r} asks for normals = {self.normals} and does not use z, so that no "
                "thermal noise acts. Add z[k] times its amplitude, or leave normals= out."
            )

    def schedules(self):
        """The parameters that change from step to step, a dict name -> Schedule."""
        given = self.params._asdict().items()
        return {name: value for name, value in given if isinstance(value, Schedule)}


def _batch_size(value, owner):
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    checked = integer_or_schedule(whole, f"batch_size of {owner!r}", at_least=1)
    return float(checked) if isinstance(checked, int) else checked


# ---- doubts -------------------------------------------------------------------------------------


def _without_noise(model, dynamics, alike):
    batch_size = getattr(dynamics.params, "batch_size", 1)
    if batch_size != 1:
        size = f"{batch_size:g}" if isinstance(batch_size, float) else "a schedule"
        way = "there is nothing to be averaged. Pass a noise, or leave batch_size= out."
        if model.data is not None:
            way = "every step takes the gradient of the whole table. Pass "
            way += "langevin_sgd.noise.minibatch()."
        yield f"batch_size = {size} without a noise changes nothing: {way}"
    elif alike and not dynamics.normals:
        kind = "gaussian(covariance)" if model.data is None else "minibatch()"
        yield (
            "all particles move alike: they begin at one place, and nothing is random. Pass a "
            f"noise, such as langevin_sgd.noise.{kind}, or an x0 with a row for each particle; for "
            "the gradient flow particles=1 will do."
        )


def _unused_noise(model, dynamics, noise, params):
    reached = _reached("xi", dynamics, params, model.dim)
    if not reached.any():
        yield (
            f"update of {dynamics.name!r} does not use xi, so that the noise {noise.name!r} "
            "changes nothing. Add xi[k] to g[k]."
        )
        return
    for k in np.flatnonzero(~reached & noise.acts_on(model))[:1]:
        yield (
            f"update of {dynamics.name!r} does not use xi[{k}], so that the noise {noise.name!r} "
            f"does not act on component {k}. Add xi[{k}] to g[{k}]."
        )


def _reached(name, dynamics, params, dim):
    """Which of `dim` components of a step depend on what is in "xi" or "z"; all of them where it
    cannot be run like this."""
    update = interpreted(dynamics.update)
    advance = dynamics.advance and interpreted(dynamics.advance)

    def moved(number):
        x, v, g = np.full(dim, 0.5), np.full(dynamics.parts * dim, 0.25), np.full(dim, 0.3)
        noise = {"xi": np.full(dim, 0.2), "z": np.full(dynamics.normals * dim, 0.1)}
        noise[name][:] = number
        if advance:
            advance(params, x, v, g, noise["z"])
        update(params, x, v, g, noise["xi"], noise["z"])
        return np.concatenate([x, v, g]).reshape(-1, dim)

    try:
        with np.errstate(all="ignore"):
            tried = -7.0, 7.0, np.nan  # nan comes through an amplitude of 0 too
            return np.any([moved(0.0) != moved(number) for number in tried], axis=(0, 1))
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return np.ones(dim, bool)  # the rehearsal judges it
