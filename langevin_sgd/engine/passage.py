"""First passages: a lane whose particle has arrived takes the next one, so that no lane waits for
the slowest of its group.

Each lane has a particle and a step of its own, from which its random numbers are addressed: what a
particle does depends neither on its lane nor on who was there before. Blocks get their particles in
advance; when none is left, those that run close ranks."""

import time
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import NamedTuple

import numpy as np

from ..kernels.bits import all_lanes, inlined, kernel, where
from ..kernels.compiling import kept
from ..kernels.lanes import WIDTH
from ..kernels.rng import OWN_ADDRESS, steps_at
from ..kernels.views import empty_groups, flat, flat_from, pack, unpack, view, wide_view
from ..models.evaluate import values_at
from ..models.forces import Draws
from .arrivals import arrival_variables
from .blocks import PASSED, RUNNING, Block, Fixed, Moment, Now, Views
from .chunks import Stored, latest, run_chunks
from .cpu import begin, given_of, work_buffers
from .dataset import assemble, tell_who_left
from .interrupts import at_once, interrupts
from .particle_queue import DEALT, NOBODY, ON_LANES, Ends, Lanes, Outcome, Starts, dealer
from .program import compile_parts, make_program, tell_doubts
from .reducers.kernel import reader_kinds
from .step import draw_kernel, move_kernel, remember, stays_inside
from .terminal import SHOW_SECONDS, reporter, tell

# particles of a block for each of its lanes, where there are enough: lanes are idle at the end only
WAVES = 8
FEW_LANES = 128  # fewer are slower per step
LOOK_SECONDS = 0.05  # a block looks that often whether somebody asked to stop


@cache
def build_passage(force, update, advance, reached, shape):
    """The kernel that moves a block by at most `rounds` steps of each lane."""
    dim, size, state, known = shape.dim, shape.size, shape.state, shape.dim + shape.state
    rows, thermal, sizes = shape.rows, shape.thermal, shape.sizes()
    deal, close_ranks = dealer(shape.number)
    draw = draw_kernel(force.prepare, thermal, rows, Draws(shape.number, OWN_ADDRESS))
    move_group = move_kernel(force, update, advance, shape)
    xi_row, before_row, _ = shape.places()

    @inlined
    def one_group(lanes, work, block, fixed, now, group, ends):
        """Move a group: whether all are on their way, and whether all are inside."""
        x = view(lanes.x, group * dim * WIDTH, dim)
        v = view(lanes.v, group * state * WIDTH, state)
        g = view(lanes.g, group * size * WIDTH, size)
        xi = view(work.spare, xi_row * WIDTH, dim)
        z = view(work.z, group * rows * WIDTH, thermal)
        before = view(work.spare, before_row * WIDTH, known)
        remember(before, x, v, dim, state)
        move_group(work, block, fixed, now, group, Views(x, v, g, xi, z, before))
        for lane in range(group * WIDTH, (group + 1) * WIDTH):
            lanes.steps[lane] += 1
        flag, earlier = view(lanes.flags, group * WIDTH, 1), wide_view(before, 0, known)
        places = wide_view(x, 0, dim), wide_view(v, 0, state), wide_view(g, 0, dim)
        reached(fixed.readers, flag, np.int64(0), earlier, *places)
        in_time = steps_at(lanes.steps, group * WIDTH) < np.uint64(ends.steps)
        on_the_way = all_lanes(flag[0] <= 0.0) and all_lanes(in_time)
        return on_the_way, stays_inside(x, v, dim, state, ends.limit)

    @kernel
    def run(block_lanes, all_starts, all_outcomes, room, constants, ends, batch, rounds):
        """Move a block by at most `rounds` steps of each of its lanes, or until nobody runs."""
        lanes, work = flat(block_lanes), flat(room)
        starts, outcome = flat(all_starts), flat(all_outcomes)
        fixed = Fixed(given_of(constants), ends.limit, flat(constants.walls), constants.readers)
        now = Now(Moment(lanes.steps, batch), 0, constants.dynamics)
        before = flat_from(work.spare, before_row * WIDTH)
        for _ in range(rounds):
            groups = (lanes.queue[ON_LANES] + WIDTH - 1) // WIDTH
            if groups == 0:
                break
            block = Block(constants.seed, lanes.ids, groups)
            draw(work, block, fixed.given, now.moment)
            for group in range(groups):
                on_the_way, inside = one_group(lanes, work, block, fixed, now, group, ends)
                if not (on_the_way and inside):
                    deal(lanes, starts, outcome, sizes, group, before, ends, inside)
            if lanes.queue[ON_LANES] < groups * WIDTH:
                close_ranks(lanes, sizes, groups * WIDTH - 1)

    return kept(run)


def region_of(problem, parts):
    """The compiled `observe` of a first passage, None without one, and the constants with its
    parameters."""
    passage = problem.passage
    if passage is None:
        return None, parts.constants
    reached = parts.compiled(passage, "observe", *reader_kinds(parts.shape, 1)[:-1])
    return reached, parts.constants._replace(readers=passage.params)


def make_passage(problem):
    """The kernel of a problem whose only reducer is a first passage, its shape, and the constants
    that all blocks read."""
    parts = compile_parts(problem, OWN_ADDRESS)
    tell_doubts(problem)
    reached, constants = region_of(problem, parts)
    kernel = build_passage(parts.force, parts.update, parts.advance, reached, parts.shape)
    return kernel, parts.shape, constants


@cache
def _region(reached):
    def flag(p, x, out):
        out[0] = where(reached(p, x), 1.0, 0.0)

    return flag


def _lanes(starts, deck, lanes):
    """The `Lanes` of a block with the first particles of its `deck` on them."""
    running = min(lanes, len(deck))
    ids = np.full(-(-running // WIDTH) * WIDTH, NOBODY)
    ids[:running] = deck[:running]
    here = (pack(start[deck[:running]], start.dtype) for start in starts)
    queue = np.append([running, len(deck), running], deck)
    flags = empty_groups(len(ids) // WIDTH, 1)
    return Lanes(*here, ids, np.zeros(len(ids), np.int64), flags, queue)


def _outcome_at(starts):
    """The `Outcome` before the first step."""
    particles = len(starts.x)
    return Outcome(
        x=starts.x.copy(),
        v=starts.v.copy(),
        passed=np.full(particles, -1),
        status=np.zeros(particles, np.int8),
        stopped_at_step=np.full(particles, -1),
    )


class Passages(NamedTuple):
    """What became of all particles."""

    outcome: Outcome
    done: np.ndarray  # updates of those that neither arrived nor left
    interrupted: bool  # after a Ctrl-C all stop, and what runs is written as it is


def passages(problem, gradient, options):
    """Move every particle until it arrives, leaves or has done all its steps.

    Parameters
    ----------
    problem : Problem
        Its only reducer is a first passage.
    gradient : (particles, components)
        What an `advance` finds in g before the first step.
    options : Options
        Threads, and the lanes of a block.

    Returns
    -------
    Passages
    """
    with at_once():
        run_block, shape, constants = make_passage(problem)
    ends = Ends(problem.limit, problem.steps * problem.table.substeps)
    batch = int(getattr(constants.dynamics, "batch_size", 1))
    starts = Starts(*map(np.ascontiguousarray, (problem.start.x, problem.start.v, gradient)))
    particles, most = problem.particles, max(WIDTH, options.block_size)
    outcome = _outcome_at(starts)
    arrived = _arrived(problem, starts.x)
    outcome.passed[arrived] = 0
    shares = max(options.threads, min(particles // (WAVES * most), 8 * options.threads))
    decks = [deck for deck in np.array_split(np.flatnonzero(~arrived), shares) if len(deck)]
    done, ended = np.full(particles, ends.steps), {}

    def begin_block(deck):
        few = max(FEW_LANES, -(-len(deck) // (WAVES * WIDTH)) * WIDTH)
        lanes = _lanes(starts, deck, min(most, few))
        return lanes, work_buffers(shape, len(lanes.x), constants.batch_rows)

    def move_block(lanes, work, rounds):
        with np.errstate(all="ignore"):
            run_block(lanes, starts, outcome, work, constants, ends, batch, rounds)

    def block(number):
        deck, rounds = decks[number], 1
        lanes, work = begin_block(deck)
        while lanes.queue[ON_LANES] > 0 and not asked:
            started = time.perf_counter()
            move_block(lanes, work, rounds)
            seconds = max(time.perf_counter() - started, 1e-9)
            rounds = max(1, int(min(4 * rounds, rounds * LOOK_SECONDS / seconds)))
            ended[number] = int(lanes.queue[DEALT] - lanes.queue[ON_LANES])
        running = lanes.ids != NOBODY
        ids = lanes.ids[running]
        outcome.x[ids] = unpack(lanes.x, len(running))[running]
        outcome.v[ids] = unpack(lanes.v, len(running))[running]
        done[ids], done[deck[lanes.queue[DEALT] :]] = lanes.steps[running], 0

    report, at_start = reporter(options.progress, particles, "particles"), int(arrived.sum())

    def tell_how_many():
        latest[:] = at_start + sum(list(ended.values())), particles
        report(latest[0], time.perf_counter() - begun)

    with at_once():
        move_block(*begin_block(decks[0] if decks else np.empty(0, np.int64)), 0)  # compiles it
    begun = time.perf_counter()
    with interrupts() as asked, ThreadPoolExecutor(options.threads) as pool:
        tasks = [pool.submit(block, number) for number in range(len(decks))]
        while wait(tasks, SHOW_SECONDS).not_done:
            tell_how_many()
        for task in tasks:
            task.result()
    tell_how_many()
    return Passages(outcome, done, bool(asked))


def _in_step(problem, options):
    """The `Passages` on a GPU, whose threads all begin with the first step: those that have ended
    are left out from the next chunk on."""
    with at_once():
        program = make_program(problem, options.devices)
    bare, particles = problem._replace(reducers=()), problem.particles
    ensemble, own = begin(bare), slice(0, particles)
    arrived = _arrived(problem, problem.start.x)
    ensemble.status[own][arrived], ensemble.stopped_at_step[own][arrived] = PASSED, 0
    ends = (np.empty((2, *part.shape), part.dtype) for part in (problem.start.x, problem.start.v))
    done = run_chunks(program, ensemble, Stored(*ends), bare, options)
    status, stopped = ensemble.status[own], ensemble.stopped_at_step[own]
    arrived = status == PASSED
    outcome = Outcome(
        x=unpack(ensemble.x, particles),
        v=unpack(ensemble.v, particles),
        passed=np.where(arrived, stopped, -1),
        status=np.where(arrived, RUNNING, status).astype(np.int8),
        stopped_at_step=np.where(arrived, -1, stopped),
    )
    return Passages(
        outcome, np.full(particles, done), done < problem.last_step * problem.table.substeps
    )


def _arrived(problem, x):
    """Which particles are there at the start."""
    (target,) = problem.reducers
    label, region = f"reached of {target.name!r}", _region(target.reached)
    return values_at(region, label, target.params, x, 1).ravel() > 0


def passage_dataset(problem, gradient, options):
    """The dataset of a problem whose particles end where they arrive; arguments as `passages`."""
    (reducer,), start, substeps = problem.reducers, problem.start, problem.dynamics.substeps
    if problem.target == "cuda":
        found = _in_step(problem, options)
    else:
        found = passages(problem, gradient, options)
    if found.interrupted:
        tell("interrupted: particles that were still on their way are marked as not arrived.")
    end = found.outcome
    walked = np.where(end.stopped_at_step >= 0, end.stopped_at_step, found.done)
    updates = end.passed, np.where(end.passed >= 0, end.passed, walked)
    passed, steps = (np.where(n < 0, n, -(-n // substeps)) for n in updates)
    rows = np.stack([start.x, end.x]), np.stack([start.v, end.v])
    dataset = assemble(problem, rows, end, problem.last_step)
    dataset = dataset.assign_attrs(interrupted=int(found.interrupted))
    tell_who_left(problem, dataset)
    return dataset.assign(arrival_variables(reducer.name, passed, steps))
