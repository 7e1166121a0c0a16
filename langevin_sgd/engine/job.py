"""A job: everything that determines the bits of a run, checked."""

from typing import NamedTuple

import numpy as np

from ..kernels.packing import pack
from ..kernels.rng import STEP_LIMIT
from ..models.evaluate import evaluate
from ..models.losses import Loss
from ..models.parameters import choice, integer
from . import checks
from .cpu import new_ensemble
from .domain import all_inside
from .first_passage import check_passage
from .reducers.of_run import checked_reducers
from .timetable import Timetable, timetable


class Job(NamedTuple):
    """What is to be simulated; the start and how it is carried out are apart."""

    records: tuple  # (model, dynamics, noise)
    table: Timetable
    particles: int
    steps: int
    first_step: int
    seed: int
    every: int | None
    reducers: tuple
    loss: bool
    limit: float  # largest squared norm of x that is inside
    precision: str  # "float64" or "float32"

    def stored_steps(self):
        """The start, every `every`-th step and the last one."""
        regular = np.arange(0, self.steps + 1, self.every or max(1, self.steps))
        return self.first_step + np.unique(np.append(regular, self.steps))


def prepare(records, numbers, start, reducers):
    """The job of `simulate`'s arguments, and its start x and v, (particles, components).

    Parameters
    ----------
    records : (model, dynamics, noise)
    numbers : dict
        particles, steps, seed, every, first_step.
    start : dict
        x0, v0, escape_radius, loss, target, precision.

    Raises
    ------
    TypeError, ValueError
        For bad input; the message names the argument, its value and what is allowed.
    """
    model, dynamics, noise = records
    checks.check_records(model, dynamics, noise)
    choice(start["target"], "target", ("cpu",))
    choice(start["loss"], "loss", (False, True))
    precision = choice(start["precision"], "precision", ("float64", "float32"))
    limit = STEP_LIMIT // dynamics.substeps
    steps, particles = (
        integer(numbers["steps"], "steps", 0, limit),
        integer(numbers["particles"], "particles", 1),
    )
    first_step = integer(numbers["first_step"], "first_step", 0, limit - steps)
    every = numbers["every"] if numbers["every"] is None else integer(numbers["every"], "every", 1)
    stored = 2 + (steps // every if every and not start.get("on_disk") else 0)
    checks.check_memory(model, dynamics, particles, stored)
    table = timetable(dynamics, first_step + steps, first_step)
    if first_step:
        checks.check_continuing(dynamics, noise, table.template, model.dim)
    checks.check_addresses(model, dynamics, noise, particles, table.largest_batch)
    if noise is not None:
        scheduled = "batch_size" in table.schedules
        noise.check_batches(model, table.largest_batch, scheduled, first_step + steps)
    x = checks.initial_state(start["x0"], "x0", particles, model.dim, precision)
    if not all_inside(getattr(model, "domain", None), x):
        raise ValueError(f"x0 must lie inside the domain {model.domain!r} of {model.name!r}.")
    if start["v0"] is not None and dynamics.memory != "velocity":
        raise ValueError(f"v0 must be None: {dynamics.name!r} has no velocity.")
    v = checks.initial_state(
        start["v0"],
        "v0",
        particles,
        dynamics.state_size * model.dim if dynamics.memory else 0,
        precision,
    )
    inside, seed = (
        checks.check_radius(start["escape_radius"], x),
        checks.checked_seed(numbers["seed"]),
    )
    if not first_step:  # x0 of a continued run is no start, but wherever the particles are
        checks.warn_if_unstable(model, dynamics, x, steps)
    reducers = checked_reducers(reducers, model, dynamics, noise, first_step, steps)
    if any(reducer.ends_particles for reducer in reducers):
        check_passage(reducers, records, {"every": every, "first_step": first_step, "steps": steps})
    else:
        checks.check_reducer_memory(reducers, particles)
    job = Job(
        records,
        table,
        particles,
        steps,
        first_step,
        seed,
        every,
        reducers,
        bool(start["loss"]),
        inside,
        precision,
    )
    return job, x, v


def begin(job, x, v):
    """The ensemble of a job at its start x and v, (particles, components)."""
    model, dynamics, _ = job.records
    return new_ensemble(
        *(pack(start, x.dtype) for start in (x, v, start_gradient(model, dynamics, x))),
        job.reducers,
    )


def start_gradient(model, dynamics, x):
    """What an `advance` finds in g before the first step: the gradient at the start, over the whole
    table for a Loss.
    """
    g = np.zeros((len(x), model.dim + model.scratch), x.dtype)
    if dynamics.advance is not None:
        g[:, : model.dim] = evaluate(model, x, "gradient")
        if not isinstance(model, Loss) and model.drift is not None:
            g[:, : model.dim] -= evaluate(model, x, "drift")
    return g
