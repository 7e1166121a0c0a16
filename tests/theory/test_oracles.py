"""Walks through every oracle case of the theory: exact values, computed elsewhere, that the library
has to reproduce."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from theory.oracle_cases_exact import CASES as EXACT
from theory.oracle_cases_laws import CASES as LAWS
from theory.oracle_cases_numerical import CASES as NUMERICAL

ORACLES = json.loads((Path(__file__).parents[1] / "oracles_public.json").read_text())["cases"]
# group 15 holds known answers of random number generators, which belong to the kernels
CASES = {case["id"]: case for case in ORACLES if not case["group"].startswith("15")}
FUNCTIONS = EXACT | LAWS | NUMERICAL


@cache
def computed(name):
    case = CASES[name]
    function = FUNCTIONS.get(name) or FUNCTIONS.get(case["group"])
    assert function is not None, (
        f"no theory function is named for case {name} of group {case['group']}"
    )
    return function(case["inputs"])


def numbers(value):
    """The expected values without the text between them, which is commentary."""
    if isinstance(value, dict):
        inner = {key: numbers(entry) for key, entry in value.items() if not isinstance(entry, str)}
        return {key: entry for key, entry in inner.items() if entry != {}}
    return [numbers(entry) for entry in value] if isinstance(value, list) else value


def disagreements(expected, actual, tolerance, path=""):
    """Paths at which the actual values miss the expected ones."""
    if isinstance(expected, dict):
        missing = [f"{path}/{key} is missing" for key in expected if key not in actual]
        present = [key for key in expected if key in actual]
        return missing + sum(
            (
                disagreements(expected[key], actual[key], tolerance, f"{path}/{key}")
                for key in present
            ),
            [],
        )
    if isinstance(expected, list) and expected and isinstance(expected[0], dict):
        rows = zip(expected, actual, strict=True)
        return sum(
            (
                disagreements(row, other, tolerance, f"{path}[{i}]")
                for i, (row, other) in enumerate(rows)
            ),
            [],
        )
    expected, actual = np.asarray(expected, dtype=float), np.asarray(actual, dtype=float)
    if expected.shape != actual.shape:
        return [f"{path} has shape {actual.shape}, not {expected.shape}"]
    allowed = tolerance["rtol"] * np.abs(expected) + tolerance["atol"]
    wrong = ~(np.abs(actual - expected) <= allowed)
    return [f"{path}: {actual[wrong]} instead of {expected[wrong]}"] if wrong.any() else []


def doubled(value):
    if isinstance(value, dict):
        return {key: doubled(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [doubled(inner) for inner in value]
    return 2 * value


@pytest.mark.parametrize("name", CASES)
def test_theory_reproduces_the_oracle(name):
    case = CASES[name]
    assert not disagreements(numbers(case["expected"]), computed(name), case["tolerance"])


@pytest.mark.parametrize("name", CASES)
def test_a_factor_of_two_would_be_seen_in_every_quantity(name):
    """The twin: twice each quantity that is not zero within the tolerance must be found wrong, one
    by one."""
    tolerance = CASES[name]["tolerance"]
    for key, value in numbers(CASES[name]["expected"]).items():
        if disagreements(value, doubled(value), tolerance):
            assert disagreements(doubled(value), computed(name)[key], tolerance), (
                f"twice {key} would pass"
            )
