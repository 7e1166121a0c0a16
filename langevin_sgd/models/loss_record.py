"""The record of a loss: one example's loss and gradient, and a table of examples; its mean over the
table is a potential."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..arguments import optional, real_array, shown
from ..kernels.bits import inlined
from ..kernels.functions import interpreted, is_ours
from ..kernels.views import local, row_type, table_row, view
from .derivative_checks import check_fisher, check_gradient, check_hessian
from .forces import Force, add_to, nothing, scale, set_to, stack_room
from .parameters import parameters, size
from .potential_record import Potential
from .records import Recipe, check_functions, of_kind, record

ROWS, DEVIATIONS = 2048, 5  # fresh ones that are looked at; standard errors
ROLES = {
    "energy": "example_loss",
    "gradient": "example_gradient",
    "hessian": "example_hessian",
    "fisher": "example_fisher",
}


class LossAnswers:
    """What a model answers, a Potential alike."""

    __slots__ = ()
    argument = "model"  # of simulate, that it is for
    drift = domain = None  # what a Potential may have and a Loss never has
    energy_word = "loss"


@record(
    LossAnswers,
    dim=size(1),
    scratch=size(0),
    draw_normals=size(0),
    draw_uniforms=size(0),
    mean=optional(of_kind(Potential, "a Potential")),
)
class Loss(NamedTuple):
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
        The table; a function sees one line of it as `row`.
    dim : int
        Number of components d of x.
    example_hessian, example_fisher : callable, optional
        `f(p, x, row, out)`, d*d numbers row by row.
    draw : callable, optional
        `draw(p, z, row)` writes a fresh row, for sampling from the population, from `z`:
        `draw_normals` independent standard normals, then `draw_uniforms` independent uniform
        numbers in [0, 1).
    scratch : int
        Free numbers that a function may use behind `out[d:]`, or `out[d*d:]` where it writes a
        matrix.
    draw_normals, draw_uniforms : int
        How many random numbers one fresh row takes.
    mean : Potential, optional
        The exact mean loss of the population that `draw` draws from, where it is known. Its
        gradient is compared with that of 2048 rows.

    Raises
    ------
    TypeError, ValueError
        If a function breaks the rules of `langevin_sgd.kernels.rules`, the table is not finite, the
        gradient is not that of the loss, the Hessian not that of the gradient, the Fisher matrix
        not symmetric and positive semidefinite (its size cannot be checked), or `draw` leaves a
        number of the row unwritten. Derivatives are compared as in `Potential`.

    Examples
    --------
    The mean of a table as a minimum: at x = 0 the gradient is minus the mean.

    >>> def loss(p, x, row):
    ...     return (x[0] - row[0]) * (x[0] - row[0]) / 2
    >>> def gradient(p, x, row, out):
    ...     out[0] = x[0] - row[0]
    >>> mean = ls.Loss("mean", loss, gradient, None, [[1.0], [5.0]], dim=1)
    >>> print(ls.evaluate(mean, [0.0], "gradient"))
    [-3.]
    """

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
    mean: Potential | None = None
    recipe: Recipe | None = None

    def _checked(self):
        name, dim, scratch = self.name, self.dim, self.scratch
        table = table_of(self.data, f"data of {name!r}")
        self = self._with(params=parameters(self.params, repr(name)), data=table)
        _check_draw_fits(self)
        columns, numbers = table.shape[1], self.draw_normals + self.draw_uniforms
        matrix = "p x row out", (dim, columns, dim * dim + scratch), dim * dim
        check_functions(
            self,
            example_loss=("p x row", (dim, columns), 0),
            example_gradient=("p x row out", (dim, columns, dim + scratch), dim),
            example_hessian=matrix,
            example_fisher=matrix,
            draw=("p z row", (numbers, columns), columns),
        )
        about = name, self.params, dim, scratch
        for row in table[np.unique([0, len(table) // 2, len(table) - 1])]:
            check_gradient(*about, self.example_loss, self.example_gradient, row)
            check_hessian(*about, self.example_gradient, self.example_hessian, row)
            check_fisher(*about, self.example_fisher, row)
        if self.mean and not is_ours(self.draw):
            _check_mean(self)
        return self

    def force(self, site):
        """The `Force` without noise: g = mean gradient over the whole table."""
        gradient = site.example_gradient(row_type)
        return _mean_force(gradient, self.dim, self.dim + self.scratch, self.data.shape[1])

    def role(self, quantity):
        """The field with the function of a quantity, such as "hessian" or "fisher"."""
        return ROLES.get(quantity)

    def function(self, quantity):
        """The function of a quantity, of one example; None if the loss has none."""
        return getattr(self, ROLES[quantity]) if quantity in ROLES else None

    def expected(self, sampling):
        """The model whose gradient is the mean gradient of a step: that of the population for the
        sampling "population", else that of the table, which draws nothing.

        Raises
        ------
        ValueError
            If the mean over the population is not known.
        """
        if sampling != "population":
            fields = {"draw": None, "draw_normals": 0, "draw_uniforms": 0, "mean": None}
            return self._with(**fields, recipe=None) if self.draw else self
        if self.mean is None:
            raise ValueError(
                f"{self.name!r} draws fresh examples, and their mean loss is not known: its table "
                f"of {len(self.data)} rows is another landscape. Give the Loss mean=, a Potential."
            )
        return self.mean


@cache
def _mean_force(gradient, dim, size, columns):
    room = stack_room(size)
    large = room < size

    @inlined
    def act(work, block, given, moment, group, here):
        one = view(work.spare, 0, size) if large else view(local(room, work.spare), 0, size)
        set_to(here.g, dim, 0.0)
        for row in range(given.examples):
            gradient(given.model, here.x, table_row(given.table, row, columns), one)
            add_to(here.g, one, dim)
        scale(here.g, dim, 1.0 / given.examples)

    return Force(nothing, act)


def _check_draw_fits(loss):
    """Refuse a `draw` without random numbers, and random numbers or a mean without a `draw`."""
    normals, uniforms = loss.draw_normals, loss.draw_uniforms
    if (loss.draw is None) == (normals + uniforms > 0):
        raise ValueError(
            f"draw_normals = {normals} and draw_uniforms = {uniforms} do not fit draw = "
            f"{shown(loss.draw)} of {loss.name!r}: give a draw and at least one random number, or "
            "neither."
        )
    if loss.mean and (loss.draw is None or loss.mean.dim != loss.dim):
        raise ValueError(
            f"mean of {loss.name!r} must be that of a population, with a draw, and have dim = "
            f"{loss.dim}, got {shown(loss.mean)} with dim = {loss.mean.dim}."
        )


def _check_mean(loss):
    """Refuse a mean that is not that of the rows which `draw` draws, at one point; a doubt is
    looked at with four times as many."""
    x, mean = 1.0 + 0.5 * np.random.default_rng(0).normal(size=loss.dim), loss.mean
    (expected,) = _gradients_at(x, mean.gradient, mean, [()])
    for seed, examples in enumerate((ROWS, 4 * ROWS)):
        counts, shape = (loss.draw_normals, loss.draw_uniforms), (examples, loss.data.shape[1])
        rows = fresh_rows(loss.draw, loss.params, *counts, shape, seed)
        found = _gradients_at(x, loss.example_gradient, loss, [(row,) for row in rows])
        error = found.std(axis=0, ddof=1) / np.sqrt(examples) + 1e-8 * np.abs(found).max()
        far = np.abs(found.mean(axis=0) - expected) / error
        if not np.any(far > DEVIATIONS):  # not if nan
            return
    k = int(np.argmax(far))
    raise ValueError(
        f"mean of {loss.name!r} is not that of what its draw draws: at x = {shown(x.tolist())} its "
        f"gradient has the component {k} = {expected[k]:.6g}, but that of {examples} rows is "
        f"{found[:, k].mean():.6g} +- {error[k]:.2g}. Correct one of them."
    )


def _gradients_at(x, gradient, owner, rows):
    """What an interpreted gradient writes at x for each of `rows`, an array (rows, d)."""
    gradient, found = interpreted(gradient), np.zeros((len(rows), owner.dim + owner.scratch))
    with np.errstate(all="ignore"):
        for row, out in zip(rows, found, strict=True):
            gradient(owner.params, x, *row, out)
    return found[:, : owner.dim]


def fresh_rows(draw, p, normals, uniforms, shape, seed):
    """A table of `shape` that `draw` fills, interpreted, from so many normals and uniforms a row of
    numpy's generator."""
    random, draw, table = np.random.default_rng(seed), interpreted(draw), np.full(shape, np.nan)
    for row in table:
        z = [random.normal(size=normals), random.uniform(size=uniforms)]
        draw(p, np.concatenate(z), row)
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
