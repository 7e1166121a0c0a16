"""Blocks of particles. What kernels hand to each other, by name: the groups that a thread moves,
the numbers that change in them, the room it works in, and what it only reads. And the book-keeping:
keep and take back, freeze what left, write rows.

Everything that holds numbers is a `flat` (see `kernels.views`), and begins with the first group of
the block where there is an entry for each particle. Squared norms are in the precision of the run:
one that overflows is not finite."""

from functools import cache
from typing import Any, NamedTuple

from numba import types

from ..kernels.bits import all_lanes, fma, inlined
from ..kernels.compiling import linked
from ..kernels.lanes import WIDTH
from ..kernels.rng import INTEGERS
from ..kernels.views import column, copy_numbers, flat_type

RUNNING, NOT_FINITE, ESCAPED = 0, 1, 2
PASSED = 3  # a first passage is over; on a GPU, until the run is
INFINITE = float("inf")  # squared norms that are not below it are inf or nan: not finite


class Block(NamedTuple):
    """The groups that are moved together, and whose random numbers they draw."""

    seed: Any  # uint64
    particle: Any  # number of the first; an array of numbers where each lane has its own
    groups: int


class Moving(NamedTuple):
    """What a step changes."""

    x: Any
    v: Any
    g: Any
    status: Any
    stopped: Any  # the update after which a particle was frozen, -1 for running ones
    careful: Any  # for each group: whether it is in careful mode
    seen: Any  # for each group: the updates that reducers have read


class Kept(NamedTuple):
    """A copy of what moves in a block."""

    x: Any
    v: Any
    g: Any


class Sizes(NamedTuple):
    """Components of x, v and g."""

    dim: int
    state: int
    size: int  # dim + scratch


class KernelShape(NamedTuple):
    """The compile-time constants of a kernel."""

    dim: int
    size: int  # components of g: dim + scratch
    state: int  # numbers of v
    thermal: int  # thermal normals
    rows: int  # rows of z: thermal normals, then those of the noise
    walls: bool  # whether the domain is not open
    vectors: int  # parts of v that a reflecting wall turns round
    noisy: bool  # whether xi is drawn; otherwise it is zero
    columns: int  # entries of an example
    number: types.Type  # of x, v, g, xi, z and the data table: float64 or float32

    def sizes(self):
        """Components of x, v and g."""
        return Sizes(self.dim, self.state, self.size)

    def places(self):
        """Where in `Work.spare` lie xi, and x and v before a step, and where it ends, in rows; the
        first ones belong to the forces.
        """
        xi = self.size + self.columns
        return xi, xi + self.dim, xi + 2 * self.dim + self.state


class Work(NamedTuple):
    """Room of one thread for one block."""

    z: Any  # random numbers: thermal normals first, then those of the noise
    chosen: Any  # int64: numbers of the examples that each particle takes in a step
    spare: Any  # one group: views that are too long for the stack
    kept: Kept  # groups in careful mode before the step
    saved: Kept  # the block where the stretch of steps began
    kept_acc: Any  # accumulators of one group
    bins: Any  # int64: the bins of one group


class Given(NamedTuple):
    """What a force reads in all steps. Its kernels are compiled once for all dynamics and readers,
    for they see nothing of these."""

    model: Any  # parameters of the model
    noise: Any  # parameters of the noise
    table: Any  # the data table, row by row
    examples: int  # its rows
    batch_rows: int  # rows of `Work.chosen` for each group: the largest batch


class Fixed(NamedTuple):
    """What a step reads and does not write."""

    given: Given
    limit: float  # largest squared norm of x that is inside
    walls: Any  # `domain.Walls`
    readers: Any  # `reducers.kernel.Readers`


class Moment(NamedTuple):
    """What a force reads that is another one in each step."""

    step: Any  # uint64: updates done before; an array where each lane has its own
    batch: int  # batch size


class Now(NamedTuple):
    """What is another one in each step."""

    moment: Moment
    due: int  # a bit for each reducer that reads after this step
    dynamics: Any  # parameters of the dynamics


class Views(NamedTuple):
    """Views of one group, as the functions of the records see it."""

    x: Any
    v: Any
    g: Any
    xi: Any
    z: Any  # thermal normals
    before: Any  # x, then v, before the step


class ForceViews(NamedTuple):
    """Views of one group, as a force sees it: it reads x, and writes g and xi."""

    x: Any
    g: Any
    xi: Any


def typed(kind, *fields):
    """The numba type of the named tuple `kind` whose fields have these types."""
    return types.BaseTuple.from_types(fields, kind)


STATUSES = flat_type(types.int8)
SIZES_TYPE = typed(Sizes, types.int64, types.int64, types.int64)


# ---- one lane of a quantity with `rows` components ----------------------------------------------


@inlined
def first_number(lane, rows):
    """Where the first component of a lane of the block lies."""
    return (lane // WIDTH) * rows * WIDTH + lane % WIDTH


@inlined
def copy_lane(to, to_lane, source, lane, rows):
    """Copy a lane to another one."""
    for k in range(rows):
        number = source[first_number(lane, rows) + k * WIDTH]
        to[first_number(to_lane, rows) + k * WIDTH] = number


@inlined
def write_lane(out, particle, source, lane, rows):
    """Copy a lane to its particle's row of `out`, flat (particles, rows)."""
    for k in range(rows):
        out[particle * rows + k] = source[first_number(lane, rows) + k * WIDTH]


@inlined
def _squared_norm(array, lane, rows):
    """To the bit as `step.stays_inside` has it."""
    s = 0.0
    for k in range(rows):
        number = column(array, first_number(lane, rows) + k * WIDTH, 1)[0]
        s = fma(number, number, s)
    return s


@inlined
def fate(x, v, sizes, lane, limit):
    """RUNNING if a particle is inside, or else NOT_FINITE or ESCAPED."""
    place = _squared_norm(x, lane, sizes.dim)
    speed = _squared_norm(v, lane, sizes.state)
    if not (all_lanes(place < INFINITE) and all_lanes(speed < INFINITE)):
        return NOT_FINITE
    return RUNNING if all_lanes(place <= limit) else ESCAPED


# ---- groups and blocks ---------------------------------------------------------------------------


@inlined
def copy_groups(to, source, sizes, first, groups):
    """Copy x, v and g of some groups of the block, the first of which is `first`."""
    start, count = first * WIDTH, groups * WIDTH
    copy_numbers(to.x, source.x, start * sizes.dim, count * sizes.dim)
    copy_numbers(to.v, source.v, start * sizes.state, count * sizes.state)
    copy_numbers(to.g, source.g, start * sizes.size, count * sizes.size)


def take_back(moving, saved, sizes, groups, step):
    """Bring a block back to how it was after `step` updates; particles that were frozen since are
    running again.
    """
    copy_groups(moving, saved, sizes, 0, groups)
    for particle in range(groups * WIDTH):
        if moving.stopped[particle] > step:
            moving.status[particle] = RUNNING
            moving.stopped[particle] = -1


def freeze_leavers(moving, kept, sizes, group, limit, step):
    """Take back the last step of the particles of a group that are frozen, and of those that must
    be frozen now.
    """
    for lane in range(group * WIDTH, (group + 1) * WIDTH):
        found = fate(moving.x, moving.v, sizes, lane, limit)
        if moving.status[lane] == RUNNING and found != RUNNING:
            moving.status[lane] = found
            moving.stopped[lane] = step + 1
        if moving.status[lane] != RUNNING:
            copy_lane(moving.x, lane, kept.x, lane, sizes.dim)
            copy_lane(moving.v, lane, kept.v, lane, sizes.state)
            copy_lane(moving.g, lane, kept.g, lane, sizes.size)


def write_rows(out, moving, rows, first, count):
    """Write the components of the `count` particles of a block, the first of which is number
    `first`, to their rows of `out`."""
    for lane in range(count):
        write_lane(out, first + lane, moving, lane, rows)


class BookKeeping(NamedTuple):
    """The functions above that a kernel calls."""

    take_back: Any
    freeze_leavers: Any
    write_rows: Any


@cache
def book_keeping(number):
    """The `BookKeeping` of blocks whose x, v and g hold `number`."""
    numbers, count = flat_type(number), types.int64
    moving = typed(Moving, numbers, numbers, numbers, STATUSES, INTEGERS, STATUSES, INTEGERS)
    block = moving, typed(Kept, numbers, numbers, numbers), SIZES_TYPE, count
    return BookKeeping(
        linked(take_back, *block, count),
        linked(freeze_leavers, *block, types.float64, count),
        linked(write_rows, numbers, numbers, count, count, count),
    )
