"""Every parameter of every dynamics, out of its range: the message names it, its value and what is
allowed.
"""

import inspect
import re

import pytest

import langevin_sgd as ls

POSITIVE, NOT_NEGATIVE, FRACTION = (
    (-0.1, 0.0, "> 0"),
    (-0.1, -1.0, ">= 0"),
    (-0.1, 1.0, ">= 0 and < 1"),
)
RANGES = {  # two values outside, and the range
    "learning_rate": POSITIVE,
    "step_size": POSITIVE,
    "mass": POSITIVE,
    "max_norm": POSITIVE,
    "epsilon": POSITIVE,
    "temperature": NOT_NEGATIVE,
    "friction": NOT_NEGATIVE,
    "weight_decay": NOT_NEGATIVE,
    "momentum": FRACTION,
    "beta1": FRACTION,
    "beta2": FRACTION,
    "batch_size": (0, -3, ">= 1"),
    "substeps": (0, -3, ">= 1"),
}
CHOICES = {"nesterov", "method", "rate_inside"}
MAKERS = [getattr(ls.dynamics, name) for name in ls.dynamics.__all__ if name != "Dynamics"]
CASES = [(maker, name) for maker in MAKERS for name in inspect.signature(maker).parameters]


def valid(maker):
    needed = [
        name
        for name, p in inspect.signature(maker).parameters.items()
        if p.default is inspect.Parameter.empty
    ]
    return dict.fromkeys(needed, 0.1)


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_a_record_without_options_is_made(maker):
    assert maker(**valid(maker)).substeps >= 1


@pytest.mark.parametrize(
    ("maker", "name"), CASES, ids=lambda value: getattr(value, "__name__", value)
)
def test_out_of_range(maker, name):
    if name in CHOICES:
        with pytest.raises(ValueError, match=f"{name} must be one of .*, got 'wrong'"):
            maker(**valid(maker) | {name: "wrong"})
        return
    *outside, allowed = RANGES[name]
    for value in (*outside, float("nan")):
        error = TypeError if value != value and name in ("batch_size", "substeps") else ValueError
        message = (
            f"{name} must be a whole number, got nan"
            if error is TypeError
            else f"{name} must be {allowed}, got {value!r}."
        )
        with pytest.raises(error, match=re.escape(message)):
            maker(**valid(maker) | {name: value})
    with pytest.raises(TypeError, match=rf"{name} must be a (whole )?number, got 'wrong'"):
        maker(**valid(maker) | {name: "wrong"})


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_docstrings_name_every_parameter(maker):
    for name in inspect.signature(maker).parameters:
        assert re.search(rf"\b{name}\b.* : ", inspect.getdoc(maker)), name
