"""The `Loss` record: one example's loss and gradient, and a table of examples; its mean over the
table is a potential.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..kernels.functions import interpreted
from ..kernels.rehearsal import rehearse
from ..kernels.rules import check_function
from .arrays import real_array, shown
from .forces import force_of_table
from .parameters import COUNT_LIMIT, integer, parameters, record_name
from .potential_record import check_gradient
from .recipes import Made, Recipe


class _LossFields(NamedTuple):
    name: str
    example_loss: Callable
    example_gradient: Callable
    params: Any
    data: np.ndarray
    dim: int
    example_hessian: Callable | None = None
    example_fisher: Callable | None = None
    draw: Callable | None = None
    scratch: int = 0
    draw_normals: int = 0
    draw_uniforms: int = 0
    recipe: Recipe | None = None


class Loss(Made, _LossFields):
    """Mean loss over a table of examples.

    Parameters
    ----------
    name : str
        How messages and datasets call it.
    example_loss : callable
        `example_loss(p, x, row) -> float`: loss of one example at parameters x.
    example_gradient : callable
        `example_gradient(p, x, row, out)` writes its d derivatives into `out`.
    params : dict or namedtuple
        What the functions find in `p`.
    data : array_like, shape (examples, columns)
        The table; a text sees one line of it as `row`.
    dim : int
        Number of components d of x.
    example_hessian, example_fisher : callable, optional
        `f(p, x, row, out)`, d*d numbers row by row.
    draw : callable, optional
        `draw(p, z, row)` writes a fresh row, for sampling from the population, from `z`:
        `draw_normals` independent standard normals, then `draw_uniforms` independent uniform
        numbers in [0, 1).
    scratch : int
        Free numbers that a text may use behind `out[d:]`, or `out[d*d:]` where it writes a matrix.
    draw_normals, draw_uniforms : int
        How many random numbers one fresh row takes.

    Raises
    ------
    TypeError, ValueError
        If a text breaks the rules of `langevin_sgd.kernels.rules`, the table is not finite, the
        gradient is not that of the loss, or `draw` leaves a number of the row unwritten.
    """

    __slots__ = ()
    drift = domain = None  # what a Potential may have and a Loss never has
    force = force_of_table

    def __new__(
        cls,
        name,
        example_loss,
        example_gradient,
        params,
        data,
        dim,
        example_hessian=None,
        example_fisher=None,
        draw=None,
        scratch=0,
        draw_normals=0,
        draw_uniforms=0,
    ):
        texts = {"example_loss": example_loss, "example_gradient": example_gradient}
        texts |= {
            "example_hessian": example_hessian,
            "example_fisher": example_fisher,
            "draw": draw,
        }
        record_name(name)
        table, params = table_of(data, f"data of {name!r}"), parameters(params, repr(name))
        numbers = {
            "dim": dim,
            "scratch": scratch,
            "draw_normals": draw_normals,
            "draw_uniforms": draw_uniforms,
        }
        numbers = {
            field: integer(value, field, int(field == "dim"), limit=COUNT_LIMIT)
            for field, value in numbers.items()
        }
        _check_texts(texts, params, numbers, table.shape[1], name)
        dim, scratch, *counts = numbers.values()
        fields = name, example_loss, example_gradient, params, table, dim
        record = super().__new__(
            cls, *fields, example_hessian, example_fisher, draw, scratch, *counts
        )
        check_gradient(name, record.params, dim, scratch, example_loss, example_gradient, table[0])
        _check_draw(record)
        return record


def _check_texts(texts, params, numbers, columns, name):
    """Check and rehearse the texts; refuse a `draw` without random numbers, and random numbers
    without a `draw`.
    """
    dim, scratch, normals, uniforms = numbers.values()
    if (texts["draw"] is None) == (normals + uniforms > 0):
        raise ValueError(
            f"draw_normals = {normals} and draw_uniforms = {uniforms} do not fit draw = "
            f"{shown(texts['draw'])} of {name!r}: "
            "give a draw and at least one random number, or neither."
        )
    matrix = "p x row out", (dim, columns, dim * dim + scratch)
    calls = {
        "example_loss": ("p x row", (dim, columns)),
        "example_gradient": ("p x row out", (dim, columns, dim + scratch)),
    }
    calls |= {
        "example_hessian": matrix,
        "example_fisher": matrix,
        "draw": ("p z row", (normals + uniforms, columns)),
    }
    written = dict.fromkeys(("example_hessian", "example_fisher"), dim * dim)
    written |= {"example_gradient": dim, "draw": columns}
    for role, (arguments, lengths) in calls.items():
        text, label = texts[role], f"{role} of {name!r}"
        if text is not None or role in ("example_loss", "example_gradient"):
            check_function(text, label, arguments)
            rehearse(text, label, params, lengths, written=written.get(role, 0))


def _check_draw(loss):
    """Refuse a `draw` that does not write the whole row."""
    if loss.draw is not None:
        row = fresh_rows(
            loss.draw,
            loss.params,
            (loss.draw_normals, loss.draw_uniforms),
            (1, loss.data.shape[1]),
            0,
        )[0]
        if not np.all(np.isfinite(row)):
            column = int(np.argmin(np.isfinite(row)))
            raise ValueError(
                f"draw of {loss.name!r} must write every number of the row, but row[{column}] is "
                f"{row[column]}."
            )


def fresh_rows(draw, p, counts, shape, seed):
    """A table of `shape` that `draw` fills, interpreted; `counts` normals and uniforms a row, from
    numpy's generator.
    """
    random, draw, table = np.random.default_rng(seed), interpreted(draw), np.full(shape, np.nan)
    for row in table:
        draw(
            p, np.concatenate([random.normal(size=counts[0]), random.uniform(size=counts[1])]), row
        )
    return table


def table_of(values, name):
    """`values` as a new, finite, C-contiguous float64 table (examples, columns)."""
    table = real_array(values, name)
    if table.ndim != 2 or table.size == 0:
        raise ValueError(f"{name} must have the shape (examples, columns), got {np.shape(values)}.")
    if not np.all(np.isfinite(table)):
        example, column = np.argwhere(~np.isfinite(table))[0]
        raise ValueError(
            f"{name} must be finite, but example {example}, column {column} is "
            f"{table[example, column]}."
        )
    return table
