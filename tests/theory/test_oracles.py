"""Walks through every oracle case of the theory: exact values, computed elsewhere, that the library
has to reproduce."""

from functools import cache

import numpy as np
import pytest
from _oracle_cases import CASES as ORACLES
from theory.oracle_cases_exact import CASES as EXACT
from theory.oracle_cases_laws import CASES as LAWS
from theory.oracle_cases_numerical import CASES as NUMERICAL

# group 15 holds known answers of random number generators, which belong to the kernels
CASES = {name: case for name, case in ORACLES.items() if not case["group"].startswith("15")}
FUNCTIONS = EXACT | LAWS | NUMERICAL


@cache
def computed(name):
    case = CASES[name]
    function = FUNCTIONS.get(name) or FUNCTIONS.get(case["group"])
    assert function is not None, f"no function is named for case {name} of {case['group']}"
    return function(case["inputs"])


def numbers(value):
    """The expected values without the text between them, which is commentary."""
    if isinstance(value, dict):
        inner = {key: numbers(entry) for key, entry in value.items() if not isinstance(entry, str)}
        return {key: entry for key, entry in inner.items() if entry != {}}
    return [numbers(entry) for entry in value] if isinstance(value, list) else value


def leaves(value, path=""):
    """path -> what stands there, in nested dicts and lists of dicts."""
    rows = isinstance(value, list) and value and isinstance(value[0], dict)
    if not rows and not isinstance(value, dict):
        return {path: value}
    found = {f"{path}/rows": len(value)} if rows else {}
    for key, entry in enumerate(value) if rows else value.items():
        found |= leaves(entry, f"{path}/{key}")
    return found


def disagreements(expected, actual, tolerance):
    """Paths at which the actual values miss the expected ones."""
    wrong, found = [], leaves(actual)
    for path, value in leaves(expected).items():
        if path not in found:
            wrong.append(f"{path} is missing")
            continue
        value, other = (np.asarray(each, dtype=float) for each in (value, found[path]))
        if value.shape != other.shape:
            wrong.append(f"{path} has shape {other.shape}, not {value.shape}")
            continue
        missed = ~(np.abs(other - value) <= tolerance["rtol"] * np.abs(value) + tolerance["atol"])
        if missed.any():
            wrong.append(f"{path}: {other[missed]} instead of {value[missed]}")
    return wrong


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
