"""From one precision to the other: what `bits` says of it, taught to numba, lanes and scalars."""

from llvmlite import ir
from numba import types

from . import bits
from .lanes import (
    LLVM,
    SCALARS,
    LanesType,
    broadcast,
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


teach(bits.as_double, _double_type, _converted)
teach(bits.as_single, _single_type, _converted)
teach(bits.like, _like_type, _converted)


def _low_word(context, builder, sig, args):
    if sig.return_type == int32:
        return broadcast(builder, builder.trunc(args[0], ir.IntType(32)), LLVM[int32])
    return builder.trunc(args[0], LLVM[ints32])


def _to_single(instruction):
    return lambda context, builder, sig, args: getattr(builder, instruction)(
        args[0], LLVM[sig.return_type]
    )


teach(bits.low_word, {words: ints32, types.uint64: int32}.get, _low_word)
teach(bits.signed_single, {ints32: singles, int32: single}.get, _to_single("sitofp"))
teach(bits.unsigned_single, {ints32: singles, int32: single}.get, _to_single("uitofp"))
