"""A run of n steps and one of m that continues it have the bits of one run of n + m."""

import numpy as np
import pytest

import langevin_sgd as ls

dynamics, noise, reducers = ls.dynamics, ls.noise, ls.reducers
WELL, PAIR = ls.potentials.double_well(2, 0.5, 2.0, 0.5, 0.1), ls.noise.gaussian([1.0, 0.25])
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
    return ls.simulate(*CASES[name], particles=PARTICLES, steps=steps, every=1, **options)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n == FAST else pytest.mark.slow) for n in CASES]
)
def test_bits_of_a_continued_run(name):
    """Readings are due at the same steps: those of the second part are what one run reads after
    step 37.
    """
    options = {
        "seed": 6,
        "x0": random.normal(size=(PARTICLES, 2)) / 4,
        "reducers": (reducers.moments(every=5, start=3), reducers.autocovariance([0, 8], every=4)),
    }
    whole, first = simulate(name, FIRST + SECOND, **options), simulate(name, FIRST, **options)
    second = simulate(name, SECOND, **options | {"seed": None, "x0": first})
    for key in ("x", "v") if "v" in whole else ("x",):
        np.testing.assert_array_equal(whole[key][: FIRST + 1], first[key])
        np.testing.assert_array_equal(whole[key][FIRST:], second[key])
    np.testing.assert_array_equal(second.step, np.arange(FIRST, FIRST + SECOND + 1))
    by_hand = {name: first[name].values[-1] for name in ("x", "v") if name in first}
    by_hand = {f"{name}0": value for name, value in by_hand.items()} | {"first_step": FIRST}
    np.testing.assert_array_equal(second.x, simulate(name, SECOND, **options | by_hand).x)
    steps = second.step.values
    read = second.x.values[(steps > FIRST) & ((steps - 3) % 5 == 0)]
    assert second.moments_observations == PARTICLES * len(read)
    np.testing.assert_allclose(second.moments_mean, read.mean(axis=(0, 1)), rtol=1e-12)
    read = second.x.sel(step=np.arange(40, FIRST + SECOND + 1, 4)).values
    means = read[2:].mean(axis=(0, 1)) * read[:-2].mean(axis=(0, 1))
    exact = np.mean(read[2:] * read[:-2], axis=(0, 1)) - means
    np.testing.assert_allclose(second.autocovariance[1], exact, rtol=1e-10, atol=1e-14)


@pytest.mark.filterwarnings("ignore:.* particles left")
@pytest.mark.parametrize("moves", [dynamics.sgd(0.1), dynamics.sgd_diffusion(0.1, substeps=3)])
def test_particles_that_had_left_stay_where_they_were_in_a_continued_run(moves, tmp_path):
    kicks = noise.gaussian([6.0, 3.0])
    options = {"particles": 200, "escape_radius": 1.8, "reducers": reducers.moments()}

    def run(steps, **more):
        return ls.simulate(WELL, moves, kicks, steps=steps, **options, **more)

    whole, first = run(60, seed=4, every=30), run(30, seed=4)
    assert 5 < (first.status > 0).sum() < (whole.status > 0).sum() < 195
    ls.save(first, tmp_path / "first.nc")
    earlier = whole.isel(step=slice(0, 2))  # of which some left later
    for start in (first, ls.load(tmp_path / "first.nc"), first.isel(step=-1), earlier):
        second = run(30, x0=start)
        for name in ("status", "stopped_at_step"):
            np.testing.assert_array_equal(second[name], whole[name])
        np.testing.assert_array_equal(second.x[-1], whole.x[-1])
    both = first.moments_observations + second.moments_observations
    assert both == whole.moments_observations
    in_folder = run(30, x0=first, checkpoint=tmp_path / "second")
    np.testing.assert_array_equal(in_folder.status, whole.status)
    np.testing.assert_array_equal(in_folder.x[-1], whole.x[-1])
    revived = run(30, x0=first.x[-1].values, first_step=30, seed=4)  # the twin: only places
    assert np.any(revived.x[-1] != whole.x[-1])


def test_every_counts_the_steps_of_the_whole_run():
    whole = ls.simulate(WELL, dynamics.sgd(0.1), PAIR, particles=3, steps=25, seed=1, every=4)
    first = ls.simulate(WELL, dynamics.sgd(0.1), PAIR, particles=3, steps=10, seed=1, every=4)
    second = ls.simulate(WELL, dynamics.sgd(0.1), PAIR, particles=3, steps=15, x0=first, every=4)
    assert second.step.values.tolist() == [10, 12, 16, 20, 24, 25]
    for step in (12, 16, 20, 24, 25):
        np.testing.assert_array_equal(second.x.sel(step=step), whole.x.sel(step=step))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"first_step": 5}, "first_step must be 3, the last step of the run in x0, or left out"),
        ({"v0": [0.0, 0.0]}, "v0 must be None where x0 is a run"),
        ({"particles": 3}, r"x0 must be None or have the shape \(2,\) or \(3, 2\), got \(2, 2\)"),
        ({"x0": ls.evaluate}, "x0 must be a number or an array of real numbers"),
    ],
)
def test_what_does_not_fit_the_run_in_x0_is_refused(changed, message):
    first = ls.simulate(WELL, dynamics.sgd(0.1, momentum=0.5), PAIR, particles=2, steps=3, seed=1)
    options = {"particles": 2, "steps": 3, "x0": first} | changed
    with pytest.raises((TypeError, ValueError), match=message):
        ls.simulate(WELL, dynamics.sgd(0.1, momentum=0.5), PAIR, **options)
    if changed.get("particles") == 3:
        options |= {"particles": 1, "x0": first.isel(particle=[1])}
        with pytest.raises(ValueError, match="x0 must be a whole run, got 1 of its 2 particles"):
            ls.simulate(WELL, dynamics.sgd(0.1, momentum=0.5), PAIR, **options)
    if "x0" not in changed:
        with pytest.raises(ValueError, match="a whole run of simulate, got a dataset without"):
            ls.simulate(WELL, dynamics.sgd(0.1), **options | {"x0": first[["x"]]})


def test_a_run_of_a_first_passage_cannot_be_continued():
    reached = reducers.first_passage(above=0.2, name="arrival")
    moves = WELL, dynamics.sgd(0.1), PAIR
    first = ls.simulate(*moves, particles=4, steps=9, seed=1, reducers=reached)
    with pytest.raises(ValueError, match="x0 must not be a run that observed a first passage"):
        ls.simulate(*moves, particles=4, steps=9, x0=first)
    assert ls.simulate(*moves, particles=4, steps=9, x0=first.x[-1].values).sizes["step"] == 2


BAOAB = dynamics.underdamped_langevin(0.5, 1.0, 0.1)
MATTHEWS = dynamics.langevin(0.5, 0.1, method="leimkuhler_matthews")


@pytest.mark.parametrize(
    ("model", "moves", "kicks", "message"),
    [
        (WELL, MATTHEWS, None, "'langevin_leimkuhler_matthews', whose memory no"),
        (WELL, BAOAB, PAIR, "'underdamped_langevin_baoab' with a noise: a step begins"),
        (LINE, BAOAB, noise.minibatch(), "with a noise: a step begins with the noisy"),
    ],
)
def test_a_state_that_no_dataset_holds_cannot_be_continued(model, moves, kicks, message):
    with pytest.raises(ValueError, match="first_step must be 0 for ") as caught:
        ls.simulate(model, moves, kicks, particles=2, steps=3, first_step=5)
    assert message in str(caught.value)


def test_schedules_of_a_continued_run_are_checked():
    told = "the schedule of learning_rate has 67 values, but the run has 68 steps"
    with pytest.raises(ValueError, match=told):
        ls.simulate(WELL, dynamics.sgd(RATE), PAIR, particles=2, steps=3, first_step=65)
