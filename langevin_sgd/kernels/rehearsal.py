"""A rehearsal of a text: one interpreted run on views that know their length, before it is compiled
without such checks.

Compiled code does not look whether k < len(x): x[5] of two numbers would read those of another
particle, in silence."""

import inspect
import traceback

import numpy as np

from .functions import interpreted, plain
from .rules import check_names

MOST_READS = (
    2_000  # numbers read or written in a rehearsal, which bounds its time to some milliseconds
)
PLACES = (
    0.4,
    0.0,
    -1.3,
)  # what the views hold; an index made of a value must fit at one of them only


class _Enough(Exception):
    """The rehearsal has seen as much of the text as it may."""


class _OutOfRange(IndexError):
    """An index beyond a view."""


class _Watched:
    """A view that looks at every index."""

    __slots__ = ("left", "name", "numbers")

    def __init__(self, name, length, value, left):
        self.name, self.numbers, self.left = name, np.full(length, value), left

    def __len__(self):
        return len(self.numbers)

    def _place(self, k):
        self.left[0] -= 1
        if self.left[0] < 0:
            raise _Enough
        length = len(self.numbers)
        if isinstance(k, (int, np.integer)) and not -length <= k < length:
            there = (
                f"{self.name}[{-length}] to {self.name}[{length - 1}] exist"
                if length
                else f"{self.name} is empty"
            )
            raise _OutOfRange(f"uses {self.name}[{k}], but {there}: len({self.name}) = {length}")
        return k

    def __getitem__(self, k):
        return self.numbers[self._place(k)]

    def __setitem__(self, k, value):
        self.numbers[self._place(k)] = value


def rehearse(function, label, p, lengths, step=1):
    """Run a text once in interpreted Python, and refuse what compiled code would do in silence or
    explain badly.

    Parameters
    ----------
    function : callable
        The text. Its first argument is `p`.
    label : str
        How messages name it.
    lengths : sequence of int or None
        Of the views that it gets; None stands for the number `step`.
    step : int
        What a reducer gets as the number of the step.

    Raises
    ------
    ValueError
        For a name that is not defined, a parameter that is not there, or an index beyond a view or
        an array of p, with the line. An index that depends on the numbers in the views is given
        three chances.
    """
    check_names(function, label)
    names = list(inspect.signature(plain(function)).parameters)[1:]
    found = None
    for value in PLACES:
        left = [MOST_READS]
        pairs = zip(names, lengths, strict=False)
        views = [
            step if length is None else _Watched(name, length, value, left)
            for name, length in pairs
        ]
        found = _mishap(interpreted(function), p, views)
        if found is None:
            return
    message, frame = found
    line = frame.line or "(source not available)"
    raise ValueError(f"{label} {message}.\n{frame.filename}, line {frame.lineno}:\n    {line}")


def _mishap(text, p, views):
    """What went wrong in a run of a text, and the frame of its line; None if nothing did that a
    compiler would not say.
    """
    try:
        with np.errstate(all="ignore"):
            text(p, *views)
    except IndexError as error:
        message = (
            str(error) if isinstance(error, _OutOfRange) else f"goes beyond an array of p: {error}"
        )
        return message, _users_frame(error)
    except AttributeError as error:
        if error.obj is not p:
            return None
        return f"uses p.{error.name}, but params hold only {', '.join(p._fields)}", _users_frame(
            error
        )
    except (
        Exception
    ):  # all else is the compiler's to judge: interpreted Python is not what will run
        return None
    return None


def _users_frame(error):
    """The innermost frame that is none of this file."""
    return [
        frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__
    ][-1]
