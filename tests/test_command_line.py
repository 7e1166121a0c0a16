"""The command line."""

import inspect
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import langevin_sgd as ls
from langevin_sgd.__main__ import CATALOGUE, entries, main
from langevin_sgd.storage import points


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


def test_unknown_command_is_refused():
    with pytest.raises(SystemExit):
        main(["list", "stars"])


def test_every_study_is_listed_with_its_question(capsys, monkeypatch):
    assert main(["list", "studies"]) == 0
    printed = capsys.readouterr().out
    assert (
        "boltzmann_departure       Does SGD end in Boltzmann's distribution?" in printed
        and "_runner" not in printed
    )
    monkeypatch.setattr("langevin_sgd.__main__.study_folders", lambda: [Path("nowhere")])
    assert (
        main(["list", "studies"]) == 0
        and "no studies: they come with the source tree" in capsys.readouterr().out
    )


def test_a_study_that_is_not_there(capsys):
    assert main(["run", "stars"]) == 2
    assert "there is no study 'stars' in studies and" in capsys.readouterr().err


def point(number):
    return xr.Dataset(
        {"number": number, "failed": np.int8(0), "error": np.str_(""), "seed": np.uint64(1)}
    )


def test_merge_and_info_of_a_sweep(tmp_path, capsys):
    points.settle(tmp_path, {"grid": {"rate": [0.1, 0.2]}, "seed": "1"}, "test")
    points.keep(point(1.0), tmp_path, 0)
    assert (
        main(["merge", str(tmp_path)]) == 1
        and "1 of 2 points are missing" in capsys.readouterr().err
    )
    points.keep(point(2.0), tmp_path, 1)
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


def test_info_tells_damage_and_what_is_no_result(tmp_path, capsys):
    good, bad = tmp_path / "good.nc", tmp_path / "bad.nc"
    points.keep(point(1.0), tmp_path, 0)
    points.path_of(tmp_path, 0).rename(good)
    ls.save(ls.load(good).assign(number=2.0), bad)
    assert main(["info", str(good)]) == 0 and "content as stated" in capsys.readouterr().out
    assert (
        main(["info", str(bad)]) == 0
        and "content NOT AS STATED: damaged" in capsys.readouterr().out
    )
    assert (
        main(["info", str(tmp_path / "none.nc")]) == 1
        and "there is no file" in capsys.readouterr().err
    )
    assert (
        main(["merge", str(tmp_path)]) == 2
        and "holds neither a sweep nor" in capsys.readouterr().err
    )


def test_the_merge_is_measured(capsys):
    assert main(["bench", "merge", "--points", "4"]) == 0
    printed = capsys.readouterr().out
    assert "4 points: written in" in printed and "manifest" in printed
