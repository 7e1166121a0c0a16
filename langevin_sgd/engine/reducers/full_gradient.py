"""The full gradient of a model at a point, for reducers of runs whose g is another one: that of a
minibatch, or at a point on the way."""

from collections import namedtuple
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ...kernels.functions import plain
from ...kernels.views import table_row

Landscape = namedtuple("Params", ("model", "table"))
NOTHING = Landscape(0.0, np.zeros((1, 1)))


class FullGradient(NamedTuple):
    """`write(p, x, out, one)` writes the gradient, less a drift, into `out`; `one` is room for
    `room` numbers, and `p` are `params`."""

    write: Any
    params: Any
    room: int


def full_gradient(model):
    """The `FullGradient` of a Potential, or of a Loss, averaged over its table."""
    room = model.dim + model.scratch
    if model.data is None:
        drift = plain(model.drift) if model.drift else None
        write = _of_potential(plain(model.gradient), drift, model.dim)
        return FullGradient(write, NOTHING._replace(model=model.params), room)
    write = _of_table(plain(model.example_gradient), model.dim, model.data.shape[1])
    return FullGradient(write, Landscape(model.params, model.data), room)


@cache
def _of_potential(gradient, drift, dim):
    has_drift, drift = drift is not None, drift or gradient

    def write(p, x, out, one):
        gradient(p.model, x, one)
        for k in range(dim):
            out[k] = one[k]
        if has_drift:
            drift(p.model, x, one)
            for k in range(dim):
                out[k] -= one[k]

    return write


@cache
def _of_table(example_gradient, dim, columns):
    def write(p, x, out, one):
        examples = p.table.shape[0]
        for k in range(dim):
            out[k] = 0.0 * x[k]
        for number in range(examples):
            example_gradient(p.model, x, table_row(p.table, number, columns), one)
            for k in range(dim):
                out[k] += one[k]
        share = 1.0 / examples
        for k in range(dim):
            out[k] = out[k] * share

    return write
