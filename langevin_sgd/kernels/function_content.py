"""The content of a function: the SHA-256 of all that decides what it does.

That is its code, its defaults and the content of all that it reads (see `functions`). Whoever keeps
something that was made from a function (machine code, a result, a run folder) keeps it under the
content: then a changed global, helper or array, a swapped `__code__` and a source that was edited
after its import all count, and line numbers do not."""

import sys
import types as python_types
from collections.abc import Callable
from functools import partial
from hashlib import sha256

import numpy as np

from .functions import MISSING, is_fixed, named_in, reads

_OF_CODE = (
    *("co_code", "co_consts", "co_names", "co_varnames", "co_freevars", "co_cellvars"),
    *("co_flags", "co_exceptiontable", "co_argcount", "co_posonlyargcount", "co_kwonlyargcount"),
)
_ATOMS = bool, int, float, complex, str, bytes, type(None), type(...)


class Unstatable(TypeError):
    """Something of which the content cannot be stated for sure."""


def found_at(value):
    """(module, name) where a module, class or function is found; None if it is not there."""
    module = getattr(value, "__module__", None) or "numpy"  # ufuncs have none
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", "")
    if isinstance(value, python_types.ModuleType):
        module, name = value.__name__, ""
    found = sys.modules.get(module) if isinstance(module, str) else None
    for part in name.split(".") if name else ():
        found = getattr(found, part, None)
    return (module, name) if found is value else None


def content(value, trusted=is_fixed, special: Callable = lambda value: None):
    """SHA-256 of everything that decides what a function does, or what another thing is.

    Parameters
    ----------
    value : number, text, array, function, partial, method, object, or a container of such
    trusted : callable
        `trusted(module name)` is not False for a module that its name and what this gives (like a
        version) determine: what is found there is not read.
    special : callable
        `special(value)` is asked before anything else is read: a tuple of things to be stated
        instead, or None.

    Returns
    -------
    str
        64 hexadecimal digits, the same in every process of one version of Python.

    Raises
    ------
    Unstatable
        For a thing that has no content which could be read, like an open file.
    """
    return _digest(value, trusted, special, {}, ()).hex()


def _digest(value, trusted, special, known, inside):
    """`known` spares stating things twice and keeps them alive, for their ids count."""
    kind = type(value)
    head = f"{kind.__module__}.{kind.__qualname__}\0".encode()
    if kind in _ATOMS:
        return sha256(head + repr(value).encode()).digest()
    if id(value) in inside:  # calls or holds itself
        return sha256(b"%d levels up" % (len(inside) - inside.index(id(value)))).digest()
    if id(value) not in known:
        place = found_at(value)
        if place and trusted(place[0]):
            parts = *place, trusted(place[0])
        else:
            parts = special(value)
            parts = _parts(value, trusted) if parts is None else parts
        rest = trusted, special, known, (*inside, id(value))
        known[id(value)] = value, sha256(head + b"".join(_digest(p, *rest) for p in parts)).digest()
    return known[id(value)][1]


def _parts(value, trusted):
    """What a thing is made of."""
    if isinstance(value, python_types.FunctionType):
        return _parts_of_function(value, trusted)
    if isinstance(value, python_types.CodeType):
        return [getattr(value, name) for name in _OF_CODE]
    if isinstance(value, np.generic):
        return value.dtype.str, value.tobytes()
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.dtype.str, value.shape, sha256(np.ascontiguousarray(value)).digest()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    if isinstance(value, dict):
        return [part for pair in value.items() for part in pair]
    if isinstance(value, (tuple, list)):
        return [getattr(value, "_fields", None), *value]
    if isinstance(value, partial):
        return value.func, value.args, value.keywords
    if isinstance(value, python_types.MethodType):
        return value.__func__, value.__self__
    if isinstance(value, (property, staticmethod, classmethod)):
        return [getattr(value, name, None) for name in ("fget", "fset", "__wrapped__")]
    return _parts_of_class(value) if isinstance(value, type) else _parts_of_object(value)


def _parts_of_function(function, trusted):
    found = {}
    for read in reads(function):
        if read.module and trusted(read.module):
            found[read.path] = read.module, trusted(read.module)
        elif isinstance(read.value, python_types.ModuleType):  # its attributes are taken later
            name = read.value.__name__
            taken = {} if trusted(name) else named_in(read.value, function)
            found[read.path] = name, trusted(name), tuple(taken.items())
        elif read.value is not MISSING:
            found[read.path] = read.value
    return function.__code__, function.__defaults__, function.__kwdefaults__, tuple(found.items())


def _parts_of_class(kind):
    stated = *_ATOMS, tuple, np.ndarray, python_types.FunctionType
    stated += property, staticmethod, classmethod
    held = {
        name: value
        for name, value in vars(kind).items()
        if isinstance(value, stated) and name not in ("__doc__", "__module__", "__firstlineno__")
    }
    return kind.__qualname__, kind.__bases__, held


def _parts_of_object(value):
    try:
        if type(value) is object or isinstance(value, python_types.ModuleType):
            raise TypeError
        reduced = value.__reduce_ex__(4)  # as pickle sees it
    except (TypeError, ValueError, AttributeError):
        raise Unstatable(
            f"{value!r:.200} of type {type(value).__name__} cannot be written down; give numbers, "
            "text, arrays, functions, or lists and dicts of them."
        ) from None
    if isinstance(reduced, str):
        return [reduced]
    made_by, arguments, *state = reduced
    return [
        made_by,
        arguments,
        *(list(part) if hasattr(part, "__next__") else part for part in state),
    ]
