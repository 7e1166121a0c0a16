"""Optimizers against PyTorch's, step by step on the mean loss of a table and on given batches of
it. The expected positions were made by tests/make_torch_expected.py; torch itself is not needed."""

import json
from pathlib import Path

import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd.kernels.functions import interpreted

EXPECTED = json.loads((Path(__file__).parents[1] / "torch_optimizers.json").read_text())
PROBLEM = EXPECTED["problem"]
OPTIONS = {name: PROBLEM[name] for name in ("steps", "every")}
OPTIONS |= {"particles": 1, "seed": 1, "x0": PROBLEM["start"]}
LOSS = ls.losses.logistic_regression(PROBLEM["inputs"], PROBLEM["labels"], PROBLEM["l2"])


def rates_of(case):
    return case.get("rates") or [case["arguments"]["learning_rate"]] * PROBLEM["steps"]


def dynamics_of(case):
    return getattr(ls.dynamics, case["dynamics"])(**case["arguments"] | {"learning_rate": 1.0})


def walked(case):
    """The positions by the dynamics' own text, interpreted."""
    dynamics, x, positions = dynamics_of(case), np.array(PROBLEM["start"]), []
    update, v = interpreted(dynamics.update), np.zeros(dynamics.state_size * len(x))
    for rate in rates_of(case):
        g = ls.evaluate(LOSS, x, "gradient")
        update(dynamics.params._replace(learning_rate=rate), x, v, g, np.zeros(3), None)
        positions.append(x.copy())
    return np.array(positions)[PROBLEM["every"] - 1 :: PROBLEM["every"]]


@pytest.mark.interpreted
@pytest.mark.parametrize("name", EXPECTED["runs"])
def test_positions_are_those_of_torch(name):
    case = EXPECTED["runs"][name]
    np.testing.assert_allclose(walked(case), case["x"], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "name", ["momentum_falling", pytest.param("adam_falling", marks=pytest.mark.slow)]
)
def test_so_are_those_of_a_run(name):
    case = EXPECTED["runs"][name]
    arguments = case["arguments"] | {"learning_rate": ls.schedules.from_values(rates_of(case))}
    run = ls.simulate(LOSS, getattr(ls.dynamics, case["dynamics"])(**arguments), **OPTIONS)
    np.testing.assert_allclose(run.x[1:, 0], case["x"], rtol=0, atol=1e-12)


def run_on(batches, name):
    """A run of `simulate` whose steps take the rows in `batches`."""
    case, batch_size = EXPECTED["runs"][name], len(batches[0])
    dynamics = getattr(ls.dynamics, case["dynamics"])(batch_size=batch_size, **case["arguments"])
    return ls.simulate(LOSS, dynamics, ls.noise.minibatch("given", batches=batches), **OPTIONS)


@pytest.mark.interpreted
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "momentum" else pytest.mark.slow)
        for name in EXPECTED["given"]["x"]
    ],
)
def test_on_the_same_batches_a_run_goes_where_torch_goes(name):
    batches, x = EXPECTED["given"]["batches"], EXPECTED["given"]["x"][name]
    np.testing.assert_allclose(run_on(batches, name).x[1:, 0], x, rtol=0, atol=1e-12)
    other = [(row + 1) % 12 for row in batches[20]]
    one_wrong = [*batches[:20], other, *batches[21:]]  # the twin: one batch is another
    seen = np.abs(run_on(one_wrong, name).x[1:, 0] - np.array(x)).max(axis=1) > 1e-6
    assert not seen[:4].any() and seen[4]


@pytest.mark.parametrize(
    "name", [name for name, case in EXPECTED["runs"].items() if "rates" not in case]
)
def test_a_wrong_number_is_seen(name):
    """The twin: each argument doubled (a memory halved) leads elsewhere."""
    case = EXPECTED["runs"][name]
    for key, value in case["arguments"].items():
        if isinstance(value, float):
            changed = value / 2 if key in ("momentum", "beta1", "beta2") else 2 * value
            if key == "epsilon" and value < 1e-6:
                continue  # too small to matter
            arguments = case["arguments"] | {key: changed}
            assert np.abs(walked(case | {"arguments": arguments}) - case["x"]).max() > 1e-6, key


@pytest.mark.interpreted
@pytest.mark.parametrize("name", ["momentum_falling", "nesterov_falling"])
def test_under_a_schedule_the_rate_inside_the_velocity_leads_elsewhere(name):
    case = EXPECTED["runs"][name]
    inside = case | {"arguments": case["arguments"] | {"rate_inside": True}}
    assert np.abs(walked(inside) - case["x"]).max() > 1e-3
