"""From one precision to the other, and what numba is taught of it, of lanes and scalars."""

from functools import wraps

import numpy as np
from numba import types

from .bits import any_single, kernel
from .lanes import (
    SCALARS,
    LanesType,
    first_of,
    floats,
    int32,
    ints32,
    resized,
    single,
    singles,
    teach,
    words,
)
from .single_precision import Single, rounded


def as_double(x):
    """A number in float64, exactly.

    Parameters
    ----------
    x : float, or one of each lane
        In either precision.

    Returns
    -------
    float
        `x` in float64.

    Examples
    --------
    >>> print(f"{ls.elementary.as_double(np.float32(0.1)) - 0.1:.3e}")  # float32 was rounded
    1.490e-09
    """
    return np.float64(x)


def as_single(x):
    """A number rounded to float32, as everything is that meets it then.

    Parameters
    ----------
    x : float, or one of each lane
        In either precision.

    Returns
    -------
    float32
        `x` in float32.

    Examples
    --------
    >>> third = ls.elementary.as_single(1.0) / 3.0
    >>> print(f"{float(third) - 1 / 3:.1e}")  # half a unit of float32 is 1.5e-8
    9.9e-09
    """
    return Single(rounded(x))


def like(x, y):
    """The float64 `x`, rounded to float32 if `y` is a single."""
    return as_single(x) if any_single(y) else x


def low_word(w):
    """The low 32 bits of the uint64 `w` as an int32."""
    return np.uint32(int(w) & 0xFFFFFFFF).view(np.int32)


def signed_single(i):
    """The int32 `i` rounded to a single."""
    return Single(i)


def unsigned_single(i):
    """The int32 `i`, read as a uint32, rounded to a single."""
    return Single(i.view(np.uint32))


# ---- taught to numba -----------------------------------------------------------------------------


def _double_type(x):
    scalar = types.float64 if x == single or isinstance(x, SCALARS) else None
    return {floats: floats, singles: floats}.get(x, scalar)


def _single_type(x):
    lone = single if x == single or isinstance(x, SCALARS) else None
    return {floats: singles, singles: singles}.get(x, lone)


def _like_type(x, y):
    if y in (singles, single):
        return _single_type(x)
    return x if y == floats or isinstance(x, SCALARS) and isinstance(y, SCALARS) else None


def convert(context, builder, given, wanted, value):
    """`value` of the type `given`, lanes or scalar, in the precision of `wanted`."""
    if given == wanted or not isinstance(given, LanesType):
        return context.cast(builder, value, given, wanted)
    if isinstance(wanted, LanesType):
        return resized(builder, value, wanted.number)
    return resized(builder, first_of(builder, value), context.get_value_type(wanted))


def _converted(context, builder, sig, args):
    return convert(context, builder, sig.args[0], sig.return_type, args[0])


teach(as_double, _double_type, _converted)
teach(as_single, _single_type, _converted)
teach(like, _like_type, _converted)


def _by(instruction):
    return lambda context, builder, sig, args: getattr(builder, instruction)(
        args[0], context.get_value_type(sig.return_type)
    )


teach(low_word, {words: ints32, types.uint64: int32}.get, _by("trunc"))
teach(signed_single, {ints32: singles, int32: single}.get, _by("sitofp"))
teach(unsigned_single, {ints32: singles, int32: single}.get, _by("uitofp"))


# ---- computed in float64 whatever is given -------------------------------------------------------


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
