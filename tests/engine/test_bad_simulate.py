"""Every argument of `simulate`, with bad input of every kind, and a fuzz."""

import inspect
import time
import warnings

import numba
import numpy as np
import pytest
from bad_inputs import HUGE, INF, MAKERS, MASKED, NAN, anything, array, choice, number, rows, whole
from hypothesis import HealthCheck, assume, given, seed, settings
from hypothesis import strategies as st

import langevin_sgd as ls
from langevin_sgd.engine import memory, problem

values, sgd = ls.schedules.from_values, ls.dynamics.sgd
BOWL, NOISE = ls.potentials.quadratic([[2.0, 0.5], [0.5, 1.0]]), ls.noise.gaussian([1.0, 0.5])
TABLE = ls.losses.linear_regression(np.eye(2), [1.0, 2.0])
HIDDEN = ls.dynamics.langevin(1.0, 0.1, method="leimkuhler_matthews")
BASE = {"model": BOWL, "dynamics": sgd(0.1), "noise": NOISE, "particles": 4, "steps": 3, "seed": 1}
RECORDS = "wrong", 3, True, [], {}, object(), np.array([1.0]), MAKERS["sgd"]
SHAPES = [], 1.0, [1.0], np.zeros((3, 2)), np.zeros((4, 2, 1))
START = array("must be None or have the shape (2,) or (4, 2)", *SHAPES, optional=True)
START += rows(([NAN, 0.0], [0.0, -INF]), ValueError, "must be finite")
START += rows((MASKED,), TypeError, "masked")
NO_PROGRESS = "wrong", 3, 1, 0, 0.0, [], {}, object(), np.array([1, 2])
NO_REDUCER = None, *RECORDS[:3], object(), [1], {"a": 1}, ls.reducers.moments, np.ones(3)
RADII = [row for row in number("> 0 and <= 1e+150", -1, 0, -0.0, 1e151) if row[0] is not None]
BAD = {
    "model": rows((*RECORDS, None, NOISE), TypeError, "must be a Potential or a Loss (see"),
    "dynamics": rows((*RECORDS, None, BOWL), TypeError, "must be a Dynamics (see langevin_sgd"),
    "noise": rows((*RECORDS, BOWL), TypeError, "must be None or a noise of langevin_sgd.noise"),
    "particles": whole(1) + rows((2**47, 2**60), ValueError, ""),
    "steps": whole(0) + rows((2**48,), ValueError, "< 281474976710656"),
    "x0": START,
    "v0": START,
    "seed": whole(0, optional=True) + rows((2**64,), ValueError, "< 18446744073709551616, got"),
    "every": whole(1, optional=True),
    "reducers": rows(NO_REDUCER, TypeError, "must be reducers of langevin_sgd"),
    "loss": choice(False, True),
    "escape_radius": RADII,
    "target": choice("cpu", "cuda", "auto"),
    "devices": rows(([0.5], "x", [[0]], [True]), TypeError, "must be a whole number, got")
    + rows(([-1],), ValueError, "must be >= 0, got -1")
    + rows(([], range(0)), ValueError, "must be 1 to 100000000 numbers, got 0")
    + rows(([0], (0, 1)), ValueError, "must be None on the CPU, got"),
    "precision": choice("float64", "float32"),
    "threads": whole(1, optional=True),
    "block_size": whole(1, optional=True) + rows((2**40,), ValueError, ">= 1 and < 1048576"),
    "chunk_steps": whole(1, optional=True),
    "progress": rows(NO_PROGRESS, TypeError, "must be True, False, None or a function"),
    "first_step": whole(0) + rows((2**48, HUGE), ValueError, "< 281474976710653, got"),
    "checkpoint": rows((3, True, 0.5, [], {}, object()), TypeError, "must be a path, like"),
    "checkpoint_every": rows(
        (0, 3, True, "x", 1.5, []), ValueError, "must be None without checkpoint"
    ),
}
ARGUMENTS = tuple(inspect.signature(ls.simulate).parameters)


def simulate(**changed):
    moving = {"dynamics": sgd(0.1, momentum=0.5)} if "v0" in changed else {}  # it has a velocity
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


# fmt: off
@pytest.mark.parametrize(("arguments", "message"), [
    ({"model": sgd(0.1), "dynamics": BOWL},
     "got the dynamics 'sgd'. model and dynamics are swapped."),
    ({"noise": sgd(0.1), "dynamics": NOISE},
     "got the noise 'gaussian'. dynamics and noise are swapped."),
    ({"noise": BOWL, "model": NOISE}, "got the noise 'gaussian'. model and noise are swapped."),
    ({"noise": BOWL},
     "noise must be None or a noise of langevin_sgd.noise, got the model 'quadratic'."),
    ({"dynamics": ls.dynamics.sgd}, "Call it: sgd(...)."),
    ({"noise": ls.noise.gaussian([1.0, 1.0, 1.0])},
     "noise has 3 components, but the model 'quadratic' has dim = 2."),
    ({"noise": ls.noise.minibatch()},
     "noise.minibatch needs a Loss with a data table, got the potential"),
    ({"noise": ls.noise.table_gaussian()}, "noise.table_gaussian needs a Loss with a data table"),
    ({"step": 3},
     "simulate() has no argument 'step'; it takes model, dynamics, noise, particles, steps,"),
    ({"step": 3}, "Did you mean 'steps'?"),
    ({"particle": 3}, "Did you mean 'particles'?"),
    ({"steps": 1e3}, "steps must be a whole number, got 1000.0. Write 1000."),
    ({"x0": [1j, 0.0]}, "x0 must be a number or an array of real numbers, got [1j, 0.0]"),
    ({"v0": [0.0, 0.0], "dynamics": sgd(0.1)}, "v0 must be None: 'sgd' has no velocity."),
    ({"v0": [0.0, 0.0], "dynamics": HIDDEN}, "'langevin_leimkuhler_matthews' has no velocity."),
    (
        {"target": "cpus"},
        "target must be one of 'cpu', 'cuda', 'auto', got 'cpus'. Did you mean 'cpu'?",
    ),
    ({"dynamics": sgd(values([0.1, 0.1]))},
     "the schedule of learning_rate has 2 values, but the run has 3 steps. Give one value a step."),
    ({"dynamics": sgd(values([0.1, -0.1, 0.1]))},
     "every value of the schedule of learning_rate must be > 0, got -0.1."),
    ({"dynamics": sgd(0.1, momentum=values([0, 1, 0]))},
     "every value of the schedule of momentum must be >= 0 and < 1, got 1.0."),
    ({"dynamics": sgd(0.1, values([1, 1.5, 2]))},
     "every value of the schedule of batch_size must be a whole number, got 1.5."),
    ({"dynamics": sgd(0.1, values([1, 0, 2]))},
     "every value of the schedule of batch_size must be >= 1, got 0.0."),
    ({"dynamics": ls.dynamics.langevin(values([1, -1, 0]), 0.1)},
     "every value of the schedule of temperature must be >= 0, got -1.0."),
    ({"dynamics": sgd(0.1, 2**20), "noise": ls.noise.student_t(4.5, [1.0, 1.0])},
     "batch_size times the numbers of a draw of noise: 1048576 random draws are needed"),
    ({"model": TABLE, "dynamics": sgd(0.1, 2**22), "noise": ls.noise.minibatch()},
     "batch_size: 1048576 random draws are needed per particle and step, the limit is 1048575."),
])
# fmt: on
def test_the_message_names_what_is_wrong_and_the_way_out(arguments, message):
    with pytest.raises((TypeError, ValueError)) as caught:
        ls.simulate(**BASE | arguments)
    assert message in str(caught.value)


def own_step(p, x, v, g, xi, z):
    for k in range(len(x)):
        v[k] = 0.5 * v[k] - p.learning_rate * g[k]
        x[k] = x[k] + v[k]


def test_a_forgotten_memory_is_named_before_the_rate_is_judged():
    with pytest.raises(ValueError, match="uses v, but has no memory"):
        simulate(dynamics=ls.Dynamics("own", own_step, {"learning_rate": 0.1}))


def energy(p, x):
    return 0.5 * p.a * x[0] * x[0]


def right_in_python(p, x, out):
    out[0] = float(format(p.a)) * x[0]  # only the compiler finds it


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_a_function_that_does_not_compile_shows_the_users_line_and_not_numbas_eighty():
    model = ls.Potential("own", energy, right_in_python, {"a": 1.0}, 1)
    with pytest.raises(TypeError) as caught:
        ls.simulate(model, sgd(0.1), particles=1, steps=1, seed=1)
    message = str(caught.value)
    assert message.startswith("gradient of 'own' does not compile.")
    for part in ("out[0] = float(format(p.a))", "test_bad_simulate.py"):
        assert part in message
    assert len(message.splitlines()) < 10 and caught.value.__suppress_context__


def test_what_the_run_does_not_reach_is_not_checked():
    assert simulate(dynamics=sgd(values([0.1, 0.1, 0.1, -1.0]))).attrs["steps"] == 3
    assert simulate(dynamics=sgd(0.1, values([2])), steps=0).sizes["step"] == 1
    assert simulate(dynamics=sgd(0.1, 2**22)).attrs["steps"] == 3  # one draw, any batch


def test_numpy_scalars_and_arrays_without_dimensions_are_numbers():
    wholes = {"particles": np.array(4), "steps": np.uint8(3), "seed": np.uint64(2**63 + 5)}
    wholes |= {"every": np.array(1), "threads": np.int8(1), "block_size": np.int16(16)}
    wholes |= {"chunk_steps": np.array(2), "first_step": np.int32(0)}
    run = simulate(**wholes, escape_radius=np.array(9.0), loss=np.False_, target=np.str_("cpu"))
    assert run.sizes == {"step": 4, "particle": 4, "component": 2}
    assert run.attrs["seed"] == str(2**63 + 5)


# ---- memory --------------------------------------------------------------------------------------

LAGS = ls.reducers.autocovariance([9 * 10**7])
BINS = ls.reducers.histogram(-1, 1, bins=(10**6, 10**6), components=(0, 1))
# fmt: off
@pytest.mark.parametrize(("arguments", "message"), [
    ({"particles": 10**12}, r"particles = 1000000000000 with 2 stored steps .* GB\. Take fewer"),
    ({"steps": 10**12, "every": 1}, r"particles = 4 with 1000000000002 stored .* larger `every`"),
    ({"steps": 10**14, "dynamics": sgd(ls.schedules.constant(0.1))}, "schedules of 1000000000000"),
    ({"steps": 2 * 10**8, "particles": 10**4, "reducers": LAGS},
     r"reducers need \S+ GB .* 'autocovariance' has \d+ numbers for each of 10000 particles"),
    ({"reducers": BINS}, r"reducers need \S+ GB .* and 1000004000004 bins\. Take fewer"),
])
# fmt: on
def test_a_run_that_cannot_fit_into_the_memory_is_refused_at_once(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate(**arguments)


@pytest.mark.parametrize(
    ("precision", "momentum", "numbers"),
    [("float64", 0.0, 8), ("float32", 0.0, 4), ("float64", 0.5, 16), ("float32", 0.5, 8)],
)
def test_memory_is_counted_in_bytes_of_the_precision(monkeypatch, precision, momentum, numbers):
    """4 particles in 2 components, 102 rows of x, and of v where there is one, and the state."""
    options = {"steps": 100, "every": 1, "precision": precision}
    need = numbers * 4 * 2 * 102
    monkeypatch.setattr(problem, "ALWAYS_THERE", 0)
    monkeypatch.setattr(problem, "available_memory", lambda: need)
    with pytest.raises(ValueError, match="with 102 stored steps need"):
        simulate(dynamics=sgd(0.1, momentum=momentum), **options)
    monkeypatch.setattr(problem, "available_memory", lambda: 1.05 * need)
    simulate(dynamics=sgd(0.1, momentum=momentum), **options)


def test_the_limits_of_a_container_are_read(tmp_path):
    """Version 2 of cgroups, then 1: the group of the process, and those that hold it."""
    groups, root = tmp_path / "cgroup", tmp_path / "fs"
    (root / "a" / "b").mkdir(parents=True)
    (root / "memory" / "c").mkdir(parents=True)
    groups.write_text("0::/a/b\n")
    (root / "a" / "b" / "memory.max").write_text("max\n")
    (root / "a" / "memory.max").write_text("1000\n")
    assert list(memory.cgroup_limits(groups, root)) == [1000]
    (root / "memory" / "c" / "memory.limit_in_bytes").write_text("500\n")
    (root / "memory" / "memory.limit_in_bytes").write_text("9000\n")
    groups.write_text("4:memory:/c\n3:cpu,cpuacct:/c\n")
    assert list(memory.cgroup_limits(groups, root)) == [500, 9000]
    assert list(memory.cgroup_limits(tmp_path / "none", root)) == []
    assert 2**20 < memory.available_memory() < 2**60


# ---- anything ------------------------------------------------------------------------------------


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
    long = isinstance(value, int) and 1000 < value < 2**47
    assume(not (argument in ("steps", "particles") and long))  # runs, and for long
    records = argument in ("model", "dynamics", "noise")
    assume(not (records and isinstance(value, tuple)))  # they compile, for seconds
    assume(not (argument == "checkpoint" and isinstance(value, str)))  # a folder
    assume(not (argument == "progress" and callable(value)))  # it may raise what it likes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of x0 far out and of unstable rates
        try:
            simulate(**{argument: value})
        except (TypeError, ValueError) as error:
            assert str(error)
