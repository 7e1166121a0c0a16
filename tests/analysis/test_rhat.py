"""Split and nested R-hat: against loops and ArviZ, calibrated when stationary, and large for wells
that nobody leaves.
"""

import numpy as np
import pytest
from synthetic_runs import series_run

import langevin_sgd as ls

rhat = ls.analysis.rhat
TOGETHER = np.repeat(np.arange(6), 4)


def draws(readings, particles, seed, dim=2):
    return np.random.default_rng(seed).normal(size=(readings, particles, dim))


def naive_nested(x, group):
    """One superchain after the other, one particle after the other; x (readings, particles)."""
    means, within = [], []
    for one in sorted(set(group)):
        chains = [x[:, k] for k in range(len(group)) if group[k] == one]
        averages = [sum(chain) / len(chain) for chain in chains]
        inside = [np.var(chain, ddof=1) if len(chain) > 1 else 0.0 for chain in chains]
        means.append(np.mean(averages))
        within.append(np.var(averages, ddof=1) + np.mean(inside))
    return np.sqrt(1 + np.var(means, ddof=1) / np.mean(within))


@pytest.mark.parametrize("readings", [1, 2, 9])
def test_nested_is_what_loops_find_down_to_one_reading(readings):
    x = draws(readings, 24, 1)
    found = rhat(series_run(x), "nested", superchains=TOGETHER)
    assert found.observable.values[:3].tolist() == ["mean of x0", "mean of x1", "variance of x0"]
    assert found.rhat[1].item() == pytest.approx(naive_nested(x[..., 1], TOGETHER), rel=1e-12)
    squares = (x[..., 0] - x[..., 0].mean()) ** 2
    assert found.rhat[2].item() == pytest.approx(naive_nested(squares, TOGETHER), rel=1e-12)


def test_arviz_has_the_same_numbers():
    stats = pytest.importorskip("arviz_stats.base", reason="needs the extra arviz").array_stats
    x = draws(8, 24, 2)
    run, axes = series_run(x), {"chain_axis": 0, "draw_axis": 1}
    split = stats.rhat(x[..., 0].T, method="split", **axes)
    nested = stats.rhat_nested(x[..., 0].T, TOGETHER, method="identity", **axes)
    assert rhat(run).rhat[0].item() == pytest.approx(float(split), rel=1e-12)
    found = rhat(run, "nested", superchains=TOGETHER)
    assert found.rhat[0].item() == pytest.approx(float(nested), rel=1e-12)


@pytest.mark.parametrize("readings", [1, 5])
def test_nested_is_calibrated_for_particles_that_have_mixed(readings):
    """300 runs of 6 superchains of 4: for one reading 4 (R^2 - 1) has the law F(5, 18), of mean
    9/8; for five R^2 - 1 is about (1/4)/(1 + 5), and p is uniform. The twin: superchains three
    deviations apart."""
    p_values, ratios, apart = [], [], []
    for seed in range(300):
        x = draws(readings, 24, seed, 1)
        found = rhat(series_run(x), "nested", superchains=TOGETHER)
        p_values.append(found.p_value[0].item())
        ratios.append(found.rhat[0].item() ** 2 - 1)
        if seed < 30:
            moved = series_run(x + 3 * (TOGETHER[:, None] % 2))
            apart.append(rhat(moved, "nested", superchains=TOGETHER).p_value[0].item())
    mean = 9 / 32 if readings == 1 else 1 / 24
    assert abs(np.mean(ratios) - mean) < 4 * np.std(ratios) / np.sqrt(300) + 0.03 * mean
    for level in (0.1, 0.5):
        error = np.sqrt(level * (1 - level) / 300)
        assert abs(np.mean(np.array(p_values) < level) - level) < 4 * error
    assert np.mean(np.array(apart) < 0.05) > 0.9


def test_errors_are_the_scatter_of_equal_runs():
    found = [rhat(series_run(draws(50, 10, seed, 1))) for seed in range(150)]
    values = np.array([one.rhat[0].item() for one in found])
    errors = np.array([one.rhat_standard_error[0].item() for one in found])
    assert values.std() == pytest.approx(errors.mean(), rel=4 / np.sqrt(300) + 0.05)


def test_wells_that_nobody_leaves_are_told_from_wells_that_are_left():
    """Starts in both wells, one stored step of each particle: superchains are who started
    together. Split R-hat of the stored path sees it too."""
    well, ends = ls.potentials.double_well(), np.tile([[-1.0], [1.0]], (200, 1))
    for warm, sees in ((0.5, True), (8.0, False)):
        moves, noise = ls.dynamics.sgd(0.1), ls.noise.gaussian([warm])
        options = {"particles": 400, "x0": ends, "steps": 2000, "seed": 3}
        run = ls.simulate(well, moves, noise, **options)
        nested = rhat(run, "nested")
        assert (nested.p_value[0] < 1e-3) == sees and (nested.rhat[0] > 1.5) == sees
        assert nested.attrs["particles"] == 400 and nested.attrs["readings"] == 1
        path = ls.simulate(well, moves, noise, every=20, **options)
        assert (rhat(path, warmup=200).rhat[0] > 1.5) == sees


def test_superchains_are_trimmed_to_the_smallest():
    x = draws(3, 24, 3)
    run = series_run(x)
    run["status"][5] = 1
    kept = np.arange(24) % 4 != 3
    kept[5], kept[7] = False, True
    found = rhat(run, "nested", superchains=TOGETHER, on_diverged="drop")
    smaller = rhat(series_run(x[:, kept]), "nested", superchains=TOGETHER[kept])
    np.testing.assert_allclose(found.rhat[:2], smaller.rhat[:2], rtol=1e-12)
