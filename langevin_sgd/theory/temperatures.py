"""The temperature of SGD, the learning rate that keeps it, and what else is called temperature."""

from typing import NamedTuple

import numpy as np

from ..arguments import (
    all_within,
    covariance_matrix,
    finite_array,
    formula,
    optional,
    positive_matrix,
)
from .batch_noise import simple_noise_scale
from .linear_process import trace


class TemperatureConventions(NamedTuple):
    """What different papers call temperature or noise scale, for one setting; floats or arrays over
    a sweep.

    Fields: ``ours`` eta tr Sigma / (2 B d (1 - mu)), the T of exp(-U/T), in units of the loss;
    ``rate_over_batch`` eta/B, the noise scale eta/S of Jastrzebski et al. 2018; ``base_rate`` eta0
    = eta / (B (1 - mu)), that of `momentum_learning_rate`; ``half_rate_over_batch`` eta/(2 B), the
    prefactor of Chaudhari and Soatto 2018; ``smith_le`` eta N / (B (1 - mu)), Smith and Le 2018.
    These four leave Sigma out: in units of the learning rate. ``noise_scale`` tr Sigma / |G|^2,
    dimensionless, knows no learning rate."""

    ours: np.ndarray
    rate_over_batch: np.ndarray
    base_rate: np.ndarray
    half_rate_over_batch: np.ndarray
    smith_le: np.ndarray
    noise_scale: np.ndarray


class MeasuredTemperatures(NamedTuple):
    """Temperatures of a Gaussian state on a quadratic, units of the loss: ``energy`` tr(H S)/d,
    ``virial`` E[x . grad U]/d, ``configurational`` E|grad U|^2 / E[Laplacian U]."""

    energy: np.ndarray
    virial: np.ndarray
    configurational: np.ndarray


@formula
def sgd_temperature(noise_covariance, learning_rate, batch_size=1, momentum=0.0):
    """Temperature of SGD, T = eta tr Sigma / (2 B d (1 - mu)), in units of the loss (float, or an
    array for a sweep).

    For isotropic Sigma and a small learning rate the stationary law is exp(-U/T). For any Sigma it
    is, at small learning rate, the T that minimises KL(p || exp(-U/T)) on a quadratic, since that
    minimiser is tr(H S)/d.
    ``noise_covariance`` is Sigma of ONE example's gradient (d, d), its d variances, or the variance
    in one dimension; the numbers are floats or arrays that broadcast together. Error of order eta
    at finite learning rate; batches drawn independently with replacement. Source: derived from tr
    of H S + S H - eta H S H = eta C (mu = 0) and its heavy-ball form."""
    mean_variance = trace(noise_covariance) / noise_covariance.shape[-1]
    return learning_rate * mean_variance / (2 * batch_size * (1 - momentum))


@formula(base_rate=all_within(above=0))
def momentum_learning_rate(base_rate, batch_size=1, momentum=0.0):
    """Learning rate (1 - mu) B eta0 that keeps the temperature eta0 tr Sigma / (2 d) for every
    batch size and momentum.

    In the units of ``base_rate`` eta0; floats or arrays that broadcast. Exact only as eta0 -> 0:
    the variance on a curvature h exceeds Boltzmann's by 1 / (1 - (1 - mu) B eta0 h / (2 (1 + mu))),
    so raising the momentum at fixed eta0 reduces the discretisation error. Source: derived from the
    heavy-ball covariance of `stationary_covariance`."""
    return (1 - momentum) * batch_size * base_rate


@formula(
    nan=True, dataset_size=optional(all_within(at_least=1)), mean_gradient=optional(finite_array)
)
def temperature_conventions(
    noise_covariance,
    learning_rate,
    batch_size=1,
    momentum=0.0,
    dataset_size=None,
    mean_gradient=None,
):
    """The temperatures of the literature for one setting, as `TemperatureConventions`: most
    disagreements are these factors.

    ``dataset_size`` N >= B is needed for ``smith_le`` alone, ``mean_gradient`` G (d,) for
    ``noise_scale`` alone: nan without them. The Boltzmann temperature for isotropic Sigma = sigma^2
    I is sigma^2/2 times ``base_rate``. Sources: `TemperatureConventions`; ours: `sgd_temperature`.
    Raises ValueError for N < B or G = 0."""
    eta, batch, mu = np.broadcast_arrays(learning_rate, batch_size, momentum)
    ratio = eta / batch
    smith_le = np.full(ratio.shape, np.nan)
    if dataset_size is not None:
        if np.any(dataset_size < batch):
            raise ValueError(
                f"dataset_size must be >= batch_size, got {dataset_size.min():g} and "
                f"{batch.max():g}."
            )
        smith_le = ratio / (1 - mu) * dataset_size
    scale = np.nan
    if mean_gradient is not None:
        scale = simple_noise_scale(mean_gradient, noise_covariance)
    ours = sgd_temperature(noise_covariance, learning_rate, batch_size, momentum)
    return TemperatureConventions(ours, ratio, ratio / (1 - mu), ratio / 2, smith_le, scale)


@formula(hessian=positive_matrix)
def measured_temperatures(hessian, covariance):
    """The three temperatures one would measure in a state of covariance S on U = x' H x / 2, as
    `MeasuredTemperatures`.

    energy matching (the KL projection on exp(-U/T)) and virial agree on a quadratic; the
    configurational one weighs stiff directions more. All three equal T for S = T H^-1.
    ``covariance`` (..., d, d) about the minimum. Exact. Derived: Gaussian moments."""
    d = hessian.shape[-1]
    covariance = covariance_matrix(covariance, "covariance", d)
    virial = trace(hessian @ covariance) / d
    square = trace(hessian @ covariance @ hessian)
    return MeasuredTemperatures(virial, virial, square / trace(hessian))
