"""Views: how a function sees the numbers of one particle, while WIDTH particles are worked on.

A group of WIDTH particles lies in memory component by component, WIDTH neighbouring numbers each.
An array of groups has the shape (groups, components, WIDTH) and is C-contiguous; `offset` counts
numbers from its start. A *lane* is one particle's place in a group.

| made by                            | `v[k]` is                          | used for           |
|------------------------------------|------------------------------------|--------------------|
| view(array, offset, dim)           | component k of WIDTH particles     | x, v, g, xi, z     |
| wide_view(array, offset, dim)      | the same in float64                | statistics         |
| column(array, offset, dim)         | component k of one of them         | branches on x      |
| table_row(table, row, dim)         | entry k of one row, in all lanes   | mean over the data |
| gathered_row(table, rows, at, dim) | entry k of an own row in each lane | minibatches        |

A view supports `v[k]`, `v[k] = ...` and `len(v)` only. Interpreted, all five are numpy slices. On
float32 arrays the first, the third and the last give singles, the others float64; what is stored
takes the precision of the array. `flat(array)` is all numbers of an array in a row; kernels hand
`flat`s around: numba counts references to arrays, which costs more than the physics. What numba is
told of all this: `views_in_numba`."""

import numpy as np
from numba import types

from .lanes import WIDTH, floats, single, singles
from .single_precision import Singles


class ViewType(types.Type):
    """`dim` components (None: of a `flat`) of one quantity, `stride` numbers apart; each an
    `element`: lanes or a scalar.

    `number` is the scalar type of the numbers in memory, where it is not that of the element.
    """

    def __init__(self, kind, dim, stride, element, number=None):
        lanes = {floats: types.float64, singles: types.float32, single: types.float32}
        own = lanes.get(element, element)
        self.kind, self.dim = kind, dim
        self.stride, self.element, self.number = stride, element, number or own
        source = "" if self.number == own else f" from {number}"
        super().__init__(f"{kind}({dim}, {element}{source})")


class GatheredRowType(types.Type):
    """A row of `dim` entries of a data table of `number`, another one in each lane."""

    def __init__(self, dim, number=types.float64):
        self.dim, self.number, self.element = dim, number, lanes_of(number)
        super().__init__(f"gathered_row({dim}, {number})")


def lanes_of(number):
    """The lanes that hold numbers of the scalar type `number`."""
    return singles if number == types.float32 else floats


def scalar_of(number):
    """What a function that sees one particle finds for a number of the scalar type `number`."""
    return single if number == types.float32 else types.float64


def view_type(dim, number=types.float64):
    """The numba type of `view(array, offset, dim)` for an array of `number`."""
    return ViewType("view", dim, WIDTH, lanes_of(number))


def wide_view_type(dim, number=types.float64):
    """The numba type of `wide_view(array, offset, dim)` for an array of `number`."""
    return ViewType("view", dim, WIDTH, floats, number)


def column_type(dim, number=types.float64):
    """The numba type of `column(array, offset, dim)` for an array of `number`."""
    return ViewType("column", dim, WIDTH, scalar_of(number))


def flat_type(number):
    """The numba type of `flat(array)` for an array of `number`."""
    return ViewType("flat", None, 1, number)


def row_type(dim, number=types.float64):
    """The numba type of `table_row(table, row, dim)` for a table of `number`."""
    return ViewType("row", dim, 1, types.float64, number)


def flat(given):
    """All numbers of a C-contiguous array in a row; it must outlive its `flat`. Of a named tuple,
    one with the `flat` of each array in it, and in those in it; what is no array stays."""
    if isinstance(given, tuple):
        return type(given)(*map(flat, given))
    return given.reshape(-1) if isinstance(given, np.ndarray) else given


def flat_from(numbers, offset):
    """The flat `numbers` from `offset` on."""
    return numbers[offset:]


def copy_numbers(to, source, start, count):
    """Copy `count` numbers from `start` on of a flat to the same places of another one."""
    to[start : start + count] = source[start : start + count]


def _numbers(array, start, count):
    numbers = array.reshape(-1)[start : start + count]
    return numbers.view(Singles) if numbers.dtype == np.float32 else numbers


def view(array, offset, dim):
    """View of `dim` components of the group whose first number lies at `offset`."""
    return _numbers(array, offset, dim)


def wide_view(array, offset, dim):
    """Like `view`, to be read only; of a float32 array in float64 too."""
    return np.asarray(_numbers(array, offset, dim), np.float64)


def column(array, offset, dim):
    """View of `dim` components of one particle; `offset` is that of its group plus its lane."""
    return _numbers(array, offset, dim)


def table_row(table, row, dim):
    """View of row `row` of the (examples, dim) `table`; to be read only."""
    return wide_view(table, row * dim, dim)


def gathered_row(table, rows, offset, dim):
    """View of one row of `table` in each lane; the WIDTH row numbers lie in the int64 array `rows`
    from `offset` on.
    """
    return _numbers(table, rows.reshape(-1)[offset] * dim, dim)


def store_words(array, offset, value):
    """Store the lanes of the int64 or uint64 `value` in the int64 `array` from `offset` on."""
    array.reshape(-1)[offset] = np.asarray(value).astype(np.int64)


def local(dim, like):
    """A view of `dim` uninitialised components in the precision of `like`, a flat or a view.

    Valid until the kernel returns, and the same one in every round of a loop.
    """
    return np.empty(dim, like.dtype)


def part(v, start, count):
    """View of `count` components of the view `v` from component `start` on."""
    return v.part(start, count) if hasattr(v, "part") else v[start : start + count]


def empty_groups(groups, components, dtype=np.float64):
    """Uninitialised array (groups, components, WIDTH) that starts on a 64-byte line, so that vector
    loads do not straddle two."""
    count, line = groups * components * WIDTH, 64 // np.dtype(dtype).itemsize
    raw = np.empty(count + line, dtype)
    start = (-raw.ctypes.data // raw.itemsize) % line
    return raw[start : start + count].reshape(groups, components, WIDTH)


def pack(x, dtype=np.float64):
    """Groups of the particles x (particles, components); copies of the last fill up the end."""
    particles, components = x.shape
    groups = -(-particles // WIDTH)
    filled = x[np.minimum(np.arange(groups * WIDTH), particles - 1)]
    packed = empty_groups(groups, components, dtype)
    packed[...] = filled.reshape(groups, WIDTH, components).transpose(0, 2, 1)
    return packed


def unpack(packed, particles):
    """The array (particles, components) of packed groups."""
    groups, components, width = packed.shape
    return np.ascontiguousarray(
        packed.transpose(0, 2, 1).reshape(groups * width, components)[:particles]
    )
