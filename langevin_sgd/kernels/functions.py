"""Python functions as data: what one reads, a copy of it, its interpreted twin."""

import dis
import linecache
import types as python_types
from functools import cache


def plain(function):
    """The Python function behind `function`, which may be a numba dispatcher."""
    return getattr(function, "py_func", function)


def source_line(function, number):
    """'file.py, line 12:\\n    the text of that line'."""
    name = plain(function).__code__.co_filename
    return f"{name}, line {number}:\n    {linecache.getline(name, number).strip() or '(source not available)'}"


def is_helper(value):
    return isinstance(plain(value), python_types.FunctionType) and not _ours(value)


def rebuilt_function(function, convert):
    """A copy of `function` in which every function that it calls by a global or closure name went
    through `convert`.
    """
    code, scope = function.__code__, dict(function.__globals__)
    for name in globals_read(code):
        if name in scope:
            scope[name] = convert(scope[name])
    cells = tuple(
        python_types.CellType(convert(cell.cell_contents)) for cell in function.__closure__ or ()
    )
    copy = python_types.FunctionType(code, scope, function.__name__, function.__defaults__, cells)
    copy.__kwdefaults__, copy.__module__, copy.__qualname__ = (
        function.__kwdefaults__,
        function.__module__,
        function.__qualname__,
    )
    return copy


def codes_of(code):
    """`code` and that of the functions defined in it."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, python_types.CodeType):
            yield from codes_of(inner)


def globals_read(code):
    """Names of the globals that `code` reads: not of attributes, for a parameter may be called like
    a function.
    """
    return {
        found.argval
        for each in codes_of(code)
        for found in dis.get_instructions(each)
        if found.opname == "LOAD_GLOBAL"
    }


def _ours(function):
    return (getattr(function, "__module__", "") or "").startswith(__package__ + ".")


class _InterpretedModule:
    def __init__(self, module):
        self._module = module

    def __getattr__(self, name):
        return _interpreted_value(getattr(self._module, name))


def _interpreted_value(value):
    if isinstance(value, python_types.ModuleType) and value.__name__.startswith(
        __package__.split(".")[0]
    ):
        return _InterpretedModule(value)
    return interpreted(plain(value)) if hasattr(value, "py_func") or is_helper(value) else value


@cache
def interpreted(function):
    """`function` with every compiled helper replaced by its Python text: the exact, slow twin;
    nothing is compiled.
    """
    return rebuilt_function(plain(function), _interpreted_value)
