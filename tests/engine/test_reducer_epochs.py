"""Reducers under shuffled epochs: the full gradient, every position of an epoch alike, and apart,
against the twin that has the whole path and against exact epoch theory.
"""

from functools import cache

import naive
import naive_reducers
import numpy as np
import pytest
from refusals import refusal
from z_scores import z_of

import langevin_sgd as ls
from langevin_sgd.engine.reducers.of_run import checked_reducers
from langevin_sgd.engine.reducers.readings import REPLICATES, Readings

INPUTS, TARGETS = np.random.default_rng(1).normal(size=(12, 2)), np.linspace(-2.0, 3.0, 12)
LOSS, TWIN = ls.losses.linear_regression(INPUTS, TARGETS), naive.linear_regression(INPUTS, TARGETS)
HEAVY = ls.dynamics.sgd(0.1, 3, momentum=0.5, weight_decay=0.2)
RESHUFFLED, EPOCH = ls.noise.minibatch("reshuffle"), 4


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)


@cache
def run():
    """Every third of 17 steps after the first, in whole epochs of 4 steps: four readings."""
    observed = (
        ls.reducers.virial(every=3, start=1),
        ls.reducers.moments(every=3, start=1, by_epoch_position=True),
    )
    options = {"particles": 70, "steps": 18, "seed": 5, "every": 1, "reducers": observed}
    return ls.simulate(LOSS, HEAVY, RESHUFFLED, **options)


def rows():
    found = naive_reducers.read(run(), 3, 1)
    return {name: values[found["step"] <= 13] for name, values in found.items()}


def test_the_virial_takes_the_full_gradient_and_the_rest_for_noise():
    found = rows()
    assert len(found["x"]) == 70 * EPOCH and len(set(found["step"] % EPOCH)) == EPOCH
    gradient = TWIN.gradient(found["before"]) + 0.2 * found["before"]
    noise = naive_reducers.pushes(found, 0.1, 0.5) - gradient
    for name, value in naive_reducers.budget(found, gradient, 0.1, 0.5, noise).items():
        close(run()[f"virial{name}"], value)


def test_nesterovs_look_ahead_is_the_place_of_the_gradient():
    moves = ls.dynamics.sgd(0.1, 3, momentum=0.5, nesterov="lookahead")
    options = {"particles": 20, "steps": 12, "seed": 5, "every": 1}
    run = ls.simulate(LOSS, moves, RESHUFFLED, reducers=ls.reducers.virial(every=3), **options)
    found = naive_reducers.read(run, 3)
    place = found["before"] - 0.5 * found["speed"]
    gradient = TWIN.gradient(place)
    noise = naive_reducers.pushes(found, 0.1, 0.5) - gradient
    terms = naive_reducers.budget(found | {"before": place}, gradient, 0.1, 0.5, noise)
    for name, factor in (("", 1), ("_step", 1), ("_noise", 1), ("_inertia", 0.5)):
        close(run[f"virial{name}"], factor * terms[name])


def test_moments_of_each_position():
    found = rows()
    assert run().moments_mean.dims == ("epoch_position", "component")
    assert run().epoch_position.values.tolist() == [0, 1, 2, 3]
    for position in range(EPOCH):
        here = {"x": found["x"][found["step"] % EPOCH == position]}
        for name, value in naive_reducers.moments(here).items():
            close(run()[f"moments_{name}"][position], value)
        assert run().moments_observations[position] == 70
    assert np.ptp(run().moments_covariance.values[:, 0, 0]) > 0.005  # the positions differ


def fitted(reducer, loss=LOSS, moves=HEAVY, noise=RESHUFFLED, steps=1000):
    return checked_reducers(reducer, loss, moves, noise, 0, steps)[0]


WIDE = ls.losses.quadratic_centers([1.0], np.arange(40.0)[:, None])
DEFAULTS = [  # noise, batch_size, steps -> every, last
    ("reshuffle", 2, 100_000, 79, 79 * 20 * 63),  # 80 shares a factor with an epoch of 20
    ("reshuffle", 2, 100, 3, 60),  # a short run: no less than one whole epoch
    ("with_replacement", 2, 100_000, 80, 100_000),
    ("with_replacement", 2, 50, 50, 50),
]


@pytest.mark.parametrize(("sampling", "batch", "steps", "every", "last"), DEFAULTS)
def test_by_default_a_reading_every_four_tables_of_gradients(sampling, batch, steps, every, last):
    noise, moves = ls.noise.minibatch(sampling), ls.dynamics.sgd(0.1, batch)
    found = fitted(ls.reducers.virial(), WIDE, moves, noise, steps)
    assert (found.every, found.last) == (every, last)
    assert found.readings_until(steps) == found.due(np.arange(1, steps + 1)).sum() == last // every


def test_where_the_gradient_is_at_hand_every_step_is_read():
    gaussian = ls.noise.gaussian([1.0])
    assert fitted(ls.reducers.virial(), WIDE, ls.dynamics.sgd(0.1, 2), gaussian).every == 1
    assert fitted(ls.reducers.virial(), WIDE, ls.dynamics.sgd(0.1, 2), None).every == 1


APART, FRESH = {"by_epoch_position": True}, {"noise": ls.noise.minibatch()}
BAD = [
    (ls.reducers.virial(every=10), {}, "every of 'virial' must share no factor with the 4 steps"),
    (ls.reducers.virial(every=10), {}, "got 10. Take 11."),
    (ls.reducers.virial(), {"steps": 3}, "the run ends after step 3. Take more steps, or a small"),
    (ls.reducers.virial(3, 990), {}, "which takes 12 steps after start = 990 with every"),
    (ls.reducers.moments(2, **APART), {}, "every of 'moments' must share no factor with"),
    (ls.reducers.moments(**APART), FRESH, "by_epoch_position of 'moments' needs epochs of several"),
]


@pytest.mark.parametrize(("reducer", "options", "message"), BAD)
def test_positions_that_would_not_be_read_are_refused(reducer, options, message):
    told = refusal(fitted, reducer, **options)
    assert told.startswith("ValueError: ") and message in told


def test_a_run_that_was_interrupted_between_whole_epochs_has_no_errors():
    reducer, finished = fitted(ls.reducers.virial(every=3)), []
    acc = np.random.default_rng(1).normal(size=(80, reducer.size))
    for count in (EPOCH, EPOCH + 1):
        finished.append(reducer.variables(_readings(acc, count))["virial_standard_error"][1])
    assert np.isfinite(finished[0]).all() and np.isnan(finished[1]).all()


def test_positions_of_an_interrupted_run_have_their_own_numbers_of_readings():
    """After the steps 3, 6, 9, 12 and 15: position 3 twice."""
    reducer = fitted(ls.reducers.moments(every=3, by_epoch_position=True))
    acc = np.random.default_rng(1).uniform(1, 2, size=(80, reducer.size))
    with np.errstate(all="ignore"):  # as in a run: these are moments of nothing
        found = reducer.variables(_readings(acc, EPOCH + 1))
    assert found["moments_observations"][1].tolist() == [80, 80, 80, 160]


def _readings(acc, count):
    counts, records = np.zeros((REPLICATES, 0)), (LOSS, HEAVY, RESHUFFLED)
    return Readings(acc, counts, np.full(len(acc), count), True, records)


# ---- exact laws ----------------------------------------------------------------------------------

FLAT = np.diag([0.02, 2.0])
CENTRES = np.random.default_rng(0).normal(size=(40, 2))


@cache
def flat_run(sampling, momentum):
    """2,000 + 25 relaxation times of the flat direction, then 9 or 10 whole epochs of readings."""
    loss, moves = ls.losses.quadratic_centers(FLAT, CENTRES), ls.dynamics.sgd(0.05, 2, momentum)
    start = 2000 + int(15_000 * (1 - momentum))
    observed = (
        ls.reducers.virial(every=9, start=start),
        ls.reducers.moments(every=3, start=start, by_epoch_position=True),
    )
    options = {"particles": 1000, "steps": start + 1800, "seed": 1, "reducers": observed}
    return ls.simulate(loss, moves, ls.noise.minibatch(sampling), **options)


@pytest.mark.slow
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("sampling", ["reshuffle", "single_shuffle"])
def test_the_virial_of_an_epoch_is_exact_in_flat_and_steep_directions(sampling, momentum):
    """H Var averaged over the epoch, (3.22e-8, .0217) without momentum. The twin: with the gradient
    of the batch in place of the full one it is the noise's, 144 times as large in the flat one."""
    run, sigma = flat_run(sampling, momentum), FLAT @ np.cov(CENTRES.T, bias=True) @ FLAT
    numbers = FLAT, sigma, 0.05, 2, 40, momentum
    if sampling == "reshuffle":
        positions = ls.theory.epoch_covariance(*numbers)
    else:
        positions = ls.theory.single_shuffle_covariance(*numbers)[None]
    law = positions.mean(axis=0)
    exact = (law @ FLAT + FLAT @ law) / 2
    if sampling == "reshuffle" and not momentum:
        assert np.diag(exact) == pytest.approx([3.22e-8, 0.0217], rel=5e-3)
    assert np.all(np.abs(z_of(run, "virial", exact)) < 4)
    noise = 0.05 / (2 * (1 - momentum)) * ls.theory.batch_covariance(sigma, 2, 40)
    assert np.all(np.abs(z_of(run, "virial_noise", noise)) < 4)
    terms = np.diag(run.virial_noise)
    closed = np.abs(run.virial_residual) < 4 * run.virial_residual_standard_error
    assert np.all(closed | (np.abs(run.virial_residual) < 1e-6 * terms))
    batch = np.diag(run.virial) - np.diag(run.virial_memory)  # and learning_rate <g xi>
    assert momentum or batch == pytest.approx([4.63e-6, 0.0476], rel=0.1)
    found = run.moments_covariance.values, run.moments_covariance_standard_error.values
    assert np.all(np.abs(found[0] - positions) < 5 * found[1])
    assert abs(exact[0, 0] / noise[0, 0] - 1) > 0.9


@pytest.mark.slow
def test_the_virial_of_baoab_is_that_of_the_point_before_the_step():
    """Its positions have exactly T/h on a quadratic; the gradient of the step is at another
    point."""
    bowl = ls.potentials.quadratic([1.0, 2.0])
    moves = ls.dynamics.underdamped_langevin(0.7, 1.0, 0.5)
    observed = ls.reducers.virial(start=100)
    run = ls.simulate(bowl, moves, particles=4000, steps=300, seed=2, reducers=observed)
    assert np.all(np.abs(z_of(run, "virial", np.diag([0.7, 0.7]))) < 4)
    assert np.all(np.diag(run.virial_standard_error) < 0.01)


@pytest.mark.slow
def test_fresh_rows_have_the_gradient_of_their_mean_loss_or_step_and_noise_as_one():
    a = np.array([[1.0, 0.3], [0.3, 0.5]])
    loss = ls.losses.linear_regression_population(a, label_noise=0.5, examples=40)
    law = ls.theory.regression_covariance(a, 0.5, 0.3, 5).position
    moves, noise = ls.dynamics.sgd(0.3, 5), ls.noise.minibatch("population")
    exact, found = (a @ law + law @ a) / 2, []
    for model in (loss._replace(mean=ls.potentials.quadratic(a)), loss._replace(mean=None)):
        observed = ls.reducers.virial(start=60)
        run = ls.simulate(model, moves, noise, particles=3000, steps=200, seed=4, reducers=observed)
        for name, value in (("virial", exact), ("virial_residual", 0.0)):
            assert np.all(np.abs(z_of(run, name, value)) < 4), name
        found.append(run)
    known, unknown = found
    power = 0.15 * (a @ law @ a + (np.trace(a @ law) + 0.5) * a) / 5
    assert np.all(np.abs(z_of(known, "virial_noise", power)) < 4)
    assert not unknown.virial_noise.any()
    np.testing.assert_allclose(
        unknown.virial_step, known.virial_step + known.virial_noise, rtol=0.1
    )
