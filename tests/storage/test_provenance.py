"""The record of what made a dataset."""

import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import numba
import pytest
import xarray as xr

import langevin_sgd as ls
from langevin_sgd.storage import load, provenance, save
from langevin_sgd.storage.provenance import _git_state

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not on this machine")


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", "-C", folder, *identity, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_the_record_names_versions_processor_and_time():
    record = provenance()
    assert record["langevin_sgd_version"] == ls.__version__  # also in a checkout
    assert record["numba_version"] == numba.__version__
    assert record["xarray_version"] == xr.__version__
    assert record["schema_version"] == 1 and record["cpu"]
    age = datetime.now(UTC) - datetime.fromisoformat(record["created"])
    assert timedelta(0) <= age < timedelta(minutes=1)


def test_the_record_fits_into_a_file(tmp_path):
    record = provenance()
    save(xr.Dataset({"x": ((), 1.0)}, attrs=record), tmp_path / "run.nc")
    assert load(tmp_path / "run.nc").attrs == record


def test_a_caller_cannot_change_the_next_record():
    provenance()["numba_version"] = "none"
    assert provenance()["numba_version"] == numba.__version__


@needs_git
def test_the_commit_and_a_change_in_the_package_are_seen(tmp_path):
    package = tmp_path / "langevin_sgd"
    package.mkdir()
    (package / "__init__.py").write_text("a = 1\n")
    git(tmp_path, "init", "-q")
    assert _git_state(tmp_path) == {}  # no commit yet
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    clean = {"git_commit": git(tmp_path, "rev-parse", "HEAD"), "git_dirty": 0}
    assert _git_state(tmp_path) == clean
    (tmp_path / "result.nc").write_text("a result does not make the program dirty")
    assert _git_state(tmp_path) == clean
    (package / "__init__.py").write_text("a = 2\n")
    assert _git_state(tmp_path) == clean | {"git_dirty": 1}


def test_outside_a_checkout_or_without_git_there_is_no_commit(tmp_path, monkeypatch):
    assert _git_state(tmp_path) == {}
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _git_state(tmp_path) == {}
