"""The first passage: when each particle first arrives somewhere."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from ...arguments import integer, number
from ...kernels.elementary import where
from ...kernels.functions import plain
from ...kernels.rules import check_function
from ...models.parameters import parameters
from ...models.records import Recipe, record, recorded
from .record import named


class PassageAnswers:
    """What a first passage answers."""

    __slots__ = ()
    ends_particles = True  # so that it is the only reducer of its run


@record(PassageAnswers, name=named)
class FirstPassage(NamedTuple):
    """What `first_passage` returns; `observe` leaves in acc[0] whether the particle has arrived."""

    name: str
    observe: Callable
    reached: Callable
    params: Any
    recipe: Recipe | None = None

    def _checked(self):
        return self


def _above(p, x):
    return x[int(p.component)] >= p.level


def _below(p, x):
    return x[int(p.component)] <= p.level


@recorded
def first_passage(
    reached=None, params=None, *, above=None, below=None, component=0, name="first_passage"
):
    """When each particle first arrives in a region, where the run ends it.

    Its lane goes to the next particle.

    It is the only reducer of its run, whose `steps` are the longest time that a particle gets.
    Needs constant parameters and independent draws in each step: schedules, shared batches,
    permuted and given ones are refused.

    Parameters
    ----------
    reached : callable, optional
        `reached(p, x)` is true in the region: a comparison, or some joined by & and |; a text like
        that of a potential.
    params : dict or namedtuple, optional
        What `reached` finds in `p`.
    above, below : float, optional
        Instead of `reached`: the region x[component] >= above, or x[component] <= below, in units
        of length.
    component : int
        Which component of x.
    name : str
        Prefix of its variables.

    Returns
    -------
    FirstPassage
        Adds ``first_passage_step`` (particle), the number of steps after which the particle is
        first in the region, 0 if it starts there and -1 if it did not arrive (a dynamics with
        substeps is looked at after each of them, and the steps are rounded up);
        ``first_passage_watched`` (particle), the steps until then or until nobody looked any more;
        ``first_passage_fraction`` that arrived and ``first_passage_rate``, arrivals per particle
        and step, each with ``_standard_error``, and the exact 95 % ``first_passage_rate_interval``
        (bound), which without an arrival is 0 to 3.0/exposure (arrivals are Poissonian only if the
        rate does not depend on time); ``first_passage_restricted_mean`` with its error, the mean
        of the time or the longest time watched, whichever is less, and ``first_passage_mean`` if
        all arrived. `analysis.escape_rate` and `survival_curve` read them. The stored x are
        the start and where each particle ended.

    Examples
    --------
    Over the saddle of a double well:

    >>> ls.reducers.first_passage(above=0.0)
    first_passage(above=0.0)
    """
    given = [value is not None for value in (reached, above, below)]
    if sum(given) != 1:
        raise ValueError(
            f"{name}: give exactly one of reached, above and below, such as above=1.0; got "
            f"{sum(given)}."
        )
    component = integer(component, f"component of {name!r}", 0)
    if reached is None:
        key, value, reached = (
            ("above", above, _above) if above is not None else ("below", below, _below)
        )
        level = number(value, f"{key} of {name!r}")
        params = {"level": level, "component": component}
    check_function(reached, f"reached of {name!r}")
    return FirstPassage(
        name, _arrival(plain(reached)), plain(reached), parameters(params, repr(name))
    )


@cache
def _arrival(reached):
    def observe(p, acc, step, before, x, v, g):
        acc[0] = where(reached(p, x), 1.0, 0.0)

    return observe


def check_passage(problem):
    """Refuse what cannot be combined with the first passage among the problem's reducers."""
    passage = problem.passage
    name, dim, noise = repr(passage.name), problem.model.dim, problem.noise
    others = [reducer.name for reducer in problem.reducers if reducer is not passage]
    if others:
        raise ValueError(
            f"{name} must be the only reducer of its run, got {others} beside it. Make a second "
            "run."
        )
    for scheduled in problem.table.scheduled:
        raise ValueError(
            f"{scheduled} must be constant for {name}: every particle has a step of its own."
        )
    if noise is not None and not noise.own_steps:
        what = "shared=True" if noise.shared else f"sampling={noise.sampling!r}"
        raise ValueError(
            f"{name} needs batches drawn for each particle and step (with_replacement or "
            f"population), got {what}."
        )
    for key, allowed in (("every", None), ("first_step", 0)):
        found = getattr(problem, key)
        if found != allowed:
            raise ValueError(
                f"{key} must be {allowed} for {name}, got {found}: particles end at different "
                "steps."
            )
    if problem.steps == 0:
        raise ValueError(f"steps must be >= 1 for {name}, got 0.")
    component = getattr(passage.params, "component", 0)
    if component >= dim:
        raise ValueError(f"component of {name} must be below dim = {dim}, got {int(component)}.")
