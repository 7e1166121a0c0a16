"""Sine and cosine: functions of `elementary`."""

from .bits import float_bits, fma, where
from .elementary_parts import NAN, ROUNDER, quadrant, seven, six
from .precisions import in_double, pair_in_double

# Sums of two or three float64.
_PI_2, _PI_2_TAIL, _PI_2_TAIL2 = 1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33
TWO_PI, TWO_PI_TAIL = 6.283185307179586, 2.4492935982947064e-16
_2_PI = 0.6366197723675814
# sin(r)/r - 1 and cos(r) - 1 over r^2; the same of 2 pi r: all in the square
_SIN = (-0.16666666666666666, 0.008333333333330948, -0.0001984126983675712)
_SIN += (2.755731610179909e-06, -2.5051131688000297e-08, 1.5918117983848815e-10)
_COS = (-0.5, 0.04166666666666664, -0.001388888888888077, 2.4801587293690915e-05)
_COS += (-2.755731556545916e-07, 2.0875886598136375e-09, -1.136799040692767e-11)
SIN_TURN = (-41.341702240399755, 81.6052492760517, -76.70585973562093)
SIN_TURN += (42.05868918088512, -15.094054182079999, 3.78643334956545)
_COS_TURN = (-19.739208802178716, 64.93939402266824, -85.4568172066438, 60.24464135270201)
_COS_TURN += (-26.426253275854723, 7.903206911569678, -1.6990343940660637)


@pair_in_double
def sincos(x):
    """Sine and cosine of x at once, each to at most 1.1 ulp, at the zeros too.

    Parameters
    ----------
    x : float, or one of each lane
        An angle in radians, |x| <= 2^30.

    Returns
    -------
    tuple of two floats
        sin x and cos x; nan beyond 2^30.

    Examples
    --------
    >>> s, c = ls.elementary.sincos(0.5)
    >>> print(round(s, 6), round(c, 6), abs(s * s + c * c - 1.0) < 1e-15)
    0.479426 0.877583 True
    """
    x = where(x * x <= 1.152921504606847e18, x, NAN)
    shifted = fma(x, _2_PI, ROUNDER)
    k = shifted - ROUNDER
    head = fma(k, -_PI_2, x)  # exact
    part = k * _PI_2_TAIL
    r = head - part
    tail = fma(k, -_PI_2_TAIL2, ((head - r) - part) - fma(k, _PI_2_TAIL, -part))
    z = fma(r + r, tail, r * r)
    sine, cosine = quadrant(
        float_bits(shifted), r + fma(r * z, six(z, _SIN), tail), fma(z, seven(z, _COS), 1.0)
    )
    return where(x == 0.0, x, sine), cosine


@in_double
def sin(x):
    """Sine of x, with an error of at most 1.1 ulp, also next to the zeros.

    Parameters
    ----------
    x : float, or one of each lane
        An angle in radians, |x| <= 2^30.

    Returns
    -------
    float
        sin x; nan beyond 2^30.

    Examples
    --------
    >>> print(f"{ls.elementary.sin(np.pi):.6e}")  # what float64 leaves out of pi
    1.224647e-16
    """
    return sincos(x)[0]


@in_double
def cos(x):
    """Cosine of x, with an error of at most 1.1 ulp, also next to the zeros.

    Parameters
    ----------
    x : float, or one of each lane
        An angle in radians, |x| <= 2^30.

    Returns
    -------
    float
        cos x; nan beyond 2^30.

    Examples
    --------
    >>> print(ls.elementary.cos(0.0), round(ls.elementary.cos(1.0), 6), ls.elementary.cos(2.0**31))
    1.0 0.540302 nan
    """
    return sincos(x)[1]


@pair_in_double
def sincos_turn(x):
    """Sine and cosine of x turns, 2 pi x: the fast form, for random angles.

    Parameters
    ----------
    x : float, or one of each lane
        A number of turns, 0 <= x < 2.

    Returns
    -------
    tuple of two floats
        sin(2 pi x) and cos(2 pi x), each with an error of at most 1.05 ulp.

    Examples
    --------
    >>> s, c = ls.elementary.sincos_turn(1 / 12)  # 30 degrees
    >>> print(f"{s:.12f} {c:.12f}")
    0.500000000000 0.866025403784
    """
    shifted = fma(x, 4.0, ROUNDER)
    r = fma(shifted - ROUNDER, -0.25, x)  # exact
    z = r * r
    sine = fma(r, TWO_PI, r * fma(z, six(z, SIN_TURN), TWO_PI_TAIL))
    return quadrant(float_bits(shifted), sine, fma(z, seven(z, _COS_TURN), 1.0))
