"""Parameters of the dynamics step by step: schedules become numbers on the host, chunk by chunk."""

from typing import Any, NamedTuple

import numpy as np

from ..models.parameters import BLOCK, Schedule, check_length, tabulated

LONGEST = 10**11  # steps of a schedule: every value is checked before the first step


class Timetable(NamedTuple):
    """Parameters of a dynamics over a run."""

    template: Any  # the parameters, with a number in place of every schedule
    schedules: dict  # name -> Schedule
    substeps: int  # updates of a step, all with its parameters
    steps: int  # of the run and before it
    largest_batch: int  # of the run

    def rows(self, first, count):
        """Numbers (count, fields) and batch sizes (count,) of the updates first ... first + count - 1."""
        numbers, step = np.empty((count, len(self.template))), np.arange(first, first + count) // self.substeps
        for column, (name, value) in enumerate(self.template._asdict().items()):
            numbers[:, column] = self._values(name, step) if name in self.schedules else np.ravel(value)[0]
        names = self.template._fields
        batches = numbers[:, names.index("batch_size")] if "batch_size" in names else np.ones(count)
        return numbers, batches.astype(np.int64)

    def _values(self, name, step):
        """Values in these steps. A rule is asked for whole blocks: its rounding may depend on the length of the array."""
        begin = int(step[0]) // BLOCK * BLOCK
        blocks = [values for _, values in _blocks(self.schedules[name], name, begin, int(step[-1]) + 1, self.steps)]
        return np.concatenate(blocks)[step - begin]


def _blocks(schedule, name, begin, end, steps):
    """(first step, values) of each block of BLOCK steps from `begin` on that begins before `end`; the run ends at `steps`."""
    for first in range(begin, end, BLOCK):
        yield first, tabulated(schedule, name, min(first + BLOCK, steps), first)


def _checked(schedule, name, steps):
    """Largest value of a schedule, each of whose values is in its range and depends on nothing but the number of the step."""
    if steps > LONGEST:
        raise ValueError(f"steps must be at most {LONGEST} with a schedule, got schedules of {steps} steps. Make several runs.")
    check_length(schedule, name, steps)
    largest = 1.0
    for first, values in _blocks(schedule, name, 0, steps, steps):
        largest, last = max(largest, values.max()), first + len(values) - 1
        alone = tabulated(schedule, name, last + 1, last)[0]
        if not np.isclose(alone, values[-1], rtol=1e-9, atol=0.0):
            raise ValueError(
                f"the schedule of {name} must be a function of the number of each step alone, but its rule gives {values[-1]} "
                f"for step {last} among others and {alone} for that step by itself."
            )
    return largest


def timetable(dynamics, steps):
    """The timetable of a run of `steps` steps; every value of a schedule is checked against the range of its parameter."""
    items = dynamics.params._asdict()
    schedules = {name: value for name, value in items.items() if isinstance(value, Schedule)}
    largest = {name: _checked(schedule, name, steps) for name, schedule in schedules.items()}
    template = type(dynamics.params)(*(float(v.rule(np.arange(1))[0]) if isinstance(v, Schedule) else v for v in items.values()))
    batch = int(largest.get("batch_size", getattr(template, "batch_size", 1)))
    return Timetable(template, schedules, dynamics.substeps, steps, batch)
