"""The record of a reducer: a statistic that is accumulated inside the kernel, so that no path needs
to be stored.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..kernels.rules import check_function
from ..models.parameters import integer, parameters
from ..models.recipes import Made, Recipe
from .readings import add_up, mean_and_error, with_error


class _ReducerFields(NamedTuple):
    name: str
    observe: Callable
    params: Any
    size: int
    every: int = 1
    start: int = 0
    bins: tuple = ()
    weights: int = 0
    finish: Callable | None = None
    complete: Callable | None = None
    recipe: Recipe | None = None


class Reducer(Made, _ReducerFields):
    """A statistic of all particles over the steps of a run.

    Parameters
    ----------
    name : str
        Prefix of its variables in the dataset.
    observe : callable
        `observe(p, acc, step, before, x, v, g)` adds one particle to its accumulators `acc`, `size`
        numbers that start at zero: `step` steps are done, `before` holds x before the last update
        followed by v before it, `x` and `v` are now, `g` is the gradient that moved the particle
        (of its batch, for minibatches). With an eighth parameter `xi` it also gets the gradient
        noise that is not in g.
    params : dict or namedtuple
        What `observe` finds in `p`.
    size : int
        Numbers in `acc`.
    every, start : int
        It reads after the steps start + every, start + 2 every, ...
    bins : tuple of int
        For counting: lengths of one to three axes of bins. `observe` leaves the number of the bin
        along each axis in acc[0], acc[1], ... (from 0 to below the length; whole numbers or not),
        and `weights` whole numbers behind them, which are added up in the bin. Whole numbers, for
        their sum depends on no order.
    finish : callable, optional
        `finish(reducer, readings)` makes the variables, a dict name -> (dims, values, attributes),
        from `readings.Readings`; default: the mean of each number in `acc` per reading with its
        standard error; for bins the sums over all particles.
    complete : callable, optional
        `complete(reducer, model, dynamics, noise)` returns the reducer that fits a run, where
        `size` or `params` depend on it.

    Raises
    ------
    TypeError, ValueError
        For bad input; the message names the reducer and the field.
    """

    __slots__ = ()

    def __new__(
        cls,
        name,
        observe,
        params,
        size,
        every=1,
        start=0,
        bins=(),
        weights=0,
        finish=None,
        complete=None,
    ):
        if not isinstance(name, str) or not name.isidentifier():
            raise TypeError(
                "name of a reducer must be text that can begin a variable's name, like "
                f"'moments', got {name!r}."
            )
        arguments = "p acc step before x v g"
        check_function(observe, f"observe of {name!r}", arguments, arguments + " xi")
        every, start = (
            integer(every, f"every of {name!r}", 1),
            integer(start, f"start of {name!r}", 0),
        )
        if not isinstance(bins, tuple) or len(bins) > 3:
            raise TypeError(
                f"bins of {name!r} must be a tuple of at most three lengths, got {bins!r}."
            )
        bins = tuple(integer(length, f"bins of {name!r}", 1) for length in bins)
        weights = integer(weights, f"weights of {name!r}", 0)
        size = integer(size, f"size of {name!r}", max(1, len(bins) + weights))
        params = params if hasattr(params, "_fields") else parameters(params, repr(name))
        return super().__new__(
            cls, name, observe, params, size, every, start, bins, weights, finish, complete
        )

    def due(self, step):
        """Whether the reducer reads after `step` steps (an array or a number)."""
        return (step > self.start) & ((step - self.start) % self.every == 0)

    def readings_until(self, step):
        """How many times it has read after `step` steps (an array or a number)."""
        return np.maximum(np.asarray(step) - self.start, 0) // self.every


def default_finish(reducer, readings):
    """The mean of each accumulator per reading; of bins the counts and sums."""
    name = reducer.name
    if reducer.bins:
        dims, counts = (
            tuple(f"{name}_bin_{k}" for k in range(len(reducer.bins))),
            readings.counts.sum(axis=0),
        )
        variables = {
            f"{name}_count": (
                dims,
                counts[..., 0],
                {"long_name": f"readings of {name} in each bin", "units": "1"},
            )
        }
        if reducer.weights:
            labels = {"long_name": f"sums of {name} in each bin", "units": "1"}
            variables[f"{name}_sum"] = ((*dims, f"{name}_weight"), counts[..., 1:], labels)
        return variables
    pair = mean_and_error(lambda means: means, add_up(readings), readings)
    return with_error(f"{name}_mean", f"{name}_entry", pair, f"mean of {name} per reading", "1")
