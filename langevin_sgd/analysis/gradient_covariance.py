"""Mean, covariance and size of the noise of per-example gradients, of a `Loss` or of any table."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import xarray as xr

from ..arguments import (
    LONGEST,
    check_count,
    checked,
    finite_array,
    flag,
    optional,
    real_array,
    shown,
    whole,
    within,
)
from ..models.evaluate import check_points
from ..models.example_gradients import LOSS, block_at, blocks_of_rows, gradients_of
from ..models.example_moments import example_covariance, moments_of
from ..models.losses import Loss
from .gradient_statistics import BOUNDS, Bootstrap, bootstrap, labelled_statistics, statistics

RETURNED_UNASKED = 2048  # components up to which the covariance is returned unasked
RESOLVED = 1e-12  # smallest over largest eigenvalue, where the Gram matrix tells all directions
FEWEST_RESAMPLED = 10  # examples of a bootstrap: of fewer, a resample may be one example N times


class Table(NamedTuple):
    """N gradients of d components at one point: `block(rows)` gives an array (1, n, d). `where`
    begins the message that refuses them."""

    block: Callable
    examples: int
    dim: int
    where: str

    def rows(self):
        """All gradients, a new array (N, d)."""
        slices = blocks_of_rows(self.examples, self.dim)
        return np.concatenate([self.block(rows)[0] for rows in slices])


class Tables(NamedTuple):
    """What is asked for: a `Table` for each point; there may be `several`, and `model` is the
    attribute that names the loss."""

    each: list
    several: bool
    model: dict


class Spread(NamedTuple):
    """Of one table: mean (d,), variances (d,), eigenvalues (k,), eigenvectors (d, k) and the
    covariance, None where it was not formed."""

    mean: np.ndarray
    variances: np.ndarray
    values: np.ndarray
    vectors: np.ndarray
    covariance: np.ndarray | None


def _loss_or_table(value, name):
    """A check: a Loss, or an array (N, d) or (m, N, d), which is not copied."""
    if isinstance(value, Loss):
        return value
    if callable(value) or not hasattr(value, "__len__") or hasattr(value, "_fields"):
        raise TypeError(
            f"{name} must be a Loss, or an array (N, d) of gradients, got {shown(value)}."
        )
    arrays = value if isinstance(value, (list, tuple)) else ()
    if isinstance(value, dict) or len({getattr(each, "shape", None) for each in arrays}) > 1:
        raise TypeError(
            f"{name} must be one array (N, d), got a {type(value).__name__} of {len(value)}. Of "
            "arrays of one parameter each make numpy.concatenate([g.reshape(len(g), -1) for g in "
            "arrays], axis=1)."
        )
    if isinstance(value, np.ndarray) and value.size > LONGEST:
        raise ValueError(
            f"{name} must be an array of at most {LONGEST} numbers, got {value.size}. Take fewer "
            "points or components, a sample of the examples, or a Loss, which is worked on in "
            "blocks of examples."
        )
    if type(value) is not np.ndarray or value.dtype != np.float64:
        value = real_array(value, name)
    if value.ndim not in (2, 3) or value.size == 0:
        raise ValueError(
            f"{name} must be a Loss, or an array of gradients of the shape (examples, components) "
            f"or (points, examples, components), got the shape {value.shape}."
        )
    return value


@checked(
    loss=_loss_or_table,
    x=optional(finite_array),
    population=flag,
    matrix=optional(flag),
    resamples=whole(2),
    level=within(above=0, below=1),
    seed=whole(0, 2**64),
)
def gradient_covariance(
    loss, x=None, *, population=False, matrix=None, resamples=200, level=0.05, seed=0
):
    """The mean and the covariance of one example's gradient, its spectrum, and how noisy it is.

    Parameters
    ----------
    loss : Loss, or array_like, shape (N, d) or (m, N, d)
        Or the gradients themselves, of N >= 2 examples, whoever made them; at m points.
    x : array_like, shape (d,) or (m, d)
        One or m points, in units of length; for a Loss only.
    population : bool
        False: the table is the whole population, as it is for SGD that draws from it: nothing is
        estimated, nothing has an error. True: it is a sample of N independent examples; Sigma is
        divided by N - 1, ``|G_T|^2`` is freed of its bias tr Sigma / N, and there are errors.
    matrix : bool, optional
        Return ``covariance`` itself. Default: up to d = 2048. It is not formed for N <= d unless it
        is returned.
    resamples, level, seed : int, float, int
        Of the bootstrap, for `population` only: so many tables of N examples drawn from the N with
        replacement, by numpy's generator from this seed; intervals that miss with probability
        `level`.

    Returns
    -------
    xarray.Dataset
        With a first dimension ``point`` where several are given:

        * ``mean_gradient`` (component), G_T, in energy/length; ``covariance`` (component,
          component_j), Sigma = (1/N) sum (g_i - G_T)(g_i - G_T)', in (energy/length)^2
        * ``eigenvalues`` (mode), largest first, and ``eigenvectors`` (component, mode), of unit
          length, the largest entry positive. min(d, N - 1) modes: N gradients differ in no more
        * ``trace``, tr Sigma, the mean square error of one gradient; ``squared_mean_gradient``,
          ``|G_T|^2``; ``mean_squared_gradient``, ``E|G|^2 = |G_T|^2 + tr Sigma``
        * ``noise_scale``, ``tr Sigma / |G_T|^2``: the batch size (with replacement) whose mean
          gradient is wrong by its own size (McCandlish et al. 2018, equation 2.9)
        * ``signal_to_noise`` (component), G_T,i / Sigma_ii^(1/2), with its sign
        * ``effective_rank``, the exponential of the entropy of eigenvalues / trace (Roy and
          Vetterli 2007); ``participation_ratio``, (tr Sigma)^2 / tr Sigma^2: both are k where k
          eigenvalues are equal and the rest zero

        With `population`: ``NAME_standard_error``, and ``NAME_interval`` (..., bound), of all but
        matrix and vectors.

    Raises
    ------
    TypeError, ValueError
        If `loss` is neither, x is missing, has another shape, or is given with an array; for less
        than two examples, or ten with `population`; if a gradient is not finite, which names the
        example, or their squares overflow; for more than 1e8 numbers.

    Notes
    -----
    Centred in two passes: no variance is negative, however far G_T is from zero; eigenvalues have
    an error of 1e-16 of the largest one and are not clipped. Vectors of equal eigenvalues are not
    unique, only the subspace that they span is: compare projectors. Ratios are inf or nan where
    their denominator is zero. Corrected, ``|G_T|^2`` may be negative: the sample then does not tell
    it from zero, and ``noise_scale`` is inf.

    Intervals are basic ones, estimate - (quantiles of replicate - value of the table) (Davison and
    Hinkley 1997, 5.2), for ``noise_scale`` those of its linearised reciprocal. Their probability
    is right to order 1/N^(1/2); too large where G_T is zero, and not right for eigenvalues that lie
    close together or are as many as the examples, nor then for the two numbers of directions. Each
    resample takes a spectrum's time. Source: definitions; the bias of ``|G_T|^2`` is ``E|mean -
    G_T|^2``.

    Examples
    --------
    The gradients (3, 1) and (3, -1): G_T = (3, 0), tr Sigma = 1, noise scale 1/3^2.

    >>> found = ls.analysis.gradient_covariance([[3.0, 1.0], [3.0, -1.0]])
    >>> print(f"trace {found.trace:.1f}, noise scale {found.noise_scale:.4f}")
    trace 1.0, noise scale 0.1111
    """
    tables = _tables(loss, x)
    first = tables.each[0]
    matrix = first.dim <= RETURNED_UNASKED if matrix is None else matrix
    plan = Bootstrap(resamples, level, seed) if population else None
    _check_room(tables, matrix, plan)
    found = [_variables(table, matrix, plan) for table in tables.each]
    variables = _of_points(found) if tables.several else found[0]
    about = {"examples": first.examples, "population": int(population)}
    return xr.Dataset(variables, BOUNDS if plan else None, tables.model | about)


@checked(loss=LOSS, x=finite_array)
def covariance_at(loss, x):
    """The covariance Sigma(x) of one example's gradient over the table, at one or many points.

    Parameters
    ----------
    loss : Loss
        Its table holds the examples.
    x : array_like, shape (..., d)
        Points, in units of length.

    Returns
    -------
    ndarray, shape (..., d, d)
        Sigma = (1/N) sum (g_i - G)(g_i - G)', in (energy/length)^2.

    Raises
    ------
    TypeError, ValueError
        If `loss` is no Loss or x has another last axis than d; where a gradient is not finite.

    Examples
    --------
    Gradients x and 4 x: the variance (3 x/2)^2 grows with the distance from the minimum.

    >>> line = ls.losses.linear_regression([[1.0], [2.0]], [0.0, 0.0])
    >>> ls.analysis.covariance_at(line, [[0.0], [2.0]]).ravel().tolist()
    [0.0, 9.0]
    """
    check_points(x, loss)
    check_count(x.size * loss.dim, "x")
    covariance = example_covariance(loss, x)
    bad = ~np.all(np.isfinite(covariance), axis=(-2, -1))
    if np.any(bad):
        _refuse_table(_of_loss(loss, gradients_of(loss), x[bad][:1]))
    return covariance


def _tables(loss, x):
    """The `Tables` of a Loss at points, or of arrays."""
    if isinstance(loss, Loss):
        if x is None or x.ndim not in (1, 2) or x.shape[-1] != loss.dim or x.size == 0:
            found = None if x is None else f"the shape {x.shape}"
            raise ValueError(
                f"x must be one point of shape ({loss.dim},) or several, (m, {loss.dim}), for "
                f"{loss.name!r}, got {found}."
            )
        of_loss = partial(_of_loss, loss, gradients_of(loss))
        each = [of_loss(point) for point in x.reshape(-1, 1, loss.dim)]
        tables = Tables(each, x.ndim == 2, {"model": loss.name})
    else:
        if x is not None:
            raise ValueError(
                f"x must be left out where loss is an array of gradients, got {shown(x)}."
            )
        each = [_of_array(one) for one in loss.reshape(-1, *loss.shape[-2:])]
        tables = Tables(each, loss.ndim == 3, {})
    if (examples := each[0].examples) < 2:
        raise ValueError(
            f"loss must have at least 2 examples, to have a covariance, not {examples}."
        )
    return tables


def _of_loss(loss, gradients, point):
    """The `Table` of a Loss with such `gradients_of` at a point (1, d)."""
    where = f"x must be where the gradients of {loss.name!r} are finite; at {shown(point[0])}"
    examples = len(loss.data)
    return Table(block_at(gradients, point, examples), examples, loss.dim, where)


def _of_array(array):
    """The `Table` of an array (N, d)."""
    where = "loss must be an array of finite gradients"
    return Table(lambda rows: array[None, rows], *array.shape, where)


def _check_room(tables, matrix, plan):
    """Refuse a result, or a table to be held, beyond memory, and a sample too small."""
    first, points = tables.each[0], len(tables.each)
    examples, dim = first.examples, first.dim
    numbers = points * dim * (min(dim, examples - 1) + dim * matrix)
    if numbers > LONGEST:
        way = "matrix=False, or " * matrix + "fewer points at a time"
        raise ValueError(
            f"{'x' if tables.model else 'loss'} must ask for a result of at most {LONGEST} "
            f"numbers, got {numbers}, with d = {dim} components at {points} points. Take {way}."
        )
    if examples * dim > LONGEST and (plan or examples <= dim):
        raise ValueError(
            f"loss must have a table of at most {LONGEST} gradient components where all are "
            f"needed at once, as for N <= d or population=True; got {examples} x {dim}. Take fewer "
            "examples."
        )
    if not plan:
        return
    if examples < FEWEST_RESAMPLED:
        raise ValueError(
            f"loss must have at least {FEWEST_RESAMPLED} examples for population=True, got "
            f"{examples}."
        )
    check_count(plan.resamples * max(examples, dim), "resamples")


def _refuse_table(table):
    """Raise an error that names the first gradient that is not finite."""
    rows, which = table.rows(), "their squares overflow"
    bad = np.flatnonzero(~np.all(np.isfinite(rows), axis=1))
    if len(bad):
        which = f"that of example {bad[0]} is {shown(rows[bad[0]])}"
    raise ValueError(f"{table.where}, but {which}.")


def _spread_of(table, matrix):
    """The `Spread` of a table."""
    examples, dim, covariance = table.examples, table.dim, None
    with np.errstate(over="ignore", invalid="ignore"):
        if examples > dim:
            mean, covariance = (each[0] for each in moments_of(table.block, examples, dim))
            variances = np.diagonal(covariance)
        else:
            away = table.rows()
            mean = away.mean(axis=0)
            away -= mean
            variances = np.einsum("ik,ik->k", away, away) / examples
        if not np.isfinite(np.sum(mean * mean + variances)):
            _refuse_table(table)
    if examples > dim:
        values, vectors = np.linalg.eigh(covariance)
        values, vectors = values[::-1], vectors[:, ::-1]
    else:
        values, vectors = _of_rows(away)
        covariance = away.T @ away / examples if matrix else None
    return Spread(mean, variances, values, upright(vectors), covariance)


def upright(vectors):
    """Columns with the sign that makes their largest entry positive."""
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=0)[None], axis=0)
    return vectors * np.where(largest < 0, -1, 1)


def _of_rows(away):
    """Eigenvalues, largest first, and vectors (d, N - 1) of the covariance of N <= d centred rows,
    from their Gram matrix (N, N), where it tells all of them; else, in three times the time, from
    the singular values."""
    examples = len(away)
    values, mixing = np.linalg.eigh(away @ away.T / examples)
    values, mixing = values[:0:-1], mixing[:, :0:-1]  # not the smallest: the rows sum to zero
    if values[-1] <= RESOLVED * values[0]:
        _, singular, vectors = np.linalg.svd(away, full_matrices=False)
        return singular[:-1] ** 2 / examples, vectors[:-1].T
    vectors = (mixing / np.sqrt(examples * values)).T @ away
    # orthonormal to 1e-16 times largest over smallest eigenvalue; after this step to rounding
    factor = np.linalg.cholesky(vectors @ vectors.T)
    return values, np.linalg.solve(factor, vectors).T


def _variables(table, matrix, plan):
    """The variables of the result at one point."""
    spread, examples = _spread_of(table, matrix), table.examples
    given = spread.mean, spread.variances, spread.values
    found = statistics(*given, examples if plan else None)
    found["eigenvectors"] = spread.vectors
    if matrix:
        share = examples / (examples - 1) if plan else 1.0
        found["covariance"] = share * spread.covariance
    errors = bootstrap(table.rows(), spread.values, plan) if plan else {}
    return labelled_statistics(found, errors)


def _of_points(found):
    """The variables of all points, from those of each, with a first dimension more."""
    variables = {}
    for name, (dims, _, about) in found[0].items():
        values = [value for _, value, _ in (each[name] for each in found)]
        variables[name] = ("point", *dims), np.stack(values), about
    return variables
