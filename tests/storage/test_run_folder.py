"""Run folders: what comes back, what is refused, and what does not show in the result."""

import importlib.util
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from tiny_runs import (
    DESCRIPTION,
    LENGTH,
    SEGMENTS,
    begin,
    go_on,
    next_segment,
    resumed,
    segment_bytes,
    start,
    whole_run,
)

from langevin_sgd.arguments import with_coordinates
from langevin_sgd.storage import begun, content_hash, create, load, reopen, save, source_hashes
from langevin_sgd.storage.manifest import File, Segment, add_line, read_manifest

HAS_DASK = importlib.util.find_spec("dask") is not None


@pytest.fixture
def no_dask(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def expected():
    """The whole run as one piece, without any storage."""
    segment, state = next_segment(start(), 0, SEGMENTS * LENGTH)
    status = np.full(3, (SEGMENTS - 1) * LENGTH, np.int8)
    dataset = segment.assign(
        status=("particle", status, {"units": "1"}), count=("particle", state["count"])
    )
    about = {"model": "tiny", "schema_version": 1, "verdict": "done"}
    return with_coordinates(dataset.assign_attrs(about))


def test_a_run_in_segments_is_the_run_in_one_piece(tmp_path, no_dask):
    back = load(whole_run(tmp_path / "run"))
    assert back.attrs.pop("finished") == 1 and back.attrs.pop("steps_done") == SEGMENTS * LENGTH
    assert back.attrs.pop("created") == "today"
    xr.testing.assert_identical(back, expected())
    assert back.status.dtype == np.int8 and isinstance(back.x.data, np.ndarray)


@pytest.mark.skipif(not HAS_DASK, reason="lazy only with dask")
def test_with_dask_a_run_is_lazy_and_the_same(tmp_path, monkeypatch):
    lazy = load(whole_run(tmp_path / "run"), max_bytes=500)  # less than the 576 of x
    assert lazy.x.chunks[0] == (LENGTH,) * SEGMENTS
    assert content_hash(lazy) == content_hash(expected())
    ends = {"step": [0, -1]}
    xr.testing.assert_identical(lazy.isel(ends).compute().x, expected().x.isel(ends))
    save(lazy, tmp_path / "run.nc")
    assert content_hash(load(tmp_path / "run.nc")) == content_hash(expected())
    segment = tmp_path / "run" / "segment-000002.nc"
    segment.write_bytes(bytes(segment.stat().st_size))
    with pytest.raises(ValueError, match=r"segment-000002\.nc' was changed"):
        lazy.x.compute()


def test_interruptions_do_not_show(tmp_path):
    whole = whole_run(tmp_path / "whole")
    with begin(tmp_path / "cut") as run:
        go_on(run, 2)
    for stop in (3, 5):
        with reopen(tmp_path / "cut", DESCRIPTION) as run:
            assert run.step == run.segments * LENGTH
            go_on(run, stop)
        part = load(tmp_path / "cut")
        assert part.attrs["finished"] == 0
        assert part.attrs["steps_done"] == part.step.values[-1] == stop * LENGTH
        assert content_hash(part.drop_attrs()) != content_hash(load(whole).drop_attrs())
    resumed(tmp_path / "cut")
    cut = content_hash(load(tmp_path / "cut"))
    assert cut == content_hash(load(whole)) == content_hash(expected())
    assert segment_bytes(tmp_path / "cut") == segment_bytes(whole)


def test_a_finished_run_is_left_alone(tmp_path):
    folder = whole_run(tmp_path / "run")

    def content():
        return {
            each.name: (each.read_bytes(), each.stat().st_mtime_ns) for each in folder.iterdir()
        }

    before = content()
    # nobody writes, so nobody locks
    with reopen(folder, DESCRIPTION) as one, reopen(folder, DESCRIPTION) as other:
        assert one.finished and other.finished and one.step == SEGMENTS * LENGTH
        with pytest.raises(ValueError, match="append: the run in .* is finished and can only be"):
            one.append(*next_segment(start(), one.step), one.step + LENGTH)
    assert before == content()


def test_only_the_last_two_states_are_kept_and_come_back_as_given(tmp_path):
    with begin(tmp_path / "run") as run:
        assert all(np.array_equal(run.state()[name], array) for name, array in start().items())
        go_on(run, 4)
        states = sorted(path.name for path in run.directory.glob("state-*"))
        assert states == ["state-000003.h5", "state-000004.h5"]
        assert all(run.state()[name].dtype == array.dtype for name, array in start().items())


def test_changed_code_or_parameters_are_refused_line_by_line(tmp_path):
    begin(tmp_path / "run").close()
    dynamics = {"name": "logistic", "params": {"rate": np.float64(3.8)}}
    changed = DESCRIPTION | {"dynamics": dynamics, "source": {"step.py": "a"}}
    del changed["seed"]
    with pytest.raises(ValueError) as refused:
        reopen(tmp_path / "run", changed)
    assert str(refused.value).splitlines()[1:-1] == [
        "  dynamics.params.rate: 3.9 there, 3.8 now",
        '  seed: "1" there, (absent) now',
        "  files of code: 1, such as step.py; begun by langevin_sgd not told, commit not told",
    ]
    assert "choose a new folder" in str(refused.value)
    with pytest.raises(ValueError, match="and 30 more"):
        reopen(tmp_path / "run", {**DESCRIPTION, "table": list(range(50))})
    with pytest.raises(TypeError, match="holds text, numbers, lists and dicts of them; got"):
        reopen(tmp_path / "run", {**DESCRIPTION, "function": print})
    reopen(tmp_path / "run", DESCRIPTION).close()


def test_a_folder_that_holds_something_is_refused(tmp_path):
    whole_run(tmp_path / "run")
    with pytest.raises(FileExistsError, match=r"'.*run' already holds 'final\.nc'; resume the run"):
        begin(tmp_path / "run")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("keep")
    with pytest.raises(FileExistsError, match=r"already holds 'letter\.txt'; choose a new folder"):
        begin(tmp_path / "other")
    with pytest.raises(FileNotFoundError, match="cannot make the folder .*its parent must exist"):
        begin(tmp_path / "none" / "run")
    with pytest.raises(FileNotFoundError, match="there is no manifest"):
        load(tmp_path / "other")


RANGE = "coordinate step must increase from at least 5 to at most 8"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d.assign_coords(step=d.step + 9), RANGE),
        (lambda d: d.assign_coords(step=d.step - 1), RANGE),
        (lambda d: d.assign_coords(step=[5, 7, 6, 8]), "coordinate step must increase"),
        (lambda d: d.drop_vars("step"), "must have a coordinate 'step' of whole numbers"),
        (lambda d: d.transpose("particle", "step", ...), "'x' must have 'step' as its first dim"),
        (lambda d: d.assign(word=("step", list("abcd"))), "variable 'word' must have 'step' .* co"),
        (lambda d: d.assign(x=d.x.astype("f4")), "same variables along step"),
        (lambda d: d.assign(v=d.x), "every segment must have the same variables along step"),
    ],
)
def test_a_segment_that_does_not_continue_the_run_is_refused(tmp_path, change, complaint):
    with begin(tmp_path / "run") as run:
        go_on(run, 1)
        segment, state = next_segment(run.state(), run.step)
        with pytest.raises(ValueError, match=f"append: .*{complaint}"):
            run.append(change(segment), state, run.step + LENGTH)
        with pytest.raises(ValueError, match="step must be above 4, where the run stands, got 4"):
            run.append(segment, state, run.step)
        with pytest.raises(ValueError, match="finish: dataset must have no dim 'step'"):
            run.finish(segment)
        run.append(segment, state, run.step + LENGTH)


def test_segments_may_be_empty_or_unevenly_spaced(tmp_path, no_dask):
    with begin(tmp_path / "run") as run:
        segment, state = next_segment(run.state(), 0)
        run.append(segment.isel(step=slice(0)), state, 3)
        run.append(segment.isel(step=[3]), state, 4)
        run.append(segment.assign_coords(step=[5, 6, 9, 20]), state, 30)
    back = load(tmp_path / "run")
    assert list(back.step) == [4, 5, 6, 9, 20] and back.attrs["steps_done"] == 30
    begin(tmp_path / "empty").close()
    empty = load(tmp_path / "empty")
    assert empty.attrs["steps_done"] == 0 and not empty.variables


def test_more_than_the_memory_is_refused_without_dask(tmp_path, no_dask):
    folder = whole_run(tmp_path / "run")
    way_out = "install dask, .* larger max_bytes"
    with pytest.raises(ValueError, match=rf"holds 576 bytes, above max_bytes=575; {way_out}"):
        load(folder, max_bytes=575)
    assert load(folder, max_bytes=576).x.nbytes == 576


HOLDER = """
import sys, time
from langevin_sgd.storage.lock import take_lock
lock = take_lock(sys.argv[1])
print("holding", flush=True)
time.sleep(60)
"""


def test_a_second_process_is_refused_until_the_first_dies(tmp_path):
    begin(tmp_path / "run").close()
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "holding\n"
        busy = rf"run' is being written by process {holder.pid} on host .*; wait until it ends"
        with pytest.raises(RuntimeError, match=busy):
            reopen(tmp_path / "run", DESCRIPTION)
        load(tmp_path / "run")
        os.kill(holder.pid, signal.SIGKILL)
    own = f"by process {os.getpid()} on host"
    with reopen(tmp_path / "run", DESCRIPTION), pytest.raises(RuntimeError, match=own):
        reopen(tmp_path / "run", DESCRIPTION)


def test_the_clock_may_go_anywhere(tmp_path, monkeypatch):
    with begin(tmp_path / "run") as run:
        go_on(run, 3)
    for number, path in enumerate(sorted(run.directory.iterdir())):
        os.utime(path, (10**9 - 1000 * number,) * 2)  # later files look older
    assert content_hash(load(resumed(tmp_path / "run"))) == content_hash(expected())


def test_a_line_of_the_manifest_costs_the_same_at_any_length(tmp_path):
    """The file grows by one line a segment, and is never written again."""
    begin(tmp_path / "run").close()
    file = File("a", 100, "b")
    length, lengths = read_manifest(tmp_path / "run").ends[-1], []
    for number in range(1, 301):
        line = Segment(10**6 + number, number, [], {}, file, file)
        lengths.append(add_line(tmp_path / "run", line, length) - length)
        length += lengths[-1]
    assert max(lengths) - min(lengths) == 2  # of digits
    assert len(read_manifest(tmp_path / "run").segments) == 300


def test_source_hashes_name_every_file_of_a_layer():
    found = source_hashes("kernels", "engine")
    assert {"kernels/rng.py", "engine/cpu.py"} <= set(found)
    assert not any(name.startswith("storage") for name in found)
    assert all(len(digest) == 64 for digest in found.values())


def test_create_takes_a_folder_whose_creator_was_killed(tmp_path):
    create(tmp_path / "run", DESCRIPTION, start()).close()
    (tmp_path / "run" / "manifest.jsonl").unlink()
    (tmp_path / "run" / ".manifest.jsonl.1234.tmp").write_bytes(b"half")
    begin(tmp_path / "run").close()
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"lock", "manifest.jsonl", "state-000000.h5"}


def test_a_row_of_many_particles_is_read(tmp_path):
    """netCDF4 declares the length of a dimension without coordinates, four bytes an entry, and
    stores nothing of it.
    """
    row = xr.Dataset({"x": (("step", "particle"), np.ones((1, 100_000)))}, {"step": [1]})
    with create(tmp_path / "run", {}, start()) as run:
        run.append(row, start(), 1)
    assert load(tmp_path / "run").compute().x.identical(with_coordinates(row).x)


def test_what_a_run_was_begun_with_is_given_back(tmp_path):
    constants = {"table": np.arange(6.0).reshape(2, 3)}
    create(tmp_path / "run", DESCRIPTION, start(), constants=constants).close()
    description, found = begun(tmp_path / "run")
    assert description == DESCRIPTION and list(found) == ["table"]
    np.testing.assert_array_equal(found["table"], constants["table"])
    (tmp_path / "run" / "constants.h5").write_bytes(b"")
    with pytest.raises(ValueError, match=r"constants\.h5' has 0 bytes instead of"):
        begun(tmp_path / "run")
