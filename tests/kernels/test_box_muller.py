"""The normals against Box and Muller's formula."""

import mpmath
import numpy as np

from langevin_sgd.kernels.elementary_circular import box_muller


def largest_error(scale):
    """Largest relative error of `scale` times the normals of 2,000 random pairs, of the ends and of
    where a reduction jumps.
    """
    random = np.random.default_rng(0)
    jumps = np.nextafter(1 + np.arange(1, 8) / 8, [[0], [2]]).ravel()
    u = [1 + random.random(1000), 2 - np.exp(-36 * random.random(1000))]
    u = np.concatenate([*u, 2 - np.sqrt(0.5) * (1 - 1e-8 * jumps)])
    v = np.concatenate([1 + random.random(1000), 1 + np.exp(-36 * random.random(1000)), jumps])
    largest = 0.0
    with mpmath.workdps(40):
        for a, b in zip(u, v, strict=True):
            radius, turns = mpmath.sqrt(-2 * mpmath.log(2 - mpmath.mpf(a))), 2 * mpmath.mpf(b)
            exact = radius * mpmath.cospi(turns), radius * mpmath.sinpi(turns)
            pairs = zip(box_muller(a, b), exact, strict=True)
            errors = [abs(scale * x / y - 1) for x, y in pairs if y != 0]
            largest = max(largest, *map(float, errors))
    return largest


def test_a_pair_of_normals_is_exact_to_its_stated_error():
    assert largest_error(1.0) < 8e-16
    assert largest_error(1.0 + 1e-15) > 8e-16
