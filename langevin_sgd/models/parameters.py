"""Parameters of a record: a namedtuple of float64 numbers and small arrays. They are data: a sweep
never recompiles. Those of a dynamics may be schedules."""

import keyword
from collections import namedtuple
from functools import cache, partial

from ..arguments import finite_array, integer, shown
from .schedule_record import Schedule

# of what one particle has: components, scratch numbers, random numbers of a draw
COUNT_LIMIT = 2**20
EXAMPLES_LIMIT = 2**24  # of a table that interpreted Python draws
NO_PARAMETER = "none"  # numba has no type for an empty namedtuple


def size(at_least):
    """A check: how many numbers of a kind one particle has."""
    return partial(integer, at_least=at_least, limit=COUNT_LIMIT)


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
