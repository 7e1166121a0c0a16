"""A rehearsal of a text: one interpreted run on views that know their length, before it is compiled
without such checks.

Compiled code does not look whether k < len(x): x[5] of two numbers would read those of another
particle, in silence."""

import builtins
import dis
import inspect
import traceback
from types import FunctionType

import numpy as np

from .texts import interpreted, plain, source_line

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


def check_arguments(function, label, *allowed):
    """Refuse a text that does not take the arguments of one of the lists `allowed`, each like "p x
    out".
    """
    counts = [len(names.split()) for names in allowed]
    if not any(_takes(plain(function), count) for count in counts):
        wanted = " or ".join(f"({', '.join(names.split())})" for names in allowed)
        raise TypeError(
            f"{label} must take the arguments {wanted}, got {inspect.signature(plain(function))}."
        )


def _takes(function, count):
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    return True


def check_names(function, label):
    """Refuse a text that reads a name which is defined nowhere, in it or in a helper of the user's."""
    todo, seen = [plain(function)], set()
    while todo:
        text = todo.pop()
        if text in seen:
            continue
        seen.add(text)
        values = [cell.cell_contents for cell in text.__closure__ or ()]
        for found in dis.get_instructions(text.__code__):
            if found.opname == "LOAD_GLOBAL":
                if found.argval not in text.__globals__ and not hasattr(builtins, found.argval):
                    raise ValueError(
                        f"{label} uses the name {found.argval!r}, which is not defined. Correct "
                        "it, or put the value into "
                        f"params.\n{source_line(text, found.positions.lineno)}"
                    )
                values.append(text.__globals__.get(found.argval))
        todo += [
            plain(value)
            for value in values
            if isinstance(plain(value), FunctionType) and not _ours(plain(value))
        ]


def _ours(function):
    return (function.__module__ or "").startswith(__package__ + ".")


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
