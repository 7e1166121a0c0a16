"""Bad arguments of reducers, and the borders of a run: nothing read, nobody left, no memory that
grows.
"""

import tracemalloc
import warnings

import numpy as np
import pytest

import langevin_sgd as ls

reducers = ls.reducers
BOWL, STEP, NOISE = (
    ls.potentials.quadratic([1.0, 2.0]),
    ls.dynamics.sgd(0.1),
    ls.noise.gaussian([1.0, 1.0]),
)


def observe(p, acc, step, before, x, v, g):
    acc[0] += x[0]


def simulate(observed, **options):
    given = {"particles": 100, "steps": 40, "seed": 1} | options
    return ls.simulate(
        BOWL, given.pop("dynamics", STEP), given.pop("noise", NOISE), reducers=observed, **given
    )


MAKERS = [
    (
        reducers.Reducer,
        ("my mean", observe, {}, 1),
        TypeError,
        "name of a reducer must be text that can begin a variable's name",
    ),
    (reducers.Reducer, (3, observe, {}, 1), TypeError, "like 'moments', got 3."),
    (
        reducers.Reducer,
        ("a", 3, {}, 1),
        TypeError,
        "observe of 'a' must be a plain Python function (or one with bare @njit), got",
    ),
    (
        reducers.Reducer,
        ("a", observe, 3, 1),
        TypeError,
        "params of 'a' must be a dict or namedtuple of numbers and arrays, got 3.",
    ),
    (reducers.Reducer, ("a", observe, {}, 0), ValueError, "size of 'a' must be >= 1, got 0."),
    (
        reducers.Reducer,
        ("a", observe, {}, 1.0),
        TypeError,
        "size of 'a' must be a whole number, got 1.0.",
    ),
    (reducers.Reducer, ("a", observe, {}, 1, 0), ValueError, "every of 'a' must be >= 1, got 0."),
    (
        reducers.Reducer,
        ("a", observe, {}, 1, 1, -1),
        ValueError,
        "start of 'a' must be >= 0, got -1.",
    ),
    (
        reducers.Reducer,
        ("a", observe, {}, 1, 1, 0, [3]),
        TypeError,
        "bins of 'a' must be a tuple of at most three lengths, got",
    ),
    (
        reducers.Reducer,
        ("a", observe, {}, 4, 1, 0, (1, 1, 1, 1)),
        TypeError,
        "a tuple of at most three lengths, got (1, 1, 1, 1)",
    ),
    (
        reducers.Reducer,
        ("a", observe, {}, 1, 1, 0, (0,)),
        ValueError,
        "bins of 'a' must be >= 1, got 0.",
    ),
    (
        reducers.Reducer,
        ("a", observe, {}, 1, 1, 0, (3,), -1),
        ValueError,
        "weights of 'a' must be >= 0, got -1.",
    ),
    (
        reducers.Reducer,
        ("a", observe, {}, 2, 1, 0, (3,), 2),
        ValueError,
        "size of 'a' must be >= 3, got 2.",
    ),
    (reducers.moments, (0,), ValueError, "every of 'moments' must be >= 1, got 0."),
    (
        reducers.moments,
        (1, 0, "zero"),
        TypeError,
        "center of 'moments' must be a number or an array of real numbers, got 'zero'.",
    ),
    (
        reducers.histogram,
        (1.0, 0.0),
        ValueError,
        "lower of 'histogram' must be finite and below upper, got [1.0] and [0.0].",
    ),
    (
        reducers.histogram,
        (0.0, np.inf),
        ValueError,
        "lower of 'histogram' must be finite and below upper, got [0.0] and [inf].",
    ),
    (reducers.histogram, (0.0, 1.0, 0), ValueError, "bins of 'histogram' must be >= 1, got 0."),
    (
        reducers.histogram,
        (0.0, 1.0, 2.5),
        TypeError,
        "bins of 'histogram' must be a whole number, got 2.5.",
    ),
    (
        reducers.histogram,
        (0.0, 1.0, 5, (0, 0)),
        ValueError,
        "components of 'histogram' must be one or two different ones, got (0, ",
    ),
    (
        reducers.histogram,
        (0.0, 1.0, 5, (0, 1, 2)),
        ValueError,
        "must be one or two different ones, got (0, 1, 2).",
    ),
    (
        reducers.histogram,
        (0.0, 1.0, 5, -1),
        ValueError,
        "components of 'histogram' must be >= 0, got -1.",
    ),
    (
        reducers.histogram,
        ([0.0] * 3, 1.0, 5, (0, 1)),
        ValueError,
        "lower, upper and bins of 'histogram' must be numbers or have 2 e",
    ),
    (
        reducers.currents,
        ("a", 1.0),
        TypeError,
        "lower of 'currents' must be a number or an array of real numbers, got 'a'.",
    ),
    (
        reducers.autocovariance,
        ([],),
        ValueError,
        "lags of 'autocovariance' must be different multiples of every = 1, got [].",
    ),
    (
        reducers.autocovariance,
        ([1, 1],),
        ValueError,
        "must be different multiples of every = 1, got [1, 1].",
    ),
    (
        reducers.autocovariance,
        ([0, 3], 2),
        ValueError,
        "must be different multiples of every = 2, got [0, 3].",
    ),
    (
        reducers.autocovariance,
        ([0.5],),
        TypeError,
        "lags of 'autocovariance' must be a whole number, got 0.5.",
    ),
    (
        reducers.autocovariance,
        ([-1],),
        ValueError,
        "lags of 'autocovariance' must be >= 0, got -1.",
    ),
    (reducers.virial, (1.5,), TypeError, "every of 'virial' must be a whole number, got 1.5."),
    (
        reducers.gradient_noise,
        (1, 0.5),
        TypeError,
        "start of 'gradient_noise' must be a whole number, got 0.5.",
    ),
]


@pytest.mark.parametrize(("make", "arguments", "error", "message"), MAKERS)
def test_fields(make, arguments, error, message):
    with pytest.raises(error) as caught:
        make(*arguments)
    assert message in str(caught.value)


SCHEDULED = ls.dynamics.sgd(
    0.1, ls.schedules.from_values([2] * 40), weight_decay=ls.schedules.from_values([0.1] * 40)
)
RUNS = [
    (reducers.moments, {}, TypeError, "reducers must be reducers of langevin_sgd.reducers, "
                                      "called: moments(), got <function mom"),
    ([reducers.moments(), 3], {}, TypeError, "reducers must be reducers of langevin_sgd.reducers, "
                                             "called"),
    ([reducers.moments(name=f"m{k}") for k in range(61)], {}, ValueError, "reducers must be at "
                                                                          "most 60, got 61."),
    ([reducers.moments()] * 2, {}, ValueError, "reducers must have different names, got 'moments' "
                                               "twice. Pass name="),
    (reducers.virial(name="loss"), {}, ValueError, "name of a reducer must not be one of x, v, "
                                                   "loss, status, "),
    (reducers.moments(start=40), {}, ValueError, "reducer 'moments' reads nothing in steps 1 to "
                                                 "40: it reads"),
    (reducers.moments(every=7, start=30), {"first_step": 40, "steps": 3}, ValueError, "with start "
                                                                                      "= 30 and "
                                                                                      "every = 7."),
    (reducers.moments(), {"steps": 0}, ValueError, "reducer 'moments' reads nothing in steps 1 to "
                                                   "0"),
    (reducers.moments(center=[0.0] * 3), {}, ValueError, "center of 'moments' must be a number or "
                                                         "have 2 entries, got"),
    (reducers.histogram(0, 1, components=2), {}, ValueError, "components of 'histogram' must be "
                                                             "below dim = 2 of 'qua"),
    (reducers.currents(0, 1, components=(0, 3)), {}, ValueError, "components of 'currents' must "
                                                                 "be below dim = 2 of"),
    (reducers.gradient_noise(), {"noise": None}, ValueError, "'gradient_noise' needs a noise, but "
                                                             "noise is None and"),
    (reducers.gradient_noise(), {"dynamics": SCHEDULED}, ValueError, "batch_size must be constant "
                                                                     "for 'gradient_noise', got"),
    (reducers.virial(), {"dynamics": SCHEDULED}, ValueError, "weight_decay must be constant for "
                                                             "'virial': under"),
]  # fmt: skip


@pytest.mark.parametrize(("observed", "options", "error", "message"), RUNS)
def test_what_does_not_fit_a_run(observed, options, error, message):
    with pytest.raises(error) as caught:
        simulate(observed, **options)
    assert message in str(caught.value)


SEVERAL = (
    reducers.moments(start=30),
    reducers.histogram(-1.0, 1.0, 5, start=30),
    reducers.autocovariance([0, 3], start=30),
)


def test_particles_that_left_are_told_of():
    with pytest.warns(
        UserWarning,
        match=r"^\d+ of 100 particles left: the reducers hold what they did until then, which "
        r"biases",
    ):
        run = simulate(SEVERAL, escape_radius=0.6)
    assert (
        run.moments_observations
        == np.where(run.stopped_at_step < 0, 40, run.stopped_at_step - 1).clip(30).sum() - 3000
    )


def test_a_run_in_which_nothing_was_read_has_no_numbers_but_an_end():
    """All particles leave before the first reading; so it is after an early Ctrl-C."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the rate is above the threshold, and all particles leave
        run = simulate(SEVERAL, dynamics=ls.dynamics.sgd(2.5), x0=[1.0, 1.0], escape_radius=3.0)
    assert np.all(run.status == 2) and run.moments_observations == 0
    assert (
        np.isnan(run.moments_mean).all()
        and np.isnan(run.histogram_density).all()
        and np.isnan(run.autocovariance).all()
    )
    assert run.histogram_count.sum() == 0


def test_memory_does_not_grow_with_the_steps():
    """Peak memory of 1,000 and 30,000 steps; the twin: storing the path takes 24 kB more for each
    stored step.
    """

    def peak(steps, **options):
        tracemalloc.start()
        simulate(SEVERAL, particles=1500, steps=steps, threads=1, chunk_steps=500, **options)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(40)
    few = peak(1000)
    assert abs(peak(30_000) - few) < 100_000 < 1000 * 24_000 / 2 < peak(1000, every=1) - few


@pytest.mark.slow
def test_errors_need_independent_particles():
    loss = ls.losses.linear_regression(np.eye(2), [1.0, 2.0])
    run = ls.simulate(
        loss,
        STEP,
        ls.noise.minibatch(shared=True),
        particles=100,
        steps=40,
        seed=1,
        reducers=reducers.moments(),
    )
    assert np.isfinite(run.moments_mean).all() and np.isnan(run.moments_mean_standard_error).all()
