"""A program: the compiled functions of a problem, and what a kernel reads beside them."""

import inspect
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numba
import numpy as np
from numba import types
from numba.np.numpy_support import as_dtype

from ..kernels.bits import inlined
from ..kernels.compiling import for_lanes, for_threads
from ..kernels.functions import plain
from ..kernels.lanes import WIDTH
from ..kernels.rehearsal import rehearse
from ..kernels.rng import ADDRESS
from ..kernels.views import view_type, wide_view_type
from ..models.forces import Draws, Force, Site
from ..models.forgotten import doubts
from ..models.noise_record import SILENCE
from .blocks import KernelShape, thread_room
from .cpu import Constants, build, move
from .domain import OPEN_WALLS, wall_arrays
from .reducers.kernel import Reader, cells
from .reducers.readings import REPLICATES, replicates
from .stability import warn_if_unstable
from .terminal import tell

MOST_OF_A_THREAD = 2**19  # bytes of local memory, of all compute capabilities
NO_TABLE = np.zeros((1, 1))
WRITE_A_VECTOR = "gradient", "drift", "example_gradient", "sample"


class Parts(NamedTuple):
    """The compiled functions of the records of a problem."""

    force: Force
    update: Callable
    advance: Callable | None
    shape: KernelShape
    constants: Constants
    compiled: Callable  # compiled(record, role, *types): one more function, for a group
    paths: dict  # how each function runs: "lanes", "column" or "interpreted"


class Program(NamedTuple):
    """A kernel and what stays the same from chunk to chunk."""

    kernel: Callable
    shape: KernelShape
    constants: Constants
    paths: dict
    move: Callable  # as `cpu.move`, which moves particles of an ensemble through a chunk
    fetch: Callable  # fetch(ensemble): bring it up to date, before it is read


def make_program(problem, devices=None):
    """Compile everything that a problem needs; `devices` are numbers of GPUs."""
    on_gpu = problem.target == "cuda"
    functions = {}  # by their labels

    def for_gpu(function, label, kinds, written):
        functions[label] = function
        return for_threads(function, label, kinds, written)

    parts = compile_parts(problem, compile_function=for_gpu if on_gpu else for_lanes)
    readers = tuple(_reader(reducer, parts, problem) for reducer in problem.readers)
    combination = parts.force, parts.update, parts.advance, readers, parts.shape
    if on_gpu:
        from . import cuda, fleet  # which import numba.cuda

        reached, constants = target_of(problem, parts)
        kernel = cuda.build_for_threads(*combination, constants.batch_rows, reached)
        devices = fleet.Fleet(kernel, constants, functions, devices)
        moves = devices.move, devices.fetch
    else:
        kernel, constants, moves = build(*combination), parts.constants, (move, _up_to_date)
    if problem.first_step == 0:  # else x0 is no start, but wherever the particles are
        tell_doubts(problem)
        warn_if_unstable(problem.model, problem.dynamics, problem.start.x, problem.steps)
    return Program(kernel, parts.shape, constants, parts.paths, *moves)


def check_thread(problem):
    """Refuse what needs more memory than CUDA gives a thread, which moves one particle."""
    noise, largest = problem.noise or SILENCE, problem.table.largest_batch
    shape = _shape(problem.model, problem.dynamics, noise, Draws(problem.number))
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


def target_of(problem, parts):
    """The compiled `observe` of a first passage, None without one, and the constants with its
    parameters."""
    passage = problem.passage
    if passage is None:
        return None, parts.constants
    reached = parts.compiled(passage, "observe", *reader_kinds(parts.shape, 1)[:-1])
    return reached, parts.constants._replace(readers=passage.params)


def _up_to_date(ensemble):
    """The CPU works on the ensemble itself."""


def tell_doubts(problem):
    """Warn of noise that looks forgotten, unused or biased."""
    model, dynamics, noise = problem.model, problem.dynamics, problem.noise
    several = problem.particles > 1 and problem.steps > 0
    alike = several and all(np.all(part == part[0]) for part in (problem.start.x, problem.start.v))
    for sentence in doubts(model, dynamics, noise, problem.table.template, alike):
        tell(sentence)


def compile_parts(problem, address=ADDRESS, compile_function=for_lanes):
    """The `Parts` of a problem; `address` says whether all particles are at one step, or each at
    its own, and `compile_function` for whom functions are compiled, see `for_lanes`."""
    model, dynamics, noise = problem.model, problem.dynamics, problem.noise or SILENCE
    draws, table, paths = Draws(problem.number, address), problem.table, {}
    shape = _shape(model, dynamics, noise, draws)

    def compiled(record, role, *kinds):
        label, function = f"{role} of {record.name!r}", getattr(record, role)
        params = table.template if record is dynamics else record.params
        if record is not model:  # whose functions were rehearsed when it was made
            lengths = [getattr(kind, "dim", None) for kind in kinds]
            step = getattr(record, "start", 0) + getattr(record, "every", 1)
            rehearse(function, label, params, lengths, step, shape.dim * (role == "sample"))
        written = shape.dim * (role in WRITE_A_VECTOR)
        kinds = numba.typeof(params), *kinds
        made, paths[label] = compile_function(function, label, kinds, written)
        return made

    site = Site(model, compiled, draws, draws.rows(shape.thermal), shape.rows)
    at, memory, normals = (site.view(rows) for rows in (shape.dim, shape.state, shape.thermal))
    has_advance = dynamics.advance is not None
    data = NO_TABLE if model.data is None else model.data
    constants = Constants(
        model=model.params,
        noise=noise.params,
        dynamics=table.template,
        table=np.ascontiguousarray(data, as_dtype(problem.number)),
        batch_rows=noise.batch_rows(table.largest_batch),
        limit=problem.limit,
        walls=wall_arrays(model.domain) if model.domain else OPEN_WALLS,
        readers=tuple(reducer.params for reducer in problem.reducers),
        slots=_slots(problem),
        seed=np.uint64(problem.seed),
        particles=problem.particles,
    )
    return Parts(
        force=noise.force(site),
        update=compiled(dynamics, "update", at, memory, at, at, normals),
        advance=compiled(dynamics, "advance", at, memory, at, normals) if has_advance else None,
        shape=shape,
        constants=constants,
        compiled=compiled,
        paths=paths,
    )


def _shape(model, dynamics, noise, draws):
    """The constants of a kernel; behind the thermal normals z has rows for what the noise draws."""
    dim, thermal = model.dim, dynamics.normals * model.dim
    return KernelShape(
        dim=dim,
        size=dim + model.scratch,
        state=dynamics.parts * dim,
        thermal=thermal,
        rows=draws.rows(thermal) + noise.rows(model, draws),
        walls=model.domain is not None,
        vectors=dynamics.vectors or 0,
        noisy=noise.adds,
        columns=1 if model.data is None else model.data.shape[1],
        number=draws.number,
    )


def _slots(problem):
    """Where the counts of each particle begin, padding included, which counts for itself."""
    particles, counters = problem.particles, problem.readers
    slots = np.full(-(-particles // WIDTH) * WIDTH, REPLICATES)
    if counters:
        slots[:particles] = replicates(particles)
    return slots * sum(cells(reducer) for reducer in counters)


def reader_kinds(shape, size):
    """Types of what `observe` gets after `p`: acc of `size` numbers, step, before, x, v, g, xi."""
    rows = shape.dim + shape.state, shape.dim, shape.state
    before, at, memory = (wide_view_type(number, shape.number) for number in rows)
    return view_type(size), types.int64, before, at, memory, at, at


def _reader(reducer, parts, problem):
    kinds, substeps = reader_kinds(parts.shape, reducer.size), problem.dynamics.substeps
    takes_noise = len(inspect.signature(plain(reducer.observe)).parameters) == 8
    observe = parts.compiled(reducer, "observe", *(kinds if takes_noise else kinds[:-1]))
    seen = _counting_steps(observe, takes_noise, substeps)
    return Reader(seen, reducer.size, reducer.bins, reducer.weights)


@cache
def _counting_steps(observe, takes_noise, substeps):
    """`observe` as a kernel calls it: with the updates done, and with xi, for which a function need
    not ask.
    """

    @inlined
    def with_noise(p, acc, updates, before, x, v, g, xi):
        observe(p, acc, updates // substeps, before, x, v, g, xi)

    @inlined
    def without_noise(p, acc, updates, before, x, v, g, xi):
        observe(p, acc, updates // substeps, before, x, v, g)

    return with_noise if takes_noise else without_noise
