"""Records and functions as plain data: enough to know the same ones again, and to rebuild those of
this package (`rebuilding.py`).

A function of this package is named. Any other is known by the SHA-256 of its content (see
`kernels.function_content`), for comparison only."""

import inspect
import json
import sys
import sysconfig
import types as python_types
from functools import cache
from hashlib import sha256

import numpy as np

from ..kernels.function_content import content
from ..kernels.functions import codes_of, is_helper, plain, reads
from ..models import schedules
from ..models.dynamics import Dynamics
from ..models.losses import Loss
from ..models.noise import GradientNoise, Minibatch, TableGaussian
from ..models.potentials import Potential
from ..models.schedule_record import Schedule
from .reducers.record import Reducer

_THIS_PACKAGE = __package__.split(".")[0]
# whose functions a folder may name
_ALLOWED = f"{_THIS_PACKAGE}.models.", f"{_THIS_PACKAGE}.kernels.elementary"
RECORD_KINDS = {
    kind.__name__: kind
    for kind in (Potential, Loss, GradientNoise, Minibatch, TableGaussian, Dynamics, Reducer)
}
WRITTEN_OUT = 64  # numbers of an array that a description holds; longer ones by their SHA-256
LIBRARIES_AT = tuple(sysconfig.get_paths()[key] for key in ("stdlib", "purelib", "platlib"))


def described(record):
    """JSON text of a record's name, parameters, data table, walls and sampling; tables and long
    arrays as shape and SHA-256."""
    params = record.params._asdict()
    if hasattr(record, "schedules"):
        for name, each in record.schedules().items():
            params[name] = {"schedule": each.name, **each.numbers}
    found = {"name": record.name, "params": _part_of_description(params)}
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
    if isinstance(value, np.ndarray):
        return array_fingerprint(value) if value.size > WRITTEN_OUT else value.tolist()
    return value


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
        known = type(value).__name__ in RECORD_KINDS
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
    if code_at(path) is function.__code__ and not defaults:
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
    installed = (getattr(sys.modules.get(top), "__file__", None) or "").startswith(LIBRARIES_AT)
    return installed or top in (_THIS_PACKAGE, *sys.builtin_module_names)


def code_at(path):
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
