"""A run as plain data: enough to know the same run again, and to rebuild it from a folder that may
come from anywhere.

A function of this package is named and looked up again. Any other is known by the SHA-256 of its
content (see `kernels.functions`), for comparison only: nothing outside the package is imported or
executed because a file says so."""

import inspect
import sys
import sysconfig
import types as python_types
from functools import cache

import numpy as np

from ..kernels.functions import codes_of, content, is_helper, plain, reads
from ..kernels.rng import GENERATOR
from ..models import schedules
from ..models.dynamics import Dynamics
from ..models.losses import Loss
from ..models.noise import GradientNoise, Minibatch, TableGaussian
from ..models.parameters import WRITTEN_OUT, Schedule, array_fingerprint
from ..models.potentials import Potential
from ..storage import source_hashes
from . import reducers as reducer_makers
from .reducers.record import Reducer

_THIS_PACKAGE = __package__.split(".")[0]
# whose functions a folder may name
_ALLOWED = f"{_THIS_PACKAGE}.models.", f"{_THIS_PACKAGE}.kernels.elementary"
_RECORDS = {
    kind.__name__: kind
    for kind in (Potential, Loss, GradientNoise, Minibatch, TableGaussian, Dynamics, Reducer)
}
_LIBRARIES = tuple(sysconfig.get_paths()[key] for key in ("stdlib", "purelib", "platlib"))


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


def fingerprints(start):
    """SHA-256 of the start of a problem; of the particles that had left, where there are any."""
    parts = {"x0": start.x, "v0": start.v}
    if np.any(start.status):
        parts |= {"status": start.status, "stopped_at_step": start.stopped}
    return {name: array_fingerprint(part)["sha256"] for name, part in parts.items()}


@cache  # at the first use: what is edited later does not run in this process
def _code_of_the_package():
    return source_hashes("kernels", "models", "engine")


# ---- to data -------------------------------------------------------------------------------------


def data_of(value, key="", arrays=None, inside=()):
    """`value` as text, numbers, lists and dicts of them, which change when it does.

    Parameters
    ----------
    value : number, text, array, function, object, record, or a list, tuple or dict of such
    key : str
        Where it is: the names of long arrays begin with it.
    arrays : dict, optional
        Gets the long arrays, of which `value` says the SHA-256.
    inside : tuple
        The functions whose description this is part of.

    Raises
    ------
    TypeError
        For a thing with no content that could be read and compared, like an open file.
    """
    arrays = {} if arrays is None else arrays
    value = plain(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, python_types.FunctionType):
        return _data_of_function(value, key, arrays, inside)
    if isinstance(value, Schedule):
        return _data_of_schedule(value, key, arrays)
    if isinstance(value, Reducer) and value.recipe:
        value = {"made_by": value.recipe.function.__name__, **value.recipe.arguments}
    if hasattr(value, "_asdict"):  # a folder does not keep the order of a dict, and p has one
        known = type(value).__name__ in _RECORDS
        head = {"kind": type(value).__name__, "order": value.params._fields} if known else {}
        value = head | {name: part for name, part in value._asdict().items() if name != "recipe"}
    if isinstance(value, dict):
        return {
            str(name): data_of(part, f"{key}.{name}", arrays, inside)
            for name, part in value.items()
        }
    if isinstance(value, (tuple, list, range)):
        return [data_of(each, f"{key}.{k}", arrays, inside) for k, each in enumerate(value)]
    if hasattr(value, "__array__") and np.asarray(value).dtype.kind in "biufU":
        return _data_of_array(np.asarray(value), key, arrays)
    kind = value if isinstance(value, type) else type(value)
    return {"object": kind.__qualname__, "sha256": content(value, _library)}


def _data_of_array(array, key, arrays):
    if 0 < array.size <= WRITTEN_OUT:
        return array.tolist()
    arrays[key] = array
    return {"array": key, **array_fingerprint(array)}


def _data_of_schedule(schedule, key, arrays):
    data = {name: getattr(schedule, name) for name in ("numbers", "allowed", "whole")}
    ours = getattr(schedule.rule, "__module__", None) == schedules.__name__
    listed = getattr(schedule.rule, "__self__", None) is schedule.numbers.get("values", data)
    if not ours and not listed:
        data["rule"] = schedule.rule
    return {"schedule": schedule.name, **data_of(data, key, arrays)}


def _data_of_function(function, key, arrays, inside):
    """Where it is in this package, and what it closes over; or else the SHA-256 of its content, and
    to show what differs, the numbers and the helpers that it reads."""
    path = f"{function.__module__}:{function.__qualname__}"
    defaults = "." in function.__qualname__ and (function.__defaults__ or function.__kwdefaults__)
    if _code_at(path) is function.__code__ and not defaults:
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        held = dict(zip(function.__code__.co_freevars, cells, strict=True))
        return {"function": path} | ({"held": data_of(held, key, arrays, inside)} if held else {})
    if _library(function.__module__ or "") and "<" not in function.__qualname__:
        return {"library": path}
    if function in inside:
        return {"own": function.__name__}
    found = {"own": function.__name__, "python": "{}.{}".format(*sys.version_info)}
    found["sha256"] = content(function, _library)
    uses = {read.path: read.value for read in reads(function) if _is_shown(read)}
    return found | {"uses": data_of(uses, key, arrays, (*inside, function))}


def _is_shown(read):
    numbers = isinstance(read.value, (int, float, str, np.ndarray)) and not _library(read.module)
    return numbers or is_helper(read.value) and not _library(read.value.__module__ or "")


@cache
def _library(module):
    """Whether a module is Python's, a library's or this package's, which others answer for."""
    top = module.split(".")[0]
    installed = (getattr(sys.modules.get(top), "__file__", None) or "").startswith(_LIBRARIES)
    return installed or top in (_THIS_PACKAGE, *sys.builtin_module_names)


def _code_at(path):
    """The code of the function or closure "module:qualname" of this package's models; None where
    there is none. Nothing is imported: a module that a model comes from is there already."""
    module, _, qualname = path.partition(":")
    if not module.startswith(_ALLOWED) or module not in sys.modules:
        return None
    found = vars(sys.modules[module]).get(qualname.partition(".")[0])
    found = plain(inspect.unwrap(found)) if callable(found) else None
    if not isinstance(found, python_types.FunctionType) or found.__module__ != module:
        return None
    inside = codes_of(found.__code__)
    return next((code for code in inside if code.co_qualname == qualname), None)


# ---- from data -----------------------------------------------------------------------------------


class NotInThePackage(Exception):
    """A function that a description names, or knows by its content only: the user must pass it."""


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
    code = _code_at(path)
    if code is None or set(held) != set(code.co_freevars):
        raise NotInThePackage(path)
    scope = vars(sys.modules[module])
    if "." not in qualname:
        return scope[qualname]
    cells = tuple(python_types.CellType(held[name]) for name in code.co_freevars)
    made = python_types.FunctionType(code, scope, code.co_name, None, cells)
    made.__qualname__ = code.co_qualname
    return made
