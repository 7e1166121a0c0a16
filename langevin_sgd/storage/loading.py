"""Opening results: a file, or the folder of a run, finished or not."""

import importlib.util
import io
import itertools
import json
import math
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from ..arguments import checked, flag, whole, with_coordinates
from ..arguments import path as checked_path
from .content import SEAL, is_whole
from .files import read
from .manifest import Header, Manifest, Segment, read_manifest
from .run_files import (
    FINAL,
    checked_arrays,
    checked_bytes,
    fault,
    faults,
    file_record,
    numbered,
    segment_name,
    segment_record,
    way_out,
)


class _Part(NamedTuple):
    """A segment."""

    path: Path
    line: Segment  # of the manifest


@checked(coordinates=False, path=checked_path, max_bytes=whole(0), recover=flag)
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
        told in a warning and in the attribute ``recovery``. Of a file, read what differs from the
        content that it states.

    Returns
    -------
    xarray.Dataset
        With the dims, dtypes, values and attributes that were saved (numbers in attributes come
        back as numpy scalars or arrays, lists of one as their entry, text variables as fixed-width
        unicode). No times are decoded: units are read as text. A run is concatenated along
        ``step``, with a coordinate along each dimension and the attributes ``finished`` (0 or 1)
        and ``steps_done``; where dask is installed its variables along ``step`` are lazy, a chunk a
        segment. Each segment is compared with its SHA-256 when it is read.

    Raises
    ------
    FileNotFoundError, ImportError
        If there is no such file or folder, or the folder has no manifest; without h5netcdf or h5py.
    ValueError
        If the file is no netCDF4 file, is cut short, declares more than `max_bytes`, or holds a
        variable that is not plain data: an object, variable-length or compound type, or data kept
        in another file. If a segment is missing or changed.

    Warns
    -----
    UserWarning
        If a file does not have the content that it states in its attribute ``content_sha256``.

    Examples
    --------
    >>> well = ls.potentials.double_well(dim=2, barrier=0.25, coupling=0.8)
    >>> noise = ls.noise.gaussian([[10.0, 0.0], [0.0, 3.3]])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.02), noise, particles=500, steps=200, seed=1)
    >>> ls.save(run, "run.nc")
    >>> back = ls.load("run.nc")
    >>> print(back.title, "at a learning rate of", back.learning_rate.item())
    500 particles of sgd on double_well at a learning rate of 0.02
    """
    if path.is_dir():
        return _load_run(path, max_bytes, recover)
    if not path.is_file():
        raise FileNotFoundError(f"load: there is no file {str(path)!r}")
    dataset = read(path, path, max_bytes)
    if not recover and is_whole(dataset) is False:
        warnings.warn(
            f"load: {str(path)!r} does not have the content that its attribute {SEAL} states: it "
            "was damaged, or changed by another program; take it from a copy or make it again. "
            "recover=True reads it without a warning.",
            stacklevel=3,
        )
    return dataset


def _load_run(folder, max_bytes, recover):
    manifest = read_manifest(folder, ["run"], damaged=recover)
    notes = []
    if recover:
        manifest, notes = _salvaged(folder, manifest, max_bytes)
    parts = [_Part(folder / segment_name(line.segment), line) for line in manifest.segments]
    lost = faults(folder, manifest.segments)
    if lost:
        raise ValueError(f"load: {lost[0]}. {way_out(parts[0].path)}")
    variables = _along_step(parts, max_bytes) if parts else {}
    closing = [(path, line.file) for path, line in parts[-1:]]
    if manifest.final:
        closing.append((folder / FINAL, manifest.final))
    attributes = dict(manifest.header.attributes)
    coordinates = []
    for path, record in closing:
        last = read(io.BytesIO(checked_bytes(path, record)), path, max_bytes)
        coordinates += last.coords
        attributes |= last.attrs
        for name, variable in last.variables.items():
            along = "step" in variable.dims
            if along and name not in variables:
                raise ValueError(f"load: {str(path)!r} has {name!r}, its manifest has not")
            values = variables[name] if along else variable.values
            variables[name] = (variable.dims, values, variable.attrs)
    attributes |= {"finished": int(manifest.final is not None), "steps_done": manifest.last.step}
    if not manifest.final and "steps" in attributes:
        attributes["steps"] = manifest.last.step
    if notes:
        warnings.warn(f"load: {str(folder)!r} is not whole: {'; '.join(notes)}", stacklevel=4)
        attributes["recovery"] = json.dumps(notes)
    coordinates = [name for name in coordinates if name in variables]
    return with_coordinates(xr.Dataset(variables, attrs=attributes).set_coords(coordinates))


def _along_step(parts, max_bytes):
    """The variables along `step`, one after the other in time: lazy with dask, else in memory."""
    layout = parts[-1].line.variables
    counts = [line.rows() for _, line in parts]
    steps = np.concatenate([line.stored_steps() for _, line in parts])
    if importlib.util.find_spec("dask") is not None:
        return {"step": steps} | {name: _lazy(parts, name, max_bytes) for name in layout}
    rows = layout.values()
    size = sum(math.prod(row.shape) * np.dtype(row.dtype).itemsize for row in rows) * sum(counts)
    if size > max_bytes:
        raise ValueError(
            f"load: {str(parts[0].path.parent)!r} holds {size} bytes, above max_bytes={max_bytes}; "
            "install dask, which reads it piece by piece, or call load with a larger max_bytes"
        )
    arrays = {name: np.empty((sum(counts), *row.shape), row.dtype) for name, row in layout.items()}
    firsts = itertools.accumulate(counts, initial=0)
    for (path, line), first, count in zip(parts, firsts, counts, strict=False):
        segment = _arrays(path, line, max_bytes)
        for name, array in arrays.items():
            array[first : first + count] = segment[name]
    return {"step": steps} | arrays


def _lazy(parts, name, max_bytes):
    import dask
    import dask.array

    row = parts[-1].line.variables[name]
    piece, dtype, pieces = dask.delayed(_rows_of, pure=True), np.dtype(row.dtype), []
    for path, line in parts:
        if line.rows():
            rows = piece(path, line, name, row.dtype, max_bytes)
            pieces.append(dask.array.from_delayed(rows, (line.rows(), *row.shape), dtype))
    return dask.array.concatenate(pieces) if pieces else np.empty((0, *row.shape), row.dtype)


def _rows_of(path, line, name, dtype, max_bytes):
    return _arrays(path, line, max_bytes)[name].astype(dtype, copy=False)  # netCDF has no bool


def _arrays(path, line, max_bytes):
    """The variables along step of a segment, of the shapes that its line in the manifest says."""
    arrays = checked_arrays(path, line.file, max_bytes)
    for name, row in line.variables.items():
        found, wanted = np.shape(arrays.get(name)), (line.rows(), *row.shape)
        if found != wanted:
            raise ValueError(
                f"load: {name!r} in {str(path)!r} has the shape {found}, and {wanted} in the "
                "manifest"
            )
    return arrays


def _salvaged(folder, manifest, max_bytes):
    """A manifest of what is whole, and what is not, in words. Segments without a line of their own
    count if they can be read."""
    lines, notes = list(manifest.segments), []
    if manifest.header is None:
        notes.append("the first line of the manifest, with description and attributes, is lost")
        found = [number for number, _ in numbered(folder, "segment-*.nc")]
        lines += [None] * (max(found, default=0) - len(lines))
    kept = []
    for number, line in enumerate(lines, 1):
        path = folder / segment_name(number)
        try:
            if line is None:
                line = _unlisted(path, number, max_bytes)
                notes.append(f"{str(path)!r} is read unchecked: its line in the manifest is lost")
            trouble = fault(path, line.file, deep=True)
        except (ValueError, OSError) as error:
            trouble = str(error)
        if trouble:
            notes.append(trouble)
        else:
            kept.append(line)
    final = manifest.final
    trouble = final and fault(folder / FINAL, final, deep=True)
    if trouble:
        final = None
        notes.append(trouble)
    if not kept and final is None:
        raise ValueError(f"load: nothing can be recovered from {str(folder)!r}: {'; '.join(notes)}")
    return Manifest(manifest.header or Header("run", {}, {}), kept, final, []), notes


def _unlisted(path, number, max_bytes):
    """A line made from a segment itself, which was written whole; nothing vouches for its bits."""
    if not path.is_file():
        raise ValueError(f"{str(path)!r} is missing, or no file")
    image = path.read_bytes()
    segment = read(io.BytesIO(image), path, max_bytes)
    steps = segment.step.values
    line = segment_record(segment, number, int(steps[-1]) if len(steps) else 0)
    return line._replace(file=file_record(path, image))
