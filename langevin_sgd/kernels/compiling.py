"""A *text* is the plain Python function a user writes for one particle. This module checks it and
compiles it for lanes.

The engine always compiles from the Python function, with its own flags, and so does it with every
helper the text calls (plain functions and numba dispatchers alike): `fastmath` or a `cache` of the
user's cannot slip in."""

import warnings
from functools import cache

import numba
from numba import types
from numba.core import cgutils
from numba.core.errors import NumbaError

from .bits import JIT, OPTIONS
from .compile_cache import kept
from .functions import is_helper, plain, rebuilt_function, source_line
from .lanes import WIDTH, LanesType, floats, single, teach
from .views import GatheredRowType, ViewType, column_type

RULES = (
    "A text may use x[k] with k < len(x), len(x), loops, + - * /, helpers of the same kind and "
    "the functions of "
    "langevin_sgd.kernels.elementary; no slices, no numpy functions on views, no ** (write x*x, "
    "or elementary.powi), "
    "no `if` on x (use elementary.where)."
)


@cache
def compiled(function):
    """`function` and its helpers as a numba dispatcher with the engine's flags; in interpreted mode
    the function itself.
    """

    def convert(value):
        return compiled(plain(value)) if is_helper(value) else value

    return (
        numba.njit(**OPTIONS, forceinline=True)(rebuilt_function(plain(function), convert))
        if JIT
        else plain(function)
    )


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
