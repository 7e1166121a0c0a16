"""Views: which number of memory `v[k]` is, for every kind of view, compiled and interpreted."""

import numpy as np
import pytest

from langevin_sgd.kernels.bits import kernel
from langevin_sgd.kernels.lanes import WIDTH
from langevin_sgd.kernels.views import (
    column,
    empty_groups,
    flat,
    flat_from,
    gathered_row,
    pack,
    table_row,
    unpack,
    view,
)

pytestmark = pytest.mark.interpreted
GROUPS, DIM = 3, 4


def groups():
    """Groups whose numbers are their places in memory."""
    array = empty_groups(GROUPS, DIM)
    array[...] = np.arange(array.size).reshape(array.shape)
    return array


@kernel
def through_view(source, to):
    for group in range(source.shape[0]):
        a, b = view(source, group * DIM * WIDTH, DIM), view(to, group * DIM * WIDTH, DIM)
        for k in range(len(a)):
            b[k] = a[len(a) - 1 - k]


def test_a_view_holds_the_components_of_a_group():
    source, to = groups(), empty_groups(GROUPS, DIM)
    through_view(source, to)
    np.testing.assert_array_equal(to, source[:, ::-1])


@kernel
def through_column(source, to):
    for group in range(source.shape[0]):
        for lane in range(WIDTH):
            place = group * DIM * WIDTH + lane
            a, b = column(source, place, DIM), column(to, place, DIM)
            for k in range(len(a)):
                b[k] = a[k] if a[k] > 20.0 else -a[k]  # a column is scalar: it may branch


def test_a_column_holds_the_components_of_one_particle():
    source, to = groups(), empty_groups(GROUPS, DIM)
    through_column(source, to)
    np.testing.assert_array_equal(to, np.where(source > 20, source, -source))


@kernel
def through_flat(source, to):
    a, b = flat(source), flat(to)
    tail = flat_from(a, 5)
    for i in range(source.size - 5):
        b[i] = tail[i]
    for group in range(source.shape[0]):
        view(b, group * DIM * WIDTH, DIM)[0] = view(a, group * DIM * WIDTH, DIM)[1]


def test_a_flat_holds_all_numbers_and_carries_views():
    source, to = groups(), empty_groups(GROUPS, DIM)
    to[...] = 0.0
    through_flat(source, to)
    expected = np.append(source.ravel()[5:], np.zeros(5)).reshape(source.shape)
    expected[:, 0] = source[:, 1]
    np.testing.assert_array_equal(to, expected)


@kernel
def from_the_end(source, to):
    """Negative components count from the end, in constants and on a ring."""
    for group in range(source.shape[0]):
        a, b = view(source, group * DIM * WIDTH, DIM), view(to, group * DIM * WIDTH, DIM)
        for k in range(len(a)):
            b[k] = a[k - 1]
        b[-1] = a[-1]


def test_a_negative_component_counts_from_the_end():
    source, to = groups(), empty_groups(GROUPS, DIM)
    from_the_end(source, to)
    expected = np.roll(source, 1, axis=1)
    expected[:, -1] = source[:, -1]
    np.testing.assert_array_equal(to, expected)


COLUMNS = 3


@kernel
def all_rows(table, out):
    """The sum over the rows, for all lanes alike, and the last entry of the last row."""
    total = view(out, 0, COLUMNS)
    for k in range(COLUMNS):
        total[k] = view(out, 0, COLUMNS)[k] * 0.0
    for row in range(table.shape[0]):
        entries = table_row(table, row, COLUMNS)
        for k in range(len(entries)):
            total[k] += entries[k]
    total[0] = total[0] + table_row(table, table.shape[0] - 1, COLUMNS)[-1]


def test_a_table_row_is_the_same_for_all_lanes():
    table, out = np.random.default_rng(0).normal(size=(7, COLUMNS)), empty_groups(1, COLUMNS)
    out[...] = 1.0
    all_rows(table, out)
    expected = np.zeros(COLUMNS)
    for row in table:
        expected += row
    expected[0] += table[-1, -1]
    np.testing.assert_array_equal(out[0], np.repeat(expected[:, None], WIDTH, 1))


@kernel
def gather(table, rows, out):
    for group in range(out.shape[0]):
        entries = gathered_row(table, rows, group * WIDTH, COLUMNS)
        to = view(out, group * COLUMNS * WIDTH, COLUMNS)
        for k in range(len(entries)):
            to[k] = entries[k]
        to[0] = entries[-1]


@kernel
def gather_from_flats(table, rows, out):
    entries = gathered_row(flat(table), flat(rows), WIDTH, COLUMNS)
    view(out, 0, COLUMNS)[0] = entries[1]


def test_a_gathered_row_is_another_one_in_each_lane():
    random = np.random.default_rng(0)
    table, rows = random.normal(size=(50, COLUMNS)), random.integers(0, 50, (2, WIDTH))
    out = empty_groups(2, COLUMNS)
    gather(table, rows, out)
    expected = table[rows].transpose(0, 2, 1).copy()
    expected[:, 0] = expected[:, -1]
    np.testing.assert_array_equal(out, expected)
    gather_from_flats(table, rows, out)
    np.testing.assert_array_equal(out[0, 0], table[rows[1], 1])


@kernel
def no_components(array, out):
    """A dynamics without memory sees a `v` of length 0."""
    out[0] = (
        len(view(array, 0, 0)) + len(gathered_row(array, out, 0, 5)) + len(table_row(array, 0, 2))
    )


def test_lengths():
    out = np.zeros(WIDTH, np.int64)
    no_components(np.zeros(5 * WIDTH), out)
    assert out[0] == (0 + 5 + 2)


@pytest.mark.parametrize("particles", [1, 16, 5 * WIDTH + 3])
@pytest.mark.parametrize("dim", [1, 3])
@pytest.mark.parametrize("number", [np.float64, np.float32])
def test_pack_and_unpack(particles, dim, number):
    x = np.random.default_rng(0).normal(size=(particles, dim)).astype(number)
    packed = pack(x, number)
    assert pack(x).dtype == np.float64
    assert packed.shape == (-(-particles // WIDTH), dim, WIDTH) and packed.ctypes.data % 64 == 0
    assert unpack(packed, particles).tobytes() == x.tobytes()
    filled = unpack(packed, packed.shape[0] * WIDTH)
    assert np.all(filled[particles:] == x[-1])  # the last group is filled up with the last particle
