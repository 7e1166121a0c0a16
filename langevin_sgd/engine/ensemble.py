"""simulate(): many particles through many steps, to a dataset."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import xarray as xr

from ..kernels.groups import pack
from ..kernels.rng import STEP_LIMIT
from ..models.evaluate import evaluate
from ..models.losses import Loss
from ..models.noise import Minibatch
from ..models.parameters import choice, described, integer
from ..storage.provenance import provenance
from . import checks
from .cpu import STRETCH, move, new_ensemble
from .domain import all_inside
from .plan import make_plan
from .timetable import timetable

CHUNK_SECONDS = 0.1  # between chunks an interrupt is answered
LONGEST_CHUNK = 100_000  # steps whose parameters are tabulated at a time
STATUS_VALUES = np.arange(3, dtype=np.int8)
TEMPERATURE_CONVENTION = (
    "T is in units of the energy U; sgd_temperature = learning_rate tr(Sigma) / (2 batch_size d (1 - momentum)) with Sigma the "
    "covariance of one example's gradient; Boltzmann's law is exp(-U/T)"
)


def simulate(
    model,
    dynamics,
    noise=None,
    *,
    particles,
    steps,
    x0=None,
    v0=None,
    seed=None,
    every=None,
    loss=False,
    escape_radius=None,
    target="cpu",
    threads=None,
    block_size=None,
    chunk_steps=None,
):
    """Move an ensemble of independent particles and return where they were.

    Parameters
    ----------
    model : Potential or Loss
        The landscape. A `Loss` without minibatch noise moves on its mean over the table.
    dynamics : Dynamics
        The update, e.g. `langevin_sgd.dynamics.sgd(0.1)`.
    noise : GradientNoise, Minibatch or TableGaussian, optional
        Gradient noise, drawn where the gradient is evaluated.
    particles, steps : int
        Number of particles, and of steps of each; a step is `dynamics.substeps` updates, mostly one.
    x0 : array_like, shape (d,) or (particles, d), optional
        Start, in units of length; default the origin.
    v0 : array_like, shape (d,) or (particles, d), optional
        Starting velocity of a dynamics that has one, in its units; default zero.
    seed : int in [0, 2^64), optional
        Key of the random numbers; None draws one and records it. The same seed gives the same bits for any threads, block_size,
        chunk_steps and every.
    every : int, optional
        Store every `every`-th step; the start and the last step are always stored, and nothing else for None.
    loss : bool
        Also store the energy (the mean loss over the table) at the stored positions.
    escape_radius : float, optional
        Particles with |x| above it are frozen; those that are not finite always are.
    target : {"cpu"}
        Where the kernels run.
    threads : int, optional
        Number of threads; default all processors that this process may use.
    block_size : int, optional
        Particles that are worked on together (in multiples of 16); default 256 in few dimensions and fewer in many, so that a
        block stays in the cache.
    chunk_steps : int, optional
        Steps between two looks at the clock; default as many as take about 0.1 s.

    Returns
    -------
    xarray.Dataset
        ``x`` (step, particle, component) in units of length, with `step` = steps done; ``v`` of the same shape if the dynamics
        has a velocity; ``loss`` (step, particle) on request; ``status`` (particle): 0 running, 1 not finite, 2 escaped, and
        ``stopped_at_step`` (particle), -1 for running particles: a frozen particle stays where it was before that step.

    Raises
    ------
    TypeError, ValueError
        For bad input; the message names the argument, its value and what is allowed.

    Warns
    -----
    UserWarning
        If the learning rate is above the threshold of the largest Hessian eigenvalue at x0, or a text runs particle by particle.
    """
    checks.check_records(model, dynamics, noise)
    choice(target, "target", ("cpu",))
    choice(loss, "loss", (False, True))
    steps, particles = integer(steps, "steps", 0, STEP_LIMIT // dynamics.substeps), integer(particles, "particles", 1)
    table = timetable(dynamics, steps)
    checks.check_addresses(model, dynamics, noise, particles, table.largest_batch())
    if isinstance(noise, Minibatch):
        checks.check_batches(model, noise, table, steps)
    x = checks.initial_state(x0, "x0", particles, model.dim)
    if not all_inside(getattr(model, "domain", None), x):
        raise ValueError(f"x0 must lie inside the domain {model.domain!r} of {model.name!r}.")
    if v0 is not None and dynamics.memory != "velocity":
        raise ValueError(f"v0 must be None: {dynamics.name!r} has no velocity.")
    v = checks.initial_state(v0, "v0", particles, dynamics.state_size * model.dim if dynamics.memory else 0)
    limit, seed = checks.check_radius(escape_radius, x), checks.checked_seed(seed)
    options = {"every": every, "threads": threads, "block_size": block_size, "chunk_steps": chunk_steps}
    every, threads, block_size, chunk_steps = (v if v is None else integer(v, name, 1) for name, v in options.items())
    checks.warn_if_unstable(model, dynamics, x, steps)

    plan = make_plan(model, dynamics, noise, table)._replace(seed=seed, limit=limit)
    ensemble = new_ensemble(pack(x), pack(v), pack(_start_gradient(model, dynamics, x)))
    stored = _stored_steps(steps, every)
    records = np.empty((len(stored), particles, model.dim)), np.empty((len(stored), particles, v.shape[1]))
    records[0][0], records[1][0] = x, v
    block_size = block_size or max(16, min(256, 2048 // model.dim))
    _drive(plan, ensemble, records, table, stored * dynamics.substeps, (threads or available_threads(), block_size, chunk_steps))
    return _dataset((model, dynamics, noise), records, ensemble, stored, seed, loss)


def available_threads():
    """Number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start_gradient(model, dynamics, x):
    """What an `advance` finds in g before the first step: the gradient at the start, over the whole table for a Loss."""
    g = np.zeros((len(x), model.dim + model.scratch))
    if dynamics.advance is not None:
        g[:, : model.dim] = evaluate(model, x, "gradient")
        if not isinstance(model, Loss) and model.drift is not None:
            g[:, : model.dim] -= evaluate(model, x, "drift")
    return g


def _stored_steps(steps, every):
    """The start, every `every`-th step and the last one."""
    return np.unique(np.append(np.arange(0, steps + 1, every or max(1, steps)), steps))


def _drive(plan, ensemble, records, table, stored, options):
    """Run chunk after chunk, counting updates; how long a chunk is does not show in the results."""
    threads, block_size, chunk_steps = options
    steps, done, length = int(stored[-1]), 0, chunk_steps or STRETCH
    with ThreadPoolExecutor(threads) as pool:
        while done < steps:
            count = min(length, steps - done)
            slots = np.full(count, -1, dtype=np.int64)
            first, last = np.searchsorted(stored, (done, done + count), side="right")
            slots[stored[first:last] - done - 1] = np.arange(first, last)
            begun = time.perf_counter()
            move(plan, ensemble, records, (*table.rows(done, count), slots), done, (pool, threads), block_size)
            done += count
            if chunk_steps is None:
                rate = count / max(time.perf_counter() - begun, 1e-9)
                length = int(min(max(CHUNK_SECONDS * rate, length / 4, 1), 16 * length, LONGEST_CHUNK))


def _dataset(records_of, records, ensemble, stored, seed, loss):
    model, dynamics, noise = records_of
    x, v = records
    particles = x.shape[1]
    where = ("step", "particle", "component")
    variables = {"x": (where, x, {"long_name": "position", "units": "length"})}
    if dynamics.memory == "velocity":
        units = "length" if "learning_rate" in dynamics.params._fields else "length / time"
        variables["v"] = (
            (*where[:2], "component" if v.shape[2] == model.dim else "memory"),
            v,
            {"long_name": "velocity", "units": units},
        )
    if loss:
        energy = np.stack([evaluate(model, at, "energy") for at in x])
        variables["loss"] = (where[:2], energy, {"long_name": "loss" if isinstance(model, Loss) else "energy", "units": "energy"})
    meanings = {"flag_values": STATUS_VALUES, "flag_meanings": "running not_finite escaped"}
    variables["status"] = (
        "particle",
        ensemble.status[:particles],
        {"long_name": "state of the particle", "units": "1", **meanings},
    )
    stopped = {"long_name": "step in which the particle left, -1 if it did not", "units": "1"}
    update = ensemble.stopped_at_step[:particles]
    variables["stopped_at_step"] = ("particle", np.where(update < 0, update, -(-update // dynamics.substeps)), stopped)
    attributes = {
        "model": described(model),
        "dynamics": described(dynamics),
        "noise": described(noise) if noise else "null",
        "seed": str(seed),
        "steps": int(stored[-1]),
        "independent_particles": int(getattr(noise, "independent", True)),
        "temperature_convention": TEMPERATURE_CONVENTION,
        **provenance(),
    }
    step = ("step", stored, {"long_name": "number of steps done", "units": "1"})
    return xr.Dataset(variables, {"step": step}, attributes)
