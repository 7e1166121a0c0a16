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

from .bits import all_lanes, bits_float, float_bits, fma, inlined, kernel, sqrt, where
from .elementary_circular import cos, sin, sincos, sincos_turn
from .elementary_parts import EXPONENT_BITS, NAN, ONE_BITS, ROUNDER, log_parts, seven
from .precisions import as_double, as_single, in_double, like

__all__ = ["as_double", "as_single", "cos", "exp", "expm1", "fma", "log", "log1p", "log_unit"]
__all__ += ["maximum", "minimum", "powi", "sigmoid", "sin", "sincos", "sincos_turn", "softplus"]
__all__ += ["sqrt", "tanh", "where"]


def __dir__():
    return __all__


_INF, _SMALLEST_NORMAL = float("inf"), 2.2250738585072014e-308
# Below it in x*x, expm1(x) = log1p(x) = x, which keeps subnormals and the sign of zero.
_TINY = 1e-34
_MAGNITUDE, _SIGN, _HALF = 0x7FFFFFFFFFFFFFFF, -0x8000000000000000, 0x3FE0000000000000
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


@kernel
def minimum(a, b):
    """The smaller of two numbers, or nan if one is nan.

    Parameters
    ----------
    a, b : float, or one of each lane
        Any numbers.

    Returns
    -------
    float
        The smaller one.

    Examples
    --------
    >>> ls.elementary.minimum(2.0, -3.0), ls.elementary.minimum(1.0, np.nan)
    (-3.0, nan)
    """
    return where((a < b) | (a != a), a, b)


@kernel
def maximum(a, b):
    """The larger of two numbers, or nan if one is nan.

    Parameters
    ----------
    a, b : float, or one of each lane
        Any numbers.

    Returns
    -------
    float
        The larger one.

    Examples
    --------
    >>> ls.elementary.maximum(2.0, -3.0), ls.elementary.maximum(1.0, np.nan)
    (2.0, nan)
    """
    return where((a > b) | (a != a), a, b)


@kernel
def powi(x, n):
    """The n-th power of x, for a whole number n, by multiplication.

    Parameters
    ----------
    x : float, or one of each lane
        Any number.
    n : int
        How often x is multiplied; below zero the result is 1/x^|n|.

    Returns
    -------
    float
        x^n, with a relative error of at most |n| 2^-53, of singles |n| 2^-24. The product goes
        from left to right, so that `powi(x, 3)` has the bits of x*x*x.

    Examples
    --------
    >>> ls.elementary.powi(2.0, 10), ls.elementary.powi(2.0, -1)
    (1024.0, 0.5)
    """
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
    """The exponential function e^x, with an error of at most 0.9 ulp.

    Parameters
    ----------
    x : float, or one of each lane
        Any number.

    Returns
    -------
    float
        e^x: inf above 709.79, with gradual underflow to 0 below -745.13.

    Examples
    --------
    >>> print(f"{ls.elementary.exp(1.0):.12f}", ls.elementary.exp(800.0))
    2.718281828459 inf
    """
    if all_lanes(
        abs(x) <= 708.0
    ):  # 2^k and the result are normal numbers: the same bits with less care
        k, r, w = _exp_parts(x)
        scale = bits_float((k << 52) + ONE_BITS)
        return fma(scale, r + w, scale)
    k, r, w = _exp_parts(where(x > 710.0, 710.0, where(x < -746.0, -746.0, x)))
    half = (
        k >> 1
        # 2^k in two steps: neither factor overflows, and only the last product can round to a
        # subnormal
    )
    scale = bits_float((half << 52) + ONE_BITS)
    return fma(scale, r + w, scale) * bits_float(((k - half) << 52) + ONE_BITS)


@in_double
def expm1(x):
    """The difference e^x - 1, accurate near 0 too, with an error of at most 1.2 ulp.

    Parameters
    ----------
    x : float, or one of each lane
        Any number.

    Returns
    -------
    float
        e^x - 1: inf above 709.79, -1 below -37.4.

    Examples
    --------
    >>> print(ls.elementary.expm1(1e-10), ls.elementary.expm1(-50.0))  # e^x - 1 = x + x^2/2 + ...
    1.00000000005e-10 -1.0
    """
    high, low = _half_expm1(where(x > 710.0, 710.0, where(x < -40.0, -40.0, x)))
    return where(x * x < _TINY, x, 2.0 * (high + low))


@in_double
def tanh(x):
    """Hyperbolic tangent of x, exactly odd, with an error of at most 1.05 ulp.

    Parameters
    ----------
    x : float, or one of each lane
        Any number.

    Returns
    -------
    float
        tanh x, between -1 and 1.

    Examples
    --------
    >>> t = ls.elementary.tanh(0.5)
    >>> print(round(t, 6), t == -ls.elementary.tanh(-0.5))
    0.462117 True
    """
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
    """The logistic function 1/(1 + e^-x), accurate in both tails, to at most 1.5 ulp.

    Parameters
    ----------
    x : float, or one of each lane
        Any number.

    Returns
    -------
    float
        1/(1 + e^-x), between 0 and 1.

    Examples
    --------
    >>> print(ls.elementary.sigmoid(0.0), f"{ls.elementary.sigmoid(-40.0):.3e}")  # e^-40
    0.5 4.248e-18
    """
    e = exp(-abs(x))
    b = 1.0 + e
    return _ratio(where(x < 0.0, e, 1.0), 0.0, b, e - (b - 1.0))


@in_double
def softplus(x):
    """The logarithm log(1 + e^x), accurate in both tails, to at most 1.7 ulp.

    Parameters
    ----------
    x : float, or one of each lane
        Any number.

    Returns
    -------
    float
        log(1 + e^x); its derivative is `sigmoid`.

    Examples
    --------
    >>> print(f"{ls.elementary.softplus(0.0):.6f}", ls.elementary.softplus(800.0))  # log 2; x
    0.693147 800.0
    """
    return where(x > 0.0, x, 0.0) + log1p(exp(-abs(x)))


# ---- log and its kin -----------------------------------------------------------------------------


@inlined
def _log_sum(k, f, tail):
    """k ln 2 + log(1 + f) + tail; log(1 + f) = f - s (f - 2 artanh(s)/s + 2), s = f/(2 + f)."""
    s = f / (2.0 + f)
    z = s * s
    return fma(k, _LN2, f - fma(s, fma(-z, seven(z, _LOG), f), fma(k, -_LN2_TAIL, -tail)))


@inlined
def _log_limits(x, y):
    """y where x is positive and finite, else the limit of log(x)."""
    return where(x < _INF, where(x > 0.0, y, where(x == 0.0, -_INF, NAN)), x)


@in_double
def log_unit(x):
    """Natural logarithm of a positive normal number, the fast form for uniform numbers.

    Parameters
    ----------
    x : float, or one of each lane
        At least 2.2e-308 and finite; of others the result is nonsense.

    Returns
    -------
    float
        log x, with an error of at most 0.9 ulp.

    Examples
    --------
    >>> print(ls.elementary.log_unit(0.5) == ls.elementary.log(0.5))
    True
    """
    _, k, f = log_parts(x)
    return _log_sum(k, f, 0.0)


@in_double
def log(x):
    """Natural logarithm of x, with an error of at most 0.9 ulp.

    Parameters
    ----------
    x : float, or one of each lane
        Any number.

    Returns
    -------
    float
        log x: -inf at 0, nan below.

    Examples
    --------
    >>> print(round(ls.elementary.log(10.0), 6), ls.elementary.log(0.0), ls.elementary.log(-1.0))
    2.302585 -inf nan
    """
    if all_lanes((x >= _SMALLEST_NORMAL) & (x < _INF)):  # the same bits with less care
        _, k, f = log_parts(x)
        return _log_sum(k, f, 0.0)
    subnormal = x < _SMALLEST_NORMAL
    _, k, f = log_parts(where(subnormal, x * 18014398509481984.0, x))  # 2^54
    return _log_limits(x, _log_sum(where(subnormal, k - 54.0, k), f, 0.0))


@in_double
def log1p(x):
    """The logarithm log(1 + x), exact near 0 too, with an error of at most 0.95 ulp.

    Parameters
    ----------
    x : float, or one of each lane
        Any number.

    Returns
    -------
    float
        log(1 + x): -inf at -1, nan below.

    Examples
    --------
    >>> print(f"{ls.elementary.log1p(1e-10):.12g}", ls.elementary.log1p(-1.0))  # x - x^2/2 + ...
    9.9999999995e-11 -inf
    """
    u = 1.0 + x
    back = u - 1.0
    lost = (1.0 - (u - back)) + (x - back)  # u + lost = 1 + x exactly
    biased, k, f = log_parts(u)
    lost = (
        0.5 * lost * bits_float(EXPONENT_BITS - (biased << 52))
    )  # lost / 2^k; the factor is 2^(1 - k)
    g = f + lost
    tail = (f - g) + lost
    return where(x * x < _TINY, x, _log_limits(u, _log_sum(k, g, fma(-g, tail, tail))))
