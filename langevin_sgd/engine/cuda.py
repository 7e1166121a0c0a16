"""The CUDA driver: each thread moves one particle through a chunk of steps, by the very functions
that the CPU runs for groups of them.

A thread copies its particle from the packed arrays of the `Ensemble`, where neighbours read
neighbouring numbers, into registers, and writes it back after the last step: within the steps
nothing is read but tables, and nothing is written but counts. It keeps the state before a step,
takes back the step in which its particle leaves, and rests from then on."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import cuda, types

from ..kernels.bits import inlined
from ..kernels.lanes import WIDTH
from ..kernels.lone import lone
from ..kernels.views import flat, flat_from, view
from ..models.forces import Draws, set_to
from ..models.noise_record import SILENCE
from .blocks import (
    PASSED,
    RUNNING,
    Block,
    Fixed,
    Moment,
    Now,
    Views,
    Work,
    fate,
)
from .cpu import begin, given_of, params_at
from .program import kernel_shape, make_program
from .reducers.kernel import Readers, observe_kernel
from .step import draw_kernel, move_kernel, remember, wide_kernel

PACKED = WIDTH  # particles whose numbers are neighbours in memory


MOST_OF_A_THREAD = 2**19  # bytes of local memory, of all compute capabilities


# ---- the memory of a thread ----------------------------------------------------------------------


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


def check_thread(problem):
    """Refuse what needs more memory than CUDA gives a thread, which moves one particle."""
    noise, largest = problem.noise or SILENCE, problem.table.largest_batch
    shape = kernel_shape(problem, Draws(problem.number))
    readings = sum(reader.size for reader in problem.readers)
    room = thread_room(shape, noise.batch_rows(largest), readings)
    need, batch, acc = room.bytes_of(shape), 8 * room.chosen, 8 * room.acc
    if need > MOST_OF_A_THREAD:
        raise ValueError(
            f"target='cuda' has {_kib(MOST_OF_A_THREAD)} of memory for each particle, but this run "
            f"needs {_kib(need)}: {_kib(batch)} for batches of at most {largest}, {_kib(acc)} for "
            f"{readings} numbers of reducers, {_kib(need - batch - acc)} for {shape.dim} "
            "dimensions and what is drawn in them. Take fewer, or target='cpu'."
        )


def _kib(size):
    return f"{size / 1024:.4g} KiB"


# ---- kernels -------------------------------------------------------------------------------------


class Updates(NamedTuple):
    """A chunk of updates, with a row for each of them."""

    first: int  # updates done before
    numbers: Any  # of the parameters of the dynamics
    batches: Any  # batch sizes
    due: Any  # a bit for each reducer that reads after it


class Own(NamedTuple):
    """What a thread keeps of its particle."""

    x: Any
    v: Any
    g: Any
    before: Any  # x, then v, before the step
    g_before: Any


@inlined
def _place_of(particle, rows):
    """Where the first of the `rows` numbers of a particle lies in a packed array; the next ones lie
    PACKED numbers behind each other."""
    return (particle // PACKED) * rows * PACKED + particle % PACKED


@inlined
def fetch(own, packed, particle, rows):
    """Copy a particle from a packed array to its thread."""
    first = _place_of(particle, rows)
    for k in range(rows):
        own[k] = packed[first + k * PACKED]


@inlined
def put(own, packed, particle, rows):
    """Copy a particle from its thread to a packed array."""
    first = _place_of(particle, rows)
    for k in range(rows):
        packed[first + k * PACKED] = own[k]


@inlined
def _copied(to, source, start, count):
    """Copy `count` numbers of a flat, from `start` on, to the beginning of another one."""
    for k in range(count):
        to[k] = source[start + k]


def views_of_thread(shape):
    """The function that makes the views of a thread's particle."""
    (dim, state, size), thermal = shape.sizes(), shape.thermal
    known = dim + state

    @inlined
    def seen(own, xi, z):
        x, v, g = view(own.x, 0, dim), view(own.v, 0, state), view(own.g, 0, size)
        return Views(x, v, g, view(xi, 0, dim), view(z, 0, thermal), view(own.before, 0, known))

    return seen


def copies_of_thread(shape, acc_rows, keeps_g):
    """The functions that copy a particle and its accumulators to its thread, and back; g is read by
    the next step only if `keeps_g`."""
    dim, state, size = shape.sizes()

    @inlined
    def bring(own, acc, there, place):
        fetch(own.x, there.x, place, dim)
        fetch(own.v, there.v, place, state)
        fetch(own.g, there.g, place, size)
        fetch(acc, there.acc, place, acc_rows)

    @inlined
    def take(own, acc, there, place):
        put(own.x, there.x, place, dim)
        put(own.v, there.v, place, state)
        put(acc, there.acc, place, acc_rows)
        if keeps_g:
            put(own.g, there.g, place, size)

    return bring, take


@cache
def arrival_of(reached):
    """The function that says whether a particle has arrived."""

    @inlined
    def arrived(target, flag, here):
        reached(target, flag, np.int64(0), here.before, here.x, here.v, here.g)
        return PASSED if flag[0] > 0.0 else RUNNING

    return arrived


def step_kernel_of_thread(force, update, advance, shape):
    """The kernel that moves one particle by one step, and says what became of it; the step of one
    that left is taken back."""
    draw = draw_kernel(force.prepare, shape.thermal, shape.rows, Draws(shape.number))
    move_group, keeps_g = move_kernel(force, update, advance, shape), advance is not None
    sizes = shape.sizes()
    dim, state, size = sizes

    @inlined
    def step(own, here, work, block, fixed, now):
        draw(work, block, fixed.given, now.moment)
        remember(here.before, here.x, here.v, dim, state)
        if keeps_g:
            _copied(own.g_before, own.g, 0, size)
        move_group(work, block, fixed, now, 0, here)
        found = fate(own.x, own.v, sizes, 0, fixed.limit)
        if found != RUNNING:
            _copied(own.x, own.before, 0, dim)
            _copied(own.v, own.before, dim, state)
            if keeps_g:
                _copied(own.g, own.g_before, 0, size)
        return found

    return step


@cache
def build_for_threads(force, update, advance, readers, shape, batch_rows, reached=None):
    """The kernel of one combination of force, dynamics, reducers and shape, as a Python function
    for `cuda.jit`; particles end where `reached`, the `observe` of a first passage, says so."""
    (dim, state, size), number = shape.sizes(), shape.number
    known, has_readers = dim + state, bool(readers)
    one_step, seen = step_kernel_of_thread(force, update, advance, shape), views_of_thread(shape)
    observe, widened = observe_kernel(readers) or force.act, wide_kernel(dim, state, known)
    arrived, has_region = arrival_of(reached or update), reached is not None
    acc_rows = sum(reader.size for reader in readers)
    bring, take = copies_of_thread(shape, acc_rows, advance is not None)
    room = thread_room(shape, batch_rows, acc_rows)
    v_room, z_room, spare_room = room.v, room.z, room.spare
    chosen_room, acc_room = room.chosen, room.acc

    def run(ensemble, running, constants, chunk, first):
        """Move the particles at the places `running` of an ensemble, which begins with particle
        number `first`, through a chunk of steps."""
        thread = cuda.grid(1)
        if thread >= len(running):
            return
        place = running[thread]
        particle = first + place
        there, steps = flat(ensemble), flat(chunk)
        x = flat(cuda.local.array(dim, number))
        v = flat(cuda.local.array(v_room, number))
        g = flat(cuda.local.array(size, number))
        xi = flat(cuda.local.array(dim, number))
        z = flat(cuda.local.array(z_room, number))
        before = flat(cuda.local.array(known, number))
        g_before = flat(cuda.local.array(size, number))
        spare = flat(cuda.local.array(spare_room, number))
        chosen = flat(cuda.local.array(chosen_room, types.int64))
        acc = flat(cuda.local.array(acc_room, types.float64))
        cells = flat(cuda.local.array(1, types.int64))
        own = Own(x, v, g, before, g_before)
        bring(own, acc, there, place)
        set_to(xi, dim, 0.0)  # stays so without noise
        here = seen(own, xi, z)
        work = Work(z, chosen, spare, own, own, acc, cells)
        slots = flat_from(flat(constants.slots), particle)
        into = Readers(constants.readers, acc, acc, slots, there.counts, cells)
        fixed = Fixed(given_of(constants), constants.limit, flat(constants.walls), into)
        block = Block(constants.seed, np.uint64(particle), 1)
        found, step, count = int(there.status[place]), 0, len(chunk.due)
        while found == RUNNING and step < count:
            moment = Moment(np.uint64(chunk.first + step), steps.batches[step])
            now = Now(moment, steps.due[step], params_at(constants.dynamics, steps.numbers, step))
            found = one_step(own, here, work, block, fixed, now)
            step += 1
            if has_region and found == RUNNING:
                found = arrived(constants.readers, view(acc, 0, 1), widened(here))
            if has_readers and found == RUNNING and now.due:
                observe(into, 0, (chunk.first + step, now.due, 0), widened(here), there.status)
        if step > 0 and found != RUNNING:
            there.status[place] = found
            there.stopped_at_step[place] = chunk.first + step
        take(own, acc, there, place)

    return lone(run)


class Launch(NamedTuple):
    """What is compiled for a problem."""

    kernel: Any  # the Python function
    arguments: tuple  # arrays of the host, for their types


def launch_of(problem):
    """The `Launch` of a problem, which needs no device: for a look at the code."""
    program = make_program(problem._replace(target="cuda"))
    numbers, batches = problem.table.rows(problem.first_step * problem.dynamics.substeps, 1)
    steps = Updates(0, numbers, batches, np.zeros(1, np.int64))
    ensemble, running = begin(problem), np.arange(problem.particles)
    return Launch(program.kernel, (ensemble, running, program.constants, steps, 0))
