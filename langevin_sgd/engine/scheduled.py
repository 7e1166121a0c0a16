"""Parameters that follow a schedule: it becomes numbers on the host, block by block."""

import numpy as np

from ..models.schedule_record import BLOCK, check_length, tabulated

LONGEST_SCHEDULE = 10**10  # steps of a schedule: every value is checked before the first step


class Scheduled:
    """The values of the parameter `name` in a run that ends at `steps`. A rule is asked for whole
    blocks: its rounding may depend on the length of the array."""

    def __init__(self, schedule, name, steps):
        self.schedule, self.name, self.steps = schedule, name, steps
        self.first, self.found = None, None  # the block that was asked for last

    def values(self, step):
        """Values in these steps, which follow each other."""
        begin = int(step[0]) // BLOCK * BLOCK
        blocks = [self._block(first) for first in range(begin, int(step[-1]) + 1, BLOCK)]
        return np.concatenate(blocks)[step - begin]

    def _block(self, first):
        if self.first != first:
            last = min(first + BLOCK, self.steps)
            self.first, self.found = first, tabulated(self.schedule, self.name, last, first)
        return self.found

    def largest(self, first_step):
        """The largest value from `first_step` on, each of which is in its range and depends on
        nothing but the number of the step."""
        if self.steps - first_step > LONGEST_SCHEDULE:
            raise ValueError(
                f"steps must be at most {LONGEST_SCHEDULE} with a schedule, got schedules of "
                f"{self.steps - first_step} steps. Make several runs, each from the end of the "
                "last one (first_step)."
            )
        check_length(self.schedule, self.name, self.steps)
        largest = 1.0
        for first in range(first_step // BLOCK * BLOCK, self.steps, BLOCK):
            values = self._block(first)
            largest = max(largest, values.max())
            self._check_alone(first, values)
        return largest

    def _check_alone(self, first, values):
        """Refuse a rule whose values for a block, from step `first` on, are not those of its steps
        one by one."""
        for place in {0, len(values) // 2, len(values) - 1}:
            step = first + place
            with np.errstate(all="ignore"):
                alone = np.asarray(self.schedule.rule(np.arange(step, step + 1)), dtype=np.float64)
            if alone.shape != (1,) or not np.isclose(alone[0], values[place], rtol=1e-9, atol=0.0):
                raise ValueError(
                    f"the schedule of {self.name} must be a function of the number of each step "
                    f"alone, but its rule gives {values[place]} for step {step} among others and "
                    f"{alone} for that step by itself."
                )
