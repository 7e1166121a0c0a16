"""Parameters that change from step to step. The host tabulates a schedule chunk by chunk; the
kernels see a number.

Step k leads from `step` = k to k + 1. Each function here makes a `Schedule`, to be passed for
`learning_rate`, `step_size`, `temperature` ... of a dynamics. `start` is the value in step 0, `end`
one that is reached later, in the unit of the parameter that the schedule stands for. The formulas
use + - * / and `elementary.cos` only: the same bits on any machine."""

import math

import numpy as np

from ..arguments import finite_array, number, shown, whole, within
from ..kernels.elementary import cos
from .records import recorded
from .schedule_record import Schedule

__all__ = ["constant", "cosine", "exponential", "from_values", "inverse_time", "step_decay"]


def __dir__():
    return __all__


def _row(value, name):
    array = finite_array(value, name)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(
            f"{name} must be a non-empty one-dimensional list of finite numbers, got the shape "
            f"{array.shape}: {shown(value)}."
        )
    return array


@recorded(values=_row)
def from_values(values):
    """A schedule from a list, one value a step.

    Parameters
    ----------
    values : array_like, shape (steps,)
        `values[k]` is used by the step that leads from `step` = k to k + 1; unit of the parameter
        it stands for. A run that is longer than the list is refused.

    Returns
    -------
    Schedule

    Examples
    --------
    Three steps, of which the last is half as large:

    >>> schedule = ls.schedules.from_values([0.1, 0.1, 0.05])
    >>> print(schedule, schedule.length, schedule.rule(np.arange(3)))
    from_values(values=[0.1, 0.1, 0.05]) 3 [0.1  0.1  0.05]
    """
    values.setflags(write=False)
    return Schedule("from_values", values.__getitem__, {"values": values}, len(values))


@recorded(value=number)
def constant(value):
    """The same value in every step.

    Parameters
    ----------
    value : float
        In the unit of the parameter that it stands for.

    Returns
    -------
    Schedule

    Examples
    --------
    It stays, however many steps are made:

    >>> schedule = ls.schedules.constant(0.1)
    >>> print(schedule, schedule.rule(np.array([0, 10**6])))
    constant(value=0.1) [0.1 0.1]
    """
    return Schedule("constant", lambda k: np.full(len(k), value), {"value": value})


@recorded(start=number, factor=within(above=0), every=whole(1))
def step_decay(start, factor, every):
    """A jump by a factor after each so many steps, start factor^floor(k / every).

    Parameters
    ----------
    start : float
        The value in step 0, in the unit of the parameter.
    factor : float > 0
        Above 1 the value grows: for a batch size, 2 doubles it (Smith, Kindermans, Ying and Le
        2018, arXiv:1711.00489).
    every : int >= 1
        Steps from jump to jump.

    Returns
    -------
    Schedule

    Examples
    --------
    Step 9 is the last of the first ten:

    >>> schedule = ls.schedules.step_decay(0.1, factor=0.5, every=10)
    >>> print(schedule.rule(np.array([0, 9, 10, 20])))
    [0.1   0.1   0.05  0.025]
    """
    numbers = {"start": start, "factor": factor, "every": every}
    return Schedule("step_decay", lambda k: _geometric(start, factor, k // every), numbers)


@recorded(start=number, factor=within(above=0))
def exponential(start, factor):
    """A geometric sequence, start factor^k.

    Parameters
    ----------
    start : float
        The value in step 0, in the unit of the parameter.
    factor : float > 0
        Ratio of one value to the one before; exp(-1/tau) decays with the time constant of tau
        steps.

    Returns
    -------
    Schedule

    Examples
    --------
    exp(-1/100) leaves 1/e = 0.368 after 100 steps:

    >>> schedule = ls.schedules.exponential(1.0, factor=np.exp(-1 / 100))
    >>> print(schedule.rule(np.array([0, 100])).round(3))
    [1.    0.368]
    """
    numbers = {"start": start, "factor": factor}
    return Schedule("exponential", lambda k: _geometric(start, factor, k), numbers)


@recorded(start=number, time=within(above=0))
def inverse_time(start, time):
    """The decay of Robbins and Monro (1951), start / (1 + k / time).

    Its sum diverges while that of its square does not.

    Parameters
    ----------
    start : float
        The value in step 0, in the unit of the parameter.
    time : float > 0
        Steps after which it has halved. With start = 1/h and time = 1, SGD on a quadratic of
        curvature h returns the mean of the noisy minima it has seen: its variance after k steps is
        C/(h^2 k).

    Returns
    -------
    Schedule

    Examples
    --------
    Half of it after `time` steps, a quarter after three times as many:

    >>> schedule = ls.schedules.inverse_time(0.1, time=10)
    >>> print(schedule.rule(np.array([0, 10, 30])))
    [0.1   0.05  0.025]
    """
    numbers = {"start": start, "time": time}
    return Schedule("inverse_time", lambda k: start / (1.0 + k / time), numbers)


@recorded(start=number, end=number, steps=whole(1))
def cosine(start, end, steps):
    """Half a period of a cosine, end + (start - end) (1 + cos(pi k / steps)) / 2 for k < steps.

    From then on it is `end`. Without restarts (Loshchilov and Hutter 2017, arXiv:1608.03983,
    equation 5).

    Parameters
    ----------
    start, end : float
        The value in step 0, and the one that is reached, in the unit of the parameter.
    steps : int >= 1
        Steps from start to end. A run of just as many steps never uses `end`, which may then be 0
        even for a learning rate.

    Returns
    -------
    Schedule

    Examples
    --------
    A third of the way down the phase the cosine is 1/2, so that 3/4 of the rate is left:

    >>> schedule = ls.schedules.cosine(0.1, end=0.0, steps=300)
    >>> print(schedule.rule(np.array([0, 100, 150, 300])).round(4))
    [0.1   0.075 0.05  0.   ]
    """

    def rule(k):
        angles = [math.pi * step / steps for step in k[k < steps].tolist()]
        falling = [0.5 * (1.0 + float(cos(angle))) for angle in angles]
        values = np.full(len(k), end)
        values[k < steps] = end + (start - end) * np.array(falling, dtype=np.float64)
        return values

    return Schedule("cosine", rule, {"start": start, "end": end, "steps": steps})


def _geometric(start, factor, exponents):
    """start factor^exponents, by squaring."""
    left, square, power = np.array(exponents), factor, np.ones(len(exponents))
    with np.errstate(over="ignore"):  # an infinite value is refused when a run tabulates it
        while left.any():
            power = np.where(left % 2 == 1, power * square, power)
            left, square = left // 2, square * square
        return start * power
