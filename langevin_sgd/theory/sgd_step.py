"""One SGD step with Gaussian noise, in the frame in which the noise is independent along the axes,
and a box for its law."""

from typing import NamedTuple

import numpy as np

from ..models.evaluate import evaluate
from .confinement import one_positive_matrix, values_of
from .grids import warm_box

CHAIN_DEPTH = 45.0  # the box reaches to exp(-45) of the hottest Boltzmann density


class Step(NamedTuple):
    """One update x' = image(x) + noise in the frame y = rotation^T x, in which the noise is
    independent along the axes."""

    potential: object
    learning_rate: float
    batch_size: float
    rotation: np.ndarray
    variance: object  # y (..., d) -> variance of one example's gradient along each axis (..., d)

    def energy(self, y):
        return evaluate(self.potential, y @ self.rotation.T, "energy")

    def gradient(self, y):
        return evaluate(self.potential, y @ self.rotation.T, "gradient") @ self.rotation

    def image(self, y):
        """Where the step leads without its noise."""
        return y - self.learning_rate * self.gradient(y)

    def step_sd(self, y):
        return self.learning_rate * np.sqrt(self.variance(y) / self.batch_size)

    def temperature(self, y):
        """eta times the largest variance along an axis, over 2 B."""
        return self.learning_rate * self.variance(y).max(axis=-1) / (2 * self.batch_size)

    def attributes(self):
        numbers = {"learning_rate": self.learning_rate, "batch_size": self.batch_size}
        return {"model": self.potential.name} | numbers


def update_step(potential, noise_covariance, learning_rate, batch_size):
    """The update in the eigenframe of its noise."""
    dim = potential.dim
    if callable(noise_covariance):
        if dim != 1:
            raise ValueError(
                "noise_covariance may be a function of x for dim 1 only, the potential has dim "
                f"{dim}."
            )
        rotation = np.eye(1)

        def variance(y):
            flat = values_of(noise_covariance, "noise_covariance", y[..., 0].ravel())
            return flat.reshape(y.shape)

    else:
        covariance = one_positive_matrix(noise_covariance, "noise_covariance", dim)
        values, rotation = np.diag(covariance), np.eye(dim)
        if np.any(covariance != np.diag(values)):
            values, rotation = np.linalg.eigh(covariance)

        def variance(y):
            return np.broadcast_to(values, y.shape)

    return Step(potential, learning_rate, batch_size, rotation, variance)


def law_box(step):
    """A box, in the rotated frame, that surely holds the law: where U is within 45 of the hottest
    temperatures of its minimum."""
    name = f"potential {step.potential.name!r} under this noise_covariance and learning_rate"
    return warm_box(step.energy, step.temperature, step.potential.dim, CHAIN_DEPTH, name, 65)
