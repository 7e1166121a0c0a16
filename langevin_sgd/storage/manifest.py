"""The manifest of a run folder: an append-only file of JSON lines, each with its own SHA-256.

Line 1 describes the run, line k + 1 its segment k, and a last line says that it is finished. Adding
a line costs the same for the first segment and the millionth. A line counts once it ends with a
newline and carries its checksum, so a last line that a crash cut short was never written."""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .files import write_durably, write_whole

NAME = "manifest.jsonl"
FORMAT = 1
SHOWN_DIFFERENCES = 20


class Manifest(NamedTuple):
    """What a manifest says: its first line, the line of each segment (None where damaged), and the
    last one of a finished run.
    """

    header: dict | None
    segments: list
    final: dict | None
    ends: list  # length of the file in bytes with k segments; what follows may be overwritten

    @property
    def last(self):
        """The record of the last point that is safe: of the last segment, or of the start."""
        return self.segments[-1] if self.segments else self.header


def begin_manifest(folder, header):
    """Write the first line, durably and at once; returns the Manifest."""
    line = _sealed({"format": FORMAT, **header})
    write_whole(Path(folder) / NAME, line)
    return Manifest(json.loads(line), [], None, [len(line)])


def add_line(folder, record, length):
    """Write `record` durably behind the first `length` bytes, over whatever a crash left there;
    returns the new length.
    """
    path, line = Path(folder) / NAME, _sealed(record)
    try:
        with open(path, "r+b", buffering=0) as file:
            file.truncate(length)
            file.seek(length)
            write_durably(file, line)
    except OSError as error:
        raise OSError(error.errno, f"cannot write {str(path)!r}: {error.strerror}") from error
    return length + len(line)


def read_manifest(folder, damaged=False):
    """Read and check the manifest of a run folder.

    Parameters
    ----------
    folder : path-like
        The run folder.
    damaged : bool
        Return what is left of a damaged manifest instead of refusing it.

    Returns
    -------
    Manifest

    Raises
    ------
    FileNotFoundError
        If there is no manifest.
    ValueError
        If a line other than the last fails its checksum, or the format is newer than this program.
    """
    path = Path(folder) / NAME
    try:
        lines = path.read_bytes().split(b"\n")[
            :-1
        ]  # what follows the last newline was never finished
    except FileNotFoundError as error:
        if damaged:
            return Manifest(None, [], None, [])
        raise FileNotFoundError(
            f"there is no manifest {str(path)!r}. {_way_out(folder)}"
        ) from error
    records = [_unsealed(line) for line in lines]
    ends = np.cumsum([len(line) + 1 for line in lines], dtype=int).tolist()
    if len(records) > 1 and records[-1] is None:
        del records[-1]
    bad = [number for number, record in enumerate(records, 1) if record is None] if records else [1]
    if bad and not damaged:
        raise ValueError(
            f"line {bad[0]} of {str(path)!r} is damaged: its checksum does not fit. "
            f"{_way_out(folder)}"
        )
    header = records[0] if records else None
    if header is not None and header["format"] > FORMAT:
        raise ValueError(
            f"{str(path)!r} has format {header['format']}, and this program reads {FORMAT}; use a "
            "newer langevin_sgd"
        )
    final = (
        records.pop()
        if len(records) > 1 and records[-1] is not None and "finished" in records[-1]
        else None
    )
    return Manifest(header, records[1:], final, ends[: len(records)])


def refuse_another_run(folder, manifest, description):
    """Raise a ValueError that lists, line by line, where `description` differs from the one the run
    was begun with.
    """
    there, here = (
        _leaves(manifest.header["description"]),
        _leaves(json.loads(canonical(description))),
    )
    lines = [
        f"  {key}: {there.get(key, '(absent)')} there, {here.get(key, '(absent)')} now"
        for key in [*there, *(key for key in here if key not in there)]
        if there.get(key) != here.get(key)
    ]
    if lines:
        more = (
            [f"  and {len(lines) - SHOWN_DIFFERENCES} more"]
            if len(lines) > SHOWN_DIFFERENCES
            else []
        )
        raise ValueError(
            f"the run in {str(folder)!r} was begun with another description:\n"
            + "\n".join(lines[:SHOWN_DIFFERENCES] + more)
            + "\nCall with the old values, go back to the code it was begun with, or choose a new "
            "folder for the new run."
        )


def canonical(record):
    """JSON text of a record, the same for equal records; numpy numbers and arrays as numbers and
    lists.

    Raises
    ------
    TypeError
        If a value has no JSON form.
    """
    return json.dumps(record, sort_keys=True, default=_plain)


def _plain(value):
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(
        f"a description holds text, numbers, lists and dicts of them; got {value!r} "
        f"({type(value).__name__})"
    )


def _sealed(record):
    text = canonical(record)
    return (
        f'{text[:-1]}, "sha256_of_line": "{hashlib.sha256(text.encode()).hexdigest()}"}}\n'.encode()
    )


def _unsealed(line):
    """The record of a line, or None if it is not what was written."""
    try:
        record = json.loads(line)
        seal = record.pop("sha256_of_line")
    except (
        ValueError,
        KeyError,
        AttributeError,
        TypeError,
    ):  # flipped bits can make any JSON value, or none
        return None
    return record if hashlib.sha256(canonical(record).encode()).hexdigest() == seal else None


def _leaves(value, key=""):
    """A nested record as dotted key -> JSON text."""
    if not isinstance(value, (dict, list)) or not value:
        return {key: json.dumps(value)}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return {
        name: text
        for inner, item in items
        for name, text in _leaves(item, f"{key}.{inner}" if key else str(inner)).items()
    }


def _way_out(folder):
    return (
        f"Put it back from a copy, or read what is left with load({str(folder)!r}, recover=True); "
        "to go on computing, begin again in a new folder"
    )
