"""The CPU driver: blocks of particles move through a chunk of steps, on any number of threads,
always to the same bits.

A kernel runs serially and without the GIL; threads take shares of groups. Every 32 steps a
block's state is saved. When a particle leaves (not finite, or beyond the escape radius) its block
goes back to the saved state and repeats the stretch with its group in careful mode, which saves the
group before each step and takes back the step of a particle that left: it is frozen where it was
last seen inside. So the check costs one comparison per step, and the outcome does not depend on
where stretches begin."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import intrinsic, overload
from numba.np.numpy_support import as_dtype

from ..kernels.atomic_counter import next_number
from ..kernels.bits import kernel
from ..kernels.compile_cache import kept
from ..kernels.lanes import WIDTH
from ..kernels.packing import empty_groups
from ..kernels.views import flat, flat_from, flats
from .blocks import Block, Fixed, Given, Moment, Moving, Now, Work
from .freezing import StoredRow, book_keeping
from .reducers.kernel import Readers, observe_kernel
from .reducers.readings import REPLICATES, UNIT, replicates
from .step import step_kernel

STRETCH = 32


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


@intrinsic
def _params_at(typingctx, template, table, step):
    def codegen(context, builder, sig, args):
        made, data, row = args
        fields = context.get_constant(types.intp, len(template))
        start = builder.mul(context.cast(builder, row, step, types.intp), fields)
        for k, kind in enumerate(template):
            if kind == types.float64:
                place = builder.add(start, context.get_constant(types.intp, k))
                made = builder.insert_value(
                    made, builder.load(builder.gep(data, [place], inbounds=True)), k
                )
        return made

    return template(template, table, step), codegen


@overload(params_at, inline="always")
def _(template, table, step):
    return lambda template, table, step: _params_at(template, table, step)


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
    rows: np.ndarray  # the row in which it is stored, -1 if it is not
    due: np.ndarray  # a bit for each reducer that reads after it
    x: np.ndarray  # (rows, particles, components)
    v: np.ndarray


class Tasks(NamedTuple):
    """What threads share out: task k is the groups edges[k] ... edges[k + 1] - 1."""

    edges: np.ndarray
    counter: np.ndarray  # the next one
    per_block: int  # groups of a block


@kernel
def moving_from(ensemble, sizes, first):
    """What a step changes, from the group `first` on."""
    return Moving(
        flat_from(ensemble.x, first * sizes.dim * WIDTH),
        flat_from(ensemble.v, first * sizes.state * WIDTH),
        flat_from(ensemble.g, first * sizes.size * WIDTH),
        flat_from(ensemble.status, first * WIDTH),
        flat_from(ensemble.stopped_at_step, first * WIDTH),
    )


@cache
def build(force, update, advance, readers, shape):
    """The kernel of one combination of force, dynamics, reducers and shape; parameters are data: a
    sweep never recompiles.
    """
    observe = observe_kernel(readers) if readers else None
    one_step = step_kernel(force, update, advance, observe, shape)
    keeping, sizes = book_keeping(shape.number), shape.sizes()
    save_group, restore, find_frozen = keeping.save_all, keeping.restore_all, keeping.find_frozen
    write_rows, acc_rows = keeping.write_rows, sum(reader.size for reader in readers)
    dim, state = shape.dim, shape.state

    @kernel
    def run(ensemble, work, constants, chunk, tasks):
        """Move groups through a chunk of steps, as long as there are tasks."""
        # From here on only flats: numba would count the references to arrays in every step.
        all_groups, room, rows = flats(ensemble), flats(work), flats(chunk)
        slots, table, walls = flat(constants.slots), flat(constants.table), flats(constants.walls)
        edges, counter, steps = flat(tasks.edges), flat(tasks.counter), len(chunk.rows)
        last = len(tasks.edges) - 1
        examples = len(constants.table)
        given = Given(constants.model, constants.noise, table, examples, constants.batch_rows)
        number = next_number(counter)
        while number < last:
            for first in range(edges[number], edges[number + 1], tasks.per_block):
                groups = min(tasks.per_block, edges[number + 1] - first)
                moving = moving_from(all_groups, sizes, first)
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
                find_frozen(room.careful, moving, groups)
                for group in range(groups):
                    room.seen[group] = chunk.first
                start, step = 0, 0
                while step < steps:
                    if step == start:
                        save_group(moving, sizes, groups, room.saved)
                    dynamics = params_at(constants.dynamics, rows.numbers, step)
                    moment = Moment(np.uint64(chunk.first + step), rows.batches[step])
                    now = Now(moment, rows.due[step], dynamics)
                    if one_step(moving, room, block, fixed, now):
                        if rows.rows[step] >= 0:
                            row = rows.rows[step] * constants.particles
                            x, v = flat_from(rows.x, row * dim), flat_from(rows.v, row * state)
                            count = min(groups * WIDTH, constants.particles - first * WIDTH)
                            write_rows(moving, sizes, StoredRow(x, v), first * WIDTH, count)
                        step += 1
                        start = step if step - start == STRETCH else start
                    else:
                        restore(moving, sizes, groups, room.saved, chunk.first + start)
                        step = start
            number = next_number(counter)

    return kept(run)


def work_buffers(shape, groups, batch_rows, acc_rows=0):
    """The `Work` of one task, as arrays."""
    known, dtype = shape.dim + shape.state + shape.size, as_dtype(shape.number)
    spare = empty_groups(1, shape.places()[-1], dtype)
    spare[...] = 0.0  # without noise the row of xi stays so
    return Work(
        z=empty_groups(groups, shape.rows, dtype),
        chosen=empty_groups(groups, batch_rows, np.int64),
        spare=spare,
        kept=empty_groups(groups, known, dtype),
        careful=np.zeros(groups, np.int8),
        seen=np.zeros(groups, np.int64),
        saved=empty_groups(groups, known, dtype),
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
    tasks = Tasks(edges, np.zeros(1, np.int64), per_block)

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
