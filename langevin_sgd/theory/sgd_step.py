"""One SGD step with Gaussian noise, in the frame in which the noise is independent along the axes,
and a box for its law.
"""

from typing import NamedTuple

import numpy as np

from ..models.evaluate import evaluate
from . import inputs
from .grids import bounding_box, tensor_nodes

LEVEL = 45.0  # the box reaches to exp(-45) of the hottest Boltzmann density


class Step(NamedTuple):
    """One update x' = image(x) + noise in the frame y = rotation^T x, in which the noise is
    independent along the axes.
    """

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


def update_step(potential, noise_covariance, learning_rate, batch_size):
    """The update in the eigenframe of its noise, with every argument checked."""
    rate, batch, _ = (float(value) for value in inputs.update_numbers(learning_rate, batch_size))
    if potential.dim not in (1, 2):
        raise ValueError(
            f"potential must have dim 1 or 2 for a transfer operator, got {potential.dim}; "
            "simulate it instead"
        )
    if potential.drift is not None:
        raise ValueError(
            f"potential {potential.name!r} has a drift beside its gradient; transfer_operator "
            "takes gradients only"
        )
    if callable(noise_covariance):
        if potential.dim != 1:
            raise ValueError(
                "noise_covariance may be a function of x for dim 1 only, the potential has dim "
                f"{potential.dim}"
            )
        return Step(
            potential,
            rate,
            batch,
            np.eye(1),
            lambda y: np.asarray(noise_covariance(y[..., 0]), dtype=float)[..., None],
        )
    if np.ndim(noise_covariance) == 0:
        noise_covariance = np.full(potential.dim, noise_covariance, dtype=float)
    covariance = inputs.positive_matrix("noise_covariance", noise_covariance, potential.dim)
    values, vectors = np.diag(covariance), np.eye(potential.dim)
    if np.any(covariance != np.diag(values)):
        values, vectors = np.linalg.eigh(covariance)
    return Step(potential, rate, batch, vectors, lambda y: np.broadcast_to(values, y.shape))


def law_box(step):
    """A box, in the rotated frame, that surely holds the law: where U is within 45 of the hottest
    temperatures of its minimum.
    """
    temperature, dim = step_temperature(step), step.potential.dim
    name = f"potential {step.potential.name!r} under this noise"
    start = float(temperature(np.zeros((1, dim)))[0])
    cold = bounding_box(lambda y: step.energy(y) / start, dim, LEVEL, name)
    lowest = step.energy(tensor_nodes([np.linspace(*side, 65) for side in cold])).min()
    return bounding_box(lambda y: (step.energy(y) - lowest) / temperature(y), dim, LEVEL, name)


def step_temperature(step):
    """The temperature eta * (largest variance along an axis) / (2 B), as a function of the point,
    positive at the origin.
    """

    def temperature(y):
        return step.learning_rate * step.variance(y).max(axis=-1) / (2 * step.batch_size)

    start = temperature(np.zeros((1, step.potential.dim)))[0]
    if not (np.isfinite(start) and start > 0):
        raise ValueError(
            "noise_covariance must be positive and finite everywhere; at the origin it gives "
            f"temperature {start}"
        )
    return temperature
