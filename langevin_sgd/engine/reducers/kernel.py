"""How a step hands its particles to the reducers: accumulators of each particle, and counts in bins
for groups of them. Counts are whole numbers, so that their sums do not depend on any order.
"""

import inspect
import math
from functools import cache
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numba import types

from ...kernels.bits import inlined, where
from ...kernels.compiling import linked
from ...kernels.functions import plain
from ...kernels.lanes import WIDTH, floats, ints, teach
from ...kernels.rng import FLOATS
from ...kernels.views import store_words, view, view_type, wide_view_type
from ..blocks import RUNNING, STATUSES

_COUNTING = Lock()


class Reader(NamedTuple):
    """What a kernel must know of a reducer when it is compiled."""

    observe: Any  # the compiled function
    size: int  # numbers of acc
    bins: tuple  # numbers of bins along each axis, () for none
    weights: int  # numbers that are added in a bin, beside the count


class Readers(NamedTuple):
    """What the readers of a block of particles write into: flat arrays that begin with its first
    group.
    """

    params: Any  # of each reducer
    acc: Any  # numbers of each particle, those of all reducers one after the other
    kept: Any  # a copy of those of one group
    slots: Any  # where the counts of each particle begin
    counts: Any
    numbers: Any  # room for the bins of a group


def reader_kinds(shape, size):
    """Types of what `observe` gets after `p`: acc of `size` numbers, step, before, x, v, g, xi."""
    rows = shape.dim + shape.state, shape.dim, shape.state
    before, at, memory = (wide_view_type(number, shape.number) for number in rows)
    return view_type(size), types.int64, before, at, memory, at, at


def reader_of(reducer, parts, problem):
    """The `Reader` of a reducer of the problem whose functions are `parts`."""
    kinds, substeps = reader_kinds(parts.shape, reducer.size), problem.dynamics.substeps
    takes_noise = len(inspect.signature(plain(reducer.observe)).parameters) == 8
    observe = parts.compiled(reducer, "observe", *(kinds if takes_noise else kinds[:-1]))
    seen = _counting_steps(observe, takes_noise, substeps)
    return Reader(seen, reducer.size, reducer.bins, reducer.weights)


@cache
def _counting_steps(observe, takes_noise, substeps):
    """`observe` as a kernel calls it: with the updates done, and with xi, for which a function need
    not ask.
    """

    @inlined
    def with_noise(p, acc, updates, before, x, v, g, xi):
        observe(p, acc, updates // substeps, before, x, v, g, xi)

    @inlined
    def without_noise(p, acc, updates, before, x, v, g, xi):
        observe(p, acc, updates // substeps, before, x, v, g)

    return with_noise if takes_noise else without_noise


def cells(reader):
    """Whole numbers that a reader counts in."""
    return math.prod(reader.bins) * (1 + reader.weights) if reader.bins else 0


def first_accumulators(reducers):
    """What the accumulators of a particle hold before the first reading, (rows,)."""
    return np.concatenate([np.full(r.size, r.first_value()) for r in reducers] or [np.empty(0)])


@inlined
def keep(acc, kept, at, rows):
    """Copy the accumulators of a group."""
    for k in range(rows):
        view(kept, k * WIDTH, 1)[0] = view(acc, at + k * WIDTH, 1)[0]


@inlined
def put_back(acc, kept, at, rows, status, group):
    """Undo what was read of particles that are frozen."""
    for lane in range(WIDTH):
        if status[group * WIDTH + lane] != RUNNING:
            for k in range(rows):
                acc[at + k * WIDTH + lane] = kept[k * WIDTH + lane]


def cut_to_whole(x):
    """The float `x` cut to a whole number, int64."""
    return np.int64(x)


def _cut(context, builder, sig, args):
    return builder.fptosi(args[0], context.get_value_type(sig.return_type))


teach(cut_to_whole, {floats: ints, types.float64: types.int64}.get, _cut)


def add_count(counts, cell, number):
    """Add a whole number in a flat of them. Threads of a GPU share the flat, those of the CPU have
    cells of their own."""
    with _COUNTING:
        counts[cell] += number


def _added(context, builder, sig, args):
    counts, cell, number = args
    place = builder.gep(counts, [context.cast(builder, cell, sig.args[1], types.intp)])
    number = context.cast(builder, number, sig.args[2], types.int64)
    if builder.module.triple.startswith("nvptx"):
        builder.atomic_rmw("add", place, number, "monotonic")
    else:
        builder.store(builder.add(builder.load(place), number), place)
    return context.get_dummy_value()


teach(add_count, lambda counts, cell, number: types.none, _added)


@inlined
def _bin(place, length):
    """The bin of a place, the first or last one of those outside; nan is in the first."""
    place = where(place > 0.0, place, 0.0)
    return cut_to_whole(where(place < length - 1.0, place, length - 1.0))


def _deposit_kernel(reader, first_cell):
    """The kernel that counts the particles of a group in the bins that their accumulators name."""
    axes, weights = len(reader.bins), reader.weights
    stride = 1 + weights
    first, second, third = [*reader.bins, 1, 1, 1][:3]

    @inlined
    def deposit(into, at, group, status, careful):
        number = _bin(view(into.acc, at, 1)[0], first)
        if axes > 1:
            number = number * second + _bin(view(into.acc, at + WIDTH, 1)[0], second)
        if axes > 2:
            number = number * third + _bin(view(into.acc, at + 2 * WIDTH, 1)[0], third)
        store_words(into.numbers, 0, number * stride + first_cell)
        for lane in range(WIDTH):
            particle = group * WIDTH + lane
            if not careful or status[particle] == RUNNING:
                cell = into.slots[particle] + into.numbers[lane]
                add_count(into.counts, cell, 1)
                for k in range(weights):
                    weight = int(into.acc[at + (axes + k) * WIDTH + lane])
                    add_count(into.counts, cell + 1 + k, weight)

    return deposit


@inlined
def _observe_nothing(into, group, when, here, status):
    return None


def _chained(readers, number, rows_before, cells_before):
    """The readers from `number` on: reads with one and goes on to the next."""
    if number == len(readers):
        return _observe_nothing
    reader, all_rows = readers[number], sum(reader.size for reader in readers)
    observe_one, size, has_bins, bit = reader.observe, reader.size, bool(reader.bins), 1 << number
    save = linked(keep, FLOATS, FLOATS, types.int64, types.int64)
    restore = linked(put_back, FLOATS, FLOATS, types.int64, types.int64, STATUSES, types.int64)
    deposit = _deposit_kernel(reader, cells_before)
    following = _chained(readers, number + 1, rows_before + size, cells_before + cells(reader))

    @inlined
    def observe(into, group, when, here, status):
        step, due, careful = when
        if due & bit:
            at = (group * all_rows + rows_before) * WIDTH
            acc = view(into.acc, at, size)
            if careful:
                save(into.acc, into.kept, at, size)
            observe_one(
                into.params[number], acc, step, here.before, here.x, here.v, here.g, here.xi
            )
            if has_bins:
                deposit(into, at, group, status, careful)
            if careful:
                restore(into.acc, into.kept, at, size, status, group)
        following(into, group, when, here, status)

    return observe


@cache
def observe_kernel(readers):
    """The kernel that reads a group with all readers that are due; None if there are none."""
    return _chained(readers, 0, 0, 0) if readers else None
