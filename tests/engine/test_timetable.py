"""Schedules are asked for by blocks, as the run goes on."""

import tracemalloc

import numpy as np
import pytest
from refusals import refusal

import langevin_sgd as ls
from langevin_sgd.engine.problem import timetable
from langevin_sgd.models.schedule_record import BLOCK, Schedule

WAVES = Schedule("waves", lambda k: 0.1 + 0.05 * np.cos(0.37 * k), {})


def simulate(schedule, steps, **options):
    well, noise = ls.potentials.double_well(2), ls.noise.gaussian([1.0, 1.0])
    return ls.simulate(
        well, ls.dynamics.sgd(schedule), noise, particles=20, steps=steps, seed=3, **options
    )


@pytest.mark.parametrize("chunk", [1000, 4097, 7777])
def test_a_rule_of_ones_own_has_the_same_bits_in_any_chunks(chunk):
    steps = 2 * BLOCK + 100
    whole = simulate(WAVES, steps)
    np.testing.assert_array_equal(simulate(WAVES, steps, chunk_steps=chunk).x, whole.x)
    listed = ls.schedules.from_values(WAVES.rule(np.arange(steps)))
    np.testing.assert_allclose(simulate(listed, steps).x, whole.x, rtol=1e-9)


def test_rows_are_the_values_of_the_rule_over_the_borders_of_blocks():
    numbers, batches = timetable(ls.dynamics.sgd(WAVES), 3 * BLOCK).rows(BLOCK - 3, BLOCK + 9)
    steps = np.arange(BLOCK - 3, 2 * BLOCK + 6)
    np.testing.assert_allclose(numbers[:, 0], WAVES.rule(steps), rtol=1e-15)
    assert batches.tolist() == [1] * (BLOCK + 9)


def test_the_largest_batch_and_a_value_that_is_refused_may_come_late():
    growing = Schedule("growing", lambda k: 1.0 + k // 5000, {})
    assert timetable(ls.dynamics.sgd(0.1, growing), 20_001).largest_batch == 5
    falling = Schedule("falling", lambda k: 0.2 - 0.1 * (k > 12_345) - 0.1 * (k > 12_346), {})
    assert timetable(ls.dynamics.sgd(falling), 12_347).largest_batch == 1
    told = refusal(timetable, ls.dynamics.sgd(falling), 12_348)
    assert "every value of the schedule of learning_rate must be > 0, got 0.0" in told


def test_memory_does_not_grow_with_the_steps():
    tracemalloc.start()
    timetable(ls.dynamics.sgd(WAVES), 2_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000  # a table would take 16,000,000


def between_the_ends(k):
    return np.interp(k, [k[0], k[-1]], [0.1, 0.01]) if len(k) > 1 else np.full(1, 0.01)


NOT_OF_THE_STEP = {
    "running product": lambda k: 0.1 * np.cumprod(np.full(len(k), 0.999)),
    "share of the last": lambda k: 0.1 * (1 - k / max(1, k.max())) + 0.001,
    "between the ends": between_the_ends,
    "what is left": lambda k: 0.01 + 0.09 * (k[-1] - k) / max(1, k[-1]),
}


@pytest.mark.parametrize("rule", NOT_OF_THE_STEP.values(), ids=NOT_OF_THE_STEP)
def test_a_rule_that_depends_on_more_than_the_step_is_refused(rule):
    """Such a rule is right in one call for the whole run, and in no other."""
    told = refusal(simulate, Schedule("own", rule, {}), 50)
    assert "must be a function of the number of each step alone, but its rule gives" in told


def test_a_continued_run_is_checked_from_where_it_begins():
    rising, begin = Schedule("rising", lambda k: 1e-3 + 1e-9 * k, {}), 10**12
    numbers, _ = timetable(ls.dynamics.sgd(rising), begin + 100, begin).rows(begin + 5, 90)
    np.testing.assert_allclose(numbers[:, 0], rising.rule(np.arange(begin + 5, begin + 95)))
    told = refusal(timetable, ls.dynamics.sgd(rising), begin)
    assert "steps must be at most 10000000000 with a schedule, got schedules of 10000" in told


def test_a_block_is_asked_for_once_whatever_the_chunks():
    asked = []

    def rule(k):
        asked.append(len(k))
        return np.full(len(k), 0.1)

    simulate(Schedule("counted", rule, {}), BLOCK, chunk_steps=64)
    assert asked.count(BLOCK) <= 4  # for the check, for its largest value, and for the run
