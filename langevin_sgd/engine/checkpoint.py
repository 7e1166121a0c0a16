"""Runs in a folder: written piece by piece between two chunks, and continued from there.

Where a piece ends shows neither in the bits nor in the dataset: it may depend on the clock.
"""

import os
import time
import warnings
from pathlib import Path

import numpy as np
import xarray as xr

from ..kernels.packing import unpack
from ..models.parameters import integer
from ..storage import begun, create, load, reopen
from ..storage.manifest import NAME as MANIFEST
from .dataset import along_steps, at_the_end, attributes
from .description import describe
from .drive import Pause, at_once, drive
from .job import begin
from .plan import make_plan
from .reducers.of_run import listed, read_out

SECONDS = 60.0  # between two pieces ...
BYTES = 2**26  # ... unless their rows take more
ANY_SIZE = 2**62  # what the caller asked to be stored is read back, as it would be without a folder


def recorded_seed(directory, every):
    """The seed of the run in a folder, None if there is none; `directory` and `every` are checked."""
    if directory is None:
        if every is not None:
            raise ValueError(
                f"checkpoint_every must be None without checkpoint, got {every!r}. Pass "
                "checkpoint=FOLDER."
            )
        return None
    if not isinstance(directory, (str, os.PathLike)):
        raise TypeError(f"checkpoint must be the path of a folder, got {directory!r}.")
    if not (Path(directory) / MANIFEST).exists():
        return None
    return begun(directory)[0].get("arguments", {}).get("seed")


def in_folder(folder, given, job, start, options):
    """The dataset of a job whose folder is begun, or continued, or only read if it is finished.

    Parameters
    ----------
    folder : (path, int or None)
        Where, and the steps between two pieces.
    given : (reducers, arguments, fingerprints)
        What `describe` needs, with the reducers and arguments as they were passed.
    job, options
        As for `carry_out`.
    start : (x, v), (particles, components)

    Raises
    ------
    ValueError
        If the job cannot be cut into pieces, or the folder was begun with another description.
    """
    directory, every = folder
    every = every if every is None else integer(every, "checkpoint_every", 1)
    _refuse_what_has_no_pieces(job)
    reducers, arguments, prints = given
    arguments = {name: value for name, value in arguments.items() if name not in ("x0", "v0")} | {
        "seed": job.seed
    }
    reducers = listed(reducers)
    description, constants = describe(job.records, reducers, arguments, prints)
    ensemble = begin(job, *start)
    if (Path(directory) / MANIFEST).exists():
        run = reopen(directory, description)
    else:
        about = attributes(job, job.first_step)
        run = create(directory, description, ensemble._asdict(), about, job.first_step, constants)
    with run:
        if run.finished:
            return load(directory, ANY_SIZE)
        _restore(
            ensemble, run.state(), directory
        )  # that of the start, too: `resume` does not know it
        return _go_on(run, job, ensemble, every, options)


def _refuse_what_has_no_pieces(job):
    if any(reducer.ends_particles for reducer in job.reducers):
        raise ValueError(
            f"checkpoint must be None for {job.reducers[0].name!r}: its particles are at "
            "different steps. Cut the run by "
            "particles instead: several seeds, each with particles of its own."
        )
    if job.steps == 0:
        raise ValueError("checkpoint must be None for steps = 0: there is nothing to go on from.")


def _restore(ensemble, state, directory):
    """Copy a state into the ensemble's own arrays, which lie where vector loads want them."""
    for name, target in ensemble._asdict().items():
        found = state.get(name)
        if found is None or (found.shape, found.dtype) != (target.shape, target.dtype):
            what = "nothing" if found is None else f"{found.dtype}{list(found.shape)}"
            raise ValueError(
                f"the state in {str(directory)!r} does not fit its description: {name} is {what} "
                "instead of "
                f"{target.dtype}{list(target.shape)}. Begin again in a new folder."
            )
        target[...] = found


def _go_on(run, job, ensemble, every, options):
    with at_once():
        plan = make_plan(job)
    substeps, end = job.table.substeps, job.first_step + job.steps
    pieces = Pieces(run, job, ensemble, every)
    done = (
        drive(
            plan,
            ensemble,
            pieces.rows,
            job,
            options,
            Pause(pieces.until, pieces.call),
            run.step * substeps,
        )
        // substeps
    )
    closing = xr.Dataset(
        {**at_the_end(job, ensemble), **read_out(job, ensemble, done)}, attrs=attributes(job, done)
    )
    if done == end:
        run.finish(closing)
        return load(run.directory, ANY_SIZE)
    message = f"interrupted: {done - job.first_step} of {job.steps} steps are done, and safe in {str(run.directory)!r}; resume it."
    warnings.warn(message, stacklevel=4)
    path = load(run.directory, ANY_SIZE)
    if done not in job.stored_steps():  # it belongs to what is returned now, not to the run
        last = along_steps(
            job,
            *(unpack(array, job.particles)[None] for array in (ensemble.x, ensemble.v)),
            np.array([done]),
        )
        path = xr.concat([path, last], "step", data_vars="minimal", combine_attrs="override")
    return path.merge(closing).assign_attrs(closing.attrs)


class Pieces:
    """The rows of a run that are not yet in its folder: `rows` = (x, v) is a ring, and the k-th
    stored step goes into row k modulo its length."""

    def __init__(self, run, job, ensemble, every):
        self.run, self.job, self.ensemble, self.every = run, job, ensemble, every
        self.stored, self.written = job.stored_steps(), time.monotonic()
        self.first = (
            int(np.searchsorted(self.stored, run.step, side="right")) if run.segments else 0
        )
        x, v = (unpack(array, job.particles) for array in (ensemble.x, ensemble.v))
        room = max(2, BYTES // max(1, x.nbytes + v.nbytes))
        room = min(room, every // (job.every or job.steps) + 2) if every else room
        room = min(room, len(self.stored))
        self.rows = tuple(np.empty((room, *start.shape), start.dtype) for start in (x, v))
        self.rows[0][0], self.rows[1][0] = (
            x,
            v,
        )  # the start; later it is the first to be written over

    def until(self, done):
        """Updates after which a piece has to end, at the latest."""
        step, begin = done // self.job.table.substeps, self.job.first_step
        room = len(self.rows[0])
        end = self.stored[min(self.first + room, len(self.stored)) - 1]
        if self.every:
            end = min(end, begin + ((step - begin) // self.every + 1) * self.every)
        return int(end) * self.job.table.substeps

    def call(self, done, last):
        """Write what is not in the folder, if it is time to, or the `last` time."""
        step = done // self.job.table.substeps
        reached = int(np.searchsorted(self.stored, step, side="right"))
        due = reached - self.first == len(self.rows[0]) or (
            (step - self.job.first_step) % self.every == 0
            if self.every
            else time.monotonic() - self.written >= SECONDS
        )
        if due or last:
            places = np.arange(self.first, reached) % len(self.rows[0])
            piece = along_steps(
                self.job, *(part[places] for part in self.rows), self.stored[self.first : reached]
            )
            self.run.append(piece, self.ensemble._asdict(), step)
            self.first, self.written = reached, time.monotonic()
