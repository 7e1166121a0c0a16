"""The exact stationary law of SGD at a finite learning rate, from its one-step transfer operator, in one and two dimensions."""

from typing import NamedTuple

import numpy as np

from ..models.evaluate import evaluate
from . import inputs
from .grids import QUANTITIES, bounding_box, check_box, grid_moments, tensor_nodes, with_errors
from .nystrom import check_size, leading, transition_matrix

PILOT, COARSE, FINE = 1.0, 0.7, 0.55  # grid spacings in units of the smallest step noise
LEVEL = 45.0  # the first box reaches to exp(-45) of the hottest Boltzmann density
LARGEST_LEAK = 1e-9
MATRIX = ("component", "component_j")
TABLE = QUANTITIES | {
    "mean_gradient": (("component",), "mean gradient E[d_i U], zero when stationary", "energy/length"),
    "virial": (MATRIX, "virial E[x_i d_j U]", "energy"),
    "gradient_second_moment": (MATRIX, "E[d_i U d_j U] of the noise-free gradient", "energy^2/length^2"),
    "mean_batch_covariance": (MATRIX, "mean covariance of the batch gradient, E[C]", "energy^2/length^2"),
    "area_per_step": (MATRIX, "mean area per step, E[x_i(t) x_j(t+1) - x_j(t) x_i(t+1)]/2", "length^2"),
    "lag_one_moment": (MATRIX, "raw second moment over one step, E[x_i(t) x_j(t+1)]", "length^2"),
    "survival": ((), "leading eigenvalue: the probability to stay on the grid, per step", "1"),
    "relaxation_eigenvalue": ((), "second eigenvalue: what is left of the slowest perturbation after one step", "1"),
}


class Step(NamedTuple):
    """One update x' = image(x) + noise in the frame y = rotation^T x, in which the noise is independent along the axes."""

    potential: object
    learning_rate: float
    batch_size: float
    rotation: np.ndarray
    variance: object  # y (..., d) -> variance of one example's gradient along each axis (..., d)

    def energy(self, y):
        return evaluate(self.potential, y @ self.rotation.T, "energy")

    def gradient(self, y):
        return evaluate(self.potential, y @ self.rotation.T, "gradient") @ self.rotation

    def step_sd(self, y):
        return self.learning_rate * np.sqrt(self.variance(y) / self.batch_size)


def transfer_operator(potential, noise_covariance, learning_rate, batch_size=1, *, bounds=None):
    """Stationary law of x' = x - learning_rate (grad U(x) + xi), with Gaussian xi of covariance Sigma/batch_size, in d = 1 or 2.

    The law solves p(x') = integral N(x'; x - eta grad U(x), eta^2 Sigma/B) p(x) dx. Along the eigenvectors of Sigma the kernel
    is a product, and the trapezoid rule with a spacing of 0.55 step-noise standard deviations is spectrally accurate (module
    `nystrom`). The box is found from a coarse grid, and every quantity is computed on two grids (spacings 0.7 and 0.55).

    Parameters
    ----------
    potential : Potential
        Smooth energy U(x) with d = 1 or 2, in units of energy.
    noise_covariance : (d, d) array, d variances, one number, or for d = 1 a function x (n,) -> variances (n,)
        Sigma, covariance of the gradient of ONE example, in (energy/length)^2; of full rank. A function makes it depend on x.
    learning_rate : float
        eta > 0, in length^2/energy.
    batch_size : float
        B >= 1.
    bounds : array (d, 2), optional
        Box to search for the law instead of the automatic one, along the eigenvectors of Sigma (the components, if it is
        diagonal).

    Returns
    -------
    xarray.Dataset
        On the grid (axis_0[, axis_1]), coordinates along the eigenvectors of Sigma: ``density``, ``weight``, ``energy``,
        ``image`` (where the noise-free step leads) and ``step_sd``; ``rotation`` (component, axis) with x = rotation y. In the
        components of x, each with ``NAME_error``, the difference of the two grids: ``mean_position``, ``second_moment``,
        ``fourth_moment``, ``mean_energy``, ``energy_variance``, ``entropy``, ``mean_gradient``, ``virial``,
        ``gradient_second_moment``, ``mean_batch_covariance``, ``area_per_step``, ``lag_one_moment``, ``survival``,
        ``relaxation_eigenvalue``. The exact identity E[x g'] + E[g x'] = eta (E[g g'] + E[C]) is checked: ``virial_residual``
        should be of the size of the errors.

    Raises
    ------
    ValueError
        If Sigma is singular, the chain is transient (survival below 1 - 1e-9: no stationary law exists, see
        `quasi_stationary_law`), the tails are too heavy for a grid, or the steps are so small that the matrix would not fit.

    Notes
    -----
    Valid at any learning rate. SGD on a potential that grows faster than a quadratic always is transient in principle; what
    leaves per step is 1 - survival. Densities below 1e-14 of the largest are rounding. Source: derived above; the quadrature
    is Nystrom's method.
    """
    step = update_step(potential, noise_covariance, learning_rate, batch_size)
    box = law_box(step) if bounds is None else check_box(bounds, potential.dim)
    for _ in range(8):
        box, touching = _pilot(step, box)
        if bounds is not None or not touching:
            break
    coarse, fine = _law(step, box, COARSE), _law(step, _widen(step, box), FINE)
    _check_recurrent(step, fine, coarse)
    dim = potential.dim
    rotated = ("axis",)
    fields = {
        "density": (fine["density"], (), "stationary density", f"length^-{dim}"),
        "weight": (fine["weight"], (), "quadrature weight of the node", f"length^{dim}"),
        "energy": (fine["energy"], (), "potential energy", "energy"),
        "image": (fine["image"], rotated, "where the noise-free step leads, in grid coordinates", "length"),
        "step_sd": (fine["step_sd"], rotated, "standard deviation of one step along the axis", "length"),
    }
    law = with_errors(fine["axes"], fields, *({name: grid[name] for name in TABLE} for grid in (fine, coarse)), TABLE)
    residual = law.virial.values + law.virial.values.T
    residual = residual - step.learning_rate * (law.gradient_second_moment.values + law.mean_batch_covariance.values)
    law["virial_residual"] = MATRIX, residual, {"long_name": "residual of the exact virial identity", "units": "energy"}
    label = {"long_name": "eigenvectors of the noise: x = rotation y", "units": "1"}
    law["rotation"] = ("component", "axis"), step.rotation, label
    return law.assign_attrs(model=potential.name, learning_rate=step.learning_rate, batch_size=step.batch_size)


def update_step(potential, noise_covariance, learning_rate, batch_size):
    """The update in the eigenframe of its noise, with every argument checked."""
    rate, batch, _ = (float(value) for value in inputs.update_numbers(learning_rate, batch_size))
    if potential.dim not in (1, 2):
        raise ValueError(f"potential must have dim 1 or 2 for a transfer operator, got {potential.dim}; simulate it instead")
    if potential.drift is not None:
        raise ValueError(f"potential {potential.name!r} has a drift beside its gradient; transfer_operator takes gradients only")
    if callable(noise_covariance):
        if potential.dim != 1:
            raise ValueError(f"noise_covariance may be a function of x for dim 1 only, the potential has dim {potential.dim}")
        return Step(potential, rate, batch, np.eye(1), lambda y: np.asarray(noise_covariance(y[..., 0]), dtype=float)[..., None])
    if np.ndim(noise_covariance) == 0:
        noise_covariance = np.full(potential.dim, noise_covariance, dtype=float)
    covariance = inputs.positive_matrix("noise_covariance", noise_covariance, potential.dim)
    values, vectors = np.diag(covariance), np.eye(potential.dim)
    if np.any(covariance != np.diag(values)):
        values, vectors = np.linalg.eigh(covariance)
    return Step(potential, rate, batch, vectors, lambda y: np.broadcast_to(values, y.shape))


def law_box(step):
    """A box, in the rotated frame, that surely holds the law: where U is within 45 of the hottest temperatures of its minimum."""
    temperature, dim = step_temperature(step), step.potential.dim
    name = f"potential {step.potential.name!r} under this noise"
    start = float(temperature(np.zeros((1, dim)))[0])
    cold = bounding_box(lambda y: step.energy(y) / start, dim, LEVEL, name)
    lowest = step.energy(tensor_nodes([np.linspace(*side, 65) for side in cold])).min()
    return bounding_box(lambda y: (step.energy(y) - lowest) / temperature(y), dim, LEVEL, name)


def step_temperature(step):
    """The temperature eta * (largest variance along an axis) / (2 B), as a function of the point, positive at the origin."""

    def temperature(y):
        return step.learning_rate * step.variance(y).max(axis=-1) / (2 * step.batch_size)

    start = temperature(np.zeros((1, step.potential.dim)))[0]
    if not (np.isfinite(start) and start > 0):
        raise ValueError(f"noise_covariance must be positive and finite everywhere; at the origin it gives temperature {start}")
    return temperature


def _axes(step, box, ratio):
    """Trapezoid axes with a spacing of `ratio` times the smallest step noise on the box."""
    scan = step.step_sd(tensor_nodes([np.linspace(*side, 65) for side in box])).reshape(-1, step.potential.dim)
    smallest = scan.min(axis=0)
    if not np.all((smallest > 0) & np.isfinite(scan).all()):
        raise ValueError(
            f"noise_covariance must be positive and finite in the whole box {box.tolist()}; smallest step {smallest}"
        )
    points = np.ceil((box[:, 1] - box[:, 0]) / (ratio * smallest)).astype(int) + 1
    check_size(points, scan.max(axis=0), ratio * smallest)
    return [np.linspace(low, high, n) for (low, high), n in zip(box, points, strict=True)]


def _solve(step, box, ratio):
    """Axes, nodes and leading eigenpairs of the operator on one grid."""
    axes = _axes(step, box, ratio)
    nodes = tensor_nodes(axes)
    with np.errstate(over="ignore", invalid="ignore"):
        gradient = step.gradient(nodes)
    image, sd = nodes - step.learning_rate * gradient, step.step_sd(nodes)
    lost = np.where(np.isfinite(image), image, 1e300)
    flat = (-1, step.potential.dim)
    return axes, nodes, gradient, image, sd, leading(transition_matrix(axes, lost.reshape(flat), sd.reshape(flat)))


def _pilot(step, box):
    """Shrink a box to where a coarse solution lives; grow a wall on which it does not vanish. Returns the box, and if it grew."""
    axes, _, _, _, _, pair = _solve(step, box, PILOT)
    probability = pair.probability.reshape([len(axis) for axis in axes])
    new, touching = np.array(box), False
    for k, axis in enumerate(axes):
        marginal = probability.sum(axis=tuple(j for j in range(len(axes)) if j != k))
        present = np.flatnonzero(marginal > 1e-15 * marginal.max())
        spacing, width = axis[1] - axis[0], axis[-1] - axis[0]
        for side, node in ((0, present[0]), (1, present[-1])):
            outward = 1 if side else -1
            at_wall = marginal[-side] > 1e-14 * marginal.max()
            touching |= bool(at_wall)
            new[k, side] = axis[node] + outward * (0.15 * width if at_wall else 2 * spacing)
    return new, touching


def _widen(step, box):
    """The box with each wall one step noise further out: so the difference of two grids also shows an error of the box."""
    walls = step.step_sd(np.transpose(box)).max(axis=0)
    return box + np.outer(walls, [-1.0, 1.0])


def _law(step, box, ratio):
    """Everything `transfer_operator` returns, on one grid, rotated to the components of x."""
    axes, nodes, gradient, image, sd, pair = _solve(step, box, ratio)
    rotation, rate, dim = step.rotation, step.learning_rate, step.potential.dim
    cell = np.prod([axis[1] - axis[0] for axis in axes])
    probability = pair.probability.reshape(nodes.shape[:-1])
    x, g = nodes @ rotation.T, np.where(np.isfinite(gradient), gradient, 0.0) @ rotation.T
    energy = step.energy(nodes)
    law = grid_moments(x, probability, energy, probability / cell)
    p, x, g = probability.ravel()[:, None], x.reshape(-1, dim), g.reshape(-1, dim)
    virial = (p * x).T @ g
    law |= {
        "mean_gradient": (p * g).sum(axis=0),
        "virial": virial,
        "gradient_second_moment": (p * g).T @ g,
        "mean_batch_covariance": rotation @ np.diag((p * sd.reshape(-1, dim) ** 2).sum(axis=0)) @ rotation.T / rate**2,
        "area_per_step": rate * (virial.T - virial) / 2,
        "lag_one_moment": law["second_moment"] - rate * virial,
        "survival": pair.survival,
        "relaxation_eigenvalue": pair.relaxation,
    }
    weight = np.full(nodes.shape[:-1], cell)
    return law | {"axes": axes, "density": probability / cell, "weight": weight, "energy": energy, "image": image, "step_sd": sd}


def _check_recurrent(step, fine, coarse):
    """Refuse a chain that leaves, and a law that the two grids disagree on."""
    leak = 1 - fine["survival"]
    if leak > LARGEST_LEAK:
        raise ValueError(
            f"SGD on {step.potential.name!r} at learning_rate {step.learning_rate:g} is transient: it leaves with probability "
            f"{leak:.3g} per step, so no stationary law exists. Lower the learning_rate or the noise, or use "
            "quasi_stationary_law."
        )
    change = abs(fine["mean_energy"] - coarse["mean_energy"]) / np.sqrt(fine["energy_variance"])
    if change > 1e-3:
        raise ValueError(f"two grids disagree on the mean energy by {change:.2g} of its spread; give narrower bounds")
