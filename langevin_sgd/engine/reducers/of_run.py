"""Between `simulate` and its reducers: which of them belong to a run, when they are due, and what
they found.
"""

import numpy as np

from ...arguments import shown
from ...kernels.views import unpack
from .first_passage import FirstPassage
from .kernel import cells
from .readings import Readings
from .record import Reducer

MOST = 60  # bits of a whole number that says who is due
# Names in every dataset.
TAKEN = "x", "v", "loss", "status", "stopped_at_step", "step", "particle", "component", "memory"


def listed(reducers):
    """One reducer, or a sequence of them, as a tuple."""
    kinds = Reducer, FirstPassage
    reducers = (reducers,) if isinstance(reducers, kinds) else reducers
    if not isinstance(reducers, (tuple, list)) or not all(
        isinstance(reducer, kinds) for reducer in reducers
    ):
        raise TypeError(
            "reducers must be reducers of langevin_sgd.reducers, called: moments(), got "
            f"{shown(reducers)}."
        )
    return tuple(reducers)


def checked_reducers(reducers, model, dynamics, noise, first_step, steps):
    """The reducers, completed for a run of `steps` steps after step `first_step`.

    Raises
    ------
    TypeError, ValueError
        If one is no reducer, two have a name in common, one has that of a variable of every
        dataset, would read nothing, or does not do what its `finish` takes it to do.
    """
    reducers = listed(reducers)
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
    if any(reducer.ends_particles for reducer in reducers):
        return reducers
    completed = []
    for reducer in reducers:
        reducer = _within_run(reducer, first_step, first_step + steps)
        if reducer.complete:
            reducer = reducer.complete(reducer, model, dynamics, noise)
        reducer.check_finish(model.dim, dynamics.parts * model.dim)
        completed.append(reducer)
    return tuple(completed)


def _within_run(reducer, first_step, last_step):
    """The reducer of a run from `first_step` to `last_step`."""
    passed = int(reducer.readings_until(first_step))
    if reducer.readings_until(last_step) == passed:
        raise ValueError(
            f"reducer {reducer.name!r} reads nothing in steps {first_step + 1} to {last_step}: it "
            "reads after start + every, start + 2 every ... up to last, with "
            f"start = {reducer.start}, every = {reducer.every} and last = {reducer.last}."
        )
    # Started as late as its readings in this run allow: the first of them is number 1.
    start = reducer.start + passed * (reducer.every or 1)
    last = last_step if reducer.last is None else min(reducer.last, last_step)
    return reducer._with(start=start, last=last, recipe=None)


def due_bits(reducers, first, count, substeps):
    """For each of the updates first + 1 ... first + count: which reducers read after it, one bit
    each.
    """
    update = np.arange(first + 1, first + count + 1)
    bits = np.zeros(count, np.int64)
    for number, reducer in enumerate(reducers):
        bits |= np.where((update % substeps == 0) & reducer.due(update // substeps), 1 << number, 0)
    return bits


def read_out(problem, ensemble, done):
    """The variables of all reducers after `done` steps, a dict name -> (dims, values,
    attributes).
    """
    variables, row, cell = {}, 0, 0
    _, dynamics, noise = problem.records
    acc = unpack(ensemble.acc, problem.particles)
    stopped = ensemble.stopped_at_step[: problem.particles]
    last = np.where(stopped < 0, done, (stopped - 1) // dynamics.substeps)
    last = np.maximum(last, problem.first_step)  # who had left before was not read
    for reducer in problem.reducers:
        counts = ensemble.counts[:-1, cell : cell + cells(reducer)]
        if reducer.bins:
            counts = counts.reshape(len(counts), *reducer.bins, 1 + reducer.weights)
        readings = Readings(
            acc=acc[:, row : row + reducer.size],
            counts=counts,
            observations=reducer.readings_until(last) - reducer.readings_until(problem.first_step),
            independent=getattr(noise, "independent", True),
            records=problem.records,
        )
        row, cell = row + reducer.size, cell + cells(reducer)
        with np.errstate(all="ignore"):  # nan where nothing was read; the program's own settings
            variables |= reducer.variables(readings)  # must not lose a finished run
    return variables
