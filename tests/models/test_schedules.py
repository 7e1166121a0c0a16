"""Schedules by their formulas, and what they refuse."""

import json

import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd.engine.description import described
from langevin_sgd.models.schedule_record import tabulated

schedules = ls.schedules
K = np.arange(50)
FALLING = (1 + np.cos(np.pi * np.minimum(K, 20) / 20)) / 2
FORMULAS = {
    "from_values": (schedules.from_values(np.sqrt(K + 1.0)), np.sqrt(K + 1.0)),
    "constant": (schedules.constant(0.3), np.full(50, 0.3)),
    "step_decay": (schedules.step_decay(0.3, 0.5, 7), 0.3 * 0.5 ** np.floor(K / 7)),
    "exponential": (schedules.exponential(0.3, 0.9), 0.3 * 0.9**K),
    "inverse_time": (schedules.inverse_time(0.3, 8.0), 0.3 / (1 + K / 8.0)),
    "cosine": (schedules.cosine(0.3, 0.1, 20), 0.1 + 0.2 * FALLING),
}


@pytest.mark.interpreted
@pytest.mark.parametrize("name", FORMULAS)
def test_formula(name):
    schedule, exact = FORMULAS[name]
    np.testing.assert_allclose(schedule.rule(K), exact, rtol=1e-13)
    np.testing.assert_array_equal(schedule.rule(K[13:29]), schedule.rule(K)[13:29])
    if name != "constant":
        assert not np.allclose(schedule.rule(K[:-1] + 1)[:40], exact[:40])


@pytest.mark.parametrize("name", FORMULAS)
def test_the_record_names_the_rule_and_its_numbers(name):
    text = json.loads(described(ls.dynamics.sgd(FORMULAS[name][0])))["params"]["learning_rate"]
    assert text.pop("schedule") == name
    assert len(text) > 0 and text == json.loads(json.dumps(text))


def test_formulas_serve_runs_of_any_length_and_lists_do_not():
    assert len(tabulated(schedules.constant(1.0), "a", 1000)) == 1000
    assert len(tabulated(schedules.cosine(1.0, 0.5, 3), "a", 0)) == 0
    with pytest.raises(ValueError, match="has 50 values, but the run has 51 steps"):
        tabulated(FORMULAS["from_values"][0], "a", 51)


def test_a_growing_schedule_serves_a_batch_size_as_far_as_it_is_whole():
    doubling = ls.dynamics.sgd(0.1, schedules.step_decay(4, 2.0, 3)).params.batch_size
    assert tabulated(doubling, "batch_size", 7).tolist() == [4, 4, 4, 8, 8, 8, 16]
    growing = ls.dynamics.sgd(0.1, schedules.exponential(4, 1.5)).params.batch_size
    with pytest.raises(ValueError, match="must be a whole number, got 13.5"):
        tabulated(growing, "batch_size", 4)
    with pytest.raises(ValueError, match="schedule of batch_size must be >= 1, got inf"):
        tabulated(doubling, "batch_size", 10_000)


def test_a_learning_rate_that_ends_at_zero_is_refused_beyond_the_end():
    falling = ls.dynamics.sgd(schedules.cosine(0.1, 0.0, 5)).params.learning_rate
    assert tabulated(falling, "learning_rate", 5).min() > 0
    with pytest.raises(
        ValueError, match="every value of the schedule of learning_rate must be > 0, got 0.0"
    ):
        tabulated(falling, "learning_rate", 6)


def test_the_largest_value_is_one_that_the_run_uses():
    """A list of 50 values in a run of 5 steps; a formula that falls; a run of no steps."""
    assert FORMULAS["from_values"][0].largest(5) == np.sqrt(5.0)
    assert schedules.exponential(0.3, 0.9).largest(9000) == 0.3
    assert schedules.exponential(0.3, 2.0).largest(0) == 0.3


FAR = np.array([4095, 4096, 10**6 + 3, 10**9 + 7])
FAR_OUT = {
    "step_decay": (schedules.step_decay(0.3, 0.999, 10**6), 0.3 * 0.999 ** (FAR // 10**6)),
    "exponential": (schedules.exponential(0.3, 1 - 2e-9), 0.3 * np.exp(FAR * np.log1p(-2e-9))),
    "inverse_time": (schedules.inverse_time(0.3, 8e5), 0.3 / (1 + FAR / 8e5)),
    "cosine": (
        schedules.cosine(0.3, 0.1, 2 * 10**6),
        0.2 + 0.1 * np.cos(np.pi * np.minimum(FAR / 2e6, 1)),
    ),
}


@pytest.mark.parametrize("name", FAR_OUT)
def test_formula_a_billion_steps_on(name):
    schedule, exact = FAR_OUT[name]
    np.testing.assert_allclose(schedule.rule(FAR), exact, rtol=1e-6)
    assert len(set(exact)) == len(FAR) or name == "step_decay"
