"""The CPU driver: blocks of particles move through a stretch of steps, on any number of threads,
always to the same bits.

A kernel runs serially and without the GIL; threads take stretches of groups. Every 32 steps a
block's state is saved. When a particle leaves (not finite, or beyond the escape radius) its block
goes back to the saved state and repeats the stretch with its group in careful mode, which saves the
group before each step and takes back the step of a particle that left: it is frozen where it was
last seen inside. So the check costs one comparison per step, and the outcome does not depend on
where stretches begin."""

from collections.abc import Callable
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
from ..kernels.views import flat, flat_from
from .freezing import book_keeping
from .reducers.kernel import Readers, cells, first_accumulators, observe_kernel
from .reducers.readings import REPLICATES, UNIT, replicates
from .step import Shape, step_kernel

STRETCH = 32


class Ensemble(NamedTuple):
    """State of all particles in groups; status and stopped_at_step have one entry per particle,
    padding included.

    `acc` are the accumulators of the reducers, (groups, numbers, WIDTH); `counts` their bins,
    (replicates, cells), the last row those of the copies that fill up the last group."""

    x: np.ndarray
    v: np.ndarray
    g: np.ndarray
    status: np.ndarray
    stopped_at_step: np.ndarray
    acc: np.ndarray
    counts: np.ndarray


class Plan(NamedTuple):
    """A compiled kernel with everything that stays the same from chunk to chunk."""

    kernel: Callable
    shape: Shape
    template: Any  # parameters of the dynamics; its numbers are replaced in each step
    model_params: Any
    noise_params: Any
    table: np.ndarray
    batch_rows: int  # rows for example numbers: the largest batch
    walls: tuple  # see `domain.wall_arrays`
    reader_params: tuple  # parameters of the reducers
    paths: dict  # how each text runs: "lanes", "column" or "interpreted"
    seed: int = 0
    limit: float = np.inf  # largest squared norm of x that is inside


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
        data, made = args[1], args[0]
        start = builder.mul(
            context.cast(builder, args[2], sig.args[2], types.intp),
            context.get_constant(types.intp, len(template)),
        )
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


@cache
def build(force, update, advance, readers, shape):
    """The kernel of one combination of force, dynamics, reducers and shape; parameters are data: a
    sweep never recompiles.
    """
    observe = observe_kernel(readers)
    one_step, (dim, size, state, *_) = step_kernel(force, update, advance, observe, shape), shape
    _, _, save, restore, find_frozen, record = book_keeping(shape.number)
    sizes, acc_rows = (dim, state, size), sum(reader.size for reader in readers)

    @kernel
    def run(ensemble, work, records, constants, template, changing, numbers, tasks):
        """Move groups through a chunk of steps, as long as there are tasks.

        tasks = (edges, counter): task k is the groups edges[k] ... edges[k + 1] - 1, and `counter`
        holds the next one."""
        first_step, steps, seed, examples, batch_rows, particles, per_block = numbers
        # From here on only flats: numba would count the references to arrays in every step.
        x, v, g, status, stopped, acc, counts = ensemble
        all_x, all_v, all_g, all_status, all_stopped = (
            flat(x),
            flat(v),
            flat(g),
            flat(status),
            flat(stopped),
        )
        z, rows, spare, kept, careful, seen, saved, kept_acc, bins = work
        buffers, saved_block = (
            (flat(z), flat(rows), flat(spare), flat(kept), flat(careful), flat(seen)),
            flat(saved),
        )
        params, noise_params, data, limit, (kinds, lows, lengths), (reader_params, slots) = (
            constants
        )
        walls, data_table = (flat(kinds), flat(lows), flat(lengths)), flat(data)
        all_acc, all_slots, all_counts, for_readers = (
            flat(acc),
            flat(slots),
            flat(counts),
            (flat(kept_acc), flat(bins)),
        )
        table, batches, record_slots, due = (
            flat(changing[0]),
            flat(changing[1]),
            flat(changing[2]),
            flat(changing[3]),
        )
        x_out, v_out, (edges, counter) = flat(records[0]), flat(records[1]), tasks
        number = next_number(flat(counter))
        while number < len(edges) - 1:
            for first in range(edges[number], edges[number + 1], per_block):
                groups = min(per_block, edges[number + 1] - first)
                block = seed, np.uint64(first * WIDTH), groups, examples, batch_rows
                moving = (
                    flat_from(all_x, first * dim * WIDTH),
                    flat_from(all_v, first * state * WIDTH),
                    flat_from(all_g, first * size * WIDTH),
                    flat_from(all_status, first * WIDTH),
                    flat_from(all_stopped, first * WIDTH),
                )
                block_acc, block_slots = (
                    flat_from(all_acc, first * acc_rows * WIDTH),
                    flat_from(all_slots, first * WIDTH),
                )
                readers_of_block = Readers(
                    reader_params,
                    block_acc,
                    for_readers[0],
                    block_slots,
                    all_counts,
                    for_readers[1],
                )
                fixed = params, noise_params, data_table, limit, walls, readers_of_block
                find_frozen(buffers[4], moving, groups)
                for group in range(groups):
                    buffers[5][group] = first_step
                start, step = 0, 0
                while step < steps:
                    if step == start:
                        save(moving, sizes, groups, saved_block)
                    now = first_step + step, batches[step], due[step]
                    if one_step(
                        moving, buffers, block, fixed, params_at(template, table, step), now
                    ):
                        if record_slots[step] >= 0:
                            row = record_slots[step] * particles
                            out = flat_from(x_out, row * dim), flat_from(v_out, row * state)
                            record(
                                moving,
                                sizes,
                                out,
                                (first * WIDTH, min((first + groups) * WIDTH, particles)),
                            )
                        step += 1
                        start = step if step - start == STRETCH else start
                    else:
                        restore(moving, sizes, groups, saved_block, first_step + start)
                        step = start
            number = next_number(flat(counter))

    return kept(run)


def work_buffers(shape, groups, batch_rows, acc_rows):
    """Buffers of one task."""
    known, dtype = shape.dim + shape.state + shape.size, as_dtype(shape.number)
    spare = empty_groups(1, shape.places()[-1], dtype)
    spare[...] = 0.0  # without noise the row of xi stays so
    return (
        empty_groups(groups, shape.rows, dtype),
        empty_groups(groups, batch_rows, np.int64),
        spare,
        empty_groups(groups, known, dtype),
        np.zeros(groups, np.int8),
        np.zeros(groups, np.int64),
        empty_groups(groups, known, dtype),
        empty_groups(1, acc_rows),
        np.zeros(WIDTH, np.int64),
    )


def new_ensemble(x, v, g, readers=()):
    """An ensemble from packed x, v and g, all particles running; nothing has been read."""
    padded = x.shape[0] * WIDTH
    acc = empty_groups(x.shape[0], sum(reader.size for reader in readers))
    acc[...] = first_accumulators(readers)[:, None]
    counts = np.zeros((REPLICATES + 1, sum(cells(reader) for reader in readers)), np.int64)
    return Ensemble(x, v, g, np.zeros(padded, np.int8), np.full(padded, -1, np.int64), acc, counts)


def move(plan, ensemble, records, changing, first_step, workers, block_size):
    """Move all particles through the steps that `changing` describes: arrays with one row for each
    update of the chunk.

    `changing` = (numbers of the dynamics, batch sizes, slots of records, bits of the reducers that
    are due). Blocks never influence each other, so that neither their size nor the number of
    threads shows in the results. `workers` is a ThreadPoolExecutor and its number of threads."""
    groups, particles = ensemble.x.shape[0], records[0].shape[1]
    per_block = max(1, block_size // WIDTH)
    pool, threads = workers
    edges = _edges(groups, per_block, threads, particles if ensemble.counts.size else 0)
    tasks = edges, np.zeros(1, np.int64)
    table, acc_rows = plan.table, ensemble.acc.shape[1]
    run_numbers = (
        first_step,
        len(changing[2]),
        np.uint64(plan.seed),
        len(table),
        plan.batch_rows,
        particles,
        per_block,
    )
    slots = np.full(groups * WIDTH, REPLICATES)
    slots[:particles] = replicates(particles)
    readers = plan.reader_params, slots * ensemble.counts.shape[1]
    constants = plan.model_params, plan.noise_params, table, plan.limit, plan.walls, readers

    def work(_):
        buffers = work_buffers(
            plan.shape, min(per_block, int(np.diff(edges).max())), plan.batch_rows, acc_rows
        )
        with np.errstate(all="ignore"):
            plan.kernel(
                tuple(ensemble),
                buffers,
                records,
                constants,
                plan.template,
                changing,
                run_numbers,
                tasks,
            )

    if threads == 1 or len(edges) == 2:
        work(0)
    else:
        list(pool.map(work, range(min(threads, len(edges) - 1))))


def _edges(groups, per_block, threads, counted):
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
