"""Every argument of `simulate`, with bad input of every kind, and a fuzz."""

import inspect
import time
import warnings

import numpy as np
import pytest
from bad_inputs import HUGE, INF, MAKERS, MASKED, NAN, anything, array, choice, number, rows, whole
from hypothesis import HealthCheck, assume, given, seed, settings
from hypothesis import strategies as st

import langevin_sgd as ls

BASE = {
    "model": ls.potentials.quadratic([[2.0, 0.5], [0.5, 1.0]]),
    "dynamics": ls.dynamics.sgd(0.1),
    "noise": ls.noise.gaussian([[1.0, 0.2], [0.2, 0.5]]),
    **{"particles": 4, "steps": 3, "seed": 1},
}
RECORDS = "wrong", 3, True, [], {}, object(), np.array([1.0]), MAKERS["sgd"]
START = array(
    "must be None or have the shape (2,) or (4, 2)",
    [],
    1.0,
    [1.0],
    np.zeros((3, 2)),
    np.zeros((4, 2, 1)),
    optional=True,
)
START += rows(([NAN, 0.0], [0.0, -INF]), ValueError, "must be finite") + rows(
    (MASKED,), TypeError, "masked"
)
BAD = {
    "model": rows(
        (*RECORDS, None, BASE["noise"]),
        TypeError,
        "must be a Potential or a Loss (see langevin_sgd",
    ),
    "dynamics": rows(
        (*RECORDS, None, BASE["model"]), TypeError, "must be a Dynamics (see langevin_sgd"
    ),
    "noise": rows(
        (*RECORDS, BASE["model"]), TypeError, "must be None or a noise of langevin_sgd.noise"
    ),
    "particles": whole(1) + rows((2**47, 2**60), ValueError, ""),
    "steps": whole(0) + rows((2**48,), ValueError, "< 281474976710656"),
    "x0": START,
    "v0": START,
    "seed": whole(0, optional=True)
    + rows((2**64,), ValueError, "must be >= 0 and < 18446744073709551616, got"),
    "every": whole(1, optional=True),
    "reducers": rows(
        (None, *RECORDS[:3], object(), [1], {"a": 1}, ls.reducers.moments),
        TypeError,
        "must be reducers of langevin_sgd",
    ),
    "loss": choice(False, True),
    "escape_radius": [
        row for row in number("> 0 and <= 1e+150", -1, 0, -0.0, 1e151) if row[0] is not None
    ],
    "target": choice("cpu"),
    "precision": choice("float64", "float32"),
    "threads": whole(1, optional=True),
    "block_size": whole(1, optional=True)
    + rows((2**40,), ValueError, "must be >= 1 and < 1048576"),
    "chunk_steps": whole(1, optional=True),
    "progress": rows(
        ("wrong", 3, 1, 0, 0.0, [], {}, object(), np.array([1, 2])),
        TypeError,
        "must be True, False, None or a function",
    ),
    "first_step": whole(0) + rows((2**48, HUGE), ValueError, "< 281474976710653, got"),
    "checkpoint": rows((3, True, 0.5, [], {}, object()), TypeError, "must be the path of a folder"),
    "checkpoint_every": rows(
        (0, 3, True, "x", 1.5, []), ValueError, "must be None without checkpoint"
    ),
}
ARGUMENTS = tuple(inspect.signature(ls.simulate).parameters)


def simulate(**changed):
    moving = (
        {"dynamics": ls.dynamics.sgd(0.1, momentum=0.5)} if "v0" in changed else {}
    )  # only a velocity can start
    return ls.simulate(**BASE | moving | changed)


def test_every_argument_has_bad_input_and_no_row_is_of_one_that_is_gone():
    assert set(ARGUMENTS) == set(BAD), "add rows for the new argument"


@pytest.mark.parametrize("argument", BAD)
def test_bad_input_is_refused_with_a_message_that_names_it(argument):
    for value, error, message in BAD[argument]:
        start = time.process_time()
        with pytest.raises(error) as caught:
            simulate(**{argument: value})
        said = str(caught.value)
        assert type(caught.value) is error and message in said and said.startswith(argument), (
            value,
            said,
        )
        assert len(said) < 500 and time.process_time() - start < 10, (value, said)


def test_numpy_scalars_and_arrays_without_dimensions_are_numbers():
    whole = {
        "particles": np.array(4),
        "steps": np.uint8(3),
        "seed": np.uint64(2**63 + 5),
        "every": np.array(1),
        "threads": np.int8(1),
    }
    given = whole | {
        "block_size": np.int16(16),
        "chunk_steps": np.array(2),
        "first_step": np.int32(0),
    }
    run = simulate(**given, escape_radius=np.array(9.0), loss=np.False_, target=np.str_("cpu"))
    assert run.sizes == {"step": 4, "particle": 4, "component": 2} and run.attrs["seed"] == str(
        2**63 + 5
    )


def test_a_run_that_cannot_fit_into_the_memory_is_refused_at_once():
    with pytest.raises(
        ValueError,
        match=r"particles = 1000000000000 with 2 stored steps .* GB\. Take fewer particles",
    ):
        simulate(particles=10**12)
    with pytest.raises(
        ValueError, match=r"particles = 4 with 1000000000002 stored steps .* or a larger `every`"
    ):
        simulate(steps=10**12, every=1)
    with pytest.raises(ValueError, match="schedules of 100000000000000"):
        simulate(dynamics=ls.dynamics.sgd(ls.schedules.constant(0.1)), steps=10**14)
    with pytest.raises(
        ValueError,
        match=r"reducers need \S+ GB .* 'autocovariance' has \d+ numbers for each of 10000 particles",
    ):
        lags = ls.reducers.autocovariance([9 * 10**7])
        simulate(steps=2 * 10**8, particles=10**4, reducers=lags)
    with pytest.raises(
        ValueError, match=r"reducers need \S+ GB .* and 1000004000004 bins\. Take fewer"
    ):
        simulate(reducers=ls.reducers.histogram(-1, 1, bins=(10**6, 10**6), components=(0, 1)))


@pytest.mark.parametrize(
    "rule", [lambda k: 0.1, lambda k: k[:1] * 0.1, lambda k: "x", lambda k: [0.1, 0.2, 0.3, 0.4]]
)
def test_a_rule_that_does_not_give_one_number_a_step_is_refused(rule):
    schedule = ls.schedules.Schedule("own", rule, {})
    with pytest.raises((TypeError, ValueError), match="the schedule of learning_rate"):
        simulate(dynamics=ls.dynamics.sgd(schedule))


@seed(20261122)
@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(ARGUMENTS), anything())
def test_anything_at_all_is_refused_with_a_type_error_or_a_value_error_or_runs(argument, value):
    assume(
        not (argument in ("steps", "particles") and isinstance(value, int) and 1000 < value < 2**47)
    )  # runs, and for long
    assume(
        not (argument in ("model", "dynamics", "noise") and isinstance(value, tuple))
    )  # records: they compile, for seconds
    assume(not (argument == "checkpoint" and isinstance(value, str)))  # a folder
    assume(not (argument == "progress" and callable(value)))  # it may raise what it likes
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", UserWarning
        )  # of x0 beyond the escape radius and of unstable rates
        try:
            simulate(**{argument: value})
        except (TypeError, ValueError) as error:
            assert str(error)
