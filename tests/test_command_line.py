"""The command line."""

import inspect

import pytest

import langevin_sgd as ls
from langevin_sgd.__main__ import CATALOGUE, entries, main


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
    assert not {"Potential", "check_gradient", "symmetric_matrix", "number"} & set(entries(ls.potentials))


def test_unknown_command_is_refused():
    with pytest.raises(SystemExit):
        main(["list", "stars"])
