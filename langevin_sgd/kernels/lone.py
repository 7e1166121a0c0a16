"""From a kernel for groups of WIDTH particles to one for groups of a single particle, as a thread
of a GPU moves them.

The text is the same: `lone(function)` is a copy that finds 1 for WIDTH, views whose `v[k]` is a
number, plain numbers where lanes are numbered, and the functions behind `linked` ones, which it
swallows: nothing is called on the device. In interpreted Python WIDTH is 1 anyway, and a function
is its own copy."""

import operator
import re
import traceback
import types as python_types
from functools import cache

import numpy as np
from llvmlite import ir
from numba import types

from . import rng, views
from .bits import JIT, inlined, word_product
from .compiling import compiled, refusal
from .functions import copied, plain
from .lanes import teach
from .rules import check_function
from .views import ViewType, scalar_of
from .views_in_numba import allocate, typed_view, view_start


def lone_type(dim, number=types.float64):
    """The numba type of a view of `dim` components of one particle, neighbours in memory."""
    return ViewType("lone", dim, 1, scalar_of(number))


def _wide_type(dim, number):
    return ViewType("lone", dim, 1, types.float64, number)


def _row_type(dim, number):
    return ViewType("row", dim, 1, scalar_of(number))


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
    views.view: _twin(views.view, typed_view(lone_type), view_start),
    views.wide_view: _twin(views.wide_view, typed_view(_wide_type), view_start),
    views.gathered_row: _twin(views.gathered_row, typed_view(_row_type), _row_start),
    views.local: _twin(views.local, lambda dim, like: typed_view(lone_type)(like, dim), allocate),
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


# ---- functions of the user's --------------------------------------------------------------------


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
    what = f"{' or '.join(at)} does not compile for target='cuda'."
    return f"{refusal(what, functions[at[0]], error)} Or pass target='cpu'."


def _is_named(function, text):
    """Whether numba's text names a line of a function."""
    code = plain(function).__code__
    file, lines = code.co_filename.rsplit("/", 1)[-1], {line for *_, line in code.co_lines()}
    places = re.findall(rf'File "[^"]*{re.escape(file)}", line (\d+)', text)
    return any(int(place) in lines for place in places)


def _home(value):
    """File and first line of a function, compiled or not; None for anything else."""
    code = getattr(plain(value), "__code__", None)
    known = isinstance(code, python_types.CodeType)
    return (code.co_filename, code.co_firstlineno) if known else None
