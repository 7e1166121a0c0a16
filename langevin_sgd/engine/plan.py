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
from ..kernels.views import GatheredRowType, row_type, view_type, wide_view_type
from ..models.losses import Loss
from ..models.noise import GradientNoise, Minibatch, TableGaussian
from . import batches, forces
from .cpu import Plan, build
from .domain import wall_arrays
from .reducers.kernel import Reader
from .step import Shape

NO_TABLE = np.zeros((1, 1))


class Parts(NamedTuple):
    """The compiled texts of a run, and what a kernel is handed beside them."""

    force: forces.Force
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
    rows = _rows_of_noise(noise, dim, draws) if isinstance(noise, GradientNoise) else 0
    if isinstance(noise, TableGaussian):
        rows = forces.TILE
    if isinstance(noise, Minibatch):
        fresh = draws.rows(model.draw_normals) + draws.rows(model.draw_uniforms)
        rows = fresh if noise.sampling == "population" else draws.rows(1) * noise.weighted
    return Shape(
        dim=dim,
        size=dim + model.scratch,
        state=dynamics.state_size * dim if dynamics.memory else 0,
        thermal=thermal,
        rows=draws.rows(thermal) + rows,
        walls=getattr(model, "domain", None) is not None,
        mirrored=dynamics.memory == "velocity" and dynamics.state_size == 1,
        noisy=isinstance(noise, (GradientNoise, TableGaussian)),
        columns=model.data.shape[1] if isinstance(model, Loss) else 1,
        number=draws.number,
    )


def compile_parts(records, table, draws):
    """Compile the texts of records = (model, dynamics, noise)."""
    model, dynamics, noise = records
    shape, paths, number = _shape(records, draws), {}, draws.number

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
            )
        kinds = numba.typeof(params), *kinds
        function, paths[label] = for_lanes(getattr(record, role), label, kinds)
        return function

    at, memory, normals = (
        view_type(rows, number) for rows in (shape.dim, shape.state, shape.thermal)
    )
    force = _model_force(model, noise, text, shape, draws)
    if isinstance(noise, GradientNoise):
        room = shape.dim * (1 + noise.scratch_per_component)
        sample = text(
            noise,
            "sample",
            at,
            view_type(noise.normals + noise.uniforms, number),
            view_type(room, number),
        )
        layout = noise.normals, noise.uniforms, draws.rows(shape.thermal), shape.rows, room
        force = forces.with_noise(force, sample, shape.dim, layout, noise.gaussian, draws)
    return Parts(
        force=force,
        update=text(dynamics, "update", at, memory, at, at, normals),
        advance=text(dynamics, "advance", at, memory, at, normals) if dynamics.advance else None,
        shape=shape,
        text=text,
        noise_params=noise.params if noise else model.params,
        data=np.ascontiguousarray(
            model.data if isinstance(model, Loss) else NO_TABLE, as_dtype(number)
        ),
        batch_rows=table.largest_batch if isinstance(noise, Minibatch) else 0,
        walls=wall_arrays(getattr(model, "domain", None)),
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


def _rows_of_noise(noise, dim, draws):
    """Rows of z: normals, uniforms, and room for `out` where a text writes more than its `dim`
    numbers.
    """
    room = dim * (1 + noise.scratch_per_component) if noise.scratch_per_component else 0
    return draws.rows(noise.normals) + draws.rows(noise.uniforms) + room


def _model_force(model, noise, text, shape, draws):
    dim, scratch, number, free = model.dim, model.scratch, draws.number, draws.rows(shape.thermal)
    at, out = view_type(dim, number), view_type(shape.size, number)
    if not isinstance(model, Loss):
        drift = text(model, "drift", at, out) if model.drift else None
        return forces.potential_gradient(text(model, "gradient", at, out), drift, dim, scratch)
    columns = model.data.shape[1]
    if not isinstance(noise, Minibatch):
        example = text(model, "example_gradient", at, row_type(columns, number), out)
        if isinstance(noise, TableGaussian):
            return forces.table_gaussian(example, dim, scratch, columns, free, draws)
        return forces.mean_gradient(example, dim, scratch, columns)
    if noise.sampling == "population":
        fresh = view_type(columns, number)
        draw = text(
            model, "draw", view_type(model.draw_normals + model.draw_uniforms, number), fresh
        )
        layout = model.draw_normals, model.draw_uniforms, free, shape.rows
        example = text(model, "example_gradient", at, fresh, out)
        return batches.population_gradient(example, draw, dim, scratch, columns, layout, draws)
    example = text(model, "example_gradient", at, GatheredRowType(columns, number), out)
    sampling = noise.sampling, noise.shared, noise.weighted
    return batches.batch_gradient(example, dim, scratch, columns, sampling, free, draws)
