"""The command line."""

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import langevin_sgd as ls
from langevin_sgd.__main__ import CATALOGUE, entries, main
from langevin_sgd.storage import is_whole, sweep_folder

DATA = Path(__file__).resolve().parents[1] / "data"


def test_every_model_is_listed_with_its_arguments_and_formula(capsys):
    assert main(["list", "models"]) == 0
    printed = capsys.readouterr().out
    for module in CATALOGUE.values():
        assert entries(module)
        for name, function in entries(module).items():
            assert f"{name}{inspect.signature(function)}" in printed
    assert "barrier (x_0^2 - 1)^2" in printed and "sum_i (z_i - mean z) g_i / sqrt(N B)" in printed


def test_records_and_helpers_are_not_listed():
    assert {"double_well", "quadratic"} <= set(entries(ls.potentials))
    assert not {"Potential", "check_gradient", "symmetric_matrix", "number"} & set(
        entries(ls.potentials)
    )


def test_one_model_is_listed_by_its_name(capsys):
    assert main(["list", "double_well"]) == 0
    printed = capsys.readouterr().out
    assert "double_well(" in printed and "quadratic(" not in printed
    assert main(["list", "duble_well"]) == 2
    assert "no model 'duble_well' to list. Did you mean 'double_well'?" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"{ls.__version__}\n"


def test_every_study_is_listed_with_its_question(capsys, monkeypatch):
    assert main(["list", "studies"]) == 0
    printed = capsys.readouterr().out
    assert "boltzmann_departure       Does SGD end in Boltzmann's distribution?" in printed
    assert "_runner" not in printed
    monkeypatch.setattr("langevin_sgd.__main__.STUDIES", Path("nowhere"))
    assert main(["list", "studies"]) == 0
    assert "no studies: Studies come with the source tree" in capsys.readouterr().out


def test_a_study_that_is_not_there(capsys):
    assert main(["run", "boltzmann_departur"]) == 2
    assert "Did you mean 'boltzmann_departure'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["run", "x" * 5000], 2),
        (["run", "_runner"], 2),
        (["bench", "merge", "--points", "-5"], 2),
        (["bench", "merge", "--points", str(10**9)], 2),
        (["resume", "here", "--threads", "0"], 2),
        (["resume", __file__], 1),
        (["merge", __file__], 1),
    ],
    ids=lambda words: " ".join(words)[:30] if isinstance(words, list) else "",
)
def test_no_arguments_end_in_a_traceback(words, code, capsys):
    try:
        assert main(words) == code
    except SystemExit as end:
        assert end.code == code
    told = capsys.readouterr().err
    assert "no study" in told or "the number must" in told or "no manifest" in told


def test_a_closed_output_is_no_error():
    command = f"{sys.executable} -m langevin_sgd list models >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_stops_reading_is_no_error():
    command = f"{sys.executable} -m langevin_sgd list models | head -n 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("ls.potentials\n", "")


def point(number):
    return xr.Dataset(
        {"number": number, "failed": np.int8(0), "error": np.str_(""), "seed": np.uint64(1)}
    )


def test_merge_and_info_of_a_sweep(tmp_path, capsys):
    sweep_folder.settle(tmp_path, "sweep", {"grid": {"rate": [0.1, 0.2]}, "seed": "1"}, "test")
    sweep_folder.keep_point(point(1.0), tmp_path, 0)
    assert (
        main(["merge", str(tmp_path)]) == 1
        and "1 of 2 points are missing" in capsys.readouterr().err
    )
    sweep_folder.keep_point(point(2.0), tmp_path, 1)
    assert main(["merge", str(tmp_path)]) == 0 and main(["merge", str(tmp_path)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == second and "merged.nc, content" in first
    merged = ls.load(tmp_path / "merged.nc")
    assert merged.number.values.tolist() == [1, 2] and merged.rate.values.tolist() == [0.1, 0.2]
    assert main(["info", str(tmp_path)]) == 0 and main(["info", str(tmp_path / "merged.nc")]) == 0
    printed = capsys.readouterr().out
    assert (
        "2 of 2 points are finished" in printed
        and "(rate 2) float64" in printed
        and "numba_version" in printed
    )


@pytest.mark.parametrize("file", sorted(DATA.glob("*.nc")), ids=lambda file: file.name)
def test_every_committed_result_is_whole(file, capsys):
    assert main(["info", str(file)]) == 0
    assert "MB, content whole, as stated\n" in capsys.readouterr().out


def test_one_exit_code_for_what_is_damaged_or_missing(tmp_path, capsys):
    sweep_folder.keep_point(point(1.0), tmp_path, 0)
    good = sweep_folder.path_of(tmp_path, 0)
    damaged, unstated, cut = (tmp_path / name for name in ("damaged.nc", "unstated.nc", "cut.nc"))
    damaged.write_bytes(good.read_bytes().replace(np.float64(1).tobytes(), np.float64(2).tobytes()))
    ls.save(ls.load(good).drop_attrs(), unstated)
    cut.write_bytes(good.read_bytes()[:-50])
    told = {good: "content whole, as stated", unstated: "states no hash of its content"}
    for path, words in told.items():
        assert main(["info", str(path)]) == 0 and words in capsys.readouterr().out
    wrong = {
        ("info", damaged): "is damaged: its content is not the one that it states",
        ("info", cut): "cut short",
        ("info", tmp_path / "none.nc"): "there is no file",
        ("info", tmp_path): "there is no manifest",
        ("merge", tmp_path): "there is no manifest",
        ("merge", tmp_path / "none"): "there is no manifest",
        ("merge", tmp_path, "throughput"): "there is no manifest",
        ("resume", tmp_path): "there is no manifest",
    }
    for words, message in wrong.items():
        assert main(list(map(str, words))) == 1
        assert message in capsys.readouterr().err


def test_a_file_that_was_changed_and_saved_again_is_whole(tmp_path):
    sweep_folder.keep_point(point(1.0), tmp_path, 0)
    ls.save(ls.load(sweep_folder.path_of(tmp_path, 0)).assign(number=2.0), tmp_path / "new.nc")
    assert is_whole(ls.load(tmp_path / "new.nc"))


def test_the_merge_is_measured(capsys):
    assert main(["bench", "merge", "--points", "4"]) == 0
    printed = capsys.readouterr().out
    assert "4 points: written in" in printed and "manifest" in printed
