"""The exact stationary law of SGD at a finite learning rate, from its one-step transfer operator,
in one and two dimensions."""

from typing import NamedTuple

import numpy as np

from .confinement import bounds_inside, energy_of, one_law
from .grids import box_scan, grid_moments, spacing_of, tensor_nodes
from .one_step_matrix import COARSE, FINE, LARGEST_LEAK, check_entries, leading, transition_matrix
from .sgd_step import law_box, update_step
from .two_grids import ROW_COLUMN, OnGrid, labels, law_of_two

PILOT = 1.0  # a first grid spacing in units of the smallest step noise
SLOWEST = 1e-11


class Solution(NamedTuple):
    """The operator on one grid: axes, nodes, gradient, image and step noise at the nodes, matrix,
    and leading eigenpairs."""

    axes: list
    nodes: np.ndarray
    image: np.ndarray
    sd: np.ndarray
    matrix: object
    pair: object


@one_law(potential=energy_of(1, 2))
def transfer_operator(potential, noise_covariance, learning_rate, batch_size=1, *, bounds=None):
    """Exact stationary law of SGD at a finite learning rate, in one or two dimensions.

    The law p of x' = x - eta (grad U(x) + xi), with Gaussian xi of covariance Sigma/B, solves p(x')
    = integral N(x'; x - eta grad U(x), eta^2 Sigma/B) p(x) dx. Along the eigenvectors of Sigma the
    kernel is a product, and the trapezoid rule with a spacing of 0.55 step-noise standard
    deviations is spectrally accurate (module `one_step_matrix`). The box is found from a coarse
    grid, and every quantity is computed on two grids (spacings 0.7 and 0.55).

    Parameters
    ----------
    potential : Potential
        Smooth energy U(x), without drift and walls.
    noise_covariance : (d, d) array, d variances, one number or a function
        Sigma, of full rank. A function x (n,) -> variances (n,), for d = 1, makes it depend on x.
    learning_rate : float > 0
        eta, in length^2 per energy.
    batch_size : float >= 1
        Examples B of a batch.
    bounds : array (d, 2), optional
        Box that holds the law, instead of the automatic one, along the eigenvectors of Sigma (the
        components, if it is diagonal). Around one of two wells that do not exchange particles it
        gives the law of that well.

    Returns
    -------
    xarray.Dataset
        A law on a grid along the eigenvectors of Sigma, with the fields ``image`` (where the
        noise-free step leads), ``step_sd`` and ``current`` (component), which is p(x) (E[x after,
        given x] - E[x before, given x])/2 per step; ``rotation`` (component, axis) with x =
        rotation y. In the components of x, with errors: ``mean_position``, ``second_moment``,
        ``fourth_moment``, ``mean_energy``, ``energy_variance``, ``entropy``, ``mean_gradient``,
        ``virial``, ``gradient_second_moment``, ``mean_batch_covariance``, ``area_per_step``,
        ``lag_one_moment``, ``survival``, ``relaxation_eigenvalue``. The exact identity E[x g'] +
        E[g x'] = eta (E[g g'] + E[C]) is checked to 1e-6, and ``virial_residual`` says how well it
        holds.

    Raises
    ------
    ValueError
        If Sigma is singular, the chain is transient (survival below 1 - 1e-9: no stationary law
        exists, see `quasi_stationary_law`), two wells exchange less than 1e-11 per step, the tails
        are too heavy for a grid, or the steps are so small that the matrix would not fit.

    Notes
    -----
    Valid at any learning rate. SGD on a potential that grows faster than a quadratic always is
    transient in principle; what leaves per step is 1 - survival. Densities below 1e-14 of the
    largest are rounding. Source: derived above; the quadrature is Nystrom's method.

    Examples
    --------
    On a quadratic the variance is eta/(2 - eta) = 1/4, and a step leaves 1 - eta of a displacement:

    >>> law = ls.theory.transfer_operator(ls.potentials.quadratic([1.0]), 1.0, learning_rate=0.4)
    >>> f"variance {law.second_moment.item():.6f}, relaxation {law.relaxation_eigenvalue:.6f}"
    'variance 0.250000, relaxation 0.600000'
    """
    step = update_step(potential, noise_covariance, learning_rate, batch_size)
    box = law_box(step) if bounds is None else bounds_inside(bounds, potential)
    for _ in range(8):
        solution = _solve(step, box, PILOT)
        box, grown = _fit(step, box, solution)
        if bounds is not None:
            box = np.clip(box, *bounds.T[..., None])
        if bounds is not None or not grown:
            break
    solution = _solve(step, box, COARSE, solution)
    coarse = _chain_on_grid(step, solution)
    fine = _chain_on_grid(step, _solve(step, _one_step_wider(step, box), FINE, solution))
    _check_recurrent(step, fine.numbers, coarse.numbers)
    dims = {"image": ("axis",), "step_sd": ("axis",)}
    law = law_of_two(fine, coarse, dims, **step.attributes())
    text = labels("eigenvectors of the noise: x = rotation y", "1")
    law["rotation"] = ("component", "axis"), step.rotation, text
    text = labels("residual of the exact virial identity", "energy")
    law["virial_residual"] = ROW_COLUMN, _virial_residual(step, fine.numbers), text
    return law


def _axes(step, box, ratio):
    """Trapezoid axes with a spacing of `ratio` times the smallest step noise on the box."""
    scan = step.step_sd(box_scan(box, 65)).reshape(-1, len(box))
    smallest = scan.min(axis=0)
    points = np.ceil((box[:, 1] - box[:, 0]) / (ratio * smallest)) + 1
    check_entries(points, scan.max(axis=0), ratio * smallest)
    return [np.linspace(low, high, int(n)) for (low, high), n in zip(box, points, strict=True)]


def _solve(step, box, ratio, rough=None):
    """The operator and its leading eigenpairs on one grid; a rough solution on another grid is
    where the iteration starts."""
    axes = _axes(step, box, ratio)
    nodes = tensor_nodes(axes)
    image, sd = step.image(nodes), step.step_sd(nodes)
    lost = np.where(np.isfinite(image), image, 1e300)
    matrix = transition_matrix(axes, lost.reshape(-1, len(axes)), sd.reshape(-1, len(axes)))
    pair = leading(matrix, None if rough is None else _interpolated(rough, nodes))
    if not pair.survival - pair.relaxation >= SLOWEST * pair.survival:
        raise ValueError(
            f"two parts of {step.potential.name!r} exchange probability at a rate below "
            f"{SLOWEST:g} per step: their weights are lost in rounding. Raise the learning_rate or "
            "the noise_covariance, or give bounds around one part."
        )
    return Solution(axes, nodes, image, sd, matrix, pair)


def _interpolated(rough, nodes):
    """The span of the leading eigenvectors of a rough solution at other nodes, by cubic splines;
    zero outside."""
    from scipy.ndimage import map_coordinates

    places = [(nodes[..., k] - axis[0]) / spacing_of(axis) for k, axis in enumerate(rough.axes)]
    span = rough.pair.span.reshape(rough.nodes.shape[:-1])
    return map_coordinates(span, places, order=3, mode="constant").ravel()


def _fit(step, box, solution):
    """Shrink a box to where a coarse solution lives; grow a wall on which it does not vanish.
    Returns the box, and if it grew.

    A wall beyond which the noise-free step leaves the box is not moved: from there on the particles
    are lost."""
    axes, nodes = solution.axes, solution.nodes
    probability = solution.pair.probability.reshape(nodes.shape[:-1])
    new, grown = np.array(box), False
    for k, axis in enumerate(axes):
        marginal = probability.sum(axis=tuple(j for j in range(len(axes)) if j != k))
        present = np.flatnonzero(marginal > 1e-15 * marginal.max())
        spacing, width = axis[1] - axis[0], axis[-1] - axis[0]
        for side, node in ((0, present[0]), (1, present[-1])):
            outward = 1 if side else -1
            new[k, side] = axis[node] + outward * 2 * spacing
            if marginal[-side] > 1e-14 * marginal.max():
                on_wall = np.take(probability, -side, axis=k).argmax()
                point = np.take(nodes, -side, axis=k).reshape(-1, len(axes))[on_wall]
                growth = _confined_growth(step, point, k, box[k].mean(), width)
                new[k, side] = box[k, side] + outward * growth
                grown |= growth > 0
    return new, grown


def _confined_growth(step, point, k, centre, width):
    """How far a wall may move out at its likeliest point, so that the noise-free step from there
    leads back inside."""
    for growth in width * np.array([0.15, 0.08, 0.04, 0.02]):
        outer = point.copy()
        outer[k] += np.sign(point[k] - centre) * growth
        if abs(step.image(outer)[k] - centre) < abs(outer[k] - centre):
            return growth
    return 0.0


def _one_step_wider(step, box):
    """The box with each wall one step noise further out: so the difference of two grids also shows
    an error of the box."""
    walls = step.step_sd(np.transpose(box)).max(axis=0)
    return box + np.outer(walls, [-1.0, 1.0])


def _chain_on_grid(step, solution):
    """Everything `transfer_operator` returns, on one grid, rotated to the components of x."""
    rotation, rate = step.rotation, step.learning_rate
    nodes, pair = solution.nodes, solution.pair
    shape, dim = nodes.shape[:-1], nodes.shape[-1]
    cell = np.prod([spacing_of(axis) for axis in solution.axes])
    probability, energy = pair.probability.reshape(shape), step.energy(nodes)
    density = probability / cell
    gradient = np.where(np.isfinite(solution.image), step.gradient(nodes), 0.0)
    x = nodes @ rotation.T
    moments = grid_moments(x, probability, energy, density)
    p, x, g = pair.probability[:, None], x.reshape(-1, dim), gradient.reshape(-1, dim) @ rotation.T
    virial = (p * x).T @ g
    current = (p * (x - rate * g) - solution.matrix @ (p * x)) / (2 * cell)
    variances = (p * solution.sd.reshape(-1, dim) ** 2).sum(axis=0)
    fields = {"density": density, "weight": np.full(shape, cell), "energy": energy}
    fields |= {"image": solution.image, "step_sd": solution.sd}
    fields |= {"current": current.reshape(nodes.shape)}
    numbers = moments | {
        "mean_gradient": (p * g).sum(axis=0),
        "virial": virial,
        "gradient_second_moment": (p * g).T @ g,
        "mean_batch_covariance": rotation @ np.diag(variances) @ rotation.T / rate**2,
        "area_per_step": rate * (virial.T - virial) / 2,
        "lag_one_moment": moments["second_moment"] - rate * virial,
        "survival": pair.survival,
        "relaxation_eigenvalue": pair.relaxation,
    }
    return OnGrid(solution.axes, fields, numbers)


def _check_recurrent(step, fine, coarse):
    """Refuse a chain that leaves, and a law that the two grids disagree on."""
    leak = 1 - fine["survival"]
    if leak > LARGEST_LEAK:
        raise ValueError(
            f"SGD on {step.potential.name!r} at learning_rate {step.learning_rate:g} is transient: "
            f"it leaves with probability {leak:.3g} per step, so no stationary law exists (inside "
            "the bounds, if there are any). Lower the learning_rate or the noise_covariance, or "
            "use quasi_stationary_law."
        )
    change = abs(fine["mean_energy"] - coarse["mean_energy"]) / np.sqrt(fine["energy_variance"])
    if change > 1e-3:
        raise ValueError(
            f"two grids disagree on the mean energy by {change:.2g} of its spread; give narrower "
            "bounds."
        )


def _virial_residual(step, numbers):
    """How much the exact identity E[x g'] + E[g x'] = eta (E[g g'] + E[C]) is missed."""
    virial, spread = numbers["virial"], numbers["mean_batch_covariance"]
    right = step.learning_rate * (numbers["gradient_second_moment"] + spread)
    residual = virial + virial.T - right
    if np.abs(residual).max() > 1e-6 * np.abs(virial).max():
        raise ValueError(
            f"the exact virial identity is missed by {np.abs(residual).max():.2g}; give bounds "
            "that hold the whole law."
        )
    return residual
