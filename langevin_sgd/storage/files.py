"""Datasets to netCDF4 files and back: a file is complete or absent, and reading one never runs code from it.

xarray is handed plain numbers and fixed-width text only. Variable-length and object types are refused in both directions: their
size in memory is not declared in the file, and Python objects do not belong in data.
"""

import importlib
import math
import os
import secrets
from pathlib import Path

import numpy as np
import xarray as xr

ENGINE = "h5netcdf"


def save(dataset, path):
    """Write a dataset to a netCDF4 file, so that a crash at any moment leaves the old file or the new one, never half of one.

    The bytes go to a temporary name in the same folder, are forced to the disk, and only then take the name `path`; last, the
    folder entry itself is forced. A killed process leaves its temporary file, ``.NAME.*.tmp``, which may be deleted. Text
    variables are stored as fixed-width UTF-8 characters.

    Parameters
    ----------
    dataset : xarray.Dataset
        Variables of bool, integer, float or text; attributes of text, numbers, or flat lists of either.
    path : str or path-like
        The file to write, by habit ending in ``.nc``. An existing file is replaced. Its folder must exist.

    Raises
    ------
    TypeError
        For anything but a Dataset, or a variable or attribute that netCDF cannot hold: the message names it and the way out.
    FileNotFoundError
        If the folder of `path` does not exist.
    ImportError
        If h5netcdf or h5py cannot be imported.
    OSError
        If the disk refuses (full, read-only). The old file is then unharmed.
    """
    _import_engine("save")
    _refuse_what_netcdf_cannot_hold(dataset)
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"save: the folder {str(path.parent)!r} of path {str(path)!r} does not exist; create it first")
    # Encodings left by an earlier load would decide the layout of this file: only the data may.
    dataset = dataset.drop_encoding()
    encoding = {name: _encoding(variable.dtype) for name, variable in dataset.variables.items()}
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        dataset.to_netcdf(temporary, engine=ENGINE, format="NETCDF4", encoding=encoding)
        _force_to_disk(temporary, os.O_RDWR)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    if os.name == "posix":  # elsewhere a folder cannot be opened, and the rename is all there is
        _force_to_disk(path.parent, os.O_RDONLY)


def load(path, max_bytes=8 * 2**30):
    """Read a dataset from a netCDF4 file into memory and close the file.

    Parameters
    ----------
    path : str or path-like
        A file on this machine, as `save` writes it or from any other program that keeps to numbers and fixed-width text.
    max_bytes : int
        The largest total size in bytes that the file may declare; 1,400 bytes on disk can declare 8 TiB.

    Returns
    -------
    xarray.Dataset
        With the dims, dtypes, values and attributes that were saved (numbers in attributes come back as numpy scalars or arrays,
        text variables as fixed-width unicode). No times are decoded: units are read as text.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no netCDF4 file, is cut short, declares more than `max_bytes`, or holds a variable that is not plain data:
        an object, variable-length or compound type, or data kept in another file.
    ImportError
        If h5netcdf or h5py cannot be imported.
    """
    _import_engine("load")
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"load: there is no file {str(path)!r}")
    _refuse_what_is_not_plain_data(path, max_bytes)
    dataset = xr.load_dataset(path, engine=ENGINE, decode_times=False)
    text = {name: variable.astype(str) for name, variable in dataset.variables.items() if variable.dtype.kind == "O"}
    return dataset.assign(text).drop_encoding()


def _import_engine(caller):
    """xarray would notice a missing h5py only while writing, at the end of a long run, and not name it."""
    try:
        for module in (ENGINE, "h5py"):
            importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"{caller}: netCDF4 files need h5netcdf and h5py ({error}); pip install h5netcdf h5py") from error


def _encoding(dtype):
    """How one variable is stored; `_FillValue` None keeps xarray from declaring every nan a missing value."""
    if dtype.kind == "U":
        return {"dtype": "S1"}
    return {"_FillValue": None} if dtype.kind == "f" else {}


def _force_to_disk(path, flags):
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_what_netcdf_cannot_hold(dataset):
    if not isinstance(dataset, xr.Dataset):
        raise TypeError(f"save: dataset must be an xarray.Dataset, got {type(dataset).__name__}; a DataArray has .to_dataset()")
    _check_attributes(dataset.attrs, "the dataset")
    for name, variable in dataset.variables.items():
        if variable.dtype.kind not in "biufU":
            raise TypeError(
                f"save: variable {name!r} has dtype {variable.dtype}; netCDF holds bool, integer, float and text. "
                "Store a complex one as two variables, text in an object array with .astype(str)"
            )
        _check_attributes(variable.attrs, f"variable {name!r}")


def _check_attributes(attributes, owner):
    for key, value in attributes.items():
        if not _is_netcdf_attribute(value):
            raise TypeError(
                f"save: attribute {key!r} of {owner} is {value!r} ({type(value).__name__}); netCDF holds text without NUL, "
                "a number of at most 64 bits, or a flat list of either. Store a yes or no as 1 or 0, and anything nested "
                "as text: json.dumps(value)"
            )


def _is_netcdf_attribute(value):
    if isinstance(value, str):
        return "\0" not in value
    if isinstance(value, (list, tuple)) and any(isinstance(item, str) for item in value):
        return all(isinstance(item, str) and "\0" not in item for item in value)
    try:
        array = np.asarray(value)
    except ValueError:  # a ragged list
        return False
    return array.dtype.kind in "iuf" and array.ndim <= 1


def _refuse_what_is_not_plain_data(path, max_bytes):
    """Judge the file by its declarations alone, before any of its data is read."""
    import h5py

    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise ValueError(f"load: {str(path)!r} is not a netCDF4 file, or is cut short ({error})") from error
    declared = 0
    with file:
        for name in file:
            variable = file[name] if isinstance(file.get(name, getlink=True), h5py.HardLink) else None
            if not isinstance(variable, h5py.Dataset) or variable.is_virtual or variable.external:
                raise ValueError(f"load: {name!r} in {str(path)!r} is a group or lies in another file; open it with xarray")
            if variable.dtype.kind not in "biufS":
                raise ValueError(
                    f"load: variable {name!r} in {str(path)!r} has type {variable.dtype}; "
                    "only numbers and fixed-width text are read"
                )
            declared += math.prod(variable.shape) * variable.dtype.itemsize
    if declared > max_bytes:
        raise ValueError(
            f"load: {str(path)!r} declares {declared} bytes, above max_bytes={max_bytes}; "
            "if you trust it, call load with a larger max_bytes"
        )
