"""A rehearsal: interpreted runs of a user's function on views that watch what it does, before it is
compiled without such checks.

Compiled code does not look whether k < len(x): x[5] of two numbers would read those of another
particle, in silence. And what it gets to write into holds whatever was there before."""

import inspect
import traceback
from functools import cache, partial
from typing import NamedTuple

import numpy as np

from .functions import interpreted

LARGEST_WALK = 2**14  # numbers in views that a function may walk through
LARGEST_VIEW = 2**20  # numbers; more take too long in interpreted Python
MOST_LOOKS = 2_000  # numbers read or written in one run, which bounds its time to milliseconds;
READS_PER_NUMBER = 4  # or so many for each number in its views, that loops over them come to an end
# What the views hold; an index made of a value must fit at one of them only.
TRIED = 0.4, 0.0, -1.3
_BEFORE = np.nan, 7.0  # what a view that is to be written holds: nothing may depend on it


class _Enough(Exception):
    """The rehearsal has seen as much of the function as it may."""


class _Slip(Exception):
    """What compiled code would do in silence, or explain badly."""


class _View:
    """A view that looks at every index, and remembers what was read and written."""

    __slots__ = ("left", "name", "numbers", "read", "written")

    def __init__(self, name, length, value, left):
        self.name, self.numbers, self.left = name, np.full(length, value), left
        self.read, self.written = set(), set()

    def __len__(self):
        return len(self.numbers)

    def _place(self, k):
        self.left[0] -= 1
        if self.left[0] < 0:
            raise _Enough
        name, length = self.name, len(self.numbers)
        if not isinstance(k, (int, np.integer)):
            raise _Slip(f"uses {name}[{k!r}], but an index must be a whole number: write a loop")
        if not -length <= k < length:
            there = (
                f"{name}[{-length}] to {name}[{length - 1}] exist" if length else f"{name} is empty"
            )
            raise _Slip(f"uses {name}[{k}], but {there}: len({name}) = {length}")
        return int(k) % length

    def __getitem__(self, k):
        self.read.add(self._place(k))
        return self.numbers[k]

    def __setitem__(self, k, value):
        self.written.add(self._place(k))
        self.numbers[k] = value

    def part(self, start, count):
        """What `views.part` gives; all of it counts as written."""
        first, last = self._place(start), self._place(start + count - 1)
        inner = _View(self.name, 0, 0.0, self.left)
        inner.numbers = self.numbers[first : last + 1]
        self.written.update(range(first, last + 1))
        return inner

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise _Slip(f"uses {self.name}.{name}, but a view has {self.name}[k] and len({self.name})")


@cache
def _watched(kind):
    """A class of parameter tuples that know what is wrong with p["k"]."""

    def __getitem__(self, k):
        if isinstance(k, str):
            raise _Slip(f"uses p[{k!r}]. Write p.{k}")
        return tuple.__getitem__(self, k)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise _Slip(f"uses p.{name}, but params hold only {', '.join(kind._fields)}")

    return type(kind.__name__, (kind,), {"__getitem__": __getitem__, "__getattr__": __getattr__})


class _Run(NamedTuple):
    """What came of one run: its views, whether it came to its end, and what went wrong where."""

    views: list
    ended: bool
    slip: str | None = None
    frame: traceback.FrameSummary | None = None


def _run(function, p, lengths, value, before=None, step=1):
    """One interpreted run; the last view holds `before`, if that is given."""
    numbers = sum(length or 0 for length in lengths)
    left = [max(MOST_LOOKS, READS_PER_NUMBER * min(numbers, LARGEST_WALK))]
    names = list(inspect.signature(function).parameters)[1:]
    views = [
        step if length is None else _View(name, length, value, left)
        for name, length in zip(names, lengths, strict=False)
    ]
    if before is not None:
        views[-1].numbers[:] = before
    try:
        with np.errstate(all="ignore"):
            function(_watched(type(p))._make(p), *views)
        return _Run(views, True)
    except _Slip as error:
        return _Run(views, False, str(error), _users_frame(error))
    except IndexError as error:
        slip = f"goes beyond an array of p: {error}"
        return _Run(views, False, slip, _users_frame(error))
    except Exception:  # all else is the compiler's to judge: interpreted Python will not run
        return _Run(views, False)


def _users_frame(error):
    """The innermost frame that is none of this file."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame for frame in frames if frame.filename != __file__][-1]


def rehearse(function, label, p, lengths, step=1, written=0, why=""):
    """Run a function in interpreted Python, and refuse what compiled code would do in silence or
    explain badly.

    Parameters
    ----------
    function : callable
        Its first argument is `p`.
    label : str
        How messages name it.
    lengths : sequence of int or None
        Of the views that it gets; None stands for the number `step`.
    step : int
        What a reducer gets as the number of the step.
    written : int
        So many numbers at the start of the last view are its result: each must be written, and may
        not depend on what stood there or behind it before.
    why : str
        What decides `written`, as messages say it.

    Raises
    ------
    ValueError
        For a parameter that is not there, an index beyond a view or an array of p, with the line,
        or a result that is not written, or added to what was there. An index that depends on the
        numbers in the views is given three chances. A function of a view of more than 2^20 numbers
        is not tried.
    """
    if max((length or 0 for length in lengths), default=0) > LARGEST_VIEW:
        return
    function, slips = interpreted(function), []
    for value in TRIED:
        runs = [
            _run(function, p, lengths, value, before, step)
            for before in (_BEFORE if written else (None,))
        ]
        slips.append(runs[0])
        if written:
            again = partial(_run, function, p, lengths, value, _BEFORE[0], step)
            _check_written(label, runs, written, again, why)
        if sum(length or 0 for length in lengths) > LARGEST_WALK and not runs[0].slip:
            break  # once is long enough
    if all(run.slip for run in slips):
        slip, frame = slips[0].slip, slips[0].frame
        line = frame.line or "(source not available)"
        raise ValueError(f"{label} {slip}.\n{frame.filename}, line {frame.lineno}:\n    {line}")


def _check_written(label, runs, written, again, why):
    if any(run.slip for run in runs):
        return
    one, other = (run.views[-1] for run in runs)
    unequal = (one.numbers != other.numbers) & ~(np.isnan(one.numbers) & np.isnan(other.numbers))
    written_to = one.written & other.written
    for k in (k for k in np.flatnonzero(unequal[:written]) if k in written_to):
        if not np.array_equal(one.numbers, again().views[-1].numbers, equal_nan=True):
            raise ValueError(
                f"{label} gives other numbers each time that it is called. It may depend on "
                "nothing but its arguments; random numbers come in z, which normals= and "
                "uniforms= of a record ask for."
            )
        raise ValueError(
            f"{label} gives another {one.name}[{k}] if {one.name} holds other numbers before: "
            f"nothing is there to be added to or read. Write {one.name}[{k}] = ... first."
        )
    missing = [k for k in range(written) if k not in one.written]
    if missing and all(run.ended for run in runs):
        raise ValueError(
            f"{label} does not write {one.name}[{missing[0]}], which then holds anything: all of "
            f"{one.name}[0] to {one.name}[{written - 1}] must be written{why}, a zero too."
        )
