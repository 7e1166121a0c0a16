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
from ..kernels.compiling import for_lanes
from ..kernels.functions import plain
from ..kernels.lanes import WIDTH
from ..kernels.rehearsal import rehearse
from ..kernels.rng import ADDRESS
from ..kernels.views import view_type, wide_view_type
from ..models.forces import Draws, Force, Site
from ..models.forgotten import doubts
from ..models.noise_record import SILENCE
from .blocks import KernelShape
from .cpu import Constants, build
from .domain import OPEN_WALLS, wall_arrays
from .reducers.kernel import Reader, cells
from .reducers.readings import REPLICATES, replicates
from .stability import warn_if_unstable
from .terminal import tell

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


def make_program(problem):
    """Compile everything that a problem needs."""
    parts = compile_parts(problem)
    readers = tuple(_reader(reducer, parts, problem) for reducer in problem.reducers)
    kernel = build(parts.force, parts.update, parts.advance, readers, parts.shape)
    if problem.first_step == 0:  # else x0 is no start, but wherever the particles are
        tell_doubts(problem)
        warn_if_unstable(problem.model, problem.dynamics, problem.start.x, problem.steps)
    return Program(kernel, parts.shape, parts.constants, parts.paths)


def tell_doubts(problem):
    """Warn of noise that looks forgotten, unused or biased."""
    model, dynamics, noise = problem.model, problem.dynamics, problem.noise
    for sentence in doubts(model, dynamics, noise, problem.table.template):
        tell(sentence)


def compile_parts(problem, address=ADDRESS):
    """The `Parts` of a problem; `address` says whether all particles are at one step, or each at
    its own."""
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
        made, paths[label] = for_lanes(function, label, (numba.typeof(params), *kinds), written)
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
        state=dynamics.state_size * dim if dynamics.memory else 0,
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
    particles, counters = problem.particles, [r for r in problem.reducers if not r.ends_particles]
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
