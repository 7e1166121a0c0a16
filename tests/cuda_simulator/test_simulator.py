"""One text everywhere: what kernels call on the CPU, called from kernels in numba's CUDA simulator,
gives the same bits.
"""

import json
import math
from pathlib import Path

import device_cases as cases
import numpy as np
import pytest
from naive_noise import normal_pair
from numba import cuda

from langevin_sgd.kernels import elementary as el
from langevin_sgd.kernels import rng, rng_integers
from langevin_sgd.models import dynamics, potentials

# The simulator's threads know nothing of np.errstate.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
THREADS = 32
CASES = json.loads((Path(__file__).parents[1] / "oracles_public.json").read_text())["cases"]
KNOWN = [
    [[int(word, 16) for word in case[part].split()] for part in ("ctr", "key", "out")]
    for case in next(case for case in CASES if case["id"] == "rng_kat")["expected"]["philox4x32_10"]
]
PLAIN = {el.exp: math.exp, el.log: math.log, el.sin: math.sin, el.tanh: math.tanh}
SPECIAL = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 5e-324, 709.7, -745.1]
X = np.concatenate([SPECIAL, np.random.default_rng(0).normal(size=22)])


def on_device(kernel, *arrays):
    """Run the kernel with one thread per entry of the last array; the arrays come back changed."""
    kernel[1, len(arrays[-1])](*arrays)
    return arrays[-1]


def assert_same_bits(found, expected):
    found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    assert np.all(np.isnan(found) == np.isnan(expected))
    number = ~np.isnan(expected)
    assert found[number].tobytes() == expected[number].tobytes()


@cuda.jit
def philox_kernel(counters, keys, out):
    i = cuda.grid(1)
    c, k = counters[i], keys[i]
    words = rng.philox(c[0], c[1], c[2], c[3], k[0], k[1])
    for n in range(4):
        out[i, n] = words[n]


def test_philox_gives_the_known_answers():
    counters, keys, words = (np.array(part, np.uint64) for part in zip(*KNOWN, strict=True))
    found = on_device(philox_kernel, counters, keys, np.zeros((3, 4), np.uint64))
    assert found.tolist() == words.tolist()


ADDRESS = tuple(np.uint64(number) for number in (2**63 + 5, 2**40 + 1, 2**33))


@cuda.jit
def normals_kernel(seed, step, particle, out):
    i = cuda.grid(1)
    words = rng.words_at(
        seed, step, particle + np.uint64(i), np.uint64(1), np.uint64(3), np.uint64(0)
    )
    out[i, 0], out[i, 1] = normal_pair(words[0], words[1], words[2], words[3])
    out[i, 2] = rng_integers.integer_at(
        seed, step, particle, np.uint64(3), np.uint64(i), np.uint64(3 * 2**29)
    )


def test_random_numbers_are_those_of_the_interpreted_text():
    seed, step, particle = ADDRESS
    expected = np.zeros((THREADS, 3))
    found = on_device(normals_kernel, *ADDRESS, np.zeros_like(expected))
    for i in range(THREADS):
        words = rng.words_at(seed, step, particle + np.uint64(i), *np.array([1, 3, 0], np.uint64))
        integer = rng_integers.integer_at(
            seed, step, particle, *np.array([3, i, 3 * 2**29], np.uint64)
        )
        expected[i] = *normal_pair(*words), integer
    assert_same_bits(found, expected)
    assert len(np.unique(found)) == found.size
    assert abs(found[:, :2].mean()) < 4 / np.sqrt(2 * THREADS)


def kernel_of(function):
    @cuda.jit
    def kernel(x, out):
        i = cuda.grid(1)
        out[i] = function(x[i])

    return kernel


@pytest.mark.parametrize("function", cases.FUNCTIONS, ids=lambda function: function.__name__)
def test_an_elementary_function_is_the_interpreted_text(function):
    assert_same_bits(on_device(kernel_of(function), X, np.zeros(X.size)), [function(x) for x in X])
    if function in PLAIN:  # an anchor outside the package
        normal = X[len(SPECIAL) :] if function is not el.log else abs(X[len(SPECIAL) :])
        values = on_device(kernel_of(function), normal, np.zeros(normal.size))
        np.testing.assert_allclose(values, [PLAIN[function](x) for x in normal], rtol=1e-15)


@cuda.jit
def more_kernel(x, out):
    i = cuda.grid(1)
    a, b = x[i], x[(i + 1) % x.size]
    out[i, 0] = el.fma(a, b, a)
    out[i, 1] = el.where(a > b, a, b)
    out[i, 2] = el.minimum(a, b)
    out[i, 3] = el.maximum(a, b)
    out[i, 4] = el.powi(a, -3)
    out[i, 5], out[i, 6] = el.sincos(a)
    out[i, 7], out[i, 8] = el.sincos_turn(el.sigmoid(a) * 0.5)


def test_the_other_functions_are_the_interpreted_text():
    expected = []
    for a, b in zip(X, np.roll(X, -1), strict=True):
        pair = el.fma(a, b, a), el.where(a > b, a, b), el.minimum(a, b), el.maximum(a, b)
        expected.append(
            [*pair, el.powi(a, -3), *el.sincos(a), *el.sincos_turn(el.sigmoid(a) * 0.5)]
        )
    assert_same_bits(on_device(more_kernel, X, np.zeros((X.size, 9))), expected)


def test_a_step_of_sgd_in_a_double_well_is_the_interpreted_one():
    """The texts of a model and a dynamics on rows of device arrays; the hand-written formula is the
    anchor.
    """
    well = potentials.double_well(2, 0.5, 2.0, coupling=0.5, tilt=0.1)
    step = dynamics.sgd(0.1, momentum=0.9)
    gradient, update, p, q = well.gradient, step.update, well.params, step.params

    @cuda.jit
    def kernel(x, v, g, xi, out):
        i = cuda.grid(1)
        gradient(p, x[i], g[i])
        update(q, x[i], v[i], g[i], xi[i], xi[i])
        for k in range(2):
            out[i, k], out[i, 2 + k] = x[i, k], v[i, k]

    start, v, xi = np.random.default_rng(1).normal(size=(3, THREADS, 2))
    room, out = np.zeros((THREADS, 2)), np.zeros((THREADS, 4))
    found = on_device(kernel, start.copy(), v.copy(), room, xi, out)
    expected = np.zeros((THREADS, 4))
    for i in range(THREADS):
        x, memory, g = start[i].copy(), v[i].copy(), np.zeros(2)
        gradient(p, x, g)
        update(q, x, memory, g, xi[i], xi[i])
        expected[i] = *x, *memory
    assert_same_bits(found, expected)
    pull = 2.0 * (start[:, 1] - 0.5 * start[:, 0])
    slope = np.stack([2.0 * start[:, 0] * (start[:, 0] ** 2 - 1) + 0.1 - 0.5 * pull, pull], axis=1)
    velocity = 0.9 * v + 0.1 * (slope + xi)
    exact = np.concatenate([start - velocity, velocity], axis=1)
    np.testing.assert_allclose(found, exact, rtol=1e-12, atol=1e-14)
