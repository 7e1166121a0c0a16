"""A fuzzer of the public functions: one argument of a valid call becomes something else.

Run:  python tests/fuzz.py [calls] [seed] [part of a name]      prints what is not as it should be;
      with "command" for the part, words of command lines are changed (see fuzz_commands.py).

A call may end in a finite result, or in an exception of ours that names the argument. Anything else
is a fault: a raw error of Python or NumPy, a result that is not finite without a word, ten seconds
without an answer.
"""

import dataclasses
import inspect
import os
import re
import sys
import tempfile
import time
import warnings
from collections import Counter
from typing import NamedTuple

import matplotlib
import numpy as np
import xarray as xr

matplotlib.use("Agg")

import fuzz_commands
import valid_calls
import valid_core_calls
from fuzz_commands import TooLong, limited

import langevin_sgd as ls
from langevin_sgd.arguments import shown

SECONDS = 10
LONG_BY_RIGHT = {"steps", "max_steps", "chunk_steps"}  # a run of 10^9 steps is what was asked for
OURS = (TypeError, ValueError)
FINITE, REFUSED = "finite", "refused by name"
FAULTS = ("raw error", "refused without the name", "not finite", "too long")


class Outcome(NamedTuple):
    """What became of a call."""

    kind: str
    call: str
    argument: str
    value: str
    message: str


class Strange:
    """An object that is nothing anybody expects."""

    def __repr__(self):
        raise RuntimeError("no repr")


def replacements():
    """What an argument is replaced with: each entry makes a fresh value."""
    plain = [None, "x", "", True, 0, -1, 1, 2, 3.5, -0.5, 1e300, -1e300, 1e-300, 10**9, 2**63]
    plain += [10**400, float("nan"), float("inf"), 1j, b"x", [], (), {}, {"a": 1}, [[1, 2], [3]]]
    plain += [[1.0, 2.0], [[1.0, 0.5], [0.5, 1.0]], [[1.0, 2.0], [3.0, 4.0]], [-1.0, 1.0], ["a"]]
    made = [
        lambda: np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[D]"),
        lambda: np.zeros((0, 3)),
        lambda: np.full((3, 3), np.nan),
        lambda: np.ones((2, 2, 2, 2)),
        lambda: np.arange(100_000.0),
        lambda: np.array([None, 1.0], dtype=object),
        lambda: np.ma.masked_array([1.0, 2.0], [True, False]),
        lambda: np.float32(0.5),
        lambda: np.int8(3),
        lambda: np.array(0.3),
        lambda: np.timedelta64(3, "D"),
        Strange,
        lambda: Strange,
        lambda: len,
        lambda: ls.potentials.quadratic([1.0, 2.0]),
        lambda: ls.losses.linear_regression(np.eye(2), [1.0, 2.0]),
        lambda: ls.noise.gaussian([1.0]),
        lambda: ls.dynamics.sgd(0.1),
        lambda: ls.schedules.constant(0.1),
        lambda: ls.reducers.moments(),
        lambda: xr.Dataset({"x": ("a", [1.0, 2.0])}),
        lambda: xr.DataArray([1.0, 2.0]),
        valid_core_calls.small_run,
    ]
    return [*(lambda value=value: value for value in plain), *made]


def calls():
    """Name of a public function -> a function that makes valid arguments."""
    return {**valid_core_calls.CALLS, **valid_calls.VALID_CALLS}


MODULES = ["theory", "analysis", "plots", "potentials", "losses", "noise"]
MODULES += ["dynamics", "schedules", "reducers"]
# Called by others before they see an argument, or without arguments.
NOT_CALLED = {"potentials.check_gradient", "plots.style", "noise.table_gaussian"}
NOT_CALLED |= {
    f"potentials.{name}" for name in ("label_noise_valley", "mueller_brown", "zhu_bowls")
}


def functions():
    """The names of all public functions."""
    public_names = [*ls.__all__, *(f"{part}.{one}" for part in MODULES for one in names_in(part))]
    return {name for name in public_names if inspect.isfunction(public(name))}


def names_in(module):
    """What a module offers."""
    return getattr(ls, module).__all__


def called(function, arguments):
    """Call a function by the names of its arguments, also of those that it takes by place."""
    parameters = inspect.signature(function).parameters.values()
    places = [one.name for one in parameters if one.kind is one.POSITIONAL_ONLY]
    rest = {name: value for name, value in arguments.items() if name not in places}
    return function(*(arguments[name] for name in places), **rest)


def public(name):
    """The function that a name of `calls` stands for."""
    found = ls
    for part in name.split("."):
        found = getattr(found, part)
    return found


def numbers_in(value, depth=0):
    """The floats in a result, however it is nested."""
    if isinstance(value, xr.Dataset):
        value = [variable.values for variable in value.variables.values()]
    elif isinstance(value, xr.DataArray):
        value = value.values
    elif isinstance(value, dict):
        value = list(value.values())
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = list(vars(value).values())
    if isinstance(value, np.ndarray):
        return value.ravel() if value.dtype.kind in "fc" else np.zeros(0)
    if isinstance(value, (float, complex, np.floating)):
        return np.array([value])
    if isinstance(value, (list, tuple)) and depth < 5:
        return np.concatenate([np.zeros(0), *(numbers_in(part, depth + 1) for part in value)])
    return np.zeros(0)


def names(message, argument):
    """Whether a message speaks of an argument: by its name, in the singular or the plural."""
    return re.search(rf"\b{re.escape(argument.rstrip('s'))}", message) is not None


def tried(name, arguments, argument, value):
    """The outcome of a call whose `argument` is replaced by `value`."""
    text = shown(value)[:60]
    try:
        with limited(SECONDS), warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            result = called(public(name), {**arguments, argument: value})
        message = " ".join(str(warning.message) for warning in told)
        found = numbers_in(result)
        is_said = "infinite" in (public(name).__doc__ or "").lower()
        is_finite = not np.any(np.isnan(found) if is_said else ~np.isfinite(found))
        raw = any("numpy" in str(w.filename) or w.category is RuntimeWarning for w in told)
        kind = FINITE if is_finite or (told and not raw) else "not finite"
    except TooLong:
        kind, message = "too long", f"more than {SECONDS} s"
    except (*OURS, OSError) as error:  # of files: the path is named
        message = f"{type(error).__name__}: {error}"
        is_named = names(message, argument) or isinstance(error, OSError) and text[1:-1] in message
        kind = REFUSED if is_named else "refused without the name"
    except Exception as error:  # whatever it is, it is a fault, and is listed
        kind, message = "raw error", f"{type(error).__name__}: {error}"
    return Outcome(kind, name, argument, text, message[:300])


def fuzzed(count, seed, part=""):
    """Outcomes of `count` calls, drawn with numpy's generator from `seed`."""
    random, table = np.random.default_rng(seed), replacements()
    chosen = sorted(name for name in calls() if part in name)
    outcomes, before = [], os.getcwd()
    with tempfile.TemporaryDirectory() as folder:  # for a path such as "x"
        os.chdir(folder)
        try:
            for _ in range(count):
                name = chosen[random.integers(len(chosen))]
                arguments = calls()[name]()
                argument = sorted(arguments)[random.integers(len(arguments))]
                value = table[random.integers(len(table))]()
                if argument in LONG_BY_RIGHT and isinstance(value, int) and value > 10**6:
                    continue
                outcomes.append(tried(name, arguments, argument, value))
        finally:
            os.chdir(before)
    return outcomes


def main(count=500, seed=0, part=""):
    """Print the faults, and how often each kind of outcome was seen; exit code 1 above 1 %."""
    begun = time.perf_counter()
    if part == "command":
        outcomes = fuzz_commands.fuzzed_commands(int(count), int(seed))
    else:
        outcomes = fuzzed(int(count), int(seed), part)
    for outcome in sorted(outcomes):
        if outcome.kind in FAULTS:
            print(" | ".join(outcome))
    print(Counter(outcome.kind for outcome in outcomes), f"{time.perf_counter() - begun:.1f} s")
    return sum(outcome.kind in FAULTS for outcome in outcomes) > 0.01 * len(outcomes)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
