"""Checks of single values: `check(value, name) -> value` gives the value in the form in which the
code wants it, or raises an error that names the argument, its value, what is allowed and the way
out."""

import functools
import os
import sys
from pathlib import Path

import numpy as np

from .names import nearest

LARGEST = sys.float_info.max
NOT_WHOLE = bool, np.bool_, np.timedelta64  # numpy counts a timedelta among its integers
LONGEST = 10**8  # numbers in an array that is no data table: beyond it is a mistake
LONGEST_SWEEP = 10**5  # numbers of a sweep or a schedule in one call


def shown(value):
    """`repr(value)` for a message: on one line, at most 200 characters, whatever the value is; of a
    dataset, which variables it has."""
    try:
        text = " ".join(repr(value).split())
        if hasattr(value, "data_vars"):
            text = f"a dataset of {', '.join(map(str, value.data_vars)) or 'no variables'}"
    except Exception:  # an object of the user's, an int of too many digits: there must be a message
        text = f"a value of the type {type(value).__name__}"
    return text if len(text) <= 200 else text[:150] + " ... " + text[-20:]


# ---- numbers -------------------------------------------------------------------------------------


def number(value, name, *, above=None, at_least=None, below=None, at_most=None):
    """`value` as a float inside the stated range."""
    value = _scalar(value)
    if isinstance(value, (bool, np.bool_, np.timedelta64)) or not isinstance(
        value, (int, float, np.integer, np.floating)
    ):
        raise TypeError(f"{name} must be a number, got {shown(value)}.")
    is_float = isinstance(value, np.floating) or abs(value) <= LARGEST  # an int may be larger
    value = float(value) if is_float else value
    check_range(value, name, above, at_least, below, at_most)
    return float(value)


def integer(value, name, at_least, below=None, limit=2**63):
    """`value` as an int in [at_least, below); `limit` is a `below` that messages name only where it
    is met."""
    value = _scalar(value)
    if isinstance(value, NOT_WHOLE) or not isinstance(value, (int, np.integer)):
        way = f" Write {int(value)}." if _means_a_whole_number(value) else ""
        raise TypeError(f"{name} must be a whole number, got {shown(value)}.{way}")
    value = int(value)
    below = limit if below is None and value >= limit else below
    check_range(value, name, at_least=at_least, below=below)
    return value


def whole_numbers(value, name, at_least=0, below=None):
    """`value`, a whole number or a sequence of them, as a tuple of ints in [at_least, below)."""
    several = isinstance(value, (tuple, list, range)) or (
        isinstance(value, np.ndarray) and value.ndim
    )
    entries = value if several else (value,)
    if not 0 < len(entries) <= LONGEST:
        raise ValueError(f"{name} must be 1 to {LONGEST} numbers, got {len(entries)}.")
    return tuple(integer(one, name, at_least, below) for one in entries)


def _means_a_whole_number(value):
    """Whether it is 1e3, or text such as the attribute `seed` of a run."""
    if isinstance(value, str):
        return value.isdecimal() and len(value) <= 20
    return isinstance(value, (float, np.floating)) and float(value).is_integer()


def _scalar(value):
    """The number in an array without dimensions."""
    return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value


def check_range(value, name, above=None, at_least=None, below=None, at_most=None):
    """Raise an error that names the allowed range unless `value` is finite and inside."""
    inside = (
        -LARGEST <= value <= LARGEST  # false for nan
        and (above is None or value > above)
        and (at_least is None or value >= at_least)
        and (below is None or value < below)
        and (at_most is None or value <= at_most)
    )
    if not inside:
        allowed = _range_in_words(above, at_least, below, at_most)
        raise ValueError(f"{name} must be {allowed or 'a finite number'}, got {shown(value)}.")


def _range_in_words(above, at_least, below, at_most):
    limits = [("> ", above), (">= ", at_least), ("< ", below), ("<= ", at_most)]
    return " and ".join(f"{sign}{limit}" for sign, limit in limits if limit is not None)


# ---- arrays --------------------------------------------------------------------------------------


_WAYS = {"toarray": "toarray()", "detach": "detach().cpu().numpy()"}  # of SciPy's and torch's


def real_array(value, name):
    """`value` as a new C-contiguous float64 array, nan and inf allowed; a TypeError that names it
    if it is no number and no array of real numbers."""
    try:
        array = np.array(value)
    except Exception:  # rows of different lengths, or whatever an object of the user's does
        array = np.array(None)
    if array.dtype.kind == "b":
        raise TypeError(
            f"{name} must be a number or an array of real numbers, got {shown(value)}. "
            f"Write 1.0 * {name} for 0 and 1."
        )
    if array.dtype.kind not in "iuf":
        kind = f" of dtype {array.dtype}" if array.ndim else ""
        odd = [type(each).__name__ for each in array.flat if not isinstance(each, (int, float))]
        kind += f" with an entry of type {odd[0]}" if kind and odd else ""
        ways = [way for known, way in _WAYS.items() if hasattr(type(value), known)]
        way = (
            f"Pass {name}.{ways[0]}."
            if ways
            else "Convert it with numpy.asarray(..., dtype=float)."
        )
        raise TypeError(
            f"{name} must be a number or an array of real numbers, got {shown(value)}{kind}. {way}"
        )
    if np.any(getattr(value, "_mask", False)):  # numpy.ma is slow to import
        raise TypeError(
            f"{name} must have no masked entries, got {shown(value)}. Fill them, or leave those "
            "rows out."
        )
    with np.errstate(over="ignore"):  # a longdouble beyond float64 becomes inf
        return np.array(array, dtype=np.float64, order="C")


def check_count(count, name, longest=LONGEST):
    """Raise an error unless the arrays that `name` asks for hold at most `longest` numbers."""
    if count > longest:
        raise ValueError(f"{name} must ask for at most {longest} numbers in an array, got {count}.")


def finite_array(value, name, *, ndim=None, longest=LONGEST):
    """`value` as a finite float64 array, of `ndim` dimensions and at most `longest` numbers."""
    check_count(value.size if isinstance(value, np.ndarray) else 0, name, longest)
    array = real_array(value, name)
    check_count(array.size, name, longest)
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} dimensions, got the shape {array.shape}.")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must be finite, got {shown(value)}.")
    return array


def numbers(value, name, *, above=None, at_least=None, below=None, at_most=None, longest=LONGEST):
    """`value`, a number or an array of numbers, as a float64 array with every entry in the stated
    range."""
    array = finite_array(value, name, longest=longest)
    for extreme in (array.min(), array.max()) if array.size else ():
        check_range(float(extreme), name, above, at_least, below, at_most)
    return array


def probabilities(value, name):
    """`value` as a row of numbers >= 0 that sum to 1, to 1e-12."""
    array = numbers(value, name, at_least=0, at_most=1)
    if array.ndim != 1 or abs(array.sum() - 1) > 1e-12:
        raise ValueError(
            f"{name} must be one row of numbers that sum to 1; the shape is {array.shape}, the sum "
            f"{array.sum():.15g}."
        )
    return array


# ---- other things --------------------------------------------------------------------------------


def choice(value, name, allowed):
    """`value` if it is one of `allowed`; otherwise an error that lists them and names the
    nearest."""
    value = bool(value) if isinstance(value, np.bool_) else value
    if any(value is one or (isinstance(value, str) and value == one) for one in allowed):
        return value
    hint = nearest(value, [str(one) for one in allowed])
    raise ValueError(
        f"{name} must be one of {', '.join(map(repr, allowed))}, got {shown(value)}.{hint}"
    )


def flag(value, name):
    """`value` if it is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {shown(value)}.")
    return bool(value)


def text(value, name):
    """`value` if it is text and not empty."""
    if not isinstance(value, str) or not value:
        raise TypeError(f"{name} must be text, like 'my_well', got {shown(value)}.")
    return value


def word(value, name):
    """`value` if it is text that can be printed on a line and is no path."""
    if not text(value, name).isprintable() or set(value) & set("/\\") or len(value) > 200:
        raise ValueError(
            f"{name} must be printable, without slashes and of at most 200 characters, got "
            f"{shown(value)}."
        )
    return value


def path(value, name):
    """`value`, a path, as an absolute `pathlib.Path`: it stays the same when the current folder
    changes."""
    if not isinstance(value, (str, os.PathLike)) or not isinstance(os.fspath(value), str):
        raise TypeError(f"{name} must be a path, like 'results/run.nc', got {shown(value)}.")
    if not os.fspath(value) or "\0" in os.fspath(value):
        raise ValueError(f"{name} must be a path, not empty and without NUL, got {shown(value)}.")
    return Path(value).absolute()


def function(value, name):
    """`value` if it can be called."""
    if not callable(value):
        raise TypeError(f"{name} must be a function, got {shown(value)}.")
    return value


def instance(value, name, kinds, words):
    """`value` if it is one of `kinds`, a type or a tuple of types; `words` say what is wanted."""
    if not isinstance(value, kinds):
        raise TypeError(f"{name} must be {words}, got {shown(value)}.")
    return value


# ---- checks with limits --------------------------------------------------------------------------


def within(**limits):
    """A check: one number in a range, e.g. `within(above=0, at_most=1)`."""
    return functools.partial(number, **limits)


def all_within(**limits):
    """A check: a number or an array, every entry in a range."""
    return functools.partial(numbers, **limits)


def whole(at_least, below=None):
    """A check: a whole number in [at_least, below)."""
    return functools.partial(integer, at_least=at_least, below=below)


def one_of(*allowed):
    """A check: one of the values listed."""
    return functools.partial(choice, allowed=allowed)


def optional(check):
    """A check that lets None pass."""
    return lambda value, name: None if value is None else check(value, name)


def anything(value, name):
    """A check that lets everything pass: the function judges by itself."""
    return value
