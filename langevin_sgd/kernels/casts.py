"""From one precision to the other. Lanes, a lone single and scalars alike; interpreted Python gives
the same bits.
"""

from functools import wraps

import numpy as np
from numba import types
from numba.extending import overload

from .bits import kernel
from .lanes import LanesType, floats, ints32, resized, single, singles, teach, words
from .python_single import Single, any_single, rounded

_NUMBER = types.Float, types.Integer


def as_double(x):
    """`x` in float64, exactly."""
    return np.float64(x)


def as_single(x):
    """`x` rounded to float32; what meets it is rounded to float32 too."""
    return Single(rounded(x))


def like(x, y):
    """The float64 `x`, rounded to float32 if `y` is a single."""
    return as_single(x) if any_single(y) else x


@overload(as_double, inline="always")
def _(x):
    if isinstance(x, _NUMBER):
        return lambda x: np.float64(x)


@overload(like, inline="always")
def _(x, y):
    if isinstance(x, _NUMBER) and isinstance(y, _NUMBER):
        return lambda x, y: x


def _double_type(x):
    return {floats: floats, singles: floats, single: types.float64}.get(x)


def _single_type(x):
    return {floats: singles, singles: singles}.get(
        x, single if x == single or isinstance(x, _NUMBER) else None
    )


def _like_type(x, y):
    return _single_type(x) if y in (singles, single) else x if y == floats else None


def convert(context, builder, given, wanted, value):
    """`value` of the type `given`, lanes or scalar, in the precision of `wanted`."""
    if given == wanted or not isinstance(given, LanesType):
        return context.cast(builder, value, given, wanted)
    if isinstance(wanted, LanesType):
        return resized(builder, value, context.get_value_type(wanted).element)
    number = builder.extract_element(value, context.get_constant(types.int32, 0))
    return resized(builder, number, context.get_value_type(wanted))


def _converted(context, builder, sig, args):
    return convert(context, builder, sig.args[0], sig.return_type, args[0])


teach(as_double, _double_type, _converted)
teach(as_single, _single_type, _converted)
teach(like, _like_type, _converted)


def _kernel_named(original, function):
    function = wraps(original)(function)
    del function.__wrapped__  # the compiler would read the original's signature
    return kernel(function)


def in_double(original):
    """`original(x)` compiled, and for singles computed in float64 and rounded once."""
    inner = kernel(original)
    return _kernel_named(original, lambda x: like(inner(as_double(x)), x))


def pair_in_double(original):
    """Like `in_double`, for a function that returns two numbers."""
    inner = kernel(original)

    def function(x):
        a, b = inner(as_double(x))
        return like(a, x), like(b, x)

    return _kernel_named(original, function)


def low_word(w):
    """The low 32 bits of the uint64 `w` as an int32."""
    return np.uint32(int(w) & 0xFFFFFFFF).view(np.int32)


def signed_single(i):
    """The int32 `i` rounded to a single."""
    return Single(i)


def unsigned_single(i):
    """The int32 `i`, read as a uint32, rounded to a single."""
    return Single(i.view(np.uint32))


def _to_single(instruction):
    return lambda c, builder, sig, args: getattr(builder, instruction)(
        args[0], c.get_value_type(singles)
    )


teach(
    low_word,
    lambda w: ints32 if w == words else None,
    lambda c, builder, sig, args: builder.trunc(args[0], c.get_value_type(ints32)),
)
teach(signed_single, lambda i: singles if i == ints32 else None, _to_single("sitofp"))
teach(unsigned_single, lambda i: singles if i == ints32 else None, _to_single("uitofp"))
