"""Texts that are refused: each message names the text, shows the user's line and says what to write
instead.
"""

import math
import types

import numba
import numpy as np
import pytest
from machine_code import llvm_of
from users_functions import P, fast_is_nan, place_of

from langevin_sgd.kernels import elementary
from langevin_sgd.kernels.bits import JIT
from langevin_sgd.kernels.compiling import for_lanes
from langevin_sgd.kernels.rules import check_function
from langevin_sgd.kernels.views import view_type

compiled_only = pytest.mark.skipif(not JIT, reason="is about compilation")


def by_name(p, x, out):
    out[0] = fast_is_nan(x[0]) + elementary.tanh(x[0])


helpers = types.ModuleType("helpers")
helpers.fast_is_nan, helpers.scale = fast_is_nan, 2.0


def through_a_module(p, x, out):
    out[0] = helpers.fast_is_nan(x[0])


def only_numbers_of_a_module(p, x, out):
    out[0] = helpers.scale * x[0] + math.pi


@compiled_only
def test_a_helper_reached_through_a_module_is_compiled_with_the_engines_flags():
    fast_is_nan.compile((numba.float64,))
    kinds = numba.typeof(P), view_type(2), view_type(2)
    for function in (through_a_module, by_name, only_numbers_of_a_module):
        run, path = for_lanes(function, "gradient of 'mine'", kinds)
        assert path == "lanes"
        assert " fast " not in llvm_of(run)
    assert " fast " in llvm_of(fast_is_nan)  # the twin


def with_a_power(p, x, out):
    y = x[0]
    out[0] = 3.0 * y**2


def with_a_power_in_place(p, x, out):
    y = x[0]
    y **= 2
    out[0] = y


def cube(y):
    return y**3


def with_a_power_in_a_helper(p, x, out):
    out[0] = cube(x[0])


@pytest.mark.interpreted
@pytest.mark.parametrize(
    ("text", "line_of", "line"),
    [
        (with_a_power, with_a_power, "3.0 * y**2"),
        (numba.njit(with_a_power), with_a_power, "3.0 * y**2"),
        (with_a_power_in_place, with_a_power_in_place, "y **= 2"),
        (with_a_power_in_a_helper, cube, "return y**3"),
    ],
    ids=["plain", "njit", "in place", "helper"],
)
def test_a_power_is_refused_with_its_line(text, line_of, line):
    with pytest.raises(
        ValueError, match="gradient of 'mine' uses \\*\\*. Write x\\*x, or elementary.powi"
    ) as error:
        check_function(text, "gradient of 'mine'")
    assert str(error.value).endswith(place_of(line_of, line))


def halved(y, n):
    return y if n == 0 else 0.5 * halved(y, n - 1)


def recursive(p, x, out):
    out[0] = halved(x[0], 3)


@pytest.mark.interpreted
def test_recursion_is_refused():
    with pytest.raises(ValueError, match="gradient of 'mine' calls itself through halved()"):
        check_function(recursive, "gradient of 'mine'")


@pytest.mark.interpreted
@pytest.mark.parametrize("text", [3.0, "x*x", np.sin, len])
def test_what_is_no_python_function_is_refused(text):
    with pytest.raises(TypeError, match="gradient of 'mine' must be a plain Python function"):
        check_function(text, "gradient of 'mine'")


def with_a_slice(p, x, out):
    out[0] = 1.0
    out[1] = x[:1][0]


def with_numpy(p, x, out):
    y = 2.0
    out[0] = y * np.sum(x)


def with_a_wrong_parameter(p, x, out):
    out[0] = p.a * x[0]
    out[1] = p.b * x[1]


def with_a_wrong_type(p, x, out):
    out[0] = x[0] + "one"


def worse_helper(y):
    return y.upper()


def with_a_wrong_helper(p, x, out):
    out[0] = worse_helper(x[0])


@compiled_only
@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (with_a_slice, "out[1] = x[:1][0]", "getitem(column(2, float64), slice"),
        (with_numpy, "y * np.sum(x)", "sum(column"),
        (with_a_wrong_parameter, "p.b * x[1]", "Unknown attribute 'b'"),
        (with_a_wrong_type, 'x[0] + "one"', "add(float64, "),
        (with_a_wrong_helper, "worse_helper(x[0])", "'upper'"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_text_that_does_not_compile_is_shown_by_its_line(text, line, reason):
    with pytest.raises(TypeError) as error:
        for_lanes(text, "gradient of 'mine'", (numba.typeof(P), view_type(2), view_type(2)))
    message = str(error.value)
    assert message.startswith("gradient of 'mine' does not compile.\n")
    assert place_of(text, line) in message and reason in message
    assert len(message.splitlines()) < 12
    # Numba's eighty lines stay out of the traceback.
    assert error.value.__cause__ is None and error.value.__suppress_context__
