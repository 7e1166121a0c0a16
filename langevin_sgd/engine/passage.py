"""First passages: a lane whose particle has arrived takes the next one, so that no lane waits for
the slowest of its group.

Each lane has a particle and a step of its own, from which its random numbers are addressed: what a
particle does depends neither on its lane nor on who was there before. Blocks get their particles in
advance; when none is left, those that run close ranks."""

import time
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache

import numpy as np
from numba import types

from ..kernels.addresses import steps_at
from ..kernels.bits import kernel, where
from ..kernels.compile_cache import kept
from ..kernels.lanes import WIDTH, all_lanes
from ..kernels.packing import empty_groups, pack, unpack
from ..kernels.random_rows import Draws
from ..kernels.rng import OWN_ADDRESS, Stream
from ..kernels.views import flat, flat_from, view, view_type, wide_view, wide_view_type
from ..models.evaluate import values_at
from .cpu import work_buffers
from .dealing import NOBODY, dealers
from .domain import fold
from .drive import SHOW_SECONDS, at_once, interrupts, reporter
from .plan import compile_parts
from .step import remember, stays_inside

_THERMAL, _FIRST_DRAW = np.uint64(Stream.THERMAL), np.uint64(0)
# particles of a block for each of its lanes, where there are enough: lanes are idle at the end only
WAVES = 8
FEW_LANES = 128  # fewer are slower per step
LOOK_SECONDS = 0.05  # a block looks that often whether somebody asked to stop


@cache
def build_passage(force, update, advance, reached, shape):
    """The kernel that moves a block by at most `rounds` steps of each lane."""
    dim, size, state, thermal, rows, has_walls, mirrored, _, _, number = shape
    fill_normals = Draws(number, OWN_ADDRESS).fill_normals()
    (prepare, act), has_advance, advance = force, advance is not None, advance or update
    (deal, close_ranks), sizes, known = dealers(number), (dim, state, size), dim + state
    xi_row, before_row, _ = shape.places()

    @kernel
    def one_group(lanes, work, block, constants, group):
        """Move a group; False if one of its particles has ended."""
        x, v, g, _, steps, _ = lanes
        z, examples_of, spare, flags = work
        p, q, table, walls, limits, d, target, batch = constants
        here, memory = view(x, group * dim * WIDTH, dim), view(v, group * state * WIDTH, state)
        out, noise = view(g, group * size * WIDTH, size), view(spare, xi_row * WIDTH, dim)
        before, normals = (
            view(spare, before_row * WIDTH, known),
            view(z, group * rows * WIDTH, thermal),
        )
        remember(before, here, memory, dim, state)
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
        views = wide_view(here, 0, dim), wide_view(memory, 0, state), wide_view(out, 0, dim)
        reached(target, flag, np.int64(0), wide_view(before, 0, known), *views)
        on_the_way = all_lanes(flag[0] <= 0.0) and all_lanes(
            steps_at(steps, group * WIDTH) < np.uint64(limits[1])
        )
        return on_the_way and stays_inside(here, memory, dim, state, limits[0])

    @kernel
    def run(lanes, starts, outcome, work, constants, numbers):
        """Move a block by at most `rounds` steps of each of its lanes, or until nobody runs."""
        x, v, g, ids, steps, queue = lanes
        flats = flat(x), flat(v), flat(g), flat(ids), flat(steps), flat(queue)
        begins = flat(starts[0]), flat(starts[1]), flat(starts[2])
        ends = (
            flat(outcome[0]),
            flat(outcome[1]),
            flat(outcome[2]),
            flat(outcome[3]),
            flat(outcome[4]),
        )
        z, examples_of, spare, flags = flat(work[0]), flat(work[1]), flat(work[2]), flat(work[3])
        p, q, table, (kinds, lows, lengths), limits, d, target, batch = constants
        fixed = (
            p,
            q,
            flat(table),
            (flat(kinds), flat(lows), flat(lengths)),
            limits,
            d,
            target,
            batch,
        )
        seed, examples, batch_rows, rounds = numbers
        for _ in range(rounds):
            groups = (flats[5][2] + WIDTH - 1) // WIDTH
            if groups == 0:
                break
            block = seed, flats[3], groups, examples, batch_rows
            if thermal:
                fill_normals(
                    z,
                    (0, rows * WIDTH, thermal, groups),
                    (seed, flats[4], flats[3], _THERMAL, _FIRST_DRAW),
                )
            prepare((z, examples_of, spare, fixed[2]), block, q, flats[4], batch)
            for group in range(groups):
                if not one_group(flats, (z, examples_of, spare, flags), block, fixed, group):
                    deal(
                        flats,
                        begins,
                        ends,
                        sizes,
                        group,
                        flags,
                        flat_from(spare, before_row * WIDTH),
                        limits,
                    )
            if flats[5][2] < groups * WIDTH:
                close_ranks(flats, sizes, groups * WIDTH - 1)

    return kept(run)


def passage_plan(job):
    """(kernel, shape, constants, batch_rows) of a job whose only reducer is a first passage."""
    model, dynamics, _ = job.records
    number, (target,) = getattr(types, job.precision), job.reducers
    parts = compile_parts(job.records, job.table, Draws(number, OWN_ADDRESS))
    dim, state = parts.shape.dim, parts.shape.state
    before, at, memory = (wide_view_type(rows, number) for rows in (dim + state, dim, state))
    kinds = view_type(1), types.int64, before, at, memory, at
    reached = parts.text(target, "observe", *kinds)
    limits = job.limit, job.steps * dynamics.substeps
    batch = int(getattr(job.table.template, "batch_size", 1))
    constants = (
        model.params,
        parts.noise_params,
        parts.data,
        parts.walls,
        limits,
        job.table.template,
        target.params,
        batch,
    )
    return (
        build_passage(parts.force, parts.update, parts.advance, reached, parts.shape),
        parts.shape,
        constants,
        parts.batch_rows,
    )


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
    here = tuple(pack(start[deck[:running]], start.dtype) for start in starts)
    return (
        *here,
        ids,
        np.zeros(len(ids), np.int64),
        np.append([running, len(deck), running], deck),
    )


def passages(job, starts, options):
    """Move every particle until it arrives, leaves or has done all its steps.

    Parameters
    ----------
    job : Job
        Its only reducer is a first passage.
    starts : (x, v, g), (particles, components)
        Where the particles begin.
    options : Options
        Threads, and the lanes of a block.

    Returns
    -------
    (x, v, passed, status, stopped, done, interrupted)
        One entry a particle: where it ended, the update in which it arrived (-1: it did not), its
        status, the update in which it left (-1), and for one that did neither the updates that it
        did. After a Ctrl-C all stop, and what runs is written as it is; the last entry is whether
        there was one.
    """
    with at_once():
        kernel, shape, constants, batch_rows = passage_plan(job)
    starts = tuple(np.ascontiguousarray(start) for start in starts)
    particles, lanes = job.particles, max(WIDTH, options.block_size)
    outcome = (
        starts[0].copy(),
        starts[1].copy(),
        np.full(particles, -1),
        np.zeros(particles, np.int8),
        np.full(particles, -1),
    )
    (target,) = job.reducers
    arrived = (
        values_at(
            _region(target.reached), f"reached of {target.name!r}", target.params, starts[0], 1
        )[:, 0]
        > 0
    )
    outcome[2][arrived] = 0
    decks = np.flatnonzero(~arrived)
    shares = max(options.threads, min(particles // (WAVES * lanes), 8 * options.threads))
    decks = [deck for deck in np.array_split(decks, shares) if len(deck)]
    numbers, done = (
        (np.uint64(job.seed), len(constants[2]), batch_rows),
        np.full(particles, constants[4][1]),
    )
    ended = {}

    def begin(deck):
        state = _lanes(
            starts, deck, min(lanes, max(FEW_LANES, -(-len(deck) // (WAVES * WIDTH)) * WIDTH))
        )
        z, rows, spare, *_ = work_buffers(shape, len(state[0]), batch_rows, 0)
        return state, (z, rows, spare, empty_groups(len(state[0]), 1))

    def block(deck):
        (state, work), rounds = begin(deck), 1
        with np.errstate(all="ignore"):
            while state[5][2] > 0 and not asked:
                started = time.perf_counter()
                kernel(state, starts, outcome, work, constants, (*numbers, rounds))
                seconds = max(time.perf_counter() - started, 1e-9)
                rounds = max(1, int(min(4 * rounds, rounds * LOOK_SECONDS / seconds)))
                ended[deck[0]] = int(state[5][0] - state[5][2])
        running = state[3] != NOBODY
        for target, packed in zip(outcome, state[:2], strict=False):
            target[state[3][running]] = unpack(packed, len(running))[running]
        done[state[3][running]], done[deck[state[5][0] :]] = state[4][running], 0

    report, at_start = reporter(options.progress, particles, "particles"), int(arrived.sum())
    with at_once():
        state, work = begin(decks[0] if decks else np.empty(0, np.int64))
        kernel(state, starts, outcome, work, constants, (*numbers, 0))  # which compiles it
    begun = time.perf_counter()
    with interrupts() as asked, ThreadPoolExecutor(options.threads) as pool:
        tasks = [pool.submit(block, deck) for deck in decks]
        while wait(tasks, SHOW_SECONDS).not_done:
            report(at_start + sum(list(ended.values())), time.perf_counter() - begun)
        for task in tasks:
            task.result()
    report(at_start + sum(ended.values()), time.perf_counter() - begun)
    return *outcome, done, bool(asked)
