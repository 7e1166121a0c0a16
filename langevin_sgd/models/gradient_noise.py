"""The record of a gradient noise, and the factor of a covariance matrix."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..kernels.rules import check_function
from .parameters import COUNT_LIMIT, choice, integer, parameters, record_name, symmetric_matrix
from .recipes import Made, Recipe


class _NoiseFields(NamedTuple):
    name: str
    sample: Callable
    params: Any
    normals: int
    uniforms: int = 0
    gaussian: bool = False
    dim: int | None = None
    scratch_per_component: int = 0
    recipe: Recipe | None = None


class GradientNoise(Made, _NoiseFields):
    """Noise with zero mean that is drawn where the gradient is evaluated, before the update (Ito,
    as in SGD).

    Parameters
    ----------
    name : str
        How messages and datasets call it.
    sample : callable
        `sample(p, x, z, out)` writes the noise of one example at x into `out`, from `z`: `normals`
        independent standard normals, then `uniforms` independent uniform numbers in [0, 1).
    params : dict or namedtuple
        What `sample` finds in `p`.
    normals, uniforms : int
        How many random numbers one draw takes.
    gaussian : bool
        True if the noise is Gaussian at fixed x: a batch of B is then one draw divided by sqrt(B),
        which is the same law.
    dim : int, optional
        Number of components, where it is fixed by the parameters: a model of another dimension is
        refused.
    scratch_per_component : int
        For a model of d components, `out` has d (1 + scratch_per_component) numbers; those behind
        the first d are free.
    """

    __slots__ = ()

    def __new__(
        cls,
        name,
        sample,
        params,
        normals,
        uniforms=0,
        gaussian=False,
        dim=None,
        scratch_per_component=0,
    ):
        record_name(name)
        check_function(sample, f"sample of {name!r}", "p x z out")
        gaussian = bool(choice(gaussian, "gaussian", (False, True)))
        dim = dim if dim is None else integer(dim, "dim", 1, limit=COUNT_LIMIT)
        normals, uniforms = (
            integer(value, field, 0, limit=COUNT_LIMIT)
            for field, value in (("normals", normals), ("uniforms", uniforms))
        )
        if gaussian and uniforms:
            raise ValueError(
                f"uniforms must be 0 for gaussian=True, got {uniforms}: {name!r} cannot be "
                "Gaussian in uniform numbers."
            )
        scratch = integer(scratch_per_component, "scratch_per_component", 0, limit=COUNT_LIMIT)
        fields = (
            name,
            sample,
            parameters(params, repr(name)),
            normals,
            uniforms,
            gaussian,
            dim,
            scratch,
        )
        return super().__new__(cls, *fields)


def covariance_factor(covariance, name="covariance"):
    """Factor F (d, rank) with F F' = covariance, by LDL' with diagonal pivoting, in plain Python:
    the same bits on every machine.

    Raises
    ------
    ValueError
        If the matrix is not positive semidefinite (relative tolerance 1e-10 of its largest diagonal
        entry).
    """
    record_name(name)
    matrix = symmetric_matrix(covariance, name)
    left = [
        [float(entry) for entry in row] for row in (np.diag(matrix) if matrix.ndim == 1 else matrix)
    ]
    size, columns = len(left), []
    tolerance = 1e-10 * max(abs(entry) for row in left for entry in row)
    while len(columns) < size:
        pivot = max(range(size), key=lambda k: left[k][k])
        largest = left[pivot][pivot]
        if largest <= tolerance:
            break
        root = math.sqrt(largest)  # correctly rounded everywhere, unlike a power
        column = [left[k][pivot] / root for k in range(size)]
        for k in range(size):
            for j in range(size):
                left[k][j] -= column[k] * column[j]
        for k in range(size):  # exact zeros: rounding must not revive a direction that is done
            left[k][pivot] = left[pivot][k] = 0.0
        columns.append(column)
    if max(abs(entry) for row in left for entry in row) > tolerance:
        lowest = float(np.linalg.eigvalsh(np.diag(matrix) if matrix.ndim == 1 else matrix)[0])
        raise ValueError(
            f"{name} must be positive semidefinite, but its smallest eigenvalue is {lowest:.6g}."
        )
    return np.array(columns).T.reshape(size, len(columns))
