"""Sampling modes: stationary covariances against exact ones (oracle group 03), given and weighted
batches.
"""

import numpy as np
import pytest
from _oracle_cases import CASES
from z_scores import of_products

import langevin_sgd as ls

PARTICLES = 100_000
CASE = CASES["epoch_2d"]["inputs"]
EXPECTED = CASES["epoch_2d"]["expected"]
HESSIAN, CENTERS, BATCH, RATE = np.array(CASE["H"]), np.array(CASE["X"]), CASE["B"], CASE["eta"]
LOSS = ls.losses.quadratic_centers(HESSIAN, CENTERS)
START = [0.3, 0.2]


def moved(
    noise,
    steps,
    *,
    batch=BATCH,
    rate=RATE,
    start=EXPECTED["theta_mean"],
    particles=PARTICLES,
    loss=LOSS,
    **options,
):
    dynamics = ls.dynamics.sgd(rate, batch)
    return ls.simulate(
        loss, dynamics, noise, particles=particles, steps=steps, x0=start, seed=2, **options
    )


def covariance_z(x, exact):
    exact = np.asarray(exact)
    error = np.sqrt((np.outer(np.diagonal(exact), np.diagonal(exact)) + exact**2) / len(x))
    return (np.cov(x.T) - exact) / error


@pytest.mark.parametrize(
    ("sampling", "column"),
    [
        ("with_replacement", "S_with_replacement"),
        ("without_replacement", "S_without_replacement_independent_batches"),
    ],
)
def test_independent_batches(sampling, column):
    x = moved(ls.noise.minibatch(sampling), 104).x.values[-1]
    assert np.abs(covariance_z(x, EXPECTED[column])).max() < 5


@pytest.mark.parametrize("sampling", ["with_replacement", "without_replacement"])
def test_a_batch_of_any_size_has_the_covariance_of_the_table(sampling):
    """One step from one point, for B = 1 ... N, against Sigma/B, without replacement times (N -
    B)/(N - 1); the twin, each other's formula and that with N - 1 for B = 1, is rejected.
    """
    gradients = np.array(CASES["sampling_8x2"]["inputs"]["per_example_gradients"])
    loss = ls.losses.quadratic_centers(HESSIAN, -np.linalg.solve(HESSIAN, gradients.T).T)
    sigma, count = ls.analysis.gradient_covariance(loss, [0.0, 0.0]).covariance.values, 8
    exact = CASES["sampling_8x2"]["expected"]
    for batch in range(1, count + 1):
        found = moved(ls.noise.minibatch(sampling), 1, loss=loss, batch=batch, start=[0.0, 0.0])
        away = found.x.values[-1] / -RATE - exact["G_T"]
        fresh, subset = sigma / batch, sigma / batch * (count - batch) / (count - 1)
        right, wrong = (fresh, subset) if sampling == "with_replacement" else (subset, fresh)
        if batch == 1:
            wrong = sigma * count / (count - 1)
        if batch == 3:
            np.testing.assert_allclose(right, exact[f"cov_{sampling}"], rtol=1e-10)
        if not right.any():
            assert np.abs(away).max() < 1e-13
            continue
        assert np.abs(of_products(away, away, right)).max() < 4
        assert np.abs(of_products(away, away, wrong)).max() > 20


def test_reshuffled_epochs_by_position_in_the_epoch():
    run = moved(ls.noise.minibatch("reshuffle"), 103, every=1)
    by_position = EXPECTED["S_epoch_shuffle_by_position"]
    for position, exact in enumerate(by_position):
        assert np.abs(covariance_z(run.x.sel(step=100 + position).values, exact)).max() < 5
    # The twin: taken at the wrong position, or for fresh batches, the same numbers are rejected.
    assert np.abs(covariance_z(run.x.sel(step=100).values, by_position[1])).max() > 50
    assert (
        np.abs(covariance_z(run.x.sel(step=101).values, EXPECTED["S_with_replacement"])).max() > 50
    )


def test_single_shuffle_against_its_theory():
    sigma = np.cov((CENTERS @ HESSIAN).T, bias=True)
    exact = ls.theory.single_shuffle_covariance(HESSIAN, sigma, RATE, BATCH, len(CENTERS))
    x = moved(ls.noise.minibatch("single_shuffle"), 104).x.values[-1]
    # A finite population of orders: nearly, not exactly Gaussian.
    assert np.abs(covariance_z(x, exact)).max() < 6


def test_an_epoch_visits_every_example_once():
    """With B = 1 and the rate of a running mean, x after N steps is the mean of the centers,
    whatever the order.
    """
    rates = ls.schedules.from_values(1 / np.arange(1, len(CENTERS) + 1))
    loss = ls.losses.quadratic_centers(np.eye(2), CENTERS)
    given = {"particles": 64, "steps": len(CENTERS), "x0": START, "seed": 3}
    mean = np.broadcast_to(CENTERS.mean(axis=0), (64, 2))
    for sampling in ("reshuffle", "single_shuffle"):
        run = ls.simulate(loss, ls.dynamics.sgd(rates), ls.noise.minibatch(sampling), **given)
        np.testing.assert_allclose(run.x.values[-1], mean, atol=1e-12)


def test_fresh_rows_of_the_population_against_online_regression():
    covariance, label_noise, rate, batch = np.array([[1.0, 0.3], [0.3, 0.5]]), 0.2, 0.2, 4
    loss = ls.losses.linear_regression_population(covariance, label_noise, [0.5, -0.2])
    moves, fresh = ls.dynamics.sgd(rate, batch), ls.noise.minibatch("population")
    run = ls.simulate(loss, moves, fresh, particles=50_000, steps=150, x0=[0.5, -0.2], seed=4)
    x = run.x.values[-1]
    exact = ls.theory.regression_covariance(covariance, label_noise, rate, batch).position
    squares = (x - x.mean(axis=0)) ** 2
    error = squares.std(axis=0) / np.sqrt(len(x))
    assert np.all(np.abs(squares.mean(axis=0) - np.diagonal(exact)) < 4 * error)
    # The twin: noise taken as constant.
    additive = ls.theory.stationary_covariance(covariance, label_noise * covariance, rate, batch)
    assert np.all(np.abs(squares.mean(axis=0) - np.diagonal(additive)) > 4 * error)
    assert np.all(np.abs(x.mean(axis=0) - [0.5, -0.2]) < 4 * x.std(axis=0) / np.sqrt(len(x)))


def test_importance_weights_keep_the_mean_and_give_their_covariance():
    weights = np.linspace(1, 3, len(CENTERS))
    p = weights / weights.sum()
    gradients = (np.array(START) - CENTERS) @ HESSIAN
    run = moved(ls.noise.minibatch(weights=weights), 1, rate=1.0, start=START)
    batch_gradient = np.array(START) - run.x.values[-1]
    exact = (
        (gradients.T / (len(p) ** 2 * p)) @ gradients
        - np.outer(gradients.mean(axis=0), gradients.mean(axis=0))
    ) / BATCH
    z = (batch_gradient.mean(axis=0) - gradients.mean(axis=0)) / np.sqrt(
        np.diagonal(exact) / PARTICLES
    )
    assert np.abs(z).max() < 4 and np.abs(covariance_z(batch_gradient, exact)).max() < 5
    uniform = np.cov(gradients.T, bias=True) / BATCH
    assert np.abs(covariance_z(batch_gradient, uniform)).max() > 20


def test_svag_amplifies_the_noise_of_a_batch_and_keeps_its_mean():
    """Covariance 2 l Sigma/B, as the record says; the twin: that of SGD, l = 1, is rejected."""
    amplified = ls.noise.minibatch("svag", amplification=3.0)
    gradients = (np.array(START) - CENTERS) @ HESSIAN
    run = moved(amplified, 1, batch=4, rate=1.0, start=START)
    found = np.array(START) - run.x.values[-1]
    sigma = np.cov(gradients.T, bias=True)
    exact = 2 * 3.0 * sigma / 4
    z = (found.mean(axis=0) - gradients.mean(axis=0)) / np.sqrt(np.diagonal(exact) / PARTICLES)
    assert np.abs(z).max() < 4 and np.abs(covariance_z(found, exact)).max() < 5
    assert np.abs(covariance_z(found, exact / 3)).max() > 50
    known = amplified.batch_covariance(LOSS, np.array([START]), 4)[0]
    of_run = ls.analysis.noise_covariance_of(run, LOSS)(np.array([START]))[0] / 4
    np.testing.assert_allclose([known, of_run], [exact, exact], rtol=1e-12)


def test_given_batches_are_taken_and_make_particles_dependent():
    batches = np.arange(12).reshape(4, 3)
    run = moved(ls.noise.minibatch("given", batches=batches), 4, start=START, particles=5)
    x = np.array(START)
    for rows in batches:
        x = x - RATE * ((x - CENTERS[rows]) @ HESSIAN).mean(axis=0)
    np.testing.assert_allclose(run.x.values[-1], np.broadcast_to(x, (5, 2)), atol=1e-14)
    assert run.attrs["independent_particles"] == 0
    with pytest.raises(ValueError, match="dependent"):
        ls.analysis.equipartition(run, LOSS)


@pytest.mark.parametrize("sampling", ["with_replacement", "reshuffle"])
def test_shared_batches_are_the_same_for_all_particles(sampling):
    run = moved(ls.noise.minibatch(sampling, shared=True), 3, start=START, particles=40)
    assert np.ptp(run.x.values[-1], axis=0).max() == 0 and run.attrs["independent_particles"] == 0
    apart = moved(ls.noise.minibatch(sampling), 3, start=START, particles=40)
    assert (
        np.ptp(apart.x.values[-1], axis=0).min() > 0.01
        and apart.attrs["independent_particles"] == 1
    )


@pytest.mark.parametrize("sampling", ["without_replacement", "reshuffle"])
def test_sampling_has_the_same_bits_for_any_layout(sampling):
    def bits(**layout):
        return moved(ls.noise.minibatch(sampling), 13, particles=333, **layout).x.values.tobytes()

    assert (
        bits(threads=1)
        == bits(threads=3, block_size=16)
        == bits(threads=2, block_size=256, chunk_steps=5)
    )


def test_thermal_noise_and_the_tables_gaussian_twin_do_not_share_numbers():
    """Langevin's thermal normals and those of table_gaussian lie in one buffer: variance 2 T dt +
    dt^2 Sigma / B exactly.
    """
    temperature, step = 0.1, 0.05
    dynamics = ls.dynamics.langevin(temperature, step, batch_size=2)
    run = ls.simulate(
        LOSS, dynamics, ls.noise.table_gaussian(), particles=PARTICLES, steps=1, x0=START, seed=3
    )
    sigma = np.cov((CENTERS @ HESSIAN).T, bias=True)
    exact = 2 * temperature * step * np.eye(2) + step**2 * sigma / 2
    assert np.abs(covariance_z(run.x.values[-1], exact)).max() < 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampling": "reshufle"}, "Did you mean 'reshuffle'"),
        ({"sampling": "given"}, "batches must be given"),
        ({"batches": [[1]]}, "batches must be given for sampling='given'"),
        ({"sampling": "reshuffle", "weights": [1.0]}, "weights must be None"),
        ({"weights": [1.0, 0.0]}, "weights must be positive"),
        ({"sampling": "svag"}, "amplification must be given"),
        ({"amplification": 2.0}, "and only there; sampling is 'with_replacement'"),
        ({"sampling": "given", "batches": [[0.5]]}, "whole numbers"),
    ],
)
def test_bad_sampling_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ls.noise.minibatch(**options)


@pytest.mark.parametrize(
    ("noise", "batch", "message"),
    [
        (ls.noise.minibatch("reshuffle"), 13, "batch_size must be at most 12"),
        (ls.noise.minibatch("population"), 1, "generator of fresh rows"),
        (ls.noise.minibatch("given", batches=[[0, 12]]), 2, "row numbers below 12"),
        (ls.noise.minibatch(weights=[1.0, 2.0]), 1, "weights must have 12 entries"),
        (ls.noise.minibatch("svag", amplification=2), 3, "must be constant and even for 'svag'"),
        (
            ls.noise.minibatch("reshuffle"),
            ls.schedules.from_values([1, 2]),
            "batch_size must be constant",
        ),
    ],
)
def test_batches_that_do_not_fit_the_run_are_refused(noise, batch, message):
    with pytest.raises(ValueError, match=message):
        moved(noise, 2, batch=batch, particles=3)


def _no_energy(p, x):
    return 0.0 * x[0]


def _no_gradient(p, x, out):
    out[0] = 0.0 * x[0]


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        ([("periodic", 0, 1)] * 2, "1 entries"),
        ([("open", 0, 1)], "kind of a wall"),
        ([("periodic", 1, 0)], "low < high"),
    ],
)
def test_bad_domains_are_refused(domain, message):
    with pytest.raises(ValueError, match=message):
        ls.Potential("box", _no_energy, _no_gradient, None, 1, domain=domain)
