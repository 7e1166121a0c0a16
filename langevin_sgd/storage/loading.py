"""Opening results: a file, or the folder of a run, finished or not."""

import importlib.util
import io
import itertools
import json
import math
import warnings
from pathlib import Path

import numpy as np
import xarray as xr

from .files import read, read_arrays
from .manifest import Manifest, read_manifest
from .pieces import (
    FINAL,
    checked_bytes,
    fault,
    file_record,
    rows,
    segment_name,
    segment_record,
    unpacked,
    way_out,
)


def load(path, max_bytes=8 * 2**30, recover=False):
    """Read a dataset from a netCDF4 file, or from the folder of a run that `simulate` checkpoints.

    Parameters
    ----------
    path : str or path-like
        A file, as `save` writes it or from any other program that keeps to numbers and fixed-width
        text; or a run folder.
    max_bytes : int
        The largest total size in bytes that is read into memory; 1,400 bytes on disk can declare 8
        TiB.
    recover : bool
        Of a damaged run folder, read what is whole. What is left out, or could not be checked, is
        told in a warning and in the attribute ``recovery``.

    Returns
    -------
    xarray.Dataset
        With the dims, dtypes, values and attributes that were saved (numbers in attributes come
        back as numpy scalars or arrays, text variables as fixed-width unicode). No times are
        decoded: units are read as text. A run is concatenated along ``step``, with the attributes
        ``finished`` (0 or 1) and ``steps_done``; where dask is installed its variables along
        ``step`` are lazy, a chunk a segment. Each segment is compared with its SHA-256 when it is
        read.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder, or the folder has no manifest.
    ValueError
        If the file is no netCDF4 file, is cut short, declares more than `max_bytes`, or holds a
        variable that is not plain data: an object, variable-length or compound type, or data kept
        in another file. If a segment is missing or changed.
    ImportError
        If h5netcdf or h5py cannot be imported.
    """
    path = Path(path)
    if path.is_dir():
        return _load_run(path, max_bytes, recover)
    if not path.is_file():
        raise FileNotFoundError(f"load: there is no file {str(path)!r}")
    return read(path, path, max_bytes)


def _load_run(folder, max_bytes, recover):
    manifest, notes = read_manifest(folder, damaged=recover), []
    if recover:
        manifest, notes = _salvaged(folder, manifest, max_bytes)
    parts = [(folder / segment_name(record["segment"]), record) for record in manifest.segments]
    for path, record in parts:
        trouble = fault(path, record["file"], deep=False)
        if trouble:
            raise ValueError(f"load: {trouble}. {way_out(path)}")
    variables = _along_step(parts, max_bytes) if parts else {}
    closing = [parts[-1]] if parts else []
    closing += [(folder / FINAL, manifest.final)] if manifest.final else []
    attributes = dict(manifest.header["attributes"])
    coordinates = []
    for path, record in closing:
        last = _read_checked(path, record, max_bytes)
        coordinates += last.coords
        attributes |= last.attrs
        variables |= {name: v for name, v in last.variables.items() if "step" not in v.dims}
        variables |= {
            name: (v.dims, variables[name], v.attrs)
            for name, v in last.variables.items()
            if "step" in v.dims
        }
    done = manifest.segments[-1]["step"] if parts else manifest.header["step"]
    attributes |= {"finished": int(manifest.final is not None), "steps_done": done}
    if notes:
        warnings.warn(f"load: {str(folder)!r} is not whole: {'; '.join(notes)}", stacklevel=3)
        attributes["recovery"] = json.dumps(notes)
    return xr.Dataset(variables, attrs=attributes).set_coords(
        [name for name in coordinates if name in variables]
    )


def _along_step(parts, max_bytes):
    """The variables along `step`, one after the other in time: lazy with dask, else in memory."""
    layout = parts[-1][1]["variables"]
    counts = [rows(record) for _, record in parts]
    steps = np.concatenate([unpacked(record["steps"]) for _, record in parts])
    if importlib.util.find_spec("dask") is not None:
        return {"step": steps} | {name: _lazy(parts, counts, name, max_bytes) for name in layout}
    size = sum(
        math.prod(shape) * np.dtype(dtype).itemsize for _, dtype, shape in layout.values()
    ) * sum(counts)
    if size > max_bytes:
        raise ValueError(
            f"load: {str(parts[0][0].parent)!r} holds {size} bytes, above max_bytes={max_bytes}; "
            "install dask, which reads it "
            "piece by piece, or call load with a larger max_bytes"
        )
    arrays = {
        name: np.empty((sum(counts), *shape), dtype) for name, (_, dtype, shape) in layout.items()
    }
    for (path, record), first, count in zip(
        parts, itertools.accumulate(counts, initial=0), counts, strict=False
    ):
        segment = _arrays_checked(path, record, max_bytes)
        for name, array in arrays.items():
            array[first : first + count] = segment[name]
    return {"step": steps} | arrays


def _lazy(parts, counts, name, max_bytes):
    import dask
    import dask.array

    _, dtype, shape = parts[-1][1]["variables"][name]
    piece = dask.delayed(_rows_of, pure=True)
    pieces = [
        dask.array.from_delayed(
            piece(path, record, name, max_bytes), (count, *shape), np.dtype(dtype)
        )
        for (path, record), count in zip(parts, counts, strict=True)
        if count
    ]
    return dask.array.concatenate(pieces) if pieces else np.empty((0, *shape), dtype)


def _rows_of(path, record, name, max_bytes):
    dtype = record["variables"][name][1]  # netCDF has no bool
    return _arrays_checked(path, record, max_bytes)[name].astype(dtype, copy=False)


def _arrays_checked(path, record, max_bytes):
    return read_arrays(io.BytesIO(checked_bytes(path, record["file"])), path, max_bytes)


def _read_checked(path, record, max_bytes):
    return read(io.BytesIO(checked_bytes(path, record["file"])), path, max_bytes)


def _salvaged(folder, manifest, max_bytes):
    """A manifest of what is whole, and what is not, in words. Segments without a line of their own
    count if they can be read.
    """
    records, notes = list(manifest.segments), []
    if manifest.header is None:
        notes.append("the first line of the manifest, with description and attributes, is lost")
        found = (int(p.stem[8:]) for p in folder.glob("segment-*.nc") if p.stem[8:].isdigit())
        records += [None] * (max(found, default=0) - len(records))
    whole = []
    for number, record in enumerate(records, 1):
        path = folder / segment_name(number)
        try:
            if record is None:
                record = _unlisted(path, number, max_bytes)
                notes.append(f"{str(path)!r} is read unchecked: its line in the manifest is lost")
            trouble = fault(path, record["file"], deep=True)
        except (ValueError, OSError) as error:
            trouble = str(error)
        if trouble:
            notes.append(trouble)
        else:
            whole.append(record)
    final = manifest.final
    trouble = final and fault(folder / FINAL, final["file"], deep=True)
    if trouble:
        final, notes = None, [*notes, trouble]
    if not whole and final is None:
        raise ValueError(f"load: nothing can be recovered from {str(folder)!r}: {'; '.join(notes)}")
    header = manifest.header or {"attributes": {}, "step": 0}
    return Manifest(header, whole, final, []), notes


def _unlisted(path, number, max_bytes):
    """A record made from a segment itself, which was written whole; nothing vouches for its bits."""
    image = path.read_bytes()
    segment = read(io.BytesIO(image), path, max_bytes)
    steps = segment.step.values
    done = {"segment": number, "step": int(steps[-1]) if len(steps) else 0}
    return {**done, **segment_record(segment), "file": file_record(path, image)}
