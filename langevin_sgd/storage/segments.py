"""Runs that survive anything: a folder of immutable segments, a manifest of their hashes, and the
state to go on from.

    manifest.jsonl       what determines the bits of the run; then a line for each segment; then, perhaps, "finished"
    segment-000012.nc    the twelfth piece in time, complete from the moment it has this name
    state-000012.h5      the arrays from which the thirteenth follows (000000: the start); the last two are kept
    final.nc             what is known only at the end
    constants.h5         long arrays of the description, where it has any
    lock                 held by the process that writes

A segment counts from the moment its line is in the manifest, which is written last. So a crash at
any moment costs at most the segment that was being written, and nothing depends on the clock."""

import io
from pathlib import Path

import numpy as np

from .checking import consistent, faults
from .files import arrays_image, netcdf_image, read_arrays, write_whole
from .lock import NAME as LOCK_NAME
from .lock import take_lock
from .manifest import NAME as MANIFEST_NAME
from .manifest import add_line, begin_manifest, read_manifest, refuse_another_run
from .pieces import (
    CONSTANTS,
    FINAL,
    checked_bytes,
    file_record,
    segment_name,
    segment_record,
    state_name,
    unpacked,
)

LARGEST_STATE = (
    2**40
    # bytes; the hash of a state is checked before it is read, so this guards against nothing but
    # itself
)


class Run:
    """A run folder, locked for this process, as `create` or `reopen` give it; use it in a ``with``
    statement, or `close` it.

    Attributes: ``directory``; ``step``, the number of steps that are safe; ``segments``, how many
    there are; ``finished``."""

    def __init__(self, folder, manifest, lock):
        self.directory, self._manifest, self._lock = folder, manifest, lock

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
        return self._manifest.last["step"]

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
        as given to `append`.
        """
        path = self.directory / state_name(self.segments)
        image = checked_bytes(path, self._manifest.last["state"])
        return read_arrays(io.BytesIO(image), path, LARGEST_STATE)

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

        Raises
        ------
        ValueError
            If the segment does not continue the run.
        OSError
            If the disk refuses. The run is then as it was before the call, and may be resumed or
            `append` called again.
        """
        self._refuse_if_closed("append")
        record = {**segment_record(segment), "segment": self.segments + 1, "step": int(step)}
        self._refuse_what_does_not_continue(record)
        number = record["segment"]
        try:
            record["file"] = _write(
                self.directory / segment_name(number), netcdf_image(segment.drop_attrs(deep=False))
            )
            record["state"] = _write(self.directory / state_name(number), arrays_image(state))
            length = add_line(self.directory, record, self._manifest.ends[-1])
        except OSError as error:
            raise self._refused_by_disk("append", error) from error
        self._manifest.segments.append(record)
        self._manifest.ends.append(length)
        (self.directory / state_name(number - 2)).unlink(missing_ok=True)

    def finish(self, dataset):
        """Complete the run with the variables and attributes that are known only at the end.

        Parameters
        ----------
        dataset : xarray.Dataset
            Variables without the dim ``step``; where a segment has a variable of the same name,
            this one counts.

        Raises
        ------
        ValueError
            If a variable has the dim ``step``.
        OSError
            If the disk refuses. All segments stand, and `finish` may be called again.
        """
        self._refuse_if_closed("finish")
        if "step" in dataset.dims:
            raise ValueError(
                f"finish: dataset must have no dim 'step', got {dict(dataset.sizes)}; steps "
                "belong into `append`"
            )
        try:
            record = {"finished": 1, "file": _write(self.directory / FINAL, netcdf_image(dataset))}
            add_line(self.directory, record, self._manifest.ends[-1])
        except OSError as error:
            raise self._refused_by_disk("finish", error) from error
        self._manifest = self._manifest._replace(final=record)

    def _refuse_if_closed(self, caller):
        if self.finished or self._lock is None:
            why = (
                "finished and can only be read"
                if self.finished
                else "closed; open it again with reopen"
            )
            raise ValueError(f"{caller}: the run in {str(self.directory)!r} is {why}")

    def _refuse_what_does_not_continue(self, record):
        steps, last = unpacked(record["steps"]), self._manifest.last
        if record["step"] <= last["step"]:
            raise ValueError(
                f"append: step must be above {last['step']}, where the run stands, got "
                f"{record['step']}"
            )
        lowest = last["step"] + bool(self.segments)  # only the first segment may hold the start
        if len(steps) and not (
            lowest <= steps[0] and steps[-1] <= record["step"] and np.all(np.diff(steps) > 0)
        ):
            raise ValueError(
                f"append: the coordinate step must increase from at least {lowest} to at most "
                f"{record['step']}, got {steps}"
            )
        if self.segments and record["variables"] != last["variables"]:
            raise ValueError(
                "append: every segment must have the same variables along step; they were "
                f"{last['variables']}, "
                f"now they are {record['variables']}"
            )

    def _refused_by_disk(self, caller, error):
        return OSError(
            error.errno,
            f"{caller}: {error.strerror}. The run is complete up to step {self.step}; make room "
            "or make the folder writable, "
            "then resume it",
        )


def create(directory, description, state, attributes=None, step=0, constants=None):
    """Begin a run in a new or empty folder.

    Parameters
    ----------
    directory : str or path-like
        The folder; made if it does not exist (its parent must).
    description : dict
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

    Returns
    -------
    Run

    Raises
    ------
    FileExistsError
        If the folder holds anything already.
    RuntimeError
        If another process is writing there.
    OSError
        If the folder cannot be made or written.
    """
    folder = Path(directory)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        why = f"create: cannot make the folder {str(folder)!r}: {error.strerror}; its parent must exist and be writable"
        raise OSError(error.errno, why) from error
    lock = take_lock(folder)
    try:
        leftovers = {
            LOCK_NAME,
            CONSTANTS,
            state_name(0),
        }  # of a process killed before its manifest: no run began
        found = sorted(
            p.name for p in folder.iterdir() if p.name not in leftovers and not _is_temporary(p)
        )
        if found:
            way_out = "resume the run" if MANIFEST_NAME in found else "choose a new folder"
            raise FileExistsError(
                f"create: the folder {str(folder)!r} already holds {found[0]!r}; {way_out}"
            )
        _remove_temporaries(folder)
        header = {"description": description, "attributes": attributes or {}, "step": int(step)}
        if constants:
            header["constants"] = _write(folder / CONSTANTS, arrays_image(constants))
        header["state"] = _write(folder / state_name(0), arrays_image(state))
        return Run(folder, begin_manifest(folder, header), lock)
    except BaseException:
        lock.close()
        raise


def begun(directory):
    """What a run was begun with.

    Parameters
    ----------
    directory : str or path-like
        The run folder.

    Returns
    -------
    (dict, dict)
        The description and the constants that were given to `create`.

    Raises
    ------
    FileNotFoundError, ValueError
        If the manifest or the file of the constants is missing or damaged.
    """
    folder = Path(directory)
    header = read_manifest(folder).header
    if "constants" not in header:
        return header["description"], {}
    image = checked_bytes(folder / CONSTANTS, header["constants"])
    return header["description"], read_arrays(io.BytesIO(image), folder / CONSTANTS, LARGEST_STATE)


def reopen(directory, description):
    """Open a run to go on with it from its last consistent point.

    Checked are the sizes of all segments, and the SHA-256 of the last one, its state and the final
    file: what the next steps follow from. If one of these is damaged, the state before the last
    segment is taken instead, with a warning. Nothing is written to a run that is finished and
    whole, and no lock taken.

    Parameters
    ----------
    directory : str or path-like
        The run folder.
    description : dict
        As given to `create`, made anew from today's code and parameters.

    Returns
    -------
    Run
        Standing at ``step``; if ``finished`` there is nothing to do.

    Raises
    ------
    FileNotFoundError, ValueError
        If the manifest is missing or damaged, the description differs (each difference is listed),
        an earlier segment is missing or was cut short, or no state is usable; the message names the
        file and the way out.
    RuntimeError
        If another process is writing there.
    OSError
        If the folder cannot be written.
    """
    folder = Path(directory)
    manifest = read_manifest(folder)
    refuse_another_run(folder, manifest, description)
    if manifest.final is not None and not faults(folder, manifest):
        return Run(folder, manifest, None)
    lock = take_lock(folder)
    try:
        _remove_temporaries(folder)
        return Run(folder, consistent(folder, read_manifest(folder)), lock)
    except BaseException:
        lock.close()
        raise


def _write(path, image):
    write_whole(path, image)
    return file_record(path, image)


def _is_temporary(path):
    return path.name.startswith(".") and path.name.endswith(".tmp")


def _remove_temporaries(folder):
    """What a killed process was writing; the lock says that nobody is writing now."""
    for path in filter(_is_temporary, folder.iterdir()):
        path.unlink()
