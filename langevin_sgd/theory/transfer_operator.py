"""The exact stationary law of SGD at a finite learning rate, from its one-step transfer operator,
in one and two dimensions.
"""

from typing import NamedTuple

import numpy as np

from .grids import QUANTITIES, check_box, grid_moments, tensor_nodes, with_errors
from .nystrom import check_size, leading, transition_matrix
from .sgd_step import law_box, update_step

PILOT, COARSE, FINE = 1.0, 0.7, 0.55  # grid spacings in units of the smallest step noise
LARGEST_LEAK = 1e-9
SLOWEST = 1e-11
MATRIX = ("component", "component_j")
TABLE = QUANTITIES | {
    "mean_gradient": (
        ("component",),
        "mean gradient E[d_i U], zero when stationary",
        "energy/length",
    ),
    "virial": (MATRIX, "virial E[x_i d_j U]", "energy"),
    "gradient_second_moment": (
        MATRIX,
        "E[d_i U d_j U] of the noise-free gradient",
        "energy^2/length^2",
    ),
    "mean_batch_covariance": (
        MATRIX,
        "mean covariance of the batch gradient, E[C]",
        "energy^2/length^2",
    ),
    "area_per_step": (
        MATRIX,
        "mean area per step, E[x_i(t) x_j(t+1) - x_j(t) x_i(t+1)]/2",
        "length^2",
    ),
    "lag_one_moment": (MATRIX, "raw second moment over one step, E[x_i(t) x_j(t+1)]", "length^2"),
    "survival": ((), "leading eigenvalue: the probability to stay on the grid, per step", "1"),
    "relaxation_eigenvalue": (
        (),
        "second eigenvalue: what is left of the slowest perturbation after one step",
        "1",
    ),
}


class Solution(NamedTuple):
    """The operator on one grid: axes, nodes, gradient, image and step noise at the nodes, matrix,
    and leading eigenpairs.
    """

    axes: list
    nodes: np.ndarray
    gradient: np.ndarray
    image: np.ndarray
    sd: np.ndarray
    matrix: object
    pair: object


def transfer_operator(potential, noise_covariance, learning_rate, batch_size=1, *, bounds=None):
    """Stationary law of x' = x - learning_rate (grad U(x) + xi), with Gaussian xi of covariance
    Sigma/batch_size, in d = 1 or 2.

    The law solves p(x') = integral N(x'; x - eta grad U(x), eta^2 Sigma/B) p(x) dx. Along the
    eigenvectors of Sigma the kernel is a product, and the trapezoid rule with a spacing of 0.55
    step-noise standard deviations is spectrally accurate (module `nystrom`). The box is found from
    a coarse grid, and every quantity is computed on two grids (spacings 0.7 and 0.55).

    Parameters
    ----------
    potential : Potential
        Smooth energy U(x) with d = 1 or 2, in units of energy.
    noise_covariance : (d, d) array, d variances, one number, or for d = 1 a function x (n,) ->
    variances (n,)
        Sigma, covariance of the gradient of ONE example, in (energy/length)^2; of full rank. A
        function makes it depend on x.
    learning_rate : float
        eta > 0, in length^2/energy.
    batch_size : float
        B >= 1.
    bounds : array (d, 2), optional
        Box that holds the law, instead of the automatic one, along the eigenvectors of Sigma (the
        components, if it is diagonal). Around one of two wells that do not exchange particles it
        gives the law of that well.

    Returns
    -------
    xarray.Dataset
        On the grid (axis_0[, axis_1]), coordinates along the eigenvectors of Sigma: ``density``,
        ``weight``, ``energy``, ``image`` (where the noise-free step leads), ``step_sd`` and
        ``current`` (component) = p(x) (E[x' | x] - E[x before | x])/2 per step; ``rotation``
        (component, axis) with x = rotation y. In the components of x, each with ``NAME_error``, the
        difference of the two grids: ``mean_position``, ``second_moment``, ``fourth_moment``,
        ``mean_energy``, ``energy_variance``, ``entropy``, ``mean_gradient``, ``virial``,
        ``gradient_second_moment``, ``mean_batch_covariance``, ``area_per_step``,
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
    largest are rounding. Source: derived above; the quadrature is Nystrom's method."""
    step = update_step(potential, noise_covariance, learning_rate, batch_size)
    box = law_box(step) if bounds is None else check_box(bounds, potential.dim)
    for _ in range(8):
        solution = _solve(step, box, PILOT)
        box, grown = _fit(step, box, solution)
        if bounds is not None:
            box = np.clip(box, *check_box(bounds, potential.dim).T[..., None])
            break
        if not grown:
            break
    solution = _solve(step, box, COARSE, solution)
    coarse = _law(step, solution)
    fine = _law(step, _solve(step, _widen(step, box), FINE, solution))
    _check_recurrent(step, fine, coarse)
    dim = potential.dim
    rotated = ("axis",)
    fields = {
        "density": (fine["density"], (), "stationary density", f"length^-{dim}"),
        "weight": (fine["weight"], (), "quadrature weight of the node", f"length^{dim}"),
        "energy": (fine["energy"], (), "potential energy", "energy"),
        "image": (
            fine["image"],
            rotated,
            "where the noise-free step leads, in grid coordinates",
            "length",
        ),
        "current": (
            fine["current"],
            ("component",),
            "probability current per step, in the components of x",
            f"length^{1 - dim}",
        ),
        "step_sd": (
            fine["step_sd"],
            rotated,
            "standard deviation of one step along the axis",
            "length",
        ),
    }
    law = with_errors(
        fine["axes"],
        fields,
        *({name: grid[name] for name in TABLE} for grid in (fine, coarse)),
        TABLE,
    )
    residual = law.virial.values + law.virial.values.T
    residual = residual - step.learning_rate * (
        law.gradient_second_moment.values + law.mean_batch_covariance.values
    )
    if np.abs(residual).max() > 1e-6 * np.abs(law.virial.values).max():
        raise ValueError(
            f"the exact virial identity is missed by {np.abs(residual).max():.2g}; give bounds "
            "that hold the whole law"
        )
    law["virial_residual"] = (
        MATRIX,
        residual,
        {"long_name": "residual of the exact virial identity", "units": "energy"},
    )
    label = {"long_name": "eigenvectors of the noise: x = rotation y", "units": "1"}
    law["rotation"] = ("component", "axis"), step.rotation, label
    return law.assign_attrs(
        model=potential.name, learning_rate=step.learning_rate, batch_size=step.batch_size
    )


def _axes(step, box, ratio):
    """Trapezoid axes with a spacing of `ratio` times the smallest step noise on the box."""
    scan = step.step_sd(tensor_nodes([np.linspace(*side, 65) for side in box])).reshape(
        -1, step.potential.dim
    )
    smallest = scan.min(axis=0)
    if not np.all((smallest > 0) & np.isfinite(scan).all()):
        raise ValueError(
            f"noise_covariance must be positive and finite in the whole box {box.tolist()}; "
            f"smallest step {smallest}"
        )
    points = np.ceil((box[:, 1] - box[:, 0]) / (ratio * smallest)).astype(int) + 1
    check_size(points, scan.max(axis=0), ratio * smallest)
    return [np.linspace(low, high, n) for (low, high), n in zip(box, points, strict=True)]


def _solve(step, box, ratio, rough=None):
    """The operator and its leading eigenpairs on one grid; a rough solution on another grid is
    where the iteration starts.
    """
    axes = _axes(step, box, ratio)
    nodes = tensor_nodes(axes)
    with np.errstate(over="ignore", invalid="ignore"):
        gradient = step.gradient(nodes)
    image, sd = nodes - step.learning_rate * gradient, step.step_sd(nodes)
    lost = np.where(np.isfinite(image), image, 1e300)
    flat = (-1, step.potential.dim)
    matrix = transition_matrix(axes, lost.reshape(flat), sd.reshape(flat))
    pair = leading(matrix, None if rough is None else _interpolated(rough, nodes))
    if 1 - pair.relaxation / pair.survival < SLOWEST:
        raise ValueError(
            f"two parts of {step.potential.name!r} exchange probability at a rate below "
            f"{SLOWEST:g} per step: their weights are "
            "lost in rounding. Raise the learning_rate or the noise, or give bounds around one "
            "part."
        )
    return Solution(axes, nodes, gradient, image, sd, matrix, pair)


def _interpolated(rough, nodes):
    """The span of the leading eigenvectors of a rough solution at other nodes, by cubic splines;
    zero outside.
    """
    from scipy.ndimage import map_coordinates

    places = [(nodes[..., k] - axis[0]) / (axis[1] - axis[0]) for k, axis in enumerate(rough.axes)]
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
    leads back inside.
    """
    for growth in width * np.array([0.15, 0.08, 0.04, 0.02]):
        outer = point.copy()
        outer[k] += np.sign(point[k] - centre) * growth
        image = outer - step.learning_rate * step.gradient(outer)
        if abs(image[k] - centre) < abs(outer[k] - centre):
            return growth
    return 0.0


def _widen(step, box):
    """The box with each wall one step noise further out: so the difference of two grids also shows
    an error of the box.
    """
    walls = step.step_sd(np.transpose(box)).max(axis=0)
    return box + np.outer(walls, [-1.0, 1.0])


def _law(step, solution):
    """Everything `transfer_operator` returns, on one grid, rotated to the components of x."""
    axes, nodes, gradient, image, sd, matrix, pair = solution
    rotation, rate, dim = step.rotation, step.learning_rate, step.potential.dim
    cell = np.prod([axis[1] - axis[0] for axis in axes])
    probability = pair.probability.reshape(nodes.shape[:-1])
    x, g = nodes @ rotation.T, np.where(np.isfinite(gradient), gradient, 0.0) @ rotation.T
    energy = step.energy(nodes)
    law = grid_moments(x, probability, energy, probability / cell)
    p, x, g = probability.ravel()[:, None], x.reshape(-1, dim), g.reshape(-1, dim)
    virial = (p * x).T @ g
    current = (p * (x - rate * g) - matrix @ (p * x)) / (2 * cell)
    law |= {
        "mean_gradient": (p * g).sum(axis=0),
        "virial": virial,
        "gradient_second_moment": (p * g).T @ g,
        "mean_batch_covariance": rotation
        @ np.diag((p * sd.reshape(-1, dim) ** 2).sum(axis=0))
        @ rotation.T
        / rate**2,
        "area_per_step": rate * (virial.T - virial) / 2,
        "lag_one_moment": law["second_moment"] - rate * virial,
        "current": current.reshape(nodes.shape),
        "survival": pair.survival,
        "relaxation_eigenvalue": pair.relaxation,
    }
    weight = np.full(nodes.shape[:-1], cell)
    return law | {
        "axes": axes,
        "density": probability / cell,
        "weight": weight,
        "energy": energy,
        "image": image,
        "step_sd": sd,
    }


def _check_recurrent(step, fine, coarse):
    """Refuse a chain that leaves, and a law that the two grids disagree on."""
    leak = 1 - fine["survival"]
    if leak > LARGEST_LEAK:
        raise ValueError(
            f"SGD on {step.potential.name!r} at learning_rate {step.learning_rate:g} is "
            "transient: it leaves with probability "
            f"{leak:.3g} per step, so no stationary law exists. Lower the learning_rate or the "
            "noise, or use "
            "quasi_stationary_law."
        )
    change = abs(fine["mean_energy"] - coarse["mean_energy"]) / np.sqrt(fine["energy_variance"])
    if change > 1e-3:
        raise ValueError(
            f"two grids disagree on the mean energy by {change:.2g} of its spread; give narrower "
            "bounds"
        )
