"""Parameters of a record: a namedtuple of float64 numbers and small arrays. They are data: a sweep
never recompiles. Those of a dynamics may be schedules."""

import json
import keyword
from collections import namedtuple
from collections.abc import Callable
from functools import cache, partial
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from ..arguments import (
    check_range,
    finite_array,
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

# of what one particle has: components, scratch numbers, random numbers of a draw
COUNT_LIMIT = 2**20
EXAMPLES_LIMIT = 2**24  # of a table that interpreted Python draws
BLOCK = 4096  # steps that a schedule is asked for at a time
NO_PARAMETER = "none"  # numba has no type for an empty namedtuple
WRITTEN_OUT = 64  # numbers of an array that a description holds; longer ones by their SHA-256


def size(at_least):
    """A check: how many numbers of a kind one particle has."""
    return partial(integer, at_least=at_least, limit=COUNT_LIMIT)


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


@cache
def _tuple_class(names):
    return namedtuple("Params", names)


def parameters(params, owner, schedules=False):
    """`params` (dict, namedtuple or None) as a namedtuple of finite floats and float64 arrays;
    schedules, where allowed, stay so.

    Raises
    ------
    TypeError, ValueError
        For anything else, naming `owner` and the parameter.
    """
    if params is None or (isinstance(params, tuple) and not params):
        params = {NO_PARAMETER: 0.0}
    items = params._asdict() if hasattr(params, "_asdict") else params
    if not isinstance(items, dict) or not all(isinstance(name, str) for name in items):
        raise TypeError(
            f"params of {owner} must be a dict or namedtuple of numbers and arrays, got "
            f"{shown(params)}."
        )
    for name in items:
        if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
            raise ValueError(
                f"a name in params of {owner} must be one that can stand in p.NAME, without a "
                f"leading _, got {name!r}."
            )
    values = [
        _checked_parameter(value, f"parameter {name} of {owner}", schedules)
        for name, value in items.items()
    ]
    return _tuple_class(tuple(items))(*values)


def _checked_parameter(value, label, schedules):
    if isinstance(value, Schedule):
        if not schedules:
            raise TypeError(
                f"{label} must be a number or an array of real numbers; only parameters of a "
                "dynamics may be a schedule."
            )
        return value
    array = finite_array(value, label)
    return float(array) if array.ndim == 0 else array


def schedules_of(params):
    """Those of the parameters that are schedules, by name."""
    return {name: v for name, v in params._asdict().items() if isinstance(v, Schedule)}


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


def described(record):
    """JSON text of a record's name, parameters, data table, walls and sampling; tables and long
    arrays as shape and SHA-256."""
    found = {"name": record.name, "params": _part_of_description(record.params._asdict())}
    if getattr(record, "data", None) is not None:
        found["data"] = array_fingerprint(record.data)
    if getattr(record, "domain", None) is not None:
        found["domain"] = record.domain
    if hasattr(record, "sampling"):
        found["sampling"] = record.sampling
    return json.dumps(found)


def array_fingerprint(array):
    """Shape and SHA-256 of an array."""
    content = np.ascontiguousarray(array).tobytes()
    return {"shape": list(array.shape), "sha256": sha256(content).hexdigest()}


def _part_of_description(value):
    if isinstance(value, dict):
        return {name: _part_of_description(part) for name, part in value.items()}
    if isinstance(value, Schedule):
        return {"schedule": value.name, **_part_of_description(value.numbers)}
    if isinstance(value, np.ndarray):
        return array_fingerprint(value) if value.size > WRITTEN_OUT else value.tolist()
    return value
