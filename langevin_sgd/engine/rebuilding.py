"""Records and reducers from the data of `description.py`, which may come from anywhere: a function
of this package is looked up; nothing outside it is imported or executed because a file says so."""

import json
import sys
import types as python_types

from ..models import schedules
from . import reducers as reducer_makers
from .description import RECORD_KINDS, code_at

# Where functions of models are now that saved runs name elsewhere.
_MOVED = {
    "descent:_diffusion": "sgd_diffusion:_diffusion",
    "noise_laws:_diagonal_sample": "gaussian_noise:_diagonal_sample",
    "noise_laws:_factor_sample": "gaussian_noise:_factor_sample",
    "noise_laws:_field_sample.<locals>.sample": "gaussian_field:_field_sample.<locals>.sample",
}


class NotInThePackage(Exception):
    """A function that a description names, or knows by its content only: the user must pass it."""


def as_of_today(data):
    """The data of a record with its functions named where they are in this version."""
    text = json.dumps(data)
    for before, now in _MOVED.items():
        text = text.replace(f'models.{before}"', f'models.{now}"')
    return json.loads(text)


def rebuilt(data, arrays):
    """The record, or the reducer, of a description.

    Raises
    ------
    NotInThePackage
        If it needs a function from elsewhere.
    KeyError, TypeError, ValueError, IndexError
        If the description is malformed.
    """
    if data is None:
        return None
    if "made_by" in data:
        maker = data["made_by"]
        if maker not in reducer_makers.__all__ or maker == "Reducer":
            raise NotInThePackage(str(maker))
        given = {name: _value(part, arrays) for name, part in data.items() if name != "made_by"}
        return getattr(reducer_makers, maker)(**given)
    kind = RECORD_KINDS[data["kind"]]
    fields = {
        name: _value(part, arrays)
        for name, part in data.items()
        if name not in ("kind", "order", "params")
    }
    params = {name: _value(data["params"][name], arrays) for name in data["order"]}
    return kind(params=params, **fields)


def _value(data, arrays):
    if isinstance(data, list):
        return tuple(_value(part, arrays) for part in data)
    if not isinstance(data, dict):
        return data
    if "array" in data:
        return arrays[data["array"]]
    if "schedule" in data:
        return _schedule(data, arrays)
    if "function" in data:
        return _function(data, arrays)
    if "kind" in data:  # the mean of a population, a record in a record
        return rebuilt(data, arrays)
    known = [data[name] for name in ("own", "library", "object") if name in data]
    raise NotInThePackage(str(known[0] if known else data))


def _schedule(data, arrays):
    maker = vars(schedules).get(data["schedule"])
    if (
        "rule" in data
        or getattr(maker, "__module__", None) != schedules.__name__
        or data["schedule"].startswith("_")
    ):
        raise NotInThePackage(f"schedule {data['schedule']}")
    made = maker(**{name: _value(part, arrays) for name, part in data["numbers"].items()})
    return made._replace(allowed=tuple(data["allowed"]), whole=bool(data["whole"]))


def _function(data, arrays):
    path = data["function"]
    held = {name: _value(part, arrays) for name, part in data.get("held", {}).items()}
    module, _, qualname = path.partition(":")
    code = code_at(path)
    if code is None or set(held) != set(code.co_freevars):
        raise NotInThePackage(path)
    scope = vars(sys.modules[module])
    if "." not in qualname:
        return scope[qualname]
    cells = tuple(python_types.CellType(held[name]) for name in code.co_freevars)
    made = python_types.FunctionType(code, scope, code.co_name, None, cells)
    made.__qualname__ = code.co_qualname
    return made
