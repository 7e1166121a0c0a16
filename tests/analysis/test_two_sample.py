"""Two ensembles of one law or of two: the level of the test whatever the tails, and its power."""

import numpy as np
import pytest
from synthetic_runs import gaussian_run, synthetic_run

import langevin_sgd as ls
from langevin_sgd.analysis.two_sample import sample_deviation

BOWL = ls.potentials.quadratic([1.0, 1.0])
BAND = 3.2905  # normal quantile of 99.9 %
DRAWS = {
    "normal": lambda random, size: random.normal(size=size),
    "cauchy": lambda random, size: random.standard_cauchy(size=size),
}


@pytest.mark.parametrize("replicates", [150, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("draw", DRAWS)
def test_false_alarms_are_as_frequent_as_stated(draw, replicates):
    p = []
    for seed in range(replicates):
        x = DRAWS[draw](np.random.default_rng(seed), (70, 2))
        p.append(sample_deviation(x[:50], x[50:], BOWL, 99, seed).p_value)
    for level in (0.01, 0.05, 0.1):
        band = BAND * np.sqrt(level * (1 - level) / replicates)
        assert np.mean(np.array(p) <= level) <= level + band
    assert abs(np.mean(p) - 0.5) < 4 / np.sqrt(12 * replicates)


def uniform(n):
    return np.random.default_rng(7).uniform(-np.sqrt(3), np.sqrt(3), size=(n, 2))


SEEN = {
    "variance": gaussian_run([1.2, 1.0] * np.eye(2), 2000, 2),
    "mean": synthetic_run(gaussian_run(np.eye(2), 2000, 3).x.values.reshape(-1, 2) + [0.15, 0.0]),
    "shape": synthetic_run(uniform(2000)),
    "correlation": gaussian_run([[1.0, 0.3], [0.3, 1.0]], 2000, 5),
}


@pytest.mark.parametrize("what", SEEN)
def test_a_difference_is_seen(what):
    other = gaussian_run(np.eye(2), 2000, 11)
    found = ls.analysis.two_sample_test(SEEN[what], other, BOWL)
    assert found.p_value <= 0.004
    assert np.abs(found.effect / found.effect_standard_error).max() > 4


@pytest.mark.parametrize("mixing", [[[10.0, 3.0], [0.1, 0.2]], [[1e7, 0.0], [0.0, 1e-7]]])
def test_linear_changes_of_coordinates_change_nothing_but_rounding(mixing):
    mixing = np.array(mixing)
    run, other = (gaussian_run(np.eye(2), 300, seed) for seed in (1, 2))
    moved = [synthetic_run(one.x.values.reshape(-1, 2) @ mixing.T) for one in (run, other)]
    found, again = (ls.analysis.two_sample_test(*pair) for pair in ((run, other), moved))
    assert again.p_value == found.p_value
    assert again.effect.values == pytest.approx(found.effect.values, abs=1e-9)


@pytest.mark.parametrize("potential", [BOWL, ls.potentials.quadratic([0.0, 0.0])])
def test_a_run_has_the_law_of_itself(potential):
    run = gaussian_run(np.eye(2), 100, 1)
    assert ls.analysis.two_sample_test(run, run, potential).p_value == 1.0
