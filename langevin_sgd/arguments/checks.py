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
NO_NUMBER = bool, np.bool_, np.timedelta64  # numpy counts a timedelta among its integers
LONGEST = 10**8  # numbers in an array or a list that is no data table: beyond it is a mistake


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
    numbers = int, float, np.integer, np.floating
    if isinstance(value, NO_NUMBER) or not isinstance(value, numbers):
        raise TypeError(f"{name} must be a number, got {shown(value)}.")
    is_float = isinstance(value, np.floating) or abs(value) <= LARGEST  # an int may be larger
    value = float(value) if is_float else value
    check_range(value, name, above, at_least, below, at_most)
    return float(value)


def integer(value, name, at_least, below=None, limit=2**63):
    """`value` as an int in [at_least, below); `limit` is a `below` that messages name only where it
    is met."""
    value = _scalar(value)
    if isinstance(value, NO_NUMBER) or not isinstance(value, (int, np.integer)):
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
