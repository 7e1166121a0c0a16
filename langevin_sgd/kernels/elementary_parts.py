"""What elementary functions and random numbers are both made of."""

from .bits import bits_float, float_bits, fma, inlined, where

NAN = float("nan")
# Bits of a float64: of its mantissa and exponent, and those of 1 and sqrt(1/2).
_MANTISSA, EXPONENT_BITS = 0x000FFFFFFFFFFFFF, 0x7FF0000000000000
ONE_BITS, _SQRT_HALF = 0x3FF0000000000000, 0x3FE6A09E667F3BCD

# Adding 1.5 * 2^52 rounds to an integer, which then stands in the low bits of the sum; its own low
# bits are zero.
ROUNDER, _ROUNDER_BITS = 6755399441055744.0, 0x4338000000000000


@inlined
def six(z, c):
    """A polynomial in z of six coefficients, lowest first."""
    return fma(z, fma(z, fma(z, fma(z, fma(z, c[5], c[4]), c[3]), c[2]), c[1]), c[0])


@inlined
def seven(z, c):
    """A polynomial in z of seven coefficients, lowest first."""
    return fma(z, fma(z, fma(z, fma(z, fma(z, fma(z, c[6], c[5]), c[4]), c[3]), c[2]), c[1]), c[0])


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
def quadrant(k, s, c):
    """sin and cos of k pi/2 + r from those of r; k in the low bits of an integer."""
    even = (k & 1) == 0
    sine, cosine = where(even, s, c), where(even, c, s)
    return bits_float(float_bits(sine) ^ ((k & 2) << 62)), bits_float(
        float_bits(cosine) ^ (((k + 1) & 2) << 62)
    )
