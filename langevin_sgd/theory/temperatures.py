"""The temperature of SGD, the learning rate that keeps it, and what else is called temperature."""

from typing import NamedTuple

import numpy as np

from ..arguments import (
    all_within,
    covariance_matrix,
    finite_array,
    optional,
    positive_matrix,
)
from .batch_noise import simple_noise_scale
from .linear_process import trace
from .meanings import exact


class TemperatureConventions(NamedTuple):
    """What different papers call temperature or noise scale, for one setting.

    Parameters
    ----------
    ours : float or array
        eta tr Sigma / (2 B d (1 - mu)), the T of exp(-U/T), in units of the loss.
    rate_over_batch : float or array
        eta/B, the noise scale eta/S of Jastrzebski et al. 2018. This and the next three leave Sigma
        out: in units of the learning rate.
    base_rate : float or array
        eta0 = eta / (B (1 - mu)), that of `momentum_learning_rate`.
    half_rate_over_batch : float or array
        eta/(2 B), the prefactor of Chaudhari and Soatto 2018.
    smith_le : float or array
        eta N / (B (1 - mu)), Smith and Le 2018.
    noise_scale : float or array
        tr Sigma / G.G with the mean gradient G, dimensionless; knows no learning rate.

    Examples
    --------
    Momentum 0.9 makes SGD ten times hotter, which eta/B does not show:

    >>> slow, fast = (ls.theory.temperature_conventions(1.0, 0.1, momentum=mu) for mu in (0.0, 0.9))
    >>> f"ours {fast.ours / slow.ours:.0f}, eta/B {fast.rate_over_batch / slow.rate_over_batch:.0f}"
    'ours 10, eta/B 1'
    """

    ours: np.ndarray
    rate_over_batch: np.ndarray
    base_rate: np.ndarray
    half_rate_over_batch: np.ndarray
    smith_le: np.ndarray
    noise_scale: np.ndarray


class MeasuredTemperatures(NamedTuple):
    """Temperatures of a Gaussian state on a quadratic, in units of the loss.

    Parameters
    ----------
    energy : float or array
        tr(H S)/d, twice the mean energy of a component.
    virial : float or array
        E[x . grad U]/d.
    configurational : float or array
        E[grad U . grad U] / E[Laplacian U].

    Examples
    --------
    A state of covariance T H^-1 has one temperature, whatever is measured:

    >>> measured = ls.theory.measured_temperatures([1.0, 4.0], [0.2, 0.05])
    >>> [round(float(each), 4) for each in measured]
    [0.2, 0.2, 0.2]
    """

    energy: np.ndarray
    virial: np.ndarray
    configurational: np.ndarray


@exact
def sgd_temperature(noise_covariance, learning_rate, batch_size=1, momentum=0.0):
    """Temperature of SGD, T = eta tr Sigma / (2 B d (1 - mu)), in units of the loss.

    Parameters
    ----------
    noise_covariance : (d, d) matrix, (d,) variances or scalar
        Sigma of ONE example's gradient, (energy / length)^2.
    learning_rate, batch_size, momentum : float or arrays that broadcast together
        eta > 0, B >= 1, 0 <= mu < 1. Arrays make a sweep.

    Returns
    -------
    float or array

    Notes
    -----
    For isotropic Sigma and a small learning rate the stationary law is exp(-U/T). For any Sigma it
    is, at small learning rate, the T that minimises KL(p, exp(-U/T)) on a quadratic, since that
    minimiser is tr(H S)/d. Error of order eta at finite learning rate; batches drawn independently
    with replacement. Source: derived from tr of H S + S H - eta H S H = eta C (mu = 0) and its
    heavy-ball form.

    Examples
    --------
    0.02 (10 + 3.3)/(2 * 2):

    >>> f"{ls.theory.sgd_temperature([10.0, 3.3], learning_rate=0.02):.4f}"
    '0.0665'
    """
    mean_variance = trace(noise_covariance) / noise_covariance.shape[-1]
    return learning_rate * mean_variance / (2 * batch_size * (1 - momentum))


@exact(base_rate=all_within(above=0))
def momentum_learning_rate(base_rate, batch_size=1, momentum=0.0):
    """Learning rate (1 - mu) B eta0 that keeps the temperature for every batch size and momentum.

    Parameters
    ----------
    base_rate : float or array > 0
        eta0, the rate for single examples without momentum; the temperature is eta0 tr Sigma / (2
        d).
    batch_size, momentum : float or array
        B >= 1 and 0 <= mu < 1; arrays broadcast.

    Returns
    -------
    float or array
        In the units of base_rate.

    Notes
    -----
    Exact only as eta0 -> 0: the variance on a curvature h exceeds Boltzmann's by 1 / (1 - (1 - mu)
    B eta0 h / (2 (1 + mu))), so raising the momentum at fixed eta0 reduces the discretisation
    error. Source: derived from the heavy-ball covariance of `stationary_covariance`.

    Examples
    --------
    0.1 * 8 * 0.02, at the temperature of 0.02 for single examples without momentum:

    >>> rate = ls.theory.momentum_learning_rate(0.02, batch_size=8, momentum=0.9)
    >>> temperature = ls.theory.sgd_temperature(1.0, rate, batch_size=8, momentum=0.9)
    >>> f"{rate:.3f}, T = {temperature:.3f} = {ls.theory.sgd_temperature(1.0, 0.02):.3f}"
    '0.016, T = 0.010 = 0.010'
    """
    return (1 - momentum) * batch_size * base_rate


@exact(nan=True, mean_gradient=optional(finite_array))
def temperature_conventions(
    noise_covariance,
    learning_rate,
    batch_size=1,
    momentum=0.0,
    dataset_size=None,
    mean_gradient=None,
):
    """The temperatures and noise scales of the literature for one setting.

    Parameters
    ----------
    noise_covariance : (d, d) matrix, (d,) variances or scalar
        Sigma of ONE example's gradient, (energy / length)^2.
    learning_rate, batch_size, momentum : float or arrays that broadcast together
        eta > 0, B >= 1, 0 <= mu < 1. Arrays make a sweep.
    dataset_size : float or array, optional
        N >= B, needed for ``smith_le`` alone.
    mean_gradient : array, shape (d,), optional
        G, needed for ``noise_scale`` alone.

    Returns
    -------
    TemperatureConventions
        With nan for what was not asked for.

    Raises
    ------
    ValueError
        For N < B or G = 0.

    Notes
    -----
    Most disagreements are these factors. The Boltzmann temperature for isotropic Sigma = sigma^2 I
    is sigma^2/2 times ``base_rate``. Sources: `TemperatureConventions`; ours: `sgd_temperature`.

    Examples
    --------
    0.1/(2 * 10), 0.1/10 and 0.1 * 1000/10 for one setting:

    >>> found = ls.theory.temperature_conventions(1.0, 0.1, batch_size=10, dataset_size=1000)
    >>> f"T {found.ours:.3f}, eta/B {found.rate_over_batch:.2f}, eta N/B {found.smith_le:.0f}"
    'T 0.005, eta/B 0.01, eta N/B 10'
    """
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


@exact(hessian=positive_matrix)
def measured_temperatures(hessian, covariance):
    """The three temperatures that one would measure in a Gaussian state on U = x' H x / 2.

    Parameters
    ----------
    hessian : (d, d) matrix, (d,) curvatures or scalar
        H, positive definite, energy per squared length.
    covariance : (..., d, d) matrix, (d,) variances or scalar
        S, about the minimum, squared length.

    Returns
    -------
    MeasuredTemperatures

    Notes
    -----
    Energy matching (the KL projection on exp(-U/T)) and virial agree on a quadratic; the
    configurational one weighs stiff directions more. All three equal T for S = T H^-1. Exact.
    Derived: Gaussian moments.

    Examples
    --------
    Equal variances in unequal curvatures: (1 + 4)/2, but (1 + 16)/(1 + 4) where gradients are
    measured.

    >>> measured = ls.theory.measured_temperatures([1.0, 4.0], [1.0, 1.0])
    >>> [round(float(each), 4) for each in measured]
    [2.5, 2.5, 3.4]
    """
    d = hessian.shape[-1]
    covariance = covariance_matrix(covariance, "covariance", d)
    virial = trace(hessian @ covariance) / d
    square = trace(hessian @ covariance @ hessian)
    return MeasuredTemperatures(virial, virial, square / trace(hessian))
