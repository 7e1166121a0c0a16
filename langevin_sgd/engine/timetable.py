"""Parameters of the dynamics step by step: schedules become numbers on the host, chunk by chunk."""

from typing import Any, NamedTuple

import numpy as np

from ..models.parameters import BLOCK, check_length, tabulated

LONGEST_SCHEDULE = 10**10  # steps of a schedule: every value is checked before the first step


class Timetable(NamedTuple):
    """Parameters of a dynamics over a run."""

    template: Any  # the parameters, with a number in place of every schedule
    schedules: dict  # name -> Schedule
    substeps: int  # updates of a step, all with its parameters
    steps: int  # of the run and before it
    largest_batch: int  # of the run
    recent: dict  # name -> (first step, values) of the block that was asked for last

    def rows(self, first, count):
        """Numbers (count, fields) and batch sizes (count,) of the updates first ... first + count -
        1.
        """
        step = np.arange(first, first + count) // self.substeps
        numbers = {name: np.ravel(value)[0] for name, value in self.template._asdict().items()}
        numbers |= {name: self._values(name, step) for name in self.schedules}
        columns = {name: np.broadcast_to(value, count) for name, value in numbers.items()}
        batches = columns.get("batch_size", np.ones(count)).astype(np.int64)
        return np.column_stack(list(columns.values())), batches

    def _values(self, name, step):
        """Values in these steps. A rule is asked for whole blocks: its rounding may depend on the
        length of the array.
        """
        begin, blocks = int(step[0]) // BLOCK * BLOCK, []
        for first in range(begin, int(step[-1]) + 1, BLOCK):
            known, values = self.recent.get(name, (None, None))
            if known != first:
                last = min(first + BLOCK, self.steps)
                values = tabulated(self.schedules[name], name, last, first)
                self.recent[name] = first, values
            blocks.append(values)
        return np.concatenate(blocks)[step - begin]


def timetable(dynamics, steps, first_step=0):
    """The timetable of a run from `first_step` to `steps`; every value of a schedule is checked
    against its parameter's range.
    """
    schedules, parameters = dynamics.schedules(), dynamics.params
    largest = {
        name: _largest(schedule, name, steps, first_step) for name, schedule in schedules.items()
    }
    first = {name: float(schedule.rule(np.arange(1))[0]) for name, schedule in schedules.items()}
    template = parameters._replace(**first)
    batch = int(largest.get("batch_size", getattr(template, "batch_size", 1)))
    return Timetable(template, schedules, dynamics.substeps, steps, batch, {})


def _largest(schedule, name, steps, first_step):
    """Largest value of a schedule, each of whose values is in its range and depends on nothing but
    the number of the step.
    """
    if steps - first_step > LONGEST_SCHEDULE:
        raise ValueError(
            f"steps must be at most {LONGEST_SCHEDULE} with a schedule, got schedules of "
            f"{steps - first_step} steps. Make several runs, each from the end of the last one "
            "(first_step)."
        )
    check_length(schedule, name, steps)
    largest = 1.0
    for first in range(first_step // BLOCK * BLOCK, steps, BLOCK):
        values = tabulated(schedule, name, min(first + BLOCK, steps), first)
        largest = max(largest, values.max())
        _check_alone(schedule, name, first, values)
    return largest


def _check_alone(schedule, name, first, values):
    """Refuse a rule whose values for a block, from step `first` on, are not those of its steps one
    by one.
    """
    for place in {0, len(values) // 2, len(values) - 1}:
        step = first + place
        with np.errstate(all="ignore"):
            alone = np.asarray(schedule.rule(np.arange(step, step + 1)), dtype=np.float64)
        if alone.shape != (1,) or not np.isclose(alone[0], values[place], rtol=1e-9, atol=0.0):
            raise ValueError(
                f"the schedule of {name} must be a function of the number of each step alone, but "
                f"its rule gives {values[place]} for step {step} among others and {alone} for "
                "that step by itself."
            )
