"""Where the studies of rules say that a departure reaches 5 %."""

import numpy as np
import pytest
from _breakdown import of_curve

A = np.array([0.1, 0.2, 0.4, 0.8, 1.6])


@pytest.mark.parametrize(
    ("departure", "where"),
    [
        ([0.01, 0.04, 0.06, 0.07, 0.9], 0.2 * np.sqrt(2)),
        ([0.01, 0.09, 0.01, 0.02, 0.9], 0.1 * np.sqrt(2)),
        ([0.01, 0.04, 0.02, 0.01, 0.0], 1.6),
        ([0.06, 0.07, 0.08, 0.09, 0.9], 0.1),
    ],
    ids=["a curve that grows", "one that falls again", "it never does", "it does everywhere"],
)
def test_a_departure_breaks_the_limit_where_it_first_reaches_it(departure, where):
    assert of_curve(A, np.array(departure), 0 * A) == pytest.approx((where, where))
