"""Result files: what comes back, what is refused, and what a crash leaves behind."""

import errno
import json
import os
import pickle
import subprocess
import sys
import warnings

import h5py
import numpy as np
import pytest
import xarray as xr
from hostile_parts import refused
from hypothesis import event, given, settings
from hypothesis import strategies as st

from langevin_sgd.storage import content_hash, load, save

ODD_NUMBERS = [[1.0, np.nan, -0.0], [np.inf, 5e-324, 0.1]]


def example():
    """One variable of every kind that results use."""
    temperature = {"long_name": "T", "units": "seconds since 2000-01-01"}
    variables = {
        "x": (("step", "particle"), ODD_NUMBERS, {"units": "1"}),
        "half": ("particle", np.array([1, 2, 3], np.float32)),
        "status": ("particle", np.array([0, 1, 2], np.int8)),
        "stopped_at_step": ("particle", np.array([-1, 2**62, 7])),
        "words": ("particle", np.array([2**63 + 1, 0, 3], np.uint64)),
        "kept": ("particle", np.array([True, False, True])),
        "temperature": ((), 0.25, temperature),
        "nothing": ("empty", np.zeros(0)),
    }
    coords = {"direction": ("particle", ["steep", "", "flat é"]), "step": [0, 10]}
    attrs = {"model": json.dumps({"name": "double_well"}), "seed": str(2**64 - 1), "steps": 10}
    attrs |= {"learning_rate": 0.1, "curvatures": [1.0, 4.0], "words": ["a", "b"]}
    attrs |= {"mask": np.uint64(2**63 + 5), "comment": ""}
    return xr.Dataset(variables, coords | {"scheme": ["a", "bc"]}, attrs)


def test_values_dtypes_coordinates_and_attributes_come_back(tmp_path):
    save(example(), tmp_path / "run.nc")
    back = load(str(tmp_path / "run.nc"))
    xr.testing.assert_identical(back, example())
    assert {name: v.dtype.kind + str(v.dtype.itemsize) for name, v in back.data_vars.items()} == {
        name: v.dtype.kind + str(v.dtype.itemsize) for name, v in example().data_vars.items()
    }
    assert back.direction.dtype.kind == back.scheme.dtype.kind == "U"
    assert back.attrs["steps"].dtype == np.int64 and isinstance(back.attrs["seed"], str)
    assert np.signbit(back.x.values[0, 2])
    assert back.sel(scheme="bc").scheme.item() == "bc"


def test_a_loaded_dataset_is_in_memory_and_its_file_closed(tmp_path):
    path = tmp_path / "run.nc"
    save(example(), path)
    back = load(path)
    path.unlink()
    assert back.x.sum() == np.inf and not back.encoding and not back.x.encoding
    save(back, path)
    xr.testing.assert_identical(load(path), example())


def test_files_open_with_bare_xarray(tmp_path):
    save(example(), tmp_path / "run.nc")
    with xr.open_dataset(tmp_path / "run.nc", engine="h5netcdf", decode_times=False) as bare:
        assert bare.kept.dtype == bool and list(bare.direction.values) == ["steep", "", "flat é"]


BAD_VALUES = [None, {"a": 1}, True, np.bool_(True), 1j, 2**64, "a\0b", "\ud800", [None], ["a", 1]]
BAD_VALUES += [np.str_("a"), ["a", np.str_("b")], [[1, 2]], [[1], [1, 2]], b"raw", object()]
BAD_VALUES += [[], (), np.zeros(0), np.longdouble(1)]
BAD_KEYS = ["", 3, "a\nb", ("a",)]
WORDS = ["_FillValue", "missing_value", "scale_factor", "add_offset", "_Unsigned", "dtype"]
WORDS += ["coordinates", "_Encoding", "CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST"]
WORDS += ["_NCProperties", "_Netcdf4Dimid", "_Netcdf4Coordinates", "_nc3_strict"]
BAD_TYPES = [np.array([1j]), np.array([None]), np.array(["a"], object), np.zeros(1, np.longdouble)]
BAD_TYPES += [np.array(["2026"], "datetime64[ns]"), np.zeros(1, np.float16), np.array([b"a"])]
BAD_NAMES = ["a/b", "", "a\0", ".", "x" * 256, 3, ("a",), "a\nb", "\ud800", "_nc4_non_coord_x"]


@pytest.mark.parametrize("value", BAD_VALUES, ids=range(len(BAD_VALUES)))
@pytest.mark.parametrize("owner", ["the dataset", "variable 'x'"])
def test_an_attribute_that_netcdf_cannot_hold_is_named(tmp_path, value, owner):
    dataset = example()
    (dataset if owner == "the dataset" else dataset.x).attrs["culprit"] = value
    with pytest.raises(TypeError, match=rf"save: attribute 'culprit' of {owner} is .*json\.dumps"):
        save(dataset, tmp_path / "run.nc")
    assert not list(tmp_path.iterdir())


def variant(kind, what):
    """A dataset with one thing that would not come back from a file, and how messages name it."""
    x = ("particle", np.zeros(3))
    if kind == "attribute":
        return xr.Dataset({"x": (*x, {what: 1.0})}), what
    if kind == "dtype":
        return xr.Dataset({"culprit": ("k", what)}), "culprit"
    if kind == "variable":
        return xr.Dataset({what: x}), what
    if kind == "dim":
        return xr.Dataset({"x": ((what,), np.zeros(3))}), what
    coordinates = xr.Dataset(coords={what: ("particle", np.zeros(3))})
    return coordinates.assign(x=x), what


CULPRITS = [("attribute", key) for key in [*BAD_KEYS, *WORDS]]
CULPRITS += [("dtype", values) for values in BAD_TYPES]
CULPRITS += [(kind, name) for kind in ("variable", "dim") for name in BAD_NAMES]
CULPRITS += [("coordinate", "a b")]


@pytest.mark.parametrize(("kind", "what"), CULPRITS, ids=ascii)
def test_what_would_not_come_back_from_a_file_is_named(tmp_path, kind, what):
    dataset, culprit = variant(kind, what)
    with pytest.raises((TypeError, ValueError), match="save: ") as refused:
        save(dataset, tmp_path / "run.nc")
    assert repr(culprit)[:50] in str(refused.value) and not list(tmp_path.iterdir())


def test_dims_that_a_variable_has_twice_are_named(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of xarray, which says the same
        dataset = xr.Dataset({"x": xr.Variable(("a", "a"), np.zeros((2, 2)))})
    with pytest.raises(ValueError, match="variable 'x' has the dims .* one of them twice"):
        save(dataset, tmp_path / "run.nc")


def mostly(good, bad):
    """Nine times of ten one of `good`, a list; else what the strategy `bad` makes."""
    return st.integers(0, 9).flatmap(lambda k: st.sampled_from(good) if k else bad)


NUMBERS = [0.1, -0.0, np.nan, np.inf, 5e-324, 2**63 + 5, -(2**63), np.float32(0.1), np.int8(-3)]
OTHERS = ["", "days since 2000", "é", [0.1, np.nan], [1, 2], ["a", ""], np.arange(3, dtype="u2")]
values_of = mostly(
    NUMBERS + OTHERS,
    st.text(max_size=5) | st.lists(st.text(max_size=2), max_size=2) | st.sampled_from(BAD_VALUES),
)
keys = mostly(
    ["units", "long_name", "a b", "a/b", "é"], st.sampled_from(WORDS) | st.text(max_size=4)
)
attributes = st.dictionaries(keys, values_of, max_size=2)
dtypes = mostly(
    ["?", "i1", "u2", "i4", "i8", "u8", "f4", "f8", ">f8", ">i4", "U1", "U3"],
    st.sampled_from(["f2", "g", "c16", "U0", "O", "M8[ns]"]),
)
variable_names = mostly(
    ["x", "y", "z", "step", "d0", "d2", "string2", "é", ".."], st.text(max_size=3)
)


@st.composite
def datasets(draw):
    dataset = xr.Dataset(attrs=draw(attributes))
    for name in draw(st.lists(variable_names, max_size=3, unique=True)):
        dims = draw(st.lists(st.sampled_from(["d0", "d1", "d2"]), max_size=2, unique=True))
        shape = [{"d0": 2, "d1": 0, "d2": 1}[dim] for dim in dims]
        dtype = np.dtype(draw(dtypes))
        random = np.random.default_rng(draw(st.integers(0, 9)))
        values = random.choice([0, 1, -1], shape).astype(dtype)
        if dtype.kind == "f" and values.size:
            values.flat[0] = draw(st.sampled_from([np.nan, np.inf, -0.0, 5e-324]))
        if dtype.kind == "U" and values.size:
            values.flat[0] = draw(mostly(["", "ab", " é"], st.text(max_size=3)))
        if name in ("d0", "d1", "d2"):
            dims, values = [name], np.zeros({"d0": 2, "d1": 0, "d2": 1}[name])
        dataset[name] = xr.Variable(dims, values, draw(attributes))
        if draw(st.booleans()):
            dataset = dataset.set_coords(name)
    return dataset


@settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(datasets())
def test_a_dataset_comes_back_as_it_was_or_is_refused(tmp_path_factory, dataset):
    path = tmp_path_factory.getbasetemp() / "any.nc"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            save(dataset, path)
        except (TypeError, ValueError) as error:
            assert str(error).startswith("save: ")
            event("refused")
            return
        back = load(path)
    event("came back")
    assert content_hash(back) == content_hash(dataset)
    xr.testing.assert_equal(back, dataset)
    assert set(back.coords) == set(dataset.coords)
    for name, variable in dataset.variables.items():
        kept = back.variables[name]
        assert kept.dtype.kind == variable.dtype.kind and kept.dims == variable.dims
        assert variable.dtype.kind == "U" or kept.dtype.itemsize == variable.dtype.itemsize
        assert set(kept.attrs) == set(variable.attrs)
    assert set(back.attrs) == set(dataset.attrs)


def test_an_interrupted_run_says_so_when_it_is_saved(tmp_path):
    run = example().assign_attrs(interrupted=1)
    with pytest.warns(UserWarning, match=r"run.nc' was interrupted after 10 steps, and says so"):
        save(run, tmp_path / "run.nc")
    assert load(tmp_path / "run.nc").interrupted == 1


def test_only_datasets_into_existing_folders(tmp_path):
    with pytest.raises(TypeError, match=r"save: dataset must be an xarray\.Dataset, got DataArray"):
        save(example().x, tmp_path / "run.nc")
    with pytest.raises(TypeError, match="dataset and path are swapped.*save.dataset, path.*run.nc"):
        save(tmp_path / "run.nc", example())
    with pytest.raises(TypeError, match="path must be a path, like .*, got 3"):
        save(example(), 3)
    with pytest.raises(FileNotFoundError, match="'.*missing' of path .* exist; create it first"):
        save(example(), tmp_path / "missing" / "run.nc")
    with pytest.raises(FileNotFoundError, match="load: there is no file"):
        load(tmp_path / "missing.nc")


@pytest.mark.parametrize("module", ["h5py", "h5netcdf"])
def test_a_missing_engine_is_named_before_anything_is_written(tmp_path, monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    needed = f"save: netCDF4 files need h5netcdf and h5py .*{module}.*; pip install"
    with pytest.raises(ImportError, match=needed):
        save(example(), tmp_path / "run.nc")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_disk_that_refuses_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch, failing):
    path = tmp_path / "run.nc"
    save(example(), path)

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, failing, full)
    with pytest.raises(OSError, match="No space left"):
        save(example().drop_vars("x"), path)
    monkeypatch.undo()
    assert [file.name for file in tmp_path.iterdir()] == ["run.nc"]
    xr.testing.assert_identical(load(path), example())


WRITERS = """
import os, signal, sys, time
import numpy as np, xarray as xr
from langevin_sgd.storage import load, save

path, in_place, bad = sys.argv[1], sys.argv[2] == "in place", 0
xr.Dataset().to_netcdf(path, engine="h5netcdf")  # imports now: every kill hits one that writes
save(xr.Dataset({"x": 0.0}, attrs={"k": 0}), path)
for attempt in range(10):
    child = os.fork()
    for k in range(10**9 if child == 0 else 0):
        dataset = xr.Dataset({"x": ("particle", np.full(50_000, float(k)))}, attrs={"k": k})
        dataset.to_netcdf(path, engine="h5netcdf") if in_place else save(dataset, path)
    time.sleep(0.05 + 0.0037 * attempt)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    try:
        whole = load(path)
        bad += not np.all(whole.x == whole.attrs["k"])
    except (ValueError, OSError, KeyError):
        bad += 1
print("bad files:", bad)
"""


def bad_files_after_ten_kills(path, how):
    """A child that only writes is killed at ten moments; after each, the file is read."""
    command = [sys.executable, "-c", WRITERS, str(path), how]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("bad files:"), done.stderr
    return int(done.stdout.split()[-1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_killed_writer_leaves_a_complete_file(tmp_path):
    assert bad_files_after_ten_kills(tmp_path / "run.nc", "renamed") == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_same_kills_break_a_file_written_in_place(tmp_path):
    """The twin: without the temporary name most kills leave an unreadable file."""
    assert bad_files_after_ten_kills(tmp_path / "run.nc", "in place") > 0


def test_a_file_cut_short_or_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "run.nc"
    save(example(), path)
    complete = path.read_bytes()
    for content in (complete[: len(complete) // 2], complete[:100], b"", pickle.dumps({"a": 1})):
        path.write_bytes(content)
        refused("is not a netCDF4 file, or is cut short", path)


def test_a_tiny_file_that_declares_terabytes_is_refused(tmp_path):
    path = tmp_path / "bomb.nc"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", shape=(2**40,), dtype="f8", chunks=(1024,))
    assert path.stat().st_size < 10_000
    limit = rf"above max_bytes={8 * 2**30}; .* larger max_bytes"
    refused(rf"declares {2**43} bytes, {limit}", path)


def test_the_size_limit_is_exact(tmp_path):
    path = tmp_path / "run.nc"
    save(xr.Dataset({"x": ((), 1.0)}), path)
    assert load(path, max_bytes=8).x == 1.0
    refused("declares 8 bytes, above max_bytes=7", path, max_bytes=7)


COMPLEX = np.dtype([("re", "f8"), ("im", "f8")])
ODD_TYPES = [h5py.vlen_dtype(np.float64), h5py.string_dtype(), COMPLEX, h5py.ref_dtype]


@pytest.mark.parametrize("dtype", [*ODD_TYPES, np.dtype("V8")])
def test_types_that_are_not_plain_data_are_refused(tmp_path, dtype):
    with h5py.File(tmp_path / "odd.nc", "w") as file:
        file.create_dataset("culprit", shape=(2,), dtype=dtype)
    refused("'culprit' in .* only numbers and fixed-width text are", tmp_path / "odd.nc")


KINDS = ["group", "external storage", "external link", "soft link", "virtual"]


@pytest.mark.parametrize("kind", KINDS)
def test_groups_and_data_in_other_files_are_refused(tmp_path, kind):
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["x"] = np.zeros(4)
    with h5py.File(tmp_path / "odd.nc", "w") as file:
        if kind == "group":
            file.create_group("culprit")
        elif kind == "external storage":
            file.create_dataset("culprit", shape=(4,), dtype="f8", external=[(str(secret), 0, 32)])
        elif kind == "virtual":
            layout = h5py.VirtualLayout(shape=(4,), dtype="f8")
            layout[:] = h5py.VirtualSource(str(secret), "x", shape=(4,))
            file.create_virtual_dataset("culprit", layout)
        else:
            outside = h5py.ExternalLink(str(secret), "x")
            file["culprit"] = outside if kind == "external link" else h5py.SoftLink("/x")
    refused("'culprit' in .* is a group or lies in another file", tmp_path / "odd.nc")
