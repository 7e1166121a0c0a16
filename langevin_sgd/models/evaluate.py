"""Energy, gradient and Hessian of a model at many points."""

import math
from functools import cache

import numba
import numpy as np

from ..arguments import checked, instance, one_of, real_array
from ..kernels.bits import kernel
from ..kernels.compiling import for_lanes, kept
from ..kernels.lanes import WIDTH
from ..kernels.views import empty_groups, pack, row_type, table_row, unpack, view, view_type
from .loss_record import Loss
from .potential_record import Potential

ASKED = ("energy", "gradient", "hessian", "fisher", "drift")


@cache
def _writing(number, of_example):
    """A function of one number as one that writes it into `out`."""

    def write(p, x, out):
        out[0] = number(p, x)

    def write_of_example(p, x, row, out):
        out[0] = number(p, x, row)

    return write_of_example if of_example else write


@cache
def _potential_kernel(function, dim, size):
    @kernel
    def run(p, x, out):
        for group in range(x.shape[0]):
            place = view(x, group * x.shape[1] * WIDTH, dim)
            function(p, place, view(out, group * out.shape[1] * WIDTH, size))

    return kept(run)


@cache
def _mean_kernel(function, dim, size, columns):
    @kernel
    def run(p, x, out, table, one):
        for group in range(x.shape[0]):
            place = view(x, group * x.shape[1] * WIDTH, dim)
            total, example = view(out, group * out.shape[1] * WIDTH, size), view(one, 0, size)
            for k in range(size):
                total[k] = 0.0
            for row in range(table.shape[0]):
                function(p, place, table_row(table, row, columns), example)
                for k in range(size):
                    total[k] += example[k]
            for k in range(size):
                total[k] = total[k] * (1.0 / table.shape[0])

    return kept(run)


def values_at(function, label, params, points, size):
    """What `function(p, x, out)` writes into the `size` numbers of `out` at points (n, d): an array
    (n, size), nan where it writes nothing."""
    return _values(function, label, params, points.shape[1], size)(points)


def _values(function, label, params, dim, size, table=None):
    """`values_at` as a function of the points; with a table, the mean over its rows of what
    `function(p, x, row, out)` writes."""
    row = () if table is None else (row_type(table.shape[1]),)
    kinds = numba.typeof(params), view_type(dim), *row, view_type(size)
    compiled, _ = for_lanes(function, label, kinds)
    run, others = _potential_kernel(compiled, dim, size), ()
    if table is not None:
        run, others = _mean_kernel(compiled, dim, size, table.shape[1]), (table, _room(1, size))

    def values(points):
        if not len(points):
            return np.empty((0, size))
        packed = pack(points)
        out = _room(len(packed), size)
        with np.errstate(all="ignore"):
            run(params, packed, out, *others)
        return unpack(out, len(points))

    return values


def _room(groups, size):
    """Groups of numbers that nobody has written yet: nan."""
    out = empty_groups(groups, size)
    out[...] = np.nan
    return out


def landscape(value, name):
    """A check: `value` if it is a Potential, or a Loss, whose mean over the table is one."""
    return instance(value, name, (Potential, Loss), "a Potential or a Loss")


@checked(model=landscape, x=real_array, quantity=one_of(*ASKED))
def evaluate(model, x, quantity):
    """The energy, gradient, Hessian or Fisher matrix of a model at one or many points.

    Parameters
    ----------
    model : Potential or Loss
        A loss is averaged over its table.
    x : array_like, shape (..., d)
        Points, in units of length.
    quantity : {"energy", "gradient", "hessian", "fisher", "drift"}
        "fisher" is the Fisher matrix of a loss: the mean of g g' over labels drawn from the model
        at x.

    Returns
    -------
    ndarray, shape (...), (..., d) or (..., d, d)
        In units of energy, energy per length, energy per length squared (of the Fisher matrix: that
        of g g'); a `drift` is no part of the gradient.

    Examples
    --------
    >>> well = ls.potentials.quadratic([1.0, 4.0])
    >>> ls.evaluate(well, [[3.0, 0.0], [3.0, 1.0]], "energy").tolist()
    [4.5, 6.5]
    >>> ls.evaluate(well, [3.0, 1.0], "gradient").tolist()
    [3.0, 4.0]
    """
    check_points(x, model)
    return evaluator(model, quantity)(x)


def check_points(x, model, name="x"):
    """Refuse an array, the argument `name`, that is no points (..., d) of a model."""
    if x.shape[-1:] != (model.dim,):
        raise ValueError(
            f"{name} must have the shape (..., {model.dim}) for {model.name!r}, got {x.shape}."
        )


def evaluator(model, quantity):
    """`evaluate(model, x, quantity)` as a function of x, made once for many calls."""
    dim, function, role = model.dim, model.function(quantity), model.role(quantity)
    if function is None:
        way = f"; give it one as {role}= to ask for it." if role in model._fields else "."
        raise ValueError(f"{model.name!r} has no {quantity}{way}")
    table, label = model.data, f"{quantity} of {model.name!r}"
    if quantity == "energy":
        function = _writing(function, table is not None)
    shape = {"energy": (), "hessian": (dim, dim), "fisher": (dim, dim)}.get(quantity, (dim,))
    numbers = math.prod(shape)
    size = numbers + model.scratch * (quantity != "energy")
    values = _values(function, label, model.params, dim, size, table)
    return lambda x: values(x.reshape(-1, dim))[:, :numbers].reshape(x.shape[:-1] + shape)
