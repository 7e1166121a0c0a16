"""Parameters of a record: a namedtuple of float64 numbers and small arrays. They are data: a sweep
never recompiles.
"""

import json
import keyword
import sys
from collections import namedtuple
from collections.abc import Callable
from difflib import get_close_matches
from functools import cache
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from .arrays import real_array, shown

COUNT_LIMIT = (
    2**20
)  # of what one particle has: components, scratch numbers, random numbers of a draw
EXAMPLES_LIMIT = 2**24  # of a table that interpreted Python draws
LARGEST = sys.float_info.max
BLOCK = 4096  # steps that a schedule is asked for at a time


class _ScheduleFields(NamedTuple):
    name: str
    rule: Callable
    numbers: dict  # what the rule was made from, for the record
    length: int | None = None  # steps that the rule knows; None for all
    allowed: tuple = (
        None,
        None,
        None,
        None,
    )  # range of the parameter it stands for: above, at_least, below, at_most
    whole: bool = False


class Schedule(_ScheduleFields):
    """Value of a parameter in each step: `rule(k)`, for an integer array k of step numbers, is the
    array of their values.
    """

    __slots__ = ()

    def __new__(
        cls, name, rule, numbers, length=None, allowed=(None, None, None, None), whole=False
    ):
        record_name(name)
        if not callable(rule):
            raise TypeError(
                f"rule of {name!r} must be a function of an array of step numbers, got "
                f"{shown(rule)}."
            )
        if not isinstance(numbers, dict):
            raise TypeError(
                f"numbers of {name!r} must be a dict of what the rule was made from, got "
                f"{shown(numbers)}."
            )
        length = length if length is None else integer(length, f"length of {name!r}", 1)
        if not isinstance(allowed, tuple) or len(allowed) != 4:
            raise TypeError(
                f"allowed of {name!r} must be (above, at_least, below, at_most), got "
                f"{shown(allowed)}."
            )
        allowed = tuple(
            limit if limit is None else number(limit, f"allowed of {name!r}") for limit in allowed
        )
        return super().__new__(
            cls,
            name,
            rule,
            numbers,
            length,
            allowed,
            bool(choice(whole, f"whole of {name!r}", (False, True))),
        )

    def largest(self, steps):
        """Largest value in a list, or in the first `steps` steps of a formula."""
        end = self.length or max(1, steps)
        return max(
            float(self.rule(np.arange(a, min(a + BLOCK, end))).max()) for a in range(0, end, BLOCK)
        )


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
        params = {"none": 0.0}  # numba has no type for an empty namedtuple
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
    return _tuple_class(tuple(items))(
        *(_value(f"parameter {name} of {owner}", value, schedules) for name, value in items.items())
    )


def _value(label, value, schedules):
    if isinstance(value, Schedule):
        if not schedules:
            raise TypeError(
                f"{label} must be a number or an array of real numbers; only parameters of a "
                "dynamics may be a schedule."
            )
        return value
    array = real_array(value, label)
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{label} must be finite, got {shown(value)}.")
    return float(array) if array.ndim == 0 else array


def number(value, name, *, above=None, at_least=None, below=None, at_most=None):
    """`value` as a float inside the stated range."""
    value = _scalar(value)
    if isinstance(value, (bool, np.bool_)) or not isinstance(
        value, (int, float, np.integer, np.floating)
    ):
        raise TypeError(f"{name} must be a number, got {shown(value)}.")
    value = (
        float(value) if isinstance(value, np.floating) or abs(value) <= LARGEST else value
    )  # an int may be larger
    check_range(value, name, above, at_least, below, at_most)
    return float(value)


def _scalar(value):
    """The number in an array without dimensions."""
    return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value


def check_range(value, name, above=None, at_least=None, below=None, at_most=None):
    """Raise an error that names the allowed range unless `value` is finite and inside."""
    limits = [(above, "> ", lambda b: value > b), (at_least, ">= ", lambda b: value >= b)]
    limits += [(below, "< ", lambda b: value < b), (at_most, "<= ", lambda b: value <= b)]
    finite = -LARGEST <= value <= LARGEST
    if not finite or not all(limit is None or holds(limit) for limit, _, holds in limits):
        allowed = " and ".join(f"{sign}{limit}" for limit, sign, _ in limits if limit is not None)
        raise ValueError(f"{name} must be {allowed or 'a finite number'}, got {shown(value)}.")


def integer(value, name, at_least, below=None, limit=2**63):
    """`value` as an int in [at_least, below); `limit` is a `below` that messages name only where it
    is met.
    """
    value = _scalar(value)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, got {shown(value)}.")
    value = int(value)
    check_range(
        value, name, at_least=at_least, below=limit if below is None and value >= limit else below
    )
    return value


def record_name(name):
    """Refuse a name that is no text."""
    if not isinstance(name, str) or not name:
        raise TypeError(f"name must be text, like 'my_well', got {shown(name)}.")


def number_or_schedule(value, name, *, above=None, at_least=None, below=None):
    """Like `number`, or a Schedule, whose values are checked when a run tabulates them."""
    if isinstance(value, Schedule):
        return value._replace(allowed=(above, at_least, below, None))
    return number(value, name, above=above, at_least=at_least, below=below)


def integer_or_schedule(value, name, at_least):
    """Like `integer`, or a Schedule of whole numbers."""
    if isinstance(value, Schedule):
        return value._replace(allowed=(None, at_least, None, None), whole=True)
    return integer(value, name, at_least)


def choice(value, name, allowed):
    """`value` if it is one of `allowed`; otherwise an error that lists them and names the nearest."""
    value = bool(value) if isinstance(value, np.bool_) else value
    if any(value is one or (isinstance(value, str) and value == one) for one in allowed):
        return value
    near = (
        get_close_matches(value.lower(), [str(a) for a in allowed], 1, 0.5)
        if isinstance(value, str)
        else ()
    )
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"{name} must be one of {', '.join(map(repr, allowed))}, got {shown(value)}.{hint}"
    )


def check_length(schedule, name, steps):
    """Refuse a list that ends before the run."""
    if schedule.length is not None and schedule.length < steps:
        raise ValueError(
            f"the schedule of {name} has {schedule.length} values, but the run has {steps} steps. "
            "Give one value a step."
        )


def tabulated(schedule, name, steps, first=0):
    """The values of a schedule from step `first` to step `steps` - 1, checked against the range
    that its parameter allows.
    """
    check_length(schedule, name, steps)
    count = steps - first
    values = real_array(
        schedule.rule(np.arange(first, steps)), f"what the schedule of {name} gives"
    )
    if values.shape != (count,):
        raise ValueError(
            f"the schedule of {name} must give {count} values for {count} steps, got the shape "
            f"{values.shape}."
        )
    for extreme in (values.min(), values.max()) if count else ():
        check_range(float(extreme), f"every value of the schedule of {name}", *schedule.allowed)
    if schedule.whole and np.any(values != np.round(values)):
        raise ValueError(
            f"every value of the schedule of {name} must be a whole number, got "
            f"{values[values != np.round(values)][0]}."
        )
    return values


def symmetric_matrix(value, name):
    """`value` as a finite symmetric float64 matrix (d, d), or as given if it is a vector of d
    diagonal entries.
    """
    matrix = real_array(value, name)
    if matrix.ndim == 0:
        matrix = matrix.reshape(1)
    if (
        matrix.size == 0
        or matrix.ndim > 2
        or (matrix.ndim == 2 and matrix.shape[0] != matrix.shape[1])
    ):
        raise ValueError(
            f"{name} must have the shape (d, d), or (d,) for a diagonal matrix; got the shape "
            f"{np.shape(value)}."
        )
    if not np.all(np.isfinite(matrix)):
        raise ValueError(f"{name} must be finite, got {shown(value)}.")
    if matrix.ndim == 2 and not np.allclose(
        matrix, matrix.T, rtol=1e-10, atol=1e-12 * np.abs(matrix).max()
    ):
        worst = np.unravel_index(np.argmax(np.abs(matrix - matrix.T)), matrix.shape)
        raise ValueError(
            f"{name} must be symmetric, but entry {tuple(map(int, worst))} is {matrix[worst]:g} "
            "and its mirror image "
            f"{matrix.T[worst]:g}. Pass ({name} + {name}.T) / 2 if that is what you mean."
        )
    return matrix


def described(record):
    """JSON text of a record's name, parameters, data table and sampling; tables and long arrays as
    shape and SHA-256.
    """
    text = {
        "name": record.name,
        "params": {k: _described(v) for k, v in record.params._asdict().items()},
    }
    if getattr(record, "data", None) is not None:
        text["data"] = _fingerprint(record.data)
    if hasattr(record, "sampling"):
        text["sampling"] = record.sampling
    return json.dumps(text)


def _fingerprint(array):
    return {"shape": list(array.shape), "sha256": sha256(array.tobytes()).hexdigest()}


def _described(value):
    if isinstance(value, Schedule):
        return {
            "schedule": value.name,
            **{name: _described(number) for name, number in value.numbers.items()},
        }
    if isinstance(value, np.ndarray) and value.size > 64:
        return _fingerprint(value)
    return value.tolist() if isinstance(value, np.ndarray) else value
