"""Bad arguments of reducers, and the borders of a run: nothing read, nobody left, no memory that
grows.
"""

import tracemalloc
import warnings

import numpy as np
import pytest
from refusals import refusal

import langevin_sgd as ls
from langevin_sgd.kernels.elementary import maximum, minimum

reducers, Reducer = ls.reducers, ls.Reducer
BOWL, STEP = ls.potentials.quadratic([1.0, 2.0]), ls.dynamics.sgd(0.1)
NOISE, HOLLOW = ls.noise.gaussian([1.0, 1.0]), {"lower": 0.0, "upper": 1.0}


def observe(p, acc, step, before, x, v, g):
    acc[0] += x[0]


def simulate(observed, **options):
    given = {"particles": 100, "steps": 40, "seed": 1, "dynamics": STEP, "noise": NOISE} | options
    model = given.pop("model", BOWL)
    return ls.simulate(model, given.pop("dynamics"), given.pop("noise"), reducers=observed, **given)


FIELDS = [
    ({"name": "my mean"}, "TypeError: name of a reducer must be text that can begin a variable's"),
    ({"name": 3}, "TypeError: name of a reducer must be text"),
    ({"observe": 3}, "TypeError: observe of 'a' must be a plain Python function (or one with bare"),
    ({"params": 3}, "TypeError: params of 'a' must be a dict or namedtuple of numbers and arrays"),
    ({"size": 0}, "ValueError: size of 'a' must be >= 1, got 0."),
    ({"size": 1.0}, "TypeError: size of 'a' must be a whole number, got 1.0."),
    ({"every": 0}, "ValueError: every of 'a' must be >= 1, got 0."),
    ({"every": None}, "TypeError: every of 'a' must be a whole number, got None."),
    ({"start": -1}, "ValueError: start of 'a' must be >= 0, got -1."),
    ({"last": 0}, "ValueError: last of 'a' must be >= 1, got 0."),
    ({"bins": [3]}, "TypeError: bins of 'a' must be a tuple of at most three lengths, got [3]."),
    ({"bins": (1,) * 4, "size": 4}, "TypeError: bins of 'a' must be a tuple of at most three"),
    ({"bins": (0,)}, "ValueError: bins of 'a' must be >= 1, got 0."),
    ({"bins": (3,), "weights": -1}, "ValueError: weights of 'a' must be >= 0, got -1."),
    ({"bins": (3,), "weights": 2, "size": 2}, "ValueError: size of 'a' must be >= 3, got 2."),
    ({"finish": "maximum"}, "ValueError: finish of 'a' must be one of None, 'mean', 'sum', 'last'"),
    ({"complete": np.nan}, "TypeError: complete of 'a' must be a function, got nan."),
    ({"finish": "max", "bins": (3,)}, "ValueError: finish of 'a' must be one of None, 'mean', got"),
]


@pytest.mark.parametrize(("change", "message"), FIELDS)
def test_fields(change, message):
    fields = {"name": "a", "observe": observe, "params": {}, "size": 1}
    assert refusal(Reducer, **(fields | change)).startswith(message)


NO_LAGS = "ValueError: lags must be different multiples of every = "
ARGUMENTS = [
    (reducers.moments, {"every": 0}, "ValueError: every of 'moments' must be >= 1, got 0."),
    (reducers.moments, {"center": "zero"}, "TypeError: center must be a number or an array of rea"),
    (reducers.moments, {"centre": 0.0}, "TypeError: moments() has no argument 'centre'"),
    (reducers.histogram, {"lower": 1, "upper": 0}, "ValueError: lower must be below upper, got [1"),
    (reducers.histogram, {"lower": 0, "upper": np.inf}, "ValueError: upper must be finite, got in"),
    (reducers.histogram, HOLLOW | {"bins": 0}, "ValueError: bins must be >= 1, got 0."),
    (reducers.histogram, HOLLOW | {"bins": 2.5}, "TypeError: bins must be a whole number, got 2.5"),
    (reducers.histogram, HOLLOW | {"components": (0, 0)}, "ValueError: components must be one or"),
    (reducers.histogram, HOLLOW | {"components": (0, 1, 2)}, "ValueError: components must be one"),
    (reducers.histogram, HOLLOW | {"components": -1}, "ValueError: components must be >= 0, got -"),
    (reducers.histogram, HOLLOW | {"bins": (3, 3)}, "ValueError: bins must be a number or have 1"),
    (reducers.currents, HOLLOW | {"lower": [0.0] * 3}, "ValueError: lower must be a number or hav"),
    (reducers.currents, HOLLOW | {"lower": "a"}, "TypeError: lower must be a number or an array o"),
    (reducers.autocovariance, {"lags": []}, "ValueError: lags must be 1 to 100000000 numbers, got"),
    (reducers.autocovariance, {"lags": [1, 1]}, f"{NO_LAGS}1, got [1, 1]."),
    (reducers.autocovariance, {"lags": [0, 3], "every": 2}, f"{NO_LAGS}2, got [0, 3]."),
    (reducers.autocovariance, {"lags": [0.5]}, "TypeError: lags must be a whole number, got 0.5."),
    (reducers.autocovariance, {"lags": [-1]}, "ValueError: lags must be >= 0 and < 100000000, got"),
    (reducers.autocovariance, {"lags": 2**63}, "ValueError: lags must be >= 0 and < 100000000, go"),
    (reducers.energy, {"lower": 1, "upper": 0}, "ValueError: lower must be below upper, got [1.0]"),
    (reducers.energy, HOLLOW | {"bins": 0}, "ValueError: bins must be >= 1, got 0."),
    (reducers.virial, {"every": 1.5}, "TypeError: every of 'virial' must be a whole number, got 1"),
    (reducers.gradient_noise, {"start": 0.5}, "TypeError: start of 'gradient_noise' must be a who"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "arguments", "message"), ARGUMENTS)
def test_arguments(make, arguments, message):
    assert refusal(make, **arguments).startswith(message)


def largest(p, acc, step, before, x, v, g):
    acc[0] = maximum(acc[0], x[0])


def least(p, acc, step, before, x, v, g):
    acc[0] = minimum(acc[0], x[0])


def newest(p, acc, step, before, x, v, g):
    acc[0] = x[0]


DECAYS = ls.schedules.from_values([0.1] * 40)
SCHEDULED = ls.dynamics.sgd(0.1, ls.schedules.from_values([2] * 40), weight_decay=DECAYS)
BOXED = ls.potentials.quadratic([1.0, 2.0])._replace(domain=(("reflecting", -1.0, 1.0), None))
ROUND = BOXED._replace(domain=(("periodic", -1.0, 1.0), None))
ENTROPY = reducers.currents(0, 1, 5, entropy=True)
HEAVY, COINS = ls.dynamics.sgd(0.1, momentum=0.5), ls.noise.two_point([1.0, 1.0])
LOSS = ls.losses.quadratic_centers([1.0, 2.0], np.eye(2))
BATCHES = {"model": LOSS, "noise": ls.noise.minibatch()}
NO_FIT = "ValueError: finish of 'a' must fit its observe, got"
RUNS = [
    (reducers.moments, {}, "TypeError: reducers must be reducers of langevin_sgd.reducers, called"),
    ([reducers.moments(), 3], {}, "TypeError: reducers must be reducers of langevin_sgd.reducers"),
    ([reducers.moments(name=f"m{k}") for k in range(61)], {}, "ValueError: reducers must be at mo"),
    ([reducers.moments()] * 2, {}, "ValueError: reducers must have different names, got 'moments'"),
    (reducers.virial(name="loss"), {}, "ValueError: name of a reducer must not be one of x, v, lo"),
    (reducers.moments(start=40), {}, "ValueError: reducer 'moments' reads nothing in steps 1 to 4"),
    (Reducer("a", observe, {}, 1, 9, last=8), {}, "ValueError: reducer 'a' reads nothing in steps"),
    (reducers.moments(7, 30), {"first_step": 40, "steps": 3}, "ValueError: reducer 'moments' read"),
    (reducers.moments(), {"steps": 0}, "ValueError: reducer 'moments' reads nothing in steps 1 to"),
    (reducers.moments(center=[0.0] * 3), {}, "ValueError: center of 'moments' must be a number or"),
    (reducers.histogram(0, 1, 5, 2), {}, "ValueError: components of 'histogram' must be below dim"),
    (reducers.currents(0, 1, 5, (0, 3)), {}, "ValueError: components of 'currents' must be below"),
    (ENTROPY, {"dynamics": HEAVY}, "ValueError: entropy of 'currents' needs SGD without momentum"),
    (ENTROPY, {"noise": COINS}, "ValueError: entropy of 'currents' needs SGD without momentum, or"),
    (ENTROPY, BATCHES, "ValueError: entropy of 'currents' needs SGD without momentum, or overdam"),
    (reducers.rotation(center=[0.0] * 3), {}, "ValueError: center and covariance of 'rotation' mu"),
    (reducers.rotation(), {"model": ROUND}, "ValueError: 'rotation' needs a domain that is not pe"),
    (reducers.gradient_noise(), {"noise": None}, "ValueError: 'gradient_noise' needs a noise, but"),
    (reducers.gradient_noise(), {"dynamics": SCHEDULED}, "ValueError: batch_size must be constant"),
    (reducers.virial(), {"dynamics": SCHEDULED}, "ValueError: weight_decay must be constant for '"),
    (reducers.virial(), {"model": BOXED}, "ValueError: 'virial' needs an open domain, but 'quadra"),
    (Reducer("a", largest, {}, 1), {}, f"{NO_FIT} 'mean', but acc[0] is not added to."),
    (Reducer("a", newest, {}, 1, finish="sum"), {}, f"{NO_FIT} 'sum', but acc[0] is not added to."),
    (Reducer("a", observe, {}, 1, finish="max"), {}, f"{NO_FIT} 'max', but acc[0] is not the larg"),
    (Reducer("a", largest, {}, 1, finish="min"), {}, f"{NO_FIT} 'min', but acc[0] is not the smal"),
    (Reducer("a", least, {}, 1, finish="last"), {}, f"{NO_FIT} 'last', but acc[0] is not overwrit"),
]  # fmt: skip


@pytest.mark.parametrize(("observed", "options", "message"), RUNS)
def test_what_does_not_fit_a_run(observed, options, message):
    assert refusal(simulate, observed, **options).startswith(message)


@pytest.mark.parametrize(
    ("finish", "kept", "expected"),
    [
        ("mean", observe, lambda path: path.mean()),
        ("sum", observe, lambda path: path.sum(axis=0).mean()),
        ("last", newest, lambda path: path[-1].mean()),
        ("max", largest, lambda path: path.max(axis=0).mean()),
        ("min", least, lambda path: path.min(axis=0).mean()),
    ],
)
def test_what_becomes_of_an_accumulator(finish, kept, expected):
    """From a place where all numbers are negative: a maximum that began at 0 would stay there.
    Errors against those of independent particles; 64 groups know them to 9 %.
    """
    start = {"x0": [-3.0, 0.0], "every": 1, "seed": 7, "particles": 640, "steps": 20}
    run = simulate(Reducer("a", kept, {}, 1, every=2, finish=finish), **start)
    path = run.x.values[2::2, :, 0]
    np.testing.assert_allclose(run[f"a_{finish}"], [expected(path)], rtol=1e-12)
    each = [expected(path[:, [k]]) for k in range(640)]
    error = run[f"a_{finish}_standard_error"].item()
    assert abs(error / (np.std(each, ddof=1) / np.sqrt(640)) - 1) < 4 * 0.09


SEVERAL = (
    reducers.moments(start=30),
    reducers.histogram(-1.0, 1.0, 5, start=30),
    reducers.autocovariance([0, 3], start=30),
)


def test_particles_that_left_are_told_of():
    told = r"^\d+ of 100 particles left: the reducers hold what they did until then, which biases"
    with pytest.warns(UserWarning, match=told):
        run = simulate(SEVERAL, escape_radius=0.6)
    last = np.where(run.stopped_at_step < 0, 40, run.stopped_at_step - 1)
    assert run.moments_observations == last.clip(30).sum() - 3000


def test_a_run_in_which_nothing_was_read_has_no_numbers_but_an_end():
    """All particles leave before the first reading; so it is after an early Ctrl-C. What a program
    wants to know of floating-point errors does not lose the run.
    """
    unread = (*SEVERAL, Reducer("a", largest, {}, 1, start=30, finish="max"))
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("ignore")  # the rate is above the threshold, and all particles leave
        run = simulate(unread, dynamics=ls.dynamics.sgd(2.5), x0=[1.0, 1.0], escape_radius=3.0)
    assert np.all(run.status == 2) and run.moments_observations == 0
    for name in ("moments_mean", "histogram_density", "autocovariance", "a_max"):
        assert np.isnan(run[name]).all(), name
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
    assert abs(peak(30_000) - few) < 200_000 < 1000 * 24_000 / 2 < peak(1000, every=1) - few


@pytest.mark.slow  # a kernel of its own; the lane `interpreted` runs it too
@pytest.mark.interpreted
def test_errors_need_independent_particles():
    loss, shared = (
        ls.losses.linear_regression(np.eye(2), [1.0, 2.0]),
        ls.noise.minibatch(shared=True),
    )
    run = simulate(reducers.moments(), model=loss, noise=shared)
    assert np.isfinite(run.moments_mean).all() and np.isnan(run.moments_mean_standard_error).all()


def test_an_empty_list_of_reducers_is_none():
    well, sgd = ls.potentials.double_well(), ls.dynamics.sgd(0.1)
    run = ls.simulate(well, sgd, particles=4, steps=3, seed=1, reducers=[])
    assert set(run.data_vars) == {"x", "status", "stopped_at_step"}
