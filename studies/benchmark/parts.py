"""Where the time of a step goes: each part alone, in a loop over one block of particles, compiled
from the package's own texts.

The block has as many particles as the engine takes in two dimensions and stays in the cache. The
fill is the function that the engine calls. The parts do not add up to the step: the engine keeps
numbers in registers that a part alone must load and store."""

import math
import re

import numba
import numpy as np

from benchmark.clock import best_seconds
from langevin_sgd.kernels import elementary, rng
from langevin_sgd.kernels.bits import OPTIONS, all_lanes, fma, kernel
from langevin_sgd.kernels.compiling import for_lanes
from langevin_sgd.kernels.lanes import WIDTH
from langevin_sgd.kernels.rng import Address, Places, Stream, lane_numbers
from langevin_sgd.kernels.views import empty_groups, flat, store_words, view, view_type
from langevin_sgd.models.forces import Draws

BLOCK = 512
GROUPS = BLOCK // WIDTH
FUNCTIONS = ("exp", "expm1", "log", "log1p", "sin", "cos", "tanh")
REGISTERS = ("zmm", "ymm", "xmm")  # 512, 256 and 128 bits (the last also for single numbers)
_SEED, _STREAM, _ZERO = np.uint64(1), np.uint64(Stream.NOISE_NORMAL), np.uint64(0)


def repeated(body):
    """Compiled loop(arrays, p, groups, repeats) around the kernel body(arrays, p, groups, step),
    whose arrays are flat.

    The number of groups is no constant, as in the engine, so that the instructions of a loop are
    those of one or a few groups."""

    @numba.njit(**OPTIONS)
    def loop(arrays, p, groups, repeats):
        x, g, xi, z, words = arrays
        flats = flat(x), flat(g), flat(xi), flat(z), flat(words)
        for step in range(repeats):
            body(flats, p, groups, step)

    return loop


def random_parts(dim):
    """name -> kernel: the normals of a step, and the words alone that they are made of."""

    @kernel
    def fill(arrays, p, groups, step):
        rng.fill_normals(
            arrays[3],
            Places(0, dim * WIDTH, dim, groups),
            Address(_SEED, np.uint64(step), _ZERO, _STREAM, _ZERO),
        )

    @kernel
    def philox(arrays, p, groups, step):
        for pair in range(dim // 2):
            for group in range(groups):
                ids = lane_numbers(np.uint64(group * WIDTH))
                a, b, c, d = rng.words_at(
                    _SEED, np.uint64(step), ids, _STREAM, np.uint64(pair), _ZERO
                )
                store_words(arrays[4], group * WIDTH, a ^ b ^ c ^ d)

    return {"fill": fill, "Philox": philox}


def check_kernel(dim):
    """The kernel that looks whether particles are finite."""

    @kernel
    def check(arrays, p, groups, step):
        for group in range(groups):
            here, place = view(arrays[0], group * dim * WIDTH, dim), 0.0
            for k in range(dim):
                place = fma(here[k], here[k], place)
            if not all_lanes(place <= p[0]):
                arrays[4][0] = group

    return check


def step_parts(potential, noise, dynamics):
    """name -> (kernel, parameters): gradient, noise, update and check of a step."""
    dim = potential.dim
    at, normals = view_type(dim), view_type(noise.normals)

    def text(record, role, *kinds):
        return for_lanes(getattr(record, role), role, (numba.typeof(record.params), *kinds))[0]

    gradient_of, sample = (
        text(potential, "gradient", at, at),
        text(noise, "sample", at, normals, at),
    )
    update_by = text(dynamics, "update", at, view_type(0), at, at, view_type(0))

    @kernel
    def gradient(arrays, p, groups, step):
        for group in range(groups):
            gradient_of(
                p,
                view(arrays[0], group * dim * WIDTH, dim),
                view(arrays[1], group * dim * WIDTH, dim),
            )

    @kernel
    def draw(arrays, p, groups, step):
        for group in range(groups):
            start = group * dim * WIDTH
            sample(
                p,
                view(arrays[0], start, dim),
                view(arrays[3], start, dim),
                view(arrays[2], start, dim),
            )

    @kernel
    def update(arrays, p, groups, step):
        for group in range(groups):
            start = group * dim * WIDTH
            none = view(arrays[3], start, 0)
            update_by(
                p,
                view(arrays[0], start, dim),
                none,
                view(arrays[1], start, dim),
                view(arrays[2], start, dim),
                none,
            )

    parts = {
        "gradient": (gradient, potential.params),
        "noise": (draw, noise.params),
        "update": (update, dynamics.params),
    }
    return parts | {"check": (check_kernel(dim), (1e300,))}


def vector_instructions(loop):
    """Number of instructions in the compiled `loop` by the widest register that each names: (zmm,
    ymm, xmm).
    """
    signature = loop.signatures[0]
    lines = loop.inspect_asm(signature).splitlines()
    name = loop.overloads[signature].fndesc.mangled_name
    begin = lines.index(f"{name}:")
    end = next(k for k in range(begin, len(lines)) if lines[k].startswith("\t.size"))
    counts = dict.fromkeys(REGISTERS, 0)
    for line in lines[begin:end]:
        widest = next((kind for kind in REGISTERS if re.search(rf"%{kind}\d", line)), None)
        if widest and line.startswith("\t") and not line.startswith("\t."):
            counts[widest] += 1
    return tuple(counts.values())


def block_calls(potential, noise, dynamics, repeats):
    """(name -> call that runs a part `repeats` times over a block, name -> its compiled loop)."""
    dim = potential.dim
    arrays = tuple(empty_groups(GROUPS, dim) for _ in range(4)) + (np.zeros(BLOCK, np.int64),)
    for array in arrays[:4]:
        array[...] = 0.1
    parts = {name: (body, (0.0,)) for name, body in random_parts(dim).items()} | step_parts(
        potential, noise, dynamics
    )
    loops = {name: repeated(body) for name, (body, _) in parts.items()}

    def call(name):
        loop, p = loops[name], parts[name][1]
        return lambda: loop(arrays, p, GROUPS, repeats)

    call("fill")()  # compiles what `vector_instructions` reads; it is timed as the engine calls it
    return {name: call(name) for name in parts} | {"fill": fill_call(dim, repeats)}, loops


def fill_call(dim, repeats):
    """A call that fills the normals of a block in `dim` dimensions `repeats` times, each time as
    the engine does it.
    """
    fill, z = Draws().fill_normals(), empty_groups(GROUPS, dim)

    @numba.njit(**OPTIONS)
    def loop(z, groups, repeats):
        numbers = flat(z)
        for step in range(repeats):
            fill(
                numbers,
                Places(0, dim * WIDTH, dim, groups),
                Address(_SEED, np.uint64(step), _ZERO, _STREAM, _ZERO),
            )

    return lambda: loop(z, GROUPS, repeats)


def elementary_times(rounds, repeats):
    """ns per number, (lanes, math) by FUNCTIONS: the package's functions in lanes, and Python's
    `math` in a scalar loop.
    """
    x = empty_groups(GROUPS, 1)
    x[...] = np.random.default_rng(0).uniform(
        0.1, 10.0, x.shape
    )  # where every one of them is defined
    out, calls = empty_groups(GROUPS, 1), {}

    def lanes(function):
        @numba.njit(**OPTIONS)
        def loop(x, out, groups, repeats):
            a, b = flat(x), flat(out)
            for _ in range(repeats):
                for group in range(groups):
                    view(b, group * WIDTH, 1)[0] = function(view(a, group * WIDTH, 1)[0])

        return lambda: loop(x, out, GROUPS, repeats)

    def scalars(function):
        @numba.njit
        def loop(x, out, repeats):
            for _ in range(repeats):
                for i in range(x.size):
                    out[i] = function(x[i])

        return lambda: loop(x.reshape(-1), out.reshape(-1), repeats)

    for name in FUNCTIONS:
        calls |= {
            (name, "lanes"): lanes(getattr(elementary, name)),
            (name, "math"): scalars(getattr(math, name)),
        }
    best = best_seconds(calls, rounds)
    return np.array(
        [
            [1e9 * best[name, form] / (repeats * BLOCK) for form in ("lanes", "math")]
            for name in FUNCTIONS
        ]
    )
