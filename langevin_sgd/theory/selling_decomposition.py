"""Selling's decomposition: a positive definite matrix as a sum of non-negative weights times
squares of integer vectors."""

from itertools import combinations

import numpy as np

from ..arguments import positive_matrix
from .meanings import exact

LARGEST_ROUNDS = 200


@exact(matrix=positive_matrix)
def selling_decomposition(matrix):
    """A positive definite matrix as a sum of weights times squares of integer vectors.

    D = sum_k rho_k e_k e_k' in d = 1, 2 or 3 dimensions.

    Parameters
    ----------
    matrix : array, shape (..., d, d)
        D, positive definite, d <= 3.

    Returns
    -------
    weights : array, shape (..., d(d+1)/2)
        rho_k >= 0, in the units of D.
    vectors : integer array, shape (..., d(d+1)/2, d)
        e_k, whose first non-zero entry is positive.

    Raises
    ------
    ValueError
        If some matrix is not positive definite (the reduction does not end).

    Notes
    -----
    The vectors come from a superbase (d + 1 integer vectors of sum zero) that is obtuse for D:
    <b_i, D b_j> <= 0; then rho_ij = -<b_i, D b_j>, and e_ij is orthogonal to the d - 1 other
    members of the superbase. An acute pair is flipped until none is left. The longest vector grows
    like the square root of the condition number. Source: Selling 1874; the algorithm as in Conway
    and Sloane, and for monotone schemes Fehrenbach and Mirebeau 2014; checked by the sum.

    Examples
    --------
    [[2, -1], [-1, 3]] is (1, -1)(1, -1)' + (1, 0)(1, 0)' + 2 (0, 1)(0, 1)':

    >>> weights, vectors = ls.theory.selling_decomposition([[2.0, -1.0], [-1.0, 3.0]])
    >>> weights.tolist(), vectors.tolist()
    ([1.0, 1.0, 2.0], [[1, -1], [1, 0], [0, 1]])
    """
    dim = matrix.shape[-1]
    if dim > 3:
        raise ValueError(f"matrix must be at most 3 x 3, got the shape {matrix.shape}.")
    flat = matrix.reshape(-1, dim, dim)
    first = np.vstack([np.eye(dim, dtype=int), -np.ones((1, dim), dtype=int)])
    base = np.tile(first, (len(flat), 1, 1))
    for _ in range(LARGEST_ROUNDS):
        changed = False
        for i, j in combinations(range(dim + 1), 2):
            acute = _product(flat, base, i, j) > 1e-14 * np.trace(flat, axis1=1, axis2=2)
            if acute.any():
                base[acute] = _flip(base[acute], i, j)
                changed = True
        if not changed:
            return _terms(flat, base, matrix.shape[:-2])
    raise ValueError("matrix is too close to singular for Selling's decomposition; regularise it.")


def _product(flat, base, i, j):
    """<b_i, D b_j> for each matrix."""
    return np.einsum("na,nab,nb->n", base[:, i], flat, base[:, j])


def _flip(base, i, j):
    """Replace an acute pair: b_i -> -b_i, b_j stays, and the others share what keeps the sum zero,
    2 b_i."""
    new = base.copy()
    new[:, i] = -base[:, i]
    others = np.delete(np.arange(base.shape[1]), (i, j))
    new[:, others] += base[:, [i]] * (2 // len(others))
    return new


def _terms(flat, base, shape):
    """Weights and offsets of an obtuse superbase."""
    dim = flat.shape[-1]
    pairs = list(combinations(range(dim + 1), 2))
    weights = [np.maximum(-_product(flat, base, i, j), 0.0) for i, j in pairs]
    # <dual_i, b_j> is 1 for i = j and else 0; the last member of the base is minus the others.
    dual = np.rint(np.linalg.inv(base[:, :dim])).astype(int).mT
    dual = np.pad(dual, [(0, 0), (0, 1), (0, 0)])
    first, second = np.transpose(pairs)
    offsets = dual[:, first] - dual[:, second]
    leads = np.take_along_axis(offsets, np.argmax(offsets != 0, axis=-1)[..., None], axis=-1)
    offsets *= np.sign(leads)
    return np.stack(weights, axis=-1).reshape(*shape, -1), offsets.reshape(*shape, -1, dim)
