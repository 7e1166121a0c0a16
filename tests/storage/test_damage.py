"""Damaged run folders and disks that refuse: the message, what can still be read, and from where
the run goes on.
"""

import errno
import json
import os
import shutil
import subprocess
import sys
import warnings

import numpy as np
import pytest
from tiny_runs import DESCRIPTION, LENGTH, SEGMENTS, begin, go_on, resumed, segment_bytes, whole_run

from langevin_sgd.storage import content_hash, load, reopen
from langevin_sgd.storage.manifest import read_manifest


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return whole_run(tmp_path_factory.mktemp("whole") / "run")


@pytest.fixture
def folder(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "run")


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip_a_bit(path):
    image = bytearray(path.read_bytes())
    image[len(image) // 2] ^= 4
    path.write_bytes(image)


def remove(path):
    path.unlink()


DAMAGES = {
    cut_short: r"has \d+ bytes instead of \d+: it was cut short or changed",
    flip_a_bit: "was changed: its SHA-256 is not the one in the manifest",
    remove: "is missing",
}
every_damage = pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
slow = pytest.mark.slow


def read_in_full(folder, **options):
    return load(folder, **options).compute()


def recovered(folder):
    with pytest.warns(UserWarning, match=r"load: '.*run' is not whole"):
        back = read_in_full(folder, recover=True)
    return back, json.loads(back.attrs["recovery"])


@every_damage
def test_a_damaged_segment_is_named_and_the_others_are_read(folder, whole, damage):
    damage(folder / "segment-000003.nc")
    way_out = "same run in a new folder.*recover=True"
    with pytest.raises(ValueError, match=rf"segment-000003\.nc' {DAMAGES[damage]}.*{way_out}"):
        read_in_full(folder)
    back, notes = recovered(folder)
    assert len(notes) == 1 and "segment-000003.nc" in notes[0]
    assert content_hash(back) == content_hash(load(whole).drop_sel(step=9 + np.arange(LENGTH)))


@pytest.mark.parametrize("damage", [cut_short, remove], ids=lambda damage: damage.__name__)
def test_a_run_does_not_go_on_without_an_early_segment(folder, tmp_path, damage):
    """The way out of the message works: a new run, up to there, writes the same bytes."""
    damage(folder / "segment-000002.nc")
    lost, way_out = r"'.*segment-000002\.nc'", "same run in a new folder, up to there"
    with pytest.raises(ValueError, match=rf"the run cannot go on: {lost}.*{way_out}"):
        reopen(folder, DESCRIPTION)
    with begin(tmp_path / "again") as again:
        go_on(again, 2)
    shutil.copy(tmp_path / "again" / "segment-000002.nc", folder)
    assert reopen(folder, DESCRIPTION).finished and read_in_full(folder).attrs["finished"] == 1


@every_damage
@pytest.mark.parametrize("name", [pytest.param("segment-000006.nc", marks=slow), "state-000006.h5"])
def test_the_last_segment_or_its_state_is_made_again(tmp_path, whole, damage, name):
    with begin(tmp_path / "run") as run:
        go_on(run)
    damage(tmp_path / "run" / name)
    goes_on = f"The run goes on from step {(SEGMENTS - 1) * LENGTH}"
    with pytest.warns(UserWarning, match=rf"{name}' {DAMAGES[damage]}. {goes_on}"):
        resumed(tmp_path / "run")
    assert content_hash(load(tmp_path / "run")) == content_hash(load(whole))
    assert segment_bytes(tmp_path / "run") == segment_bytes(whole)


@every_damage
@pytest.mark.parametrize("name", ["final.nc", pytest.param("segment-000006.nc", marks=slow)])
def test_a_finished_run_heals_at_its_end(folder, whole, damage, name):
    damage(folder / name)
    way_out = "[Rr]esume the run, which makes it again"
    with pytest.raises(ValueError, match=f"{name}' {DAMAGES[damage]}.*{way_out}"):
        read_in_full(folder)
    back, notes = recovered(folder)
    assert len(notes) == 1 and name in notes[0]
    if name == "final.nc":
        assert back.attrs["finished"] == 0 and back.attrs["steps_done"] == SEGMENTS * LENGTH
    with pytest.warns(UserWarning, match=f"{name}' {DAMAGES[damage]}. The run goes on from step"):
        resumed(folder)
    assert content_hash(load(folder)) == content_hash(load(whole))


def test_without_both_states_the_run_cannot_go_on(tmp_path):
    with begin(tmp_path / "run") as run:
        go_on(run)
    remove(tmp_path / "run" / "state-000005.h5")
    flip_a_bit(tmp_path / "run" / "state-000006.h5")
    lost = r"state-000006\.h5' was changed.*state-000005\.h5' is missing"
    with pytest.raises(ValueError, match=rf"{lost}.*copy, or compute the run"):
        reopen(tmp_path / "run", DESCRIPTION)
    assert read_in_full(tmp_path / "run").sizes["step"] == SEGMENTS * LENGTH


@pytest.mark.parametrize("line", [1, 3])
def test_a_damaged_line_of_the_manifest_is_named(folder, whole, line):
    path = folder / "manifest.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace(b'"bytes": ', b'"bytes": 1')
    path.write_bytes(b"".join(lines))
    wrong = rf"line {line} of '.*manifest\.jsonl' is damaged"
    for opened in (lambda: load(folder), lambda: reopen(folder, DESCRIPTION)):
        with pytest.raises(ValueError, match=f"{wrong}.*copy, or read what is left with load"):
            opened()
    back, notes = recovered(folder)
    assert back.x.equals(load(whole).x.compute()) and len(notes) == 1
    said = {1: "the first line of the manifest", 3: "segment-000002.nc' is read unchecked"}
    assert said[line] in notes[0]


def test_without_a_manifest_the_segments_are_read(folder, whole):
    remove(folder / "manifest.jsonl")
    way_out = "Put it back.*recover=True"
    for opened in (lambda: load(folder), lambda: reopen(folder, DESCRIPTION)):
        with pytest.raises(FileNotFoundError, match=rf"no manifest '.*jsonl'\. {way_out}"):
            opened()
    cut_short(folder / "segment-000004.nc")
    back, notes = recovered(folder)
    assert len(notes) == SEGMENTS + 1
    assert back.x.equals(load(whole).x.drop_sel(step=13 + np.arange(LENGTH)).compute())
    for path in folder.glob("segment-*"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="load: nothing can be recovered from"):
        load(folder, recover=True)


def test_a_last_line_cut_anywhere_was_never_written(whole, tmp_path):
    image = (whole / "manifest.jsonl").read_bytes()
    ends = read_manifest(whole).ends
    for length in [*range(ends[-2] + 1, ends[-1], 37), ends[-1] - 1]:
        (tmp_path / "manifest.jsonl").write_bytes(image[:length])
        manifest = read_manifest(tmp_path)
        assert len(manifest.segments) == SEGMENTS - 1 and manifest.final is None
        assert manifest.ends == ends[:-1]
    unwritten = bytes(300) + b"\n"  # blocks that never reached the disk
    (tmp_path / "manifest.jsonl").write_bytes(image[: ends[-2]] + unwritten)
    assert len(read_manifest(tmp_path).segments) == SEGMENTS - 1


def test_a_newer_version_is_refused(folder, monkeypatch):
    monkeypatch.setattr("langevin_sgd.storage.manifest.VERSION", 1)
    with pytest.raises(ValueError, match="version 2, and this program reads 1; use a newer lang"):
        load(folder)


@pytest.mark.parametrize(
    "nth",
    [pytest.param(0, marks=slow), 2, pytest.param(4, marks=slow), pytest.param(6, marks=slow)],
)
def test_a_disk_that_refuses_costs_nothing(tmp_path, whole, monkeypatch, nth):
    """The n-th fsync of an append fails; the run stands as before, and goes on in the same process
    or another.
    """
    fsync, calls = os.fsync, iter(range(100))

    def full(descriptor):
        if next(calls) == nth:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    with begin(tmp_path / "run") as run:
        go_on(run, 2)
        monkeypatch.setattr(os, "fsync", full)
        if nth < 5:
            full_disk = "'.*run/.*': No space left on device.*complete up to step 8"
            with pytest.raises(OSError, match=f"append: cannot write {full_disk}"):
                go_on(run, 3)
            assert run.step == 8 and not list((tmp_path / "run").glob(".*.tmp"))
        monkeypatch.undo()
        go_on(run, 4)
    assert content_hash(load(resumed(tmp_path / "run"))) == content_hash(load(whole))


REFUSED = """
import sys, pathlib, tiny_runs
from langevin_sgd.storage import load
folder = pathlib.Path(sys.argv[1]) / "run"
try:
    with tiny_runs.begin(folder) as run:
        tiny_runs.go_on(run, 1000)
except OSError as error:
    print(error.errno, error)
print(load(folder).attrs["steps_done"] // 4 if folder.exists() else "no folder", flush=True)
if "remount" in sys.argv:
    import subprocess
    subprocess.run(["mount", "-o", "remount,size=9m", sys.argv[1]], check=True)
    with tiny_runs.reopen(folder, tiny_runs.DESCRIPTION) as run:
        tiny_runs.go_on(run, run.segments + 1)
    subprocess.run(["mount", "-o", "remount,ro", sys.argv[1]], check=True)
    try:
        tiny_runs.reopen(folder, tiny_runs.DESCRIPTION)
    except OSError as error:
        print(error.errno, error)
    try:
        tiny_runs.begin(folder / "new")
    except OSError as error:
        print(error.errno, error)
    print("still read", load(folder).compute().attrs["steps_done"] // 4)
"""


def in_a_program(tmp_path, *words, shell=""):
    path = os.pathsep.join([os.path.dirname(os.path.dirname(__file__)), *sys.path])
    command = [sys.executable, "-c", REFUSED, str(tmp_path), *words]
    script = f'{shell} && exec "$@"' if shell else 'exec "$@"'
    private = ["unshare", "-rm"] if "mount" in shell else []
    command, environment = [*private, "sh", "-c", script, "sh", *command], dict(os.environ)
    environment["PYTHONPATH"] = path
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def may_mount(tmp_path):
    if shutil.which("unshare") is None:
        return False
    mount = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)]
    return subprocess.run(mount, capture_output=True).returncode == 0


def test_a_disk_that_is_full_and_one_that_turns_read_only(tmp_path):
    if not may_mount(tmp_path):
        pytest.skip("may not mount a small disk here")
    done = in_a_program(tmp_path, "remount", shell=f"mount -t tmpfs -o size=200k tmpfs {tmp_path}")
    assert done.returncode == 0, done.stderr
    full, safe, locked, made, read = done.stdout.splitlines()
    assert full.startswith(f"{errno.ENOSPC} ")
    assert f"No space left on device. The run is complete up to step {4 * int(safe)}" in full
    assert locked.startswith(f"{errno.EROFS} ")
    assert "lock': Read-only file system; use a folder that can be written" in locked
    assert made.startswith(f"{errno.EROFS} ") and "create: cannot make the folder" in made
    assert int(safe) > 3 and read == f"still read {int(safe) + 1}"


@slow
def test_a_file_size_limit_is_a_refusal_like_any_other(tmp_path):
    # blocks of 512 or 1024 bytes: the manifest grows above it
    done = in_a_program(tmp_path, shell="ulimit -f 8")
    assert done.returncode == 0, done.stderr
    refused, safe = done.stdout.splitlines()
    assert refused.startswith(f"{errno.EFBIG} ") and int(safe) >= 0
    assert "complete up to step" in refused


def test_whole_folders_are_read_without_a_word(whole):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "recovery" not in load(whole, recover=True).attrs
