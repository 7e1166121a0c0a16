"""Random numbers in single precision: four from each Philox call, one from each of its 32-bit
words.

Addresses are those of `rng`, but one draw fills four rows instead of two: rows 4k to 4k + 3 come
from draw k. If two rows are left, two particles whose numbers differ by 16 share the last draw:
that of particle 16 floor(p/32) + p mod 16, whose other draws end before it. The partner with the
lower number takes the first two words. So the numbers of a float32 run are not those of a float64
run rounded.

Resolution, from the 32 bits of a word w:

    radius   sqrt(-2 log u), u = (2 floor(w/2) + 1) 2^-32: the midpoints of 2^31 bins, then
             rounded to float32. The largest normal is 6.66 (probability of more: 2.7e-11); next to
             u = 1 the bins are 2^-24 wide, so that with probability 2^-25 the radius, and with it a
             pair of normals, is 0, and the next smallest one is 3.5e-4.
    angle    w 2^-32 turns, reduced to an eighth of a turn in integers, then rounded to float32
    uniform  the upper 24 bits of w: multiples of 2^-24 in [0, 1)

The functions run on int32 lanes (or numpy int32 in interpreted Python), 16 of them in one vector
register."""

import numpy as np

from .bits import bits_float, float_bits, fma, inlined, kernel, sqrt, where
from .lanes import WIDTH
from .precisions import low_word, signed_single, unsigned_single
from .rng import id_at, ids_at, in_a_row, lane_numbers, steps_at, words_at
from .views import view

_SQRT_HALF_SINGLE, _MANTISSA_SINGLE = 0x3F3504F3, 0x007FFFFF  # bits of sqrt(1/2)
# the head has 15 zero bits, so that k times it is exact
_LN2_SINGLE, _LN2_TAIL_SINGLE = 0.693359375, -0.00021219444170128554
_2PI_SINGLE, _2PI_TAIL_SINGLE = 6.2831854820251465, -1.7484555314695172e-07
_WORD, _HALF_WORD = 2.0**-32, 2.0**-24
_ONE_BIT, _4, _5, _PARTNER, _LAST_16, _LAST_32 = (
    np.uint64(number) for number in (1, 4, 5, 16, 15, 31)
)

# (log(1 + y) - y + y^2/2) / y^3 in y; sin(2 pi t)/t - 2 pi and cos(2 pi t) - 1 over t^2 in t^2:
# near-minimax fits, in float32
_LOG_SINGLE = (0.3333333134651184, -0.25000306963920593, 0.20001043379306793, -0.1664126217365265)
_LOG_SINGLE += (0.1421455442905426, -0.1299852877855301, 0.12621887028217316, -0.07900885492563248)
_SIN_SINGLE = (-41.341697692871094, 81.59951782226562, -75.72630310058594)
_COS_SINGLE = (-19.739208221435547, 64.93936920166016, -85.44882202148438, 59.42410659790039)


@kernel
def log_unit_single(u):
    """Natural logarithm of a positive normal single (of others, nonsense), for uniform numbers.
    Error at most 1.03 ulp.
    """
    i = float_bits(u) - _SQRT_HALF_SINGLE
    k = signed_single(i >> 23)
    y = bits_float((i & _MANTISSA_SINGLE) + _SQRT_HALF_SINGLE) - 1.0
    z = y * y
    even = fma(z, fma(z, fma(z, _LOG_SINGLE[6], _LOG_SINGLE[4]), _LOG_SINGLE[2]), _LOG_SINGLE[0])
    odd = fma(z, fma(z, fma(z, _LOG_SINGLE[7], _LOG_SINGLE[5]), _LOG_SINGLE[3]), _LOG_SINGLE[1])
    tail = fma(y * z, fma(y, odd, even), fma(z, -0.5, k * _LN2_TAIL_SINGLE))
    return fma(k, _LN2_SINGLE, y + tail)


@kernel
def sincos_word(w):
    """sin and cos of w 2^-32 turns, in float32, for an int32 `w`. Error at most 1.4 ulp."""
    k = (w + 0x20000000) >> 30
    t = signed_single(w - (k << 30)) * _WORD
    z = t * t
    s = fma(
        t,
        _2PI_SINGLE,
        t
        * fma(z, fma(z, fma(z, _SIN_SINGLE[2], _SIN_SINGLE[1]), _SIN_SINGLE[0]), _2PI_TAIL_SINGLE),
    )
    c = fma(
        z,
        fma(z, fma(z, fma(z, _COS_SINGLE[3], _COS_SINGLE[2]), _COS_SINGLE[1]), _COS_SINGLE[0]),
        1.0,
    )
    even = (k & 1) == 0
    sine, cosine = where(even, s, c), where(even, c, s)
    return bits_float(float_bits(sine) ^ ((k & 2) << 30)), bits_float(
        float_bits(cosine) ^ (((k + 1) & 2) << 30)
    )


@kernel
def box_muller_single(a, b):
    """Two independent standard normals in single precision from two int32 words."""
    radius = sqrt(-2.0 * log_unit_single(unsigned_single(a | 1) * _WORD))
    sine, cosine = sincos_word(b)
    return radius * cosine, radius * sine


@kernel
def uniform_single(w):
    """24-bit uniform number in [0, 1) in single precision from an int32 word."""
    return signed_single((w >> 8) & 0xFFFFFF) * _HALF_WORD


@inlined
def _store(numbers, a, b):
    """The low halves of two words as they are."""
    numbers[0], numbers[1] = bits_float(low_word(a)), bits_float(low_word(b))


@inlined
def _own_words(z, first, rows, address, draw):
    """Four rows of words for each group, the first of which lies at `first`."""
    number = address.draw + np.uint64(draw)
    for group in range(rows.groups):
        place, at = group * WIDTH, first + group * rows.spacing
        ids, now = ids_at(address.particle, place), steps_at(address.step, place)
        a, b, c, d = words_at(address.seed, now, ids, address.stream, number, np.uint64(0))
        _store(view(z, at, 2), a, b)
        _store(view(z, at + 2 * WIDTH, 2), c, d)


@inlined
def _shared_words(z, first, rows, address, draw):
    """Two rows of words for each group; where two partners are at hand, they are drawn once for
    both."""
    seed, stream, particle = address.seed, address.stream, address.particle
    number, group = address.draw + np.uint64(draw), 0
    while group < rows.groups:
        numbers, place = view(z, first + group * rows.spacing, 2), group * WIDTH
        leader, now = id_at(particle, place), steps_at(address.step, place)
        if in_a_row(particle) and group + 1 < rows.groups and leader & _LAST_32 == 0:
            pairs = lane_numbers(leader >> _ONE_BIT)
            a, b, c, d = words_at(seed, now, pairs, stream, number, np.uint64(0))
            _store(numbers, a, b)
            _store(view(z, first + (group + 1) * rows.spacing, 2), c, d)
            group += 2
        else:
            ids = ids_at(particle, place)
            pairs = ((ids >> _5) << _4) | (ids & _LAST_16)
            a, b, c, d = words_at(seed, now, pairs, stream, number, np.uint64(0))
            is_later = (ids & _PARTNER) == _PARTNER
            _store(numbers, where(is_later, c, a), where(is_later, d, b))
            group += 1


@inlined
def _normals_of(a, b):
    """Two normals from two words that are stored as singles."""
    return box_muller_single(float_bits(a), float_bits(b))


@kernel
def fill_normals_single(z, rows, address):
    """Fill rows of groups with standard normals in single precision.

    Parameters
    ----------
    z : flat float32
    rows : Places
        An odd count fills one row more.
    address : Address
        The first group begins with `particle`; draws are numbered from `draw` on, one for each four
        rows. Step and particle may be arrays, see `rng`.
    """
    pairs = (rows.count + 1) // 2
    # Words first, logarithms later: those of one group do not wait for those of another.
    for draw in range(pairs // 2):
        first = rows.start + 4 * draw * WIDTH
        _own_words(z, first, rows, address, draw)
        for group in range(rows.groups):
            numbers = view(z, first + group * rows.spacing, 4)
            a, b = _normals_of(numbers[0], numbers[1])
            c, d = _normals_of(numbers[2], numbers[3])
            numbers[0], numbers[1] = a, b
            numbers[2], numbers[3] = c, d
    if pairs % 2 == 1:
        first = rows.start + 2 * (pairs - 1) * WIDTH
        _shared_words(z, first, rows, address, pairs // 2)
        for group in range(rows.groups):
            numbers = view(z, first + group * rows.spacing, 2)
            numbers[0], numbers[1] = _normals_of(numbers[0], numbers[1])


@kernel
def fill_uniforms_single(z, rows, address):
    """Like `fill_normals_single`, with uniform numbers in [0, 1)."""
    pairs = (rows.count + 1) // 2
    for draw in range(pairs // 2):
        _own_words(z, rows.start + 4 * draw * WIDTH, rows, address, draw)
    if pairs % 2 == 1:
        _shared_words(z, rows.start + 2 * (pairs - 1) * WIDTH, rows, address, pairs // 2)
    for group in range(rows.groups):
        for k in range(2 * pairs):
            row = view(z, rows.start + group * rows.spacing + k * WIDTH, 1)
            row[0] = uniform_single(float_bits(row[0]))
