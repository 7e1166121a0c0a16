"""From records to a compiled kernel: choose the force, compile the texts, lay out the buffers."""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import types
from numba.np.numpy_support import as_dtype

from ..kernels.bits import kernel
from ..kernels.compiling import for_lanes
from ..kernels.functions import plain
from ..kernels.random_rows import Draws
from ..kernels.rehearsal import rehearse
from ..kernels.views import view_type, wide_view_type
from ..models.forces import Force, Site
from ..models.noise_record import SILENCE
from .cpu import Plan, build
from .domain import wall_arrays
from .reducers.kernel import Reader
from .step import Shape

NO_TABLE = np.zeros((1, 1))


class Parts(NamedTuple):
    """The compiled texts of a run, and what a kernel is handed beside them."""

    force: Force
    update: Callable
    advance: Callable | None
    shape: Shape
    text: Callable  # compiles one more text: text(record, role, *types)
    noise_params: Any
    data: np.ndarray
    batch_rows: int
    walls: tuple
    paths: dict  # how each text runs: "lanes", "column" or "interpreted"


def _shape(records, draws):
    """The constants of a kernel; behind the thermal normals z has rows for what the noise draws."""
    model, dynamics, noise = records
    dim, thermal = model.dim, dynamics.normals * model.dim
    return Shape(
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


def compile_parts(records, table, draws):
    """Compile the texts of records = (model, dynamics, noise)."""
    model, dynamics, noise = records
    noise = noise or SILENCE
    shape, paths, number = _shape((model, dynamics, noise), draws), {}, draws.number

    def text(record, role, *kinds):
        label = f"{role} of {record.name!r}"
        params = table.template if record is dynamics else record.params
        if record is not model:  # whose texts were rehearsed when it was made
            lengths = [getattr(kind, "dim", None) for kind in kinds]
            rehearse(
                getattr(record, role),
                label,
                params,
                lengths,
                getattr(record, "start", 0) + getattr(record, "every", 1),
                written=shape.dim if role == "sample" else 0,
            )
        kinds = numba.typeof(params), *kinds
        function, paths[label] = for_lanes(getattr(record, role), label, kinds)
        return function

    at, memory, normals = (
        view_type(rows, number) for rows in (shape.dim, shape.state, shape.thermal)
    )
    site = Site(model, text, draws, draws.rows(shape.thermal), shape.rows)
    return Parts(
        force=noise.force(site),
        update=text(dynamics, "update", at, memory, at, at, normals),
        advance=text(dynamics, "advance", at, memory, at, normals) if dynamics.advance else None,
        shape=shape,
        text=text,
        noise_params=noise.params,
        data=np.ascontiguousarray(NO_TABLE if model.data is None else model.data, as_dtype(number)),
        batch_rows=noise.batch_rows(table.largest_batch),
        walls=wall_arrays(model.domain),
        paths=paths,
    )


def make_plan(job):
    """Compile everything that a job needs."""
    parts = compile_parts(job.records, job.table, Draws(getattr(types, job.precision)))
    readers = tuple(
        _reader(reducer, parts.text, parts.shape, job.table.substeps) for reducer in job.reducers
    )
    return Plan(
        kernel=build(parts.force, parts.update, parts.advance, readers, parts.shape),
        shape=parts.shape,
        template=job.table.template,
        model_params=job.records[0].params,
        noise_params=parts.noise_params,
        table=parts.data,
        batch_rows=parts.batch_rows,
        walls=parts.walls,
        reader_params=tuple(reducer.params for reducer in job.reducers),
        seed=job.seed,
        limit=job.limit,
        paths=parts.paths,
    )


def _reader(reducer, text, shape, substeps):
    at, before, memory = (
        wide_view_type(rows, shape.number)
        for rows in (shape.dim, shape.dim + shape.state, shape.state)
    )
    kinds = view_type(reducer.size), types.int64, before, at, memory, at, at
    takes_noise = len(inspect.signature(plain(reducer.observe)).parameters) == 8
    observe = text(reducer, "observe", *(kinds if takes_noise else kinds[:-1]))
    return Reader(
        _called(observe, takes_noise, substeps), reducer.size, reducer.bins, reducer.weights
    )


@cache
def _called(observe, takes_noise, substeps):
    """`observe` as a step calls it: with the updates done, and with xi, which a text need not ask
    for.
    """

    @kernel
    def with_noise(p, acc, updates, before, x, v, g, xi):
        observe(p, acc, updates // substeps, before, x, v, g, xi)

    @kernel
    def without_noise(p, acc, updates, before, x, v, g, xi):
        observe(p, acc, updates // substeps, before, x, v, g)

    return with_noise if takes_noise else without_noise
