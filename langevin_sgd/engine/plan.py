"""From records to a compiled kernel: choose the force, compile the texts, lay out the buffers."""

import inspect
from functools import cache

import numba
import numpy as np
from numba import types

from ..kernels.bits import kernel
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


def make_plan(model, dynamics, noise, table, reducers=()):
    """Compile everything that a run needs; seed and escape radius are still to be set.

    Parameters
    ----------
    table : Timetable
        Parameters of the dynamics over the run.

    Returns
    -------
    Plan
        Its `paths` says for each text which path it takes: "lanes", "column" or "interpreted".
    """
    dim, size = model.dim, model.dim + model.scratch
    thermal = dynamics.normals * dim
    state = dynamics.state_size * dim if dynamics.memory else 0
    noise_rows = _rows_of_noise(noise, dim) if isinstance(noise, GradientNoise) else 0
    if isinstance(noise, TableGaussian):
        noise_rows = forces.TILE
    if isinstance(noise, Minibatch):
        noise_rows = (
            even(model.draw_normals) + even(model.draw_uniforms) if noise.sampling == "population" else 2 * noise.weighted
        )
    walls = getattr(model, "domain", None)
    mirrored = dynamics.memory == "velocity" and dynamics.state_size == 1
    noisy, columns = isinstance(noise, (GradientNoise, TableGaussian)), model.data.shape[1] if isinstance(model, Loss) else 1
    shape = Shape(dim, size, state, thermal, even(thermal) + noise_rows, walls is not None, mirrored, noisy, columns)
    paths = {}

    def text(record, role, *kinds):
        label = f"{role} of {record.name!r}"
        kinds = numba.typeof(table.template if record is dynamics else record.params), *kinds
        function, paths[label] = for_lanes(getattr(record, role), label, kinds)
        return function

    at = view_type(dim)
    force = _model_force(model, noise, text, shape)
    if isinstance(noise, GradientNoise):
        room = dim * (1 + noise.scratch_per_component)
        sample = text(noise, "sample", at, view_type(noise.normals + noise.uniforms), view_type(room))
        layout = noise.normals, noise.uniforms, even(thermal), shape.rows, room
        force = forces.with_noise(force, sample, dim, layout, noise.gaussian)
    memory, normals = view_type(state), view_type(thermal)
    update = text(dynamics, "update", at, memory, at, at, normals)
    advance = text(dynamics, "advance", at, memory, at, normals) if dynamics.advance else None
    noise_params = noise.params if noise else model.params
    data = model.data if isinstance(model, Loss) else NO_TABLE
    batch_rows = table.largest_batch() if isinstance(noise, Minibatch) else 0
    readers = tuple(_reader(reducer, text, shape) for reducer in reducers)
    compiled, walls = build(force, update, advance, readers, shape), wall_arrays(walls)
    reader_params = tuple(reducer.params for reducer in reducers)
    return Plan(compiled, shape, table.template, model.params, noise_params, data, batch_rows, walls, reader_params, paths)


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


def _model_force(model, noise, text, shape):
    dim, scratch, at, out = model.dim, model.scratch, view_type(model.dim), view_type(shape.size)
    if not isinstance(model, Loss):
        drift = text(model, "drift", at, out) if model.drift else None
        return forces.potential_gradient(text(model, "gradient", at, out), drift, dim, scratch)
    columns = model.data.shape[1]
    if not isinstance(noise, Minibatch):
        example = text(model, "example_gradient", at, row_type(columns), out)
        if isinstance(noise, TableGaussian):
            return forces.table_gaussian(example, dim, scratch, columns, even(shape.thermal))
        return forces.mean_gradient(example, dim, scratch, columns)
    if noise.sampling == "population":
        fresh = view_type(columns)
        draw = text(model, "draw", view_type(model.draw_normals + model.draw_uniforms), fresh)
        layout = model.draw_normals, model.draw_uniforms, even(shape.thermal), shape.rows
        return batches.population_gradient(text(model, "example_gradient", at, fresh, out), draw, dim, scratch, columns, layout)
    example = text(model, "example_gradient", at, GatheredRowType(columns), out)
    return batches.batch_gradient(
        example, dim, scratch, columns, (noise.sampling, noise.shared, noise.weighted), even(shape.thermal)
    )
