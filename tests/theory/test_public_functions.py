"""Every public function of the theory: its arguments are checked, and hostile ones are named."""

import inspect
import warnings

import numpy as np
import pytest
from valid_calls import VALID_CALLS
from valid_calls_linear import CALLS

from langevin_sgd import theory
from langevin_sgd.arguments import anything

FUNCTIONS = [name for name in theory.__all__ if not inspect.isclass(getattr(theory, name))]
# nan for what was not asked for, and the threshold without curvature, as the docstrings say
NOT_FINITE = {
    "temperature_conventions": {"dataset_size = None", "mean_gradient = None"},
    "stability_threshold": {"hessian = 0"},
}
NUMBERS = None, np.nan, np.inf, -1, 0, 1e300, 1e-300, True
HOSTILE = {str(value): value for value in NUMBERS} | {"text": "x", "10**9": 10**9, "2**63": 2**63}
HOSTILE |= {"empty": [], "ragged": [[1, 2], [3]], "vector": [0.1, 0.2, 0.3], "complex": 1j}
HOSTILE |= {"stack": np.full((2, 3, 3), 0.1), "long": np.full(10**6, 0.1), "function": abs}
HOSTILE |= {"huge": np.broadcast_to(0.1, (10**5, 10**5)), "object": object()}
HOSTILE |= {"date": np.array(["2026-01-01"], dtype="datetime64[D]")}
HOSTILE |= {"record": np.zeros(2, dtype=[("a", float), ("b", int)])}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_has_a_check(name):
    assert f"theory.{name}" in VALID_CALLS
    checks = getattr(theory, name).checks
    assert [argument for argument, check in checks.items() if check is anything] == []


def is_finite(result):
    if isinstance(result, tuple):
        return all(map(is_finite, result))
    return result is None or bool(np.isfinite(result).all())


def outcome(function, arguments, argument):
    """ "finite", "refused" by a message that names the argument, or what happened instead."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = function(**arguments)
    except (ValueError, TypeError) as error:
        return "refused" if argument in str(error) else f"{type(error).__name__}: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "finite" if is_finite(result) else f"not finite: {result!r}"[:200]


@pytest.mark.parametrize("name", [call.removeprefix("theory.") for call in CALLS])
def test_a_hostile_argument_gives_finite_numbers_or_is_named(name):
    function, make = getattr(theory, name), VALID_CALLS[f"theory.{name}"]
    assert outcome(function, make(), "") == "finite"
    wrong = {}
    for argument in make():
        for kind, value in HOSTILE.items():
            seen = outcome(function, make() | {argument: value}, argument)
            if seen not in ("finite", "refused"):
                wrong[f"{argument} = {kind}"] = seen
    assert wrong.keys() == NOT_FINITE.get(name, set()), wrong
