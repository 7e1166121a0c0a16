"""The content hash: what changes it, and what does not."""

import numpy as np
import pytest
import xarray as xr

from langevin_sgd.storage import content, content_hash, load, provenance, save


def example():
    x = np.array([[1.0, np.nan, -0.0], [np.inf, 5e-324, 0.1]])
    flags = {"flag_values": np.arange(3, dtype=np.int8)}
    variables = {
        "x": (("step", "particle"), x, {"units": "1"}),
        "status": ("particle", np.array([0, 1, 2], np.int8), flags),
        "kept": ("particle", np.array([True, False, True])),
    }
    coords = {"step": [0, 10], "scheme": ("particle", ["a", "bc", ""])}
    attrs = {"seed": "7", "steps": 10, "rates": [0.1], "words": ["a", "b"]}
    return xr.Dataset(variables, coords, attrs)


def test_a_copy_through_a_file_has_the_same_hash(tmp_path):
    made = provenance()
    save(example().assign_attrs(made), tmp_path / "run.nc")
    other = {"created": "later", "cpu": "another", "numba_version": "0"}
    again = example().assign_attrs(made | other)
    assert content_hash(load(tmp_path / "run.nc")) == content_hash(again)


@pytest.mark.parametrize(
    "same",
    [
        lambda d: d.assign_attrs(created="never", git_commit="a", numba_version="0", cpu="x"),
        lambda d: d.assign_attrs(finished=1, steps_done=3, recovery="r"),
        lambda d: d[["status", "kept", "x"]],
        lambda d: d.assign(x=d.x.astype(">f8")),
        lambda d: d.assign_coords(scheme=d.scheme.astype("U9")),
        lambda d: d.assign(x=d.x.T.copy(deep=True).T),
    ],
)
def test_what_does_not_count(same, monkeypatch):
    whole = content_hash(example())
    monkeypatch.setattr(content, "HASHED_AT_ONCE", 24)
    assert content_hash(same(example())) == whole


@pytest.mark.parametrize(
    "other",
    [
        lambda d: d.assign(x=abs(d.x).assign_attrs(d.x.attrs)),  # -0.0 becomes 0.0
        lambda d: d.assign(x=d.x.astype("f4")),
        lambda d: d.assign(x=d.x.assign_attrs(units="m")),
        lambda d: d.rename(x="y"),
        lambda d: d.rename(particle="walker"),
        lambda d: d.reset_coords("scheme"),
        lambda d: d.isel(step=[0]),
        lambda d: d.assign_coords(scheme=("particle", ["ab", "c", ""])),
        lambda d: d.assign_attrs(steps=11),
        lambda d: d.assign_attrs(steps=10.0),
        lambda d: d.assign_attrs(schema_version=2),
        lambda d: d.drop_attrs(deep=False),
    ],
)
def test_what_counts(other):
    assert content_hash(other(example())) != content_hash(example())
