"""From a function for one particle to machine code for WIDTH of them.

The engine always compiles from the Python function, with its own flags, and so does it with every
helper (plain functions and numba dispatchers alike): `fastmath` or a `cache` of the user's cannot
slip in. Whatever is compiled is kept under its content: what changed is compiled afresh."""

import math
import re
import traceback
import types as python_types
import warnings
from functools import cache

import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.errors import NumbaError

from .bits import JIT, inlined
from .compile_cache import kept
from .functions import content, copied, is_helper, plain, source_line
from .lanes import WIDTH, LanesType, floats, single, teach
from .rules import check_function
from .views import GatheredRowType, ViewType, column_type

RULES = (
    "A function for particles may use x[k] with k < len(x), len(x), loops, + - * /, helpers of the "
    "same kind and the functions of langevin_sgd.kernels.elementary; no slices, no numpy functions "
    "on views, no ** (write x*x, or elementary.powi), no `if` on x (use elementary.where)."
)
_by_content = {}  # content of a function -> its dispatcher


def compiled(function):
    """`function` and its helpers as a numba dispatcher with the engine's flags, the same one for
    the same content; in interpreted mode the function itself."""
    function = plain(function)
    if not JIT:
        return function
    key = content(function, special=_in_this_process)
    if key not in _by_content:
        frozen = copied(function, _frozen)
        _by_content[key] = inlined(frozen)
    return _by_content[key]


def _in_this_process(value):
    """What numba takes for a constant counts by its content, any other object by its identity."""
    if hasattr(value, "py_func"):
        return (plain(value),)
    constants = tuple, list, dict, np.generic, np.ndarray, python_types.CodeType
    stated = isinstance(value, (*constants, python_types.FunctionType))
    return None if stated else (id(value),)


def _frozen(value):
    """What a compiled function reads: helpers compiled, and arrays that nobody can change."""
    if is_helper(value):
        return compiled(value)
    if isinstance(value, np.ndarray):
        value = value.copy("K")
        value.setflags(write=False)
    return value


def lane_of_each(arguments, lane):
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


teach(lane_of_each, _lane_types, _lane_starts)


def _lane_by_lane(function, written):
    """`function(p, ...)` for a group of particles, one after the other; `written` numbers of its
    last view are nan before, so that what a branch leaves out is not what was there."""

    def each(p, *arguments):
        for lane in range(WIDTH):
            views = lane_of_each(arguments, lane)
            for k in range(written):
                views[-1][k] = math.nan
            function(p, *views)

    return inlined(each)


def _in_one_lane(kind):
    if isinstance(kind, ViewType) and isinstance(kind.element, LanesType):
        wide = ViewType("column", kind.dim, kind.stride, types.float64, kind.number)
        return wide if kind.element == floats else column_type(kind.dim, kind.number)
    if isinstance(kind, GatheredRowType):
        return ViewType(
            "row", kind.dim, 1, single if kind.number == types.float32 else types.float64
        )
    return kind


def for_lanes(function, label, kinds, written=0):
    """Compile a function for lanes, or where it branches on x, to run one particle after the other.

    Parameters
    ----------
    function : callable
        Its first argument is the parameter tuple.
    label : str
        How messages name it.
    kinds : tuple of numba types
        Types of its arguments (parameters, then views).
    written : int
        So many numbers at the start of the last view are its result.

    Returns
    -------
    (callable, str)
        A function of the same arguments, and the path it takes: "lanes", "column" or "interpreted".

    Raises
    ------
    TypeError
        If it compiles in neither way; the message shows the user's line.
    """
    if not JIT:
        return plain(function), "interpreted"
    return _for_lanes(kept(compiled(function)), label, kinds, written)


def for_threads(function, label, kinds, written=0):
    """As `for_lanes`, for a GPU, each of whose threads moves one particle: any function may branch
    on x. It is compiled with the kernel that calls it."""
    check_function(function, label)
    return compiled(function), "thread" if JIT else "interpreted"


def not_for_gpu(functions, error):
    """What to say if a kernel that calls `functions`, by their labels, does not compile for a GPU:
    which of them numba-cuda was at, and why."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    met = {_home(value) for frame in frames for value in frame.f_locals.values()}
    at = [
        label
        for label, each in functions.items()
        if _home(each) in met or _is_named(each, str(error))
    ] or list(functions)
    place, reason = _place_and_reason(functions[at[0]], error)
    return (
        f"{' or '.join(at)} does not compile for target='cuda'.\n{place}\n{reason}\n{RULES} "
        "Or pass target='cpu'."
    )


def _is_named(function, text):
    """Whether numba's text names a line of a function."""
    code = plain(function).__code__
    file, lines = code.co_filename.rsplit("/", 1)[-1], {line for *_, line in code.co_lines()}
    places = re.findall(rf'File "[^"]*{re.escape(file)}", line (\d+)', text)
    return any(int(place) in lines for place in places)


def _home(value):
    """File and first line of a function, compiled or not; None for anything else."""
    code = getattr(getattr(value, "py_func", value), "__code__", None)
    known = isinstance(code, python_types.CodeType)
    return (code.co_filename, code.co_firstlineno) if known else None


@cache
def _for_lanes(function, label, kinds, written):
    check_function(function, label)  # which may have changed since the record was made
    try:
        function.compile(kinds)
        return function, "lanes"
    except NumbaError as error:
        in_lanes = error
    try:
        function.compile(tuple(_in_one_lane(kind) for kind in kinds))
    except NumbaError as error:
        place, reason = _place_and_reason(function, error)
        raise TypeError(f"{label} does not compile.\n{place}\n{reason}\n{RULES}") from None
    place, reason = _place_and_reason(function, in_lanes)
    message = (
        f"{label} runs one particle at a time, at a fraction of the speed: it does not compile for "
        f"lanes.\n{place}\n{reason}\n{RULES}"
    )
    warnings.warn(message, stacklevel=3)
    return _lane_by_lane(function, written), "column"


_NOISE = ("Failed in", "During:", "File ", "<source elided>", "^", "- Resolution", "There are")
_NOISE += ("This error", "Enable", "-")


def _place_and_reason(function, error):
    """The user's line and numba's reason, not numba's eighty lines."""
    lines = [line.strip() for line in str(error).splitlines()]
    code = plain(function).__code__
    file = code.co_filename.rsplit("/", 1)[-1]
    places = [line for line in lines if line.startswith("File ") and file in line]
    number = int(places[-1].rstrip(":").rsplit(" ", 1)[-1]) if places else code.co_firstlineno
    told = (line for line in lines if line and not line.startswith(_NOISE))
    reason = next(told, "no reason given")
    if reason.endswith("signature:"):
        reason += next((line[3:] for line in lines if line.startswith(">>> ")), "")
    return source_line(function, number), f"numba: {reason}"
