"""The CPU driver: blocks of particles move through a stretch of steps, on any number of threads, always to the same bits.

A kernel runs serially and without the GIL; threads take stretches of groups. Every 32 steps a block's state is saved. When a
particle leaves (not finite, or beyond the escape radius) its block goes back to the saved state and repeats the stretch with its
group in careful mode, which saves the group before each step and takes back the step of a particle that left: it is frozen where
it was last seen inside. So the check costs one comparison per step, and the outcome does not depend on where stretches begin.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import intrinsic, overload

from ..kernels import rng
from ..kernels.bits import fma, kernel
from ..kernels.external import external
from ..kernels.groups import empty_groups
from ..kernels.lanes import WIDTH, all_lanes
from ..kernels.rng import Stream
from ..kernels.views import flat, flat_from, view
from .domain import fold
from .freezing import FINITE, book_keeping

STRETCH = 32
_THERMAL, _FIRST_DRAW = np.uint64(Stream.THERMAL), np.uint64(0)


class Shape(NamedTuple):
    """The compile-time constants of a kernel."""

    dim: int
    size: int  # components of g: dim + scratch
    state: int  # numbers of v
    thermal: int  # thermal normals
    rows: int  # rows of z: thermal normals, then those of the noise
    walls: bool  # whether the domain is not open
    mirrored: bool  # whether v is a velocity, which a reflecting wall turns round


class Ensemble(NamedTuple):
    """State of all particles in groups; status and stopped_at_step have one entry per particle, padding included."""

    x: np.ndarray
    v: np.ndarray
    g: np.ndarray
    status: np.ndarray
    stopped_at_step: np.ndarray


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
    paths: dict  # how each text runs: "lanes", "column" or "interpreted"
    seed: int = 0
    limit: float = FINITE  # largest squared norm of x that is inside


def params_at(template, table, step):
    """`template` with its numbers replaced by those of row `step` of the flat `table` (steps, fields); arrays stay."""
    row = table[step * len(template) : (step + 1) * len(template)]
    return type(template)(*(old if isinstance(old, np.ndarray) else new for old, new in zip(template, row, strict=True)))


@intrinsic
def _params_at(typingctx, template, table, step):
    def codegen(context, builder, sig, args):
        data, made = args[1], args[0]
        start = builder.mul(
            context.cast(builder, args[2], sig.args[2], types.intp), context.get_constant(types.intp, len(template))
        )
        for k, kind in enumerate(template):
            if kind == types.float64:
                place = builder.add(start, context.get_constant(types.intp, k))
                made = builder.insert_value(made, builder.load(builder.gep(data, [place], inbounds=True)), k)
        return made

    return template(template, table, step), codegen


@overload(params_at, inline="always")
def _(template, table, step):
    return lambda template, table, step: _params_at(template, table, step)


def _step_kernel(force, update, advance, shape):
    """The kernel that moves a block by one step."""
    dim, size, state, thermal, rows, has_walls, mirrored = shape
    save, _, settle, _, _ = book_keeping()
    fill_normals = external(rng.fill_normals, rng.FLOATS, rng.PLACE, rng.ADDRESS)
    has_advance, sizes = advance is not None, (dim, state, size)
    advance = advance or update

    @kernel
    def one_step(moving, work, block, constants, d, step, batch):
        """Move a block by one step; False if a particle left from a group that is not in careful mode."""
        x, v, g, _, _ = moving
        xi, z, examples_of, spare, _, before, careful = work
        seed, particle, groups, _, _ = block
        p, q, table, limit, walls = constants
        if thermal:
            fill_normals(z, (0, rows * WIDTH, thermal, groups), (seed, np.uint64(step), particle, _THERMAL, _FIRST_DRAW))
        for group in range(groups):
            if careful[group]:
                save(moving, sizes, group, before)
            if has_advance:
                here, memory = view(x, group * dim * WIDTH, dim), view(v, group * state * WIDTH, state)
                advance(d, here, memory, view(g, group * size * WIDTH, dim), view(z, group * rows * WIDTH, thermal))
                if has_walls:
                    fold(walls, here, memory, dim, mirrored)
        force((x, g, xi, z, examples_of, spare, table), block, p, q, np.uint64(step), batch)
        inside = True
        for group in range(groups):
            here, memory = view(x, group * dim * WIDTH, dim), view(v, group * state * WIDTH, state)
            noise = view(xi, group * dim * WIDTH, dim)
            update(d, here, memory, view(g, group * size * WIDTH, dim), noise, view(z, group * rows * WIDTH, thermal))
            if has_walls:
                fold(walls, here, memory, dim, mirrored)
            if careful[group]:
                settle(moving, sizes, group, before, limit, step)
            else:
                place, speed = 0.0, 0.0
                for k in range(dim):
                    place = fma(here[k], here[k], place)
                stays = all_lanes(place <= limit)
                for k in range(state):
                    speed = fma(memory[k], memory[k], speed)
                if state:
                    stays = stays and all_lanes(speed <= FINITE)
                if not stays:
                    careful[group] = 1
                    inside = False
        return inside

    return one_step


@cache
def build(force, update, advance, shape):
    """The kernel of one combination of force, dynamics and shape; parameters are its arguments: a sweep never recompiles."""
    one_step, (dim, size, state, *_) = _step_kernel(force, update, advance, shape), shape
    save, restore, _, find_frozen, record = book_keeping()
    sizes = dim, state, size

    @kernel
    def run(ensemble, work, records, constants, template, changing, numbers, span):
        """Move the groups span = (first, end) through a chunk of steps."""
        first_step, steps, seed, examples, batch_rows, particles, per_block = numbers
        # From here on only flats: numba would count the references to arrays in every step.
        x, v, g, status, stopped = ensemble
        all_x, all_v, all_g, all_status, all_stopped = flat(x), flat(v), flat(g), flat(status), flat(stopped)
        xi, z, rows, spare, saved, before, careful = work
        buffers = flat(xi), flat(z), flat(rows), flat(spare), flat(saved), flat(before), flat(careful)
        kinds, lows, lengths = constants[4]
        fixed = constants[0], constants[1], flat(constants[2]), constants[3], (flat(kinds), flat(lows), flat(lengths))
        table, batches, slots = flat(changing[0]), flat(changing[1]), flat(changing[2])
        x_out, v_out = flat(records[0]), flat(records[1])
        for first in range(span[0], span[1], per_block):
            groups = min(per_block, span[1] - first)
            block = seed, np.uint64(first * WIDTH), groups, examples, batch_rows
            moving = (
                flat_from(all_x, first * dim * WIDTH),
                flat_from(all_v, first * state * WIDTH),
                flat_from(all_g, first * size * WIDTH),
                flat_from(all_status, first * WIDTH),
                flat_from(all_stopped, first * WIDTH),
            )
            find_frozen(buffers[6], moving, groups)
            start, step = 0, 0
            while step < steps:
                if step == start:
                    for group in range(groups):
                        save(moving, sizes, group, buffers[4])
                if one_step(moving, buffers, block, fixed, params_at(template, table, step), first_step + step, batches[step]):
                    if slots[step] >= 0:
                        row = slots[step] * particles
                        out = flat_from(x_out, row * dim), flat_from(v_out, row * state)
                        record(moving, sizes, out, (first * WIDTH, min((first + groups) * WIDTH, particles)))
                    step += 1
                    start = step if step - start == STRETCH else start
                else:
                    for group in range(groups):
                        restore(moving, sizes, group, buffers[4], first_step + start)
                    step = start

    return run


def _work(shape, groups, batch_rows, columns):
    """Buffers of one task."""
    saved = shape.dim + shape.state + shape.size
    xi = empty_groups(groups, shape.dim)
    xi[...] = 0.0  # stays so without noise
    return (
        xi,
        empty_groups(groups, shape.rows),
        empty_groups(groups, batch_rows, np.int64),
        empty_groups(1, shape.size + columns),  # one example's gradient, and a fresh row of the population
        empty_groups(groups, saved),
        empty_groups(groups, saved),
        np.zeros(groups, np.int8),
    )


def new_ensemble(x, v, g):
    """An ensemble from packed x, v and g, all particles running."""
    padded = x.shape[0] * WIDTH
    return Ensemble(x, v, g, np.zeros(padded, np.int8), np.full(padded, -1, np.int64))


def move(plan, ensemble, records, changing, first_step, workers, block_size):
    """Move all particles through the steps that `changing` = (parameter table, batch sizes, record slots) describes.

    Blocks never influence each other, so that neither their size nor the number of threads shows in the results. `workers` is a
    ThreadPoolExecutor and its number of threads.
    """
    groups = ensemble.x.shape[0]
    per_block = max(1, block_size // WIDTH)
    blocks = -(-groups // per_block)
    pool, threads = workers
    tasks = min(blocks, 1 if threads == 1 else 4 * threads)
    edges = [min(groups, per_block * (blocks * k // tasks)) for k in range(tasks + 1)]
    constants = plan.model_params, plan.noise_params, plan.table, plan.limit, plan.walls
    run_numbers = first_step, len(changing[2]), np.uint64(plan.seed), len(plan.table), plan.batch_rows
    run_numbers += records[0].shape[1], per_block

    def task(k):
        with np.errstate(all="ignore"):
            work, span = _work(plan.shape, per_block, plan.batch_rows, plan.table.shape[1]), (edges[k], edges[k + 1])
            plan.kernel(tuple(ensemble), work, records, constants, plan.template, changing, run_numbers, span)

    if tasks == 1:
        task(0)
    else:
        list(pool.map(task, range(tasks)))
