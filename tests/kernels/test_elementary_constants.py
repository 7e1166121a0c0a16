"""Where the constants of `elementary` come from: the fits and splits, made again by mpmath."""

import mpmath

from langevin_sgd.kernels import elementary as el


def fit(f, low, high, count):
    """Coefficients of the near-minimax polynomial, lowest first."""
    with mpmath.workdps(40):
        return tuple(
            float(c)
            for c in reversed(mpmath.chebyfit(f, [mpmath.mpf(low), mpmath.mpf(high)], count))
        )


def in_square(f):
    """A function of the square of its argument."""
    return lambda z: f(mpmath.sqrt(z)) / z


def test_the_coefficients_are_the_fits_they_claim_to_be():
    """This is how they were made. The intervals are a little wider than needed: ln 2 / 2, (sqrt 2 -
    1)^4, (pi/4)^2, (1/8)^2.
    """
    pi = mpmath.pi
    assert (
        fit(lambda r: (mpmath.exp(r) - 1 - r - r * r / 2) / r**3, "-0.3466", "0.34661", 10)
        == el._EXP
    )
    assert fit(in_square(lambda s: 2 * mpmath.atanh(s) / s - 2), "0", "0.02944", 7) == el._LOG
    assert fit(in_square(lambda r: mpmath.sin(r) / r - 1), "0", "0.6169", 6) == el._SIN
    assert fit(in_square(lambda r: mpmath.cos(r) - 1), "0", "0.6169", 7) == el._COS
    assert (
        fit(in_square(lambda t: mpmath.sin(2 * pi * t) / t - 2 * pi), "0", "0.015625", 6)
        == el._SIN_TURN
    )
    assert fit(in_square(lambda t: mpmath.cos(2 * pi * t) - 1), "0", "0.015625", 7) == el._COS_TURN
    assert fit(in_square(lambda s: 4 - 4 * mpmath.atanh(s) / s), "0", "0.02944", 6) == el._RADIUS
    assert fit(in_square(lambda t: mpmath.cos(2 * pi * t) - 1), "0", "0.015625", 6) == el._COSINE
    assert float(2 * mpmath.log(2)) == el._LN4


def test_split_constants_add_up():
    with mpmath.workprec(400):
        for parts, exact in (
            ((el._LN2, el._LN2_TAIL), mpmath.log(2)),
            ((el._PI_2, el._PI_2_TAIL, el._PI_2_TAIL2), mpmath.pi / 2),
            ((el._2PI, el._2PI_TAIL), 2 * mpmath.pi),
        ):
            left = exact
            for part in parts[:-1]:
                left -= part
            assert float(left) == parts[-1]
    assert (float(el._LN2) * 2**32).is_integer()  # 21 low bits are zero
