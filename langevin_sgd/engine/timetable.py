"""Parameters of the dynamics step by step: schedules become numbers on the host, chunk by chunk."""

from typing import Any, NamedTuple

import numpy as np

from ..models.parameters import Schedule, tabulated


class Timetable(NamedTuple):
    """Parameters of a dynamics over a run."""

    template: Any  # the parameters, with a number in place of every schedule
    schedules: dict  # name -> values (steps,)
    substeps: int  # updates of a step, all with its parameters

    def rows(self, first, count):
        """Numbers (count, fields) and batch sizes (count,) of the updates first ... first + count - 1."""
        numbers, step = np.empty((count, len(self.template))), np.arange(first, first + count) // self.substeps
        for column, (name, value) in enumerate(self.template._asdict().items()):
            numbers[:, column] = self.schedules[name][step] if name in self.schedules else np.ravel(value)[0]
        names = self.template._fields
        batches = numbers[:, names.index("batch_size")] if "batch_size" in names else np.ones(count)
        return numbers, batches.astype(np.int64)

    def largest_batch(self):
        """Largest batch size of the run."""
        return int(np.max(self.schedules.get("batch_size", getattr(self.template, "batch_size", 1)), initial=1))


def timetable(dynamics, steps):
    """The timetable of a run of `steps` steps; every value of a schedule is checked against the range of its parameter."""
    items = dynamics.params._asdict()
    schedules = {name: tabulated(value, name, steps) for name, value in items.items() if isinstance(value, Schedule)}
    template = type(dynamics.params)(*(float(v.rule(np.arange(1))[0]) if isinstance(v, Schedule) else v for v in items.values()))
    return Timetable(template, schedules, dynamics.substeps)
