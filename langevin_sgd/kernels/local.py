"""Numbers that live as long as a call, so that LLVM keeps them in registers; parts of views; whole
numbers; rare branches.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from .lanes import floats, ints, teach
from .views import ViewType, view_type


def local(dim, like):
    """A view of `dim` uninitialised components in the precision of `like`, a flat or a view.

    Valid until the kernel returns, and the same one in every round of a loop.
    """
    return np.empty(dim, like.dtype)


def _local_type(dim, like):
    return (
        view_type(dim.literal_value, like.number) if isinstance(dim, types.IntegerLiteral) else None
    )


def _allocate(context, builder, sig, args):
    kind = sig.return_type
    numbers = ir.ArrayType(context.get_value_type(kind.number), max(1, kind.dim * kind.stride))
    place = cgutils.alloca_once(builder, numbers)
    place.align = 64
    return builder.bitcast(place, context.get_value_type(kind))


teach(local, _local_type, _allocate)


def part(v, start, count):
    """View of `count` components of the view `v` from component `start` on."""
    return v[start : start + count]


def _part_type(v, start, count):
    if isinstance(v, ViewType) and isinstance(count, types.IntegerLiteral):
        return ViewType(v.kind, count.literal_value, v.stride, v.element, v.number)


def _part(context, builder, sig, args):
    first = context.cast(builder, args[1], sig.args[1], types.intp)
    return builder.gep(args[0], [builder.mul(first, first.type(sig.args[0].stride))], inbounds=True)


teach(part, _part_type, _part)


def whole(x):
    """The float `x` cut to a whole number, int64."""
    return np.int64(x)


def _cut(context, builder, sig, args):
    return builder.fptosi(args[0], context.get_value_type(ints))


teach(whole, lambda x: ints if x == floats else None, _cut)


def unlikely(condition):
    """The boolean `condition`, which LLVM is told to expect false: the usual way then pays nothing
    for the calls of the other.
    """
    return bool(condition)


def _expected(context, builder, sig, args):
    bit = ir.IntType(1)
    expect = builder.module.declare_intrinsic(
        "llvm.expect", (bit,), ir.FunctionType(bit, [bit, bit])
    )
    return builder.call(
        expect, [context.cast(builder, args[0], sig.args[0], types.boolean), bit(0)]
    )


teach(
    unlikely,
    lambda condition: (
        types.boolean if isinstance(condition, (types.Boolean, types.Integer)) else None
    ),
    _expected,
)
