"""The record of a reducer: a statistic that is accumulated inside the kernel, so that no path needs
to be stored.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...arguments import choice, function, integer, optional, shown
from ...kernels.functions import interpreted
from ...kernels.rules import check_function
from ...models.parameters import parameters
from ...models.records import Recipe, record
from .readings import Estimate, labelled, variables_of

ARGUMENTS = "p acc step before x v g"
FINISHES = {
    "mean": "mean of {} per reading",
    "sum": "sum of {} over the readings of a particle",
    "last": "{} at the end",
    "max": "largest {} of a particle",
    "min": "least {} of a particle",
}


def named(value, name):
    """A check: text that can begin a variable's name."""
    if not isinstance(value, str) or not value.isidentifier():
        raise TypeError(
            f"{name} of a reducer must be text that can begin a variable's name, like 'moments', "
            f"got {shown(value)}."
        )
    return value


def to_be_fitted(p, acc, step, before, x, v, g):
    """Stands for the `observe` of a reducer until its `complete` knows the run."""


class ReducerAnswers:
    """What a reducer answers."""

    __slots__ = ()
    ends_particles = False  # a first passage does


@record(ReducerAnswers, name=named)
class Reducer(NamedTuple):
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
    every, start, last : int
        It reads after the steps start + every, start + 2 every, ..., up to `last`, by default the
        end of the run. every=None leaves it to `complete`.
    bins, weights : tuple of int, int
        For counting: lengths of one to three axes of bins. `observe` leaves the number of the bin
        along each axis in acc[0], acc[1], ... (from 0 to below the length; whole numbers or not),
        and `weights` whole numbers behind them, which are added up in the bin. Whole numbers, for
        their sum depends on no order.
    finish : {"mean", "sum", "last", "max", "min"} or callable, optional
        What becomes of `acc`. "mean", the default: each number per reading, for an `observe` that
        adds to it. The others are means over the particles of what each has at the end: "sum" adds
        up, "last" is overwritten, "max" and "min" are kept by `elementary.maximum` and `minimum`
        and start at -inf and inf. All have standard errors; for bins the sums over all particles. A
        function `finish(reducer, readings)` makes the variables, a dict name -> (dims, values,
        attributes), from `readings.Readings`.
    complete : callable, optional
        `complete(reducer, model, dynamics, noise)` returns the reducer that fits a run, where
        `size`, `params` or what it reads depend on it; reducer.start and reducer.last are those of
        the run.

    Raises
    ------
    TypeError, ValueError
        For bad input; the message names the reducer and the field.

    Examples
    --------
    How far out a particle gets, as the square of a distance; one reading at (3, 4):

    >>> def observe(p, acc, step, before, x, v, g):
    ...     acc[0] = ls.elementary.maximum(acc[0], x[0] * x[0] + x[1] * x[1])
    >>> furthest = ls.Reducer("furthest", observe, None, size=1, finish="max")
    >>> acc = np.array([-np.inf])
    >>> furthest.observe(None, acc, 1, [0.0, 0.0], [3.0, 4.0], None, None)
    >>> float(acc[0])
    25.0
    """

    name: str
    observe: Callable
    params: Any
    size: int
    every: int | None = 1
    start: int = 0
    bins: tuple = ()
    weights: int = 0
    finish: Callable | str | None = None
    complete: Callable | None = None
    last: int | None = None
    recipe: Recipe | None = None

    def _checked(self):
        name, bins = self.name, self.bins
        check_function(self.observe, f"observe of {name!r}", ARGUMENTS, ARGUMENTS + " xi")
        if not isinstance(bins, tuple) or len(bins) > 3:
            raise TypeError(
                f"bins of {name!r} must be a tuple of at most three lengths, got {shown(bins)}."
            )
        if not callable(self.finish):
            allowed = (None, "mean") if bins else (None, *FINISHES)
            choice(self.finish, f"finish of {name!r}", allowed)
        optional(function)(self.complete, f"complete of {name!r}")
        weights = integer(self.weights, f"weights of {name!r}", 0)
        named = hasattr(self.params, "_fields")
        if self.every is not None or not self.complete:
            integer(self.every, f"every of {name!r}", 1)
        if self.last is not None:
            integer(self.last, f"last of {name!r}", 1)
        return self._with(
            start=integer(self.start, f"start of {name!r}", 0),
            bins=tuple(integer(length, f"bins of {name!r}", 1) for length in bins),
            weights=weights,
            size=integer(self.size, f"size of {name!r}", max(1, len(bins) + weights)),
            params=self.params if named else parameters(self.params, repr(name)),
        )

    def fitted(self, params, size=None, observe=None):
        """The reducer with the parameters, the size and the function that fit a run."""
        params = params if hasattr(params, "_fields") else parameters(params, repr(self.name))
        size, observe = size or self.size, observe or self.observe
        fields = {"params": params, "size": size, "observe": observe}
        return self._with(**fields, complete=None, recipe=None)

    def due(self, step):
        """Whether the reducer reads after `step` steps (an array or a number)."""
        read = (step > self.start) & ((step - self.start) % self.every == 0)
        return read if self.last is None else read & (step <= self.last)

    def readings_until(self, step):
        """How many times it has read after `step` steps (an array or a number)."""
        step = np.asarray(step) if self.last is None else np.minimum(step, self.last)
        return np.maximum(step - self.start, 0) // (self.every or 1)

    def first_value(self):
        """What `acc` holds before the first reading."""
        return {"max": -np.inf, "min": np.inf}.get(self.finish, 0.0)

    def variables(self, readings):
        """What it adds to the dataset, a dict name -> (dims, values, attributes)."""
        if callable(self.finish):
            return self.finish(self, readings)
        return _of_bins(self, readings) if self.bins else _of_particles(self, readings)

    def check_finish(self, dim, state):
        """Refuse an `observe` that does not do with `acc` what `finish` takes it to have done."""
        if callable(self.finish) or self.bins:
            return
        random, what = np.random.default_rng(0), self.finish or "mean"
        for _ in range(3):
            views = [random.normal(size=n) for n in (dim + state, dim, state, dim, dim)]
            after = {begin: self._one_reading(begin, views) for begin in (0.0, 0.75, 1e6, -1e6)}
            if any(acc is None for acc in after.values()):
                return  # what is wrong with it is the compiler's to say
            right = {
                "max": after[1e6] == 1e6,
                "min": after[-1e6] == -1e6,
                "last": (after[0.0] == after[0.75]) | (after[0.75] == 0.75),
            }.get(what, np.isclose(after[0.75] - 0.75, after[0.0]))
            if not np.all(right):
                raise ValueError(
                    f"finish of {self.name!r} must fit its observe, got {what!r}, but acc["
                    f"{int(np.argmin(right))}] is not {_DONE[what]}. Pass one of "
                    f"{', '.join(map(repr, FINISHES))} or a function."
                )

    def _one_reading(self, begin, views):
        acc, observe = np.full(self.size, begin), interpreted(self.observe)
        takes = observe.__code__.co_argcount - 3
        try:
            with np.errstate(all="ignore"):
                observe(self.params, acc, self.start + self.every, *views[:takes])
        except Exception:  # of whatever the user's function does; compiled code will show it
            return None
        return acc


_DONE = {
    "mean": "added to",
    "sum": "added to",
    "last": "overwritten",
    "max": "the larger of what it was and something",
    "min": "the smaller of what it was and something",
}


def _of_bins(reducer, readings):
    """Counts and sums in bins."""
    name, counts = reducer.name, readings.counts.sum(axis=0)
    dims = tuple(f"{name}_bin_{k}" for k in range(len(reducer.bins)))
    text = f"readings of {name} in each bin"
    variables = {f"{name}_count": labelled(dims, counts[..., 0], text)}
    if reducer.weights:
        dims, text = (*dims, f"{name}_weight"), f"sums of {name} in each bin"
        variables[f"{name}_sum"] = labelled(dims, counts[..., 1:], text)
    return variables


def _of_particles(reducer, readings):
    """The mean of each accumulator, per reading or over the particles that were read."""
    key = reducer.finish or "mean"
    if key != "mean":
        read = readings.observations > 0
        acc = np.where(read[:, None], readings.acc, 0.0)
        readings = readings._replace(acc=acc, observations=read.astype(np.int64))
    text = FINISHES[key].format(reducer.name)
    estimate = Estimate(key, f"{reducer.name}_entry", text, "1", lambda means: means)
    return variables_of(reducer.name, [estimate], readings)
