"""What kernels hand to each other, by name: the block of groups that a thread moves, the numbers
that change in it, the room it works in, and what it only reads.

Everything that holds numbers is a `flat` (see `kernels.views`), and begins with the first group of
the block where there is an entry for each particle.
"""

from typing import Any, NamedTuple

from numba import types


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


class ThreadRoom(NamedTuple):
    """Numbers that a thread of a GPU has for its particle, beside x, xi, g and a copy of x, v, g;
    no array may be empty."""

    v: int
    z: int
    spare: int
    chosen: int  # of 8 bytes, as those of acc
    acc: int

    def bytes_of(self, shape):
        """All that a thread has."""
        own = 3 * shape.dim + shape.state + 2 * shape.size + self.v + self.z + self.spare
        return own * shape.number.bitwidth // 8 + 8 * (self.chosen + self.acc + 1)


def thread_room(shape, batch_rows, acc_rows):
    """The `ThreadRoom` of a thread that draws batches and has accumulators of so many numbers."""
    own = max(1, shape.state), max(1, shape.rows), shape.places()[-1]
    return ThreadRoom(*own, max(1, batch_rows), max(1, acc_rows))


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
