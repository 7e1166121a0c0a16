"""A *text* is the plain Python function a user writes for one particle. This module checks it and
compiles it for lanes.

The engine always compiles from the Python function, with its own flags, and so does it with every
helper the text calls (plain functions and numba dispatchers alike): `fastmath` or a `cache` of the
user's cannot slip in."""

import dis
import linecache
import types as python_types
import warnings
from functools import cache

import numba
from numba import types
from numba.core import cgutils
from numba.core.errors import NumbaError

from .bits import JIT, OPTIONS
from .compile_cache import kept
from .lanes import WIDTH, LanesType, floats, single, teach
from .views import GatheredRowType, ViewType, column_type

RULES = (
    "A text may use x[k] with k < len(x), len(x), loops, + - * /, helpers of the same kind and "
    "the functions of "
    "langevin_sgd.kernels.elementary; no slices, no numpy functions on views, no ** (write x*x, "
    "or elementary.powi), "
    "no `if` on x (use elementary.where)."
)


def plain(function):
    """The Python function behind `function`, which may be a numba dispatcher."""
    return getattr(function, "py_func", function)


def source_line(function, number):
    """'file.py, line 12:\\n    the text of that line'."""
    name = plain(function).__code__.co_filename
    return f"{name}, line {number}:\n    {linecache.getline(name, number).strip() or '(source not available)'}"


def check_text(function, label):
    """Refuse what is not a function, and three things in it or in a helper: `**`, whose bits differ
    between interpreted and compiled code; recursion; a helper that is reached through a module, for
    it would keep the flags it was compiled with."""
    if not isinstance(plain(function), python_types.FunctionType):
        raise TypeError(
            f"{label} must be a plain Python function (or one with bare @njit), got {function!r}."
        )
    _check(plain(function), label, ())


def _check(function, label, callers):
    if function in callers:
        raise ValueError(f"{label} calls itself through {function.__name__}(). Write a loop.")
    scope = function.__globals__
    for code in _codes(function.__code__):
        number, held = None, None
        for instruction in dis.get_instructions(code):
            number = instruction.starts_line if isinstance(instruction.starts_line, int) else number
            if instruction.opname == "BINARY_OP" and instruction.argrepr.startswith("**"):
                raise ValueError(
                    f"{label} uses **. Write x*x, or elementary.powi(x, "
                    f"n).\n{source_line(function, number)}"
                )
            name, module = (
                instruction.argval,
                held if isinstance(held, python_types.ModuleType) else None,
            )
            held = (
                getattr(module, name, None)
                if module and instruction.opname in ("LOAD_ATTR", "LOAD_METHOD")
                else None
            )
            if _helper(held):
                raise ValueError(
                    f"{label} calls {module.__name__}.{name}. Write: from {module.__name__} "
                    f"import {name}."
                )
            held = scope.get(name) if instruction.opname == "LOAD_GLOBAL" else held
    named = [scope[name] for name in _names(function.__code__) if name in scope]
    for value in named + [cell.cell_contents for cell in function.__closure__ or ()]:
        if _helper(value):
            _check(plain(value), label, (*callers, function))


def _helper(value):
    return isinstance(plain(value), python_types.FunctionType) and not _ours(value)


def _rebuilt(function, convert):
    """A copy of `function` in which every function that it calls by a global or closure name went
    through `convert`.
    """
    code, scope = function.__code__, dict(function.__globals__)
    for name in _names(code):
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


def _codes(code):
    """`code` and that of the functions defined in it."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, python_types.CodeType):
            yield from _codes(inner)


def _names(code):
    """Names of the globals that `code` reads: not of attributes, for a parameter may be called like
    a function.
    """
    return {
        found.argval
        for each in _codes(code)
        for found in dis.get_instructions(each)
        if found.opname == "LOAD_GLOBAL"
    }


def _ours(function):
    return (getattr(function, "__module__", "") or "").startswith(__package__ + ".")


@cache
def compiled(function):
    """`function` and its helpers as a numba dispatcher with the engine's flags; in interpreted mode
    the function itself.
    """

    def convert(value):
        return compiled(plain(value)) if _helper(value) else value

    return (
        numba.njit(**OPTIONS, forceinline=True)(_rebuilt(plain(function), convert))
        if JIT
        else plain(function)
    )


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
    return interpreted(plain(value)) if hasattr(value, "py_func") or _helper(value) else value


@cache
def interpreted(function):
    """`function` with every compiled helper replaced by its Python text: the exact, slow twin;
    nothing is compiled.
    """
    return _rebuilt(plain(function), _interpreted_value)


def lanes_of(arguments, lane):
    """One lane of each view in a tuple; numbers, and rows for all lanes, are handed on as they are.
    In interpreted Python a view has one lane only."""
    return arguments


def _lane_types(arguments, lane):
    return types.BaseTuple.from_types(tuple(_in_one_lane(kind) for kind in arguments))


def _lane_start(builder, kind, value, lane):
    if isinstance(kind, GatheredRowType):
        index = builder.load(builder.gep(builder.extract_value(value, 1), [lane], inbounds=True))
        return builder.gep(
            builder.extract_value(value, 0),
            [builder.mul(index, index.type(kind.dim))],
            inbounds=True,
        )
    return value if _in_one_lane(kind) == kind else builder.gep(value, [lane], inbounds=True)


def _lane_starts(context, builder, sig, args):
    values = cgutils.unpack_tuple(builder, args[0])
    starts = [
        _lane_start(builder, kind, value, args[1])
        for kind, value in zip(sig.args[0], values, strict=True)
    ]
    return context.make_tuple(builder, sig.return_type, starts)


teach(lanes_of, _lane_types, _lane_starts)


def _lane_by_lane(text):
    """`text(p, ...)` for a group of particles, one after the other."""

    def each(p, *arguments):
        for lane in range(WIDTH):
            text(p, *lanes_of(arguments, lane))

    return numba.njit(**OPTIONS, forceinline=True)(each)


def _in_one_lane(kind):
    if isinstance(kind, ViewType) and isinstance(kind.element, LanesType):
        wide = ViewType("column", kind.dim, kind.stride, types.float64, kind.number)
        return wide if kind.element == floats else column_type(kind.dim, kind.number)
    if isinstance(kind, GatheredRowType):
        return ViewType(
            "row", kind.dim, 1, single if kind.number == types.float32 else types.float64
        )
    return kind


def _compile_error(function, label, error):
    """The user's line and numba's reason, not numba's eighty lines."""
    lines = [line.strip() for line in str(error).splitlines()]
    name = plain(function).__code__.co_filename
    places = [
        line for line in lines if line.startswith("File ") and name.rsplit("/", 1)[-1] in line
    ]
    number = (
        int(places[-1].rstrip(":").rsplit(" ", 1)[-1])
        if places
        else plain(function).__code__.co_firstlineno
    )
    noise = (
        "Failed in",
        "During:",
        "File ",
        "<source elided>",
        "^",
        "- Resolution",
        "There are",
        "This error",
        "Enable",
        "-",
    )
    reason = next(
        (line for line in lines if line and not line.startswith(noise)), "no reason given"
    )
    if reason.endswith("signature:"):
        reason = f"{reason} {next((line[4:] for line in lines if line.startswith('>>> ')), '')}"
    return TypeError(
        f"{label} does not compile.\n{source_line(function, number)}\nnumba: {reason}\n{RULES}"
    )


@cache
def for_lanes(function, label, kinds):
    """Compile a text for lanes, or where it branches on x, to run one particle after the other.

    Parameters
    ----------
    function : callable
        The text. Its first argument is the parameter tuple.
    label : str
        How messages name it.
    kinds : tuple of numba types
        Types of its arguments (parameters, then views).

    Returns
    -------
    (callable, str)
        A function of the same arguments, and the path it takes: "lanes", "column" or "interpreted".

    Raises
    ------
    TypeError
        If it compiles in neither way; the message shows the user's line.
    """
    text = kept(compiled(function))
    if not JIT:
        return text, "interpreted"
    try:
        text.compile(kinds)
        return text, "lanes"
    except NumbaError as error:
        in_lanes = error
    try:
        text.compile(tuple(_in_one_lane(kind) for kind in kinds))
    except NumbaError as error:
        raise _compile_error(function, label, error) from None
    reason = str(_compile_error(function, label, in_lanes)).split("\n", 1)[1]
    message = f"{label} runs one particle at a time, at a fraction of the speed: it does not compile for lanes.\n{reason}"
    warnings.warn(message, stacklevel=2)
    return _lane_by_lane(text), "column"
