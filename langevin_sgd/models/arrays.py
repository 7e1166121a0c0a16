"""Arrays that users pass in."""

import reprlib

import numpy as np


def real_array(value, name):
    """`value` as a new C-contiguous float64 array; a TypeError that names it if it is no number and no array of real numbers."""
    try:
        array = np.array(value)
    except ValueError:  # rows of different lengths
        array = np.array(None)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be a number or an array of real numbers, got {reprlib.repr(value)}.")
    return np.array(array, dtype=np.float64, order="C")
