"""Where the constants of `elementary` come from: the fits and splits, made again by mpmath."""

import mpmath
import numpy as np
import pytest

from langevin_sgd.kernels import elementary, rng, rng_float32
from langevin_sgd.kernels import elementary_circular as el


def fit(f, low, high, count):
    """Coefficients of the near-minimax polynomial, lowest first."""
    with mpmath.workdps(40):
        found = mpmath.chebyfit(f, [mpmath.mpf(low), mpmath.mpf(high)], count)
        return tuple(float(c) for c in reversed(found))


def in_square(f):
    """A function of the square of its argument."""
    return lambda z: f(mpmath.sqrt(z)) / z


def sin_turn(t):
    return mpmath.sin(2 * mpmath.pi * t) / t - 2 * mpmath.pi


def cos_turn(t):
    return mpmath.cos(2 * mpmath.pi * t) - 1


def log_single(y):
    return (mpmath.log1p(y) - y + y * y / 2) / y**3


SINGLE = rng_float32._LOG_SINGLE, rng_float32._SIN_SINGLE, rng_float32._COS_SINGLE
# function, interval, which is a little wider than needed (ln 2 / 2, (sqrt 2 - 1)^4, (pi/4)^2,
# (1/8)^2 ...), coefficients
FITS = [
    (lambda r: (mpmath.exp(r) - 1 - r - r * r / 2) / r**3, "-0.3466", "0.34661", elementary._EXP),
    (in_square(lambda s: 2 * mpmath.atanh(s) / s - 2), "0", "0.02944", elementary._LOG),
    (in_square(lambda r: mpmath.sin(r) / r - 1), "0", "0.6169", el._SIN),
    (in_square(lambda r: mpmath.cos(r) - 1), "0", "0.6169", el._COS),
    (in_square(sin_turn), "0", "0.015625", el.SIN_TURN),
    (in_square(cos_turn), "0", "0.015625", el._COS_TURN),
    (in_square(lambda s: 4 - 4 * mpmath.atanh(s) / s), "0", "0.02944", rng._RADIUS),
    (in_square(cos_turn), "0", "0.015625", rng._COSINE),
    (log_single, "-0.2929", "0.4143", rng_float32._LOG_SINGLE),
    (in_square(sin_turn), "0", "0.015625", rng_float32._SIN_SINGLE),
    (in_square(cos_turn), "0", "0.015625", rng_float32._COS_SINGLE),
]


@pytest.mark.parametrize(("function", "low", "high", "coefficients"), FITS)
def test_the_coefficients_are_the_fits_they_claim_to_be(function, low, high, coefficients):
    """This is how they were made; those of `rng_float32` are then rounded."""
    number = np.float32 if coefficients in SINGLE else float
    found = fit(function, low, high, len(coefficients))
    assert tuple(float(number(each)) for each in found) == coefficients


def test_split_constants_add_up():
    with mpmath.workprec(400):
        for parts, exact in (
            ((elementary._LN2, elementary._LN2_TAIL), mpmath.log(2)),
            ((el._PI_2, el._PI_2_TAIL, el._PI_2_TAIL2), mpmath.pi / 2),
            ((el.TWO_PI, el.TWO_PI_TAIL), 2 * mpmath.pi),
        ):
            left = exact
            for part in parts[:-1]:
                left -= part
            assert float(left) == parts[-1]
    assert float(2 * mpmath.log(2)) == rng._LN4
    assert (float(elementary._LN2) * 2**32).is_integer()  # 21 low bits are zero
