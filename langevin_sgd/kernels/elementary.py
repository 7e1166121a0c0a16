"""Elementary functions whose bits do not depend on the machine, and which run in lanes.

Each is one branch-free function of + - * /, fused multiply-add, comparisons, `where` and integer
operations on the bits of a float64. All of these are rounded the same way on every IEEE 754
machine, so a result has the same bits interpreted, compiled, and in any lane or vector width; libm
promises none of this and does not vectorise. Write custom potentials with these instead of `math`.

Arguments are float64: one number, or the same quantity of many particles in lanes. nan gives nan;
nothing here raises. One ulp is one unit in the last place of the exact result. The errors stated
are bounds that `pytest -s tests/kernels/test_elementary.py` measures against mpmath, at random
points and where the reduced argument is largest.

In `singles` each is computed in float64 and rounded once, so that the error is at most 0.5 + 2^-28
ulp of float32; sums, products, sqrt, fma, powi, minimum and maximum round in float32.

Methods: exp and its kin by x = k ln 2 + r, log and its kin by x = 2^k (1 + f), sin and cos by x = k
pi/2 + r (Cody and Waite 1980, "Software Manual for the Elementary Functions"; Muller 2016,
"Elementary Functions", chapters 11 and 12). The polynomials are near-minimax fits on the reduced
interval by `mpmath.chebyfit`; `tests/kernels/test_elementary_constants.py` makes them again. Where
a rounding error would count, a second number (`tail`, `low`) keeps it and is added to a small term.
"""

from .bits import (
    as_double,
    as_single,
    bits_float,
    float_bits,
    fma,
    in_double,
    inlined,
    kernel,
    like,
    pair_in_double,
    sqrt,
    where,
)
from .lanes import all_lanes

__all__ = [
    "as_double",
    "as_single",
    "cos",
    "exp",
    "expm1",
    "fma",
    "log",
    "log1p",
    "log_unit",
    "maximum",
    "minimum",
    "powi",
]
__all__ += ["sigmoid", "sin", "sincos", "sincos_turn", "softplus", "sqrt", "tanh", "where"]

_INF, _NAN = float("inf"), float("nan")
_TINY = (
    1e-34  # below it in x*x, expm1(x) = log1p(x) = x, which keeps subnormals and the sign of zero
)
_MAGNITUDE, _SIGN = 0x7FFFFFFFFFFFFFFF, -0x8000000000000000
_MANTISSA, _EXPONENT = 0x000FFFFFFFFFFFFF, 0x7FF0000000000000
_HALF, _ONE, _SQRT_HALF = (
    0x3FE0000000000000,
    0x3FF0000000000000,
    0x3FE6A09E667F3BCD,
)  # bits of 1/2, 1 and sqrt(1/2)

# Adding 1.5 * 2^52 rounds to an integer, which then stands in the low bits of the sum; its own low
# bits are zero.
_ROUND, _ROUND_BITS = 6755399441055744.0, 0x4338000000000000

# Sums of two or three float64. The head of ln 2 has 21 zero bits, so that k times it is exact.
_LN2, _LN2_TAIL = 0.6931471803691238, 1.9082149292705877e-10
_PI_2, _PI_2_TAIL, _PI_2_TAIL2 = 1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33
_2PI, _2PI_TAIL = 6.283185307179586, 2.4492935982947064e-16
_LOG2_E, _2_PI = 1.4426950408889634, 0.6366197723675814

# (e^r - 1 - r - r^2/2) / r^3, in r
_EXP = (
    0.16666666666666669,
    0.041666666666666664,
    0.008333333333330062,
    0.0013888888888886509,
    0.0001984126986305244,
)
_EXP += (
    2.480158731729597e-05,
    2.7557268461828587e-06,
    2.7557282777659163e-07,
    2.510038462430879e-08,
    2.091131641690282e-09,
)
# 2 artanh(s)/s - 2 over s^2; sin(r)/r - 1 and cos(r) - 1 over r^2; the same of 2 pi r: all in the
# square
_LOG = (0.666666666666667, 0.3999999999989945, 0.28571428626001427, 0.22222211130560726)
_LOG += (0.18182889433757515, 0.15331711346672997, 0.14616576421644387)
_SIN = (-0.16666666666666666, 0.008333333333330948, -0.0001984126983675712)
_SIN += (2.755731610179909e-06, -2.5051131688000297e-08, 1.5918117983848815e-10)
_COS = (-0.5, 0.04166666666666664, -0.001388888888888077, 2.4801587293690915e-05)
_COS += (-2.755731556545916e-07, 2.0875886598136375e-09, -1.136799040692767e-11)
_SIN_TURN = (
    -41.341702240399755,
    81.6052492760517,
    -76.70585973562093,
    42.05868918088512,
    -15.094054182079999,
    3.78643334956545,
)
_COS_TURN = (-19.739208802178716, 64.93939402266824, -85.4568172066438, 60.24464135270201)
_COS_TURN += (-26.426253275854723, 7.903206911569678, -1.6990343940660637)
# Shorter ones, which random numbers can do with: 4 - 4 artanh(s)/s and cos(2 pi t) - 1.
_RADIUS = (-1.3333333333332416, -0.8000000002242365, -0.5714284827327254)
_RADIUS += (-0.4444572492759813, -0.3628037154591625, -0.33243876943609024)
_COSINE = (-19.739208802178705, 64.93939402261259, -85.45681716509442)
_COSINE += (60.244630008143865, -26.424853147906646, 7.823560405842185)
_LN4, _EIGHTH, _IN_QUARTER = (
    1.3862943611198906,
    1 << 49,
    (1 << 50) - 1,
)  # of a number in [1, 2): bits of 1/8, those below 1/4


@inlined
def _six(z, c):
    return fma(z, fma(z, fma(z, fma(z, fma(z, c[5], c[4]), c[3]), c[2]), c[1]), c[0])


@inlined
def _seven(z, c):
    return fma(z, fma(z, fma(z, fma(z, fma(z, fma(z, c[6], c[5]), c[4]), c[3]), c[2]), c[1]), c[0])


@kernel
def minimum(a, b):
    """The smaller of two numbers; nan if one is nan."""
    return where((a < b) | (a != a), a, b)


@kernel
def maximum(a, b):
    """The larger of two numbers; nan if one is nan."""
    return where((a > b) | (a != a), a, b)


@kernel
def powi(x, n):
    """x multiplied n times, for an integer n; 1/x^|n| where n is negative.

    The product from left to right, so `powi(x, 3)` has the bits of x*x*x. Relative error at most
    |n| 2^-53, of singles |n| 2^-24."""
    product = like(as_double(1.0), x)
    for _ in range(abs(n)):
        product = product * x
    return where(n < 0, 1.0 / product, product)


# ---- exp and its kin -----------------------------------------------------------------------------


@inlined
def _exp_parts(x):
    """k in the low bits of an integer, r and w with e^x = 2^k (1 + r + w), |r| < 0.35, |w| < 0.08;
    for |x| < 1e6.
    """
    shifted = fma(x, _LOG2_E, _ROUND)
    k = shifted - _ROUND
    head = fma(k, -_LN2, x)
    r = fma(k, -_LN2_TAIL, head)
    tail = fma(k, -_LN2_TAIL, head - r)
    z = r * r
    even = fma(z, fma(z, fma(z, fma(z, _EXP[8], _EXP[6]), _EXP[4]), _EXP[2]), _EXP[0])
    odd = fma(z, fma(z, fma(z, fma(z, _EXP[9], _EXP[7]), _EXP[5]), _EXP[3]), _EXP[1])
    return float_bits(shifted), r, fma(r * z, fma(r, odd, even), fma(z, 0.5, tail))


@inlined
def _half_expm1(x):
    """(e^x - 1)/2 as an unevaluated sum of two numbers, for -40 <= x <= 710."""
    k, r, w = _exp_parts(x)
    scale = bits_float((k << 52) + _HALF)
    offset = scale - 0.5
    high = fma(scale, r, offset)
    return high, fma(scale, w, fma(scale, r, offset - high))


@inlined
def _ratio(a, a_low, b, b_low):
    """(a + a_low) / (b + b_low) with one division, to little more than half an ulp."""
    inverse = 1.0 / b
    ratio = a * inverse
    return fma(inverse, fma(-ratio, b, a) + fma(-ratio, b_low, a_low), ratio)


@in_double
def exp(x):
    """e^x for every x: inf above 709.79, gradual underflow to 0 below -745.13. Error at most 0.9
    ulp.
    """
    if all_lanes(
        abs(x) <= 708.0
    ):  # 2^k and the result are normal numbers: the same bits with less care
        k, r, w = _exp_parts(x)
        scale = bits_float((k << 52) + _ONE)
        return fma(scale, r + w, scale)
    k, r, w = _exp_parts(where(x > 710.0, 710.0, where(x < -746.0, -746.0, x)))
    half = (
        k >> 1
        # 2^k in two steps: neither factor overflows, and only the last product can round to a
        # subnormal
    )
    scale = bits_float((half << 52) + _ONE)
    return fma(scale, r + w, scale) * bits_float(((k - half) << 52) + _ONE)


@in_double
def expm1(x):
    """e^x - 1 for every x, accurate near 0 too: inf above 709.79, -1 below -37.4. Error at most 1.2
    ulp.
    """
    high, low = _half_expm1(where(x > 710.0, 710.0, where(x < -40.0, -40.0, x)))
    return where(x * x < _TINY, x, 2.0 * (high + low))


@in_double
def tanh(x):
    """Hyperbolic tangent for every x, exactly odd. Error at most 1.05 ulp."""
    size = abs(x)
    high, low = _half_expm1(2.0 * where(size > 20.0, 20.0, size))
    a = high + low
    b = 1.0 + a
    a_low = low - (a - high)
    return bits_float(
        (float_bits(_ratio(a, a_low, b, (a - (b - 1.0)) + a_low)) & _MAGNITUDE)
        | (float_bits(x) & _SIGN)
    )


@in_double
def sigmoid(x):
    """1/(1 + e^-x) for every x, accurate in both tails. Error at most 1.5 ulp."""
    e = exp(-abs(x))
    b = 1.0 + e
    return _ratio(where(x < 0.0, e, 1.0), 0.0, b, e - (b - 1.0))


@in_double
def softplus(x):
    """log(1 + e^x) for every x, accurate in both tails. Error at most 1.7 ulp."""
    return where(x > 0.0, x, 0.0) + log1p(exp(-abs(x)))


# ---- log and its kin -----------------------------------------------------------------------------


_NORMAL = 2.2250738585072014e-308  # the smallest normal number


@inlined
def _log_parts(x):
    """Biased exponent k + 1023, k as a float, and f with x = 2^k (1 + f), sqrt(1/2) <= 1 + f <
    sqrt(2); for positive normal x.
    """
    i = float_bits(x) + (_ONE - _SQRT_HALF)
    biased = i >> 52
    return (
        biased,
        bits_float(biased + _ROUND_BITS) - (_ROUND + 1023.0),
        bits_float((i & _MANTISSA) + _SQRT_HALF) - 1.0,
    )


@inlined
def _log_sum(k, f, tail):
    """k ln 2 + log(1 + f) + tail; log(1 + f) = f - s (f - 2 artanh(s)/s + 2), s = f/(2 + f)."""
    s = f / (2.0 + f)
    z = s * s
    return fma(k, _LN2, f - fma(s, fma(-z, _seven(z, _LOG), f), fma(k, -_LN2_TAIL, -tail)))


@inlined
def _log_limits(x, y):
    """y where x is positive and finite, else the limit of log(x)."""
    return where(x < _INF, where(x > 0.0, y, where(x == 0.0, -_INF, _NAN)), x)


@in_double
def log_unit(x):
    """Natural logarithm of a positive normal number (of others, nonsense): fast, for uniform
    numbers. Error at most 0.9 ulp.
    """
    _, k, f = _log_parts(x)
    return _log_sum(k, f, 0.0)


@in_double
def log(x):
    """Natural logarithm for every x: -inf at 0, nan below. Error at most 0.9 ulp."""
    if all_lanes((x >= _NORMAL) & (x < _INF)):  # the same bits with less care
        _, k, f = _log_parts(x)
        return _log_sum(k, f, 0.0)
    subnormal = x < _NORMAL
    _, k, f = _log_parts(where(subnormal, x * 18014398509481984.0, x))  # 2^54
    return _log_limits(x, _log_sum(where(subnormal, k - 54.0, k), f, 0.0))


@in_double
def log1p(x):
    """log(1 + x) for every x, exact near 0 too: -inf at -1, nan below. Error at most 0.95 ulp."""
    u = 1.0 + x
    back = u - 1.0
    lost = (1.0 - (u - back)) + (x - back)  # u + lost = 1 + x exactly
    biased, k, f = _log_parts(u)
    lost = (
        0.5 * lost * bits_float(_EXPONENT - (biased << 52))
    )  # lost / 2^k; the factor is 2^(1 - k)
    g = f + lost
    tail = (f - g) + lost
    return where(x * x < _TINY, x, _log_limits(u, _log_sum(k, g, fma(-g, tail, tail))))


# ---- sin and cos ---------------------------------------------------------------------------------


@inlined
def _quadrant(k, s, c):
    """sin and cos of k pi/2 + r from those of r; k in the low bits of an integer."""
    even = (k & 1) == 0
    sine, cosine = where(even, s, c), where(even, c, s)
    return bits_float(float_bits(sine) ^ ((k & 2) << 62)), bits_float(
        float_bits(cosine) ^ (((k + 1) & 2) << 62)
    )


@pair_in_double
def sincos(x):
    """sin and cos of x for |x| <= 2^30; beyond, nan. Error at most 1.1 ulp, at the zeros too."""
    x = where(x * x <= 1.152921504606847e18, x, _NAN)
    shifted = fma(x, _2_PI, _ROUND)
    k = shifted - _ROUND
    head = fma(k, -_PI_2, x)  # exact
    part = k * _PI_2_TAIL
    r = head - part
    tail = fma(k, -_PI_2_TAIL2, ((head - r) - part) - fma(k, _PI_2_TAIL, -part))
    z = fma(r + r, tail, r * r)
    sine, cosine = _quadrant(
        float_bits(shifted), r + fma(r * z, _six(z, _SIN), tail), fma(z, _seven(z, _COS), 1.0)
    )
    return where(x == 0.0, x, sine), cosine


@in_double
def sin(x):
    """Sine of x for |x| <= 2^30; beyond, nan. Error at most 1.1 ulp, also next to the zeros."""
    return sincos(x)[0]


@in_double
def cos(x):
    """Cosine of x for |x| <= 2^30; beyond, nan. Error at most 1.1 ulp, also next to the zeros."""
    return sincos(x)[1]


@pair_in_double
def sincos_turn(u):
    """sin and cos of 2 pi u for 0 <= u < 2: the fast form, for random angles. Error at most 1.05
    ulp.
    """
    shifted = fma(u, 4.0, _ROUND)
    r = fma(shifted - _ROUND, -0.25, u)  # exact
    z = r * r
    sine = fma(r, _2PI, r * fma(z, _six(z, _SIN_TURN), _2PI_TAIL))
    return _quadrant(float_bits(shifted), sine, fma(z, _seven(z, _COS_TURN), 1.0))


@kernel
def box_muller(u, v):
    """Two independent standard normals from two uniform numbers in [1, 2) (Box and Muller 1958;
    largest value 8.49).

    They are sqrt(-2 log(2 - u)) times cos and sin of 2 pi v with a relative error of at most 8e-16,
    in few operations: the logarithm is 2 artanh(s), the nearest quarter turn comes from the bits of
    v."""
    _, k, f = _log_parts(2.0 - u)
    s = f / (2.0 + f)
    z = s * s
    radius = sqrt(fma(s, fma(z, _six(z, _RADIUS), -4.0), k * -_LN4))
    turned = float_bits(v) + _EIGHTH
    t = bits_float((turned & _IN_QUARTER) | _ONE) - 1.125
    z = t * t
    sine, cosine = _quadrant(
        turned >> 50, t * fma(z, _six(z, _SIN_TURN), _2PI), fma(z, _six(z, _COSINE), 1.0)
    )
    return radius * cosine, radius * sine
