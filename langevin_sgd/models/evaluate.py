"""Energy, gradient and Hessian of a model at many points."""

import math
from functools import cache

import numba
import numpy as np

from ..arguments import choice, instance, real_array
from ..kernels.bits import kernel
from ..kernels.compile_cache import kept
from ..kernels.compiling import for_lanes
from ..kernels.lanes import WIDTH
from ..kernels.packing import empty_groups, pack, unpack
from ..kernels.views import row_type, table_row, view, view_type
from .loss_record import Loss
from .potential_record import Potential

QUANTITIES = ("energy", "gradient", "hessian", "fisher", "drift")


@cache
def energy_text(energy):
    """The energy as a text that writes into `out`."""

    def write_energy(p, x, out):
        out[0] = energy(p, x)

    return write_energy


@cache
def example_loss_text(example_loss):
    """The loss of one example as a text that writes into `out`."""

    def write_loss(p, x, row, out):
        out[0] = example_loss(p, x, row)

    return write_loss


@cache
def _potential_kernel(text, dim, size):
    @kernel
    def run(p, x, out):
        for group in range(x.shape[0]):
            text(
                p,
                view(x, group * x.shape[1] * WIDTH, dim),
                view(out, group * out.shape[1] * WIDTH, size),
            )

    return kept(run)


@cache
def _mean_kernel(text, dim, size, columns):
    @kernel
    def run(p, x, out, table, one):
        for group in range(x.shape[0]):
            place = view(x, group * x.shape[1] * WIDTH, dim)
            total, example = view(out, group * out.shape[1] * WIDTH, size), view(one, 0, size)
            for k in range(size):
                total[k] = 0.0
            for row in range(table.shape[0]):
                text(p, place, table_row(table, row, columns), example)
                for k in range(size):
                    total[k] += example[k]
            for k in range(size):
                total[k] = total[k] * (1.0 / table.shape[0])

    return kept(run)


def values_at(text, label, params, points, size):
    """What `text(p, x, out)` writes into the `size` numbers of `out` at points (n, d): an array (n,
    size).
    """
    dim, packed = points.shape[1], pack(points)
    out = empty_groups(len(packed), size)
    text, _ = for_lanes(text, label, (numba.typeof(params), view_type(dim), view_type(size)))
    with np.errstate(all="ignore"):
        _potential_kernel(text, dim, size)(params, packed, out)
    return unpack(out, len(points))


def landscape(value, name):
    """A check: `value` if it is a Potential, or a Loss, whose mean over the table is one."""
    return instance(value, name, (Potential, Loss), "a Potential or a Loss")


def evaluate(model, x, quantity):
    """Energy, gradient, Hessian or Fisher matrix of a model at many points.

    Parameters
    ----------
    model : Potential or Loss
        A loss is averaged over its table.
    x : array_like, shape (..., d)
        Points.
    quantity : {"energy", "gradient", "hessian", "fisher", "drift"}
        "fisher" is the Fisher matrix of a loss: the mean of g g' over labels drawn from the model
        at x.

    Returns
    -------
    ndarray, shape (...), (..., d) or (..., d, d)
        In units of energy, energy per length, energy per length squared (of the Fisher matrix: that
        of g g'); a `drift` is no part of the gradient.

    Raises
    ------
    TypeError, ValueError
        If model is neither, the last axis of x is not d, or the model has no Hessian, Fisher matrix
        or drift.
    """
    landscape(model, "model")
    choice(quantity, "quantity", QUANTITIES)
    x = real_array(x, "x")
    if x.ndim == 0 or x.shape[-1] != model.dim:
        raise ValueError(
            f"x must have the shape (..., {model.dim}) for {model.name!r}, got {x.shape}."
        )
    dim, of_loss = model.dim, isinstance(model, Loss)
    field = ("example_" + quantity.replace("energy", "loss")) if of_loss else quantity
    text = getattr(model, field, None)
    if text is None:
        raise ValueError(
            f"{model.name!r} has no {quantity}"
            + (f"; give it one as {field}= to ask for it." if field in model._fields else ".")
        )
    if quantity == "energy":
        text = (example_loss_text if of_loss else energy_text)(text)
    shape = {"energy": (), "hessian": (dim, dim), "fisher": (dim, dim)}.get(quantity, (dim,))
    numbers = math.prod(shape)
    size = numbers + (model.scratch if shape else 0)
    points = x.reshape(-1, dim)
    if not len(points):
        return np.empty(x.shape[:-1] + shape)
    label, p = f"{quantity} of {model.name!r}", model.params
    if of_loss:
        packed, columns = pack(points), model.data.shape[1]
        out = empty_groups(len(packed), size)
        kinds = numba.typeof(p), view_type(dim), row_type(columns), view_type(size)
        run = _mean_kernel(for_lanes(text, label, kinds)[0], dim, size, columns)
        with np.errstate(all="ignore"):
            run(p, packed, out, model.data, empty_groups(1, size))
        values = unpack(out, len(points))
    else:
        values = values_at(text, label, p, points, size)
    return values[:, :numbers].reshape(x.shape[:-1] + shape)
