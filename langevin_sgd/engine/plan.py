"""From records to a compiled kernel: choose the force, compile the texts, lay out the buffers."""

import numba
import numpy as np

from ..kernels.texts import for_lanes
from ..kernels.views import GatheredRowType, row_type, view_type
from ..models.losses import Loss
from ..models.noise import GradientNoise, Minibatch, TableGaussian
from . import forces
from .cpu import Plan, Shape, build

NO_TABLE = np.zeros((1, 1))


def even(count):
    """`count` rounded up to whole pairs: normals come in pairs."""
    return count + count % 2


def make_plan(model, dynamics, noise, table):
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
    noise_rows = even(noise.normals) + even(noise.uniforms) if isinstance(noise, GradientNoise) else 0
    if isinstance(noise, TableGaussian):
        noise_rows = forces.TILE
    shape = Shape(dim, size, state, thermal, even(thermal) + noise_rows)
    paths = {}

    def text(record, role, *kinds):
        label = f"{role} of {record.name!r}"
        kinds = numba.typeof(table.template if record is dynamics else record.params), *kinds
        compiled, paths[label] = for_lanes(getattr(record, role), label, kinds)
        return compiled

    at, out = view_type(dim), view_type(size)
    force = _model_force(model, noise, text, at, out)
    if isinstance(noise, GradientNoise):
        sample = text(noise, "sample", at, view_type(noise.normals + noise.uniforms), at)
        force = forces.with_noise(force, sample, dim, (noise.normals, noise.uniforms, even(thermal), shape.rows), noise.gaussian)
    memory, normals = view_type(state), view_type(thermal)
    update = text(dynamics, "update", at, memory, at, at, normals)
    advance = text(dynamics, "advance", at, memory, at, normals) if dynamics.advance else None
    noise_params = noise.params if isinstance(noise, GradientNoise) else model.params
    data = model.data if isinstance(model, Loss) else NO_TABLE
    batch_rows = table.largest_batch() if isinstance(noise, Minibatch) else 0
    kernel = build(force, update, advance, shape)
    return Plan(kernel, shape, table.template, model.params, noise_params, data, batch_rows, paths)


def _model_force(model, noise, text, at, out):
    dim, scratch = model.dim, model.scratch
    if not isinstance(model, Loss):
        drift = text(model, "drift", at, out) if model.drift else None
        return forces.potential_gradient(text(model, "gradient", at, out), drift, dim, scratch)
    columns = model.data.shape[1]
    row = GatheredRowType(columns) if isinstance(noise, Minibatch) else row_type(columns)
    example = text(model, "example_gradient", at, row, out)
    builders = {Minibatch: forces.batch_gradient, TableGaussian: forces.table_gaussian}
    return builders.get(type(noise), forces.mean_gradient)(example, dim, scratch, columns)
