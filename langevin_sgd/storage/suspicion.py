"""A netCDF4 file from anywhere, judged by its declarations before any of its data is read.

Nothing compressed is read, so a file must hold every byte that it declares: its own length bounds
what it can cost. Everything that could point out of the file, run code, or make the HDF5 library
overrun a buffer is refused by its type."""

import contextlib
import math
import mmap
import struct
import sys
import threading
from pathlib import Path

import numpy as np

# variables of a file, attributes of a variable: looking them up takes the square of their number
MOST_MEMBERS = 4096
MOST_ATTRIBUTE_BYTES = 64 * 2**20  # in all
MOST_CHUNKS = 100_000  # in all; the library spends 4 kB and 30 microseconds on each
TEXT_IN_MEMORY = 64  # bytes for each stored character: Python text first, then fixed-width unicode
DECODED = {
    "_FillValue",
    "missing_value",
    "scale_factor",
    "add_offset",
}  # xarray turns such numbers into float64
LINKS = {
    "DIMENSION_LIST",
    "REFERENCE_LIST",
}  # how HDF5 ties a variable to its dimensions; never seen as attributes
MOST_TEXTS = 1_000_000  # and lists of variable length, in all
METADATA_MEMORY = 2**31  # bytes that judging a file may take; an honest one takes a few million
READERS_TROUBLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
)
HEAP = b"GCOL\1"
NO_VARIABLE = b"This is a netCDF dimension but not a netCDF variable"
_one_at_a_time = threading.Lock()


@contextlib.contextmanager
def clear_errors(path):
    """Whatever the readers of a damaged or hostile file trip over becomes one ValueError that names
    the file.
    """
    try:
        yield
    except (*READERS_TROUBLE, ValueError) as error:
        if str(error).startswith("load:"):
            raise
        raise ValueError(
            f"load: {str(path)!r} is damaged, or not a plain netCDF4 file ({error!r:.300})"
        ) from error


@contextlib.contextmanager
def _little_memory():
    """On Linux, let this process take METADATA_MEMORY more and nothing above, meanwhile.

    The library believes the length of a text or list before it looks for it: 16 bytes of the file
    could take 32 GiB."""
    if sys.platform != "linux":
        yield
        return
    import resource

    with (
        _one_at_a_time
    ):  # of two loads in threads, the second must not take the first one's limit for its own
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        with open("/proc/self/statm") as statm:
            limit = int(statm.read().split()[0]) * resource.getpagesize() + METADATA_MEMORY
        limits = [limit, *(known for known in (soft, hard) if known != resource.RLIM_INFINITY)]
        resource.setrlimit(resource.RLIMIT_AS, (min(limits), hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def refuse_what_is_not_plain_data(source, path, max_bytes, netcdf=True):
    """Raise ValueError unless a file holds plain numbers and text only, in at most `max_bytes`
    bytes of memory.

    Parameters
    ----------
    source : pathlib.Path or io.BytesIO
        The file, as an absolute path, or its bytes.
    path : path-like
        Its name for messages.
    max_bytes : int
        The largest size in bytes that its variables may take in memory.
    netcdf : bool
        Whether its variables must have dimensions, as netCDF4's have.

    Raises
    ------
    ValueError
        Naming the variable or attribute and the way out.
    """
    import h5netcdf
    import h5py

    try:
        file = h5py.File(source, "r")
    except (OSError, RuntimeError) as error:
        raise ValueError(
            f"load: {str(path)!r} is not a netCDF4 file, or is cut short ({error})"
        ) from error
    with file, _little_memory():
        length = _checked_length(source, path, file.id.get_create_plist().get_sizes())
        _refuse_too_many(len(file), "variables", path)
        members = {name: _plain_variable(file, name, path) for name in file}
        _refuse_too_large(sum(map(_bytes_in_memory, members.values())), max_bytes, path)
        if sum(map(_chunks, members.values())) > MOST_CHUNKS:
            raise ValueError(
                f"load: {str(path)!r} is cut into more than {MOST_CHUNKS} chunks; open it with "
                "xarray and rewrite it"
            )
        budget = MOST_ATTRIBUTE_BYTES
        for name, owner in {"the file": file, **members}.items():
            budget = _check_attributes((owner, name, path), budget, (length, max_bytes))
        stored = sum(
            v.size * v.dtype.itemsize for v in members.values() if not is_only_a_dimension(v)
        )
    if netcdf:
        # A variable on an unlimited dimension is read at the size of the dimension, whatever its
        # own: only h5netcdf knows it.
        with h5netcdf.File(str(source) if isinstance(source, Path) else source, "r") as file:
            variables = list(file.variables.values())
            _refuse_too_large(sum(map(_bytes_in_memory, variables)), max_bytes, path)
            stored = sum(
                math.prod(variable.shape) * variable.dtype.itemsize for variable in variables
            )
    if stored > length:
        raise ValueError(
            f"load: {str(path)!r} declares {stored} bytes and is only {length} bytes long: a "
            "bomb, or values that were never "
            "written; if you trust it, open it with xarray"
        )


def is_only_a_dimension(variable):
    """Whether it stands for a dimension without a variable: netCDF4 declares its length and stores
    nothing. It is not read.
    """
    name = variable.attrs.get("NAME", b"")
    return isinstance(name, bytes) and name.startswith(NO_VARIABLE)


def _checked_length(source, path, sizes):
    """Length of the file, after a walk of its heaps of texts: the library would wait for ever
    before a free space of no size.
    """
    with contextlib.ExitStack() as opened:
        if isinstance(source, Path):
            file = opened.enter_context(open(source, "rb"))
            content = opened.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        else:
            content = source.getvalue()
        if sizes != (8, 8) or not _heaps_are_sound(content):
            raise ValueError(
                f"load: {str(path)!r} has a damaged or excessive heap of texts; make it again"
            )
        return len(content)


def _heaps_are_sound(content):
    start, seen = content.find(HEAP), 0
    while start >= 0:
        size = int.from_bytes(content[start + 8 : start + 16], "little")
        place, end = start + 16, start + size
        if not 4096 <= size <= len(content) - start:
            end = start  # the library refuses it, or it is a number
        while place + 16 <= end:
            index, length = struct.unpack_from("<H6xQ", content, place)
            place += 16 + (length + 7) // 8 * 8 if index else length
            seen += 1
            if place > end or (index == 0 and length < 16) or seen > MOST_TEXTS:
                return False
        start = content.find(HEAP, start + 1)
    return True


def _refuse_too_many(count, what, path):
    if count > MOST_MEMBERS:
        raise ValueError(
            f"load: {str(path)!r} has {count} {what}, above {MOST_MEMBERS}; if you trust it, open "
            "it with xarray"
        )


def _refuse_too_large(declared, max_bytes, path):
    if declared > max_bytes:
        raise ValueError(
            f"load: {str(path)!r} declares {declared} bytes, above max_bytes={max_bytes}; "
            "if you trust it, call load with a larger max_bytes"
        )


def _bytes_in_memory(variable):
    """Of a variable of h5py or of h5netcdf, once xarray has decoded it."""
    width = variable.dtype.itemsize
    if variable.dtype.kind == "S":
        width *= TEXT_IN_MEMORY
    elif not DECODED.isdisjoint(variable.attrs):
        width = 8
    return math.prod(variable.shape) * width


def _chunks(variable):
    if variable.chunks is None:
        return 0
    return math.prod(
        -(-size // chunk) for size, chunk in zip(variable.shape, variable.chunks, strict=True)
    )


def _plain_variable(file, name, path):
    """The member `name` of the file, if it is a stored array of numbers or fixed-width text."""
    import h5py

    variable = file[name] if isinstance(file.get(name, getlink=True), h5py.HardLink) else None
    if not isinstance(variable, h5py.Dataset) or variable.is_virtual or variable.external:
        raise ValueError(
            f"load: {name!r} in {str(path)!r} is a group or lies in another file; open it with "
            "xarray"
        )
    try:
        dtype = variable.dtype
    except TypeError as error:
        raise ValueError(
            f"load: variable {name!r} in {str(path)!r} has a type that numpy lacks ({error})"
        ) from error
    if (
        variable.shape is None
        or dtype.kind not in "biufS"
        or (dtype.kind != "S" and dtype.itemsize > 8)
    ):
        raise ValueError(
            f"load: variable {name!r} in {str(path)!r} has type {dtype} and shape "
            f"{variable.shape}; "
            "only numbers and fixed-width text are read"
        )
    if variable.id.get_create_plist().get_nfilters():
        raise ValueError(
            f"load: variable {name!r} in {str(path)!r} is compressed or filtered, and what it "
            "unpacks to cannot be known before; "
            "if you trust it, open it with xarray"
        )
    _check_dimension_list(variable, name, path)
    return variable


def _check_dimension_list(variable, name, path):
    """HDF5 reads this attribute into a buffer for (ndim,) lists of references, unasked: another
    type would overrun it.
    """
    import h5py

    if "DIMENSION_LIST" not in variable.attrs:
        return
    attribute = variable.attrs.get_id("DIMENSION_LIST")
    lists = attribute.get_type()
    sound = isinstance(lists, h5py.h5t.TypeVlenID) and lists.get_super().equal(h5py.h5t.STD_REF_OBJ)
    sound = sound and attribute.shape == (variable.ndim,)
    if not sound or any(
        h5py.h5ds.get_num_scales(variable.id, axis) > 1 for axis in range(variable.ndim)
    ):
        raise ValueError(
            f"load: variable {name!r} in {str(path)!r} has a malformed DIMENSION_LIST; the file "
            "is damaged or hostile"
        )


def _check_attributes(place, budget, limits):
    """Raise unless every attribute of a variable or the file is text, a number, or a flat list of
    either; the budget left.

    Texts are read and counted one by one: a thousand attributes can share one megabyte of the file,
    and become a gigabyte."""
    import h5py

    (owner, name, path), (length, max_bytes) = place, limits
    _refuse_too_many(len(owner.attrs), f"attributes of {name!r}", path)
    for key in owner.attrs.keys() - LINKS:
        attribute = owner.attrs.get_id(key)
        kind, space = attribute.get_type(), attribute.get_space()
        count = space.get_simple_extent_npoints()
        plain = isinstance(
            kind, (h5py.h5t.TypeIntegerID, h5py.h5t.TypeFloatID, h5py.h5t.TypeStringID)
        )
        free_text = isinstance(kind, h5py.h5t.TypeStringID) and kind.is_variable_str()
        # The library reads these two unasked, into a buffer for one text.
        overruns = key in ("CLASS", "NAME") and (free_text or count != 1)
        if not plain or overruns or space.get_simple_extent_ndims() > 1:
            raise ValueError(
                f"load: attribute {key!r} of {name!r} in {str(path)!r} is not text, a number or a "
                "flat list of either; "
                "if you trust it, open it with xarray"
            )
        if key == "_Encoding" and owner.attrs[key] not in ("utf-8", b"utf-8", "ascii", b"ascii"):
            raise ValueError(
                f"load: variable {name!r} in {str(path)!r} is text in an encoding other than UTF-8"
            )
        if free_text and count > 1:  # cannot be read in parts, and each may be as long as the file
            _refuse_too_large(count * length, max_bytes, path)
        texts = np.ravel(owner.attrs[key]) if free_text and count else []
        budget -= attribute.get_storage_size() + sum(len(str(text).encode()) for text in texts)
        if budget < 0:
            raise ValueError(
                f"load: the attributes in {str(path)!r} take more than {MOST_ATTRIBUTE_BYTES} bytes"
            )
    return budget
