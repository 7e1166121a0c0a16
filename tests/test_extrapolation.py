"""The extrapolation to rate 0 in step_and_start.py."""

import numpy as np
import pytest
from _step_and_start_limit import at_zero

RATES = np.array([0.05, 0.1, 0.2, 0.4])
EXACT = np.stack([2 + 3 * RATES - RATES**2, 5 * RATES], axis=1)


def test_a_polynomial_is_extrapolated_exactly():
    for errors in (np.ones((4, 2)), np.linspace(1, 3, 8).reshape(4, 2)):
        for degree in (2, 3):
            assert at_zero(RATES, EXACT, errors, degree)[0] == pytest.approx([2, 0], abs=1e-9)
    line = at_zero(RATES, EXACT, np.ones((4, 2)), 1)[0]
    assert abs(line[0] - 2) > 0.03 and line[1] == pytest.approx(0, abs=1e-9)  # the twin


def test_its_standard_error_is_the_spread_of_what_it_finds():
    random, errors = np.random.default_rng(1), np.linspace(0.1, 0.3, 8).reshape(4, 2)
    found = [
        at_zero(RATES, EXACT + errors * random.normal(size=(4, 2)), errors, 2) for _ in range(2_000)
    ]
    values, stated = np.moveaxis(found, 1, 0)
    assert values.std(axis=0) == pytest.approx(stated[0], rel=4 / np.sqrt(2 * 2_000))
