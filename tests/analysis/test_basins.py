"""Occupations of basins: counted right, and a test of them that keeps its level and has power."""

import time

import numpy as np
import pytest
from refusals import refusal
from synthetic_runs import synthetic_run

import langevin_sgd as ls
from langevin_sgd.analysis.basins import occupation_deviation

WELL, TEMPERATURE = ls.potentials.double_well(dim=2, barrier=1.0, coupling=0.8), 0.05
TILTED = ls.potentials.double_well(tilt=0.1)


def exact_well(n, seed):
    """Exact draws of exp(-U/T): of x_0 by rejection, of x_1 given x_0 normal."""
    random, x = np.random.default_rng(seed), np.empty(0)
    while len(x) < n:
        tried = random.uniform(-1.8, 1.8, size=6 * n)
        kept = random.uniform(size=6 * n) < np.exp(-((tried**2 - 1) ** 2) / TEMPERATURE)
        x = np.append(x, tried[kept])
    x = x[:n]
    return np.column_stack([x, 0.8 * x + random.normal(size=n) * np.sqrt(TEMPERATURE)])


@pytest.fixture(scope="module")
def populations():
    return ls.theory.basin_populations(WELL, TEMPERATURE)


def test_particles_are_counted_where_they_are():
    x = np.column_stack([np.repeat([-1.0, 1.0, 0.0], [30, 60, 10]), np.zeros(100)])
    x[90:, 1] = 0.5  # on the ridge of a symmetric well
    found = ls.analysis.basins(synthetic_run(x), ls.potentials.double_well(dim=2))
    assert found.minimum.values == pytest.approx(np.array([[-1.0, 0.0], [1.0, 0.0]]), abs=1e-8)
    assert found.occupation.values == pytest.approx([0.3, 0.6])
    assert found.occupation_standard_error.values == pytest.approx(np.sqrt([0.0021, 0.0024]))
    assert found.basin.values.tolist() == [0] * 30 + [1] * 60 + [-1] * 10
    assert found.attrs["without_basin"] == 10 and found.attrs["particles"] == 100


def test_minima_are_sorted_by_energy():
    found = ls.analysis.basins(synthetic_run([[1.0], [-1.0], [1.2]]), TILTED)
    assert found.energy.values == pytest.approx([-0.10241, 0.09738], abs=1e-4)
    assert found.basin.values.tolist() == [1, 0, 1]


@pytest.mark.slow
def test_ten_dimensions_take_seconds():
    well = ls.potentials.double_well(dim=10, barrier=1.0, coupling=0.1)
    x = np.random.default_rng(1).normal(size=(100_000, 10))
    ls.analysis.basins(synthetic_run(x[:100]), well)
    start = time.process_time()
    found = ls.analysis.basins(synthetic_run(x), well)
    assert time.process_time() - start < 5 and found.sizes["basin"] == 2


def test_exact_draws_agree_and_one_filled_well_departs(populations):
    x = exact_well(100_000, 1)
    found = occupation_deviation(x, WELL, TEMPERATURE, populations=populations)
    assert found.p_value > 0.01 and np.all(np.abs(found.effect) < 4 * found.error)
    assert found.error == pytest.approx(np.sqrt(0.25 / 100_000) * np.ones(2), rel=1e-3)
    filled = x * np.sign(x[:, :1])
    found = occupation_deviation(filled, WELL, TEMPERATURE, populations=populations)
    assert found.p_value == 0.0 and found.effect == pytest.approx([-0.5, 0.5])


BAND = 3.2905  # normal quantile of 99.9 %


@pytest.mark.parametrize("replicates", [200, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("n", [10, 200])
def test_false_alarms_are_at_most_as_frequent_as_stated(populations, n, replicates):
    given = {"temperature": TEMPERATURE, "populations": populations}
    x = exact_well(n * replicates, 2).reshape(replicates, n, 2)
    p = np.array([occupation_deviation(one, WELL, **given).p_value for one in x])
    for level in (0.01, 0.05, 0.1):
        assert np.mean(p <= level) <= level + BAND * np.sqrt(level * (1 - level) / replicates)
    unequal = [np.where(one[:, :1] < -0.9, -one, one) for one in x[:20]]
    p = [occupation_deviation(one, WELL, **given).p_value for one in unequal]
    assert n == 10 or np.max(p) < 1e-3  # the twin: a third of the left well moved over


def test_three_basins_have_chi_squared_numbers_and_rare_ones_are_counted_together():
    surface = ls.potentials.mueller_brown()
    minimum = [[-0.5582, 1.4417], [0.6235, 0.0280], [-0.0500, 0.4667]]
    law = ls.theory.basin_populations(surface, 15.0)
    share = law.population.values
    assert share.sum() == pytest.approx(1.0)
    count = np.round(1000 * share).astype(int)
    x = np.repeat(minimum, count, axis=0)
    found = occupation_deviation(x, surface, 15.0, populations=law)
    assert len(found.effect) == 3 and found.p_value > 0.99
    moved = np.repeat(minimum, count + [-40, 20, 20], axis=0)
    found = occupation_deviation(moved, surface, 15.0, populations=law)
    square = ((count + [-40, 20, 20] - 1000 * share) ** 2 / (1000 * share)).sum()
    assert found.p_value == pytest.approx(np.exp(-square / 2), rel=0.01)  # of two degrees
    few = np.repeat(minimum, [27, 2, 1], axis=0)  # 2.3 and 0.8 are expected
    found = occupation_deviation(few, surface, 15.0, populations=law)
    assert found.effect == pytest.approx([0.9 - share[0], 0.1 - share[1:].sum()], abs=1e-6)


def test_a_fitted_temperature_widens_the_null():
    """Shares at T = 0.3, held against T = 0.33 +- 0.03."""
    law, wrong = (ls.theory.basin_populations(TILTED, T) for T in (0.3, 0.33))
    random = np.random.default_rng(3)
    x = random.normal(size=(200_000, 1)) * 2.5
    energy = ls.evaluate(TILTED, x, "energy")
    x = x[random.uniform(size=len(x)) < np.exp(-energy / 0.3 + x[:, 0] ** 2 / 12.5 - 0.5)]
    blunt = occupation_deviation(x, TILTED, 0.33, populations=wrong)
    fitted = {"temperature_error": 0.03, "populations": wrong}
    aware = occupation_deviation(x, TILTED, 0.33, **fitted)
    assert occupation_deviation(x, TILTED, 0.3, populations=law).p_value > 0.01
    assert blunt.p_value < 1e-6 < 0.5 < aware.p_value
    slope = (wrong.population - law.population).values[0] / 0.03
    assert np.sqrt(aware.error**2 - blunt.error**2)[0] == pytest.approx(0.06 * abs(slope), rel=0.2)


NONE = [
    (ls.potentials.double_well(dim=4), np.zeros((3, 4)), "up to 3 dimensions"),
    (ls.potentials.quadratic([1.0, 4.0]), np.zeros((3, 2)), "fewer than two basins"),
    (WELL, np.zeros((3, 2)), "no particle leads to a minimum"),
]


@pytest.mark.parametrize(("potential", "x", "reason"), NONE)
def test_what_cannot_be_tested_says_why(potential, x, reason):
    assert reason in occupation_deviation(x, potential, TEMPERATURE)


def test_where_the_energy_is_not_finite_there_is_no_minimum():
    potential = ls.potentials.from_expression("x*x - log(x)", ["x"])
    found = ls.analysis.basins(synthetic_run([[-1.0], [-0.5], [0.6], [1.0]]), potential)
    assert found.basin.values.tolist() == [-1, -1, 0, 0] and np.isfinite(found.energy).all()


OTHER = [
    ((WELL, 0.06), {}, "populations must be those at temperature 0.05, got some at 0.06"),
    ((WELL._with(name="another"), 0.05), {}, "populations must be those of potential"),
    ((ls.potentials.double_well(dim=2, barrier=1.1, coupling=0.8), 0.05), {}, "got some of"),
    ((WELL, 0.05), {"attrs": {}}, "got some at None"),
    ((WELL, 0.05), {"variables": ["population"]}, "populations must be a dataset with minimum"),
]


@pytest.mark.parametrize(("law", "changed", "words"), OTHER)
def test_populations_of_another_law_are_refused(law, changed, words):
    given = ls.theory.basin_populations(*law)
    given = given[changed.get("variables", list(given))]
    given.attrs = changed.get("attrs", given.attrs)
    run = synthetic_run(exact_well(100, 1))
    assert words in refusal(ls.analysis.boltzmann_test, run, WELL, 0.05, populations=given)
