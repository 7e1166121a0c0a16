"""How a step hands its particles to the reducers: accumulators of each particle, and counts in bins
for groups of them.

`readers` = (params, acc, kept, slots, counts, numbers) are the parameters of all reducers and flat
arrays: the accumulators of the block, a copy of those of one group, for each particle of the block
where its counts begin, the counts, and room for the bins of a group. Counts are whole numbers, so
that their sums do not depend on any order."""

from functools import cache
from typing import NamedTuple

from numba import types

from ..kernels.bits import kernel, where
from ..kernels.lanes import WIDTH, whole
from ..kernels.linked import linked
from ..kernels.rng import FLOATS
from ..kernels.views import store_words, view
from .freezing import BYTES, RUNNING


class Reader(NamedTuple):
    """What a kernel must know of a reducer when it is compiled."""

    observe: object  # the compiled text
    size: int  # numbers of acc
    bins: tuple  # numbers of bins along each axis, () for none
    weights: int  # numbers that are added in a bin, beside the count


def cells(reader):
    """Whole numbers that a reader counts in."""
    count = 1 if reader.bins else 0
    for bins in reader.bins:
        count *= bins
    return count * (1 + reader.weights)


@kernel
def keep(acc, kept, at, rows):
    """Copy the accumulators of a group."""
    for k in range(rows):
        view(kept, k * WIDTH, 1)[0] = view(acc, at + k * WIDTH, 1)[0]


@kernel
def put_back(acc, kept, at, rows, status, group):
    """Undo what was read of particles that are frozen."""
    for lane in range(WIDTH):
        if status[group * WIDTH + lane] != RUNNING:
            for k in range(rows):
                acc[at + k * WIDTH + lane] = kept[k * WIDTH + lane]


@kernel
def _bin(place, length):
    """The bin of a place, the first or last one of those outside; nan is in the first."""
    place = where(place > 0.0, place, 0.0)
    return whole(where(place < length - 1.0, place, length - 1.0))


def _deposit_kernel(reader, first_cell):
    """The kernel that counts the particles of a group in the bins that their accumulators name."""
    axes, weights = len(reader.bins), reader.weights
    stride, lengths = 1 + weights, (*reader.bins, 1, 1)

    @kernel
    def deposit(acc, at, slots, counts, numbers, group, status, careful):
        number = _bin(view(acc, at, 1)[0], lengths[0])
        if axes > 1:
            number = number * lengths[1] + _bin(view(acc, at + WIDTH, 1)[0], lengths[1])
        if axes > 2:
            number = number * lengths[2] + _bin(view(acc, at + 2 * WIDTH, 1)[0], lengths[2])
        store_words(numbers, 0, number * stride + first_cell)
        for lane in range(WIDTH):
            particle = group * WIDTH + lane
            if not careful or status[particle] == RUNNING:
                cell = slots[particle] + numbers[lane]
                counts[cell] += 1
                for k in range(weights):
                    counts[cell + 1 + k] += int(acc[at + (axes + k) * WIDTH + lane])

    return deposit


def _nothing():
    @kernel
    def observe(readers, group, when, views, status):
        return None

    return observe


def _chained(readers, number, rows_before, cells_before, all_rows):
    """The reducers from `number` on: reads one and goes on to the next."""
    if number == len(readers):
        return _nothing()
    text, size, bins, _ = readers[number]
    has_bins, bit = bool(bins), 1 << number
    save = linked(keep, FLOATS, FLOATS, types.int64, types.int64)
    restore = linked(put_back, FLOATS, FLOATS, types.int64, types.int64, BYTES, types.int64)
    deposit = _deposit_kernel(readers[number], cells_before)
    following = _chained(
        readers, number + 1, rows_before + size, cells_before + cells(readers[number]), all_rows
    )

    @kernel
    def observe(state, group, when, views, status):
        step, due, careful = when
        if due & bit:
            params, acc, kept, slots, counts, numbers = state
            before, x, v, g, xi = views
            at = (group * all_rows + rows_before) * WIDTH
            if careful:
                save(acc, kept, at, size)
            text(params[number], view(acc, at, size), step, before, x, v, g, xi)
            if has_bins:
                deposit(acc, at, slots, counts, numbers, group, status, careful)
            if careful:
                restore(acc, kept, at, size, status, group)
        following(state, group, when, views, status)

    return observe


@cache
def observe_kernel(readers):
    """The kernel that reads a group with all reducers that are due; None if there are none."""
    if not readers:
        return None
    return _chained(readers, 0, 0, 0, sum(reader.size for reader in readers))
