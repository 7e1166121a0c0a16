"""A Python function as data: what it reads, the SHA-256 of all that decides what it does, a copy.

A *function* is what a user writes for one particle, a *helper* a function of the user's that it
calls. What a function *reads* is what stands at its global and closure names and, of a module
there, at the attributes that it names. Its *content* is its code, its defaults and the content of
all that it reads. Whoever keeps something that was made from a function (machine code, a result, a
run folder) keeps it under the content: then a changed global, helper or array, a swapped
`__code__` and a source that was edited after its import all count, and line numbers do not."""

import builtins
import dis
import linecache
import sys
import types as python_types
from collections.abc import Callable
from functools import cache, partial
from hashlib import sha256
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

MISSING = object()  # what stands at a name that is not there
_GLOBAL = "LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"
_CLOSURE = "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"
_OF_CODE = (
    *("co_code", "co_consts", "co_names", "co_varnames", "co_freevars", "co_cellvars"),
    *("co_flags", "co_exceptiontable", "co_argcount", "co_posonlyargcount", "co_kwonlyargcount"),
)
_ATOMS = bool, int, float, complex, str, bytes, type(None), type(...)
_FIXED = "builtins", "math", "cmath", "operator", "_operator", "numpy", "numba"  # by their versions


class Unstatable(TypeError):
    """Something of which the content cannot be stated for sure."""


class Read(NamedTuple):
    """What a function finds at a name outside, and where it asks."""

    path: str  # a name, or a module's name with attributes: "math.pi"
    value: Any  # MISSING if nothing is there
    module: str  # name of the module whose attribute it is, "" if it is none's
    line: int


def plain(function):
    """The Python function behind `function`, which may be a numba dispatcher."""
    return getattr(function, "py_func", function)


def source_line(function, number):
    """Where a function's line is, as "file.py, line 12:", and below that what stands there."""
    name = plain(function).__code__.co_filename
    line = linecache.getline(name, number).strip()
    return f"{name}, line {number}:\n    {line or '(source not available)'}"


def is_helper(value):
    """True for a function that is neither of `kernels` nor of a library."""
    module = getattr(value, "__module__", None) or ""
    return isinstance(plain(value), python_types.FunctionType) and not is_fixed(module)


def is_fixed(module):
    """True for the name of a module whose functions do not change while a process runs."""
    return module.split(".")[0] in _FIXED or f"{module}.".startswith(__package__ + ".")


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


# ---- what a function reads -----------------------------------------------------------------------


def codes_of(code):
    """`code` and that of the functions defined in it."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, python_types.CodeType):
            yield from codes_of(inner)


@cache
def _lookups(code):
    """(how, names, line) of each look at something outside `code` and the functions in it."""
    found = []
    for each in codes_of(code):
        names = None
        for seen in dis.get_instructions(each):
            if seen.opname in (*_GLOBAL, *_CLOSURE, "IMPORT_NAME"):
                names = [seen.argval]
                found.append((seen.opname, names, seen.positions.lineno))
            elif seen.opname in ("LOAD_ATTR", "LOAD_METHOD") and names:
                names.append(seen.argval)
            elif seen.opname != "EXTENDED_ARG":
                names = None
    return found


def reads(function):
    """All that a function reads, in the order in which its code asks, as a list of `Read`."""
    scope, held = function.__globals__, _closure(function)
    found = []
    for how, (name, *attributes), line in _lookups(function.__code__):
        if how in _CLOSURE and name not in held:
            continue  # a variable that it shares with a function in it
        if how == "IMPORT_NAME":
            value = _imported(name)
        elif how in _CLOSURE:
            value = held[name]
        else:
            value = scope.get(name, getattr(builtins, name, MISSING))
        module = ""
        for attribute in attributes:
            if not isinstance(value, python_types.ModuleType):
                break
            module = value.__name__
            name, value = f"{name}.{attribute}", getattr(value, attribute, MISSING)
        found.append(Read(name, value, module, line))
    return found


def _closure(function):
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return {name: _held(cell) for name, cell in cells}


def _held(cell):
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return MISSING


def _imported(name):
    try:
        return import_module(name)
    except (ImportError, ValueError):
        return MISSING


def _named_in(module, function):
    """The attributes of a module that a function may take: those of a name in its code."""
    names = set().union(*(code.co_names for code in codes_of(function.__code__)))
    return {name: value for name, value in vars(module).items() if name in names}


# ---- content -------------------------------------------------------------------------------------


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
            taken = {} if trusted(name) else _named_in(read.value, function)
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


# ---- copies --------------------------------------------------------------------------------------


def copied(function, convert=lambda value: value):
    """A copy of a function, in which whatever it reads went through `convert`; of a module that
    could change, the copy holds what the function may take from it."""

    def converted(value):
        if not isinstance(value, python_types.ModuleType):
            return convert(value)
        if value.__name__.split(".")[0] in _FIXED:
            return value
        taken = python_types.ModuleType(value.__name__)
        named = _named_in(value, function).items()
        vars(taken).update({name: converted(each) for name, each in named})
        return taken

    code, scope = function.__code__, function.__globals__
    names = {names[0] for how, names, _ in _lookups(code) if how in _GLOBAL}
    cells = tuple(
        cell if _held(cell) is MISSING else python_types.CellType(converted(_held(cell)))
        for cell in function.__closure__ or ()
    )
    copy = python_types.FunctionType(
        code,
        {name: converted(scope[name]) for name in names & scope.keys()}
        | {"__builtins__": builtins, "__name__": function.__module__},
        function.__name__,
        function.__defaults__,
        cells,
    )
    for name in ("__kwdefaults__", "__module__", "__qualname__"):
        setattr(copy, name, getattr(function, name))
    return copy


def interpreted(function):
    """`function` with every compiled helper replaced by its Python function: the exact, slow twin;
    nothing is compiled."""
    return copied(plain(function), _interpreted_value)


def _interpreted_value(value):
    if is_helper(value):
        return interpreted(value)
    return _interpreted_kernel(value) if hasattr(value, "py_func") else value


@cache
def _interpreted_kernel(function):
    return interpreted(function)
