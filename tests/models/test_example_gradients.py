"""The gradient of each example, compiled, against the loss's function in plain Python, one example
after the other.
"""

import numpy as np
import pytest
from models.test_losses import LOSSES, example_gradients
from refusals import refusal

import langevin_sgd as ls
from langevin_sgd.models import example_gradients as of_table

FAST = "multinomial_regression", "logistic_regression"
CENTERS = ls.losses.quadratic_centers([1.0, 2.0], np.arange(14.0).reshape(7, 2))
NAMES = [pytest.param(name, marks=() if name in FAST else pytest.mark.slow) for name in LOSSES]


@pytest.mark.parametrize("name", NAMES)
def test_each_example_has_the_gradient_of_its_function(name):
    loss = LOSSES[name][0]
    points = np.random.default_rng(1).normal(size=(2, 2, loss.dim))
    expected = np.array([[example_gradients(loss, x) for x in row] for row in points])
    np.testing.assert_allclose(ls.example_gradients(loss, points), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.interpreted
def test_tables_that_fill_no_group_or_several_in_blocks_of_rows_and_points(monkeypatch):
    points = np.random.default_rng(1).normal(size=(5, 2))
    expected = [1.0, 2.0] * (points[:, None] - CENTERS.data)
    whole = ls.example_gradients(CENTERS, points)
    np.testing.assert_allclose(whole, expected, rtol=1e-14)
    assert ls.example_gradients(CENTERS, points[0]).shape == (7, 2)
    assert ls.example_gradients(CENTERS, np.empty((0, 2))).shape == (0, 7, 2)
    blocks = [slice(0, 3), slice(3, 6), slice(6, 9)]
    monkeypatch.setattr(of_table, "blocks_of_rows", lambda examples, dim: blocks)
    pairs = [slice(0, 2), slice(2, 4), slice(4, 6)]
    monkeypatch.setattr(of_table, "blocks_of_points", lambda *shape: pairs)
    np.testing.assert_array_equal(ls.example_gradients(CENTERS, points), whole)


def test_a_table_too_large_to_keep_is_computed_again_block_by_block(monkeypatch):
    points = np.random.default_rng(1).normal(size=(3, 2))
    kept = ls.analysis.covariance_at(CENTERS, points)
    monkeypatch.setattr(of_table, "KEPT", 10)
    np.testing.assert_array_equal(ls.analysis.covariance_at(CENTERS, points), kept)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((ls.potentials.double_well(), [0.0]), "TypeError: loss must be a Loss, whose data table"),
        (
            (CENTERS, [0.0]),
            "ValueError: x must have the shape (..., 2) for 'quadratic_centers', got",
        ),
        ((CENTERS, 0.0), "ValueError: x must have the shape (..., 2) for 'quadratic_centers', got"),
        ((CENTERS, [0.0, np.inf]), "ValueError: x must be finite"),
        ((CENTERS, np.zeros((10**7, 2))), "Take fewer points at a time"),
    ],
)
def test_what_cannot_be_right_is_refused(given, message):
    assert message in refusal(ls.example_gradients, *given)
