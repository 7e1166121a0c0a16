"""A function that branches on x, and so cannot run in lanes: one particle of a group after the
other."""

import math

from numba import types
from numba.core import cgutils

from .bits import inlined
from .lanes import WIDTH, LanesType, floats, teach
from .views import GatheredRowType, ViewType, column_type, scalar_of


def lane_of_each(arguments, lane):
    """One lane of each view in a tuple; numbers, and rows for all lanes, are handed on as they are.
    In interpreted Python a view has one lane only."""
    return arguments


def _lane_types(arguments, lane):
    return types.BaseTuple.from_types(tuple(in_one_lane(kind) for kind in arguments))


def _lane_start(builder, kind, value, lane):
    if isinstance(kind, GatheredRowType):
        index = builder.load(builder.gep(builder.extract_value(value, 1), [lane], inbounds=True))
        return builder.gep(
            builder.extract_value(value, 0),
            [builder.mul(index, index.type(kind.dim))],
            inbounds=True,
        )
    return value if in_one_lane(kind) == kind else builder.gep(value, [lane], inbounds=True)


def _lane_starts(context, builder, sig, args):
    values = cgutils.unpack_tuple(builder, args[0])
    starts = [
        _lane_start(builder, kind, value, args[1])
        for kind, value in zip(sig.args[0], values, strict=True)
    ]
    return context.make_tuple(builder, sig.return_type, starts)


teach(lane_of_each, _lane_types, _lane_starts)


def lane_by_lane(function, written):
    """`function(p, ...)` for a group of particles, one after the other; `written` numbers of its
    last view are nan before, so that what a branch leaves out is not what was there."""

    def each(p, *arguments):
        for lane in range(WIDTH):
            views = lane_of_each(arguments, lane)
            for k in range(written):
                views[-1][k] = math.nan
            function(p, *views)

    return inlined(each)


def in_one_lane(kind):
    """The type of one lane of an argument of this type."""
    if isinstance(kind, ViewType) and isinstance(kind.element, LanesType):
        wide = ViewType("column", kind.dim, kind.stride, types.float64, kind.number)
        return wide if kind.element == floats else column_type(kind.dim, kind.number)
    if isinstance(kind, GatheredRowType):
        return ViewType("row", kind.dim, 1, scalar_of(kind.number))
    return kind
