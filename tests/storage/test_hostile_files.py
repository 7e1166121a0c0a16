"""Files that were made to harm whoever opens them: each is refused in plain words, before it can
cost memory, time or trust.
"""

import os
import zlib

import h5py
import numpy as np
import pytest
import xarray as xr
from hostile_parts import refused, text_references, vector

from langevin_sgd.storage import load, save


@pytest.fixture
def path(tmp_path):
    return tmp_path / "hostile.nc"


def test_a_plain_file_made_the_same_way_is_read(path):
    """The twin of everything below: what is refused there is refused for its offence."""
    with h5py.File(path, "w") as file:
        vector(file, "x", np.arange(8, dtype="i1"), chunks=(4,)).attrs["words"] = ["a", "bc"]
    assert load(path).x.dims == ("d",) and load(path).x.attrs["words"] == ["a", "bc"]


PACKED = [{}, {"shuffle": True}, {"fletcher32": True}, {"shuffle": True, "fletcher32": True}]


@pytest.mark.parametrize("options", PACKED, ids=str)
def test_values_packed_by_gzip_are_read(path, options):
    values = np.round(np.random.default_rng(0).normal(size=5000), 1)
    with h5py.File(path, "w") as file:
        vector(file, "x", values, chunks=(999,), compression="gzip", **options)
        vector(file, "zeros", np.zeros(10**5), dimension="e", chunks=(10**4,), compression="gzip")
        assert file["zeros"].id.get_storage_size() < 10**4
    np.testing.assert_array_equal(load(path).x, values)
    assert not load(path).zeros.any()
    refused("declares .* bytes, above max_bytes=1000000", path, max_bytes=10**6)


def test_values_with_checksums_alone_are_read_and_parts_of_another_size_refused(path):
    with h5py.File(path, "w") as file:
        vector(file, "x", np.arange(5000), chunks=(999,), fletcher32=True)
    np.testing.assert_array_equal(load(path).x, np.arange(5000))
    with h5py.File(path, "r+") as file:
        file["x"].id.write_direct_chunk((999,), b"12345678")
    refused("a part of it does not unpack to the size that it declares", path)


@pytest.mark.parametrize("packing", [{"compression": "lzf"}, {"shuffle": True}, "twice"], ids=str)
def test_values_packed_otherwise_are_refused_with_the_way_out(path, packing):
    with h5py.File(path, "w") as file:
        if packing == "twice":
            chunks = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            chunks.set_chunk((100,))
            chunks.set_deflate(9)
            chunks.set_deflate(9)
            space = h5py.h5s.create_simple((100,))
            h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_DOUBLE, space, chunks)
        else:
            vector(file, "x", np.zeros(10_000), chunks=(10_000,), **packing)
    refused(r"variable 'x' packed by the HDF5 filters \[.*to_netcdf", path)


def packed_file(path, chunks):
    """A file of two chunks of 1000 zeros, as gzip packs them, with these streams in their place."""
    with h5py.File(path, "w") as file:
        x = vector(file, "x", shape=(2000,), dtype="f8", chunks=(1000,), compression="gzip")
        for place, stream in enumerate(chunks):
            x.id.write_direct_chunk((1000 * place,), stream)


SOUND = zlib.compress(bytes(8000))
BOMBS = {
    "larger than its chunk": zlib.compress(bytes(8001)),
    "a thousand times larger": zlib.compress(bytes(8 * 10**6)),
    "smaller": zlib.compress(bytes(7999)),
    "cut short": SOUND[:-6],
    "no stream": b"\0" * 50,
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_stream_that_unpacks_to_another_size_than_declared_is_refused(path, kind):
    """HDF5 would unpack whatever is there: 8 kB, deflated, can become more than any memory."""
    packed_file(path, [SOUND, SOUND])
    assert not load(path).x.any()
    packed_file(path, [SOUND, BOMBS[kind]])
    refused("packed, and a part of it does not unpack to the size", path)
    packed_file(path, [SOUND])
    refused("variable 'x' packed, and a part of it is missing", path)


NOISE = np.frombuffer(np.random.default_rng(0).bytes(1000), "u1")


@pytest.mark.parametrize(("values", "packing"), [(NOISE, "gzip"), (np.zeros(1000), None)])
def test_one_array_under_many_names_is_refused(path, values, packing):
    with h5py.File(path, "w") as file:
        vector(file, "x", values, compression=packing)
        for k in range(100):
            file[f"again_{k}"] = file["x"]
    refused("declares .* bytes and is only", path)


def test_values_that_were_never_written_are_refused(path):
    with h5py.File(path, "w") as file:
        vector(file, "x", dimension="x_dim", shape=(8,), dtype="f8")
        wide = file.create_dataset("wide", shape=(10**6,), dtype="f8")
        wide.make_scale("wide")
    refused("declares 8000128 bytes and is only .* bytes long", path)


def test_a_short_variable_on_a_huge_unlimited_dimension_is_refused(path):
    """It is read at the length of the dimension: 8 GiB from a declared byte."""
    with h5py.File(path, "w") as file:
        layout = {"maxshape": (None,), "chunks": (2**20,), "dtype": "u1"}
        scale = file.create_dataset("d", shape=(2**30,), **layout)
        scale.make_scale("This is a netCDF dimension but not a netCDF variable.         1")
        x = file.create_dataset("x", shape=(1,), maxshape=(None,), chunks=(1,), dtype="f8")
        x.dims[0].attach_scale(scale)
    assert path.stat().st_size < 20_000
    refused(rf"declares {2**33} bytes and is only", path)
    refused(rf"declares {2**33} bytes, above max_bytes={2**32}", path, max_bytes=2**32)


def test_a_million_tiny_chunks_are_refused(path):
    """They would take 4 GB and half a minute."""
    with h5py.File(path, "w") as file:
        file.create_dataset("x", shape=(10**6,), chunks=(1,), dtype="u1")
    refused("is cut into more than 100000 chunks", path)


def test_sizes_are_those_after_decoding(path):
    """xarray makes float64 of scaled bytes, and Python text of characters."""
    with h5py.File(path, "w") as file:
        vector(file, "x", np.zeros(100, "i1"), dimension="d").attrs["scale_factor"] = 0.5
        vector(file, "text", np.array([b"a"] * 100), dimension="d")
    assert load(path, max_bytes=8000).sizes == {"d": 100}
    refused("declares 8000 bytes, above max_bytes=7999", path, max_bytes=7999)


@pytest.mark.parametrize("what", ["variables", "attributes"])
def test_a_crowd_of_names_is_refused(path, what):
    with h5py.File(path, "w", track_order=True) as file:
        for k in range(5000):
            if what == "variables":
                file.create_dataset(f"x{k}", data=np.int8(0))
            else:
                file.attrs[f"x{k}"] = 0
    refused(f"has 500. {what}.*, above 4096", path)


ODD_ATTRIBUTES = {
    "reference": lambda file: file["x"].ref,
    "compound": lambda file: np.zeros(1, dtype=[("a", "f8"), ("b", "i4")]),
    "list of references": lambda file: np.array([file["x"].ref] * 2, dtype=h5py.ref_dtype),
    "matrix": lambda file: np.zeros((2, 2)),
    "opaque": lambda file: np.void(b"cos\nsystem\n(S'ls'\ntR."),
    "enumeration": lambda file: np.bool_(True),
    "complex": lambda file: 1j,
}


@pytest.mark.parametrize("kind", ODD_ATTRIBUTES)
def test_attributes_that_are_not_plain_are_refused(path, kind):
    with h5py.File(path, "w") as file:
        variable = vector(file, "x", np.zeros(4))
        variable.attrs["culprit"] = ODD_ATTRIBUTES[kind](file)
    plain = "is not text, a number or a flat list of either"
    refused(f"load: attribute 'culprit' of 'x' in .* {plain}", path)


@pytest.mark.parametrize("as_list", [True, False])
def test_texts_that_share_their_bytes_are_refused(path, as_list):
    """A reference to a text takes 16 bytes of a file, and a hundred of them may name the same
    megabyte.
    """
    with h5py.File(path, "w", libver="earliest") as file:
        texts = ["x" * 2**20] + [f"{k:09d}" for k in range(100)]
        if as_list:
            file.attrs["texts"] = texts
        else:
            for k, text in enumerate(texts):
                file.attrs.create(f"text{k:04d}", text)
    content = bytearray(path.read_bytes())
    (megabyte,) = text_references(content, 2**20)
    for place in text_references(content, 9):
        content[place : place + 16] = content[megabyte : megabyte + 16]
    assert len(text_references(content, 2**20)) == 101
    path.write_bytes(content)
    wanted = "has attributes that take more than 67108864 bytes"
    if as_list:
        wanted = "declares .* bytes, above max_bytes=50000000"
    refused(wanted, path, max_bytes=50_000_000)


@pytest.mark.parametrize("kind", ["numbers", "lists of numbers", "references", "too many lists"])
def test_a_dimension_list_that_would_overrun_the_librarys_buffer_is_refused(path, kind):
    with h5py.File(path, "w") as file:
        variable = vector(file, "x", np.zeros(4))
        reference = file["d"].ref
        del variable.attrs["DIMENSION_LIST"]
        if kind == "numbers":
            variable.attrs["DIMENSION_LIST"] = np.zeros(1000)
        elif kind == "references":
            variable.attrs["DIMENSION_LIST"] = np.array([reference] * 2, dtype=h5py.ref_dtype)
        else:
            element = h5py.h5t.NATIVE_DOUBLE if kind == "lists of numbers" else h5py.h5t.STD_REF_OBJ
            space = h5py.h5s.create_simple((1 if kind == "lists of numbers" else 500,))
            h5py.h5a.create(variable.id, b"DIMENSION_LIST", h5py.h5t.vlen_create(element), space)
    refused("load: variable 'x' in .* has a malformed DIMENSION_LIST", path)


@pytest.mark.parametrize("key", ["CLASS", "NAME"])
def test_a_list_where_the_library_expects_one_text_is_refused(path, key):
    with h5py.File(path, "w") as file:
        vector(file, "x", np.zeros(4))
        file["d"].attrs[key] = np.array([b"DIMENSION_SCALE"] * 1000)
    refused(f"load: attribute '{key}' of 'd'", path)


def test_a_dimension_that_is_none_or_of_another_length_is_refused(path):
    for target in ("text", "short", "deleted"):
        with h5py.File(path, "w") as file:
            variable = vector(file, "x", np.zeros(4))
            file["short"] = np.zeros(3)
            file["short"].make_scale("short")
            if target != "deleted":
                file["d"].attrs["CLASS"] = np.bytes_("NO SCALE")
                variable.attrs["_Netcdf4Coordinates"] = [7]
            if target == "short":
                vector(file, "y", np.zeros(4), dimension="short")
            if target == "deleted":
                del file["d"]
        refused("is damaged, or not a plain netCDF4 file", path)


@pytest.mark.parametrize(
    "kind", ["bitfield", "time", "float128", "null", "array", "complex", "opaque"]
)
def test_types_that_numpy_or_netcdf_lack_are_refused(path, kind):
    types = {
        "bitfield": h5py.h5t.STD_B8LE,
        "time": h5py.h5t.UNIX_D32LE,
        "float128": h5py.h5t.NATIVE_LDOUBLE,
        "null": h5py.h5t.IEEE_F64LE,
        "array": h5py.h5t.array_create(h5py.h5t.IEEE_F64LE, (3,)),
        "complex": h5py.h5t.py_create(np.dtype("c16")),
        "opaque": h5py.h5t.create(h5py.h5t.OPAQUE, 8),
    }
    space = h5py.h5s.create(h5py.h5s.NULL) if kind == "null" else h5py.h5s.create_simple((2,))
    with h5py.File(path, "w") as file:
        h5py.h5d.create(file.id, b"culprit", types[kind], space)
    refused("load: .*(variable 'culprit' in|damaged)", path)


def test_a_group_that_contains_itself_is_refused(path):
    with h5py.File(path, "w") as file:
        file["loop"] = file["/"]
    refused("load: 'loop' in .* is a group", path)


@pytest.mark.parametrize("encoding", ["rot13", "idna", "unicode_escape", "../codec"])
def test_text_in_a_codec_that_the_file_names_is_refused(path, encoding):
    with h5py.File(path, "w") as file:
        vector(file, "x", np.array([b"a", b"b"])).attrs["_Encoding"] = encoding
    refused("'x' in .* is text in an encoding other than UTF-8", path)


@pytest.mark.parametrize("place", ["name", "attribute", "value"])
def test_text_that_is_not_utf8_is_refused(path, place):
    with h5py.File(path, "w") as file:
        x = vector(file, "x", np.array([b"\xff" if place == "value" else b"a"] * 2))
        x.attrs["_Encoding"] = "utf-8"
        if place == "name":
            space = h5py.h5s.create(h5py.h5s.SCALAR)
            h5py.h5d.create(file.id, b"\xff\xfe", h5py.h5t.NATIVE_DOUBLE, space)
        if place == "attribute":
            x.attrs.create("long_name", b"\xff\xfe", dtype=h5py.string_dtype())
    refused("is damaged, or not a plain netCDF4 file .*utf-8", path)


def test_names_are_names_and_text_is_text(tmp_path):
    """Nothing in a file is a path to write, a program to run or a number to believe."""
    names = ["..", "~", "$HOME", "a b", "x" * 255, "__class__"]
    texts = {"model": "__import__('os').abort()", "noise": "[" * 100_000}
    texts |= {"dynamics": '{"rate": NaN}', "title": "%n{0.__class__}"}
    variables = {name: ((), float(k)) for k, name in enumerate(names)}
    save(xr.Dataset(variables, attrs=texts), tmp_path / "run.nc")
    before = sorted(tmp_path.iterdir())
    back = load(tmp_path / "run.nc")
    assert sorted(map(str, back.data_vars)) == sorted(names) and back.attrs == texts
    assert sorted(tmp_path.iterdir()) == before


def test_the_file_that_is_judged_is_the_file_that_is_read(tmp_path, monkeypatch):
    """xarray alone would read ~/run.nc in another folder, and take http.nc for an address."""
    (tmp_path / "~").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in ("~/run.nc", "http.nc"):
        save(xr.Dataset({"x": ((), 1.0)}), name)
        assert load(name).x == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(path):
    os.mkfifo(path)
    with pytest.raises(FileNotFoundError, match="load: there is no file"):
        load(path)
