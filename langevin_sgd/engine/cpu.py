"""The CPU driver: blocks of particles move through a chunk of steps, on any number of threads,
always to the same bits.

A kernel runs serially and without the GIL; threads take shares of groups. Every 32 steps a
block's state is saved. When a particle leaves (not finite, or beyond the escape radius) its block
goes back to the saved state and repeats the stretch with its group in careful mode, which saves the
group before each step and takes back the step of a particle that left: it is frozen where it was
last seen inside. So the check costs one comparison per step, and the outcome does not depend on
where stretches begin."""

from functools import cache
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.np.numpy_support import as_dtype

from ..kernels.bits import inlined, kernel
from ..kernels.compiling import kept
from ..kernels.lanes import WIDTH, teach
from ..kernels.views import ViewType, empty_groups, flat, flat_from, pack
from ..models.evaluate import evaluator
from .blocks import (
    RUNNING,
    Block,
    Fixed,
    Given,
    Kept,
    Moment,
    Moving,
    Now,
    Work,
    book_keeping,
    copy_groups,
)
from .reducers.kernel import Readers, cells, first_accumulators, observe_kernel
from .reducers.readings import REPLICATES, UNIT, replicates
from .step import step_kernel

STRETCH = 32
_LOCK = Lock()


def next_number(counter):
    """The number in `counter`, a flat int64 of one entry, which is one more for whoever asks next,
    in any thread.
    """
    with _LOCK:
        counter[0] += 1
        return counter[0] - 1


def _taken(context, builder, sig, args):
    return builder.atomic_rmw("add", args[0], ir.IntType(64)(1), "monotonic")


teach(next_number, lambda counter: types.int64 if isinstance(counter, ViewType) else None, _taken)


def params_at(template, table, step):
    """`template` with its numbers replaced by those of row `step` of the flat `table` (steps,
    fields); arrays stay.
    """
    row = table[step * len(template) : (step + 1) * len(template)]
    return type(template)(
        *(
            old if isinstance(old, np.ndarray) else new
            for old, new in zip(template, row, strict=True)
        )
    )


def _params_of_row(context, builder, sig, args):
    made, data, row = args
    kinds = sig.return_type
    row = context.cast(builder, row, sig.args[2], types.intp)
    start = builder.mul(row, context.get_constant(types.intp, len(kinds)))
    for k, kind in enumerate(kinds):
        if kind == types.float64:
            place = builder.add(start, context.get_constant(types.intp, k))
            number = builder.load(builder.gep(data, [place], inbounds=True))
            made = builder.insert_value(made, number, k)
    return made


teach(params_at, lambda template, table, step: template, _params_of_row)


class Ensemble(NamedTuple):
    """State of all particles; status and stopped_at_step have one entry per particle, padding
    included."""

    x: np.ndarray  # (groups, components, WIDTH), as v, g and acc
    v: np.ndarray
    g: np.ndarray
    status: np.ndarray
    stopped_at_step: np.ndarray  # the update in which it left, -1 for running ones
    acc: np.ndarray  # accumulators of the reducers
    counts: np.ndarray  # their bins, (replicates, cells); the last row is that of the padding


def begin(problem):
    """The ensemble of a problem at its start; nothing has been read."""
    start, reducers = problem.start, problem.readers
    x, v, g = (pack(part, part.dtype) for part in (start.x, start.v, start_gradient(problem)))
    acc = empty_groups(len(x), sum(reducer.size for reducer in reducers))
    if reducers:
        acc[...] = first_accumulators(reducers)[:, None]
    counts = np.zeros((REPLICATES + 1, sum(cells(reducer) for reducer in reducers)), np.int64)
    padded = len(x) * WIDTH
    ensemble = Ensemble(x, v, g, np.zeros(padded, np.int8), np.full(padded, -1), acc, counts)
    ensemble.status[: problem.particles] = start.status
    ensemble.stopped_at_step[: problem.particles] = start.stopped
    return ensemble


def start_gradient(problem):
    """What an `advance` finds in g before the first step: the gradient at the start, over the whole
    table for a Loss.
    """
    model, x = problem.model, problem.start.x
    g = np.zeros((len(x), model.dim + model.scratch), x.dtype)
    if problem.dynamics.advance is not None:
        g[:, : model.dim] = evaluator(model, "gradient")(x)
        if model.drift is not None:
            g[:, : model.dim] -= evaluator(model, "drift")(x)
    return g


class Constants(NamedTuple):
    """What is the same in all chunks of a run."""

    model: Any  # parameters of the model
    noise: Any
    dynamics: Any  # of the dynamics; its numbers are replaced in each step
    table: np.ndarray
    batch_rows: int
    limit: float
    walls: Any
    readers: tuple  # parameters of the reducers
    slots: np.ndarray  # for each particle: where its counts begin
    seed: Any
    particles: int


class Chunk(NamedTuple):
    """A chunk of updates, with a row for each of them, and where x and v are stored."""

    first: int  # updates done before
    numbers: np.ndarray  # of the parameters of the dynamics
    batches: np.ndarray  # batch sizes
    stored_in: np.ndarray  # the row in which it is stored, -1 if it is not
    due: np.ndarray  # a bit for each reducer that reads after it
    x: np.ndarray  # (rows, particles, components)
    v: np.ndarray


class Tasks(NamedTuple):
    """What threads share out: task k is the groups edges[k] ... edges[k + 1] - 1."""

    edges: np.ndarray
    counter: np.ndarray  # the next one
    careful: np.ndarray  # for each group: whether it begins in careful mode
    seen: np.ndarray  # for each group: the updates that reducers have read
    per_block: int  # groups of a block


@inlined
def given_of(constants):
    """What a force reads in all steps."""
    table = flat(constants.table)
    return Given(
        constants.model, constants.noise, table, len(constants.table), constants.batch_rows
    )


@inlined
def moving_from(ensemble, tasks, sizes, first):
    """What a step changes, from the group `first` on."""
    return Moving(
        flat_from(ensemble.x, first * sizes.dim * WIDTH),
        flat_from(ensemble.v, first * sizes.state * WIDTH),
        flat_from(ensemble.g, first * sizes.size * WIDTH),
        flat_from(ensemble.status, first * WIDTH),
        flat_from(ensemble.stopped_at_step, first * WIDTH),
        flat_from(tasks.careful, first),
        flat_from(tasks.seen, first),
    )


@cache
def build(force, update, advance, readers, shape):
    """The kernel of one combination of force, dynamics, reducers and shape; parameters are data: a
    sweep never recompiles.
    """
    observe = observe_kernel(readers) if readers else None
    one_step = step_kernel(force, update, advance, observe, shape)
    keeping, sizes = book_keeping(shape.number), shape.sizes()
    take_back, write_rows = keeping.take_back, keeping.write_rows
    acc_rows = sum(reader.size for reader in readers)
    dim, state = shape.dim, shape.state

    @kernel
    def run(ensemble, work, constants, chunk, tasks):
        """Move groups through a chunk of steps, as long as there are tasks."""
        # From here on only flats: numba would count the references to arrays in every step.
        all_groups, room, shares = flat(ensemble), flat(work), flat(tasks)
        flat_chunk, slots, walls = flat(chunk), flat(constants.slots), flat(constants.walls)
        given, edges, last = given_of(constants), shares.edges, len(tasks.edges) - 1
        steps = len(chunk.stored_in)
        number = next_number(shares.counter)
        while number < last:
            for first in range(edges[number], edges[number + 1], tasks.per_block):
                groups = min(tasks.per_block, edges[number + 1] - first)
                moving = moving_from(all_groups, shares, sizes, first)
                block = Block(constants.seed, np.uint64(first * WIDTH), groups)
                readers = Readers(
                    constants.readers,
                    flat_from(all_groups.acc, first * acc_rows * WIDTH),
                    room.kept_acc,
                    flat_from(slots, first * WIDTH),
                    all_groups.counts,
                    room.bins,
                )
                fixed = Fixed(given, constants.limit, walls, readers)
                start, step = 0, 0
                while step < steps:
                    if step == start:
                        copy_groups(room.saved, moving, sizes, 0, groups)
                    dynamics = params_at(constants.dynamics, flat_chunk.numbers, step)
                    moment = Moment(np.uint64(chunk.first + step), flat_chunk.batches[step])
                    now = Now(moment, flat_chunk.due[step], dynamics)
                    if one_step(moving, room, block, fixed, now):
                        row = flat_chunk.stored_in[step]
                        if row >= 0:
                            at = row * constants.particles + first * WIDTH
                            count = min(groups * WIDTH, constants.particles - first * WIDTH)
                            write_rows(flat_chunk.x, moving.x, dim, at, count)
                            write_rows(flat_chunk.v, moving.v, state, at, count)
                        step += 1
                        start = step if step - start == STRETCH else start
                    else:
                        take_back(moving, room.saved, sizes, groups, chunk.first + start)
                        step = start
            number = next_number(shares.counter)

    return kept(run)


def work_buffers(shape, groups, batch_rows, acc_rows=0):
    """The `Work` of one task, as arrays."""
    dtype, sizes = as_dtype(shape.number), (shape.dim, shape.state, shape.size)
    kept, saved = (Kept(*(empty_groups(groups, size, dtype) for size in sizes)) for _ in range(2))
    spare = empty_groups(1, shape.places()[-1], dtype)
    spare[...] = 0.0  # without noise the row of xi stays so
    return Work(
        z=empty_groups(groups, shape.rows, dtype),
        chosen=empty_groups(groups, batch_rows, np.int64),
        spare=spare,
        kept=kept,
        saved=saved,
        kept_acc=empty_groups(1, acc_rows),
        bins=np.zeros(WIDTH, np.int64),
    )


def move(program, ensemble, chunk, workers, block_size):
    """Move all particles through a `Chunk` of updates.

    Blocks never influence each other, so that neither their size nor the number of threads shows in
    the results. `workers` is a ThreadPoolExecutor and its number of threads."""
    groups, constants, (pool, threads) = len(ensemble.x), program.constants, workers
    per_block = max(1, block_size // WIDTH)
    edges = _task_edges(
        groups, per_block, threads, constants.particles if ensemble.counts.size else 0
    )
    careful = (ensemble.status.reshape(groups, WIDTH) != RUNNING).any(axis=1).astype(np.int8)
    seen = np.full(groups, chunk.first)
    tasks = Tasks(edges, np.zeros(1, np.int64), careful, seen, per_block)

    def work(_):
        most = min(per_block, int(np.diff(edges).max()))
        room = work_buffers(program.shape, most, constants.batch_rows, ensemble.acc.shape[1])
        with np.errstate(all="ignore"):
            program.kernel(ensemble, room, constants, chunk, tasks)

    if threads == 1 or len(edges) == 2:
        work(0)
    else:
        list(pool.map(work, range(min(threads, len(edges) - 1))))


def _task_edges(groups, per_block, threads, counted):
    """First groups of the tasks, and the end. Where `counted` particles are counted, no two tasks
    share a replicate.

    Each task is a share of what is left, of at least half a block: threads begin with large ones
    and end at nearly the same time."""
    allowed = np.arange(groups + 1)
    if counted:
        starts = np.searchsorted(replicates(counted), np.arange(REPLICATES)) // WIDTH
        allowed = np.append(starts if counted >= REPLICATES * UNIT else 0, groups)
    edges = [0]
    while edges[-1] < groups:
        left = groups - edges[-1]
        wanted = edges[-1] + (
            left if threads == 1 else max(left // (2 * threads), -(-per_block // 2))
        )
        edges.append(int(allowed[np.searchsorted(allowed, min(wanted, groups))]))
    return np.array(edges)
