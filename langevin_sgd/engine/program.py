"""A program: the compiled functions of a problem, and what a kernel reads beside them."""

from collections.abc import Callable
from typing import NamedTuple

import numba
import numpy as np
from numba.np.numpy_support import as_dtype

from ..kernels.compiling import for_lanes
from ..kernels.lanes import WIDTH
from ..kernels.rehearsal import rehearse
from ..kernels.rng import ADDRESS
from ..models.forces import Draws, Force, Site
from ..models.noise_record import SILENCE
from .blocks import KernelShape
from .cpu import Constants, build, move
from .domain import OPEN_WALLS, wall_arrays
from .reducers.kernel import cells, reader_of
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


class Program(NamedTuple):
    """A kernel and what stays the same from chunk to chunk."""

    kernel: Callable
    shape: KernelShape
    constants: Constants
    move: Callable  # as `cpu.move`, which moves particles of an ensemble through a chunk
    fetch: Callable  # fetch(ensemble): bring it up to date, before it is read


def make_program(problem, devices=None):
    """Compile everything that a problem needs; `devices` are numbers of GPUs."""
    if problem.target == "cuda":
        from .fleet import program_of_fleet  # which imports numba.cuda

        program = program_of_fleet(problem, devices)
    else:
        parts = compile_parts(problem)
        readers = tuple(reader_of(reducer, parts, problem) for reducer in problem.readers)
        kernel = build(parts.force, parts.update, parts.advance, readers, parts.shape)
        program = Program(kernel, parts.shape, parts.constants, move, _up_to_date)
    if problem.first_step == 0:  # else x0 is no start, but wherever the particles are
        tell_doubts(problem)
        warn_if_unstable(problem.model, problem.dynamics, problem.start.x, problem.steps)
    return program


def _up_to_date(ensemble):
    """The CPU works on the ensemble itself."""


def tell_doubts(problem):
    """Warn of noise that looks forgotten, unused or biased."""
    model, dynamics, noise = problem.model, problem.dynamics, problem.noise
    start = problem.start
    alike = problem.particles > 1 and problem.steps > 0 and not start.stands_in
    alike = alike and all(np.all(part == part[0]) for part in (start.x, start.v))
    for sentence in dynamics.doubts(model, noise, problem.table.template, alike):
        tell(sentence)


def compile_parts(problem, address=ADDRESS, compile_function=for_lanes):
    """The `Parts` of a problem; `address` says whether all particles are at one step, or each at
    its own, and `compile_function` for whom functions are compiled, see `for_lanes`."""
    model, dynamics, noise = problem.model, problem.dynamics, problem.noise or SILENCE
    draws, table = Draws(problem.number, address), problem.table
    shape = kernel_shape(problem, draws)

    def compiled(record, role, *kinds):
        label, function = f"{role} of {record.name!r}", getattr(record, role)
        params = table.template if record is dynamics else record.params
        if record is not model:  # whose functions were rehearsed when it was made
            lengths = [getattr(kind, "dim", None) for kind in kinds]
            step = getattr(record, "start", 0) + getattr(record, "every", 1)
            rehearse(function, label, params, lengths, step, shape.dim * (role == "sample"))
        written = shape.dim * (role in WRITE_A_VECTOR)
        made, _ = compile_function(function, label, (numba.typeof(params), *kinds), written)
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
    )


def kernel_shape(problem, draws):
    """The constants of a kernel; behind the thermal normals z has rows for what the noise draws."""
    model, dynamics, noise = problem.model, problem.dynamics, problem.noise or SILENCE
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
    particles, readers = problem.particles, problem.readers
    slots = np.full(-(-particles // WIDTH) * WIDTH, REPLICATES)
    if readers:
        slots[:particles] = replicates(particles)
    return slots * sum(map(cells, readers))
