"""One thread, one particle: the kernels that a CUDA driver is made of, built from the very texts
that the CPU compiles for lanes.

Here one text at many points, and random numbers. Each builder takes a text and returns a Python
function of plain arrays, for `cuda.jit` in the simulator and for the PTX tests."""

import numpy as np
from numba import cuda, float64

from langevin_sgd.kernels.bits import kernel
from langevin_sgd.kernels.compiling import compiled
from langevin_sgd.kernels.permutation import permutation_at
from langevin_sgd.kernels.rng import Stream, integer_at, normal_pair, uniform, words_at

NOISE_NORMAL, NOISE_UNIFORM = np.uint64(Stream.NOISE_NORMAL), np.uint64(Stream.NOISE_UNIFORM)
BATCH, PERMUTATION, ZERO = np.uint64(Stream.BATCH), np.uint64(Stream.PERMUTATION), np.uint64(0)


@kernel
def fill_normals(z, first, count, address, stream, number):
    """`count` normals from z[first] on: those of draw number * pairs and of those behind it."""
    seed, step, particle = address
    pairs = (count + 1) // 2
    for pair in range(pairs):
        a, b, c, d = words_at(seed, step, particle, stream, np.uint64(number * pairs + pair), ZERO)
        left, right = normal_pair(a, b, c, d)
        z[first + 2 * pair] = left
        if 2 * pair + 1 < count:
            z[first + 2 * pair + 1] = right


@kernel
def fill_uniforms(z, first, count, address, stream, number):
    """Like `fill_normals`, with uniform numbers."""
    seed, step, particle = address
    pairs = (count + 1) // 2
    for pair in range(pairs):
        a, b, c, d = words_at(seed, step, particle, stream, np.uint64(number * pairs + pair), ZERO)
        z[first + 2 * pair] = uniform(a, b)
        if 2 * pair + 1 < count:
            z[first + 2 * pair + 1] = uniform(c, d)


# ---- one text at many points ---------------------------------------------------------------------


def number_kernel(text):
    """out[i, 0] = text(p, x): an energy."""
    text = compiled(text)

    def run(p, x, out):
        i = cuda.grid(1)
        if i < x.shape[0]:
            out[i, 0] = text(p, x[i])

    return run


def vector_kernel(text, size):
    """out[i] = the numbers that text(p, x, out) writes, of which it may use `size`: a gradient, a
    Hessian, a drift.
    """
    text = compiled(text)

    def run(p, x, out):
        i = cuda.grid(1)
        if i < x.shape[0]:
            numbers = cuda.local.array(size, float64)
            text(p, x[i], numbers)
            for k in range(out.shape[1]):
                out[i, k] = numbers[k]

    return run


def mean_number_kernel(text):
    """out[i, 0] = the mean of text(p, x, row) over the table: an `example_loss`."""
    text = compiled(text)

    def run(p, x, table, out):
        i = cuda.grid(1)
        if i < x.shape[0]:
            total = 0.0
            for row in range(table.shape[0]):
                total += text(p, x[i], table[row])
            out[i, 0] = total * (1.0 / table.shape[0])

    return run


def mean_vector_kernel(text, size):
    """out[i] = the mean of what text(p, x, row, out) writes over the table."""
    text = compiled(text)

    def run(p, x, table, out):
        i = cuda.grid(1)
        if i < x.shape[0]:
            one = cuda.local.array(size, float64)
            for k in range(out.shape[1]):
                out[i, k] = 0.0
            for row in range(table.shape[0]):
                text(p, x[i], table[row], one)
                for k in range(out.shape[1]):
                    out[i, k] += one[k]
            for k in range(out.shape[1]):
                out[i, k] *= 1.0 / table.shape[0]

    return run


# ---- random numbers ------------------------------------------------------------------------------


def normals_kernel(seed, step, below, out):
    """out[i] = normals of particle i."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        fill_normals(out[i], 0, out.shape[1], (seed, step, np.uint64(i)), NOISE_NORMAL, 0)


def uniforms_kernel(seed, step, below, out):
    """out[i] = uniform numbers of particle i."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        fill_uniforms(out[i], 0, out.shape[1], (seed, step, np.uint64(i)), NOISE_UNIFORM, 0)


def integers_kernel(seed, step, below, out):
    """out[i] = integers in [0, below) of particle i."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        for number in range(out.shape[1]):
            out[i, number] = integer_at(seed, step, np.uint64(i), BATCH, np.uint64(number), below)


def permutation_kernel(seed, step, below, out):
    """out[i] = the first things in the order of particle i."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        for number in range(out.shape[1]):
            out[i, number] = permutation_at(
                seed, step, np.uint64(i), PERMUTATION, np.uint64(number), below
            )
