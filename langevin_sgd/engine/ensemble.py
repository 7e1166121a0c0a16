"""simulate(): many particles through many steps, to a dataset."""

import os
import warnings
from types import NoneType

import numpy as np

from ..kernels.packing import pack
from ..models.arrays import shown
from ..models.parameters import COUNT_LIMIT, integer
from .checkpoint import Given, checked_folder, in_folder
from .cpu import new_ensemble
from .dataset import assemble
from .description import fingerprints
from .drive import Options, at_once, drive, interrupts, keys_pressed
from .first_passage import passage_variables
from .job import begin, prepare, start_gradient
from .particle_queue import Starts
from .passage import passages
from .plan import make_plan
from .reducers.of_run import read_out


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
    reducers=(),
    loss=False,
    escape_radius=None,
    target="cpu",
    precision="float64",
    threads=None,
    block_size=None,
    chunk_steps=None,
    progress=None,
    first_step=0,
    checkpoint=None,
    checkpoint_every=None,
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
        Number of particles, and of steps of each; a step is `dynamics.substeps` updates, mostly
        one.
    x0 : array_like, shape (d,) or (particles, d), optional
        Start, in units of length; default the origin.
    v0 : array_like, shape (d,) or (particles, d), optional
        Starting velocity of a dynamics that has one, in its units; default zero.
    seed : int in [0, 2^64), optional
        Key of the random numbers; None draws one and records it. The same seed gives the same bits
        for any threads, block_size, chunk_steps and every.
    every : int, optional
        Store every `every`-th step; the start and the last step are always stored, and nothing else
        for None.
    reducers : Reducer or sequence of them
        Statistics to accumulate while the particles move, see `langevin_sgd.reducers`; their memory
        does not grow with the steps.
    loss : bool
        Also store the energy (the mean loss over the table) at the stored positions.
    escape_radius : float, optional
        Particles with |x| above it are frozen; those that are not finite always are.
    target : {"cpu"}
        Where the kernels run.
    precision : {"float64", "float32"}
        Of x, v, gradients, noise and the data table. See Notes.
    threads : int, optional
        Number of threads; default all processors that this process may use.
    block_size : int, optional
        Particles that are worked on together (in multiples of 16); default 512 in few dimensions
        and fewer in many, so that a block stays in the cache.
    chunk_steps : int, optional
        Steps between two looks at the clock; default as many as take about 0.2 s.
    progress : bool or callable, optional
        True shows the rate and the time left on the terminal; a function gets (steps done, steps in
        all, seconds), or numbers of particles that have ended where a first passage is observed.
    first_step : int
        Steps that the particles have done before, which addresses their random numbers and
        schedules: a run of n steps and one that continues it from its last x (and v) with
        first_step = n have the bits of a single run. Refused where the state is more than that:
        hidden memory, or noise in a gradient that the next step begins with.
    checkpoint : str or path-like, optional
        A folder that the run is written to, piece by piece, and that it goes on from if it is
        called again, or by `langevin_sgd.resume`: to the same bits. What is written is not kept in
        memory. A folder of a finished run is only read.
    checkpoint_every : int, optional
        Steps between two pieces. Default: a piece a minute, or when what it stores takes 64 MiB.

    Returns
    -------
    xarray.Dataset
        ``x`` (step, particle, component) in units of length, with `step` = steps done; ``v`` of the
        same shape if the dynamics has a velocity; ``loss`` (step, particle) on request; ``status``
        (particle): 0 running, 1 not finite, 2 escaped, and ``stopped_at_step`` (particle), -1 for
        running particles: a frozen particle stays where it was before that step. What reducers
        found comes on top. With `checkpoint` it is what `langevin_sgd.load` reads: lazy along step
        where dask is installed, so that the folder must stay as long as the dataset.

    Raises
    ------
    TypeError, ValueError
        For bad input; the message names the argument, its value and what is allowed. If the folder
        `checkpoint` was begun with other code or parameters: each difference is listed.
    OSError, RuntimeError
        If `checkpoint` cannot be written, which is found out before the first step, or another
        process is writing there.

    Warns
    -----
    UserWarning
        If the learning rate is above the threshold of the largest Hessian eigenvalue at x0, if a
        text runs particle by particle, or after Ctrl-C: the dataset then ends with the last step
        that all particles did, and its attribute ``interrupted`` is 1.

    Notes
    -----
    With precision "float32" every operation on x, v, g and noise rounds to 2^-24 = 6e-8 of its
    result, sums over examples too; the data table is rounded, and so is a parameter where it meets
    x. Functions such as exp are computed in float64 and rounded once. Reducers read x, v, g and
    noise widened to float64 and add up in float64; ``loss`` is computed in float64 at the stored x.
    The bits are fixed as in float64. To bear in mind:

    * The random numbers are others (see `kernels.rng_float32`): the same laws, but not the paths of
      float64 rounded. The largest normal is 6.66, uniform numbers are multiples of 2^-24.
    * Some c = 8 roundings a step, remembered for tau steps, move x by at most c tau 2^-24 |x|: a
      relative tolerance of c tau 1e-7 for second moments. Updates below 2^-25 |x| are lost, so that
      a tiny learning rate stands still.
    * A particle beyond |x| = 1.8e19, where the square overflows, counts as not finite; so does v.
    """
    options = execution_options(model, threads, block_size, chunk_steps, progress)
    records, folder = (model, dynamics, noise), checked_folder(checkpoint, checkpoint_every)
    if folder is not None and seed is None:
        seed = folder.recorded_seed()
    numbers = {
        "particles": particles,
        "steps": steps,
        "seed": seed,
        "every": every,
        "first_step": first_step,
    }
    start = {
        "x0": x0,
        "v0": v0,
        "escape_radius": escape_radius,
        "loss": loss,
        "target": target,
        "precision": precision,
    }
    with at_once():
        job, x, v = prepare(records, numbers, start | {"on_disk": folder is not None}, reducers)
    if folder is None:
        return carry_out(job, x, v, options)
    given = Given(reducers, numbers | start, fingerprints(x, v))
    return in_folder(folder, given, job, (x, v), options)


def carry_out(job, x, v, options):
    """The dataset of a job that starts at x and v, (particles, components)."""
    model, dynamics, _ = job.records
    if job.reducers and job.reducers[0].ends_particles:
        return _passage_dataset(job, x, v, options)
    with at_once():
        plan, ensemble = make_plan(job), begin(job, x, v)
    keys = keys_pressed()
    stored = job.stored_steps()
    rows = tuple(np.empty((len(stored), *start.shape), start.dtype) for start in (x, v))
    rows[0][0], rows[1][0] = x, v
    done = drive(plan, ensemble, rows, job, options) // dynamics.substeps
    if done < stored[-1]:
        warnings.warn(
            f"interrupted: {done - job.first_step} of {job.steps} steps are done, and kept.",
            stacklevel=3,
        )
    with interrupts():  # what is finished is not lost to a Ctrl-C now
        dataset = assemble(job, rows, ensemble, done).assign(read_out(job, ensemble, done))
    if keys_pressed() > keys and done == stored[-1]:
        warnings.warn("Ctrl-C came when the run was at its end: it is whole.", stacklevel=3)
    return dataset


def _passage_dataset(job, x, v, options):
    """The dataset of a job whose particles end where they arrive."""
    model, dynamics, _ = job.records
    found = passages(job, Starts(x, v, start_gradient(model, dynamics, x)), options)
    if found.interrupted:
        warnings.warn(
            "interrupted: particles that were still on their way are marked as not arrived.",
            stacklevel=4,
        )
    end, particles = found.outcome, job.particles
    ensemble = new_ensemble(pack(end.x), pack(end.v), pack(x[:, :0]))
    ensemble.status[:particles], ensemble.stopped_at_step[:particles] = end.status, end.stopped
    walked = np.where(end.stopped >= 0, end.stopped, found.done)
    updates = end.passed, np.where(end.passed >= 0, end.passed, walked)
    passed, steps = (np.where(n < 0, n, -(-n // dynamics.substeps)) for n in updates)
    rows = np.stack([x, end.x]), np.stack([v, end.v])
    dataset = assemble(job, rows, ensemble, job.steps)
    dataset = dataset.assign_attrs(interrupted=int(found.interrupted))
    return dataset.assign(passage_variables(job.reducers[0], passed, steps))


def execution_options(model, threads, block_size, chunk_steps, progress):
    """The checked `Options` of a run: how it is carried out, nothing of which shows in the results."""
    given = {"threads": threads, "block_size": block_size, "chunk_steps": chunk_steps}
    limits = {"block_size": COUNT_LIMIT}
    given = {
        name: value if value is None else integer(value, name, 1, limit=limits.get(name, 2**63))
        for name, value in given.items()
    }
    threads, block_size, chunk_steps = given.values()
    if not isinstance(progress, (bool, NoneType)) and not callable(progress):
        raise TypeError(
            "progress must be True, False, None or a function of (done, steps, seconds), got "
            f"{shown(progress)}."
        )
    dim = getattr(model, "dim", 1)
    return Options(
        threads or available_threads(),
        block_size or max(16, min(512, 4096 // dim)),
        chunk_steps,
        progress,
    )


def available_threads():
    """Number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
