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
block. `place` counts lanes from the start of the block.

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
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types

from .bits import LOW_WORD, WORD_BITS, all_lanes, bits_float, inlined, kernel, word_product
from .elementary_circular import box_muller
from .lanes import WIDTH, teach, words
from .threefry import threefry
from .views import ViewType, flat_type, store_words, view

STEP_LIMIT = 1 << 48
PARTICLE_LIMIT = 1 << 48
DRAW_LIMIT = 1 << 20
ATTEMPTS = 64
INTEGER_LIMIT = 1 << 31
# read once, recorded in every dataset
GENERATOR = os.environ.get("LANGEVIN_SGD_GENERATOR", "philox")
if GENERATOR not in ("philox", "threefry"):
    raise ValueError(
        f"LANGEVIN_SGD_GENERATOR is {GENERATOR!r}; allowed are philox and threefry, and unset "
        "means philox"
    )
_THREEFRY = GENERATOR == "threefry"


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


_WORDS = ir.VectorType(ir.IntType(64), WIDTH)


def lane_numbers(first):
    """The numbers first, first + 1, ... of the particles of a group, as uint64 in each lane."""
    return np.uint64(first)


def _numbered(context, builder, sig, args):
    first = context.cast(builder, args[0], sig.args[0], words)
    return builder.add(first, ir.Constant(_WORDS, list(range(WIDTH))))


teach(lane_numbers, lambda first: words if isinstance(first, types.Integer) else None, _numbered)


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


teach(
    in_a_row,
    lambda particle: types.boolean,
    lambda context, builder, sig, args: context.get_constant(
        types.boolean, isinstance(sig.args[0], types.Integer)
    ),
)


def _teach(function, of_number, of_array, counts):
    """Results of types `of_number` and `of_array` (None: the array itself); a number is counted on
    if `counts`.
    """

    def result(numbers, place):
        if isinstance(numbers, ViewType) and numbers.dim is None:
            return of_array or numbers
        return of_number if isinstance(numbers, types.Integer) else None

    def emit(context, builder, sig, args):
        place = context.cast(builder, args[1], sig.args[1], types.intp)
        if isinstance(sig.args[0], ViewType):
            at = builder.gep(args[0], [place], inbounds=True)
            if of_array == words:
                return builder.load(builder.bitcast(at, _WORDS.as_pointer()), align=8)
            return builder.load(at) if of_array else at
        number = context.cast(builder, args[0], sig.args[0], types.uint64)
        number = builder.add(number, place) if counts else number
        if of_number == words:
            return _numbered(context, builder, words(types.uint64), [number])
        return number

    teach(function, result, emit)


_teach(ids_at, words, words, True)
_teach(leaders_at, types.uint64, words, True)
_teach(id_at, types.uint64, types.uint64, True)
_teach(step_at, types.uint64, types.uint64, False)
_teach(steps_at, types.uint64, words, False)
_teach(ids_from, types.uint64, None, True)
_teach(steps_from, types.uint64, None, False)


PHILOX_M0, PHILOX_M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
PHILOX_W0, PHILOX_W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_16, _20, _26, _12 = np.uint64(16), np.uint64(20), np.uint64(26), np.uint64(12)
_ONE_BITS = np.uint64(0x3FF0000000000000)


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
    """Two uniform numbers in [1, 2) for a group: 1 + uniform(a, b) and 1 + uniform(c, d) of its
    words.
    """
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
def uniform(high, low):
    """52-bit uniform number in [0, 1) from two words."""
    return bits_float((high << _20) | (low >> _12) | _ONE_BITS) - 1.0


@kernel
def normal_pair(a, b, c, d):
    """Two independent standard normals from four words."""
    return box_muller(1.0 + uniform(a, b), 1.0 + uniform(c, d))


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


@kernel
def integer_at(seed, step, particle, stream, number, below):
    """Unbiased integer in [0, below) at an address, below < 2^31 (Lemire 2019, arXiv:1805.10941,
    section 4); all scalars.

    Four numbers share a draw; a rejected one is drawn again with the next `attempt`. With 64
    attempts, each rejected with probability below 1/2, the bias that is left is under 2^-64."""
    reject_below = (np.uint64(1) << WORD_BITS) % below
    product = np.uint64(0)
    for attempt in range(ATTEMPTS):
        words = words_at(seed, step, particle, stream, number >> np.uint64(2), np.uint64(attempt))
        product = words[number & np.uint64(3)] * below
        if (product & LOW_WORD) >= reject_below:
            break
    return product >> WORD_BITS


@kernel
def fill_integers(numbers, rows, address, below):
    """Like `fill_normals`, with the integers in [0, below) of `integer_at`; `numbers` is flat
    int64, four of them share a draw."""
    reject_below = (np.uint64(1) << WORD_BITS) % below
    for four in range((rows.count + 3) // 4):
        draw = address.draw + np.uint64(four)
        for group in range(rows.groups):
            place, first = group * WIDTH, rows.start + group * rows.spacing
            ids, now = ids_at(address.particle, place), steps_at(address.step, place)
            words = words_at(address.seed, now, ids, address.stream, draw, np.uint64(0))
            unbiased = True
            for k in range(4):
                number = 4 * four + k
                if number < rows.count:
                    product = words[k] * below
                    store_words(numbers, first + number * WIDTH, product >> WORD_BITS)
                    unbiased &= all_lanes((product & LOW_WORD) >= reject_below)
            if not unbiased:  # a number that was not rejected comes out as it was
                for number in range(4 * four, min(4 * four + 4, rows.count)):
                    _draw_again(numbers, first + number * WIDTH, address, place, number, below)


@inlined
def _draw_again(numbers, row, address, place, number, below):
    number = np.uint64(4) * address.draw + np.uint64(number)
    for lane in range(WIDTH):
        now, who = step_at(address.step, place + lane), id_at(address.particle, place + lane)
        drawn = integer_at(address.seed, now, who, address.stream, number, below)
        numbers[row + lane] = np.int64(drawn)


FLOATS, INTEGERS = flat_type(types.float64), flat_type(types.int64)
PLACE = types.NamedUniTuple(types.int64, 4, Places)
ADDRESS = types.NamedUniTuple(types.uint64, 5, Address)
# a step and a particle for each lane
OWN_ADDRESS = types.NamedTuple(
    (types.uint64, INTEGERS, INTEGERS, types.uint64, types.uint64), Address
)
