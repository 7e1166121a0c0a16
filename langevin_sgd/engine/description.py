"""A run as plain data: enough to know the same run again, and to rebuild it from a folder that may
come from anywhere.

A function of this package is named and looked up again; any other is written down line by line, for
comparison only: nothing outside the package is imported or executed because a file says so."""

import dis
import inspect
import sys
import sysconfig
import textwrap
import types as python_types
from functools import cache
from hashlib import sha256

import numpy as np

from ..kernels.functions import plain
from ..kernels.rng import GENERATOR
from ..models import schedules
from ..models.dynamics import Dynamics
from ..models.losses import Loss
from ..models.noise import GradientNoise, Minibatch, TableGaussian
from ..models.parameters import Schedule
from ..models.potentials import Potential
from ..storage import source_hashes
from . import reducers as reducer_makers
from .reducers.record import Reducer

_PACKAGE = __package__.split(".")[0]
_ALLOWED = (
    f"{_PACKAGE}.models.",
    f"{_PACKAGE}.kernels.elementary",
)  # whose functions a folder may name
_RECORDS = {
    kind.__name__: kind
    for kind in (Potential, Loss, GradientNoise, Minibatch, TableGaussian, Dynamics, Reducer)
}
_LIBRARIES = tuple(sysconfig.get_paths()[key] for key in ("stdlib", "purelib", "platlib"))
# numbers of an array that are written out; longer ones are kept apart and named by their SHA-256
LONGEST = 64


def describe(records, reducers, arguments, prints):
    """What determines the bits of a run.

    Parameters
    ----------
    records : (model, dynamics, noise)
    reducers : sequence of Reducer
        As they were given.
    arguments : dict
        Numbers of `simulate`.
    prints : dict
        From `fingerprints`.

    Returns
    -------
    (dict, dict)
        The description, and the long arrays in it: name -> array.
    """
    arrays = {}
    names = "model", "dynamics", "noise"
    description = {
        "arguments": arguments,
        **{
            name: data_of(record, name, arrays) for name, record in zip(names, records, strict=True)
        },
        "reducers": [
            data_of(reducer, f"reducers.{number}", arrays)
            for number, reducer in enumerate(reducers)
        ],
        "start": prints,
        "generator": GENERATOR,
        "code": _code_of_the_package(),
    }
    return description, arrays


def fingerprints(x, v):
    """SHA-256 of the start, (particles, components)."""
    return {"x0": _sha256(x), "v0": _sha256(v)}


@cache  # at the first use: what is edited later does not run in this process
def _code_of_the_package():
    return source_hashes("kernels", "models", "engine")


def _sha256(array):
    return sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


# ---- to data -------------------------------------------------------------------------------------


def data_of(value, key, arrays, inside=()):
    """`value` as text, numbers, lists and dicts of them; long arrays go into `arrays` under names
    that begin with `key`.
    """
    value = plain(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return _data_of_array(value, key, arrays)
    if isinstance(value, python_types.FunctionType):
        return _data_of_function(value, key, arrays, inside)
    if isinstance(value, Schedule):
        return _data_of_schedule(value, key, arrays)
    if isinstance(value, Reducer) and value.recipe:
        value = {"made_by": value.recipe.function.__name__, **value.recipe.arguments}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        known = isinstance(
            value, tuple(_RECORDS.values())
        )  # a folder does not keep the order of a dict, and p has one
        head = {"kind": type(value).__name__, "order": value.params._fields} if known else {}
        value = head | {name: part for name, part in value._asdict().items() if name != "recipe"}
    if isinstance(value, dict):
        return {
            name: data_of(part, f"{key}.{name}", arrays, inside) for name, part in value.items()
        }
    if isinstance(value, (tuple, list, range)):
        return [
            data_of(part, f"{key}.{number}", arrays, inside) for number, part in enumerate(value)
        ]
    return {"unknown": getattr(value, "__qualname__", type(value).__qualname__)}


def _data_of_array(array, key, arrays):
    if 0 < array.size <= LONGEST:
        return array.tolist()
    arrays[key] = array
    return {"array": key, "shape": list(array.shape), "sha256": _sha256(array)}


def _data_of_schedule(schedule, key, arrays):
    data = {name: getattr(schedule, name) for name in ("numbers", "allowed", "whole")}
    if getattr(schedule.rule, "__module__", None) not in (None, schedules.__name__):
        data["rule"] = schedule.rule
    return {"schedule": schedule.name, **data_of(data, key, arrays)}


def _data_of_function(function, key, arrays, inside):
    """Where it is in this package, and what it closes over; or else its lines and all that they
    refer to.
    """
    path = f"{function.__module__}:{function.__qualname__}"
    held = dict(
        zip(
            function.__code__.co_freevars,
            (cell.cell_contents for cell in function.__closure__ or ()),
            strict=True,
        )
    )
    inner_defaults = "." in function.__qualname__ and (
        function.__defaults__ or function.__kwdefaults__
    )
    if _code_at(path) is function.__code__ and not inner_defaults:
        held = data_of(held, key, arrays, inside)
        return {"function": path} | ({"held": held} if held else {})
    if function in inside or function.__code__.co_filename.startswith(_LIBRARIES):
        return {"library": path}
    read = {
        name: function.__globals__[name]
        for name in _globals_read(function.__code__)
        if name in function.__globals__
    }
    return {"own": function.__name__, "lines": _lines(function)} | (
        {"uses": data_of(held | read, key, arrays, (*inside, function))} if held or read else {}
    )


def _globals_read(code):
    names = {found.argval for found in dis.get_instructions(code) if found.opname == "LOAD_GLOBAL"}
    for inner in code.co_consts:
        names |= _globals_read(inner) if isinstance(inner, python_types.CodeType) else set()
    return names


def _lines(function):
    try:
        return textwrap.dedent(inspect.getsource(function)).splitlines()
    except (
        OSError,
        TypeError,
    ):  # typed into an interpreter: its compiled form, which changes with the version of Python
        code = function.__code__
        return [
            f"compiled by Python {sys.version_info[:2]}: "
            f"{sha256(code.co_code + repr(code.co_names).encode()).hexdigest()}"
        ]


def _code_at(path):
    """The code of the function or closure "module:qualname" of this package's models; None where
    there is none.

    Nothing is imported: a module that a model comes from is there already.
    """
    name, _, qualname = path.partition(":")
    function = _function_at(name, qualname.partition(".")[0])
    return None if function is None else _inner_code(function.__code__, qualname)


def _function_at(module, name):
    found = (
        vars(sys.modules[module]).get(name)
        if module.startswith(_ALLOWED) and module in sys.modules
        else None
    )
    found = plain(inspect.unwrap(found)) if callable(found) else None
    return (
        found
        if isinstance(found, python_types.FunctionType) and found.__module__ == module
        else None
    )


def _inner_code(code, qualname):
    if code.co_qualname == qualname:
        return code
    inner = (
        _inner_code(each, qualname)
        for each in code.co_consts
        if isinstance(each, python_types.CodeType)
    )
    return next((found for found in inner if found is not None), None)


# ---- from data -----------------------------------------------------------------------------------


class NotInThePackage(Exception):
    """A function that a description names, or holds as text, and that has to be passed by the user."""


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
    kind = _RECORDS[data["kind"]]
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
    raise NotInThePackage(str(data.get("own") or data.get("library") or data))


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
    path, held = (
        data["function"],
        {name: _value(part, arrays) for name, part in data.get("held", {}).items()},
    )
    module, _, qualname = path.partition(":")
    code, function = _code_at(path), _function_at(module, qualname)
    if code is None or set(held) != set(code.co_freevars):
        raise NotInThePackage(path)
    if function is not None:
        return vars(sys.modules[module])[qualname]
    cells = tuple(python_types.CellType(held[name]) for name in code.co_freevars)
    made = python_types.FunctionType(code, vars(sys.modules[module]), code.co_name, None, cells)
    made.__qualname__ = code.co_qualname
    return made
