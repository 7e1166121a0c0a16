"""What all rungs of a ledger are read against: the minimum, the eigenbasis of its Hessian, and the
temperature of the noise."""

from typing import NamedTuple

import numpy as np

from ..models.evaluate import evaluate
from ..theory.basins_of_attraction import slope_of

NEAR_MINIMUM = 0.05  # standard deviations of Boltzmann's law
STARTS = 16  # points of x0 from which the minimum is looked for


class Update(NamedTuple):
    """The numbers of SGD that all rungs share."""

    learning_rate: float
    momentum: float
    batch_size: int

    def temperature(self, covariance):
        """eta tr C / (2 d (1 - mu)) of a batch covariance C (d, d)."""
        scale = self.learning_rate / (2 * len(covariance) * (1 - self.momentum))
        return scale * np.trace(covariance)


class Frame(NamedTuple):
    """A minimum (d,), its energy, and H there: ``basis`` (d, d), columns, and ``curvature`` (d,).

    ``covariance`` (d, d) of a batch is the constant noise of the rung "anisotropy", in the
    components of x, and ``temperature`` what it says."""

    landscape: object
    minimum: np.ndarray
    energy: float
    curvature: np.ndarray
    basis: np.ndarray
    covariance: np.ndarray
    temperature: float

    @property
    def spread(self):
        """Standard deviations (d,) of Boltzmann's law along the modes, in the harmonic limit."""
        return np.sqrt(self.temperature / self.curvature)

    def along_modes(self, x):
        """Points (n, d) as distances from the minimum along the modes."""
        return (x - self.minimum) @ self.basis


def make_frame(landscape, covariance, update, point, x0):
    """The `Frame` at `point`, or at the lowest minimum below the first of the starting points x0.

    Raises
    ------
    ValueError
        If there is no minimum, or no noise there."""
    if point is None:
        point = _lowest_minimum(landscape, x0)
    scale = max(1e-3, float(np.linalg.norm(point - x0.mean(axis=0))))
    curvature, basis = np.linalg.eigh(slope_of(landscape, scale).hessian(point[None])[0])
    if not curvature[0] > 1e-12 * curvature[-1]:
        raise ValueError(
            f"reference_point must be a minimum with positive curvatures, but those of "
            f"{landscape.name!r} at {point.tolist()} are {curvature.tolist()}: Boltzmann's law "
            "around it is not normalisable. Pass another one."
        )
    away = basis.T @ evaluate(landscape, point, "gradient") / curvature
    there = covariance(point[None])[0]
    temperature = update.temperature(there)
    if not temperature > 0:
        raise ValueError(
            f"noise must not vanish at the reference point {point.tolist()}: the temperature there "
            "is 0, and Boltzmann's law is a point."
        )
    distance = np.abs(away) / np.sqrt(temperature / curvature)
    if not distance.max() < NEAR_MINIMUM:
        raise ValueError(
            f"reference_point must be a minimum, but a Newton step from {point.tolist()} is "
            f"{distance.max():.3g} standard deviations long, and may be {NEAR_MINIMUM:g}. Leave it "
            f"out, or pass {(point - basis @ away).tolist()} if that is one."
        )
    energy = float(evaluate(landscape, point, "energy"))
    return Frame(landscape, point, energy, curvature, basis, there, temperature)


def _lowest_minimum(landscape, x0):
    from scipy.optimize import minimize

    size = 1e-3 * (1 + np.abs(x0).max())
    starts = x0[:STARTS] + size * np.random.default_rng(1).normal(size=x0[:STARTS].shape)

    def energy(x):
        return float(evaluate(landscape, x, "energy"))

    def slope(x):
        return evaluate(landscape, x, "gradient")

    found = [minimize(energy, x, jac=slope, options={"gtol": 1e-10}) for x in starts]
    lowest = min(found, key=lambda end: end.fun)
    hessian = slope_of(landscape, max(size, float(np.linalg.norm(lowest.x)))).hessian
    return lowest.x - np.linalg.lstsq(hessian(lowest.x[None])[0], slope(lowest.x), rcond=None)[0]
