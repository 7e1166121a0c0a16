"""Fingerprints: the same for the same thing in another process, another for another thing."""

import functools
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import langevin_sgd as ls
from langevin_sgd.storage.fingerprint import fingerprint


def helper(x):
    return x + 1


def calls_helper(x):
    return helper(x)


def closing_over(value):
    return lambda x: x * value


def test_functions_count_by_what_they_do():
    assert (
        fingerprint(closing_over(2)) == fingerprint(closing_over(2)) != fingerprint(closing_over(3))
    )
    assert (
        fingerprint(lambda x: x + 1)["sha256"]
        == fingerprint(lambda x: x + 1)["sha256"]
        != fingerprint(lambda x: x + 2)["sha256"]
    )
    assert fingerprint(lambda x, y=1: x)["sha256"] != fingerprint(lambda x, y=2: x)["sha256"]
    assert fingerprint(functools.partial(helper, 1)) != fingerprint(functools.partial(helper, 2))


def test_a_helper_counts(monkeypatch):
    before = fingerprint(calls_helper)
    monkeypatch.setitem(globals(), "helper", lambda x: x + 2)
    assert fingerprint(calls_helper) != before


def test_comments_do_not_count():
    texts = ["def f(x):\n    return x", "# why\ndef f(x):\n\n    # how\n    return x"]
    found = []
    for text in texts:
        scope = {}
        exec(text, scope)
        found.append(fingerprint(scope["f"]))
    assert found[0] == found[1]


def test_records_and_arrays():
    assert (
        fingerprint(ls.dynamics.sgd(0.1))
        == fingerprint(ls.dynamics.sgd(0.1))
        != fingerprint(ls.dynamics.sgd(0.2))
    )
    decay = ls.schedules.from_values([0.2, 0.1])
    assert fingerprint(ls.dynamics.sgd(decay)) != fingerprint(
        ls.dynamics.sgd(ls.schedules.from_values([0.2, 0.05]))
    )
    long = np.arange(100.0)
    assert (
        fingerprint(long) == fingerprint(xr.DataArray(long)) != fingerprint(long + 1)
        and len(fingerprint(long)["sha256"]) == 64
    )
    assert fingerprint([np.float64(1), (2, "a"), {"b": None}]) == [1.0, [2, "a"], {"b": None}]


def test_what_cannot_be_written_down_is_refused():
    with pytest.raises(
        TypeError,
        match="<object object .* of type object cannot be written into a manifest; give numbers",
    ):
        fingerprint({"a": object()})


def test_another_process_finds_the_same():
    """Python's own hashes of text differ from process to process."""
    text = "import langevin_sgd as ls; from langevin_sgd.storage.fingerprint import *; print(fingerprint({}))"
    made = "ls.dynamics.underdamped_langevin(1.0, 1.0, 0.1)"
    done = subprocess.run(
        [sys.executable, "-c", text.format(made)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(fingerprint(ls.dynamics.underdamped_langevin(1.0, 1.0, 0.1)))
