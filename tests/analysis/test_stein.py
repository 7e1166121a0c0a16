"""The kernel Stein discrepancy: its value by two plain loops, its level, its power and its blind
spot."""

import numpy as np
import pytest
from synthetic_runs import gaussian_run, synthetic_run

import langevin_sgd as ls

HESSIAN, TEMPERATURE = np.array([[2.0, 0.5], [0.5, 1.0]]), 0.3
BOWL, BOLTZMANN = ls.potentials.quadratic(HESSIAN), TEMPERATURE * np.linalg.inv(HESSIAN)
BAND = 3.2905  # normal quantile of 99.9 %


def stein(run, potential=BOWL, temperature=TEMPERATURE, **options):
    return ls.analysis.stein_discrepancy(run, potential, temperature, **options)


def stein_naively(x, gradient, temperature):
    """The mean over pairs, with the derivatives of the kernel by finite differences."""
    values, vectors = np.linalg.eigh(np.cov(x.T))
    root = vectors / np.sqrt(values) @ vectors.T
    y = (x - x.mean(axis=0)) @ root
    score = np.array([-np.linalg.solve(root, g) / temperature for g in gradient])
    pairs = [(i, j) for i in range(len(y)) for j in range(i)]
    square = np.median([((y[i] - y[j]) ** 2).sum() for i, j in pairs])
    steps, total = 1e-4 * np.eye(y.shape[1]), 0.0

    def kernel(a, b):
        return 1 / np.sqrt(1 + ((a - b) ** 2).sum() / square)

    def along(f, at, step):
        return (f(at + step) - f(at - step)) / 2e-4

    for i, j in pairs:
        a, b = y[i], y[j]
        total += score[i] @ score[j] * kernel(a, b)
        for k, h in enumerate(steps):
            total += score[i, k] * along(lambda z, a=a: kernel(a, z), b, h)
            total += score[j, k] * along(lambda z, b=b: kernel(z, b), a, h)
            total += along(lambda w, b=b, h=h: along(lambda z, w=w: kernel(w, z), b, h), a, h)
    return total / len(pairs)


def test_the_value_is_that_of_two_plain_loops():
    run = gaussian_run([[0.5, 0.1], [0.1, 0.2]], 25, 1)
    x = run.x.values.reshape(-1, 2)
    naive = stein_naively(x, x @ HESSIAN, TEMPERATURE)
    assert stein(run).discrepancy == pytest.approx(naive, rel=1e-5)


@pytest.mark.parametrize("mixing", [[[10.0, 3.0], [0.1, 0.2]], [[1e7, 0.0], [0.0, 1e-7]]])
def test_linear_changes_of_coordinates_change_nothing(mixing):
    mixing = np.array(mixing)
    run, back = gaussian_run(BOLTZMANN, 700, 2), np.linalg.inv(mixing)
    other = ls.potentials.quadratic(back.T @ HESSIAN @ back)
    one, two = stein(run), stein(synthetic_run(run.x.values.reshape(-1, 2) @ mixing.T), other)
    assert two.discrepancy == pytest.approx(one.discrepancy.item(), rel=1e-9)
    assert two.p_value == one.p_value


@pytest.mark.parametrize("replicates", [150, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("n", [20, 100])
def test_false_alarms_are_at_most_as_frequent_as_stated(n, replicates):
    runs = [gaussian_run(BOLTZMANN, n, seed) for seed in range(replicates)]
    p = np.array([stein(run, resamples=199).p_value.item() for run in runs])
    for level in (0.01, 0.05, 0.1):
        assert np.mean(p <= level) <= level + BAND * np.sqrt(level * (1 - level) / replicates)
    uniform = np.random.default_rng(1).uniform(-1, 1, size=(1000, 2)) * np.sqrt(3 * TEMPERATURE)
    bowl = ls.potentials.quadratic([1.0, 1.0])
    assert stein(synthetic_run(uniform), bowl, resamples=199).p_value == 1 / 200  # the twin


def test_the_weights_of_separated_wells_are_not_seen():
    """As the docstring says: three quarters of the particles in one of two equal wells."""
    random = np.random.default_rng(4)
    x = random.uniform(0.3, 1.7, size=(3000, 1))
    x = x[random.uniform(size=3000) < np.exp(-((x[:, 0] ** 2 - 1) ** 2) / 0.05)][:600]
    x[:150] *= -1
    well = ls.potentials.double_well(barrier=1.0)
    assert stein(synthetic_run(x), well, 0.05).p_value > 0.05


def test_most_particles_at_one_place_depart():
    x = np.append(np.zeros(1500), np.random.default_rng(1).normal(size=500))[:, None]
    found = stein(synthetic_run(x), ls.potentials.quadratic([1.0]), 1.0)
    assert found.discrepancy > 4 * found.discrepancy_standard_error > 0
