"""Random numbers with addresses: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as
easy as 1, 2, 3").

Nothing is stored and nothing is drawn "next": a draw is a function of (seed, step, particle,
stream, draw), so results do not depend on threads, blocks, chunks, shards or a resume. The 64-bit
seed is the key; the address fills the four 32-bit words of the counter:

    word 0   step, low 32 bits            word 2   step, high 16 bits; particle, high 16 bits
    word 1   particle, low 32 bits        word 3   stream (6 bits), attempt (6 bits), draw (20 bits)

`attempt` counts the redraws of an integer that was rejected to keep it unbiased. Functions run on
uint64 scalars or lanes alike; each 32-bit word sits in a 64-bit lane, for the 32 x 32 -> 64 bit
product is one vector instruction there.

In an `Address`, `step` and `particle` are either whole numbers, when the particles of a block
follow one another and are all at one step, or flat int64 arrays with an entry for each lane of the
block. `place` counts lanes from the start of the block. (`rng_in_numba` tells numba of this.)

| function                  | number                | array                    |
|---------------------------|-----------------------|--------------------------|
| ids_at(particle, place)   | particle + place, ... | WIDTH entries from place |
| leaders_at(particle, ...) | particle + place      | WIDTH entries from place |
| steps_at(step, place)     | step                  | WIDTH entries from place |
| id_at(particle, place)    | particle + place      | the entry at place       |
| step_at(step, place)      | step                  | the entry at place       |
| ids_from(particle, place) | particle + place      | the array from place on  |
| steps_from(step, place)   | step                  | the array from place on  |
| in_a_row(particle)        | True                  | False                    |
"""

import os
from enum import IntEnum, unique
from typing import Any, NamedTuple

import numpy as np
from numba import types

from .bits import (
    LOW_WORD,
    WORD_BITS,
    bits_float,
    float_bits,
    fma,
    inlined,
    kernel,
    sqrt,
    word_product,
)
from .elementary_circular import SIN_TURN, TWO_PI
from .elementary_parts import ONE_BITS, log_parts, quadrant, six
from .lanes import WIDTH
from .threefry import threefry
from .views import flat_type, view

STEP_LIMIT = 1 << 48
PARTICLE_LIMIT = 1 << 48
DRAW_LIMIT = 1 << 20
# read once, recorded in every dataset
GENERATOR = os.environ.get("LANGEVIN_SGD_GENERATOR", "philox")
if GENERATOR not in ("philox", "threefry"):
    raise ValueError(
        f"LANGEVIN_SGD_GENERATOR is {GENERATOR!r}; allowed are philox and threefry, and unset "
        "means philox"
    )
_THREEFRY = GENERATOR == "threefry"


@unique
class Stream(IntEnum):
    """Every use of randomness has its own stream; two uses can never share a number."""

    THERMAL = 0
    NOISE_NORMAL = 1
    NOISE_UNIFORM = 2
    BATCH = 3
    TABLE = 4
    PERMUTATION = 5
    ROW_NORMAL = 6
    ROW_UNIFORM = 7
    USER = 63


# ---- addresses -----------------------------------------------------------------------------------


class Address(NamedTuple):
    """Of random numbers: which they are, for `particle` and those behind it; all uint64."""

    seed: Any
    step: Any
    particle: Any
    stream: Any
    draw: Any


class Places(NamedTuple):
    """Where random numbers go in a flat array: `count` rows of WIDTH numbers for each of `groups`
    groups; row 0 of the first group lies at `start`, that of the next `spacing` numbers later."""

    start: int
    spacing: int
    count: int
    groups: int


def lane_numbers(first):
    """The numbers first, first + 1, ... of the particles of a group, as uint64 in each lane."""
    return np.uint64(first)


def id_at(particle, place):
    """Number of one particle, uint64."""
    if isinstance(particle, np.ndarray):
        return np.uint64(particle[place])
    return particle + np.uint64(place)


def step_at(step, place):
    """Step of one particle, uint64."""
    return np.uint64(step[place]) if isinstance(step, np.ndarray) else step


def ids_at(particle, place):
    """Numbers of a group of particles, uint64 lanes."""
    return id_at(particle, place)


def leaders_at(particle, place):
    """Numbers with the upper halves of `ids_at`: the first of a group, if it is a multiple of
    WIDTH, or that of each lane.
    """
    return id_at(particle, place)


def steps_at(step, place):
    """Step, or steps, of a group of particles: a uint64, or lanes of them."""
    return step_at(step, place)


def ids_from(particle, place):
    """`particle` of the part of a block that begins at `place`."""
    return particle[place:] if isinstance(particle, np.ndarray) else particle + np.uint64(place)


def steps_from(step, place):
    """`step` of the part of a block that begins at `place`."""
    return step[place:] if isinstance(step, np.ndarray) else step


def in_a_row(particle):
    """Whether the particles of several groups follow one another; False in interpreted Python,
    where a group is one particle.
    """
    return False


PHILOX_M0, PHILOX_M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
PHILOX_W0, PHILOX_W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_16, _20, _26, _12 = np.uint64(16), np.uint64(20), np.uint64(26), np.uint64(12)
_ONE_BITS = np.uint64(ONE_BITS)
# Shorter polynomials than `elementary` has: 4 - 4 artanh(s)/s and cos(2 pi t) - 1, in the square.
_RADIUS = (-1.3333333333332416, -0.8000000002242365, -0.5714284827327254)
_RADIUS += (-0.4444572492759813, -0.3628037154591625, -0.33243876943609024)
_COSINE = (-19.739208802178705, 64.93939402261259, -85.45681716509442)
_COSINE += (60.244630008143865, -26.424853147906646, 7.823560405842185)
_LN4 = 1.3862943611198906
_EIGHTH, _IN_QUARTER = 1 << 49, (1 << 50) - 1  # of a number in [1, 2): bits of 1/8, those below 1/4


@inlined
def _round(c0, c1, c2, c3, k0, k1):
    p0, p1 = word_product(PHILOX_M0, c0), word_product(PHILOX_M1, c2)
    # The masks tell LLVM that the upper halves are zero: without them it multiplies full 64-bit
    # numbers, at twice the cost.
    return (
        (p1 >> WORD_BITS) ^ c1 ^ k0,
        p1 & LOW_WORD,
        (p0 >> WORD_BITS) ^ c3 ^ k1,
        p0 & LOW_WORD,
        (k0 + PHILOX_W0) & LOW_WORD,
        (k1 + PHILOX_W1) & LOW_WORD,
    )


@inlined
def _last_products(c0, c1, c2, c3, k0, k1):
    """(p1, e1, p0, e3) of the tenth round: the words are (p1 >> 32) ^ e1, p1 & LOW, (p0 >> 32) ^ e3
    and p0 & LOW.
    """
    # The first rounds one by one: a word that is the same in all lanes stays a scalar there, which
    # costs no vector instruction.
    second = _round(c0, c1, c2, c3, k0, k1)
    third = _round(*second)
    fourth = _round(*third)
    c0, c1, c2, c3, k0, k1 = _round(*fourth)
    for _ in range(5):
        c0, c1, c2, c3, k0, k1 = _round(c0, c1, c2, c3, k0, k1)
    return word_product(PHILOX_M1, c2), c1 ^ k0, word_product(PHILOX_M0, c0), c3 ^ k1


@kernel
def philox(c0, c1, c2, c3, k0, k1):
    """Philox4x32-10 of the counter (c0, c1, c2, c3) under the key (k0, k1): four words, each 32
    bits in a uint64.
    """
    p1, e1, p0, e3 = _last_products(c0, c1, c2, c3, k0, k1)
    return (p1 >> WORD_BITS) ^ e1, p1 & LOW_WORD, (p0 >> WORD_BITS) ^ e3, p0 & LOW_WORD


@inlined
def _counter_and_key(seed, step, particle, high, purpose):
    """What an address is to Philox; `high` has the upper half of `particle`."""
    word = ((step >> WORD_BITS) + ((high >> WORD_BITS) << _16)) & LOW_WORD
    return (
        step & LOW_WORD,
        particle & LOW_WORD,
        word,
        purpose & LOW_WORD,
        seed & LOW_WORD,
        seed >> WORD_BITS,
    )


@kernel
def words_at(seed, step, particle, stream, draw, attempt):
    """The four words at an address; all arguments uint64, `particle` possibly lanes; by Philox
    unless GENERATOR differs.
    """
    purpose = (stream << _26) + (attempt << _20) + draw
    c0, c1, c2, c3, k0, k1 = _counter_and_key(seed, step, particle, particle, purpose)
    if _THREEFRY:
        return threefry(c0, c1, c2, c3, k0, k1, np.uint64(0), np.uint64(0))
    return philox(c0, c1, c2, c3, k0, k1)


@inlined
def _pair_at(address, place, pair):
    """Two uniform numbers in [1, 2) for a group, each of 52 bits: of its words a and b, c and d."""
    ids, now = ids_at(address.particle, place), steps_at(address.step, place)
    draw = address.draw + np.uint64(pair)
    if _THREEFRY:
        a, b, c, d = words_at(address.seed, now, ids, address.stream, draw, np.uint64(0))
        return bits_float((a << _20) | (b >> _12) | _ONE_BITS), bits_float(
            (c << _20) | (d >> _12) | _ONE_BITS
        )
    purpose, leaders = (address.stream << _26) + draw, leaders_at(address.particle, place)
    c0, c1, c2, c3, k0, k1 = _counter_and_key(address.seed, now, ids, leaders, purpose)
    p1, e1, p0, e3 = _last_products(c0, c1, c2, c3, k0, k1)
    # Upper and lower half of a product are a word (but for e) and the next: one shift brings both
    # to their places.
    return bits_float(((p1 >> _12) ^ (e1 << _20)) | _ONE_BITS), bits_float(
        ((p0 >> _12) ^ (e3 << _20)) | _ONE_BITS
    )


@kernel
def box_muller(u, v):
    """Two independent standard normals from two uniform numbers in [1, 2) (Box and Muller 1958;
    largest value 8.49).

    They are sqrt(-2 log(2 - u)) times cos and sin of 2 pi v with a relative error of at most 8e-16,
    in few operations: the logarithm is 2 artanh(s), the nearest quarter turn comes from the bits of
    v."""
    _, k, f = log_parts(2.0 - u)
    s = f / (2.0 + f)
    z = s * s
    radius = sqrt(fma(s, fma(z, six(z, _RADIUS), -4.0), k * -_LN4))
    turned = float_bits(v) + _EIGHTH
    t = bits_float((turned & _IN_QUARTER) | ONE_BITS) - 1.125
    z = t * t
    sine, cosine = quadrant(
        turned >> 50, t * fma(z, six(z, SIN_TURN), TWO_PI), fma(z, six(z, _COSINE), 1.0)
    )
    return radius * cosine, radius * sine


@kernel
def fill_normals(z, rows, address):
    """Fill rows of groups with standard normals.

    Parameters
    ----------
    z : flat float64
    rows : Places
        An odd count fills one row more.
    address : Address
        The first group begins with `particle`, a multiple of WIDTH; draws are numbered from `draw`
        on, one for each pair of rows. Step and particle may be arrays, see `rng`.
    """
    for pair in range((rows.count + 1) // 2):
        first = rows.start + 2 * pair * WIDTH
        # Two loops: the words of one group and the logarithms of another do not wait for each
        # other.
        for group in range(rows.groups):
            numbers = view(z, first + group * rows.spacing, 2)
            numbers[0], numbers[1] = _pair_at(address, group * WIDTH, pair)
        for group in range(rows.groups):
            numbers = view(z, first + group * rows.spacing, 2)
            numbers[0], numbers[1] = box_muller(numbers[0], numbers[1])


@kernel
def fill_uniforms(z, rows, address):
    """Like `fill_normals`, with uniform numbers in [0, 1)."""
    for pair in range((rows.count + 1) // 2):
        first = rows.start + 2 * pair * WIDTH
        for group in range(rows.groups):
            numbers = view(z, first + group * rows.spacing, 2)
            u, v = _pair_at(address, group * WIDTH, pair)
            numbers[0], numbers[1] = u - 1.0, v - 1.0


FLOATS, INTEGERS = flat_type(types.float64), flat_type(types.int64)
PLACE = types.NamedUniTuple(types.int64, 4, Places)
ADDRESS = types.NamedUniTuple(types.uint64, 5, Address)
# a step and a particle for each lane
OWN_ADDRESS = types.NamedTuple(
    (types.uint64, INTEGERS, INTEGERS, types.uint64, types.uint64), Address
)
