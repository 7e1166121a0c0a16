"""A netCDF4 file from anywhere, judged by its declarations before any of its data is read.

What a file unpacks to is bounded by the shapes that it declares: values that are not packed must
lie in the file, byte for byte, and packed ones are unpacked here first, chunk by chunk, to exactly
the size of a chunk. Everything that could point out of the file, run code, or make the HDF5 library
overrun a buffer is refused by its type."""

import contextlib
import itertools
import math
import mmap
import struct
import sys
import threading
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

# Variables of a file, attributes of a variable: looking them up takes the square of their number.
MOST_MEMBERS = 4096
MOST_ATTRIBUTE_BYTES = 64 * 2**20  # in all
MOST_CHUNKS = 100_000  # in all; the library spends 4 kB and 30 microseconds on each
TEXT_IN_MEMORY = 64  # bytes for each stored character: Python text first, then fixed-width unicode
# xarray turns such numbers into float64.
DECODED = {"_FillValue", "missing_value", "scale_factor", "add_offset"}
# How HDF5 ties a variable to its dimensions; never seen as attributes.
LINKS = {"DIMENSION_LIST", "REFERENCE_LIST"}
MOST_TEXTS = 1_000_000  # and lists of variable length, in all
METADATA_MEMORY = 2**31  # bytes that judging a file may take; an honest one takes a few million
READERS_TROUBLE = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError),
    *(OSError, RuntimeError, TypeError),
)
HEAP = b"GCOL\1"
NO_VARIABLE = b"This is a netCDF dimension but not a netCDF variable"
SHUFFLE, GZIP, CHECKSUM = 2, 1, 3  # HDF5's numbers of filters
PACKINGS = [[CHECKSUM], [GZIP], [SHUFFLE, GZIP], [GZIP, CHECKSUM], [SHUFFLE, GZIP, CHECKSUM]]
TRUST = "if you trust it, open it with xarray"
_one_at_a_time = threading.Lock()


class Source(NamedTuple):
    """A file that is judged."""

    source: object  # an absolute path, or a stream of its bytes
    path: object  # its name for messages
    length: int  # in bytes
    max_bytes: int  # that its variables may take in memory

    def refuse_if(self, wrong, why):
        """Raise a ValueError that names the file."""
        if wrong:
            raise ValueError(f"load: {str(self.path)!r} {why}")

    def refuse_larger(self, declared):
        """Refuse what declares more bytes than may be read."""
        self.refuse_if(
            declared > self.max_bytes,
            f"declares {declared} bytes, above max_bytes={self.max_bytes}; if you trust it, call "
            "load with a larger max_bytes",
        )

    def refuse_crowd(self, count, what):
        """Refuse more members than can be looked up."""
        self.refuse_if(count > MOST_MEMBERS, f"has {count} {what}, above {MOST_MEMBERS}; {TRUST}")


@contextlib.contextmanager
def clear_errors(path, caller="load"):
    """Whatever the library trips over, in a damaged or hostile file or in a dataset that does not
    fit into one, becomes one ValueError that names it."""
    try:
        yield
    except (*READERS_TROUBLE, ValueError) as error:
        why = str(error)
        if why.startswith(f"{caller}:") or (caller == "save" and isinstance(error, MemoryError)):
            raise
        if not why.startswith("load:"):
            trouble = "does not fit into a" if caller == "save" else "is damaged, or not a plain"
            why = f"{str(path)!r} {trouble} netCDF4 file ({error!r:.300})"
        raise ValueError(f"{caller}: {why.removeprefix('load: ')}") from error


@contextlib.contextmanager
def _little_memory():
    """On Linux, let this process take METADATA_MEMORY more and nothing above, meanwhile.

    The library believes the length of a text or list before it looks for it: 16 bytes of the file
    could take 32 GiB."""
    if sys.platform != "linux":
        yield
        return
    import resource

    # Of two loads in threads, the second must not take the first one's limit for its own.
    with _one_at_a_time:
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
    """Raise a ValueError, naming the variable or attribute and the way out, unless a file holds
    plain numbers and text only, in at most `max_bytes` bytes of memory.

    `source` is the file, as an absolute `pathlib.Path`, or a BytesIO of its bytes; `path` its name
    for messages; with `netcdf` its variables must have dimensions, as netCDF4's have."""
    import h5netcdf
    import h5py

    try:
        file = h5py.File(source, "r")
    except (OSError, RuntimeError) as error:
        raise ValueError(
            f"load: {str(path)!r} is not a netCDF4 file, or is cut short ({error})"
        ) from error
    with file, _little_memory():
        judged = Source(source, path, 0, max_bytes)
        judged = judged._replace(length=_checked_length(judged, file))
        judged.refuse_crowd(len(file), "variables")
        members = {name: _plain_variable(judged, file, name) for name in file}
        judged.refuse_larger(sum(map(_bytes_in_memory, members.values())))
        judged.refuse_if(
            sum(map(_chunks, members.values())) > MOST_CHUNKS,
            f"is cut into more than {MOST_CHUNKS} chunks; open it with xarray and rewrite it",
        )
        budget = MOST_ATTRIBUTE_BYTES
        for name, owner in {"the file": file, **members}.items():
            budget = _check_stored_attributes(judged, owner, name, budget)
        packed = {
            name: _packed_bytes(judged, v, name) for name, v in members.items() if _filters(v)
        }
        shapes = {name: v.shape for name, v in members.items()}
        plain = {name: v for name, v in members.items() if not is_only_a_dimension(v)}
        stored = sum(packed.get(name, v.size * v.dtype.itemsize) for name, v in plain.items())
    if netcdf:
        # A variable on an unlimited dimension is read at the size of the dimension, whatever its
        # own: only h5netcdf knows it.
        with h5netcdf.File(str(source) if isinstance(source, Path) else source, "r") as file:
            judged.refuse_larger(sum(map(_bytes_in_memory, file.variables.values())))
            stored = 0
            for name, variable in file.variables.items():
                whole = name in packed and variable.shape == shapes[name]
                size = math.prod(variable.shape) * variable.dtype.itemsize
                stored += packed[name] if whole else size
    judged.refuse_if(
        stored > judged.length,
        f"declares {stored} bytes and is only {judged.length} bytes long: a bomb, or values that "
        f"were never written; {TRUST}",
    )


def is_only_a_dimension(variable):
    """Whether it stands for a dimension without a variable: netCDF4 declares its length and stores
    nothing. It is not read."""
    name = variable.attrs.get("NAME", b"")
    return isinstance(name, bytes) and name.startswith(NO_VARIABLE)


def _checked_length(judged, file):
    """Length of the file, after a walk of its heaps of texts: the library would wait for ever
    before a free space of no size."""
    with contextlib.ExitStack() as opened:
        if isinstance(judged.source, Path):
            stream = opened.enter_context(open(judged.source, "rb"))
            content = opened.enter_context(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
        else:
            content = judged.source.getvalue()
        judged.refuse_if(
            file.id.get_create_plist().get_sizes() != (8, 8) or not _heaps_are_sound(content),
            "has a damaged or excessive heap of texts; make it again",
        )
        return len(content)


def _heaps_are_sound(content):
    start = content.find(HEAP)
    seen = 0
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
    sizes = zip(variable.shape, variable.chunks, strict=True)
    return math.prod(-(-size // chunk) for size, chunk in sizes)


def _filters(variable):
    """HDF5's numbers of the filters that its chunks went through."""
    made = variable.id.get_create_plist()
    return [made.get_filter(k)[0] for k in range(made.get_nfilters())]


def _packed_bytes(judged, variable, name):
    """Size of a packed variable in the file, after each of its chunks was unpacked here, to exactly
    the size of a chunk: the library unpacks whatever there is, and a few kB can become more than
    any memory."""
    about = f"has variable {name!r} packed"
    filters = _filters(variable)
    judged.refuse_if(
        filters not in PACKINGS,
        f"{about} by the HDF5 filters {filters}, and only checksums and gzip, shuffled or not, are "
        "read; "
        "convert it with xarray: xarray.load_dataset(path).drop_encoding().to_netcdf(other)",
    )
    size = math.prod(variable.chunks) * variable.dtype.itemsize
    judged.refuse_larger(size)
    total = 0
    steps = (range(0, *each) for each in zip(variable.shape, variable.chunks, strict=True))
    for place in itertools.product(*steps):
        chunk = variable.id.get_chunk_info_by_coord(place)
        there = chunk.byte_offset is not None and chunk.size <= judged.length
        judged.refuse_if(not there or chunk.filter_mask, f"{about}, and a part of it is missing")
        judged.refuse_if(
            _unpacked_size(variable, place, filters, chunk.size, size) != size,
            f"{about}, and a part of it does not unpack to the size that it declares",
        )
        total += chunk.size
    return total


def _unpacked_size(variable, place, filters, stored, most):
    """Bytes of a chunk without its checksum of four; unpacked by gzip, counted no further than
    above `most`, -1 for no gzip stream.
    """
    checksum = 4 * (filters[-1] == CHECKSUM)
    if GZIP not in filters:
        return stored - checksum
    packed = variable.id.read_direct_chunk(place)[1][: stored - checksum]
    stream, size = zlib.decompressobj(), 0
    try:
        while not stream.eof and size <= most:
            piece = stream.decompress(packed, 2**20)
            packed = stream.unconsumed_tail
            size += len(piece)
            if not piece and not stream.eof:
                return -1
    except zlib.error:
        return -1
    return size


def _plain_variable(judged, file, name):
    """The member `name` of the file, if it is a stored array of numbers or fixed-width text."""
    import h5py

    variable = file[name] if isinstance(file.get(name, getlink=True), h5py.HardLink) else None
    where = f"{name!r} in {str(judged.path)!r}"
    if not isinstance(variable, h5py.Dataset) or variable.is_virtual or variable.external:
        raise ValueError(f"load: {where} is a group or lies in another file; open it with xarray")
    try:
        dtype = variable.dtype
    except TypeError as error:
        raise ValueError(f"load: variable {where} has a type that numpy lacks ({error})") from error
    wide = dtype.kind != "S" and dtype.itemsize > 8
    if variable.shape is None or dtype.kind not in "biufS" or wide:
        raise ValueError(
            f"load: variable {where} has type {dtype} and shape {variable.shape}; only numbers and "
            "fixed-width text are read"
        )
    if not _dimension_list_is_sound(variable):
        raise ValueError(
            f"load: variable {where} has a malformed DIMENSION_LIST; the file is damaged or hostile"
        )
    return variable


def _dimension_list_is_sound(variable):
    """HDF5 reads this attribute into a buffer for (ndim,) lists of references, unasked: another
    type would overrun it."""
    import h5py

    if "DIMENSION_LIST" not in variable.attrs:
        return True
    attribute = variable.attrs.get_id("DIMENSION_LIST")
    lists = attribute.get_type()
    sound = isinstance(lists, h5py.h5t.TypeVlenID) and lists.get_super().equal(h5py.h5t.STD_REF_OBJ)
    sound = sound and attribute.shape == (variable.ndim,)
    return sound and all(
        h5py.h5ds.get_num_scales(variable.id, axis) <= 1 for axis in range(variable.ndim)
    )


def _check_stored_attributes(judged, owner, name, budget):
    """Raise unless every attribute of a variable or the file is text, a number, or a flat list of
    either; the budget left.

    Texts are read and counted one by one: a thousand attributes can share one megabyte of the file,
    and become a gigabyte."""
    import h5py

    number_types = h5py.h5t.TypeIntegerID, h5py.h5t.TypeFloatID
    judged.refuse_crowd(len(owner.attrs), f"attributes of {name!r}")
    for key in owner.attrs.keys() - LINKS:
        attribute = owner.attrs.get_id(key)
        kind, space = attribute.get_type(), attribute.get_space()
        count = space.get_simple_extent_npoints()
        is_text = isinstance(kind, h5py.h5t.TypeStringID)
        free_text = is_text and kind.is_variable_str()
        # The library reads these two unasked, into a buffer for one text.
        overruns = key in ("CLASS", "NAME") and (free_text or count != 1)
        plain = is_text or isinstance(kind, number_types)
        if not plain or overruns or space.get_simple_extent_ndims() > 1:
            raise ValueError(
                f"load: attribute {key!r} of {name!r} in {str(judged.path)!r} is not text, a "
                f"number or a flat list of either; {TRUST}"
            )
        if key == "_Encoding" and owner.attrs[key] not in ("utf-8", b"utf-8", "ascii", b"ascii"):
            raise ValueError(
                f"load: variable {name!r} in {str(judged.path)!r} is text in an encoding other "
                "than UTF-8"
            )
        if free_text and count > 1:  # cannot be read in parts, and each may be as long as the file
            judged.refuse_larger(count * judged.length)
        texts = np.ravel(owner.attrs[key]) if free_text and count else []
        budget -= attribute.get_storage_size() + sum(len(str(each).encode()) for each in texts)
        judged.refuse_if(
            budget < 0, f"has attributes that take more than {MOST_ATTRIBUTE_BYTES} bytes"
        )
    return budget
