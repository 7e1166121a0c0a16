"""The normals against Box and Muller's formula."""

import mpmath
import numpy as np

from langevin_sgd.kernels.elementary import box_muller


def largest_error(scale):
    """Largest relative error of `scale` times the normals of 2,000 random pairs, of the ends and of
    where a reduction jumps.
    """
    random, jumps = (
        np.random.default_rng(0),
        np.nextafter(1 + np.arange(1, 8) / 8, [[0], [2]]).ravel(),
    )
    u = np.concatenate(
        [
            1 + random.random(1000),
            2 - np.exp(-36 * random.random(1000)),
            2 - np.sqrt(0.5) * (1 - 1e-8 * jumps),
        ]
    )
    v, largest = (
        np.concatenate([1 + random.random(1000), 1 + np.exp(-36 * random.random(1000)), jumps]),
        0.0,
    )
    with mpmath.workdps(40):
        for a, b in zip(u, v, strict=True):
            radius, turns = mpmath.sqrt(-2 * mpmath.log(2 - mpmath.mpf(a))), 2 * mpmath.mpf(b)
            exact = radius * mpmath.cospi(turns), radius * mpmath.sinpi(turns)
            errors = [
                abs(scale * x / y - 1)
                for x, y in zip(box_muller(a, b), exact, strict=True)
                if y != 0
            ]
            largest = max(largest, *map(float, errors))
    return largest


def test_a_pair_of_normals_is_exact_to_its_stated_error():
    assert largest_error(1.0) < 8e-16
    assert largest_error(1.0 + 1e-15) > 8e-16
