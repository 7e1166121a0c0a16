"""Checks of what a caller passes to the theory: each error names the argument, its value, the range
and the way out.
"""

from typing import NamedTuple

import numpy as np


def symmetric_matrix(name, value):
    """Return ``value`` as a (..., d, d) float array; a scalar or a (d,) vector is read as a
    diagonal matrix.
    """
    array = real_array(name, value)
    if array.ndim < 2:
        array = np.diag(np.atleast_1d(array))
    if array.shape[-1] != array.shape[-2] or array.shape[-1] == 0:
        raise ValueError(
            f"{name} has shape {array.shape}; pass a (d, d) matrix or its d diagonal entries"
        )
    scale = np.abs(array).max(initial=0.0)
    asymmetry = np.abs(array - np.swapaxes(array, -1, -2)).max(initial=0.0)
    if asymmetry > 1e-10 * scale:
        raise ValueError(
            f"{name} is not symmetric: {name} - {name}.T reaches {asymmetry:.3g}; pass ({name} + "
            f"{name}.T) / 2"
        )
    return (array + np.swapaxes(array, -1, -2)) / 2


def covariance_matrix(name, value, dim=None):
    """Return ``value`` as a (..., d, d) positive semidefinite array, checked against ``dim`` if
    that is given.
    """
    array = symmetric_matrix(name, value)
    if dim is not None and array.shape[-1] != dim:
        raise ValueError(
            f"{name} acts on {array.shape[-1]} coordinates but there are {dim}; pass a ({dim}, "
            f"{dim}) matrix"
        )
    lowest = np.linalg.eigvalsh(array).min()
    if lowest < -1e-10 * np.abs(array).max(initial=0.0):
        raise ValueError(
            f"{name} has the eigenvalue {lowest:.6g}; a covariance needs all eigenvalues >= 0"
        )
    return array


def positive_matrix(name, value, dim=None):
    """Return ``value`` as a (..., d, d) array whose eigenvalues are all above zero."""
    array = covariance_matrix(name, value, dim)
    lowest = np.linalg.eigvalsh(array).min()
    if lowest <= 1e-14 * np.abs(array).max(initial=0.0):
        raise ValueError(
            f"{name} has the eigenvalue {lowest:.6g}; it must be positive definite: drop its flat "
            "directions"
        )
    return array


def real_array(name, value):
    """Return ``value`` as a finite float array."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} = {value!r} is not an array of real numbers") from error
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} contains nan or infinity; every entry must be finite")
    return array


def in_range(name, value, low, high, *, closed_low=False, closed_high=False):
    """Return ``value`` as a float array with all entries between ``low`` and ``high``."""
    array = real_array(name, value)
    above = array >= low if closed_low else array > low
    below = array <= high if closed_high else array < high
    if not np.all(above & below):
        worst = array[~(above & below)].flat[0]
        interval = f"{'[' if closed_low else '('}{low:g}, {high:g}{']' if closed_high else ')'}"
        raise ValueError(f"{name} = {worst:g} is outside its range {interval}")
    return array


def positive(name, value):
    """Return ``value`` as a float array with all entries above zero."""
    return in_range(name, value, 0.0, np.inf)


class Update(NamedTuple):
    """The numbers that fix an SGD update, checked: each a float array that broadcasts against the
    others.
    """

    learning_rate: np.ndarray
    batch_size: np.ndarray
    momentum: np.ndarray


def update_numbers(learning_rate, batch_size=1, momentum=0.0):
    """Check learning_rate > 0, batch_size >= 1 and 0 <= momentum < 1."""
    return Update(
        positive("learning_rate", learning_rate),
        in_range("batch_size", batch_size, 1.0, np.inf, closed_low=True),
        in_range("momentum", momentum, 0.0, 1.0, closed_low=True),
    )


def whole_number(name, value, low):
    """Return ``value`` as an int that is at least ``low``."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{name} = {value!r} must be a whole number that is at least {low}")
    if not np.isfinite(value) or int(value) != value or value < low:
        raise ValueError(f"{name} = {value!r} must be a whole number that is at least {low}")
    return int(value)
