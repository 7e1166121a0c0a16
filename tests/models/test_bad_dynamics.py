"""Every parameter of every dynamics, out of its range: the message names it, its value and what is
allowed.
"""

import inspect
import re

import pytest

import langevin_sgd as ls

RANGES = {  # names: two values outside, and the range
    "learning_rate step_size mass max_norm epsilon": (-0.1, 0.0, "> 0"),
    "temperature friction weight_decay": (-0.1, -1.0, ">= 0"),
    "momentum beta1 beta2": (-0.1, 1.0, ">= 0 and < 1"),
    "batch_size substeps": (0, -3, ">= 1"),
}
RANGES = {name: row for names, row in RANGES.items() for name in names.split()}
CHOICES = {"nesterov", "method", "rate_inside"}
MAKERS = [getattr(ls.dynamics, name) for name in ls.dynamics.__all__ if name != "Dynamics"]
CASES = [(maker, name) for maker in MAKERS for name in inspect.signature(maker).parameters]


def valid(maker):
    parameters = inspect.signature(maker).parameters.items()
    return {name: 0.1 for name, each in parameters if each.default is each.empty}


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
    nan = "a whole number" if name in ("batch_size", "substeps") else allowed
    for value, wanted in [*((value, allowed) for value in outside), (float("nan"), nan)]:
        message = re.escape(f"{name} must be {wanted}, got {value!r}.")
        with pytest.raises((TypeError, ValueError), match=message):
            maker(**valid(maker) | {name: value})
    with pytest.raises(TypeError, match=rf"{name} must be a (whole )?number, got 'wrong'"):
        maker(**valid(maker) | {name: "wrong"})


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_docstrings_name_every_parameter(maker):
    for name in inspect.signature(maker).parameters:
        assert re.search(rf"\b{name}\b.* : ", inspect.getdoc(maker)), name
