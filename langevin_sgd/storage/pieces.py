"""The files of a run folder, one by one: their names, what the manifest records of them, and
whether they still agree with it.
"""

import hashlib
from pathlib import Path

import numpy as np

FINAL = "final.nc"
CONSTANTS = "constants.h5"


def segment_name(number):
    """File name of segment `number`, counted from 1."""
    return f"segment-{number:06d}.nc"


def state_name(number):
    """File name of the state after segment `number`; 0 for the start."""
    return f"state-{number:06d}.h5"


def file_record(path, image):
    """What the manifest says of a file with the bytes `image`."""
    return {
        "name": Path(path).name,
        "bytes": len(image),
        "sha256": hashlib.sha256(image).hexdigest(),
    }


def segment_record(segment):
    """What the manifest says of a segment: its stored steps, and the variables along `step` as
    dims, dtype and shape of one row.

    Raises
    ------
    ValueError
        If `step` is no coordinate of whole numbers, or a variable has it elsewhere than first, or
        is text along it.
    """
    if (
        "step" not in segment.coords
        or segment.step.dims != ("step",)
        or segment.step.dtype.kind not in "iu"
    ):
        raise ValueError(
            "append: segment must have a coordinate 'step' of whole numbers along the dim 'step'"
        )
    along = {
        name: v for name, v in segment.variables.items() if "step" in v.dims and name != "step"
    }
    for name, variable in along.items():
        if variable.dims[0] != "step" or variable.dtype.kind not in "biuf":
            raise ValueError(
                f"append: variable {name!r} must have 'step' as its first dim and hold numbers, "
                f"got the dims {variable.dims} "
                f"and dtype {variable.dtype}; transpose it, or code text as numbers"
            )
    variables = {
        name: [list(v.dims), v.dtype.str, list(v.shape[1:])] for name, v in sorted(along.items())
    }
    return {"steps": _packed(segment.step.values), "variables": variables}


def _packed(steps):
    """Evenly spaced steps, the usual ones, as three numbers, so that a line of the manifest stays
    short.
    """
    strides = np.unique(np.diff(steps))
    if len(steps) == 0 or len(strides) > 1:
        return steps.tolist()
    return {
        "first": int(steps[0]),
        "stride": int(strides[0]) if len(strides) else 1,
        "count": len(steps),
    }


def unpacked(steps):
    """The array of steps that a record tells."""
    if isinstance(steps, list):
        return np.array(steps, dtype=np.int64)
    return steps["first"] + steps["stride"] * np.arange(steps["count"])


def rows(record):
    """Number of steps stored in a segment, by its record."""
    return len(record["steps"]) if isinstance(record["steps"], list) else record["steps"]["count"]


def fault(path, record, deep):
    """What is wrong with a file, in words, or None: missing, another size, or (`deep`, which reads
    it) another SHA-256.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return f"{str(path)!r} is missing"
    if size != record["bytes"]:
        return f"{str(path)!r} has {size} bytes instead of {record['bytes']}: it was cut short or changed"
    if deep:
        with open(path, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != record["sha256"]:
                return f"{str(path)!r} was changed: its SHA-256 is not the one in the manifest"
    return None


def checked_bytes(path, record):
    """The bytes of a file, after a check of their size and SHA-256; raises a ValueError that says
    what is wrong.
    """
    trouble = fault(path, record, deep=False)
    image = path.read_bytes() if trouble is None else b""
    if trouble is None and hashlib.sha256(image).hexdigest() != record["sha256"]:
        trouble = f"{str(path)!r} was changed: its SHA-256 is not the one in the manifest"
    if trouble:
        raise ValueError(f"{trouble}. {way_out(path)}")
    return image


def way_out(path):
    """What to do about a segment, or the final file, that is lost."""
    again = "Resume the run, which makes it again"
    if path.name != FINAL:
        again = (
            "If it is the last one, resume the run, which makes it again. Else put it back from a "
            "copy, or compute it again: the "
            "same run in a new folder, up to there, writes the same bytes"
        )
    return f"{again}; load({str(path.parent)!r}, recover=True) reads the rest"
