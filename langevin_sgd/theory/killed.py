"""SGD chains that are stopped when they leave a region: mean number of steps, survival, and the
quasi-stationary law.
"""

import numpy as np

from . import inputs
from .grids import QUANTITIES, grid_moments, tensor_nodes, tensor_weight, with_errors
from .nystrom import gaussian
from .sgd_step import Step, law_box, update_step

COARSE, FINE = 0.75, 0.6  # largest distance of two nodes in units of the smallest step noise
LARGEST_GRID = 20_000
DENSE = 1500
TABLE = QUANTITIES | {
    "survival": ((), "probability to stay inside, per step, in the quasi-stationary law", "1"),
    "exit_probability": ((), "1 - survival, per step", "1"),
}
PASSAGE_TABLE = {"mean_steps": (("start",), "mean number of steps until the chain is outside", "1")}


def mean_first_passage_steps(
    potential, noise_covariance, learning_rate, batch_size=1, *, start, inside
):
    """Mean number of SGD steps until x' = x - eta (grad U + xi) is first found outside a box, with
    Gaussian noise, d = 1 or 2.

    tau solves tau(x) = 1 + integral over the box of N(x'; x - eta grad U(x), eta^2 Sigma/B) tau(x')
    dx'. Gauss-Legendre nodes along an axis with a finite wall, equally spaced ones along an axis
    without; `start` is reached by one exact application of the kernel.

    Parameters
    ----------
    potential, noise_covariance, learning_rate, batch_size
        As in `transfer_operator`; in d = 2 the noise must be diagonal.
    start : (d,) or (n, d) array, or (n,) for d = 1
        Where the chain starts, in units of length; inside the box.
    inside : array (d, 2)
        The region, (low, high) per component, with infinite entries where there is no wall; e.g.
        [(-inf, 0)] for the time to x >= 0.

    Returns
    -------
    xarray.Dataset
        ``mean_steps`` (start) and ``mean_steps_error``, the difference of two grids. The time is
        learning_rate * mean_steps.

    Raises
    ------
    ValueError
        If a start is outside, the noise is not diagonal, or the grid is too large.

    Notes
    -----
    What leaves through an infinite side counts as stopped; it is below 1e-12 per step unless the
    chain is transient. The chain is seen at its steps only: a path that crosses and comes back
    between two of them is not counted, so that the time to the top of a barrier is longer than the
    diffusion's by O(sqrt(eta)). Source: derived above."""
    step = _diagonal_step(potential, noise_covariance, learning_rate, batch_size)
    inside = _region(inside, potential.dim)
    start = np.asarray(start, dtype=float)
    start = start.reshape(-1, potential.dim)
    if not np.all((start > inside[:, 0]) & (start < inside[:, 1])):
        raise ValueError(f"start must be inside the region {inside.tolist()}, got {start.tolist()}")
    coarse, fine = (
        {"mean_steps": _mean_steps(step, inside, start, ratio)} for ratio in (COARSE, FINE)
    )
    law = with_errors([], {}, fine, coarse, PASSAGE_TABLE)
    law["start_position"] = ("start", "component"), start, {"long_name": "start", "units": "length"}
    return law.assign_attrs(
        model=potential.name, learning_rate=step.learning_rate, batch_size=step.batch_size
    )


def quasi_stationary_law(potential, noise_covariance, learning_rate, batch_size=1, *, inside):
    """Law of SGD particles that have stayed inside a box for long, and the probability per step to
    leave it, d = 1 or 2.

    lambda p(x') = integral over the box of N(x'; x - eta grad U(x), eta^2 Sigma/B) p(x) dx: leading
    eigenpair of the killed kernel.

    Parameters
    ----------
    potential, noise_covariance, learning_rate, batch_size
        As in `transfer_operator`; in d = 2 the noise must be diagonal.
    inside : array (d, 2)
        As in `mean_first_passage_steps`. On barrier (x^2-1)^2 with barrier 1/4 the natural box is
        x^2 < 1 + 2/eta, the unstable two-cycle of the noise-free map.

    Returns
    -------
    xarray.Dataset
        ``density`` (axis_0[, axis_1]), ``weight``, ``energy``, and with ``NAME_error``:
        ``survival`` (lambda), ``exit_probability`` (1 - lambda per step; 1/(1 - lambda) is the mean
        lifetime in steps), ``mean_position``, ``second_moment``, ``fourth_moment``,
        ``mean_energy``, ``energy_variance``, ``entropy``.

    Raises
    ------
    ValueError
        If the noise is not diagonal or the grid is too large.

    Notes
    -----
    Source: derived above; Collet, Martinez, San Martin, Quasi-Stationary Distributions, for the
    existence (cited from memory)."""
    step = _diagonal_step(potential, noise_covariance, learning_rate, batch_size)
    inside = _region(inside, potential.dim)
    coarse, fine = (_quasi_stationary(step, inside, ratio) for ratio in (COARSE, FINE))
    dim = potential.dim
    fields = {
        "density": (fine["density"], (), "quasi-stationary density", f"length^-{dim}"),
        "weight": (fine["weight"], (), "quadrature weight of the node", f"length^{dim}"),
        "energy": (fine["energy"], (), "potential energy", "energy"),
    }
    law = with_errors(
        fine["axes"],
        fields,
        *({name: grid[name] for name in TABLE} for grid in (fine, coarse)),
        TABLE,
    )
    return law.assign_attrs(
        model=potential.name, learning_rate=step.learning_rate, batch_size=step.batch_size
    )


def _diagonal_step(potential, noise_covariance, learning_rate, batch_size) -> Step:
    step = update_step(potential, noise_covariance, learning_rate, batch_size)
    if np.any(step.rotation != np.eye(potential.dim)):
        raise ValueError(
            "noise_covariance must be diagonal for a region bounded along the components; rotate "
            "the potential instead"
        )
    return step


def _region(inside, dim):
    region = np.asarray(inside, dtype=float).reshape(-1, 2)
    if region.shape != (dim, 2) or not np.all(region[:, 0] < region[:, 1]):
        raise ValueError(
            f"inside must hold {dim} pairs (low, high) with low < high, infinite where there is "
            f"no wall; got {inside}"
        )
    return region


def _killed_kernel(step, inside, ratio):
    """Axes, weights, and along each axis the one-step densities (n_k, nodes) from every node inside
    the region.
    """
    walls = np.isfinite(inside)
    box = inside if walls.all() else np.where(walls, inside, law_box(step))
    scan = step.step_sd(tensor_nodes([np.linspace(*side, 65) for side in box])).reshape(
        -1, len(box)
    )
    axes, weights = [], []
    for (low, high), sd, wall in zip(box, scan.min(axis=0), walls, strict=True):
        points = (high - low) / (ratio * inputs.positive("noise_covariance inside the region", sd))
        if wall.any():  # the widest gap of Gauss-Legendre nodes is pi/2 times the mean one
            nodes, weight = np.polynomial.legendre.leggauss(
                int(min(np.ceil(np.pi / 2 * points), LARGEST_GRID)) + 8
            )
            axes.append((low + high) / 2 + (high - low) / 2 * nodes)
            weights.append((high - low) / 2 * weight)
        else:
            axes.append(np.linspace(low, high, int(min(np.ceil(points), LARGEST_GRID)) + 1))
            weights.append(np.full(len(axes[-1]), axes[-1][1] - axes[-1][0]))
    size = np.prod([len(axis) for axis in axes], dtype=float)
    if size > LARGEST_GRID:
        raise ValueError(
            f"the region needs {size:.3g} nodes (limit {LARGEST_GRID}): the step noise is too "
            "small, or move the walls"
        )
    nodes = tensor_nodes(axes)
    return axes, weights, nodes, _densities(step, axes, nodes.reshape(-1, len(box)))


def _densities(step, axes, points):
    """For each axis k, the density (n_k, points) of the next x_k at the nodes of the axis, from the
    given points.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        image = np.nan_to_num(points - step.learning_rate * step.gradient(points), nan=1e300)
    sd = step.step_sd(points)
    return [gaussian(axis[:, None] - image[:, k], sd[:, k]) for k, axis in enumerate(axes)]


def _pull_back(densities, values):
    """Integral of the kernel against `values` (tensor of nodes, weights included), from every
    starting point of `densities`.
    """
    if len(densities) == 1:
        return values @ densities[0]
    return np.einsum("in,in->n", densities[0], values @ densities[1])


def _mean_steps(step, inside, start, ratio):
    axes, weights, nodes, densities = _killed_kernel(step, inside, ratio)
    weight, count = tensor_weight(weights), nodes[..., 0].size
    if count <= DENSE:
        matrix = (
            densities[0]
            if len(axes) == 1
            else np.einsum("in,jn->ijn", *densities).reshape(count, count)
        )
        tau = np.linalg.solve(np.eye(count) - matrix.T * weight.ravel(), np.ones(count))
    else:
        from scipy.sparse.linalg import LinearOperator, gmres

        operator = LinearOperator(
            (count, count),
            matvec=lambda tau: (
                tau.ravel() - _pull_back(densities, tau.reshape(weight.shape) * weight)
            ),
            dtype=float,
        )
        tau, failed = gmres(operator, np.ones(count), rtol=1e-12, restart=120, maxiter=20)
        if failed:
            raise ValueError(
                "the mean first passage did not converge: the region is left too rarely; raise "
                "the noise or use kramers_time"
            )
    return 1 + _pull_back(_densities(step, axes, start), tau.reshape(weight.shape) * weight)


def _quasi_stationary(step, inside, ratio):
    axes, weights, nodes, densities = _killed_kernel(step, inside, ratio)
    weight = tensor_weight(weights)

    def push(probability):
        if len(densities) == 1:
            return weight * (densities[0] @ probability.ravel())
        return (weight * ((densities[0] * probability.ravel()) @ densities[1].T)).ravel()

    from scipy.sparse.linalg import LinearOperator, eigs

    values, vectors = eigs(
        LinearOperator((weight.size,) * 2, matvec=push, dtype=float),
        k=2,
        v0=np.ones(weight.size),
        tol=0,
    )
    first = np.argmax(values.real)
    probability = vectors[:, first].real
    probability = (probability / probability.sum()).reshape(weight.shape)
    energy, density = step.energy(nodes), probability / weight
    survival = float(values[first].real)
    moments = grid_moments(nodes, probability, energy, density)
    return moments | {
        "survival": survival,
        "exit_probability": 1 - survival,
        "axes": axes,
        "density": density,
        "weight": weight,
        "energy": energy,
    }
