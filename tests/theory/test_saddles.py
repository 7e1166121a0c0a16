"""Saddles against published and exact ones."""

import numpy as np
import pytest
from refusals import refusal

import langevin_sgd as ls
from langevin_sgd.models.evaluate import evaluate
from langevin_sgd.theory import saddles
from langevin_sgd.theory.basins_of_attraction import basins_of_attraction, slope_of

SURFACE = ls.potentials.mueller_brown()
MINIMA = [[-0.5582, 1.4417], [0.6235, 0.0280], [-0.0500, 0.4667]]


def test_the_saddles_of_mueller_and_brown_are_the_published_ones():
    found = saddles(SURFACE, MINIMA)
    assert found.saddle_energy.values == pytest.approx([-72.249, -40.665], abs=1e-3)
    published = np.array([[0.2125, 0.2930], [-0.8220, 0.6243]])
    assert found.saddle.values == pytest.approx(published, abs=1e-4)
    assert found.leads_to.values.tolist() == [[1, 2], [0, 2]]
    assert found.minimum.values == pytest.approx(np.array(MINIMA), abs=1e-4)


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_a_double_well_has_its_barrier_in_the_middle(dim):
    """The twin: half way to a minimum nothing but the energy would be right."""
    well = ls.potentials.double_well(dim=dim, barrier=0.7, coupling=0.4 * (dim > 1))
    minimum = np.append(1.0, np.full(dim - 1, 0.4))
    found = saddles(well, [-minimum, minimum])
    assert found.saddle.values == pytest.approx(np.zeros((1, dim)), abs=1e-8)
    assert found.saddle_energy.values == pytest.approx([0.7])
    assert found.leads_to.values.tolist() == [[0, 1]]


def test_every_saddle_is_flat_with_one_negative_curvature_without_a_hessian_too():
    well = ls.potentials.double_well(dim=2, tilt=0.1, coupling=0.8)._with(hessian=None)
    start = np.array([[-1.0, -0.8], [1.0, 0.8]])
    found = saddles(well, basins_of_attraction(start, slope_of(well, 1.0)).minimum)
    assert np.abs(evaluate(well, found.saddle.values, "gradient")).max() < 1e-8
    assert found.sizes["saddle"] == 1


REFUSED = [
    ({"minima": [[-0.5, 1.4], [0.6235, 0.028]]}, "must be different minima of 'mueller_brown'"),
    ({"minima": [MINIMA[0], MINIMA[0]]}, "must be different minima"),
    ({"minima": MINIMA[:1]}, "at least two rows"),
    (
        {"potential": ls.potentials.from_expression("x*x+y", ["x", "y"])},
        "row 0 of minima is no minimum",
    ),
    ({"minima": [[0.0], [1.0]]}, "must have 2 columns"),
]


@pytest.mark.parametrize(("changed", "words"), REFUSED)
def test_refusals(changed, words):
    assert words in refusal(saddles, **{"potential": SURFACE, "minima": MINIMA} | changed)
