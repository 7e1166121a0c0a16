"""resume(): a run goes on from its folder alone, to the bits of one never interrupted."""

import numpy as np

from ..arguments import checked, instance, integer, path
from ..kernels.functions import interpreted
from ..kernels.lanes import WIDTH
from ..kernels.views import unpack
from ..storage import begun, load, reopen
from .checkpoint import ANY_SIZE, checked_folder, describe, in_folder
from .chunks import make_options
from .problem import make_problem
from .rebuilding import NotInThePackage, rebuilt

DESCRIBED: tuple[str, ...] = ("particles", "steps", "seed", "every", "first_step")
DESCRIBED += ("escape_radius", "loss", "target", "precision")


@checked(directory=path)
def resume(
    directory,
    model=None,
    dynamics=None,
    noise=None,
    reducers=None,
    *,
    devices=None,
    threads=None,
    progress=None,
    checkpoint_every=None,
):
    """Go on with a run in a folder, to the same bits as if it had never stopped.

    One that `simulate` began with ``checkpoint=directory``.

    Nothing from outside this package is imported or run because the folder says so. Records and
    reducers whose functions are this package's are rebuilt from the folder; any other has to be
    passed again, and is compared with the one the run was begun with.

    Parameters
    ----------
    directory : str or path-like
        The run folder. A finished run is only read.
    model, dynamics, noise : optional
        As in `simulate`; default those in the folder.
    reducers : Reducer or sequence of them, optional
        As in `simulate`; default those in the folder.
    devices, threads, progress, checkpoint_every : optional
        As in `simulate`; they may differ from those before. The target may not.

    Returns
    -------
    xarray.Dataset
        As `simulate` returns it.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such run, it is damaged beyond what can be made again, something has to be
        passed, or the code or what is passed differs from what the run was begun with: each
        difference is listed.
    OSError, RuntimeError
        If the folder cannot be written, or another process is writing there.

    Examples
    --------
    A finished run is only read:

    >>> well = ls.potentials.double_well(dim=2, barrier=0.25, coupling=0.8)
    >>> noise = ls.noise.gaussian([[10.0, 0.0], [0.0, 3.3]])
    >>> plan = {"particles": 500, "steps": 200, "seed": 1, "checkpoint": "folder"}
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.02), noise, **plan)
    >>> again = ls.resume("folder")
    >>> again.step.values.tolist(), again.x.equals(run.x)
    ([0, 200], True)
    """
    folder = checked_folder(directory, checkpoint_every)
    description, constants = begun(directory)
    with reopen(directory, description) as run:
        if run.finished:
            return load(directory, ANY_SIZE)
        state = run.state()
    passed = {"model": model, "dynamics": dynamics, "noise": noise, "reducers": reducers}
    try:
        arguments = {name: description["arguments"][name] for name in DESCRIBED}
        x = _start_of_its_sizes(arguments["particles"], description["model"], state)
        *records, reducers = (
            _found(role, description[role], constants, directory, given)
            for role, given in passed.items()
        )
    except (KeyError, TypeError, IndexError, AttributeError, OverflowError) as error:
        raise ValueError(
            f"{str(directory)!r} does not hold a run of simulate, or a malformed one "
            f"({error!r:.200})"
        ) from error
    target = arguments["target"]
    options = make_options(records[0], threads, None, None, progress, target, devices)
    # Stands for the start, which was checked when the run was begun.
    inside = x[np.argmin((x * x).sum(axis=1))]
    problem = make_problem(*records, **arguments, x0=inside, reducers=reducers, on_disk=True)
    problem = problem._replace(start=problem.start._replace(stands_in=True))
    _try_out(problem)
    described = describe(problem, reducers, arguments, description["start"])
    return in_folder(folder, described, problem, options)


def _start_of_its_sizes(particles, model, state):
    """The x (particles, components) of a state that bears out the sizes in a description: a folder
    may claim anything, and what is made from it takes memory."""
    particles = integer(particles, "particles", 1)
    groups, dim, width = state["x"].shape
    if width != WIDTH or groups != -(-particles // WIDTH):
        raise ValueError(f"particles = {particles} is not what the state of the run holds")
    claimed = instance(model, "model", dict, "a dict").get("dim", dim)
    if claimed != dim:
        raise ValueError(f"dim = {claimed!r} is not what the state of the run holds, {dim}")
    return unpack(state["x"], particles)


def _found(role, data, constants, directory, given):
    """What was passed, or else what the folder describes."""
    if given is not None:
        return given
    try:
        if role == "reducers":
            return tuple(rebuilt(each, constants) for each in data)
        return rebuilt(data, constants)
    except NotInThePackage as error:
        raise ValueError(
            f"resume: {role} of the run in {str(directory)!r} needs {error}, which is no function "
            "of this package, and nothing else is run because a folder says so. Pass it as before: "
            f"resume({str(directory)!r}, {role}=...)."
        ) from error


def _try_out(problem):
    """Run the functions once, interpreted, where an index out of range is an error: what a folder
    says of sizes may be forged."""
    model, dynamics, noise = problem.records
    p, x = problem.table.template, np.ones(model.dim)
    v = np.ones(dynamics.parts * model.dim)
    out = np.ones(model.dim + model.scratch)
    z = np.ones(dynamics.normals * model.dim)
    with np.errstate(all="ignore"):
        try:
            if dynamics.advance:
                interpreted(dynamics.advance)(p, x, v, out[: model.dim], z)
            interpreted(dynamics.update)(p, x, v, out[: model.dim], x.copy(), z)
            if getattr(model, "drift", None):
                interpreted(model.drift)(model.params, np.ones(model.dim), out)
            if hasattr(noise, "sample"):
                numbers = np.full(noise.normals + noise.uniforms, 0.5)
                room = np.ones(model.dim * (1 + noise.scratch_per_component))
                interpreted(noise.sample)(noise.params, np.ones(model.dim), numbers, room)
        except (IndexError, AttributeError, TypeError) as error:
            raise ValueError(
                f"resume: the records of the run do not fit each other ({error!r:.200})"
            ) from error
