"""simulate(): many particles through many steps, to a dataset."""

import numpy as np

from ..arguments import checked
from .checkpoint import simulate_in_folder
from .chunks import Stored, chosen_target, make_options, run_chunks
from .cpu import begin, start_gradient
from .dataset import assemble, tell_who_left
from .interrupts import at_once, interrupts, pressed
from .passage import passage_dataset
from .problem import make_problem
from .program import make_program
from .reducers.of_run import read_out
from .terminal import tell


@checked(target=chosen_target)
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
    devices=None,
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
    x0 : array_like, shape (d,) or (particles, d), or a run, optional
        Start, in units of length; default the origin. A run (the dataset of an earlier call) is
        continued: with its last x and v, its seed and number of steps, and its particles that had
        left stay where they are. The bits are those of a single run.
    v0 : array_like, shape (d,) or (particles, d), optional
        Starting velocity of a dynamics that has one, in its units; default zero.
    seed : int in [0, 2^64), optional
        Key of the random numbers; None draws one and records it. The same seed gives the same bits
        for any threads, block_size, chunk_steps and every.
    every : int, optional
        Store the steps whose number is a multiple of `every`; the start and the last step are
        always stored, and nothing else for None. Steps have the same numbers in `every`, reducers,
        schedules and `first_step`: those of the whole run, of which this may be a part.
    reducers : Reducer or sequence of them
        Statistics to accumulate while the particles move, see `langevin_sgd.reducers`; their memory
        does not grow with the steps.
    loss : bool
        Also store the energy (the mean loss over the table) at the stored positions.
    escape_radius : float, optional
        Particles with |x| above it are frozen; those that are not finite always are.
    target : {"cpu", "cuda", "auto"}
        Where the kernels run: "cuda" on NVIDIA GPUs, one thread a particle, by the same functions;
        "auto" there if one can be used, else on the CPU. The dataset's attribute ``target`` says
        which. For "cuda", pip install "langevin_sgd[cuda12]".
    precision : {"float64", "float32"}
        Of x, v, gradients, noise and the data table. See Notes.
    devices : sequence of int, optional
        Numbers of the GPUs that share the particles; default (0,). Refused on the CPU.
    threads : int, optional
        Number of threads; default all processors that this process may use. Not for "cuda".
    block_size : int, optional
        Particles that are worked on together (in multiples of 16); default 512 in few dimensions
        and fewer in many, so that a block stays in the cache. For "cuda" the threads of a block,
        default 128 and at most 256.
    chunk_steps : int, optional
        Steps between two looks at the clock; default as many as take about 0.2 s.
    progress : bool or callable, optional
        True shows the rate and the time left on the terminal; a function gets (steps done, steps in
        all, seconds), or numbers of particles that have ended where a first passage is observed.
    first_step : int
        Steps that the particles have done before, which addresses their random numbers and
        schedules. It comes with x0 where that is a run. With arrays for x0 and v0, and the seed of
        the run before, all particles are taken to be running: an array does not tell which of them
        had left. Refused where the state is more than x and v: hidden memory, or noise in a
        gradient that the next step begins with.
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
        found comes on top. Each dimension has a coordinate (`component` "x0", "x1", ...; `particle`
        from 0), and so has each parameter of dynamics, model and noise that is one number:
        ``learning_rate``, ``batch_size``, ...; with the name of its record before it where another
        has the name, ``model_temperature``. To join runs whose parameters have other names, call
        ``.reset_coords(drop=True)`` first. The attribute ``steps`` is the last `step`. With
        `checkpoint` it is what `langevin_sgd.load` reads: lazy along step where dask is installed,
        so that the folder must stay as long as the dataset.

    Raises
    ------
    TypeError, ValueError
        For bad input; the message names the argument, its value and what is allowed. If the folder
        `checkpoint` was begun with other code or parameters: each difference is listed.
    OSError, RuntimeError
        If `checkpoint` cannot be written, which is found out before the first step, or another
        process is writing there. If the target is "cuda" and cannot be used here: what was found,
        and what to install.

    Warns
    -----
    UserWarning
        If the learning rate is above the threshold of the largest Hessian eigenvalue at x0, if a
        function runs particle by particle, if all particles move alike, if particles became not
        finite (those that went beyond an escape_radius are what was asked for), or after Ctrl-C:
        the dataset then ends with the last step that all particles did, and its attribute
        ``interrupted`` is 1. A second Ctrl-C raises KeyboardInterrupt, as the first one does while
        there is nothing to keep; a loop of runs ends so. A signal that the program ignores or
        handles itself is left to it.

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

    Examples
    --------
    After 500 steps from the saddle half of the particles are in each well:

    >>> well = ls.potentials.double_well(dim=2, barrier=0.25, coupling=0.8)
    >>> noise = ls.noise.gaussian([[10.0, 0.0], [0.0, 3.3]])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.02), noise, particles=2000, steps=500, seed=1)
    >>> place = run.x.sel(step=500, component="x0")
    >>> print(f"{float((place > 0).mean()):.2f}, learning rate {run.learning_rate.item()}")
    0.49, learning rate 0.02
    """
    options = make_options(model, threads, block_size, chunk_steps, progress, target, devices)
    arguments = {
        "particles": particles,
        "steps": steps,
        "seed": seed,
        "every": every,
        "first_step": first_step,
        "escape_radius": escape_radius,
        "loss": loss,
        "target": target,
        "precision": precision,
    }
    start = {"x0": x0, "v0": v0, "reducers": reducers}
    if checkpoint is not None or checkpoint_every is not None:
        folder = checkpoint, checkpoint_every
        return simulate_in_folder(folder, (model, dynamics, noise), arguments, start, options)
    with at_once():
        problem = make_problem(model, dynamics, noise, **arguments, **start)
    if problem.passage:
        return passage_dataset(problem, start_gradient(problem), options)
    return _path_dataset(problem, options)


def _path_dataset(problem, options):
    """The dataset of a problem whose particles all do its steps."""
    with at_once():
        program, ensemble = make_program(problem, options.devices), begin(problem)
    keys, start, stored = pressed[0], problem.start, problem.stored_steps()
    parts = (np.empty((len(stored), *part.shape), part.dtype) for part in (start.x, start.v))
    rows = Stored(*parts)
    rows.x[0], rows.v[0] = start.x, start.v
    done = run_chunks(program, ensemble, rows, problem, options) // problem.dynamics.substeps
    if done < problem.last_step:
        tell(
            f"interrupted: {done - problem.first_step} of {problem.steps} steps are done, and "
            "kept. Twice Ctrl-C ends a loop of runs."
        )
    with interrupts():  # what is finished is not lost to a Ctrl-C now
        dataset = assemble(problem, rows, ensemble, done)
        if problem.reducers:
            dataset = dataset.assign(read_out(problem, ensemble, done))
    tell_who_left(problem, dataset)
    if pressed[0] > keys and done == problem.last_step:
        tell("Ctrl-C came when the run was at its end: it is whole.")
    return dataset
