"""extend(): a finished run goes on by itself, to the bits of one long run."""

import json
from os import PathLike
from typing import Any, NamedTuple

import xarray as xr

from ..arguments import checked, path, shown, whole
from ..storage import begun, load
from .checkpoint import ANY_SIZE
from .dataset import RECORDS_OF_RUN
from .description import data_of
from .rebuilding import NotInThePackage, as_of_today, rebuilt
from .simulate import simulate


class _Finished(NamedTuple):
    """A run that is to go on."""

    end: xr.Dataset
    records: dict  # role -> plain data
    arrays: dict  # the long ones of the records, where they were kept
    escape_radius: float | None


def _finished(value, name):
    """The check of `run`: what is known of a dataset of `simulate`, or of a run's folder."""
    if isinstance(value, xr.Dataset):
        if not {"records", "precision"} <= set(value.attrs):
            raise ValueError(
                f"{name} must be a whole run of simulate, got a dataset without the attribute "
                "'records'. Go on with simulate(model, dynamics, noise, x0=run, ...)."
            )
        radius = value.attrs.get("escape_radius")
        return _Finished(value, json.loads(value.attrs["records"]), {}, radius)
    if not isinstance(value, (str, PathLike)):
        raise TypeError(f"{name} must be a run of simulate, or its folder, got {shown(value)}.")
    folder = path(value, name)
    description, arrays = begun(folder)
    end = load(folder, ANY_SIZE)
    arguments = description["arguments"]
    last = arguments["first_step"] + arguments["steps"]
    if end.attrs["steps_done"] < last:
        raise ValueError(
            f"{name} must be finished, but {str(folder)!r} has done {end.attrs['steps_done']} of "
            f"{last} steps. Call langevin_sgd.resume first."
        )
    records = {role: description[role] for role in RECORDS_OF_RUN}
    return _Finished(end, records, arrays, arguments["escape_radius"])


@checked(run=_finished, steps=whole(0))
def extend(run, steps, model=None, dynamics=None, noise=None, **options):
    """Go on with a run from where it ended, to the bits of one longer run.

    Its seed, velocity, step numbers, precision, escape radius and target are taken over, and
    particles that had left stay where they are.

    Parameters
    ----------
    run : xarray.Dataset or path-like
        What `simulate` returned (or `load`, of a saved one), or the folder of a finished run.
    steps : int
        How many more.
    model, dynamics, noise : optional
        Needed where the run does not hold them: a function of your own, and in a dataset a long
        array, such as the table of a Loss. What is passed must be what the run had.
    **options
        ``every``, ``reducers``, ``loss``, ``threads``, ``progress``, ``checkpoint`` ... as in
        `simulate`; with ``target`` it goes on elsewhere, to the same bits. To change the rest, call
        `simulate` with x0=run.

    Returns
    -------
    xarray.Dataset
        As `simulate` returns it: from the end of `run`, `steps` steps further.

    Raises
    ------
    TypeError, ValueError
        For bad input; if a record has to be passed, or is not the one of the run; if the state is
        more than a dataset holds (`dynamics.adam`).

    Examples
    --------
    >>> import langevin_sgd as ls
    >>> well, noise = ls.potentials.double_well(), ls.noise.gaussian([1.0])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, particles=100, steps=50, seed=1)
    >>> ls.extend(run, 50).step.values.tolist()
    [50, 100]
    """
    taken = {"precision", "escape_radius", "x0", "particles", "steps"} & set(options)
    if taken:
        raise TypeError(
            f"extend takes {', '.join(sorted(taken))} from the run. To change it, call "
            "simulate(model, dynamics, noise, x0=run, ...)."
        )
    given = {"model": model, "dynamics": dynamics, "noise": noise}
    records = [_record_of_run(role, given[role], run) for role in RECORDS_OF_RUN]
    return simulate(
        *records,
        x0=run.end,
        particles=run.end.sizes["particle"],
        steps=steps,
        precision=run.end.attrs["precision"],
        escape_radius=run.escape_radius,
        **{"target": run.end.attrs.get("target", "cpu")} | options,
    )


def _record_of_run(role, given, run) -> Any:
    """The record of the run: the one that is given, if it is the same, or made from its data."""
    data = as_of_today(run.records[role])
    if given is not None:
        if json.loads(json.dumps(data_of(given, role))) != data:
            raise ValueError(
                f"{role} must be that of the run, got {shown(given)}, which differs in a function, "
                "a parameter or its data. To go on with another, call simulate(..., x0=run)."
            )
        return given
    try:
        return rebuilt(data, run.arrays)
    except (NotInThePackage, KeyError) as error:
        raise ValueError(
            f"{role} must be passed: the run does not hold {str(error.args[0])!r} of it. Call "
            f"extend(run, steps, {role}=...)."
        ) from error
