"""The record of a schedule: a parameter of a dynamics that changes from step to step."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from ..arguments import (
    check_range,
    flag,
    function,
    instance,
    integer,
    number,
    optional,
    real_array,
    shown,
    whole,
)
from .records import Recipe, record, recorded

BLOCK = 4096  # steps that a schedule is asked for at a time


def _limits(value, name):
    if not isinstance(value, tuple) or len(value) != 4:
        raise TypeError(f"{name} must be (above, at_least, below, at_most), got {shown(value)}.")
    for limit in value:
        optional(number)(limit, name)
    return value


@record(
    rule=function,
    numbers=partial(instance, kinds=dict, words="a dict of what the rule was made from"),
    length=optional(whole(1)),
    allowed=_limits,
    whole=flag,
)
class Schedule(NamedTuple):
    """Value of a parameter in each step: `rule(k)`, for an integer array k of step numbers, is the
    array of their values."""

    name: str
    rule: Callable
    numbers: dict  # what the rule was made from, for the record
    length: int | None = None  # steps that the rule knows; None for all
    allowed: tuple = (None, None, None, None)  # range of the parameter it stands for
    whole: bool = False
    recipe: Recipe | None = None

    def _checked(self):
        return self

    def largest(self, steps):
        """Largest value in the first `steps` steps."""
        end = max(1, min(steps, self.length or steps))
        firsts = range(0, end, BLOCK)
        return max(float(self.rule(np.arange(a, min(a + BLOCK, end))).max()) for a in firsts)


@recorded
def _restricted(schedule, allowed, whole):
    return schedule._with(allowed=allowed, whole=whole)


def number_or_schedule(value, name, *, above=None, at_least=None, below=None):
    """Like `number`, or a Schedule, whose values are checked when a run tabulates them."""
    if isinstance(value, Schedule):
        return _restricted(value, (above, at_least, below, None), False)
    return number(value, name, above=above, at_least=at_least, below=below)


def integer_or_schedule(value, name, at_least):
    """Like `integer`, or a Schedule of whole numbers."""
    if isinstance(value, Schedule):
        return _restricted(value, (None, at_least, None, None), True)
    return integer(value, name, at_least)


def check_length(schedule, name, steps):
    """Refuse a list that ends before the run."""
    if schedule.length is not None and schedule.length < steps:
        raise ValueError(
            f"the schedule of {name} has {schedule.length} values, but the run has {steps} steps. "
            "Give one value a step."
        )


def tabulated(schedule, name, steps, first=0):
    """The values of a schedule from step `first` to step `steps` - 1, checked against the range
    that its parameter allows."""
    check_length(schedule, name, steps)
    given = schedule.rule(np.arange(first, steps))
    values = real_array(given, f"what the schedule of {name} gives")
    if values.shape != (steps - first,):
        raise ValueError(
            f"the schedule of {name} must give {steps - first} values for {steps - first} steps, "
            f"got the shape {values.shape}."
        )
    every = f"every value of the schedule of {name}"
    for extreme in (values.min(), values.max()) if values.size else ():
        check_range(float(extreme), every, *schedule.allowed)
    broken = values[values != np.round(values)]
    if schedule.whole and broken.size:
        raise ValueError(f"{every} must be a whole number, got {broken[0]}.")
    return values
