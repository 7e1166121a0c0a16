"""Arrays that users pass in, and how messages show them."""

import numpy as np


def shown(value):
    """`repr(value)` for a message: on few lines, at most 200 characters, whatever the value is."""
    try:
        text = repr(value)
    # of an object of the user's, or an int of too many digits: a message must come out all the same
    except Exception:
        text = f"a value of the type {type(value).__name__}"
    return text if len(text) <= 200 else text[:150] + " ... " + text[-20:]


def real_array(value, name):
    """`value` as a new C-contiguous float64 array; a TypeError that names it if it is no number and
    no array of real numbers.
    """
    try:
        array = np.array(value)
    except Exception:  # rows of different lengths, or whatever an object of the user's does
        array = np.array(None)
    if array.dtype.kind == "b":
        raise TypeError(
            f"{name} must be a number or an array of real numbers, got {shown(value)}. Write 1.0 "
            f"* {name} for 0 and 1."
        )
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be a number or an array of real numbers, got {shown(value)}.")
    if np.ma.is_masked(value):
        raise TypeError(
            f"{name} must have no masked entries, got {shown(value)}. Fill them, or leave those "
            "rows out."
        )
    with np.errstate(
        over="ignore"
    ):  # a longdouble beyond float64 becomes inf, which is then refused
        return np.array(array, dtype=np.float64, order="C")
