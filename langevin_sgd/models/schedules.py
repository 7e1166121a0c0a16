"""Parameters that change from step to step. The host tabulates a schedule; the kernels see a number."""

from typing import NamedTuple

import numpy as np

from .arrays import real_array


class Schedule(NamedTuple):
    """Value of a parameter in each step: `values[k]` is used by the step that leads from `step` = k to k + 1."""

    name: str
    values: np.ndarray
    allowed: tuple = (None, None, None, None)  # range of the parameter it stands for: above, at_least, below, at_most
    whole: bool = False


def from_values(values):
    """A schedule from a list.

    Parameters
    ----------
    values : array_like, shape (steps,)
        `values[k]` is used by the step that leads from `step` = k to k + 1; unit of the parameter it stands for. A run that is
        longer than the list is refused.

    Returns
    -------
    Schedule
        To be passed for `learning_rate`, `step_size`, `temperature` ... of a dynamics.
    """
    array = real_array(values, "values")
    if array.ndim != 1 or array.size == 0 or not np.all(np.isfinite(array)):
        raise ValueError(
            f"values must be a non-empty one-dimensional list of finite numbers, got the shape {array.shape}: {values!r}."
        )
    array.setflags(write=False)
    return Schedule("from_values", array)
