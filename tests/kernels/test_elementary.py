"""Elementary functions: ulp errors against mpmath, limits, and the same bits compiled, interpreted
and in lanes.

`python tests/kernels/test_elementary.py` prints one digest of the bits of all functions; it must
not depend on NUMBA_DISABLE_JIT or NUMBA_CPU_NAME. `pytest -s` on this file prints each function's
largest error in units in the last place (ulp)."""

import hashlib
import math
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import mpmath
import numba
import numpy as np
import pytest
from llvmlite.binding import get_host_cpu_features

import langevin_sgd
from langevin_sgd.kernels import elementary as el
from langevin_sgd.kernels.bits import JIT, OPTIONS, kernel
from langevin_sgd.kernels.lanes import WIDTH
from langevin_sgd.kernels.views import view

N = 640  # random points a set; the stated bounds were also met by 40,000
compiled_only = pytest.mark.skipif(not JIT, reason="thousands of interpreted evaluations")


@kernel
def sin_turn(u):
    return el.sincos_turn(u)[0]


@kernel
def cos_turn(u):
    return el.sincos_turn(u)[1]


@kernel
def fifth_power(x):
    return el.powi(x, 5)


def uniform(low, high):
    return np.random.default_rng(round(1000 * abs(low + high))).uniform(low, high, N)


def powers(low, high):
    """Numbers of both signs, uniform in the logarithm of their size."""
    size = np.exp(uniform(math.log(low), math.log(high)))
    return np.where(np.arange(N) % 2 == 0, size, -size)


def around(x):
    """x and its neighbours: points where the reduced argument is largest or jumps."""
    next_to_it = np.nextafter(x, -np.inf), np.nextafter(x, np.inf)
    return np.concatenate([x, *next_to_it, x * (1 + 1e-9), x * (1 - 1e-9)])


HALF_LN2 = around((np.arange(-60, 60) + 0.5) * math.log(2))
HALF_OCTAVES = around(np.ldexp(math.sqrt(0.5), np.arange(-60, 60)))
FAR = np.arange(10**8, 10**8 + 200)
EIGHTHS = around(np.concatenate([np.arange(-200, 200), FAR]) * (math.pi / 4))
ZEROS = np.round(uniform(-6e8, 6e8)) * (math.pi / 2)
ANGLES = [uniform(-4, 4), uniform(-1e5, 1e5), uniform(-(2.0**30), 2.0**30), powers(1e-300, 1)]
ANGLES = np.concatenate([*ANGLES, EIGHTHS, ZEROS])
MIDDLE = np.concatenate([uniform(-2, 2), uniform(-40, 40), powers(1e-300, 1), HALF_LN2])
POSITIVE = [uniform(0.6, 1.6), 1 + powers(1e-16, 0.3), abs(powers(1e-307, 1e308)), HALF_OCTAVES]
POSITIVE = np.concatenate(POSITIVE)
TURNS = np.concatenate([uniform(0, 1), np.arange(0, 64) / 64, abs(powers(1e-15, 0.5))])
NEAR_LIMITS = uniform(-708, 709.7), uniform(-745, -708)
NEAR_ONE = uniform(0.3, 1.1), uniform(-1, 0), uniform(36, 38), uniform(40, 709.7)
NEAR_ZERO = powers(1e-300, 0.4), uniform(-1, 1), uniform(0.41, 0.5), HALF_OCTAVES[20:120] - 1
WIDE = np.concatenate([MIDDLE, uniform(-700, 700)])

# function: (the same in mpmath, points of its domain, largest error in ulp)
CASES = {
    el.exp: (mpmath.exp, np.concatenate([MIDDLE, *NEAR_LIMITS]), 0.9),
    el.expm1: (mpmath.expm1, np.concatenate([MIDDLE, *NEAR_ONE]), 1.1),
    el.log: (mpmath.log, np.concatenate([POSITIVE, abs(powers(5e-324, 2e-308))]), 0.9),
    el.log_unit: (mpmath.log, POSITIVE, 0.9),
    el.log1p: (mpmath.log1p, np.concatenate([POSITIVE, *NEAR_ZERO]), 0.95),
    el.sin: (mpmath.sin, ANGLES, 1.1),
    el.cos: (mpmath.cos, ANGLES, 1.1),
    sin_turn: (lambda u: mpmath.sinpi(2 * u), TURNS, 1.05),
    cos_turn: (lambda u: mpmath.cospi(2 * u), TURNS, 1.05),
    el.tanh: (mpmath.tanh, np.concatenate([MIDDLE, powers(17, 20)]), 1.05),
    el.sigmoid: (lambda x: 1 / (1 + mpmath.exp(-x)), WIDE, 1.5),
    el.softplus: (lambda x: mpmath.log1p(mpmath.exp(x)), WIDE, 1.7),
    fifth_power: (lambda x: x**5, uniform(-3, 3), 3.0),
}
named = pytest.mark.parametrize("function", CASES, ids=lambda function: function.__name__)


@cache
def loops(function):
    """`function` over an array: one number after the other, and in lanes."""

    @numba.njit(**OPTIONS)
    def scalars(x, y):
        for i in range(x.size):
            y[i] = function(x[i])

    @numba.njit(**OPTIONS)
    def lanes(x, y):
        for i in range(0, x.size, WIDTH):
            view(y, i, 1)[0] = function(view(x, i, 1)[0])

    return scalars, lanes


def evaluate(function, x, in_lanes=False):
    x = np.asarray(x, dtype=np.float64)
    padded = np.resize(x, -(-x.size // WIDTH) * WIDTH)
    y = np.empty_like(padded)
    with np.errstate(all="ignore"):
        loops(function)[in_lanes](padded, y)
    return y[: x.size]


def error_in_ulp(values, function, x):
    """|value - exact| in units in the last place of the exact value."""
    exact, error = CASES[function][0], []
    with mpmath.workprec(160):
        for value, point in zip(values, x, strict=True):
            reference = exact(mpmath.mpf(float(point)))
            error.append(float(abs(float(value) - reference) / math.ulp(float(reference))))
    return np.array(error)


SPECIAL = [0.0, 1.0, 0.5, 5e-324, 1e-310, 2.2250738585072014e-308, 1e300, 745.14, 709.79, 37.5]
SPECIAL = np.array([*SPECIAL, 20.0, 2.0**30, np.inf, np.nan])


def digest(function, in_lanes=False):
    """SHA-256 of the bits of `function` at some 500 points, outside its domain too; every nan
    counts as the same.
    """
    domain = CASES[function][1]
    x = np.concatenate([SPECIAL, -SPECIAL, domain[:: domain.size // 240], powers(1e-5, 1e5)[:240]])
    y = evaluate(function, x, in_lanes)
    return hashlib.sha256(np.where(np.isnan(y), np.nan, y).tobytes()).hexdigest()


def digest_of_all():
    return hashlib.sha256("".join(map(digest, CASES)).encode()).hexdigest()


@compiled_only
@named
def test_error_is_within_the_stated_ulp(function):
    _, x, stated = CASES[function]
    error = error_in_ulp(evaluate(function, x), function, x)
    print(
        f"\n{function.__name__:12s} largest error {error.max():.3f} ulp of {x.size} points, at x "
        f"= {float(x[error.argmax()])!r}"
    )
    assert error.max() <= stated


@compiled_only
@named
def test_an_error_of_four_ulp_would_be_seen(function):
    """The twin: one value moved by four units in the last place."""
    _, x, stated = CASES[function]
    values = evaluate(function, x[:20])
    values[7] += 4 * np.spacing(values[7])
    assert error_in_ulp(values, function, x[:20]).max() > stated


@compiled_only
@named
def test_lanes_give_the_bits_of_scalars(function):
    assert digest(function, in_lanes=True) == digest(function)


@compiled_only
def test_interpreted_gives_the_bits_of_compiled():
    root = str(Path(langevin_sgd.__file__).parents[1])
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": root}
    said = subprocess.check_output([sys.executable, __file__], env=environment, text=True)
    assert said.strip() == digest_of_all()


INF, NAN = math.inf, math.nan
LIMITS = [
    (el.exp, {0.0: 1.0, INF: INF, -INF: 0.0, 709.79: INF, 1e300: INF, -745.2: 0.0}),
    (el.exp, {-745.1: 5e-324, -1e300: 0.0}),
    (el.expm1, {0.0: 0.0, INF: INF, -INF: -1.0, 1e300: INF, -1e300: -1.0, 5e-324: 5e-324}),
    (el.log, {1.0: 0.0, 0.0: -INF, -1.0: NAN, -5e-324: NAN, INF: INF, -INF: NAN}),
    (el.log, {5e-324: math.log(5e-324)}),
    (el.log1p, {0.0: 0.0, -1.0: -INF, -1.5: NAN, INF: INF, -INF: NAN, 5e-324: 5e-324}),
    (el.log1p, {1.7e308: math.log(1.7e308)}),
    (el.sin, {0.0: 0.0, INF: NAN, -INF: NAN, 2.0**31: NAN, 5e-324: 5e-324}),
    (el.cos, {0.0: 1.0, INF: NAN, -INF: NAN, 2.0**31: NAN}),
    (el.tanh, {0.0: 0.0, INF: 1.0, -INF: -1.0, 5e-324: 5e-324}),
    (el.sigmoid, {0.0: 0.5, INF: 1.0, -INF: 0.0, -800.0: 0.0}),
    (el.softplus, {INF: INF, -INF: 0.0, 1e300: 1e300, -800.0: 0.0}),
    (sin_turn, {0.0: 0.0, 0.25: 1.0, 0.5: 0.0, 0.75: -1.0}),
    (cos_turn, {0.0: 1.0, 0.25: 0.0, 0.5: -1.0, 0.75: 0.0}),
]
LIMIT_NAMES = [function.__name__ for function, _ in LIMITS]


@pytest.mark.interpreted
@pytest.mark.parametrize(("function", "limits"), LIMITS, ids=LIMIT_NAMES)
def test_limits(function, limits):
    x = np.array([*limits, NAN])
    np.testing.assert_array_equal(evaluate(function, x), [*limits.values(), NAN])


@compiled_only
def test_symmetries_hold_bit_for_bit():
    x = np.append(ANGLES, 0.0)
    for odd in (el.sin, el.tanh):
        assert evaluate(odd, -x).tobytes() == (-evaluate(odd, x)).tobytes()
    assert evaluate(el.cos, -x).tobytes() == evaluate(el.cos, x).tobytes()
    for keeps_zero in (el.expm1, el.log1p):
        assert np.signbit(evaluate(keeps_zero, [-0.0])[0])


RISING = [el.exp, el.expm1, el.log, el.log1p, el.tanh, el.sigmoid, el.softplus]


@compiled_only
@pytest.mark.parametrize("function", RISING, ids=lambda function: function.__name__)
def test_rises_across_the_points_where_the_reduction_jumps(function):
    """Steps of 1e-12 around every jump: far above the rounding, far below a wrong quadrant or
    exponent.
    """
    jumps = HALF_OCTAVES[:120] if function in (el.log, el.log1p) else HALF_LN2[40:80]
    x = np.sort((jumps[:, None] * (1 + 1e-12 * np.arange(-20, 21))).ravel())
    assert np.all(np.diff(evaluate(function, x)) >= 0)


@pytest.mark.skipif(
    not JIT or "+fma" not in get_host_cpu_features().flatten(),
    reason="needs compilation and a CPU with fma",
)
@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "sin", "cos", "tanh"])
def test_loops_run_on_vector_registers(name):
    """Speed itself is measured by `studies/throughput.py`; a text that does not vectorise has no
    packed arithmetic.
    """
    loop = loops(getattr(el, name))[0]
    loop(np.ones(4096), np.empty(4096))
    packed = re.findall(r"vfn?m(?:add|sub)\d+pd[^\n]*[yz]mm", "".join(loop.inspect_asm().values()))
    assert len(packed) >= 5


@compiled_only
def test_minimum_and_maximum_are_those_of_numpy():
    @numba.njit(**OPTIONS)
    def both(x, a, smaller, larger):
        for i in range(0, x.size, WIDTH):
            view(smaller, i, 1)[0] = el.minimum(view(x, i, 1)[0], a)
            view(larger, i, 1)[0] = el.maximum(a, view(x, i, 1)[0])

    x = np.resize([1.0, -2.0, 0.5, np.nan, np.inf, -np.inf], 16)
    for a in (0.5, np.nan):
        smaller, larger = np.empty(16), np.empty(16)
        both(x, a, smaller, larger)
        np.testing.assert_array_equal(smaller, np.minimum(x, a))
        np.testing.assert_array_equal(larger, np.maximum(x, a))


@pytest.mark.interpreted
@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 3, 7])
def test_powi_is_the_product_from_left_to_right(n):
    @numba.njit(**OPTIONS)
    def power(x, n):
        return el.powi(x, n)

    for x in (1.1, -0.7, 3.0):
        product = 1.0
        for _ in range(abs(n)):
            product *= x
        assert power(x, n) == (1 / product if n < 0 else product)


if __name__ == "__main__":
    print(digest_of_all())
