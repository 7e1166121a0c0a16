"""Between `simulate` and its reducers: which of them belong to a run, when they are due, and what
they found.
"""

import warnings

import numpy as np

from ..kernels.packing import unpack
from ..models.arrays import shown
from .first_passage import FirstPassage
from .observing import cells
from .readings import Readings
from .reducer_record import Reducer, default_finish

MOST = 60  # bits of a whole number that says who is due
TAKEN = (
    "x",
    "v",
    "loss",
    "status",
    "stopped_at_step",
    "step",
    "particle",
    "component",
    "memory",
)  # names in every dataset


def checked_reducers(reducers, model, dynamics, noise, first_step, steps):
    """The reducers, completed for a run of `steps` steps after step `first_step`.

    Raises
    ------
    TypeError, ValueError
        If one is no reducer, two have a name in common, one has that of a variable of every
        dataset, or would read nothing.
    """
    reducers = (reducers,) if isinstance(reducers, (Reducer, FirstPassage)) else reducers
    if not isinstance(reducers, (tuple, list)) or not all(
        isinstance(reducer, (Reducer, FirstPassage)) for reducer in reducers
    ):
        raise TypeError(
            "reducers must be reducers of langevin_sgd.reducers, called: moments(), got "
            f"{shown(reducers)}."
        )
    if len(reducers) > MOST:
        raise ValueError(f"reducers must be at most {MOST}, got {len(reducers)}.")
    names = [reducer.name for reducer in reducers]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"reducers must have different names, got {name!r} twice. Pass name= to one of "
                "them."
            )
        if name in TAKEN:
            raise ValueError(
                f"name of a reducer must not be one of {', '.join(TAKEN)}: a dataset has them; "
                f"got {name!r}."
            )
    if any(isinstance(reducer, FirstPassage) for reducer in reducers):
        return tuple(reducers)
    for reducer in reducers:
        if reducer.readings_until(first_step + steps) == reducer.readings_until(first_step):
            raise ValueError(
                f"reducer {reducer.name!r} reads nothing in steps {first_step + 1} to "
                f"{first_step + steps}: it reads after "
                f"start + every, start + 2 every ..., with start = {reducer.start} and every = "
                f"{reducer.every}."
            )
    reducers = [_from(reducer, first_step) for reducer in reducers]
    return tuple(
        reducer.complete(reducer, model, dynamics, noise) if reducer.complete else reducer
        for reducer in reducers
    )


def _from(reducer, first_step):
    """The same reducer, started as late as its readings after `first_step` allow: the first of them
    is number 1.
    """
    passed = int(reducer.readings_until(first_step))
    return reducer._replace(start=reducer.start + passed * reducer.every)


def due_bits(reducers, first, count, substeps):
    """For each of the updates first + 1 ... first + count: which reducers read after it, one bit
    each.
    """
    update = np.arange(first + 1, first + count + 1)
    bits = np.zeros(count, np.int64)
    for number, reducer in enumerate(reducers):
        bits |= np.where((update % substeps == 0) & reducer.due(update // substeps), 1 << number, 0)
    return bits


def read_out(job, ensemble, done):
    """The variables of all reducers after `done` steps, a dict name -> (dims, values, attributes)."""
    variables, row, cell, particles, (_, dynamics, noise) = {}, 0, 0, job.particles, job.records
    acc, stopped = unpack(ensemble.acc, particles), ensemble.stopped_at_step[:particles]
    last = np.where(stopped < 0, done, (stopped - 1) // dynamics.substeps)
    left = int((stopped >= 0).sum())
    for reducer in job.reducers:
        counts = ensemble.counts[:-1, cell : cell + cells(reducer)]
        counts = (
            counts.reshape(len(counts), *reducer.bins, 1 + reducer.weights)
            if reducer.bins
            else counts
        )
        mine = acc[:, row : row + reducer.size]
        row, cell = row + reducer.size, cell + cells(reducer)
        observations = reducer.readings_until(last) - reducer.readings_until(job.first_step)
        readings = Readings(
            mine, counts, observations, getattr(noise, "independent", True), job.records
        )
        variables |= (reducer.finish or default_finish)(reducer, readings)
    if job.reducers and left:
        message = f"{left} of {particles} particles left: the reducers hold what they did until then, which biases a time average."
        warnings.warn(message, stacklevel=4)
    return variables
