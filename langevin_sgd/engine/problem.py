"""A problem: everything that determines the bits of a run, checked."""

import secrets
from typing import Any, NamedTuple

import numpy as np
from numba import types

from ..arguments import checked, integer, number, one_of, optional, real_array, shown, whole
from ..kernels.rng import DRAW_LIMIT, PARTICLE_LIMIT, STEP_LIMIT
from ..models.noise_record import SILENCE
from .chunks import chosen_target
from .continuing import Start, check_continuing, end_of
from .domain import all_inside
from .memory import available_memory
from .reducers.first_passage import check_passage
from .reducers.kernel import cells
from .reducers.of_run import checked_reducers
from .reducers.readings import REPLICATES
from .scheduled import Scheduled

WANTED = {
    "model": "a Potential or a Loss (see langevin_sgd.potentials and langevin_sgd.losses)",
    "dynamics": "a Dynamics (see langevin_sgd.dynamics)",
    "noise": "None or a noise of langevin_sgd.noise",
}
ALWAYS_THERE = 2**26  # bytes
LARGEST_SINGLE = 1.8e19  # its square ends the range of float32


class Timetable(NamedTuple):
    """Parameters of a dynamics over a run."""

    template: Any  # the parameters, with a number in place of every schedule
    scheduled: dict  # name -> Scheduled
    substeps: int  # updates of a step, all with its parameters
    largest_batch: int  # of the run

    def rows(self, first, count):
        """Numbers (count, fields) and batch sizes (count,) of the updates first ... first + count -
        1.
        """
        step = np.arange(first, first + count) // self.substeps
        numbers = {name: np.ravel(value)[0] for name, value in self.template._asdict().items()}
        numbers |= {name: each.values(step) for name, each in self.scheduled.items()}
        columns = {name: np.broadcast_to(value, count) for name, value in numbers.items()}
        batches = columns.get("batch_size", np.ones(count)).astype(np.int64)
        return np.column_stack(list(columns.values())), batches


class Problem(NamedTuple):
    """What is to be simulated; how it is carried out is apart."""

    model: Any
    dynamics: Any
    noise: Any  # None for none
    start: Start
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
    target: str  # "cpu" or "cuda"

    @property
    def records(self):
        """Model, dynamics and noise."""
        return self.model, self.dynamics, self.noise

    @property
    def number(self):
        """The numba type of x, v, gradients, noise and the data table."""
        return getattr(types, self.precision)

    @property
    def passage(self):
        """The first passage among its reducers, or None."""
        return next((reducer for reducer in self.reducers if reducer.ends_particles), None)

    @property
    def readers(self):
        """Its reducers but for a first passage: those that read along the run."""
        return [reducer for reducer in self.reducers if not reducer.ends_particles]

    @property
    def last_step(self):
        """Steps that are done at the end."""
        return self.first_step + self.steps

    def stored_steps(self):
        """The start, every multiple of `every`, and the last step."""
        first, last, every = self.first_step, self.last_step, self.every
        regular = np.arange(-(-first // every) * every, last + 1, every) if every else ()
        return np.unique(np.concatenate([[first, last], regular]).astype(np.int64))


def checked_seed(seed):
    """`seed` as an int below 2^64; a fresh one for None."""
    return secrets.randbits(63) if seed is None else integer(seed, "seed", 0, 2**64)


@checked(
    every=optional(whole(1)),
    loss=one_of(False, True),
    target=chosen_target,
    precision=one_of("float64", "float32"),
)
def make_problem(
    model,
    dynamics,
    noise,
    *,
    particles,
    steps,
    x0=None,
    v0=None,
    seed=None,
    every=None,
    reducers=(),
    loss=False,
    escape_radius=None,
    target="cpu",
    precision="float64",
    first_step=0,
    on_disk=False,
):
    """The `Problem` of `simulate`'s arguments; `on_disk` says that stored steps are not kept in
    memory.

    Raises
    ------
    TypeError, ValueError
        For bad input; the message names the argument, its value and what is allowed.
    """
    check_records(model, dynamics, noise)
    limit = STEP_LIMIT // dynamics.substeps
    steps = integer(steps, "steps", 0, limit)
    first_step = integer(first_step, "first_step", 0, limit - steps)
    start = Start(x0, v0)
    if hasattr(x0, "data_vars"):
        start, first_step, seed = end_of(x0, v0, first_step, seed, dynamics)
    particles = integer(particles, "particles", 1, PARTICLE_LIMIT)
    stored = 2 if on_disk or not every else 2 + steps // every
    _check_stored(model, dynamics, particles, stored, precision)
    table = timetable(dynamics, first_step + steps, first_step)
    if first_step:
        check_continuing(dynamics, noise, table.template, model.dim)
    _check_draws(model, dynamics, noise, table, first_step + steps)
    start = _checked_start(start, model, dynamics, particles, precision)
    if not isinstance(reducers, tuple) or reducers:
        reducers = checked_reducers(reducers, model, dynamics, noise, first_step, steps)
    problem = Problem(
        model=model,
        dynamics=dynamics,
        noise=noise,
        start=start,
        table=table,
        particles=particles,
        steps=steps,
        first_step=first_step,
        seed=checked_seed(seed),
        every=every,
        reducers=reducers,
        loss=loss,
        limit=_largest_norm(escape_radius, start.x),
        precision=precision,
        target=target,
    )
    _check_reducers(problem)
    if target == "cuda":
        from .cuda import check_thread  # which imports numba.cuda

        check_thread(problem)
    return problem


# ---- records -------------------------------------------------------------------------------------


def check_records(model, dynamics, noise):
    """Refuse what is no record, and combinations that mean nothing."""
    given = {"model": model, "dynamics": dynamics, "noise": noise}
    for name, words in WANTED.items():
        value = given[name]
        role = getattr(value, "argument", None)
        if role == name or (name == "noise" and value is None):
            continue
        found, hint = shown(value), ""
        if role in given:
            found = f"the {role} {value.name!r}"
            if getattr(given[role], "argument", None) == name:
                hint = f" {name} and {role} are swapped."
        elif callable(value):
            hint = f" Call it: {getattr(value, '__name__', name)}(...)."
        raise TypeError(f"{name} must be {words}, got {found}.{hint}")
    dynamics.check(model)
    (noise or SILENCE).check(model, dynamics)


def _check_draws(model, dynamics, noise, table, last_step):
    """Refuse batches that the noise does not know, and a run whose random numbers would need more
    addresses than there are: a wrapped counter repeats numbers.
    """
    draws = {"thermal normals": dynamics.normals * model.dim // 2}
    draws |= (noise or SILENCE).draws(model, table.largest_batch)
    for name, count in draws.items():
        if count >= DRAW_LIMIT:
            raise ValueError(
                f"{name}: {count} random draws are needed per particle and step, the limit is "
                f"{DRAW_LIMIT - 1}."
            )
    if noise is not None:
        scheduled = "batch_size" in table.scheduled
        noise.check_batches(model, table.largest_batch, scheduled, last_step)


def _check_reducers(problem):
    """Refuse a first passage of what has none, and accumulators, `size` numbers a particle, and
    bins that exceed the memory."""
    reducers, particles = problem.reducers, problem.particles
    if problem.passage:
        check_passage(problem)
    if problem.passage or not reducers:
        return
    need = {r.name: 8 * (r.size * particles + (REPLICATES + 1) * cells(r)) for r in reducers}
    most = max(reducers, key=lambda reducer: need[reducer.name])
    _check_fits(
        sum(need.values()),
        "reducers",
        f"{most.name!r} has {most.size} numbers for each of {particles} particles, and "
        f"{cells(most)} bins. Take fewer particles, lags or bins.",
    )


def _check_fits(need, what, way_out):
    """Refuse `what`, in the plural, that needs `need` bytes, if there are not so many."""
    if need > ALWAYS_THERE and need > available_memory():
        raise ValueError(
            f"{what} need {need / 1e9:.3g} GB of memory, this process may have "
            f"{available_memory() / 1e9:.3g} GB. {way_out}"
        )


def _check_stored(model, dynamics, particles, stored, precision):
    """Refuse stored steps that exceed the memory."""
    numbers = model.dim * (stored * (2 if dynamics.memory == "velocity" else 1) + 2)
    _check_fits(
        np.dtype(precision).itemsize * particles * numbers,
        f"particles = {particles} with {stored} stored steps",
        "Take fewer particles or steps, or a larger `every` with reducers.",
    )


def timetable(dynamics, steps, first_step=0):
    """The timetable of a run from `first_step` to `steps`; every value of a schedule is checked
    against its parameter's range.
    """
    schedules = dynamics.schedules()
    scheduled = {name: Scheduled(each, name, steps) for name, each in schedules.items()}
    largest = {name: each.largest(first_step) for name, each in scheduled.items()}
    first = {name: float(each.rule(np.arange(1))[0]) for name, each in schedules.items()}
    template = dynamics.params._replace(**first)
    batch = int(largest.get("batch_size", getattr(template, "batch_size", 1)))
    return Timetable(template, scheduled, dynamics.substeps, batch)


# ---- the start -----------------------------------------------------------------------------------


def _checked_start(start, model, dynamics, particles, precision):
    """The `Start` of all particles."""
    x = _initial(start.x, "x0", particles, model.dim, precision)
    if model.domain and not all_inside(model.domain, x):
        raise ValueError(f"x0 must lie inside the domain {model.domain!r} of {model.name!r}.")
    if start.v is not None and dynamics.memory != "velocity":
        raise ValueError(f"v0 must be None: {dynamics.name!r} has no velocity.")
    v = _initial(start.v, "v0", particles, dynamics.parts * model.dim, precision)
    return start._replace(x=x, v=v)


def _initial(value, name, particles, components, precision):
    """`value` (None, (d,) or (particles, d)) as an array (particles, d)."""
    if value is None:
        return np.broadcast_to(np.zeros(1, precision), (particles, components))
    state = real_array(value, name)
    if state.shape not in ((components,), (particles, components)):
        raise ValueError(
            f"{name} must be None or have the shape ({components},) or ({particles}, "
            f"{components}), got {state.shape}."
        )
    if not np.all(np.isfinite(state)):
        raise ValueError(
            f"{name} must be finite, but {np.sum(~np.isfinite(state))} of its numbers are not: "
            f"{state[~np.isfinite(state)][0]}."
        )
    farthest = np.hypot.reduce(np.atleast_1d(state), axis=-1).max(initial=0.0)
    if precision == "float32" and not farthest < LARGEST_SINGLE:
        raise ValueError(
            f"{name} must have |{name}| below 1.8e19 for precision='float32', where "
            f"squares end; got {np.abs(state).max():g}. Choose another unit of length, or "
            "precision='float64'."
        )
    return np.broadcast_to(state.astype(precision, copy=False), (particles, components))


def _largest_norm(escape_radius, x):
    """Largest squared norm that is inside."""
    limits = np.finfo(x.dtype)
    if escape_radius is None:
        return float(limits.max)
    at_most = 1e150 if x.dtype == np.float64 else 1e19
    number(escape_radius, "escape_radius", above=0, at_most=at_most)
    farthest = float(np.sqrt((x * x).sum(axis=1)).max())
    # A run goes on from where it ended, rounded.
    if farthest > escape_radius * (1 + 4 * limits.eps):
        raise ValueError(
            f"escape_radius must be at least {farthest:g}, the distance of the farthest particle "
            f"of x0, got {escape_radius!r}."
        )
    return float(escape_radius) ** 2
