"""The gradient noise in the course of a run, window by window, against the twin that has the whole
path.
"""

import warnings
from functools import cache

import naive
import naive_reducers
import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd.engine.reducers.of_run import checked_reducers
from langevin_sgd.engine.reducers.readings import REPLICATES, Readings

INPUTS, TARGETS = np.random.default_rng(1).normal(size=(12, 2)), np.linspace(-2.0, 3.0, 12)
LOSS, HESSIAN = ls.losses.linear_regression(INPUTS, TARGETS), INPUTS.T @ INPUTS / 12
RATES = ls.schedules.step_decay(0.2, 0.5, every=10)
BATCHES = ls.schedules.from_values([2] * 9 + [4] * 15)
MOVES, NOISE = ls.dynamics.sgd(RATES, BATCHES, momentum=0.5), ls.noise.minibatch()
OBSERVED = ls.reducers.gradient_noise(every=2, start=1, windows=3)
DRAWN, SGD = ls.noise.gaussian([4.0, 1.0]), ls.dynamics.sgd(0.1)


def simulated(steps, **options):
    given = {"seed": 5, "escape_radius": 1.3, "reducers": OBSERVED} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # particles leave
        return ls.simulate(LOSS, MOVES, NOISE, particles=70, steps=steps, **given)


@cache
def run():
    """Readings after the steps 3, 5, ..., 23, in windows of 4, 4 and 3."""
    found = simulated(24, every=1)
    assert 5 < np.sum(found.stopped_at_step >= 0) < 65
    return found


def followed(place, step):
    """What is followed, of one particle at one place before a step."""
    gradients = naive.regression_gradients(INPUTS, TARGETS, place)
    sigma, rate, batch = naive.table_covariance(gradients), 0.2, 2 if step < 10 else 4
    if step > 10:
        rate = 0.1 if step <= 20 else 0.05
    return {
        "trace": np.trace(sigma),
        "norm": np.linalg.norm(gradients.mean(axis=0)),
        "temperature": rate * np.trace(sigma) / (2 * 2 * batch * 0.5),
        "example_norm": np.linalg.norm(gradients, axis=1).mean(),
        "alignment": np.sum(HESSIAN * sigma) / np.linalg.norm(HESSIAN) / np.linalg.norm(sigma),
    }


def test_every_window_is_that_of_the_path():
    rows = naive_reducers.read(run(), 2, 1)
    tables = [naive.regression_gradients(INPUTS, TARGETS, x) for x in rows["before"]]
    sigma = np.mean([naive.table_covariance(table) for table in tables], axis=0)
    np.testing.assert_allclose(run().gradient_noise_covariance, sigma, rtol=1e-11)
    windows = np.array([0] * 4 + [1] * 4 + [2] * 3)[(rows["step"] - 3) // 2]
    table = [followed(*row) for row in zip(rows["before"], rows["step"], strict=True)]
    for name in table[0]:
        values = {"value": np.array([each[name] for each in table]), **rows}
        for window in range(3):
            inside = {key: value[windows == window] for key, value in values.items()}
            found = run().isel(gradient_noise_step=window)
            np.testing.assert_allclose(
                found[f"gradient_noise_{name}_along"], inside["value"].mean(), rtol=1e-11
            )
            error = naive_reducers.jackknife(lambda r: r["value"].mean(), inside, 70)
            stated = found[f"gradient_noise_{name}_along_standard_error"]
            # Groups whose particles have all left count as groups in one of the two only.
            np.testing.assert_allclose(stated, error, rtol=0.02)
    np.testing.assert_array_equal(run().gradient_noise_step, [5, 13, 20])
    assert np.ptp(run().gradient_noise_temperature_along.values) > 0.1  # the windows differ


def test_a_run_that_goes_on_reads_the_schedule_where_it_is():
    rest = simulated(11, x0=simulated(13))
    np.testing.assert_array_equal(rest.gradient_noise_step, [15, 19, 22])  # after 15, ..., 23
    expected = run().isel(gradient_noise_step=2)
    last = rest.isel(gradient_noise_step=[1, 2])
    both = last.gradient_noise_temperature_along.mean() / expected.gradient_noise_temperature_along
    assert 0.9 < both < 1.3  # 2, 1 readings of those 3; at the first steps' rate it would be 4


@pytest.mark.parametrize(
    ("loss", "moves", "noise", "lacks"),
    [
        (LOSS._replace(example_hessian=None), MOVES, NOISE, {"alignment"}),
        (LOSS, ls.dynamics.adam(0.1), NOISE, {"temperature"}),
        (LOSS, SGD, DRAWN, {"temperature"}),
        (LOSS, SGD, None, {"temperature"}),  # every step takes the gradient of the whole table
        (LOSS, SGD, ls.noise.minibatch("svag", amplification=4.0), {"temperature"}),
        (LOSS, SGD, ls.noise.minibatch(weights=np.arange(1.0, 13.0)), {"temperature"}),
        (LOSS, SGD, ls.noise.minibatch("reshuffle"), set()),
        (LOSS, SGD, ls.noise.table_gaussian(), set()),
    ],
)
def test_what_has_no_meaning_is_not_there(loss, moves, noise, lacks):
    """Its accumulators are made up: no step is done."""
    reducer = checked_reducers(OBSERVED, loss, moves, noise, 0, 20)[0]
    counts, acc = np.zeros((REPLICATES, 0)), np.ones((80, reducer.size))
    found = reducer.variables(Readings(acc, counts, np.full(80, 9), True, (loss, moves, noise)))
    names = {"trace", "norm", "temperature", "example_norm", "alignment"}
    assert {name for name in names if f"gradient_noise_{name}_along" not in found} == lacks


WIDE = ls.losses.quadratic_centers([1.0], np.arange(40.0)[:, None])
DEFAULTS = [  # noise, batch_size, steps -> every, windows
    ("with_replacement", 2, 100_000, 4 * 60, 10),  # 40 (1 + 1/2) gradients, twice for the Hessian
    ("reshuffle", 2, 100_000, 239, 10),  # 240 shares a factor with an epoch of 20
    ("with_replacement", 2, 50, 50, 1),
]


@pytest.mark.parametrize(("sampling", "batch", "steps", "every", "windows"), DEFAULTS)
def test_by_default_readings_add_a_quarter(sampling, batch, steps, every, windows):
    noise, moves = ls.noise.minibatch(sampling), ls.dynamics.sgd(0.1, batch)
    found = checked_reducers(ls.reducers.gradient_noise(), WIDE, moves, noise, 0, steps)[0]
    assert (found.every, found.params.windows) == (every, windows)
    drawn = ls.noise.gaussian([1.0]), ls.potentials.quadratic([1.0])
    found = checked_reducers(ls.reducers.gradient_noise(), drawn[1], moves, drawn[0], 0, steps)[0]
    assert found.every == 1
