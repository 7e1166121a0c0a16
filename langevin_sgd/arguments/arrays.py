"""Checks of arrays and matrices: `check(value, name) -> value`."""

import functools

import numpy as np

from .checks import LONGEST, check_range, shown

LONGEST_SWEEP = 10**5  # numbers of a sweep or a schedule in one call
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


def all_within(**limits):
    """A check: a number or an array, every entry in a range."""
    return functools.partial(numbers, **limits)


# ---- matrices ------------------------------------------------------------------------------------


def square_matrix(value, name):
    """`value` as a (..., n, n) array."""
    array = finite_array(value, name)
    if array.ndim < 2 or array.shape[-1] != array.shape[-2] or array.size == 0:
        raise ValueError(f"{name} must have the shape (n, n), got the shape {array.shape}.")
    return array


def matrix_or_diagonal(value, name):
    """`value` as a (d, d) symmetric array, or as (d,) where it is a number or a diagonal."""
    array = np.atleast_1d(finite_array(value, name))
    is_diagonal = array.ndim == 1 and array.size > 0
    return array if is_diagonal else symmetric_matrix(array, name, stacked=False)


def one_matrix(value, name):
    """`value` as a (d, d) symmetric array; a number or a (d,) vector is read as a diagonal."""
    matrix = matrix_or_diagonal(value, name)
    if matrix.ndim == 1:
        check_count(matrix.size**2, name)
    return np.diag(matrix) if matrix.ndim == 1 else matrix


def symmetric_matrix(value, name, dim=None, stacked=True):
    """`value` as a (..., d, d) symmetric array; a number or a (d,) vector is read as a diagonal."""
    array = finite_array(value, name)
    if array.ndim < 2:
        check_count(array.size**2, name)
        array = np.diag(np.atleast_1d(array))
    square = array.shape[-1] == array.shape[-2] and array.size > 0
    if not square or (array.ndim > 2 and not stacked):
        raise ValueError(
            f"{name} must have the shape (d, d), or (d,) for a diagonal matrix; got the shape "
            f"{np.shape(value)}."
        )
    if dim is not None and array.shape[-1] != dim:
        raise ValueError(
            f"{name} must have the shape ({dim}, {dim}) or ({dim},), got the shape "
            f"{np.shape(value)}."
        )
    mirrored = np.swapaxes(array, -1, -2)
    asymmetry = np.abs(array - mirrored)
    if asymmetry.max() > 1e-10 * np.abs(array).max():
        worst = tuple(map(int, np.unravel_index(np.argmax(asymmetry), array.shape)))
        raise ValueError(
            f"{name} must be symmetric, but entry {worst} is {array[worst]:g} and its mirror image "
            f"{mirrored[worst]:g}. Pass ({name} + {name}.T) / 2 if that is what you mean."
        )
    return array / 2 + mirrored / 2


def covariance_matrix(value, name, dim=None):
    """`value` as a (..., d, d) positive semidefinite array, as `symmetric_matrix` reads it."""
    array = symmetric_matrix(value, name, dim)
    lowest = float(np.linalg.eigvalsh(array).min())
    if lowest < -1e-10 * np.abs(array).max():
        raise ValueError(
            f"{name} must be a covariance, with all eigenvalues >= 0, got the eigenvalue "
            f"{lowest:.6g}."
        )
    return array


def positive_matrix(value, name, dim=None):
    """`value` as a (..., d, d) array with all eigenvalues above zero."""
    array = symmetric_matrix(value, name, dim)
    eigenvalues = np.linalg.eigvalsh(array)
    if np.any(eigenvalues[..., 0] <= 1e-14 * np.abs(eigenvalues[..., -1])):
        raise ValueError(
            f"{name} must be positive definite, got the eigenvalue {eigenvalues.min():.6g}. Drop "
            "its flat directions."
        )
    return array
