"""The doctor tells all that it finds, and is never the patient."""

import importlib.metadata
import os
from pathlib import Path

import pytest
from engine.test_cuda_found import WHOLE

import langevin_sgd as ls
from langevin_sgd import doctor
from langevin_sgd.command_line.commands import main
from langevin_sgd.kernels.compile_cache import VARIABLE, cache_folder


def report(capsys):
    """The exit code of the command, and what it prints, in one line as a reader reads it."""
    code, printed = main(["doctor"]), capsys.readouterr().out
    assert all(len(line) <= 80 for line in printed.splitlines())
    return code, " ".join(printed.split())


def test_a_healthy_machine(capsys):
    code, told = report(capsys)
    assert code == 0 and 'target="cpu" works' in told
    for package in ("numba", "llvmlite", "numpy", "scipy", "xarray"):
        assert f"{package} {importlib.metadata.version(package)}" in told
    assert f"langevin_sgd {ls.__version__}" in told and "random words by" in told
    assert "processors are this process's" in told and "cannot be told" not in told


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"driver": WHOLE.driver._replace(cuda=None, devices=(), trouble="gone")}, "(gone)"),
        ({"numba_cuda": None, "nvvm": None, "nvrtc": None}, "numba-cuda is not installed."),
        ({"nvrtc": None}, "finds no nvrtc."),
    ],
    ids=["no driver", "no numba-cuda", "no nvrtc"],
)
def test_cuda_that_is_not_whole(change, said, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "find_cuda", lambda: WHOLE._replace(**change))
    code, told = report(capsys)
    assert code == 0 and 'target="cpu" works' in told and "missing" in told
    assert '"cuda" would not work, and "auto" takes the CPU' in told and said in told
    assert 'pip install "langevin_sgd[cuda1' in told


def test_the_device_is_shown(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "find_cuda", lambda: WHOLE)
    _, told = report(capsys)
    assert "device 0: H100, compute capability 9.0, 132 multiprocessors, 80.0 GiB" in told


def test_a_folder_of_compiled_kernels_that_cannot_be_used(capsys, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file" / "below"))
    code, told = report(capsys)
    assert code == 0 and "cannot be used. Each process compiles anew" in told
    monkeypatch.setenv(VARIABLE, "off")
    assert f"not kept: {VARIABLE}=off" in report(capsys)[1]


def test_a_folder_that_others_can_write_to(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    tmp_path.chmod(0o777)
    cache_folder.cache_clear()
    assert "others can write to it" in report(capsys)[1]
    tmp_path.chmod(0o700)
    cache_folder.cache_clear()
    assert "0 files, 0.0 of at most 256 MiB" in report(capsys)[1]


def test_a_full_disk(capsys, monkeypatch, tmp_path):
    def full(**options):
        raise OSError(28, os.strerror(28))

    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", full)
    code, told = report(capsys)
    assert code == 0 and "nothing new is kept: [Errno 28] No space left on device" in told


@pytest.mark.parametrize("name", ["find_cuda", "available_threads", "cache_folder"])
def test_what_breaks_is_a_line_of_the_report(name, capsys, monkeypatch):
    def broken(*arguments):
        raise RuntimeError("a broken\nlibrary")

    monkeypatch.setattr(doctor, name, broken)
    code, told = report(capsys)
    assert code == 0 and "cannot be told: RuntimeError: a broken library" in told
    assert 'target="cpu" works' in told


def test_a_package_without_metadata(capsys, monkeypatch):
    def missing(package):
        raise importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(importlib.metadata, "requires", missing)
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: not_there())
    code, told = report(capsys)
    assert code == 0 and "the package was not installed by pip" in told


def not_there():
    raise OSError("there is no /proc")


def test_a_machine_on_which_nothing_runs(capsys, monkeypatch):
    """The twin: then the exit code says so."""

    def fails(*arguments, **options):
        raise OSError("no processor")

    monkeypatch.setattr(ls, "simulate", fails)
    code, told = report(capsys)
    assert code == 1 and 'target="cpu" does NOT work: OSError: no processor' in told
