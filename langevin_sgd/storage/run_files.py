"""The files of a run folder, one by one: their names, what the manifest records of them, and
whether they still agree with it."""

import hashlib
import io

import numpy as np

from .files import read_arrays, write_whole
from .manifest import File, Rows, Segment, Steps

FINAL = "final.nc"
CONSTANTS = "constants.h5"


def segment_name(number):
    """File name of segment `number`, counted from 1."""
    return f"segment-{number:06d}.nc"


def state_name(number):
    """File name of the state after segment `number`; 0 for the start."""
    return f"state-{number:06d}.h5"


def numbered(folder, pattern):
    """(number, path) of the files of a folder that have a number for the * of the pattern."""
    before = len(pattern.partition("*")[0])
    numbers = ((path.stem[before:], path) for path in folder.glob(pattern))
    return [(int(number), path) for number, path in numbers if number.isdecimal()]


def written(path, image):
    """Write a file durably; the `File` of the manifest."""
    write_whole(path, image)
    return file_record(path, image)


def file_record(path, image):
    """What the manifest says of a file with the bytes `image`."""
    return File(path.name, len(image), hashlib.sha256(image).hexdigest())


def segment_record(dataset, number, step):
    """What the manifest says of a segment that is not yet written. A ValueError if `step` is no
    coordinate of whole numbers, or a variable has it elsewhere than first, or is text along it."""
    stored = dataset.variables.get("step")
    if stored is None or stored.dims != ("step",) or stored.dtype.kind not in "iu":
        raise ValueError(
            "append: segment must have a coordinate 'step' of whole numbers along the dim 'step'"
        )
    variables = {}
    for name, variable in sorted(dataset.variables.items()):
        if "step" not in variable.dims or name == "step":
            continue
        if variable.dims[0] != "step" or variable.dtype.kind not in "biuf":
            raise ValueError(
                f"append: variable {name!r} must have 'step' as its first dim and hold numbers, "
                f"got the dims {variable.dims} and dtype {variable.dtype}; transpose it, or code "
                "text as numbers"
            )
        variables[name] = Rows(list(variable.dims), variable.dtype.str, list(variable.shape[1:]))
    return Segment(number, int(step), _packed(stored.values), variables, None, None)


def _packed(steps):
    strides = np.unique(np.diff(steps))
    if len(steps) == 0 or len(strides) > 1:
        return steps.tolist()
    return Steps(int(steps[0]), int(strides[0]) if len(strides) else 1, len(steps))


def fault(path, record, deep):
    """What is wrong with a file, in words, or None: missing, another size, or (`deep`, which reads
    it) another SHA-256."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return f"{str(path)!r} is missing"
    if size != record.bytes:
        return (
            f"{str(path)!r} has {size} bytes instead of {record.bytes}: it was cut short or changed"
        )
    if deep:
        with open(path, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != record.sha256:
                return _changed(path)
    return None


def faults(folder, segments, deep=False):
    """What is wrong with the files of some segments; the last one is read if `deep`."""
    found = (
        fault(folder / segment_name(each.segment), each.file, deep and each is segments[-1])
        for each in segments
    )
    return [trouble for trouble in found if trouble]


def checked_bytes(path, record):
    """The bytes of a file, after a check of their size and SHA-256; a ValueError that says what is
    wrong."""
    trouble = fault(path, record, deep=False)
    image = path.read_bytes() if trouble is None else b""
    if trouble is None and hashlib.sha256(image).hexdigest() != record.sha256:
        trouble = _changed(path)
    if trouble:
        raise ValueError(f"{trouble}. {way_out(path)}")
    return image


def checked_arrays(path, record, max_bytes):
    """The arrays in a file, as `read_arrays`, after the check of `checked_bytes`."""
    return read_arrays(io.BytesIO(checked_bytes(path, record)), path, max_bytes)


def _changed(path):
    return f"{str(path)!r} was changed: its SHA-256 is not the one in the manifest"


def way_out(path):
    """What to do about a segment, or the final file, that is lost."""
    again = "Resume the run, which makes it again"
    if path.name != FINAL:
        again = (
            "If it is the last one, resume the run, which makes it again. Else put it back from a "
            "copy, or compute it again: the same run in a new folder, up to there, writes the same "
            "bytes"
        )
    return f"{again}; load({str(path.parent)!r}, recover=True) reads the rest"
