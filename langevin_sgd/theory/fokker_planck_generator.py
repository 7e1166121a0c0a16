"""The Fokker-Planck operator as a jump process on a grid, with rates that are not negative.

dp/dt = div(p (grad U - f)) + sum_ij d_i d_j (D_ij p) is the forward equation of dx = (f - grad U)
dt + sqrt(2 D) dW (Ito). With D = sum_k rho_k e_k e_k' in units of the grid spacings (Selling), a
particle jumps from x to x +- e_k at the rate rho_k(x) * B(-W), B(z) = z/(exp(z) - 1), where W is
the line integral of D^-1 (f - grad U) along the jump. The rates have the drift and the diffusion of
the equation up to O(spacing^2), are never negative, and for D = T obey detailed balance with
exp(-U/T) exactly."""

from functools import partial
from typing import NamedTuple

import numpy as np

from ..arguments import choice, finite_array, function, instance, optional, whole_numbers, within
from ..models.evaluate import evaluate
from .confinement import bounds_inside, energy_of, one_law, walls_of, wrapped
from .grids import bounding_box, tensor_nodes
from .selling_decomposition import selling_decomposition

BOUNDARIES = ("reflecting", "absorbing", "periodic")
# The automatic box reaches to exp(-30) of the largest density of the hottest direction.
FLOW_DEPTH = 30.0
MOST_CELLS = 400_000
POINTS = {1: 400, 2: 100, 3: 32}


class Flow(NamedTuple):
    """The equation: force (n, d) -> (n, d), diffusion (n, d) -> (n, d, d).

    It has a temperature if D is one constant number."""

    potential: object
    force: object
    diffusion: object
    temperature: float | None


class Jumps(NamedTuple):
    """Jumps (n,) between cells, one by one.

    Flat indices `origin` and `target` (-1 if absorbed), `rate` in 1/time, and `displacement` (n, d)
    in units of length."""

    origin: np.ndarray
    target: np.ndarray
    rate: np.ndarray
    displacement: np.ndarray


class Generator(NamedTuple):
    """Jump process on a grid: dp/dt = matrix @ p for the probabilities of its cells."""

    matrix: object
    axes: list
    flow: Flow
    jumps: Jumps


def generator_check(value, name):
    """A check: what `fokker_planck_generator` returned."""
    return instance(value, name, Generator, "a Generator, from fokker_planck_generator")


def _diffusion_of_any_kind(value, name):
    return value if callable(value) else finite_array(value, name, longest=9)


def _boundaries(value, name):
    kinds = value if isinstance(value, (list, tuple)) else [value]
    return [choice(kind, name, BOUNDARIES) for kind in kinds]


EQUATION = {
    "potential": energy_of(1, 2, 3, drift=True, walls=("periodic", "reflecting")),
    "diffusion": _diffusion_of_any_kind,
    "points": optional(partial(whole_numbers, at_least=4, below=MOST_CELLS)),
    "boundary": optional(_boundaries),
    "force": optional(function),
    "floor": within(above=0, below=1),
}


@one_law(**EQUATION)
def fokker_planck_generator(
    potential, diffusion, *, bounds=None, points=None, boundary=None, force=None, floor=1e-3
):
    """Fokker-Planck operator on a grid, as a jump process with rates that are never negative.

    Parameters
    ----------
    potential : Potential
        Energy with d = 1, 2 or 3. Its drift, if it has one, is a part of f.
    diffusion : float, (d,) array, (d, d) array, or function x (n, d) -> (n,), or (n, d, d)
        D in length^2/time, positive semidefinite. For SGD D = learning_rate Sigma(x)/(2
        batch_size).
    bounds : array (d, 2), optional
        The box; by default one that holds the Boltzmann law of the hottest direction, inside the
        potential's domain.
    points : int or d ints
        Cells per axis; by default 400, 100, 32 for d = 1, 2, 3.
    boundary : str or d strings
        "reflecting", "absorbing" or "periodic", for each axis; by default as the domain says, and
        reflecting where it is open. Jumps of an anisotropic D are several cells long: within that
        distance of a reflecting wall the off-diagonal part of D is left out, and of an absorbing
        one a jump may end too early; so the scheme is of first order only where the density does
        not vanish at such a wall.
    force : function x (n, d) -> (n, d), optional
        f, a force beside -grad U, in length/time; it need not be a gradient.
    floor : float
        Regularisation: eigenvalues of D below `floor` times the largest one (at the same point) are
        raised to that.

    Returns
    -------
    Generator
        ``matrix``, sparse, with dp/dt = matrix @ p for the probabilities of the raveled cells, in
        1/time; ``axes``, the centres of the cells; ``flow``, the equation; ``jumps``, one by one.

    Raises
    ------
    ValueError
        If D is not positive semidefinite, the grid is too large, or no box is found.

    Notes
    -----
    The operator is dp/dt = div(p (grad U - f)) + sum_ij d_i d_j (D_ij p) (Ito). Source: Selling's
    decomposition as in monotone schemes for degenerate diffusion, with the rates of Scharfetter and
    Gummel (1969) along each direction; combined and derived in the module's docstring.

    Examples
    --------
    Free diffusion, D = 1/2, on cells of width 1: jumps at the rate D/width^2 to either side.

    >>> flat, box = ls.potentials.quadratic([0.0]), [(0.0, 4.0)]
    >>> generator = ls.theory.fokker_planck_generator(flat, 0.5, bounds=box, points=4)
    >>> print(generator.matrix.toarray())
    [[-0.5  0.5  0.   0. ]
     [ 0.5 -1.   0.5  0. ]
     [ 0.   0.5 -1.   0.5]
     [ 0.   0.   0.5 -0.5]]
    """
    dim = potential.dim
    flow = _flow(potential, diffusion, force, floor)
    kinds = boundaries_of(potential, boundary)
    counts = np.broadcast_to(points or POINTS[dim], dim)
    if np.prod(counts, dtype=float) > MOST_CELLS:
        raise ValueError(f"points must have a product of at most {MOST_CELLS}, got {points}.")
    box = _automatic_box(flow) if bounds is None else bounds_inside(bounds, potential)
    # Absorbing walls lie on the centres of the first cells outside, all others on the faces of the
    # last cells inside.
    absorbing = np.array(kinds) == "absorbing"
    spacing = (box[:, 1] - box[:, 0]) / (counts + absorbing)
    shift = np.where(absorbing, 1.0, 0.5)
    axes = [
        low + (np.arange(n) + s) * h
        for low, n, h, s in zip(box[:, 0], counts, spacing, shift, strict=True)
    ]
    return _assemble(flow, axes, spacing, kinds)


def boundaries_of(potential, boundary):
    """The kind of boundary of each axis: as given, or that of the domain, or reflecting."""
    natural = ["reflecting" if wall is None else wall.kind for wall in walls_of(potential)]
    return natural if boundary is None else list(np.broadcast_to(boundary, potential.dim))


def _flow(potential, diffusion, force, floor):
    """The equation, with D as a function that returns regularised matrices."""
    dim = potential.dim

    def drift(x):
        total = 0.0 if force is None else np.asarray(force(x), dtype=float)
        own = 0.0 if potential.drift is None else evaluate(potential, x, "drift")
        return np.broadcast_to(total + own, x.shape)

    if callable(diffusion):
        return Flow(potential, drift, lambda x: _regular(_matrices(diffusion, x), floor), None)
    matrix = _regular(diffusion * np.eye(dim) if diffusion.ndim < 2 else diffusion, floor)
    temperature = matrix[0, 0] if np.all(matrix == matrix[0, 0] * np.eye(dim)) else None
    return Flow(
        potential, drift, lambda x: np.broadcast_to(matrix, (len(x), dim, dim)), temperature
    )


def _matrices(diffusion, x):
    """D as (n, d, d), from variances (n,) or matrices."""
    values = np.asarray(diffusion(x), dtype=float)
    return values[:, None, None] * np.eye(x.shape[1]) if values.ndim == 1 else values


def _regular(matrix, floor):
    """The matrix with its small eigenvalues raised to `floor` times the largest, if it has any."""
    values, vectors = np.linalg.eigh(matrix)
    lowest, highest = values[..., 0], values[..., -1]
    if np.any(highest <= 0) or np.any(lowest < -1e-10 * highest):
        raise ValueError(
            "diffusion must be positive semidefinite and not zero; its eigenvalues reach down to "
            f"{values.min():g}."
        )
    if np.all(lowest >= floor * highest):
        return matrix
    lifted = np.maximum(values, floor * values[..., -1:])
    return (vectors * lifted[..., None, :]) @ vectors.mT


def _automatic_box(flow):
    """A box for the Boltzmann law of the largest eigenvalue of D."""

    def height(x):
        hottest = np.linalg.eigvalsh(flow.diffusion(x))[:, -1]
        return evaluate(flow.potential, x, "energy") / hottest

    name = f"potential {flow.potential.name!r} under this diffusion"
    return bounding_box(height, flow.potential.dim, FLOW_DEPTH, name, walls_of(flow.potential))


def _assemble(flow, axes, spacing, boundaries):
    """All jumps of all cells, and the sparse matrix of the process."""
    from scipy.sparse import coo_matrix

    shape = [len(axis) for axis in axes]
    nodes = tensor_nodes(axes).reshape(-1, len(axes))
    cell = np.stack(np.unravel_index(np.arange(len(nodes)), shape), axis=-1)
    scaled = flow.diffusion(nodes) / np.outer(spacing, spacing)
    weights, offsets = selling_decomposition(scaled)
    walled = _at_a_wall(cell, offsets, shape, boundaries)
    dim = len(axes)
    weights[walled], offsets[walled] = 0.0, 0
    weights[walled, :dim] = np.diagonal(scaled[walled], axis1=1, axis2=2)
    offsets[walled, :dim] = np.eye(dim, dtype=int)
    parts = []
    for term in range(weights.shape[-1]):
        for sign in (1, -1):
            used = np.flatnonzero(weights[:, term] > 0)
            step = sign * offsets[used, term]
            target, stays = _target(cell[used] + step, shape, boundaries)
            used, step, target = used[stays], step[stays], target[stays]
            work = _work(flow, nodes[used], step * spacing, walled[used])
            parts.append(
                Jumps(used, target, weights[used, term] * _bernoulli(-work), step * spacing)
            )
    jumps = Jumps(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    kept = jumps.target >= 0
    to = np.append(jumps.target[kept], jumps.origin)  # what a cell gains; what each loses
    rates = np.append(jumps.rate[kept], -jumps.rate)
    entries = rates, (to, np.append(jumps.origin[kept], jumps.origin))
    matrix = coo_matrix(entries, shape=(len(nodes), len(nodes))).tocsc()
    return Generator(matrix, axes, flow, jumps)


def _at_a_wall(cell, offsets, shape, boundaries):
    """Cells from which some jump would cross a reflecting wall.

    There only the diagonal of D is used, along the axes: without that, a cell in a corner can lose
    all its jumps and be cut off from the others."""
    reach = np.abs(offsets).max(axis=1)
    near = (cell < reach) | (cell + reach >= np.array(shape))
    return (near & (np.array(boundaries) == "reflecting")).any(axis=1)


def _target(index, shape, boundaries):
    """Flat index of the cell that is reached, -1 if absorbed; and whether the jump happens."""
    kinds = np.array(boundaries)
    outside = (index < 0) | (index >= np.array(shape))
    absorbed = (outside & (kinds == "absorbing")).any(axis=1)
    stays = ~(outside & (kinds == "reflecting")).any(axis=1)
    modes = tuple(np.where(kinds == "periodic", "wrap", "clip").tolist())
    return np.where(absorbed, -1, np.ravel_multi_index(index.T, shape, modes)), stays


def _work(flow, x, displacement, walled):
    """Line integral of D^-1 (f - grad U) along each jump.

    Differences of U for isotropic constant D, else Simpson's rule."""
    total = np.zeros(len(x))
    for part, share in ((0.0, 1 / 6), (0.5, 4 / 6), (1.0, 1 / 6)):
        at = wrapped(flow.potential, x + part * displacement)
        drift = flow.force(at)
        if flow.temperature is None:
            matrix = flow.diffusion(at)
            matrix = np.where(walled[:, None, None], matrix * np.eye(at.shape[1]), matrix)
            drift = drift - evaluate(flow.potential, at, "gradient")
            drift = np.linalg.solve(matrix, drift[..., None])[..., 0]
        total += share * (drift * displacement).sum(axis=-1)
    if flow.temperature is None:
        return total
    ends = (evaluate(flow.potential, end, "energy") for end in (at, x))
    return (total - np.subtract(*ends)) / flow.temperature


def _bernoulli(z):
    """z/(exp(z) - 1), at least 1e-40, so that no jump is impossible by underflow."""
    from scipy.special import exprel

    return 1 / exprel(np.clip(z, -1e300, 97.0))
