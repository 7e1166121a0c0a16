"""The manifest of a folder of results: JSON lines, each with its own SHA-256.

Line 1 says what is computed there, and never changes. In the folder of a run, line k + 1 is that of
segment k, and a last line says that the run is finished; points of a sweep, which many processes
write at once, carry their hash themselves. Adding a line costs the same for the first segment and
the millionth. A line counts once it ends with a newline and carries its checksum, so a last line
that a crash cut short was never written.

This is version 2. Version 1 is read: runs had the same lines, sweeps a ``manifest.json``."""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..arguments import choice, instance, integer, one_of, optional, text, whole, word
from .files import disk_errors, write_durably, write_whole

NAME = "manifest.jsonl"
NAME_OF_SWEEPS_1 = "manifest.json"
VERSION = 2
KINDS = "run", "sweep", "study"
SHOWN_DIFFERENCES = 20
CODE = "code.", "source."  # what differs in the files of the program, one hash each
PROGRAM = "langevin_sgd_version", "git_commit"
MOST_BYTES = 2**28  # of a manifest: some 400,000 segments
STORED_STEP = 8  # bytes of a segment that each of its steps takes


class File(NamedTuple):
    """What a manifest says of a file."""

    name: str
    bytes: int
    sha256: str


class Header(NamedTuple):
    """Line 1; the last three are those of a run."""

    kind: str
    description: dict  # what decides the numbers
    attributes: dict  # those of the dataset
    step: int = 0  # steps done at the start
    state: File | None = None  # of the start
    constants: File | None = None
    schema_version: int = VERSION


class Steps(NamedTuple):
    """Evenly spaced steps as three numbers, so that a line stays short."""

    first: int
    stride: int
    count: int  # type: ignore[assignment]  # no tuple to count in


class Rows(NamedTuple):
    """One variable of a segment along `step`: its dims, and dtype and shape of one row."""

    dims: list
    dtype: str
    shape: list


class Segment(NamedTuple):
    """The line of a segment."""

    segment: int  # counted from 1
    step: int  # steps done at its end
    steps: list  # that are stored: numbers, or `Steps`
    variables: dict  # name -> Rows
    file: File | None
    state: File | None  # from which the next one follows

    def stored_steps(self):
        """The array of the steps that are stored."""
        if isinstance(self.steps, list):
            return np.array(self.steps, dtype=np.int64)
        return self.steps.first + self.steps.stride * np.arange(self.steps.count)

    def rows(self):
        """Number of the steps that are stored."""
        return len(self.steps) if isinstance(self.steps, list) else self.steps.count


class Final(NamedTuple):
    """The last line of a finished run."""

    finished: int
    file: File


class Manifest(NamedTuple):
    """What a manifest says."""

    header: Header | None  # None where it is damaged, as a segment's line is
    segments: list
    final: File | None  # of a finished run
    ends: list  # length of the file in bytes with k segments; what follows may be overwritten

    @property
    def last(self):
        """The last point that is safe, with `step` and `state`: a segment, or the start."""
        return self.segments[-1] if self.segments else self.header


def begin_manifest(folder, header, replace=True):
    """Write line 1, durably and at once; the Manifest. A FileExistsError if there is one, and it
    may not `replace` it: another process came first."""
    line = _sealed(header)
    write_whole(Path(folder) / NAME, line, replace)
    return Manifest(_record(Header, json.loads(line)), [], None, [len(line)])


def add_line(folder, record, length):
    """Write `record` durably behind the first `length` bytes, over whatever a crash left there; the
    new length."""
    path = Path(folder) / NAME
    line = _sealed(record)
    with disk_errors(f"cannot write {str(path)!r}"), open(path, "r+b", buffering=0) as file:
        file.truncate(length)
        file.seek(length)
        write_durably(file, line)
    return length + len(line)


def read_manifest(folder, kinds=KINDS, damaged=False):
    """Read and check the manifest of a folder, which may hold one of `kinds`; of a `damaged` one
    what is left, instead of refusing it.

    A FileNotFoundError if there is none; a ValueError if a line other than the last fails its
    checksum or is malformed, the version is newer than this program, or the folder holds something
    else."""
    folder = Path(folder)
    path = folder / NAME
    if not path.exists() and (folder / NAME_OF_SWEEPS_1).is_file():
        return _of_another_kind(folder, _sweep_1(folder / NAME_OF_SWEEPS_1), kinds)
    if not path.is_file():  # a pipe would never end
        if damaged:
            return Manifest(None, [], None, [])
        if folder.is_file():
            raise NotADirectoryError(
                f"{str(folder)!r} is a file, and there must be a folder. A run that was saved goes "
                f"on by extend(load({str(folder)!r}), steps)."
            )
        raise FileNotFoundError(f"there is no manifest {str(path)!r}. {_way_out(folder)}")
    # What follows the last newline was never finished.
    lines = _content(path).split(b"\n")[:-1]
    records = [_unsealed(line) for line in lines]
    ends = np.cumsum([len(line) + 1 for line in lines], dtype=int).tolist()
    if len(records) > 1 and records[-1] is None:
        del records[-1]
    parsed = []
    for number, line in enumerate(records or [None], 1):
        kind: type = Header if number == 1 else Segment
        if number == len(records) > 1 and line is not None and "finished" in line:
            kind = Final
        try:
            parsed.append(_record(kind, line))
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            # A seal tells of damage, not of who wrote what it seals.
            why = f"is malformed ({error!r:.200})"
            if line is None:
                why = "is damaged: its checksum does not fit"
            if not damaged:
                raise ValueError(
                    f"line {number} of {str(path)!r} {why}. {_way_out(folder)}"
                ) from error
            parsed.append(None)
    header, *segments = parsed
    final = segments.pop().file if kind is Final and segments[-1] else None
    if header is not None and header.schema_version > VERSION:
        raise ValueError(
            f"{str(path)!r} has version {header.schema_version}, and this program reads {VERSION}; "
            "use a newer langevin_sgd"
        )
    manifest = Manifest(header, segments, final, ends[: 1 + len(segments)])
    return _of_another_kind(folder, manifest, kinds)


def _content(path):
    """The bytes of a manifest; a ValueError for a link, which would be written through, and for
    what is too large to be one."""
    if path.is_symlink():
        raise ValueError(f"{str(path)!r} is a link, and may lead anywhere: put the file there.")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ValueError(
            f"{str(path)!r} holds {size} bytes, and no manifest holds more than {MOST_BYTES}: it "
            "is another file."
        )
    return path.read_bytes()


def _of_another_kind(folder, manifest, kinds):
    """The manifest, if the folder holds what is wanted."""
    header = manifest.header
    if header is not None and header.kind not in kinds:
        ways = {
            "run": f"load({str(folder)!r}) reads it",
            "sweep": "the call that began it goes on with it, and "
            f"langevin_sgd.merge({str(folder)!r}) gathers it",
            "study": "python -m langevin_sgd merge OUT STUDY puts it together",
        }
        raise ValueError(
            f"{str(folder)!r} holds a {header.kind}, not a {' or '.join(kinds)}: "
            f"{ways[header.kind]}."
        )
    return manifest


def refuse_another(folder, header, description):
    """Raise a ValueError that lists, line by line, where `description` differs from the one that
    the folder was begun with."""
    there = _leaves(header.description)
    here = _leaves(json.loads(canonical(description)))
    differ = [key for key in there | here if there.get(key) != here.get(key)]
    if not differ:
        return
    code = [key for key in differ if key.startswith(CODE)]
    lines = [
        f"  {key}: {_short(there.get(key))} there, {_short(here.get(key))} now"
        for key in differ
        if key not in code
    ]
    rest = len(lines) - SHOWN_DIFFERENCES
    more = [f"  and {rest} more"] if rest > 0 else []
    if code:
        version, commit = (header.attributes.get(key, "not told") for key in PROGRAM)
        files = f"  files of code: {len(code)}, such as {code[0].partition('.')[2]}"
        more.append(f"{files}; begun by langevin_sgd {version}, commit {str(commit)[:12]}")
    raise ValueError(
        f"the {header.kind} in {str(folder)!r} was begun with another description:\n"
        + "\n".join(lines[:SHOWN_DIFFERENCES] + more)
        + "\nCall with the old values, go back to the code it was begun with, or choose a new "
        f"folder for the new {header.kind}."
    )


# ---- lines and records ---------------------------------------------------------------------------


def canonical(record):
    """JSON text of a record in its own order; numpy numbers and arrays as numbers and lists. A
    TypeError if a value has no JSON form."""
    return json.dumps(_as_dicts(record), default=_plain)


def _as_dicts(value):
    """Named tuples as dicts: JSON would make lists of them."""
    value = value._asdict() if hasattr(value, "_asdict") else value
    if isinstance(value, dict):
        return {name: _as_dicts(each) for name, each in value.items()}
    return [_as_dicts(each) for each in value] if isinstance(value, (list, tuple)) else value


def _plain(value):
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(
        f"a description holds text, numbers, lists and dicts of them; got {value!r} "
        f"({type(value).__name__})"
    )


def _sealed(record):
    line = canonical(record)
    seal = hashlib.sha256(line.encode()).hexdigest()
    return f'{line[:-1]}, "sha256_of_line": "{seal}"}}\n'.encode()


def _unsealed(line):
    """The record of a line, or None if it is not what was written."""
    try:
        record = json.loads(line)
        seal = record.pop("sha256_of_line")
        whole = hashlib.sha256(canonical(record).encode()).hexdigest() == seal
    # Flipped bits can make any JSON value, or none.
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError):
        return None
    return record if whole else None


def _record(kind, line):
    """A named tuple of a dict, each field checked; what it has a default for may be missing."""
    if kind is Header and "format" in line:  # of a run of version 1
        line = line | {"kind": "run", "schema_version": line["format"]}
    names = [name for name in kind._fields if name in line or name not in kind._field_defaults]
    record = kind(**{name: CHECKS[name](line[name], name) for name in names})
    if kind is Segment or getattr(record, "kind", None) == "run":
        _of(File)(line["state"], "state")
    if kind is Segment:
        most = 1 + record.file.bytes // STORED_STEP
        integer(record.rows(), "number of stored steps", 0, most)
    return record


def _sweep_1(path):
    """The manifest of a folder of points of version 1."""
    content = _content(path)
    try:
        line = json.loads(content)
        kind = "sweep" if "grid" in line["plan"] else "study"
        line = {"description": line["plan"], "attributes": line["begun"], "schema_version": 1}
        return Manifest(_record(Header, line | {"kind": kind}), [], None, [])
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ValueError(
            f"{str(path)!r} is damaged ({error}); restore it from a copy: the points are not lost."
        ) from error


def _of(kind):
    return lambda value, name: _record(kind, instance(value, name, dict, "a dict"))


def _list_of(check):
    return lambda value, name: [check(item, name) for item in instance(value, name, list, "a list")]


def _dict(value, name):
    return instance(value, name, dict, "a dict")


def _steps(value, name):
    return (_of(Steps) if isinstance(value, dict) else _list_of(whole(0)))(value, name)


def _swept_variables(value, name):
    """Name -> Rows; a row of version 1 is a list."""
    rows = {
        key: dict(zip(Rows._fields, row, strict=True)) if isinstance(row, list) else row
        for key, row in _dict(value, name).items()
    }
    return {key: _of(Rows)(row, key) for key, row in rows.items()}


def _dtype(value, name):
    return choice(np.dtype(value).kind, name, "biuf") and value


CHECKS = {
    "kind": one_of(*KINDS),
    "dims": _list_of(word),
    "dtype": _dtype,
    "shape": _list_of(whole(0)),
    "steps": _steps,
    "variables": _swept_variables,
    "file": _of(File),
}
CHECKS |= dict.fromkeys(("description", "attributes"), _dict)
CHECKS |= dict.fromkeys(("step", "bytes", "first", "stride", "count"), whole(0))
CHECKS |= dict.fromkeys(("schema_version", "segment", "finished"), whole(1))
CHECKS |= dict.fromkeys(("state", "constants"), optional(_of(File)))
CHECKS |= dict.fromkeys(("name", "sha256"), text)


def _leaves(value, key=""):
    """A nested record as dotted key -> JSON text."""
    if not isinstance(value, (dict, list)) or not value:
        return {key: json.dumps(value)}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return {
        name: leaf
        for inner, item in items
        for name, leaf in _leaves(item, f"{key}.{inner}" if key else str(inner)).items()
    }


def _short(leaf):
    leaf = leaf or "(absent)"
    return leaf if len(leaf) <= 100 else f"{leaf[:60]} ... {leaf[-30:]}"


def _way_out(folder):
    return (
        f"Put it back from a copy, or read what is left with load({str(folder)!r}, "
        "recover=True); to go on computing, begin again in a new folder"
    )
