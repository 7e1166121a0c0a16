"""The state of all particles, in groups."""

from typing import NamedTuple

import numpy as np

from ..kernels.lanes import WIDTH
from ..kernels.packing import empty_groups, pack
from ..models.evaluate import evaluate
from .reducers.kernel import cells, first_accumulators
from .reducers.readings import REPLICATES


class Ensemble(NamedTuple):
    """State of all particles; status and stopped_at_step have one entry per particle, padding
    included."""

    x: np.ndarray  # (groups, components, WIDTH), as v, g and acc
    v: np.ndarray
    g: np.ndarray
    status: np.ndarray
    stopped_at_step: np.ndarray  # the update in which it left, -1 for running ones
    acc: np.ndarray  # accumulators of the reducers
    counts: np.ndarray  # their bins, (replicates, cells); the last row is that of the padding


def begin(problem):
    """The ensemble of a problem at its start; nothing has been read."""
    start, reducers = problem.start, problem.reducers
    x, v, g = (pack(part, part.dtype) for part in (start.x, start.v, start_gradient(problem)))
    acc = empty_groups(len(x), sum(reducer.size for reducer in reducers))
    if reducers:
        acc[...] = first_accumulators(reducers)[:, None]
    counts = np.zeros((REPLICATES + 1, sum(cells(reducer) for reducer in reducers)), np.int64)
    padded = len(x) * WIDTH
    ensemble = Ensemble(x, v, g, np.zeros(padded, np.int8), np.full(padded, -1), acc, counts)
    ensemble.status[: problem.particles] = start.status
    ensemble.stopped_at_step[: problem.particles] = start.stopped
    return ensemble


def start_gradient(problem):
    """What an `advance` finds in g before the first step: the gradient at the start, over the whole
    table for a Loss.
    """
    model, x = problem.model, problem.start.x
    g = np.zeros((len(x), model.dim + model.scratch), x.dtype)
    if problem.dynamics.advance is not None:
        g[:, : model.dim] = evaluate(model, x, "gradient")
        if model.drift is not None:
            g[:, : model.dim] -= evaluate(model, x, "drift")
    return g
