"""Every reducer against the twin that has the whole path, and its errors against many seeds."""

import warnings
from functools import cache

import naive
import naive_reducers
import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd.kernels.elementary import where

RATE, MOMENTUM, BATCH, PARTICLES, STEPS = 0.05, 0.5, 2, 333, 50
WELL = ls.potentials.double_well(2, 0.5, 2.0, coupling=0.5, tilt=0.1)
TWIN = naive.double_well(2, 0.5, 2.0, 0.5, 0.1)
NOISE, HEAVY = ls.noise.gaussian([4.0, 2.0]), ls.dynamics.sgd(RATE, BATCH, momentum=MOMENTUM)
METRIC = np.array([[0.5, 0.1], [0.1, 0.3]])
LOW, HIGH, BINS = (-1.0, -0.6), (1.2, 0.8), (7, 5)


def power(p, acc, step, before, x, v, g, xi):
    """A user's reducer that wants the noise, and the number of the step."""
    acc[0] += p.scale * (xi[0] * v[1] + g[1] * before[2])
    acc[1] += step * x[0]


def branching(p, acc, step, before, x, v, g):
    """Branches on x, so that it runs particle by particle."""
    if x[0] > before[0]:
        acc[0] += 1.0
    else:
        acc[1] += x[1]


def quadrants(p, acc, step, before, x, v, g):
    acc[0] = where(x[0] > 0.0, 1.0, 0.0)
    acc[1] = where(x[1] > p.level, 2.0, 0.0)
    acc[2] = where(v[0] > 0.0, 3.0, -5.0)
    acc[3] = where(v[1] > 0.0, 7.0, 0.0)


REDUCERS = (
    ls.reducers.moments(every=3, start=4, center=[0.5, -0.25]),
    ls.reducers.histogram(LOW[0], HIGH[0], BINS[0], every=2),
    ls.reducers.histogram(LOW, HIGH, BINS, (0, 1), start=7, name="plane"),
    ls.reducers.currents(LOW, HIGH, BINS),
    ls.reducers.autocovariance([0, 4, 10, 6], every=2, start=5),
    ls.reducers.virial(every=5),
    ls.reducers.rotation([0.0, 1.3], [0.5, -0.25], METRIC, every=3),
    ls.reducers.gradient_noise(every=2, start=1),
    ls.reducers.energy(0.1, 0.9, 7, every=3),
    ls.Reducer("power", power, {"scale": 0.5}, 2, every=3),
    ls.Reducer("branching", branching, {}, 2, every=4, start=2),
    ls.Reducer("quadrants", quadrants, {"level": 0.1}, 4, bins=(2, 3), weights=2),
)


def simulate(seed=3, particles=PARTICLES, steps=STEPS, **options):
    given = {"particles": particles, "steps": steps, "seed": seed, "reducers": REDUCERS} | options
    with warnings.catch_warnings():
        # One function branches, and with a radius particles leave: both warn.
        warnings.simplefilter("ignore")
        return ls.simulate(WELL, HEAVY, NOISE, **given)


@cache
def path():
    """A run whose particles start apart and of which some leave."""
    x0 = np.random.default_rng(5).normal(scale=0.6, size=(PARTICLES, 2)).clip(-0.9, 0.9)
    run = simulate(x0=x0, every=1, escape_radius=1.5)
    left = run.stopped_at_step.values
    assert 20 < np.sum(left >= 0) < 200 and len(np.unique(left)) > 10 and PARTICLES % 16
    return run


def test_bits_do_not_depend_on_how_the_run_is_cut():
    """More ways, and plain Python, in test_reducer_bits.py."""
    start = {"x0": path().x.values[0], "escape_radius": 1.5}
    for way in ((2, 16, 7), (3, 256, 33)):
        cut = dict(zip(("threads", "block_size", "chunk_steps"), way, strict=True))
        other = simulate(**start, **cut)
        for name in set(other.variables) - {"x", "v", "step"}:
            np.testing.assert_array_equal(other[name], path()[name], err_msg=name)


@cache
def rows(every=1, start=0):
    found = naive_reducers.read(path(), every, start)
    gradient = TWIN.gradient(found["before"])
    return found | {"g": gradient, "xi": naive_reducers.pushes(found, RATE, MOMENTUM) - gradient}


def close(found, expected, scale=1.0):
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12 * scale)


def test_moments():
    run, found = path(), rows(3, 4)
    for name, value in naive_reducers.moments(found).items():
        close(run[f"moments_{name}"], value)

        def estimate(rows, name=name):
            return naive_reducers.moments(rows)[name]

        error = naive_reducers.jackknife(estimate, found, PARTICLES)
        stated = run[f"moments_{name}_standard_error"]
        np.testing.assert_allclose(stated, error, rtol=1e-7, atol=1e-12)
    assert run.moments_observations == len(found["x"])


@pytest.mark.parametrize(("name", "every", "start"), [("histogram", 2, 0), ("plane", 1, 7)])
def test_histograms_count_everything_once(name, every, start):
    run, x = path(), rows(every, start)["x"]
    axes = range(2 if name == "plane" else 1)
    edges = [np.linspace(LOW[k], HIGH[k], BINS[k] + 1) for k in axes]
    counts, _ = np.histogramdd(x[:, : len(axes)], edges)
    below = [np.sum(x[:, k] < LOW[k]) for k in axes]
    above = [np.sum(x[:, k] >= HIGH[k]) for k in axes]
    for key, exact in (("count", counts), ("underflow", below), ("overflow", above)):
        np.testing.assert_array_equal(run[f"{name}_{key}"], exact)
    assert min(below + above) > 0 and np.count_nonzero(counts) > 5
    widths = [edge[1] - edge[0] for edge in edges]
    close(run[f"{name}_density"], counts / len(x) / np.prod(widths))
    for k in axes:
        middles = run[f"{name}_x{k}"]
        close(middles, (edges[k][1:] + edges[k][:-1]) / 2)
        close(middles.attrs["bin_width"], widths[k])
    assert run[f"{name}_axis"].values.tolist() == [f"x{k}" for k in axes]


def test_errors_of_a_histogram():
    edges = np.linspace(LOW[0], HIGH[0], BINS[0] + 1)

    def density(rows):
        return np.histogram(rows["x"][:, 0], edges)[0] / len(rows["x"]) / (edges[1] - edges[0])

    error = naive_reducers.jackknife(density, rows(2), PARTICLES)
    np.testing.assert_allclose(path().histogram_density_standard_error, error, rtol=1e-7)


def test_currents_with_x_before_and_after():
    """Each displacement is rounded to a multiple of 2^-24 bins."""
    run, found, grid = path(), rows(), (LOW, HIGH, BINS)
    exact, widths = naive_reducers.currents(found, *grid), np.subtract(HIGH, LOW) / BINS
    bound = 0.5 * 2.0**-24 * np.max(widths) / np.prod(widths)
    assert np.abs(run.currents_current - exact).max() < bound < 1e-6 < np.abs(exact).max()
    cells = naive_reducers.cell_numbers((found["before"] + found["x"]) / 2, *grid)
    inside = np.all((cells >= 0) & (cells < BINS), axis=1)
    counts = np.zeros(BINS)
    np.add.at(counts, tuple(cells[inside].T), 1)
    np.testing.assert_array_equal(run.currents_count, counts)


def test_rotation_with_the_weight_in_the_middle_of_a_step():
    run, found = path(), rows(3)
    exact = [naive_reducers.rotation(found, k, [0.5, -0.25], METRIC) for k in (0.0, 1.3)]
    close(run.rotation, exact)
    assert np.all(np.abs(run.rotation[:, 0, 1]) > 1e-4)


def test_autocovariance_at_lags_in_any_order():
    exact = naive_reducers.autocovariance(path(), [0, 4, 10, 6], 2, 5)
    close(path().autocovariance, exact)
    close(path().autocovariance_correlation, exact / exact[0])
    np.testing.assert_array_equal(path().autocovariance_lag, [0, 4, 10, 6])


def test_virial_and_budget():
    found = rows(5)
    terms = naive_reducers.budget(found, found["g"], RATE, MOMENTUM, found["xi"])
    for name, value in terms.items():
        close(path()[f"virial{name}"], value, scale=10.0)


def test_gradient_noise_of_what_was_drawn():
    xi = rows(2, 1)["xi"]
    close(path().gradient_noise_mean, xi.mean(axis=0), 10.0)
    close(path().gradient_noise_covariance, BATCH * xi.T @ xi / len(xi), 10.0)
    close(path().gradient_noise_trace, BATCH * np.mean(np.sum(xi**2, axis=1)), 10.0)


def test_energy_with_its_histogram():
    found, edges = rows(3), np.linspace(0.1, 0.9, 8)
    energy = TWIN.energy(found["x"])
    count = np.histogram(energy, edges)[0]
    exact = {
        "mean": lambda rows: TWIN.energy(rows["x"]).mean(),
        "variance": lambda rows: TWIN.energy(rows["x"]).var(),
        "density": lambda rows: (
            np.histogram(TWIN.energy(rows["x"]), edges)[0] / len(rows["x"]) * 7 / 0.8
        ),
    }
    for name, estimate in exact.items():
        close(path()[f"energy_{name}"], estimate(found))
        error = naive_reducers.jackknife(estimate, found, PARTICLES)
        stated = path()[f"energy_{name}_standard_error"]
        np.testing.assert_allclose(stated, error, rtol=1e-7)
    for name, value in (("count", count), ("underflow", np.sum(energy < 0.1))):
        np.testing.assert_array_equal(path()[f"energy_{name}"], value)
    assert path().energy_overflow == len(energy) - count.sum() - np.sum(energy < 0.1) > 0
    close(path().energy_bin, (edges[1:] + edges[:-1]) / 2)


def test_gradient_noise_of_what_was_drawn_window_by_window():
    """24 readings, after the steps 3, 5, ..., 49, in ten windows of three or two."""
    found, run = rows(2, 1), path()
    window = (found["step"] - 3) // 2 * 10 // 24
    trace, pull = BATCH * np.sum(found["xi"] ** 2, axis=1), np.linalg.norm(found["g"], axis=1)
    for number in range(10):
        here, of_run = window == number, run.isel(gradient_noise_step=number)
        close(of_run.gradient_noise_trace_along, trace[here].mean(), 10.0)
        close(of_run.gradient_noise_norm_along, pull[here].mean(), 10.0)
        done = found["step"][(found["particle"] == found["particle"][0]) & here] - 1
        close(of_run.gradient_noise_step, np.mean(done))
    heat = run.gradient_noise_trace_along * RATE / (2 * BATCH * 2 * (1 - MOMENTUM))
    close(run.gradient_noise_temperature_along, heat)
    assert "gradient_noise_alignment_along" not in run


def test_reducers_of_ones_own():
    run, found = path(), rows(3)
    work = 0.5 * (found["xi"][:, 0] * found["v"][:, 1] + found["g"][:, 1] * found["speed"][:, 0])
    close(run.power_mean, [work.mean(), np.mean(found["step"] * found["x"][:, 0])], 100.0)
    found = rows(4, 2)
    right = found["x"][:, 0] > found["before"][:, 0]
    close(run.branching_mean, [right.mean(), np.mean(np.where(right, 0.0, found["x"][:, 1]))])
    found, counts, sums = rows(), np.zeros((2, 3), int), np.zeros((2, 3, 2), int)
    place, up = ((found["x"][:, 0] > 0).astype(int), 2 * (found["x"][:, 1] > 0.1)), found["v"] > 0
    np.add.at(counts, place, 1)
    np.add.at(sums, place, np.where(up, [3, 7], [-5, 0]))
    np.testing.assert_array_equal(run.quadrants_count, counts)
    np.testing.assert_array_equal(run.quadrants_sum, sums)


@cache
def many():
    return [simulate(seed, 640, 120) for seed in range(40)]


def variance_over_seeds(name):
    return np.var([run[name].values for run in many()], axis=0, ddof=1)


@pytest.mark.parametrize(
    "name", ["moments_mean", "moments_covariance", "histogram_density", "autocovariance", "virial"]
)
def test_standard_errors_are_the_spread_over_seeds(name):
    """40 seeds know a variance to sqrt(2/39); the entries of one estimate are correlated and
    averaged without gain.
    """
    stated = np.mean([run[f"{name}_standard_error"].values ** 2 for run in many()], axis=0)
    assert abs(np.mean(variance_over_seeds(name) / stated) - 1) < 4 * np.sqrt(2 / 39)


def test_errors_that_take_readings_for_independent_are_far_too_small():
    """The twin."""
    errors = [np.diag(run.moments_covariance) / run.moments_observations.item() for run in many()]
    ratio = variance_over_seeds("moments_mean") / np.mean(errors, axis=0)
    assert np.all(ratio > 1 + 8 * np.sqrt(2 / 39))


# ---- What the shared run cannot show ----------------------------------------------------

FLAT = ls.potentials.quadratic([0.0, 0.0, 0.0])
STILL = ls.dynamics.sgd(1e-9)


def test_a_bin_holds_its_lower_edge_and_not_its_upper_one():
    """Particles on the edges 0, 0.5, 1 of two bins: one below, one in each, one above."""
    x0 = np.array([[-0.25, 0, 0], [0.0, 0, 0], [0.5, 0, 0], [1.0, 0, 0]])
    observed = ls.reducers.histogram(0.0, 1.0, 2)
    run = ls.simulate(FLAT, STILL, particles=4, steps=1, x0=x0, seed=1, reducers=observed)
    assert run.histogram_count.values.tolist() == [1, 1]
    assert run.histogram_underflow == 1 and run.histogram_overflow == 1


@pytest.mark.parametrize("components", [1, (2, 0)])
def test_components_are_those_that_were_asked_for(components):
    """The particles stand at (0.5, 1.5, 2.5), and move by one up along component 1."""
    wanted = np.atleast_1d(components)
    windy = FLAT._replace(drift=up_along_1)
    observed = (
        ls.reducers.histogram(0.0, 4.0, 4, components),
        ls.reducers.currents(0.0, 4.0, 4, components),
    )
    options = {"x0": [0.5, 0.5, 2.5], "seed": 1, "reducers": observed}
    run = ls.simulate(windy, ls.dynamics.sgd(1.0), particles=16, steps=1, **options)
    counts = run.histogram_count
    assert counts.dims == tuple(f"histogram_x{k}" for k in wanted)
    place = np.argwhere(counts.values == 16)
    assert place.tolist() == [[{0: 0, 1: 1, 2: 2}[k] for k in wanted]]
    moved = run.currents_current.sum(list(run.currents_count.dims)).values
    np.testing.assert_allclose(moved, (wanted == 1) * 1.0)


def up_along_1(p, x, out):
    out[0] = 0.0
    out[1] = 1.0
    out[2] = 0.0


@pytest.mark.parametrize(("middle", "apart", "digits"), [(0.0, 1.0, 1e-12), (1e6, 1e-3, 1e-6)])
def test_gradient_noise_of_a_table_is_divided_by_its_rows(middle, apart, digits):
    """Sigma = H cov(c) H with the divisor N, everywhere; N - 1 would be 4/3 of it. Of centres at
    1e6, 1e-3 apart, second moments about 0 would not have one right digit.
    """
    centers = middle + apart * np.array([[0.0, 0.0], [1.0, 2.0], [3.0, -1.0], [0.5, 0.5]])
    loss, hessian = ls.losses.quadratic_centers([1.0, 2.0], centers), np.diag([1.0, 2.0])
    options = {"particles": 16, "steps": 1, "seed": 1, "reducers": ls.reducers.gradient_noise()}
    run = ls.simulate(loss, STILL, ls.noise.minibatch(), **options)
    exact, mean = hessian @ np.cov(centers.T, bias=True) @ hessian, -hessian @ centers.mean(axis=0)
    np.testing.assert_allclose(run.gradient_noise_covariance, exact, rtol=digits)
    np.testing.assert_allclose(run.gradient_noise_trace, np.trace(exact), rtol=digits)
    np.testing.assert_allclose(run.gradient_noise_mean, mean, rtol=1e-7, atol=1e-7)


def test_weight_decay_is_in_every_factor_of_the_virial():
    """Against the twin that adds decay x to the gradient; without a velocity, and with one."""
    for momentum in (0.0, MOMENTUM):
        moves = ls.dynamics.sgd(RATE, BATCH, momentum=momentum, weight_decay=3.0)
        options = {"particles": 50, "steps": 20, "every": 1, "seed": 2, "x0": [0.7, -0.4]}
        run = ls.simulate(WELL, moves, NOISE, reducers=ls.reducers.virial(), **options)
        found = naive_reducers.read(run)
        g = TWIN.gradient(found["before"]) + 3.0 * found["before"]
        if momentum:
            push = naive_reducers.pushes(found, RATE, momentum)
        else:
            push = (found["before"] - found["x"]) / RATE
        terms = naive_reducers.budget(found, g, RATE, momentum, push - g)
        for name, value in terms.items():
            close(run[f"virial{name}"], value, scale=10.0)
