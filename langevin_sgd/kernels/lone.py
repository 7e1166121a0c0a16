"""From a kernel for groups of WIDTH particles to one for groups of a single particle, as a thread
of a GPU moves them.

The text is the same: `lone(function)` is a copy that finds 1 for WIDTH, views whose `v[k]` is a
number, plain numbers where lanes are numbered, and the functions behind `linked` ones, which it
swallows: nothing is called on the device. In interpreted Python WIDTH is 1 anyway, and a function
is its own copy."""

import operator
from functools import cache

import numpy as np
from llvmlite import ir
from numba import types

from . import rng, views
from .bits import JIT, inlined, word_product
from .functions import copied, plain
from .lanes import single, teach
from .views import ViewType


def lone_type(dim, number=types.float64):
    """The numba type of a view of `dim` components of one particle, neighbours in memory."""
    return ViewType("lone", dim, 1, _element(number))


def _element(number):
    return single if number == types.float32 else types.float64


def _wide_type(dim, number):
    return ViewType("lone", dim, 1, types.float64, number)


def _row_type(dim, number):
    return ViewType("row", dim, 1, _element(number))


def _row_start(context, builder, sig, args):
    """The first number of the row of a flat table whose number lies at a place."""
    table, rows, place = args[:3]  # and how many components, which the type says
    place = context.cast(builder, place, sig.args[2], types.intp)
    row = builder.load(builder.gep(rows, [place], inbounds=True))
    start = builder.mul(row, row.type(sig.return_type.dim), flags=("nsw",))
    return builder.gep(table, [start], inbounds=True)


def _word_product(context, builder, sig, args):
    """One instruction: NVVM knows of words in 64 bits, but then multiplies all 64."""
    word, whole = ir.IntType(32), ir.IntType(64)
    factors = [builder.trunc(factor, word) for factor in args]
    kind = ir.FunctionType(whole, [word, word])
    return builder.asm(kind, "mul.wide.u32 $0, $1, $2;", "=l,r,r", factors, side_effect=False)


def _twin(function, result, emit):
    """What stands for `function` on a device, taught to numba."""

    def twin(*given):
        return function(*given)

    teach(twin, result, emit)
    return twin


@inlined
def picked(x, k):
    """Component k of a view, where k is known only as a kernel runs."""
    return x[int(k)]


def _picked(context, builder, sig, args):
    """Chosen among all: what has an address that is not known is kept in memory, not in
    registers."""
    (x, k), (kind, number) = args, sig.args
    k = context.cast(builder, k, number, types.intp)
    get = context.get_function(operator.getitem, sig.return_type(kind, types.intp))
    found = get(builder, (x, k.type(0)))
    for component in range(1, kind.dim):
        other = get(builder, (x, k.type(component)))
        here = builder.icmp_signed("==", k, k.type(component))
        found = builder.select(here, other, found)
    return found


@inlined
def _own_number(first):
    return np.uint64(first)


@inlined
def _not_in_a_row(particle):
    return False


_INSTEAD = {
    views.view: _twin(views.view, views.typed_view(lone_type), views.view_start),
    views.wide_view: _twin(views.wide_view, views.typed_view(_wide_type), views.view_start),
    views.gathered_row: _twin(views.gathered_row, views.typed_view(_row_type), _row_start),
    views.local: _twin(
        views.local, lambda dim, like: views.typed_view(lone_type)(like, dim), views.allocate
    ),
    picked: _twin(
        picked, lambda x, k: x.element if isinstance(x, ViewType) and x.dim else None, _picked
    ),
    word_product: _twin(
        word_product,
        lambda a, b: types.uint64 if a == b == types.uint64 else None,
        _word_product,
    ),
    rng.lane_numbers: _own_number,
    rng.ids_at: rng.id_at,
    rng.leaders_at: rng.id_at,
    rng.steps_at: rng.step_at,
    rng.in_a_row: _not_in_a_row,
}


@cache
def lone(function):
    """`function`, plain or compiled for groups, as a kernel for groups of one particle calls it."""
    if not JIT:
        return plain(function)
    made = copied(plain(function), _seen_alone)
    if "WIDTH" in made.__globals__:
        made.__globals__["WIDTH"] = 1
    return inlined(made)


def _seen_alone(value):
    """What the copy of a function reads in place of `value`."""
    if isinstance(value, (views.ViewType, np.ndarray)) or not callable(value):
        return value
    if hasattr(value, "behind"):
        return lone(value.behind)
    value = _INSTEAD.get(value, value)
    return lone(value) if hasattr(value, "py_func") else value
