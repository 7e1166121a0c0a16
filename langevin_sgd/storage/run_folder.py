"""Runs that survive anything: a folder of immutable segments, a manifest of their hashes, and the
state to go on from.

    manifest.jsonl       what determines the bits; then a line a segment; perhaps "finished"
    segment-000012.nc    the twelfth piece in time, complete from the moment it has this name
    state-000012.h5      the arrays from which the thirteenth follows; the last two are kept
    final.nc             what is known only at the end
    constants.h5         long arrays of the description, where it has any
    lock                 held by the process that writes

A segment counts from the moment its line is in the manifest, which is written last. So a crash at
any moment costs at most the segment that was being written, and nothing depends on the clock."""

import warnings
from typing import NamedTuple

import numpy as np

from ..arguments import path as checked_path
from .files import arrays_image, disk_errors, is_temporary, netcdf_image, remove_temporaries
from .lock import LOCK_NAME, take_lock
from .manifest import NAME as MANIFEST_NAME
from .manifest import Final, Header, add_line, begin_manifest, read_manifest, refuse_another
from .run_files import (
    CONSTANTS,
    FINAL,
    checked_arrays,
    fault,
    faults,
    numbered,
    segment_name,
    segment_record,
    state_name,
    way_out,
    written,
)

# Bytes; the size and hash of a state are checked before it is read.
LARGEST_STATE = 2**40


class Begun(NamedTuple):
    """What a run was begun with."""

    description: dict
    constants: dict  # name -> array


class Run:
    """A run folder, locked for this process, as `create` or `reopen` give it; use it in a ``with``
    statement, or `close` it.

    Attributes: ``directory``; ``step``, the number of steps that are safe; ``segments``, how many
    there are; ``finished``."""

    def __init__(self, folder, manifest, lock):
        self.directory = folder
        self._manifest = manifest
        self._lock = lock

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Give the lock back; nothing is lost by not closing."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def step(self):
        """Number of steps that are safe in the folder."""
        return self._manifest.last.step

    @property
    def segments(self):
        """Number of segments that are safe in the folder."""
        return len(self._manifest.segments)

    @property
    def finished(self):
        """Whether the run is complete; it can then only be read."""
        return self._manifest.final is not None

    def state(self):
        """The arrays of the last consistent point, from which the run goes on: name -> numpy array,
        as given to `append`."""
        path = self.directory / state_name(self.segments)
        return checked_arrays(path, self._manifest.last.state, LARGEST_STATE)

    def append(self, segment, state, step):
        """Add the next piece of the run, durably: when this returns, no crash can take it away.

        Parameters
        ----------
        segment : xarray.Dataset
            Variables with ``step`` as their first dim, the same ones in every segment, and the
            coordinate `step` (increasing; may be empty); variables without ``step`` hold for the
            end of the segment. Attributes of the dataset are not kept: they belong into `create` or
            `finish`.
        state : dict of str to array
            What the next steps need: numbers, of any shape.
        step : int
            Number of steps done at the end of the segment; above that of the segment before.

        A ValueError if the segment does not continue the run; an OSError if the disk refuses: the
        run is then as it was before the call, and may be resumed or `append` called again."""
        self._refuse_if_closed("append")
        number = self.segments + 1
        record = segment_record(segment, number, step)
        self._refuse_what_does_not_continue(record)
        with self._told_of_the_disk("append"):
            image = netcdf_image(segment.drop_attrs(deep=False))
            file = written(self.directory / segment_name(number), image)
            state = written(self.directory / state_name(number), arrays_image(state))
            record = record._replace(file=file, state=state)
            length = add_line(self.directory, record, self._manifest.ends[-1])
        self._manifest.segments.append(record)
        self._manifest.ends.append(length)
        (self.directory / state_name(number - 2)).unlink(missing_ok=True)

    def finish(self, dataset):
        """Complete the run with the variables and attributes that are known only at the end.

        `dataset` has no dim ``step``; where a segment has a variable of the same name, this one
        counts. An OSError if the disk refuses: all segments stand, and `finish` may be called
        again."""
        self._refuse_if_closed("finish")
        if "step" in dataset.dims:
            raise ValueError(
                f"finish: dataset must have no dim 'step', got {dict(dataset.sizes)}; steps "
                "belong into `append`"
            )
        with self._told_of_the_disk("finish"):
            final = written(self.directory / FINAL, netcdf_image(dataset))
            add_line(self.directory, Final(1, final), self._manifest.ends[-1])
        self._manifest = self._manifest._replace(final=final)

    def _refuse_if_closed(self, caller):
        if self.finished or self._lock is None:
            why = "closed; open it again with reopen"
            if self.finished:
                why = "finished and can only be read"
            raise ValueError(f"{caller}: the run in {str(self.directory)!r} is {why}")

    def _refuse_what_does_not_continue(self, record):
        steps = record.stored_steps()
        last = self._manifest.last
        if record.step <= last.step:
            raise ValueError(
                f"append: step must be above {last.step}, where the run stands, got {record.step}"
            )
        lowest = last.step + bool(self.segments)  # only the first segment may hold the start
        inside = len(steps) == 0 or (lowest <= steps[0] and steps[-1] <= record.step)
        if not inside or np.any(np.diff(steps) <= 0):
            raise ValueError(
                f"append: the coordinate step must increase from at least {lowest} to at most "
                f"{record.step}, got {steps}"
            )
        if self.segments and record.variables != last.variables:
            raise ValueError(
                "append: every segment must have the same variables along step; they were "
                f"{last.variables}, now they are {record.variables}"
            )

    def _told_of_the_disk(self, caller):
        return disk_errors(
            caller,
            f". The run is complete up to step {self.step}; make room or make the folder "
            "writable, then resume it",
        )


def create(directory, description, state, attributes=None, step=0, constants=None):
    """Begin a run in a new or empty folder, which is made if only its parent exists; the `Run`.

    Parameters
    ----------
    directory : str or path-like description : dict
        Everything that determines the bits of the run: nested dicts and lists of text and numbers.
        Compared by `reopen`.
    state : dict of str to array
        The state at the start, as in `Run.append`.
    attributes : dict, optional
        Attributes that `load` gives the dataset.
    step : int
        Number of steps done at the start.
    constants : dict of str to array, optional
        Arrays that `begun` gives back, with their bits.

    Raises
    ------
    FileExistsError, RuntimeError, OSError
        If the folder holds anything already; if another process is writing there; if the folder
        cannot be made or written."""
    folder = checked_path(directory, "directory")
    way_out = "; its parent must exist and be writable"
    with disk_errors(f"create: cannot make the folder {str(folder)!r}", way_out):
        folder.mkdir(exist_ok=True)
    lock = take_lock(folder)
    try:
        # Of a process that was killed before its manifest: no run began.
        leftovers = {LOCK_NAME, CONSTANTS, state_name(0)}
        there = {path.name for path in folder.iterdir() if not is_temporary(path)}
        found = sorted(there - leftovers)
        if found:
            way = "resume the run" if MANIFEST_NAME in found else "choose a new folder"
            raise FileExistsError(
                f"create: the folder {str(folder)!r} already holds {found[0]!r}; {way}"
            )
        remove_temporaries(folder)
        kept = written(folder / CONSTANTS, arrays_image(constants)) if constants else None
        state = written(folder / state_name(0), arrays_image(state))
        header = Header("run", description, attributes or {}, int(step), state, kept)
        return Run(folder, begin_manifest(folder, header), lock)
    except BaseException:
        lock.close()
        raise


def begun(directory):
    """What a run was begun with: the `Begun` of a run folder. A FileNotFoundError or ValueError if
    the manifest or the file of the constants is missing or damaged."""
    folder = checked_path(directory, "directory")
    header = read_manifest(folder, ["run"]).header
    if header.constants is None:
        return Begun(header.description, {})
    constants = checked_arrays(folder / CONSTANTS, header.constants, LARGEST_STATE)
    return Begun(header.description, constants)


def reopen(directory, description):
    """Open a run to go on with it from its last consistent point: a `Run` that stands at ``step``;
    if ``finished`` there is nothing to do.

    Checked are the sizes of all segments, and the SHA-256 of the last one, its state and the final
    file: what the next steps follow from. If one of these is damaged, the state before the last
    segment is taken instead, with a warning. Nothing is written to a run that is finished and
    whole, and no lock taken. `description` is as given to `create`, made anew from today's code and
    parameters.

    Raises
    ------
    FileNotFoundError, ValueError
        If the manifest is missing or damaged, the description differs (each difference is listed),
        an earlier segment is missing or was cut short, or no state is usable; the message names the
        file and the way out.
    RuntimeError, OSError
        If another process is writing there; if the folder cannot be written."""
    folder = checked_path(directory, "directory")
    manifest = read_manifest(folder, ["run"])
    refuse_another(folder, manifest.header, description)
    if manifest.final is not None and not (
        faults(folder, manifest.segments, deep=True)
        or fault(folder / FINAL, manifest.final, deep=True)
    ):
        return Run(folder, manifest, None)
    lock = take_lock(folder)
    try:
        manifest = _consistent(folder, read_manifest(folder, ["run"]))
        remove_temporaries(folder)
        _remove_what_never_counted(folder, len(manifest.segments))
        return Run(folder, manifest, lock)
    except BaseException:
        lock.close()
        raise


def _remove_what_never_counted(folder, count):
    """Segments and states of a killed process that the manifest does not list, and older states."""
    later = [path for number, path in numbered(folder, "segment-*.nc") if number > count]
    states = [path for number, path in numbered(folder, "state-*.h5")]
    kept = state_name(count - 1), state_name(count)
    for path in later + [path for path in states if path.name not in kept]:
        path.unlink()


def _consistent(folder, manifest):
    """The manifest up to the last point from which the run can go on."""
    count = len(manifest.segments)
    lost = faults(folder, manifest.segments[:-1])
    if lost:
        raise ValueError(f"the run cannot go on: {lost[0]}. {way_out(folder / segment_name(1))}")
    reasons = []
    for keep in range(count, max(-1, count - 2), -1):
        kept = manifest._replace(
            segments=manifest.segments[:keep], ends=manifest.ends[: keep + 1], final=None
        )
        wrong = fault(folder / state_name(keep), kept.last.state, deep=True)
        if keep and wrong is None:
            wrong = fault(folder / segment_name(keep), kept.last.file, deep=True)
        if wrong is not None:
            reasons.append(wrong)
            continue
        if manifest.final is not None and not reasons:
            wrong = fault(folder / FINAL, manifest.final, deep=True)
            reasons += [wrong] if wrong else []
        if not reasons:
            return manifest
        warnings.warn(
            f"{'; '.join(reasons)}. The run goes on from step {kept.last.step}.", stacklevel=3
        )
        return kept
    raise ValueError(
        f"the run cannot go on: {'; '.join(reasons)}. Put one of them back from a copy, or "
        f"compute the run again in a new folder; load({str(folder)!r}, recover=True) reads what "
        "is there"
    )
