"""Functions that kernels call and do not swallow: compiled once per process, whatever the number of
kernels.

numba copies the code of everything a kernel calls into it and optimises it there again. For the
random numbers and the book-keeping, which are the same in every kernel, that would cost seconds for
each new model."""

from functools import cache
from hashlib import sha256

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.core.ccallback import CFunc

from .bits import JIT
from .compile_cache import kept
from .functions import plain
from .lanes import teach


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
