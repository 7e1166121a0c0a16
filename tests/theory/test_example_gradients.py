"""What the oracles of the two regressions do not reach."""

import numpy as np
import pytest

from langevin_sgd import theory


def test_extreme_logits_do_not_overflow():
    values = theory.logistic_statistics([[1000.0], [-1000.0]], [1.0, 1.0], [1.0])
    assert values.loss == pytest.approx(500.0) and np.all(np.isfinite(values.hessian))
