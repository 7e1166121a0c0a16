"""Basins of attraction against a slow gradient flow, and their populations against exact ones."""

import numpy as np
import pytest
from refusals import refusal

import langevin_sgd as ls
from langevin_sgd.models.evaluate import evaluate
from langevin_sgd.theory import basin_populations
from langevin_sgd.theory.basins_of_attraction import basin_of, basins_of_attraction, slope_of

double_well, two_minima = ls.potentials.double_well, ls.potentials.two_minima
SURFACE = ls.potentials.mueller_brown()
MINIMA = [[-0.5582, 1.4417], [0.6235, 0.0280], [-0.0500, 0.4667]]


def share_on_the_left(tilt, temperature):
    """Of exp(-U/T) of a tilted well on the line, by another quadrature than the package's."""
    from scipy.integrate import quad
    from scipy.optimize import brentq

    well = double_well(tilt=tilt)
    top = brentq(lambda x: evaluate(well, [x], "gradient").item(), -0.5, 0.5)
    sides = [(-6.0, top), (top, 6.0)]
    left, right = (
        quad(lambda x: np.exp(-evaluate(well, [x], "energy") / temperature), *side, epsrel=1e-12)
        for side in sides
    )
    return left[0] / (left[0] + right[0])


@pytest.mark.parametrize("temperature", [0.05, 0.3])
@pytest.mark.parametrize("dim", [1, 2])
def test_equal_wells_are_half_each(dim, temperature):
    law = basin_populations(double_well(dim=dim, coupling=0.8 * (dim - 1)), temperature)
    assert law.population.values == pytest.approx([0.5, 0.5], abs=2e-6)
    assert np.all(law.population_error < 1e-5)
    assert law.minimum.values == pytest.approx(np.array([[-1, -0.8], [1, 0.8]])[:, :dim])


@pytest.mark.parametrize("dim", [1, 2, pytest.param(3, marks=pytest.mark.slow)])
def test_a_tilted_well_has_the_share_of_a_quadrature_on_the_line(dim):
    """At T = 0.3 the density on the ridge is half that in the upper well. The twin: equal shares
    are a thousand errors away."""
    law = basin_populations(double_well(dim=dim, tilt=0.1), 0.3)
    left = law.population.values.take(0)
    assert abs(left - share_on_the_left(0.1, 0.3)) < 1e-5
    assert law.population_error.max() < 1e-4 < 1e-3 * abs(left - 0.5) / 0.1


def test_two_minima_of_different_curvature_weigh_one_over_the_root_of_their_determinants():
    """At T = smoothing a mixture of two normal laws, which overlap by 4e-5."""
    law = basin_populations(two_minima([[1.0, 4.0], [2.0, 9.0]]), 0.1)
    weights = dict(zip(law.minimum.values[:, 0].round(6), law.population.values, strict=True))
    wide, narrow = 1 / np.sqrt(4.0), 1 / np.sqrt(18.0)
    assert weights[-1.0] == pytest.approx(wide / (wide + narrow), abs=1e-4)
    assert weights[1.0] == pytest.approx(narrow / (wide + narrow), abs=1e-4)


def test_points_go_where_a_slow_gradient_flow_leads():
    """All but those next to a ridge."""
    points = np.random.default_rng(1).uniform([-1.4, -0.4], [1.1, 1.9], size=(500, 2))
    found = basins_of_attraction(points, slope_of(SURFACE, 1.0))
    assert found.minimum == pytest.approx(np.array(MINIMA), abs=1e-4)
    assert found.energy == pytest.approx([-146.700, -108.167, -80.768], abs=1e-3)
    slow = points
    for _ in range(3000):
        uphill = evaluate(SURFACE, slow, "gradient")
        slow = slow - 0.005 * uphill / np.maximum(np.linalg.norm(uphill, axis=1), 20)[:, None]
    apart = np.linalg.norm(slow[:, None] - found.minimum, axis=2)
    assert apart.min(axis=1).max() < 0.05
    assert np.mean(apart.argmin(axis=1) != found.index) < 0.015


def test_a_basin_does_not_depend_on_the_other_points():
    points = np.random.default_rng(2).normal(size=(300, 2))
    well = double_well(dim=2, coupling=0.8)
    slope = slope_of(well, 2.0)
    together = basins_of_attraction(points, slope)
    alone = [basin_of(point[None], together.minimum, slope).item() for point in points]
    assert np.array_equal(together.index, alone) and set(alone) == {0, 1}


def test_saddles_flat_valleys_and_endless_slopes_lead_to_no_minimum():
    well, ring = double_well(dim=2), ls.potentials.ring()
    slope = slope_of(well, 1.0)
    assert basins_of_attraction(np.array([[0.0, 0.5], [0.1, 0.5]]), slope).index.tolist() == [-1, 0]
    assert basins_of_attraction(np.array([[0.3, 0.5]]), slope_of(ring, 1.0)).index == [-1]
    assert basin_populations(ring, 0.1).sizes["basin"] == 0
    slide = ls.potentials.washboard(0.5, 1.0)
    assert basins_of_attraction(np.array([[0.3]]), slope_of(slide, 1.0)).index == [-1]


def test_without_a_hessian_the_gradient_is_differenced():
    well = double_well(dim=2, coupling=0.8)
    points = np.random.default_rng(3).normal(size=(200, 2))
    with_one, without = (
        basins_of_attraction(points, slope_of(one, 2.0)) for one in (well, well._with(hessian=None))
    )
    assert np.array_equal(with_one.index, without.index)
    assert without.minimum == pytest.approx(with_one.minimum, abs=1e-6)


@pytest.mark.parametrize("length", [1e-8, 1.0, 1e8])
def test_a_start_finds_the_law_in_any_unit(length):
    """The twin: of a bowl a hundred million wide nothing is found without it."""
    bowl = ls.potentials.quadratic([length**-2.0])
    law = basin_populations(bowl, 1.0, start=(-length, length))
    assert law.population.values == pytest.approx([1.0])
    if length > 1:
        assert "unit of length is far from one" in refusal(
            basin_populations, potential=bowl, temperature=1.0
        )
