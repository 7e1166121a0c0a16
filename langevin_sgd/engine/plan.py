"""From records to a compiled kernel: choose the force, compile the texts, lay out the buffers."""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import types

from ..kernels.bits import kernel
from ..kernels.rng import ADDRESS
from ..kernels.texts import for_lanes, plain
from ..kernels.views import GatheredRowType, row_type, view_type
from ..models.losses import Loss
from ..models.noise import GradientNoise, Minibatch, TableGaussian
from . import batches, forces
from .cpu import Plan, build
from .domain import wall_arrays
from .observing import Reader
from .step import Shape

NO_TABLE = np.zeros((1, 1))


def even(count):
    """`count` rounded up to whole pairs: normals come in pairs."""
    return count + count % 2


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


def _shape(model, dynamics, noise):
    """The constants of a kernel; behind the thermal normals z has rows for what the noise draws."""
    dim, thermal = model.dim, dynamics.normals * model.dim
    rows = _rows_of_noise(noise, dim) if isinstance(noise, GradientNoise) else 0
    if isinstance(noise, TableGaussian):
        rows = forces.TILE
    if isinstance(noise, Minibatch):
        rows = even(model.draw_normals) + even(model.draw_uniforms) if noise.sampling == "population" else 2 * noise.weighted
    return Shape(
        dim=dim,
        size=dim + model.scratch,
        state=dynamics.state_size * dim if dynamics.memory else 0,
        thermal=thermal,
        rows=even(thermal) + rows,
        walls=getattr(model, "domain", None) is not None,
        mirrored=dynamics.memory == "velocity" and dynamics.state_size == 1,
        noisy=isinstance(noise, (GradientNoise, TableGaussian)),
        columns=model.data.shape[1] if isinstance(model, Loss) else 1,
    )


def compile_parts(records, table, address=ADDRESS):
    """Compile the texts of records = (model, dynamics, noise); `address` as in `forces`."""
    model, dynamics, noise = records
    shape, paths = _shape(*records), {}

    def text(record, role, *kinds):
        label = f"{role} of {record.name!r}"
        kinds = numba.typeof(table.template if record is dynamics else record.params), *kinds
        function, paths[label] = for_lanes(getattr(record, role), label, kinds)
        return function

    at, memory, normals = view_type(shape.dim), view_type(shape.state), view_type(shape.thermal)
    force = _model_force(model, noise, text, shape, address)
    if isinstance(noise, GradientNoise):
        room = shape.dim * (1 + noise.scratch_per_component)
        sample = text(noise, "sample", at, view_type(noise.normals + noise.uniforms), view_type(room))
        layout = noise.normals, noise.uniforms, even(shape.thermal), shape.rows, room
        force = forces.with_noise(force, sample, shape.dim, layout, noise.gaussian, address)
    return Parts(
        force=force,
        update=text(dynamics, "update", at, memory, at, at, normals),
        advance=text(dynamics, "advance", at, memory, at, normals) if dynamics.advance else None,
        shape=shape,
        text=text,
        noise_params=noise.params if noise else model.params,
        data=model.data if isinstance(model, Loss) else NO_TABLE,
        batch_rows=table.largest_batch() if isinstance(noise, Minibatch) else 0,
        walls=wall_arrays(getattr(model, "domain", None)),
        paths=paths,
    )


def make_plan(job):
    """Compile everything that a job needs."""
    parts = compile_parts(job.records, job.table)
    readers = tuple(_reader(reducer, parts.text, parts.shape) for reducer in job.reducers)
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


def _reader(reducer, text, shape):
    at, before = view_type(shape.dim), view_type(shape.dim + shape.state)
    kinds = view_type(reducer.size), types.int64, before, at, view_type(shape.state), at, at
    takes_noise = len(inspect.signature(plain(reducer.observe)).parameters) == 8
    observe = text(reducer, "observe", *(kinds if takes_noise else kinds[:-1]))
    return Reader(observe if takes_noise else _without_noise(observe), reducer.size, reducer.bins, reducer.weights)


@cache
def _without_noise(observe):
    """`observe` of a text that does not ask for xi."""

    @kernel
    def seven(p, acc, step, before, x, v, g, xi):
        observe(p, acc, step, before, x, v, g)

    return seven


def _rows_of_noise(noise, dim):
    """Rows of z: normals, uniforms, and room for `out` where a text writes more than its `dim` numbers."""
    room = dim * (1 + noise.scratch_per_component) if noise.scratch_per_component else 0
    return even(noise.normals) + even(noise.uniforms) + room


def _model_force(model, noise, text, shape, address):
    dim, scratch, at, out = model.dim, model.scratch, view_type(model.dim), view_type(shape.size)
    if not isinstance(model, Loss):
        drift = text(model, "drift", at, out) if model.drift else None
        return forces.potential_gradient(text(model, "gradient", at, out), drift, dim, scratch)
    columns = model.data.shape[1]
    if not isinstance(noise, Minibatch):
        example = text(model, "example_gradient", at, row_type(columns), out)
        if isinstance(noise, TableGaussian):
            return forces.table_gaussian(example, dim, scratch, columns, even(shape.thermal), address)
        return forces.mean_gradient(example, dim, scratch, columns)
    if noise.sampling == "population":
        fresh = view_type(columns)
        draw = text(model, "draw", view_type(model.draw_normals + model.draw_uniforms), fresh)
        layout = model.draw_normals, model.draw_uniforms, even(shape.thermal), shape.rows
        example = text(model, "example_gradient", at, fresh, out)
        return batches.population_gradient(example, draw, dim, scratch, columns, layout, address)
    example = text(model, "example_gradient", at, GatheredRowType(columns), out)
    sampling = noise.sampling, noise.shared, noise.weighted
    return batches.batch_gradient(example, dim, scratch, columns, sampling, even(shape.thermal), address)
