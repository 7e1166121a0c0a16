"""From a function for one particle to machine code for WIDTH of them.

The engine always compiles from the Python function, with its own flags, and so does it with every
helper (plain functions and numba dispatchers alike): `fastmath` or a `cache` of the user's cannot
slip in. Whatever is compiled is kept under its content: what changed is compiled afresh."""

import types as python_types
import warnings
from functools import cache
from hashlib import sha256

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.core.ccallback import CFunc
from numba.core.errors import NumbaError

from .bits import JIT, inlined
from .compile_cache import CodeCache
from .function_content import content
from .functions import copied, is_helper, plain, source_line
from .lane_by_lane import in_one_lane, lane_by_lane
from .lanes import teach
from .rules import check_function

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


@cache
def _for_lanes(function, label, kinds, written):
    check_function(function, label)  # which may have changed since the record was made
    try:
        function.compile(kinds)
        return function, "lanes"
    except NumbaError as error:
        in_lanes = error
    try:
        function.compile(tuple(in_one_lane(kind) for kind in kinds))
    except NumbaError as error:
        raise TypeError(refusal(f"{label} does not compile.", function, error)) from None
    slow = f"{label} runs one particle at a time, at a fraction of the speed: it does not compile "
    warnings.warn(refusal(f"{slow}for lanes.", function, in_lanes), stacklevel=3)
    return lane_by_lane(function, written), "column"


_NOISE = ("Failed in", "During:", "File ", "<source elided>", "^", "- Resolution", "There are")
_NOISE += ("This error", "Enable", "-")


def refusal(what, function, error):
    """A message: `what`, the user's line and numba's reason, not numba's eighty lines."""
    lines = [line.strip() for line in str(error).splitlines()]
    code = plain(function).__code__
    file = code.co_filename.rsplit("/", 1)[-1]
    places = [line for line in lines if line.startswith("File ") and file in line]
    number = int(places[-1].rstrip(":").rsplit(" ", 1)[-1]) if places else code.co_firstlineno
    told = (line for line in lines if line and not line.startswith(_NOISE))
    reason = next(told, "no reason given")
    if reason.endswith("signature:"):
        reason += next((line[3:] for line in lines if line.startswith(">>> ")), "")
    return f"{what}\n{source_line(function, number)}\nnumba: {reason}\n{RULES}"


# ---- kept between processes ----------------------------------------------------------------------


def kept(compiled):
    """Let a function look for its machine code in the cache before it compiles, and leave it there
    afterwards.

    Parameters
    ----------
    compiled : numba dispatcher or C function
        In interpreted mode a plain function, which stays as it is.

    Returns
    -------
    The same object.

    Notes
    -----
    Symbols that the code needs (see `linked`) are there when it is loaded: its key is made from
    the C functions behind them."""
    if JIT and not isinstance(compiled._cache, CodeCache):
        compiled._cache = CodeCache(compiled)
    return compiled


# ---- functions that kernels call and do not swallow ----------------------------------------------

# numba copies the code of everything a kernel calls into it and optimises it there again. For the
# random numbers and the book-keeping, which are the same in every kernel, that would cost seconds
# for each new model.


@cache
def _link(function, arguments):
    # "numpy": nothing raises, for an exception could not cross the call.
    code = kept(CFunc(plain(function), (arguments, types.void), {}, {"error_model": "numpy"}))
    code.compile()
    kinds = sha256(str(arguments).encode()).hexdigest()[:8]
    name = f"{function.__module__}.{function.__name__}.{kinds}"
    binding.add_symbol(name, code.address)

    def call(*args):
        return code  # which must live as long as its symbol

    def emit(context, builder, sig, args):
        form = ir.FunctionType(ir.VoidType(), [context.get_value_type(kind) for kind in arguments])
        values = [
            _handed(context, builder, *each) for each in zip(args, sig.args, arguments, strict=True)
        ]
        builder.call(cgutils.get_or_insert_function(builder.module, form, name), values)
        return context.get_dummy_value()

    teach(call, lambda *given: types.none if len(given) == len(arguments) else None, emit)
    call.behind = function
    return call


def _handed(context, builder, value, given, wanted):
    """A value as the function wants it; a tuple number by number, whatever names it has."""
    if not isinstance(wanted, types.BaseTuple):
        return context.cast(builder, value, given, wanted)
    parts = zip(cgutils.unpack_tuple(builder, value), given, wanted, strict=True)
    handed = [_handed(context, builder, *part) for part in parts]
    return context.make_tuple(builder, wanted, handed)


def linked(function, *arguments):
    """`function` (arguments of these numba types, no result) as something a kernel can call; itself
    in interpreted mode.
    """
    return _link(function, arguments) if JIT else plain(function)
