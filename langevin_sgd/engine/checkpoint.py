"""Runs in a folder: written piece by piece between two chunks, and continued from there.

Where a piece ends shows neither in the bits nor in the dataset: it may depend on the clock.
"""

import time
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from ..arguments import integer, path
from ..kernels.rng import GENERATOR
from ..kernels.views import unpack
from ..storage import begun, create, load, reopen, source_hashes
from ..storage.manifest import NAME as MANIFEST
from .chunks import Stored, compile_kernel, run_chunks
from .cpu import begin
from .dataset import RECORDS_OF_RUN, along_steps, at_the_end, attributes_of_run, tell_who_left
from .description import array_fingerprint, data_of
from .interrupts import at_once
from .problem import make_problem
from .program import make_program
from .reducers.of_run import listed, read_out
from .terminal import tell

SECONDS = 60.0  # between two pieces ...
BYTES = 2**26  # ... unless their rows take more
MOST_STORED = 2**27  # steps; their numbers alone take 1 GiB
ANY_SIZE = 2**62  # what the caller asked to be stored is read back, as it would be without a folder


class Folder(NamedTuple):
    """Where a run is written to."""

    path: Any
    every: int | None  # steps between two pieces

    def recorded_seed(self):
        """The seed of the run that is there, None if there is none."""
        if not (self.path / MANIFEST).exists():
            return None
        arguments = begun(self.path).description.get("arguments")
        return arguments.get("seed") if isinstance(arguments, dict) else None


def checked_folder(checkpoint, checkpoint_every):
    """The Folder of these arguments of `simulate`, None if there is none."""
    if checkpoint is not None:
        every = checkpoint_every
        every = every if every is None else integer(every, "checkpoint_every", 1)
        return Folder(path(checkpoint, "checkpoint"), every)
    if checkpoint_every is not None:
        raise ValueError(
            f"checkpoint_every must be None without checkpoint, got {checkpoint_every!r}. Pass "
            "checkpoint=FOLDER."
        )
    return None


def simulate_in_folder(folder, records, arguments, start, options):
    """`simulate` with a folder, (checkpoint, checkpoint_every).

    Parameters
    ----------
    records : (model, dynamics, noise)
    arguments, start : dict
        Those of `simulate` that the folder describes as they are, and x0, v0 and reducers.
    """
    folder = checked_folder(*folder)
    if arguments["seed"] is None:
        arguments = arguments | {"seed": folder.recorded_seed()}
    with at_once():
        problem = make_problem(*records, **arguments, **start, on_disk=True)
    arguments = arguments | {"first_step": problem.first_step, "seed": problem.seed}
    described = describe(problem, start["reducers"], arguments, _fingerprints(problem.start))
    return in_folder(folder, described, problem, options)


def in_folder(folder, described, problem, options):
    """The dataset of a problem whose folder is begun, or continued, or only read if it is finished.

    Parameters
    ----------
    folder : Folder
    described : (dict, dict)
        Of `describe`.
    problem : Problem
    options : Options

    Raises
    ------
    ValueError
        If the problem cannot be cut into pieces, or the folder was begun with another description.
    """
    _refuse_what_has_no_pieces(problem)
    description, constants = described
    ensemble = begin(problem)
    if (folder.path / MANIFEST).exists():
        with reopen(folder.path, description) as run:
            if run.finished:
                return load(folder.path, ANY_SIZE)
            program = _compiled(problem, ensemble, options)
            # The state of the start, too: `resume` does not know it.
            _restore(ensemble, run.state(), folder.path)
            return _go_on(run, problem, program, ensemble, folder.every, options)
    # A function that does not compile has begun no folder, and can be mended.
    program = _compiled(problem, ensemble, options)
    first = problem.first_step
    about = attributes_of_run(problem, first)
    state = ensemble._asdict()
    with create(folder.path, description, state, about, first, constants) as run:
        return _go_on(run, problem, program, ensemble, folder.every, options)


def describe(problem, reducers, arguments, prints):
    """All that determines the bits of a run, and the long arrays in it: name -> array; `reducers`
    and `arguments` as `simulate` gets them, `prints` from `_fingerprints`."""
    arrays, reducers = {}, enumerate(listed(reducers))
    description = {
        "arguments": arguments,
        **{role: data_of(getattr(problem, role), role, arrays) for role in RECORDS_OF_RUN},
        "reducers": [data_of(reducer, f"reducers.{k}", arrays) for k, reducer in reducers],
        "start": prints,
        "generator": GENERATOR,
        "code": _code_of_the_package(),
    }
    return description, arrays


@cache  # at the first use: what is edited later does not run in this process
def _code_of_the_package():
    return source_hashes("kernels", "models", "engine")


def _fingerprints(start):
    """SHA-256 of the start of a problem; of the particles that had left, where there are any."""
    parts = {"x0": start.x, "v0": start.v}
    if np.any(start.status):
        parts |= {"status": start.status, "stopped_at_step": start.stopped}
    return {name: array_fingerprint(part)["sha256"] for name, part in parts.items()}


def _compiled(problem, ensemble, options):
    """The program of a problem, with its kernel compiled."""
    with at_once():
        program = make_program(problem, options.devices)
    rows = Stored(np.array(problem.start.x)[None], np.array(problem.start.v)[None])
    compile_kernel(program, ensemble, rows, problem, options)
    return program


def _refuse_what_has_no_pieces(problem):
    if problem.passage:
        raise ValueError(
            f"checkpoint must be None for {problem.passage.name!r}: its particles are at different "
            "steps. Cut the run by particles instead: several seeds, each with particles of "
            "its own."
        )
    if problem.steps == 0:
        raise ValueError("checkpoint must be None for steps = 0: there is nothing to go on from.")
    integer(problem.steps // (problem.every or problem.steps), "steps / every", 1, MOST_STORED)


def _restore(ensemble, state, directory):
    """Copy a state into the ensemble's own arrays, which lie where vector loads want them."""
    for name, target in ensemble._asdict().items():
        found = state.get(name)
        if found is None or (found.shape, found.dtype) != (target.shape, target.dtype):
            what = "nothing" if found is None else f"{found.dtype}{list(found.shape)}"
            raise ValueError(
                f"the state in {str(directory)!r} does not fit its description: {name} is {what} "
                f"instead of {target.dtype}{list(target.shape)}. Begin again in a new folder."
            )
        target[...] = found


def _go_on(run, problem, program, ensemble, every, options):
    pieces = Pieces(run, problem, ensemble, every)
    substeps = problem.dynamics.substeps
    before = run.step * substeps
    updates = run_chunks(program, ensemble, pieces.rows, problem, options, pieces, before)
    done = updates // substeps
    variables = {**at_the_end(problem, ensemble), **read_out(problem, ensemble, done)}
    closing = xr.Dataset(variables, attrs=attributes_of_run(problem, done))
    tell_who_left(problem, closing)
    if done == problem.last_step:
        run.finish(closing)
        return load(run.directory, ANY_SIZE)
    tell(
        f"interrupted: {done - problem.first_step} of {problem.steps} steps are done, and safe in "
        f"{str(run.directory)!r}; resume it."
    )
    rows = load(run.directory, ANY_SIZE)
    if done not in problem.stored_steps():  # it belongs to what is returned now, not to the run
        now = (unpack(array, problem.particles)[None] for array in (ensemble.x, ensemble.v))
        last = along_steps(problem, *now, np.array([done]))
        rows = xr.concat([rows, last], "step", data_vars="minimal", combine_attrs="override")
    return rows.merge(closing).assign_attrs(closing.attrs)


class Pieces:
    """The rows of a run that are not yet in its folder: `rows` = (x, v) is a ring, and the k-th
    stored step goes into row k modulo its length."""

    def __init__(self, run, problem, ensemble, every):
        self.run = run
        self.problem = problem
        self.ensemble = ensemble
        self.every = every
        self.stored = problem.stored_steps()
        self.written = time.monotonic()
        self.first = self._rows_until(run.step) if run.segments else 0
        start = [unpack(array, problem.particles) for array in (ensemble.x, ensemble.v)]
        room = max(2, BYTES // max(1, sum(part.nbytes for part in start)))
        if every:
            room = min(room, every // (problem.every or problem.steps) + 2)
        self.room = min(room, len(self.stored))
        self.rows = Stored(*(np.empty((self.room, *part.shape), part.dtype) for part in start))
        for rows, part in zip(self.rows, start, strict=True):
            rows[0] = part  # the start; later it is the first to be written over

    def _rows_until(self, step):
        """Number of rows that are stored until a step is done."""
        return int(np.searchsorted(self.stored, step, side="right"))

    def until(self, done):
        """Updates after which a piece has to end, at the latest."""
        step, begin = done // self.problem.dynamics.substeps, self.problem.first_step
        end = self.stored[min(self.first + self.room, len(self.stored)) - 1]
        if self.every:
            end = min(end, begin + ((step - begin) // self.every + 1) * self.every)
        return int(end) * self.problem.dynamics.substeps

    def due(self, done):
        """Whether what is not in the folder should be written, after so many updates."""
        step = done // self.problem.dynamics.substeps
        if self._rows_until(step) - self.first == self.room:
            return True
        if self.every:
            return (step - self.problem.first_step) % self.every == 0
        return time.monotonic() - self.written >= SECONDS

    def call(self, done):
        """Write what is not in the folder."""
        step = done // self.problem.dynamics.substeps
        reached = self._rows_until(step)
        places = np.arange(self.first, reached) % self.room
        rows = (part[places] for part in self.rows)
        piece = along_steps(self.problem, *rows, self.stored[self.first : reached])
        self.run.append(piece, self.ensemble._asdict(), step)
        self.first = reached
        self.written = time.monotonic()
