"""The Fokker-Planck operator as a jump process on a grid: non-negative rates for any positive
diffusion matrix.

dp/dt = div(p (grad U - f)) + sum_ij d_i d_j (D_ij p) is the forward equation of dx = (f - grad U)
dt + sqrt(2 D) dW (Ito). With D = sum_k rho_k e_k e_k' in units of the grid spacings (Selling), a
particle jumps from x to x +- e_k at the rate rho_k(x) * B(-W), B(z) = z/(exp(z) - 1), where W is
the line integral of D^-1 (f - grad U) along the jump. The rates have the drift and the diffusion of
the equation up to O(spacing^2), are never negative, and for D = T obey detailed balance with
exp(-U/T) exactly."""

from typing import NamedTuple

import numpy as np

from ..models.evaluate import evaluate
from .grids import bounding_box, check_box, tensor_nodes
from .selling import selling_decomposition

BOUNDARIES = ("reflecting", "absorbing", "periodic")
LEVEL = (
    30.0  # the automatic box reaches to exp(-30) of the largest density of the hottest direction
)
LARGEST_GRID = 400_000


class Flow(NamedTuple):
    """The equation: force (n, d) -> (n, d), diffusion (n, d) -> (n, d, d), and the temperature if D
    is one constant number.
    """

    potential: object
    force: object
    diffusion: object
    temperature: float | None


class Generator(NamedTuple):
    """Jump process on a grid: `matrix` with dp/dt = matrix @ p for the probabilities of the cells,
    and its jumps one by one.

    `origin`, `target` (jumps,): flat cell indices; `rate` (jumps,) in 1/time; `displacement`
    (jumps, d) in units of length. A jump that is absorbed has the target -1."""

    matrix: object
    axes: list
    flow: Flow
    origin: np.ndarray
    target: np.ndarray
    rate: np.ndarray
    displacement: np.ndarray


def fokker_planck_generator(
    potential, diffusion, *, bounds=None, points=None, boundary="reflecting", force=None, floor=1e-3
):
    """The operator of dp/dt = div(p (grad U - f)) + sum_ij d_i d_j (D_ij p) (Ito) on a grid, as a
    jump process.

    Parameters
    ----------
    potential : Potential
        Energy with d = 1, 2 or 3.
    diffusion : float, (d,) array, (d, d) array, or function x (n, d) -> (n,), or (n, d, d)
        D in length^2/time, positive semidefinite. For SGD D = learning_rate Sigma(x)/(2
        batch_size).
    bounds : array (d, 2), optional
        The box; by default one that holds the Boltzmann law of the hottest direction.
    points : int or d ints
        Cells per axis; by default 400, 100, 32 for d = 1, 2, 3.
    boundary : str or d strings
        "reflecting", "absorbing" or "periodic", for each axis. Jumps of an anisotropic D are
        several cells long: within that distance of a reflecting wall the off-diagonal part of D is
        left out, and of an absorbing one a jump may end too early; so the scheme is of first order
        only where the density does not vanish at such a wall.
    force : function x (n, d) -> (n, d), optional
        f, a force beside -grad U, in length/time; it need not be a gradient.
    floor : float
        Regularisation: eigenvalues of D below `floor` times the largest one (at the same point) are
        raised to that.

    Returns
    -------
    Generator

    Raises
    ------
    ValueError
        If D is not positive semidefinite, the grid is too large, or no box is found.

    Notes
    -----
    Source: Selling's decomposition as in monotone schemes for degenerate diffusion, with the rates
    of Scharfetter and Gummel (1969) along each direction; combined and derived in the module's
    docstring."""
    flow = _flow(potential, diffusion, force, floor)
    dim = potential.dim
    boundaries = [boundary] * dim if isinstance(boundary, str) else list(boundary)
    if len(boundaries) != dim or not set(boundaries) <= set(BOUNDARIES):
        raise ValueError(
            f"boundary must be one of {BOUNDARIES}, or {dim} of them, got {boundary!r}"
        )
    counts = (
        [points] * dim
        if isinstance(points, int | np.integer)
        else list(points or [{1: 400, 2: 100, 3: 32}[dim]] * dim)
    )
    if len(counts) != dim or min(counts) < 4 or np.prod(counts, dtype=float) > LARGEST_GRID:
        raise ValueError(
            f"points must be {dim} numbers of cells of at least 4, with a product up to "
            f"{LARGEST_GRID}; got {points}"
        )
    box = check_box(bounds, dim) if bounds is not None else _automatic_box(flow)
    # Absorbing walls lie on the centres of the first cells outside, all others on the faces of the
    # last cells inside.
    spacing = [
        (high - low) / (n + (kind == "absorbing"))
        for (low, high), n, kind in zip(box, counts, boundaries, strict=True)
    ]
    shift = [1.0 if kind == "absorbing" else 0.5 for kind in boundaries]
    axes = [
        low + (np.arange(n) + s) * h
        for (low, _), n, h, s in zip(box, counts, spacing, shift, strict=True)
    ]
    return _assemble(flow, axes, np.array(spacing), boundaries)


def _flow(potential, diffusion, force, floor):
    """The equation with every argument checked and D as a function that returns regularised
    matrices.
    """
    dim = potential.dim
    if dim not in (1, 2, 3):
        raise ValueError(
            f"potential must have dim 1, 2 or 3 for a grid, got {dim}; simulate it instead"
        )
    if not 0 < floor < 1:
        raise ValueError(f"floor must be between 0 and 1, got {floor}")
    if potential.drift is not None:
        raise ValueError(
            f"potential {potential.name!r} has a drift beside its gradient; pass it as force=, a "
            "function of x (n, d)"
        )
    force = force or np.zeros_like
    if callable(diffusion):
        return Flow(
            potential, force, lambda x: _regular(_matrices(diffusion(x), x.shape), floor), None
        )
    array = np.asarray(diffusion, dtype=float)
    matrix = _regular(array * np.eye(dim) if array.ndim < 2 else array, floor)
    temperature = matrix[0, 0] if np.all(matrix == matrix[0, 0] * np.eye(dim)) else None
    return Flow(
        potential, force, lambda x: np.broadcast_to(matrix, (len(x), dim, dim)), temperature
    )


def _matrices(values, shape):
    """D as (n, d, d), from variances (n,) or matrices."""
    values = np.asarray(values, dtype=float)
    return values[:, None, None] * np.eye(shape[1]) if values.ndim == 1 else values


def _regular(matrix, floor):
    """The matrix with its small eigenvalues raised to `floor` times the largest; untouched if there
    are none.
    """
    values, vectors = np.linalg.eigh(matrix)
    if (
        not np.all(np.isfinite(values))
        or np.any(values[..., -1] <= 0)
        or np.any(values[..., 0] < -1e-10 * values[..., -1])
    ):
        raise ValueError(
            "diffusion must be positive semidefinite and not zero; its eigenvalues reach down to "
            f"{values.min():g}"
        )
    if np.all(values[..., 0] >= floor * values[..., -1]):
        return matrix
    lifted = np.maximum(values, floor * values[..., -1:])
    return (vectors * lifted[..., None, :]) @ np.swapaxes(vectors, -1, -2)


def _automatic_box(flow):
    """A box for the Boltzmann law of the largest eigenvalue of D."""

    def height(x):
        hottest = np.linalg.eigvalsh(flow.diffusion(x))[:, -1]
        return evaluate(flow.potential, x, "energy") / hottest

    return bounding_box(
        height, flow.potential.dim, LEVEL, f"potential {flow.potential.name!r} under this diffusion"
    )


def _assemble(flow, axes, spacing, boundaries):
    """All jumps of all cells, and the sparse matrix of the process."""
    from scipy.sparse import coo_matrix

    shape = [len(axis) for axis in axes]
    nodes = tensor_nodes(axes).reshape(-1, len(axes))
    cell = np.stack(np.unravel_index(np.arange(len(nodes)), shape), axis=-1)
    scaled = flow.diffusion(nodes) / np.outer(spacing, spacing)
    weights, offsets = selling_decomposition(scaled)
    walled = _at_a_wall(cell, offsets, shape, boundaries)
    for k in range(weights.shape[-1]):
        unit = k < len(axes)
        weights[walled, k] = scaled[walled, k, k] if unit else 0.0
        offsets[walled, k] = np.eye(len(axes), dtype=int)[k] if unit else 0
    parts = []
    for term in range(weights.shape[-1]):
        for sign in (1, -1):
            used = np.flatnonzero(weights[:, term] > 0)
            step = sign * offsets[used, term]
            target, stays = _target(cell[used] + step, shape, boundaries)
            used, step, target = used[stays], step[stays], target[stays]
            rate = weights[used, term] * _bernoulli(
                -_work(flow, nodes[used], step * spacing, walled[used])
            )
            parts.append((used, target, rate, step * spacing))
    origin, target, rate, displacement = (np.concatenate(part) for part in zip(*parts, strict=True))
    kept = target >= 0
    size = (len(nodes), len(nodes))
    gain = coo_matrix((rate[kept], (target[kept], origin[kept])), shape=size)
    loss = np.bincount(origin, weights=rate, minlength=len(nodes))
    cells = np.arange(len(nodes))
    matrix = (gain - coo_matrix((loss, (cells, cells)), shape=size)).tocsc()
    return Generator(matrix, axes, flow, origin, target, rate, displacement)


def _at_a_wall(cell, offsets, shape, boundaries):
    """Cells from which some jump would cross a reflecting wall; there only the diagonal of D is
    used, along the axes.

    Without that, a cell in a corner can lose all its jumps and be cut off from the others.
    """
    reflecting = np.array([kind == "reflecting" for kind in boundaries])
    reach = np.abs(offsets).max(axis=1)
    near = (cell < reach) | (cell + reach >= np.array(shape))
    return (near & reflecting).any(axis=1)


def _target(index, shape, boundaries):
    """Flat index of the cell that is reached, -1 if absorbed; and whether the jump happens at all."""
    stays, absorbed = np.ones(len(index), dtype=bool), np.zeros(len(index), dtype=bool)
    index = index.copy()
    for k, (size, kind) in enumerate(zip(shape, boundaries, strict=True)):
        outside = (index[:, k] < 0) | (index[:, k] >= size)
        if kind == "periodic":
            index[:, k] %= size
        elif kind == "absorbing":
            absorbed |= outside
        else:
            stays &= ~outside
        index[:, k] = np.clip(index[:, k], 0, size - 1)
    return np.where(absorbed, -1, np.ravel_multi_index(index.T, shape)), stays


def _work(flow, x, displacement, walled):
    """Line integral of D^-1 (f - grad U) along each jump: differences of U for isotropic constant
    D, else Simpson's rule.
    """
    total = np.zeros(len(x))
    for part, share in ((0.0, 1 / 6), (0.5, 4 / 6), (1.0, 1 / 6)):
        at = x + part * displacement
        drift = np.broadcast_to(flow.force(at), at.shape)
        if flow.temperature is None:
            matrix = flow.diffusion(at)
            matrix = np.where(walled[:, None, None], matrix * np.eye(at.shape[1]), matrix)
            drift = np.linalg.solve(
                matrix, (drift - evaluate(flow.potential, at, "gradient"))[..., None]
            )[..., 0]
        total += share * (drift * displacement).sum(axis=-1)
    if flow.temperature is None:
        return total
    climb = evaluate(flow.potential, x + displacement, "energy") - evaluate(
        flow.potential, x, "energy"
    )
    return (total - climb) / flow.temperature


def _bernoulli(z):
    """z/(exp(z) - 1), at least 1e-40, so that no jump is impossible by underflow."""
    z = np.clip(z, -1e300, 97.0)
    safe = np.where(z == 0, 1.0, z)
    return np.where(z == 0, 1.0, safe / np.expm1(safe))
