"""resume(): a run goes on from its folder alone, to the bits of a run that was never interrupted."""

import numpy as np

from ..kernels.functions import interpreted
from ..kernels.packing import unpack
from ..models.noise import GradientNoise
from ..storage import begun, load, reopen
from .checkpoint import ANY_SIZE, in_folder
from .description import NotInThePackage, rebuilt
from .ensemble import execution_options
from .job import prepare

NUMBERS = "particles", "steps", "seed", "every", "first_step"


def resume(
    directory,
    model=None,
    dynamics=None,
    noise=None,
    reducers=None,
    *,
    threads=None,
    progress=None,
    checkpoint_every=None,
):
    """Go on with a run that `simulate` began with ``checkpoint=directory``, to the same bits as if
    it had never stopped.

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
    threads, progress, checkpoint_every : optional
        As in `simulate`; they may differ from those before.

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
    """
    description, constants = begun(directory)
    with reopen(directory, description) as run:
        if run.finished:
            return load(directory, ANY_SIZE)
        state = run.state()
    passed = {"model": model, "dynamics": dynamics, "noise": noise, "reducers": reducers}
    try:
        found = {
            role: _found(role, description[role], constants, directory, given)
            for role, given in passed.items()
        }
        numbers = {name: description["arguments"][name] for name in NUMBERS}
        rest = {
            name: value for name, value in description["arguments"].items() if name not in NUMBERS
        }
        x = unpack(state["x"], numbers["particles"])
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(
            f"{str(directory)!r} does not hold a run of simulate, or a malformed one "
            f"({error!r:.200})"
        ) from error
    *records, reducers = found.values()
    options = execution_options(records[0], threads, None, None, progress)
    inside = x[
        np.argmin((x * x).sum(axis=1))
    ]  # stands for the start, which was checked when the run was begun
    job, *start = prepare(
        tuple(records), numbers, rest | {"x0": inside, "v0": None, "on_disk": True}, reducers
    )
    _try_out(job)
    return in_folder(
        (directory, checkpoint_every),
        (reducers, rest | numbers, description["start"]),
        job,
        start,
        options,
    )


def _found(role, data, constants, directory, given):
    """What was passed, or else what the folder describes."""
    if given is not None:
        return given
    try:
        return (
            tuple(rebuilt(each, constants) for each in data)
            if role == "reducers"
            else rebuilt(data, constants)
        )
    except NotInThePackage as error:
        raise ValueError(
            f"resume: {role} of the run in {str(directory)!r} needs {error}, which is no function "
            "of this package, and nothing "
            f"else is run because a folder says so. Pass it as before: resume({str(directory)!r}, "
            f"{role}=...)."
        ) from error


def _try_out(job):
    """Run the texts once, interpreted, where an index out of range is an error: what a folder says
    of sizes may be forged.
    """
    model, dynamics, noise = job.records
    x, v = np.ones(model.dim), np.ones(dynamics.state_size * model.dim if dynamics.memory else 0)
    out, z = np.ones(model.dim + model.scratch), np.ones(dynamics.normals * model.dim)
    with np.errstate(all="ignore"):
        try:
            if dynamics.advance:
                interpreted(dynamics.advance)(job.table.template, x, v, out[: model.dim], z)
            interpreted(dynamics.update)(job.table.template, x, v, out[: model.dim], x.copy(), z)
            if getattr(model, "drift", None):
                interpreted(model.drift)(model.params, np.ones(model.dim), out)
            if isinstance(noise, GradientNoise):
                numbers, room = (
                    np.full(noise.normals + noise.uniforms, 0.5),
                    model.dim * (1 + noise.scratch_per_component),
                )
                interpreted(noise.sample)(noise.params, np.ones(model.dim), numbers, np.ones(room))
        except (IndexError, AttributeError, TypeError) as error:
            raise ValueError(
                f"resume: the records of the run do not fit each other ({error!r:.200})"
            ) from error
