"""Parameters that change from step to step. The host tabulates a schedule chunk by chunk; the
kernels see a number.

Step k leads from `step` = k to k + 1. The formulas use + - * / and `elementary.cos` only: the same
bits on any machine."""

import math

import numpy as np

from ..kernels.elementary import cos
from .arrays import real_array, shown
from .parameters import Schedule, integer, number


def from_values(values):
    """A schedule from a list.

    Parameters
    ----------
    values : array_like, shape (steps,)
        `values[k]` is used by the step that leads from `step` = k to k + 1; unit of the parameter
        it stands for. A run that is longer than the list is refused.

    Returns
    -------
    Schedule
        To be passed for `learning_rate`, `step_size`, `temperature` ... of a dynamics.
    """
    array = real_array(values, "values")
    if array.ndim != 1 or array.size == 0 or not np.all(np.isfinite(array)):
        raise ValueError(
            "values must be a non-empty one-dimensional list of finite numbers, got the shape "
            f"{array.shape}: {shown(values)}."
        )
    array.setflags(write=False)
    return Schedule("from_values", array.__getitem__, {"values": array}, len(array))


def constant(value):
    """The same value in every step.

    Parameters
    ----------
    value : float
        In the unit of the parameter it stands for.

    Returns
    -------
    Schedule
    """
    value = number(value, "value")
    return Schedule("constant", lambda k: np.full(len(k), value), {"value": value})


def step_decay(start, factor, every):
    """start factor^floor(k / every): a jump by `factor` after each `every` steps.

    Parameters
    ----------
    start : float
        Value in step 0, in the unit of the parameter it stands for.
    factor : float > 0
        Above 1 the value grows: for a batch size, 2 doubles it (Smith, Kindermans, Ying and Le
        2018, arXiv:1711.00489).
    every : int >= 1
        Steps from jump to jump.

    Returns
    -------
    Schedule
    """
    start, factor, every = (
        number(start, "start"),
        number(factor, "factor", above=0),
        integer(every, "every", at_least=1),
    )
    return Schedule(
        "step_decay",
        lambda k: _geometric(start, factor, k // every),
        {"start": start, "factor": factor, "every": every},
    )


def exponential(start, factor):
    """start factor^k.

    Parameters
    ----------
    start : float
        Value in step 0, in the unit of the parameter it stands for.
    factor : float > 0
        Ratio of one value to the one before; exp(-1/tau) decays with the time constant of tau
        steps.

    Returns
    -------
    Schedule
    """
    start, factor = number(start, "start"), number(factor, "factor", above=0)
    return Schedule(
        "exponential", lambda k: _geometric(start, factor, k), {"start": start, "factor": factor}
    )


def inverse_time(start, time):
    """start / (1 + k / time): the decay of Robbins and Monro (1951), whose sum diverges while that
    of its square does not.

    Parameters
    ----------
    start : float
        Value in step 0, in the unit of the parameter it stands for.
    time : float > 0
        Steps after which it has halved. With start = 1/h and time = 1, SGD on a quadratic of
        curvature h returns the mean of the noisy minima it has seen: its variance after k steps is
        C/(h^2 k).

    Returns
    -------
    Schedule
    """
    start, time = number(start, "start"), number(time, "time", above=0)
    return Schedule(
        "inverse_time", lambda k: start / (1.0 + k / time), {"start": start, "time": time}
    )


def cosine(start, end, steps):
    """end + (start - end) (1 + cos(pi k / steps)) / 2 for k < steps, and `end` from then on.

    Half a period of a cosine, without restarts (Loshchilov and Hutter 2017, arXiv:1608.03983,
    equation 5).

    Parameters
    ----------
    start, end : float
        First value, and the one that is reached in step `steps`, in the unit of the parameter it
        stands for.
    steps : int >= 1
        Steps from start to end. A run of just as many steps never uses `end`, which may then be 0
        even for a learning rate.

    Returns
    -------
    Schedule
    """
    start, end, steps = (
        number(start, "start"),
        number(end, "end"),
        integer(steps, "steps", at_least=1),
    )

    def rule(k):
        falling = [
            0.5 * (1.0 + float(cos(math.pi * step / steps))) for step in k[k < steps].tolist()
        ]
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
