"""Manifests: those of version 1 are read, and what a forged one claims is checked before it costs
memory. A seal tells of damage, not of who wrote what it seals."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from tiny_runs import DESCRIPTION, begin, go_on, whole_run

import langevin_sgd as ls
from langevin_sgd.storage import begun, load, reopen, sweep_folder
from langevin_sgd.storage.manifest import NAME, _sealed, begin_manifest, read_manifest

VERSION_1 = Path(__file__).parent / "version_1"


def test_a_run_of_version_1_is_loaded():
    run = load(VERSION_1 / "run").compute()
    assert run.step.values.tolist() == [0, 3, 6, 9, 12] and run.attrs["finished"] == 1
    np.testing.assert_allclose(run.x[-1, 0], [9.81596505e-01, 8.61577313e-03], 1e-8)
    assert begun(VERSION_1 / "run").description["arguments"]["particles"] == 4


def test_a_sweep_of_version_1_is_gathered_and_not_continued():
    sweep = ls.merge(VERSION_1 / "sweep")
    assert sweep.learning_rate.values.tolist() == [0.1, 0.2] and not sweep.failed.any()
    np.testing.assert_allclose(sweep["mean"][0, 0], 0.08868, atol=1e-5)
    with pytest.raises(ValueError, match="another description:\n(.*\n)*.*choose a new folder"):
        sweep_folder.settle(VERSION_1 / "sweep", "sweep", {"grid": {}}, "test")


def test_a_damaged_manifest_of_version_1_is_named(tmp_path):
    (tmp_path / "manifest.json").write_text('{"plan": 1')
    with pytest.raises(ValueError, match="manifest.json' is damaged .*the points are not lost"):
        ls.merge(tmp_path)


def test_a_folder_of_another_kind_is_refused_with_the_way_out(tmp_path):
    begin(tmp_path / "run").close()
    sweep_folder.settle(tmp_path / "sweep", "sweep", {}, "test")
    sweep_folder.settle(tmp_path / "study", "study", {}, "test")
    for name, way in (("sweep", "langevin_sgd.merge"), ("study", "langevin_sgd merge OUT STUDY")):
        for call in (load, begun, ls.resume, lambda folder: reopen(folder, {})):
            with pytest.raises(ValueError, match=f"holds a {name}, not a run: .*{way}"):
                call(tmp_path / name)
    with pytest.raises(ValueError, match="holds a run, not a sweep: load"):
        ls.merge(tmp_path / "run")


def lines_of(folder):
    return [json.loads(line) for line in (folder / NAME).read_bytes().splitlines()]


def forge(folder, number, place, value):
    """Line `number` of the manifest with another value, under a seal of its own."""
    lines = lines_of(folder)
    *way, last = place.split(".")
    target = lines[number]
    for name in way:
        target = target[name]
    target[last] = value
    for line in lines:
        line.pop("sha256_of_line")
    (folder / NAME).write_bytes(b"".join(map(_sealed, lines)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return whole_run(tmp_path_factory.mktemp("whole") / "run", 2)


HUGE, DEEP, EVEN = 10**15, [[[[[]]]]], {"first": 0, "stride": 1, "count": 4}
FORGED = {
    (0, "step"): [-1, "a", None, 1.5],
    (0, "kind"): ["evil", 3],
    (0, "schema_version"): [None, "2", 0],
    (0, "description"): [None, DEEP, "text"],
    (0, "attributes"): [None, 3],
    (0, "state"): [3, {"name": "a"}],
    (1, "segment"): ["../evil", 0, -3, 1.5],
    (1, "step"): [-1, "a"],
    (1, "steps"): [dict(EVEN, count=HUGE), dict(EVEN, first=-1)],
    (1, "steps.count"): [HUGE, -1, "4"],
    (1, "variables.x"): [3, ["step", "f8"], [["step"], "O", [3]], [["step"], "V9", [3]]],
    (1, "variables.x.shape"): [[-1], ["a"], "ab", [10**30]],
    (1, "file.bytes"): [-1, "a", 1e300],
    (2, "state"): [None, []],
    (3, "file"): [None, "final.nc"],
}


@pytest.mark.parametrize("place", FORGED, ids=str)
def test_a_malformed_line_is_named(whole, tmp_path, place):
    for k, value in enumerate(FORGED[place]):
        folder = shutil.copytree(whole, tmp_path / str(k))
        forge(folder, *place, value)
        for call in (load, begun, lambda folder: reopen(folder, DESCRIPTION)):
            with pytest.raises(ValueError, match=rf"line {place[0] + 1} of '.*' is malformed"):
                call(folder)
    forge(folder, *place, FORGED[place][0])
    try:
        load(folder, recover=True)
    except ValueError as error:
        assert "nothing can be recovered" in str(error)
    except UserWarning as warning:
        assert "is not whole" in str(warning)


def test_sizes_that_the_files_do_not_bear_out_are_refused(whole, tmp_path, monkeypatch):
    """Of dask, too, which would ask for them when it computes."""
    for k, (place, value) in enumerate([("variables.x.shape", [HUGE]), ("steps.count", 5)]):
        folder = shutil.copytree(whole, tmp_path / str(k))
        forge(folder, 1, place, value)
        with pytest.raises(ValueError, match="in the manifest"):
            load(folder).compute()
    folder = shutil.copytree(whole, tmp_path / "without dask")
    forge(folder, 2, "variables.x.shape", [HUGE, 1])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=f"holds {8 * 8 * HUGE} bytes, above max_bytes"):
        load(folder)


@pytest.mark.parametrize(
    "grid", [None, {}, [], {"a": 3}, {"a": [[1]]}, {"a": []}, {"a": [1, 1]}, {"a": [float("inf")]}]
)
def test_a_forged_grid_is_refused(tmp_path, grid):
    sweep_folder.settle(tmp_path, "sweep", {"grid": grid, "seed": "1"}, "test")
    with pytest.raises((TypeError, ValueError), match="grid"):
        ls.merge(tmp_path)


def test_more_points_than_can_be_kept_are_refused_before_they_are_counted(tmp_path):
    axes = {f"a{k}": list(range(1000)) for k in range(6)}
    sweep_folder.settle(tmp_path, "sweep", {"grid": axes}, "test")
    with pytest.raises(ValueError, match="number of points must be .* got 1000000000000000000"):
        ls.merge(tmp_path)


def test_only_one_of_many_begins_a_folder(tmp_path):
    header = read_manifest(VERSION_1 / "run").header
    begin_manifest(tmp_path, header, replace=False)
    with pytest.raises(FileExistsError):
        begin_manifest(tmp_path, header._replace(step=3), replace=False)
    assert read_manifest(tmp_path).header.step == 0
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_what_a_killed_process_left_is_cleared_by_the_next_that_holds_the_lock(tmp_path):
    with begin(tmp_path / "run") as run:
        go_on(run, 3)
    left = [f"segment-{number:06d}.nc" for number in (4, 5)]
    left += ["state-000004.h5", "state-000001.h5"]
    for name in [*left, ".segment-000006.nc.12.tmp"]:
        (tmp_path / "run" / name).write_bytes(b"half")
    kept = {"lock", NAME, "state-000002.h5", "state-000003.h5"}
    reopen(tmp_path / "run", DESCRIPTION).close()
    segments = {f"segment-{number:06d}.nc" for number in (1, 2, 3)}
    assert {path.name for path in (tmp_path / "run").iterdir()} == kept | segments


def test_a_lock_that_points_elsewhere_is_not_written_through(tmp_path):
    """A folder from anywhere may hold a link: what it names would be emptied and signed."""
    run, precious = tmp_path / "run", tmp_path / "precious"
    precious.write_text("years of work")
    begin(run).close()
    (run / "lock").unlink()
    (run / "lock").symlink_to(precious)
    with pytest.raises(OSError, match="cannot write .*lock"):
        reopen(run, DESCRIPTION)
    assert precious.read_text() == "years of work"


@pytest.mark.parametrize("recover", [False, True])
def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path, recover):
    os.mkfifo(tmp_path / NAME)
    os.mkfifo(tmp_path / "segment-000001.nc")
    with pytest.raises((FileNotFoundError, ValueError), match="no manifest|nothing can be recover"):
        load(tmp_path, recover=recover)


@pytest.mark.parametrize("recover", [False, True])
def test_a_manifest_that_is_a_link_or_too_large_is_refused_before_it_is_read(tmp_path, recover):
    begin(tmp_path / "run").close()
    manifest = tmp_path / "run" / NAME
    elsewhere = shutil.move(manifest, tmp_path / "elsewhere")
    manifest.symlink_to(elsewhere)
    with pytest.raises(ValueError, match="manifest.jsonl' is a link, and may lead anywhere"):
        load(tmp_path / "run", recover=recover)
    manifest.unlink()
    with open(manifest, "wb") as file:
        file.truncate(2**40)  # a sparse file
    with pytest.raises(ValueError, match="manifest.jsonl' holds 1099511627776 bytes, and no man"):
        load(tmp_path / "run", recover=recover)
