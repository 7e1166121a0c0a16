"""Checks of matrices: `check(value, name) -> value`."""

import numpy as np

from .checks import check_count, finite_array


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
