"""A run of n steps and one of m that continues it have the bits of one run of n + m."""

import numpy as np
import pytest

import langevin_sgd as ls

dynamics, noise, reducers = ls.dynamics, ls.noise, ls.reducers
WELL, PAIR = (
    ls.potentials.double_well(2, 0.5, 2.0, coupling=0.5, tilt=0.1),
    ls.noise.gaussian([1.0, 0.25]),
)
random = np.random.default_rng(4)
LINE = ls.losses.linear_regression(random.normal(size=(13, 2)), random.normal(size=13))
FIRST, SECOND, PARTICLES = 37, 30, 21
RATE = ls.schedules.from_values(0.1 / (1 + 0.05 * np.arange(FIRST + SECOND)))
BATCH = ls.schedules.from_values(1 + np.arange(FIRST + SECOND) % 4)
CASES = {
    "scheduled": (WELL, dynamics.sgd(RATE, BATCH, momentum=0.9), PAIR),
    "reshuffled": (LINE, dynamics.sgd(0.1, 3, momentum=0.5), noise.minibatch("reshuffle")),
    "single shuffle": (LINE, dynamics.sgd(RATE, 3), noise.minibatch("single_shuffle")),
    "look-ahead": (WELL, dynamics.sgd(RATE, momentum=0.9, nesterov="lookahead"), PAIR),
    "substeps": (WELL, dynamics.sgd_diffusion(RATE, substeps=3), PAIR),
    "baoab": (WELL, dynamics.underdamped_langevin(0.5, 1.0, 0.1), None),
    "baoab of a table": (LINE, dynamics.underdamped_langevin(0.5, 1.0, 0.1), None),
}
FAST = "scheduled"


def simulate(name, steps, **options):
    return ls.simulate(*CASES[name], particles=PARTICLES, steps=steps, seed=6, every=1, **options)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n == FAST else pytest.mark.slow) for n in CASES]
)
def test_bits_of_a_continued_run(name):
    """Readings are due at the same steps: those of the second part are what one run reads after
    step 37.
    """
    start = random.normal(size=(PARTICLES, 2)) / 4
    several = reducers.moments(every=5, start=3), reducers.autocovariance([0, 8], every=4)
    whole = simulate(name, FIRST + SECOND, x0=start, reducers=several)
    first = simulate(name, FIRST, x0=start, reducers=several)
    velocity = {"v0": first.v[-1].values} if "v" in first else {}
    second = simulate(
        name, SECOND, x0=first.x[-1].values, first_step=FIRST, reducers=several, **velocity
    )
    for key in ("x", "v") if "v" in whole else ("x",):
        np.testing.assert_array_equal(whole[key][: FIRST + 1], first[key])
        np.testing.assert_array_equal(whole[key][FIRST:], second[key])
    np.testing.assert_array_equal(second.step, np.arange(FIRST, FIRST + SECOND + 1))
    read = [
        x
        for step, x in zip(second.step.values, second.x.values, strict=True)
        if step > FIRST and (step - 3) % 5 == 0
    ]
    assert second.moments_observations == PARTICLES * len(read)
    np.testing.assert_allclose(second.moments_mean, np.concatenate(read).mean(axis=0), rtol=1e-12)
    read = second.x.sel(step=np.arange(40, FIRST + SECOND + 1, 4)).values
    exact = np.mean(read[2:] * read[:-2], axis=(0, 1)) - read[2:].mean(axis=(0, 1)) * read[
        :-2
    ].mean(axis=(0, 1))
    np.testing.assert_allclose(second.autocovariance[1], exact, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(
    ("model", "moves", "kicks", "message"),
    [
        (
            WELL,
            dynamics.langevin(0.5, 0.1, method="leimkuhler_matthews"),
            None,
            "'langevin_leimkuhler_matthews', whose memory no",
        ),
        (
            WELL,
            dynamics.underdamped_langevin(0.5, 1.0, 0.1),
            PAIR,
            "'underdamped_langevin_baoab' with a noise: a step begins",
        ),
        (
            LINE,
            dynamics.underdamped_langevin(0.5, 1.0, 0.1),
            noise.minibatch(),
            "with a noise: a step begins with the noisy",
        ),
    ],
)
def test_a_state_that_no_dataset_holds_cannot_be_continued(model, moves, kicks, message):
    with pytest.raises(ValueError, match="first_step must be 0 for ") as caught:
        ls.simulate(model, moves, kicks, particles=2, steps=3, first_step=5)
    assert message in str(caught.value)


def test_numbers_and_schedules_of_a_continued_run_are_checked():
    options = {"particles": 2, "steps": 3, "seed": 1}
    for value, error, message in (
        (-1, ValueError, "first_step must be >= 0 and < "),
        (1.0, TypeError, "first_step must be a whole number, got 1.0."),
        (
            2**48 - 3,
            ValueError,
            "first_step must be >= 0 and < 281474976710653, got 281474976710653.",
        ),
    ):
        with pytest.raises(error) as caught:
            ls.simulate(WELL, dynamics.sgd(0.1), PAIR, first_step=value, **options)
        assert message in str(caught.value)
    with pytest.raises(
        ValueError, match=r"the schedule of learning_rate has 67 values, but the run has 68 steps"
    ):
        ls.simulate(WELL, dynamics.sgd(RATE), PAIR, first_step=65, **options)
