"""A Python function as data: what it reads, and a copy that reads something else.

A *function* is what a user writes for one particle, a *helper* a function of the user's that it
calls. What a function *reads* is what stands at its global and closure names and, of a module
there, at the attributes that it names."""

import builtins
import dis
import linecache
import types as python_types
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

MISSING = object()  # what stands at a name that is not there
_GLOBAL = "LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"
_CLOSURE = "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"
_FIXED = "builtins", "math", "cmath", "operator", "_operator", "numpy", "numba"  # by their versions


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


def is_ours(function):
    """True for a function of this package, which tests have looked at."""
    home = plain(function).__module__ or ""  # none where exec made it
    return home.startswith(__package__.split(".")[0] + ".")


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


def named_in(module, function):
    """The attributes of a module that a function may take: those of a name in its code."""
    names = set().union(*(code.co_names for code in codes_of(function.__code__)))
    return {name: value for name, value in vars(module).items() if name in names}


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
        named = named_in(value, function).items()
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
