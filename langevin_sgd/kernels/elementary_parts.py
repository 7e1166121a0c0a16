"""What elementary functions are made of: reductions of the argument, and polynomials.

The polynomials are near-minimax fits on the reduced interval by `mpmath.chebyfit`;
`tests/kernels/test_elementary_constants.py` makes them again.
"""

from .bits import bits_float, float_bits, fma, inlined, where

INF, NAN = float("inf"), float("nan")
SMALLEST_NORMAL = 2.2250738585072014e-308
# Bits of a float64: of its mantissa and exponent, and those of 1/2, 1 and sqrt(1/2).
_MANTISSA, EXPONENT_BITS = 0x000FFFFFFFFFFFFF, 0x7FF0000000000000
_HALF, ONE_BITS, _SQRT_HALF = 0x3FE0000000000000, 0x3FF0000000000000, 0x3FE6A09E667F3BCD

# Adding 1.5 * 2^52 rounds to an integer, which then stands in the low bits of the sum; its own low
# bits are zero.
ROUNDER, _ROUNDER_BITS = 6755399441055744.0, 0x4338000000000000

# A sum of two float64. The head of ln 2 has 21 zero bits, so that k times it is exact.
_LN2, _LN2_TAIL = 0.6931471803691238, 1.9082149292705877e-10
_LOG2_E = 1.4426950408889634

# (e^r - 1 - r - r^2/2) / r^3, in r
_EXP = (0.16666666666666669, 0.041666666666666664, 0.008333333333330062, 0.0013888888888886509)
_EXP += (0.0001984126986305244, 2.480158731729597e-05, 2.7557268461828587e-06)
_EXP += (2.7557282777659163e-07, 2.510038462430879e-08, 2.091131641690282e-09)
# 2 artanh(s)/s - 2 over s^2, in the square
_LOG = (0.666666666666667, 0.3999999999989945, 0.28571428626001427, 0.22222211130560726)
_LOG += (0.18182889433757515, 0.15331711346672997, 0.14616576421644387)


@inlined
def six(z, c):
    """A polynomial in z of six coefficients, lowest first."""
    return fma(z, fma(z, fma(z, fma(z, fma(z, c[5], c[4]), c[3]), c[2]), c[1]), c[0])


@inlined
def seven(z, c):
    """A polynomial in z of seven coefficients, lowest first."""
    return fma(z, fma(z, fma(z, fma(z, fma(z, fma(z, c[6], c[5]), c[4]), c[3]), c[2]), c[1]), c[0])


@inlined
def exp_parts(x):
    """k in the low bits of an integer, r and w with e^x = 2^k (1 + r + w), |r| < 0.35, |w| < 0.08;
    for |x| < 1e6.
    """
    shifted = fma(x, _LOG2_E, ROUNDER)
    k = shifted - ROUNDER
    head = fma(k, -_LN2, x)
    r = fma(k, -_LN2_TAIL, head)
    tail = fma(k, -_LN2_TAIL, head - r)
    z = r * r
    even = fma(z, fma(z, fma(z, fma(z, _EXP[8], _EXP[6]), _EXP[4]), _EXP[2]), _EXP[0])
    odd = fma(z, fma(z, fma(z, fma(z, _EXP[9], _EXP[7]), _EXP[5]), _EXP[3]), _EXP[1])
    return float_bits(shifted), r, fma(r * z, fma(r, odd, even), fma(z, 0.5, tail))


@inlined
def half_expm1(x):
    """(e^x - 1)/2 as an unevaluated sum of two numbers, for -40 <= x <= 710."""
    k, r, w = exp_parts(x)
    scale = bits_float((k << 52) + _HALF)
    offset = scale - 0.5
    high = fma(scale, r, offset)
    return high, fma(scale, w, fma(scale, r, offset - high))


@inlined
def ratio(a, a_low, b, b_low):
    """(a + a_low) / (b + b_low) with one division, to little more than half an ulp."""
    inverse = 1.0 / b
    ratio = a * inverse
    return fma(inverse, fma(-ratio, b, a) + fma(-ratio, b_low, a_low), ratio)


@inlined
def log_parts(x):
    """Biased exponent k + 1023, k as a float, and f with x = 2^k (1 + f), sqrt(1/2) <= 1 + f <
    sqrt(2); for positive normal x.
    """
    i = float_bits(x) + (ONE_BITS - _SQRT_HALF)
    biased = i >> 52
    return (
        biased,
        bits_float(biased + _ROUNDER_BITS) - (ROUNDER + 1023.0),
        bits_float((i & _MANTISSA) + _SQRT_HALF) - 1.0,
    )


@inlined
def log_sum(k, f, tail):
    """k ln 2 + log(1 + f) + tail; log(1 + f) = f - s (f - 2 artanh(s)/s + 2), s = f/(2 + f)."""
    s = f / (2.0 + f)
    z = s * s
    return fma(k, _LN2, f - fma(s, fma(-z, seven(z, _LOG), f), fma(k, -_LN2_TAIL, -tail)))


@inlined
def log_limits(x, y):
    """y where x is positive and finite, else the limit of log(x)."""
    return where(x < INF, where(x > 0.0, y, where(x == 0.0, -INF, NAN)), x)


@inlined
def quadrant(k, s, c):
    """sin and cos of k pi/2 + r from those of r; k in the low bits of an integer."""
    even = (k & 1) == 0
    sine, cosine = where(even, s, c), where(even, c, s)
    return bits_float(float_bits(sine) ^ ((k & 2) << 62)), bits_float(
        float_bits(cosine) ^ (((k + 1) & 2) << 62)
    )
