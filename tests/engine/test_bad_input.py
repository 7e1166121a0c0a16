"""Bad input to `simulate`: the type of the error, and a message that names the argument, its value
and the allowed range.
"""

import numba
import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd import dynamics, losses, noise, potentials

values = ls.schedules.from_values
BOWL, NOISE = (
    potentials.quadratic([[2.0, 0.5], [0.5, 1.0]]),
    noise.gaussian([[1.0, 0.2], [0.2, 0.5]]),
)
TABLE = losses.linear_regression(np.eye(2), [1.0, 2.0])
SGD, MOMENTUM = dynamics.sgd(0.1), dynamics.sgd(0.1, momentum=0.5)
HIDDEN = dynamics.langevin(1.0, 0.1, method="leimkuhler_matthews")
RAGGED, TEXT = [[1.0, 2.0], [3.0]], "must be a number or an array of real numbers, got"
NAN = float("nan")


def simulate(model=BOWL, dynamics=SGD, noise=NOISE, **options):
    return ls.simulate(
        model, dynamics, noise, **({"particles": 4, "steps": 3, "seed": 1} | options)
    )


def refused(cases):
    return pytest.mark.parametrize(
        ("arguments", "error", "message"), [pytest.param(*case, id=case[2]) for case in cases]
    )


@refused(
    [
        (
            {"model": "quadratic"},
            TypeError,
            "model must be a Potential or a Loss (see langevin_sgd.potentials",
        ),
        (
            {"dynamics": 0.1},
            TypeError,
            "dynamics must be a Dynamics (see langevin_sgd.dynamics), got 0.1.",
        ),
        (
            {"noise": [[1.0]]},
            TypeError,
            "noise must be None or a noise of langevin_sgd.noise, got [[1.0]].",
        ),
        (
            {"noise": noise.gaussian([1.0, 1.0, 1.0])},
            ValueError,
            "noise has 3 components, but 'quadratic' has dim = 2.",
        ),
        (
            {"noise": noise.minibatch()},
            ValueError,
            "noise.minibatch needs a Loss with a data table, got the potential 'quadratic'; use",
        ),
        (
            {"noise": noise.table_gaussian()},
            ValueError,
            "noise.table_gaussian needs a Loss with a data table",
        ),
        ({"particles": 0}, ValueError, "particles must be >= 1, got 0."),
        ({"particles": 4.0}, TypeError, "particles must be a whole number, got 4.0."),
        ({"particles": True}, TypeError, "particles must be a whole number, got True."),
        (
            {"particles": 2**48},
            ValueError,
            "particles must be >= 1 and < 281474976710656, got 281474976710656.",
        ),
        ({"steps": -1}, ValueError, "steps must be >= 0 and < 281474976710656, got -1."),
        (
            {"steps": 2**48},
            ValueError,
            "steps must be >= 0 and < 281474976710656, got 281474976710656.",
        ),
        ({"steps": "3"}, TypeError, "steps must be a whole number, got '3'."),
        (
            {"x0": [1.0, 2.0, 3.0]},
            ValueError,
            "x0 must be None or have the shape (2,) or (4, 2), got (3,).",
        ),
        (
            {"x0": np.zeros((3, 2))},
            ValueError,
            "x0 must be None or have the shape (2,) or (4, 2), got (3, 2).",
        ),
        ({"x0": 1.0}, ValueError, "x0 must be None or have the shape (2,) or (4, 2), got ()."),
        ({"x0": [NAN, 0.0]}, ValueError, "x0 must be finite, but 1 of its numbers are not: nan."),
        ({"x0": "origin"}, TypeError, f"x0 {TEXT} 'origin'."),
        ({"x0": RAGGED}, TypeError, f"x0 {TEXT} [[1.0, 2.0], [3.0]]."),
        ({"x0": [1j, 0.0]}, TypeError, f"x0 {TEXT} [1j, 0.0]."),
        ({"v0": [0.0, 0.0]}, ValueError, "v0 must be None: 'sgd' has no velocity."),
        (
            {"dynamics": HIDDEN, "v0": [0.0, 0.0]},
            ValueError,
            "v0 must be None: 'langevin_leimkuhler_matthews' has no velocity.",
        ),
        (
            {"dynamics": MOMENTUM, "v0": [0.0]},
            ValueError,
            "v0 must be None or have the shape (2,) or (4, 2), got (1,).",
        ),
        (
            {"dynamics": MOMENTUM, "v0": [np.inf, 0.0]},
            ValueError,
            "v0 must be finite, but 1 of its numbers are not: inf.",
        ),
        ({"seed": -1}, ValueError, "seed must be >= 0 and < 18446744073709551616, got -1."),
        (
            {"seed": 2**64},
            ValueError,
            "seed must be >= 0 and < 18446744073709551616, got 18446744073709551616.",
        ),
        ({"seed": 1.0}, TypeError, "seed must be a whole number, got 1.0."),
        ({"every": 0}, ValueError, "every must be >= 1, got 0."),
        ({"every": 0.5}, TypeError, "every must be a whole number, got 0.5."),
        ({"threads": 0}, ValueError, "threads must be >= 1, got 0."),
        ({"block_size": -16}, ValueError, "block_size must be >= 1, got -16."),
        ({"chunk_steps": 0}, ValueError, "chunk_steps must be >= 1, got 0."),
        ({"escape_radius": -1}, ValueError, "escape_radius must be > 0 and <= 1e+150, got -1.0."),
        ({"escape_radius": NAN}, ValueError, "escape_radius must be > 0 and <= 1e+150, got nan."),
        ({"escape_radius": [1.0]}, TypeError, "escape_radius must be a number, got [1.0]."),
        (
            {"target": "cpus"},
            ValueError,
            "target must be one of 'cpu', got 'cpus'. Did you mean 'cpu'?",
        ),
        ({"loss": TABLE}, ValueError, "loss must be one of False, True, got Loss("),
        ({"particle": 3}, TypeError, "unexpected keyword argument 'particle'"),
    ]
)
def test_simulate(arguments, error, message):
    with pytest.raises(error) as caught:
        simulate(**arguments)
    assert message in str(caught.value)


@refused(
    [
        (
            dynamics.sgd(values([0.1, 0.1])),
            ValueError,
            "the schedule of learning_rate has 2 values, but the run has 3 steps. Give one value "
            "a step.",
        ),
        (
            dynamics.sgd(values([0.1, -0.1, 0.1])),
            ValueError,
            "every value of the schedule of learning_rate must be > 0, got -0.1.",
        ),
        (
            dynamics.sgd(0.1, momentum=values([0, 1, 0])),
            ValueError,
            "every value of the schedule of momentum must be >= 0 and < 1, got 1.0.",
        ),
        (
            dynamics.sgd(0.1, values([1, 1.5, 2])),
            ValueError,
            "every value of the schedule of batch_size must be a whole number, got 1.5.",
        ),
        (
            dynamics.sgd(0.1, values([1, 0, 2])),
            ValueError,
            "every value of the schedule of batch_size must be >= 1, got 0.0.",
        ),
        (
            dynamics.langevin(values([1, -1, 0]), 0.1),
            ValueError,
            "every value of the schedule of temperature must be >= 0, got -1.0.",
        ),
    ]
)
def test_schedules_are_checked_against_the_range_of_their_parameter(arguments, error, message):
    with pytest.raises(error) as caught:
        simulate(dynamics=arguments)
    assert message in str(caught.value)


def test_values_of_a_schedule_that_the_run_does_not_reach_are_not_checked():
    assert simulate(dynamics=dynamics.sgd(values([0.1, 0.1, 0.1, -1.0]))).attrs["steps"] == 3
    assert simulate(dynamics=dynamics.sgd(0.1, values([2])), steps=0).sizes["step"] == 1


def test_batches_that_would_wrap_the_counter_are_refused():
    with pytest.raises(
        ValueError, match=r"batch_size: 1048576 random draws are needed .*, the limit is 1048575"
    ):
        simulate(TABLE, dynamics.sgd(0.1, 2**22), noise.minibatch())
    assert (
        simulate(dynamics=dynamics.sgd(0.1, 2**22)).attrs["steps"] == 3
    )  # one draw makes a Gaussian batch of any size


def energy(p, x):
    return 0.5 * p.a * x[0] * x[0]


def sum_with_numpy(p, x, out):
    out[0] = p.a * np.sum(x)  # right for one particle, and so only the compiler finds it


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_a_text_that_does_not_compile_shows_the_users_line_and_not_numbas_eighty():
    model = ls.Potential("own", energy, sum_with_numpy, {"a": 1.0}, 1)
    with pytest.raises(TypeError) as caught:
        ls.simulate(model, SGD, particles=1, steps=1, seed=1)
    message = str(caught.value)
    assert message.startswith("gradient of 'own' does not compile.")
    assert (
        "out[0] = p.a * np.sum(x)" in message
        and "test_bad_input.py" in message
        and "numpy functions" in message
    )
    assert len(message.splitlines()) < 10
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
