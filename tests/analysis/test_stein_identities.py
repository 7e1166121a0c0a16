"""Identities of Boltzmann's law: slopes are derivatives, variances and levels are right."""

import numpy as np
import pytest
from scipy.special import chdtri
from synthetic_runs import synthetic_run, well_draws

import langevin_sgd as ls
from langevin_sgd.analysis.boltzmann_parts import energy_at, fitted, from_centers
from langevin_sgd.analysis.significance import of_variance
from langevin_sgd.analysis.stein_identities import (
    Cloud,
    Field,
    Seen,
    _number,
    _variance,
    _without_repulsion,
    bounded,
    cubic,
    energetic,
    inner,
    matrix_deviation,
    mean_force,
    position,
    push,
    trace_deviation,
)

WELL = ls.potentials.double_well(dim=2, barrier=0.25, coupling=0.8)
TEMPERATURE = 0.1
MINIMA = np.array([[-1.0, -0.8], [1.0, 0.8]])
CHART = np.array([[0.7, 0.2], [-0.1, 1.3]])
FIELDS = [position, cubic, bounded, inner, push, energetic]


def seen_at(x, blended=False, fitted=None):
    energy = energy_at(synthetic_run(x), WELL, x)
    z, slope = from_centers(x, MINIMA[: 2 * blended], energy.gradient)
    about = energy.gradient, energy.value, energy.hessian, TEMPERATURE, fitted
    return Seen(Cloud(z, slope, *about), CHART)


@pytest.mark.parametrize("blended", [False, True], ids=["plain", "blended"])
@pytest.mark.parametrize("field", FIELDS)
def test_slopes_are_derivatives(field, blended):
    """Central differences, y of coordinates x = CHART @ y; far particles fix mean and metric."""
    x, step, moved = well_draws(2_000, 1, TEMPERATURE), 1e-5, []
    for sign in (1, -1):
        for direction in CHART.T:
            near = x.copy()
            near[0] += sign * step * direction
            moved.append(field(next(iter(seen_at(near, blended)))).u[0])
    expected = (np.array(moved[:2]) - np.array(moved[2:])) / (2 * step)
    found = field(next(iter(seen_at(x, blended)))).slope[0]
    assert np.allclose(found, expected, rtol=0.01, atol=0.01 * np.abs(expected).max())


@pytest.mark.parametrize("blended", [False, True], ids=["plain", "blended"])
@pytest.mark.parametrize("field", FIELDS)
def test_means_are_zero_and_variances_those_of_the_formula(field, blended):
    seen = seen_at(well_draws(100_000, 2, TEMPERATURE), blended)
    places = list(seen)
    weights = np.array([[1.0, 0.3], [-0.2, 0.7]])
    fields = [field(place) for place in places]
    turned = [Field(one.u @ weights, one.slope @ weights) for one in fields]
    pairs = list(zip(turned, places, strict=True))
    numbers = np.concatenate([_number(one, place.force) for one, place in pairs])
    variances = np.concatenate([_variance(one, place.curvature) for one, place in pairs])
    difference = numbers**2 - variances
    for sample in (numbers, difference):
        assert abs(sample.mean()) < 4 * sample.std() / np.sqrt(len(sample))
    assert abs(difference.mean()) < 0.2 * (numbers**2).mean()  # a factor of 2 would be seen


def test_p_values_keep_their_level_from_fifty_particles_on():
    """Fourth moments of a Gaussian: Student's t, the twin, rejects one time in four at 5 %."""
    bowl, ours, students = ls.potentials.quadratic([1.0]), [], []
    for seed in range(300):
        x = np.random.default_rng(seed).normal(size=(50, 1))
        energy = energy_at(synthetic_run(x), bowl, x)
        about = energy.gradient, energy.value, energy.hessian, 1.0, None
        seen = Seen(Cloud(x - x.mean(axis=0), None, *about), np.atleast_2d(x.std()))
        ours.append(trace_deviation(seen, cubic).p_value)
        numbers = np.concatenate([_number(cubic(place), place.force) for place in seen])
        students.append(of_variance(numbers.mean(keepdims=True), [[numbers.var() / 50]]))
    assert np.mean(np.array(ours) < 0.05) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 300)
    assert np.mean(np.array(students) < 0.05) > 0.15


def test_a_fitted_temperature_takes_the_trace_away():
    """One number less: an excess of 1 % of all temperatures is seen only if T is given."""
    x = well_draws(100_000, 3, TEMPERATURE)
    given, fitted = (seen_at(x, True, fitted=fit) for fit in (None, position))
    assert trace_deviation(fitted, position) is None
    assert matrix_deviation(given, position).p_value > 1e-3
    warm = Seen(given.sample._replace(temperature=1.05 * TEMPERATURE), CHART)
    assert matrix_deviation(warm, position).p_value < 1e-3


def test_the_length_of_a_mean_force():
    force = np.random.default_rng(1).normal(size=(10_000, 3)) + [0.3, 0.0, 0.4]
    found = mean_force(force @ CHART_3.T)
    assert abs(found.effect - 0.5) < 4 * found.error and found.p_value < 1e-100
    assert mean_force(force - force.mean(axis=0)).p_value == pytest.approx(1.0)


CHART_3 = np.array([[2.0, 0.0, 1.0], [0.0, 30.0, 0.0], [0.5, 0.0, 1.0]])


def test_outer_eigenvalues_lose_what_noise_adds():
    """A matrix with one eigenvalue 1 in noise that shows it as 1.25."""
    d, noise = 400, np.random.default_rng(1).normal(size=(400, 400)) / 40
    matrix = (noise + noise.T) / np.sqrt(2) + np.diag(np.arange(d) == 0)
    values = np.linalg.eigvalsh(matrix)
    found = _without_repulsion(values, (d - 1) / 40**2)
    assert values[-1] == pytest.approx(1.25, abs=0.05)
    assert found[-1] == pytest.approx(1.0, abs=0.1) and abs(found[0]) < 0.6
    assert _without_repulsion(np.array([0.3]), 0.0) == pytest.approx(0.3)


def test_in_many_dimensions_half_of_the_particles_choose_the_coordinates():
    """Fourth moments of 200 Gaussian particles in 20 dimensions, T fitted. The twin: coordinates in
    which all particles are white shift them by d / (2 n)^(1/2) = 1 of their errors."""
    bowl, ours, twins, virial = ls.potentials.quadratic(np.ones(20)), [], [], []
    for seed in range(100):
        x = np.random.default_rng(seed).normal(size=(200, 20))
        energy = energy_at(synthetic_run(x), bowl, x)
        views, _ = fitted(x, energy, x[:1], None)
        seen = views.by_position
        ours.append(trace_deviation(seen, cubic).p_value)
        virial.append(matrix_deviation(seen, position).p_value)
        half = Cloud(*seen.halves()[1].sample)
        twins.append(trace_deviation(OnlyOne(half, seen.way), cubic).p_value)
    assert np.mean(np.array(ours) < 0.05) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 100)
    assert np.mean(np.array(twins) < 0.05) > 0.2
    squares = chdtri(1, np.array(virial))  # of one number of the others along one direction
    assert abs(squares.mean() - 1) < 4 * np.sqrt(2 / 100)


class OnlyOne(Seen):
    """All particles choose the coordinates that they are seen in."""

    def halves(self):
        return None, self


@pytest.mark.parametrize("hot", [1.0, 1.5])
def test_a_hot_direction_among_many_is_seen(hot):
    scale = np.sqrt(np.where(np.arange(20) == 3, hot, 1.0))
    x = scale * np.random.default_rng(1).normal(size=(4_000, 20))
    energy = energy_at(synthetic_run(x), ls.potentials.quadratic(np.ones(20)), x)
    views, _ = fitted(x, energy, x[:1], None)
    assert (matrix_deviation(views.by_position, position).p_value < 1e-4) == (hot > 1)


def test_a_weight_decay_is_in_energy_gradient_and_hessian():
    x = np.array([[1.0, -2.0], [0.5, 3.0], [2.0, 1.0]])
    run = synthetic_run(x, dynamics=("sgd", {"weight_decay": 0.5}))
    found = energy_at(run, ls.potentials.quadratic([1.0, 2.0]), x)
    expected = energy_at(synthetic_run(x), ls.potentials.quadratic([1.5, 2.5]), x)
    np.testing.assert_allclose(found.value, expected.value)
    np.testing.assert_allclose(found.gradient, expected.gradient)
    np.testing.assert_allclose(found.hessian(slice(None)), expected.hessian(slice(None)))
