"""SGD chains that are stopped when they leave a region: mean time, survival, law of the rest."""

import numpy as np

from ..arguments import finite_array
from .confinement import bounds_inside, energy_of, one_law
from .grids import LARGEST_GAUSS, box_scan, grid_moments, tensor_nodes, tensor_rule
from .one_step_matrix import kernel_density, normal_density, two_largest
from .sgd_step import law_box, update_step
from .two_grids import OnGrid, law_of_two

GAPS = (0.6, 0.75)  # of nodes of two grids, at most, in units of the smallest step noise
LARGEST_PRODUCT = 20_000
LARGEST_FULL = 6_000  # nodes of a kernel that is no product
DIRECT = 1500


@one_law(potential=energy_of(1, 2), start=finite_array)
def mean_first_passage_steps(
    potential, noise_covariance, learning_rate, batch_size=1, *, start, inside
):
    """Mean number of steps until SGD with Gaussian noise is first found outside a box, d = 1 or 2.

    Parameters
    ----------
    potential, noise_covariance, learning_rate, batch_size
        As in `transfer_operator`.
    start : (d,) or (n, d) array, or (n,) for d = 1
        Where the chain starts, in units of length; inside the box.
    inside : array (d, 2)
        The region, (low, high) per component, with infinite entries where there is no wall; e.g.
        [(-inf, 0)] for the time to x >= 0.

    Returns
    -------
    xarray.Dataset
        ``mean_steps`` (start) with its error, and ``start_position``. The time is
        learning_rate * mean_steps.

    Raises
    ------
    ValueError
        If a start is outside, or the grid is too large: correlated noise allows 6,000 nodes,
        independent components 20,000.

    Notes
    -----
    tau solves tau(x) = 1 + integral over the box of N(x'; x - eta grad U(x), eta^2 Sigma/B) tau(x')
    dx'. Gauss-Legendre nodes along an axis with a finite wall, equally spaced ones along an axis
    without; `start` is reached by one exact application of the kernel. What leaves through an
    infinite side counts as stopped; it is below 1e-12 per step unless the chain is transient. The
    chain is seen at its steps only: a path that crosses and comes back between two of them is not
    counted, so that the time to the top of a barrier is longer than the diffusion's by
    O(sqrt(eta)). Source: derived here.

    Examples
    --------
    To the top of the quartic well's barrier at T = eta Sigma/2 = 0.1. The diffusion takes the time
    30.82; at eta = 0.1 SGD takes 357 steps, the time 35.7.

    >>> well, left = ls.potentials.double_well(), (-np.inf, 0.0)
    >>> found = ls.theory.mean_first_passage_steps(well, 2.0, 0.1, start=-1.0, inside=left)
    >>> diffusion = ls.theory.mean_first_passage_time(well, 0.1, -1.0, 0.0)
    >>> round(0.1 * found.mean_steps.item(), 2), round(diffusion.mean_time.item(), 2)
    (35.67, 30.82)
    """
    step = update_step(potential, noise_covariance, learning_rate, batch_size)
    region = bounds_inside(inside, potential, "inside")
    if start.size % potential.dim or start.size == 0:
        raise ValueError(f"start must be points of {potential.dim} numbers, got {start.tolist()}.")
    start = start.reshape(-1, potential.dim)
    if not np.all((start > region[:, 0]) & (start < region[:, 1])):
        raise ValueError(
            f"start must be inside the region {region.tolist()}, got {start.tolist()}."
        )
    fine, coarse = (
        OnGrid([], {}, {"mean_steps": _mean_steps(step, region, start, ratio)}) for ratio in GAPS
    )
    law = law_of_two(fine, coarse, {"mean_steps": ("start",)}, **step.attributes())
    law["start_position"] = ("start", "component"), start, {"long_name": "start", "units": "length"}
    return law


@one_law(potential=energy_of(1, 2))
def quasi_stationary_law(potential, noise_covariance, learning_rate, batch_size=1, *, inside):
    """Law of SGD particles that have stayed in a box for long, and the rate of leaving it, d <= 2.

    Parameters
    ----------
    potential, noise_covariance, learning_rate, batch_size, inside
        As in `mean_first_passage_steps`.

    Returns
    -------
    xarray.Dataset
        A law on a grid, with ``survival`` (lambda), ``exit_probability`` (1 - lambda per step;
        1/(1 - lambda) is the mean lifetime in steps), ``mean_position``, ``second_moment``,
        ``fourth_moment``, ``mean_energy``, ``energy_variance``, ``entropy``.

    Raises
    ------
    ValueError
        If the grid is too large.

    Notes
    -----
    lambda p(x') = integral over the box of N(x'; x - eta grad U(x), eta^2 Sigma/B) p(x) dx: leading
    eigenpair of the kernel that loses what leaves. Source: derived here; Collet, Martinez, San
    Martin, Quasi-Stationary Distributions, for the existence.

    Examples
    --------
    At eta = 0.4 the map of the quartic well has an unstable two-cycle at x^2 = 1 + 2/eta = 6,
    beyond which SGD diverges: at T = 0.3 that takes 1308 steps.

    >>> well, edge = ls.potentials.double_well(), 6**0.5
    >>> law = ls.theory.quasi_stationary_law(well, 1.5, learning_rate=0.4, inside=(-edge, edge))
    >>> round(1 / law.exit_probability.item())
    1308
    """
    step = update_step(potential, noise_covariance, learning_rate, batch_size)
    region = bounds_inside(inside, potential, "inside")
    fine, coarse = (_quasi_stationary(step, region, ratio) for ratio in GAPS)
    return law_of_two(fine, coarse, **step.attributes())


def _nodes(step, region, ratio):
    """Axes along the components, and the weights of the nodes, inside the region."""
    finite = np.isfinite(region)
    walled = finite.any(axis=1)
    box = region if finite.all() else np.where(finite, region, law_box(_straight(step)))
    scan = step.step_sd(box_scan(box, 65)).reshape(-1, len(box))
    # Where the noise is correlated, the spread of a component when the others are known.
    spread = 1 / np.sqrt(scan**-2.0 @ (step.rotation**2).T)
    points = (box[:, 1] - box[:, 0]) / (ratio * spread.min(axis=0))
    # The widest gap of Gauss-Legendre nodes is pi/2 times the mean one.
    points = np.where(walled, np.ceil(np.pi / 2 * points) + 8, np.ceil(points) + 1)
    largest = LARGEST_PRODUCT if _is_straight(step) else LARGEST_FULL
    if not (np.prod(points) <= largest and np.all(points[walled] <= LARGEST_GAUSS)):
        raise ValueError(
            f"inside needs {np.prod(points):.3g} nodes (limit {largest}, {LARGEST_GAUSS} between "
            "walls): the step noise is too small. Move the walls, or use a larger learning_rate or "
            "noise_covariance or a smaller batch_size."
        )
    return tensor_rule(box, points, walled)


def _straight(step):
    """The step in the components of x, for what does not depend on the noise of each."""
    return step._replace(rotation=np.eye(len(step.rotation)))


def _is_straight(step):
    return np.all(step.rotation == np.eye(len(step.rotation)))


def _kernel(step, axes, points):
    """Densities of the next place at the nodes, from points (n, d) along the components.

    A factor (n_k, n) for each axis, or one (nodes, n) where the noise is correlated."""
    y = points @ step.rotation
    image, sd = np.nan_to_num(step.image(y), nan=1e300), step.step_sd(y)
    if _is_straight(step):
        return [
            normal_density(axis[:, None] - image[:, k], sd[:, k]) for k, axis in enumerate(axes)
        ]
    nodes = tensor_nodes(axes).reshape(-1, len(axes)) @ step.rotation
    return [kernel_density(nodes, image, sd)]


def _pull_back(kernel, values):
    """Integral of the kernel against `values`, from every starting point of the kernel.

    `values` is a tensor of nodes, weights included."""
    if len(kernel) == 1:
        return values.ravel() @ kernel[0]
    first, second = kernel
    return np.einsum("in,in->n", first, values @ second)


def _mean_steps(step, region, start, ratio):
    axes, weight = _nodes(step, region, ratio)
    kernel = _kernel(step, axes, tensor_nodes(axes).reshape(-1, len(axes)))
    count = weight.size
    if count <= DIRECT:
        matrix = kernel[0]
        if len(kernel) == 2:
            matrix = np.einsum("in,jn->ijn", *kernel).reshape(count, count)
        tau = np.linalg.solve(np.eye(count) - matrix.T * weight.ravel(), np.ones(count))
    else:
        from scipy.sparse.linalg import LinearOperator, gmres

        def left(tau):
            return tau.ravel() - _pull_back(kernel, tau.reshape(weight.shape) * weight)

        operator = LinearOperator((count, count), matvec=left, dtype=float)
        tau, failed = gmres(operator, np.ones(count), rtol=1e-12, restart=120, maxiter=20)
        if failed:
            raise ValueError(
                "the mean first passage did not converge: the region inside is left too rarely; "
                "raise the noise_covariance or learning_rate, or use kramers_time."
            )
    return 1 + _pull_back(_kernel(step, axes, start), tau.reshape(weight.shape) * weight)


def _quasi_stationary(step, region, ratio):
    from scipy.sparse.linalg import LinearOperator

    axes, weight = _nodes(step, region, ratio)
    nodes = tensor_nodes(axes)
    kernel = _kernel(step, axes, nodes.reshape(-1, len(axes)))

    def push(probability):
        if len(kernel) == 1:
            return weight.ravel() * (kernel[0] @ probability.ravel())
        first, second = kernel
        return (weight * ((first * probability.ravel()) @ second.T)).ravel()

    operator = LinearOperator((weight.size,) * 2, matvec=push, dtype=float)
    values, vectors = two_largest(operator, np.ones(weight.size))
    first = np.argmax(values.real)
    probability = vectors[:, first].real
    probability = (probability / probability.sum()).reshape(weight.shape)
    survival, density = float(values[first].real), probability / weight
    energy = _straight(step).energy(nodes)
    moments = grid_moments(nodes, probability, energy, density)
    numbers = moments | {"survival": survival, "exit_probability": 1 - survival}
    return OnGrid(axes, {"density": density, "weight": weight, "energy": energy}, numbers)
