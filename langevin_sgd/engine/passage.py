"""First passages: a lane whose particle has arrived takes the next one, so that no lane waits for the slowest of its group.

Each lane has a particle and a step of its own, from which its random numbers are addressed: what a particle does depends neither
on its lane nor on who was there before. Blocks get their particles in advance; when none is left, those that run close ranks.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
from numba import types

from ..kernels import rng
from ..kernels.addresses import steps_at
from ..kernels.bits import kernel, where
from ..kernels.external import external
from ..kernels.groups import empty_groups, pack, unpack
from ..kernels.lanes import WIDTH, all_lanes
from ..kernels.rng import FLOATS, OWN_ADDRESS, PLACE, Stream
from ..kernels.views import flat, flat_from, view, view_type
from ..models.evaluate import values_at
from .cpu import work_buffers
from .dealing import NOBODY, dealers
from .domain import fold
from .plan import compile_parts
from .step import stays_inside

_THERMAL, _FIRST_DRAW = np.uint64(Stream.THERMAL), np.uint64(0)
NUMBERS = 2_000_000  # components that a block moves between two looks at whether somebody asked to stop


@cache
def build_passage(force, update, advance, reached, shape):
    """The kernel that moves a block by at most `rounds` steps of each lane."""
    dim, size, state, thermal, rows, has_walls, mirrored, _, _ = shape
    fill_normals = external(rng.fill_normals, FLOATS, PLACE, OWN_ADDRESS)
    (prepare, act), has_advance, advance = force, advance is not None, advance or update
    (deal, close_ranks), sizes, known, (xi_row, before_row, _) = dealers(), (dim, state, size), dim + state, shape.places()

    @kernel
    def one_group(lanes, work, block, constants, group):
        """Move a group; False if one of its particles has ended."""
        x, v, g, _, steps, _ = lanes
        z, examples_of, spare, flags = work
        p, q, table, walls, limits, d, target, batch = constants
        here, memory = view(x, group * dim * WIDTH, dim), view(v, group * state * WIDTH, state)
        out, noise = view(g, group * size * WIDTH, size), view(spare, xi_row * WIDTH, dim)
        before, normals = view(spare, before_row * WIDTH, known), view(z, group * rows * WIDTH, thermal)
        for k in range(dim):
            before[k] = here[k]
        for k in range(state):
            before[dim + k] = memory[k]
        if has_advance:
            advance(d, here, memory, view(out, 0, dim), normals)
            if has_walls:
                fold(walls, here, memory, dim, mirrored)
        act((z, examples_of, spare, table), block, group, (here, out, noise), p, q, steps, batch)
        update(d, here, memory, view(out, 0, dim), noise, normals)
        if has_walls:
            fold(walls, here, memory, dim, mirrored)
        for lane in range(group * WIDTH, (group + 1) * WIDTH):
            steps[lane] += 1
        flag = view(flags, group * WIDTH, 1)
        reached(target, flag, np.int64(0), before, here, memory, view(out, 0, dim))
        on_the_way = all_lanes(flag[0] <= 0.0) and all_lanes(steps_at(steps, group * WIDTH) < np.uint64(limits[1]))
        return on_the_way and stays_inside(here, memory, dim, state, limits[0])

    @kernel
    def run(lanes, starts, outcome, work, constants, numbers):
        """Move a block by at most `rounds` steps of each of its lanes, or until nobody runs."""
        x, v, g, ids, steps, queue = lanes
        flats = flat(x), flat(v), flat(g), flat(ids), flat(steps), flat(queue)
        begins = flat(starts[0]), flat(starts[1]), flat(starts[2])
        ends = flat(outcome[0]), flat(outcome[1]), flat(outcome[2]), flat(outcome[3]), flat(outcome[4])
        z, examples_of, spare, flags = flat(work[0]), flat(work[1]), flat(work[2]), flat(work[3])
        p, q, table, (kinds, lows, lengths), limits, d, target, batch = constants
        fixed = p, q, flat(table), (flat(kinds), flat(lows), flat(lengths)), limits, d, target, batch
        seed, examples, batch_rows, rounds = numbers
        for _ in range(rounds):
            groups = (flats[5][2] + WIDTH - 1) // WIDTH
            if groups == 0:
                break
            block = seed, flats[3], groups, examples, batch_rows
            if thermal:
                fill_normals(z, (0, rows * WIDTH, thermal, groups), (seed, flats[4], flats[3], _THERMAL, _FIRST_DRAW))
            prepare((z, examples_of, spare, fixed[2]), block, q, flats[4], batch)
            for group in range(groups):
                if not one_group(flats, (z, examples_of, spare, flags), block, fixed, group):
                    deal(flats, begins, ends, sizes, group, flags, flat_from(spare, before_row * WIDTH), limits)
            if flats[5][2] < groups * WIDTH:
                close_ranks(flats, sizes, groups * WIDTH - 1)

    return run


def passage_plan(job):
    """(kernel, shape, constants, batch_rows) of a job whose only reducer is a first passage."""
    model, dynamics, _ = job.records
    parts, (target,) = compile_parts(job.records, job.table, OWN_ADDRESS), job.reducers
    at, state = view_type(parts.shape.dim), view_type(parts.shape.state)
    kinds = view_type(1), types.int64, view_type(parts.shape.dim + parts.shape.state), at, state, at
    reached = parts.text(target, "observe", *kinds)
    limits = job.limit, job.steps * dynamics.substeps
    batch = int(getattr(job.table.template, "batch_size", 1))
    constants = model.params, parts.noise_params, parts.data, parts.walls, limits, job.table.template, target.params, batch
    return build_passage(parts.force, parts.update, parts.advance, reached, parts.shape), parts.shape, constants, parts.batch_rows


@cache
def _region(reached):
    def flag(p, x, out):
        out[0] = where(reached(p, x), 1.0, 0.0)

    return flag


def _lanes(starts, deck, lanes):
    """The lanes of a block with the first particles of its `deck` on them."""
    running = min(lanes, len(deck))
    ids = np.full(-(-running // WIDTH) * WIDTH, NOBODY)
    ids[:running] = deck[:running]
    here = tuple(pack(np.ascontiguousarray(start[deck[:running]])) for start in starts)
    return (*here, ids, np.zeros(len(ids), np.int64), np.append([running, len(deck), running], deck))


def passages(job, starts, options, asked):
    """Move every particle until it arrives, leaves or has done all its steps.

    Parameters
    ----------
    job : Job
        Its only reducer is a first passage.
    starts : (x, v, g), (particles, components)
        Where the particles begin.
    options : Options
        Threads, and the lanes of a block.
    asked : list
        Once it has an entry all stop, and what runs is written as it is.

    Returns
    -------
    (x, v, passed, status, stopped)
        One entry a particle: where it ended, the update in which it arrived (-1: it did not), its status, the update in which it
        left (-1).
    """
    kernel, shape, constants, batch_rows = passage_plan(job)
    starts = tuple(np.ascontiguousarray(start) for start in starts)
    particles, lanes = job.particles, max(WIDTH, options.block_size)
    outcome = starts[0].copy(), starts[1].copy(), np.full(particles, -1), np.zeros(particles, np.int8), np.full(particles, -1)
    (target,) = job.reducers
    at_once = values_at(_region(target.reached), f"reached of {target.name!r}", target.params, starts[0], 1)[:, 0] > 0
    outcome[2][at_once] = 0
    decks = np.flatnonzero(~at_once)
    decks = [deck for deck in np.array_split(decks, max(1, min(particles // lanes, 8 * options.threads))) if len(deck)]
    numbers = np.uint64(job.seed), len(constants[2]), batch_rows, max(1, NUMBERS // (lanes * shape.dim))

    def block(deck):
        state = _lanes(starts, deck, lanes)
        z, rows, spare, *_ = work_buffers(shape, len(state[0]), batch_rows, 0)
        work = z, rows, spare, empty_groups(len(state[0]), 1)
        with np.errstate(all="ignore"):
            while state[5][2] > 0 and not asked:
                kernel(state, starts, outcome, work, constants, numbers)
        running = state[3] != NOBODY
        for target, packed in zip(outcome, state[:2], strict=False):
            target[state[3][running]] = unpack(packed, len(running))[running]

    with ThreadPoolExecutor(options.threads) as pool:
        list(pool.map(block, decks))
    return outcome
