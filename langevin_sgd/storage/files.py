"""Datasets to netCDF4 files and back: a file is complete or absent, and reading one never runs code
from it.

xarray is handed plain numbers and fixed-width text only. Variable-length and object types are
refused in both directions: their size in memory is not declared in the file, and Python objects do
not belong in data."""

import contextlib
import importlib
import io
import os
import secrets
import warnings
from pathlib import Path

import numpy as np
import xarray as xr

from ..arguments import path as checked_path
from ..arguments import shown
from .content import SEAL, sealed
from .plain_data import clear_errors, is_only_a_dimension, refuse_what_is_not_plain_data

ENGINE = "h5netcdf"
LONGEST_NAME = 255  # bytes
LARGEST_FILE = 2**62  # bytes: what was in memory once
# Attributes that say how something is stored, not what it is.
RESERVED = {"_FillValue", "missing_value", "scale_factor", "add_offset", "_Unsigned", "dtype"}
RESERVED |= {"coordinates", "_Encoding", "CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST"}
RESERVED |= {"_NCProperties", "_Netcdf4Dimid", "_Netcdf4Coordinates", "_nc3_strict"}
NOT_A_COORDINATE = "_nc4_non_coord_"  # what netCDF puts before a name, and takes away again


def save(dataset, path) -> None:
    """Write a dataset to a netCDF4 file, whole or not at all.

    A crash at any moment leaves the old file or the new one, never half of one.

    The bytes go to a temporary name in the same folder, are forced to the disk, and only then take
    the name `path`; last, the folder entry itself is forced. A killed process leaves its temporary
    file, ``.NAME.*.tmp``, which may be deleted. Text variables are stored as fixed-width UTF-8
    characters. Arrays have HDF5's checksums: no reader takes damaged ones for whole. The file is
    first made in memory, which takes its size once more. It states the hash of its content, in the
    attribute ``content_sha256``, only if the dataset has that attribute; it is renewed.

    Parameters
    ----------
    dataset : xarray.Dataset
        Variables of bool, integer, float or text; attributes of text, numbers, or flat lists of
        either.
    path : str or path-like
        The file to write, by habit ending in ``.nc``. An existing file is replaced. Its folder must
        exist.

    Raises
    ------
    TypeError, ValueError
        For anything but a Dataset, or a name, variable or attribute that would not come back from
        the file as it is: the message names it and the way out.
    FileNotFoundError, ImportError
        If the folder of `path` does not exist; if h5netcdf or h5py cannot be imported.
    OSError
        If the disk refuses (full, read-only). The old file is then unharmed.

    Warns
    -----
    UserWarning
        If the run in the dataset was interrupted.

    Examples
    --------
    >>> well = ls.potentials.double_well(dim=2, barrier=0.25, coupling=0.8)
    >>> noise = ls.noise.gaussian([[10.0, 0.0], [0.0, 3.3]])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.02), noise, particles=500, steps=200, seed=1)
    >>> ls.save(run, "run.nc")
    >>> ls.load("run.nc").identical(run)
    True
    """
    _import_engine("save")
    if isinstance(dataset, (str, os.PathLike)) and isinstance(path, (xr.Dataset, xr.DataArray)):
        raise TypeError(
            "save: dataset and path are swapped, write save(dataset, path): got the dataset "
            f"{str(dataset)!r} and the path {type(path).__name__}"
        )
    _refuse_what_netcdf_cannot_hold(dataset)
    path = checked_path(path, "path")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"save: the folder {str(path.parent)!r} of path {str(path)!r} does not exist; create "
            "it first"
        )
    if np.all(dataset.attrs.get("interrupted", 0)):
        warnings.warn(
            f"save: the run in {path.name!r} was interrupted after {dataset.attrs.get('steps')} "
            "steps, and says so in its attribute 'interrupted'.",
            stacklevel=2,
        )
    dataset = dataset.compute()
    image = netcdf_image(sealed(dataset) if SEAL in dataset.attrs else dataset)
    with clear_errors(path, "save"):
        refuse_what_is_not_plain_data(io.BytesIO(image), path, LARGEST_FILE)
    write_whole(path, image)


def netcdf_image(dataset):
    """The bytes of the netCDF4 file of a dataset, which depend on nothing but the dataset and the
    libraries' versions.

    They are made in memory because HDF5 cannot survive a full disk: it fails to close its file, and
    the process dies of a segmentation fault when it ends."""
    import h5netcdf

    _refuse_what_netcdf_cannot_hold(dataset)
    # Encodings left by an earlier load would decide the layout of this file: only the data may.
    dataset = dataset.compute().drop_encoding()
    encoding = {name: _encoding(variable) for name, variable in dataset.variables.items()}
    buffer = io.BytesIO()
    with clear_errors("the dataset", "save"), h5netcdf.File(_timeless_file(buffer), "w") as file:
        dataset.dump_to_store(xr.backends.H5NetCDFStore(file), encoding=encoding)
    return buffer.getbuffer()


def _timeless_file(buffer):
    """A new HDF5 file in memory as h5py makes it, with the order of its variables; without the
    time, which an older h5py adds.
    """
    from h5py import h5f, h5fd, h5p

    creation = h5p.create(h5p.FILE_CREATE)
    access = h5p.create(h5p.FILE_ACCESS)
    order = h5p.CRT_ORDER_TRACKED | h5p.CRT_ORDER_INDEXED
    creation.set_link_creation_order(order)
    creation.set_attr_creation_order(order)
    creation.set_obj_track_times(False)
    access.set_fclose_degree(h5f.CLOSE_STRONG)
    access.set_libver_bounds(h5f.LIBVER_EARLIEST, h5f.LIBVER_LATEST)
    access.set_fileobj_driver(h5fd.fileobj_driver, buffer)
    return h5f.create(b"in memory", h5f.ACC_TRUNC, fcpl=creation, fapl=access)


def write_whole(path, image, replace=True):
    """Give the file `path` the bytes `image`, durably; a crash or a refusal by the disk leaves what
    was there before. Without `replace` a FileExistsError says that something was."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with disk_errors(f"cannot write {str(path)!r}"):
            with open(temporary, "xb", buffering=0) as file:
                write_durably(file, image)
            if replace:
                os.replace(temporary, path)
            else:
                os.link(temporary, path)
            if os.name == "posix":  # elsewhere a folder cannot be opened: the rename is all
                _force_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def disk_errors(what, way_out=""):
    """An OSError meanwhile says what could not be done, why, and perhaps the way out."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, f"{what}: {error.strerror}{way_out}") from error


def is_temporary(path):
    """Whether a file is one that `write_whole` was writing."""
    return path.name.startswith(".") and path.name.endswith(".tmp")


def remove_temporaries(folder):
    """What killed processes were writing; for whoever holds the lock, which says that nobody else
    is writing now."""
    for path in filter(is_temporary, folder.iterdir()):
        path.unlink(missing_ok=True)


def write_durably(file, image):
    """Write all bytes of `image` to an unbuffered file, and return when the disk has them."""
    rest = memoryview(image)
    while rest:
        rest = rest[file.write(rest) :]
    os.fsync(file.fileno())


def read(source, path, max_bytes):
    """The dataset in a netCDF4 file, in memory; `source` is its path or a stream of its bytes,
    `path` its name for messages.

    A ValueError if it is no netCDF4 file, is cut short, declares more than `max_bytes`, or holds a
    variable that is not plain data; an ImportError without h5netcdf or h5py."""
    _import_engine("load")
    if isinstance(source, Path):
        # xarray would take a name that begins with ~ for one in another folder.
        source = source.absolute()
    with clear_errors(path):
        refuse_what_is_not_plain_data(source, path, max_bytes)
        dataset = xr.load_dataset(source, engine=ENGINE, decode_times=False)
        texts = {name: v for name, v in dataset.variables.items() if v.dtype.kind == "O"}
        texts = {name: variable.astype(str) for name, variable in texts.items()}
        return dataset.assign(texts).drop_encoding()


def arrays_image(arrays):
    """The bytes of an HDF5 file of nothing but arrays, name -> numbers of any shape: a tenth of the
    work of a netCDF4 file.
    """
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name in sorted(arrays):
            file[name] = np.asarray(arrays[name])
    return buffer.getbuffer()


def read_arrays(source, path, max_bytes):
    """The arrays in an HDF5 or netCDF4 file as they are stored, without dims and attributes; else
    as `read`.
    """
    import h5py

    with clear_errors(path):
        refuse_what_is_not_plain_data(source, path, max_bytes, netcdf=False)
        with h5py.File(source, "r") as file:
            return {name: file[name][()] for name in file if not is_only_a_dimension(file[name])}


def _import_engine(caller):
    """xarray would notice a missing h5py only while writing, at the end of a long run, and not name
    it.
    """
    try:
        for module in (ENGINE, "h5py"):
            importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{caller}: netCDF4 files need h5netcdf and h5py ({error}); pip install h5netcdf h5py"
        ) from error


def _encoding(variable):
    """How one variable is stored: with HDF5's checksum, so that no reader takes damaged values for
    whole (a single value cannot have one); `_FillValue` None keeps xarray from declaring every nan
    a missing value.
    """
    summed = {"fletcher32": True} if variable.size and variable.ndim else {}
    if variable.dtype.kind == "U":
        return summed | {"dtype": "S1"}
    return summed | {"_FillValue": None} if variable.dtype.kind == "f" else summed


def _force_folder(folder):
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_what_netcdf_cannot_hold(dataset):
    if not isinstance(dataset, xr.Dataset):
        raise TypeError(
            f"save: dataset must be an xarray.Dataset, got {type(dataset).__name__}; a DataArray "
            "has .to_dataset()"
        )
    _check_attributes(dataset.attrs, "the dataset")
    for name in [*dataset.dims, *dataset.variables]:
        _check_name(name, "a coordinate" if name in dataset.coords else "a variable or dim")
    for name, variable in dataset.variables.items():
        kind, width = variable.dtype.kind, variable.dtype.itemsize
        if kind not in "biufU" or (kind == "f" and width not in (4, 8)):
            raise TypeError(
                f"save: variable {name!r} has dtype {variable.dtype}; netCDF holds bool, integer, "
                "float32 or float64, and text. Store a complex one as two variables, others with "
                ".astype(float), text in an object array with .astype(str)"
            )
        if len(set(variable.dims)) < len(variable.dims):
            raise ValueError(
                f"save: variable {name!r} has the dims {variable.dims}, one of them twice; give "
                "each a name of its own with .rename"
            )
        _check_attributes(variable.attrs, f"variable {name!r}")


def _check_name(name, what):
    """HDF5 reads a slash as a folder; netCDF lists coordinates with blanks between."""
    sound = (
        isinstance(name, str) and name.isprintable() and "/" not in name and name not in ("", ".")
    ) and not name.startswith(NOT_A_COORDINATE)
    if not sound or len(name.encode()) > LONGEST_NAME or (what == "a coordinate" and " " in name):
        raise ValueError(
            f"save: {shown(name)} cannot be the name of {what} in a file: write text of at most "
            f"{LONGEST_NAME} bytes without slashes, in coordinates without blanks: 'mean_of_x'"
        )


def _check_attributes(attributes, owner):
    for key, value in attributes.items():
        if not isinstance(key, str) or not key.isprintable() or not key or key in RESERVED:
            raise TypeError(
                f"save: attribute {shown(key)} of {owner} must have a printable name that is no "
                "word of netCDF, which would change values or vanish when it is read"
            )
        if not _is_netcdf_attribute(value):
            raise TypeError(
                f"save: attribute {key!r} of {owner} is {shown(value)} ({type(value).__name__}); "
                "netCDF holds text without NUL, a number of at most 64 bits, or a flat list of "
                "either that is not empty. Store a yes or no as 1 or 0, a numpy.str_ as "
                "str(value), and anything nested as text: json.dumps(value)"
            )


def _is_netcdf_attribute(value):
    if isinstance(value, str):
        return _is_plain_text(value)
    if isinstance(value, (list, tuple)) and any(isinstance(item, str) for item in value):
        return all(isinstance(item, str) and _is_plain_text(item) for item in value)
    try:
        array = np.asarray(value)
    except ValueError:  # a ragged list
        return False
    return (
        array.dtype.kind in "iuf" and array.dtype.itemsize <= 8 and array.ndim <= 1 and array.size
    )


def _is_plain_text(value):
    """Whether UTF-8 can hold it, and HDF5's texts, which end at a NUL and are no numpy.str_."""
    return (
        type(value) is str and "\0" not in value and value == value.encode(errors="ignore").decode()
    )
