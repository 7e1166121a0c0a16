"""Momentum as an exponential average, the rule that keeps the temperature, and the temperatures
found in the literature.
"""

from typing import NamedTuple

import numpy as np

from .batch_noise import simple_noise_scale
from .gaussian import sgd_temperature
from .inputs import covariance_matrix, in_range, positive_matrix, real_array, update_numbers


class TemperatureConventions(NamedTuple):
    """What different papers call temperature or noise scale, for one setting; floats or arrays over
    a sweep.

    Fields: ``ours`` eta tr Sigma / (2 B d (1 - mu)), the T of exp(-U/T), in units of the loss;
    ``rate_over_batch`` eta/B, the noise scale eta/S of Jastrzebski et al.; ``base_rate`` eta0 = eta
    / (B (1 - mu)), that of `momentum_learning_rate`; ``half_rate_over_batch`` eta/(2 B), the
    prefactor of Chaudhari and Soatto; ``smith_le`` eta N / (B (1 - mu)). These four leave Sigma
    out: in units of the learning rate. ``noise_scale`` tr Sigma / |G|^2, dimensionless, knows no
    learning rate."""

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


class UnderdampedLimit(NamedTuple):
    """Langevin dynamics that heavy ball resembles: ``friction`` (per time, dv = -friction v dt) and
    ``mass`` (time squared).
    """

    friction: np.ndarray
    mass: np.ndarray


def momentum_learning_rate(base_rate, batch_size=1, momentum=0.0):
    """Learning rate (1 - mu) B eta0 that keeps the temperature eta0 tr Sigma / (2 d) for every
    batch size and momentum.

    In the units of ``base_rate`` eta0; floats or arrays that broadcast. Exact only as eta0 -> 0:
    the variance on a curvature h exceeds Boltzmann's by 1 / (1 - (1 - mu) B eta0 h / (2 (1 + mu))),
    so raising the momentum at fixed eta0 reduces the discretisation error. Source: derived from the
    heavy-ball covariance of `stationary_covariance`. Raises ValueError for numbers out of range
    (base_rate > 0, batch_size >= 1, 0 <= momentum < 1)."""
    base, batch, mu = update_numbers(base_rate, batch_size, momentum)
    return (1 - mu) * batch * base


def underdamped_limit(learning_rate, momentum=0.0):
    """Heavy ball as Langevin dynamics m dv = -grad U dt - m f v dt + noise in the time t = eta *
    steps, as `UnderdampedLimit`.

    friction f = 2 (1 - mu) / (eta (1 + mu)) per unit of t, mass m = eta (1 + mu) / 2 (units of t
    squared), so that a curvature h has omega^2 = h/m = 2 h / (eta (1 + mu)). A root lambda per step
    agrees with the update's to relative order lambda^2, so eta h and 1 - mu must be small. At this
    mass the kinetic temperature m E v^2 equals E[x U'] exactly at every eta: their equality tests
    nothing. The update itself oscillates iff eta h > (1 - sqrt mu)^2. Kunin et al. (not read; their
    gamma is f/2); derived from (1 + mu)(cosh lambda - 1) + (1 - mu) sinh lambda = -eta h. Raises
    ValueError for numbers out of range."""
    eta, _, mu = update_numbers(learning_rate, 1, momentum)
    return UnderdampedLimit(2 * (1 - mu) / (eta * (1 + mu)), eta * (1 + mu) / 2)


def gradient_average(gradients, momentum):
    """Exponential moving average of a gradient sequence (steps, ...), gbar' = mu gbar + (1 - mu) g
    from gbar = 0, same shape.

    Without bias correction. Heavy ball is eta / (1 - mu) times it: v_t = eta N gbar_t with N = 1/(1
    - mu), an identity at constant eta and zero start. Variance of the average of independent
    gradients: Var g (1 - mu)/(1 + mu). Source: definition. Raises ValueError unless 0 <= momentum <
    1."""
    _, _, mu = update_numbers(1.0, 1, momentum)
    average, values = 0.0, []
    for gradient in real_array("gradients", gradients):
        average = mu * average + (1 - mu) * gradient
        values.append(average)
    return np.array(values)


def heavy_ball_path(gradients, learning_rate, momentum=0.0, start=0.0):
    """Positions and velocities of heavy ball driven by given gradients: two (steps, ...) arrays,
    after each step.

    v' = mu v + eta g, x' = x - v' from v = 0. ``gradients`` (steps, ...) in gradient units. Source:
    definition. Raises ValueError unless learning_rate > 0 and 0 <= momentum < 1."""
    eta, _, mu = update_numbers(learning_rate, 1, momentum)
    gradients = real_array("gradients", gradients)
    velocity, position = np.zeros(gradients.shape[1:]), real_array("start", start)
    positions, velocities = [], []
    for gradient in gradients:
        velocity = mu * velocity + eta * gradient
        position = position - velocity
        positions.append(position)
        velocities.append(velocity)
    return np.array(positions), np.array(velocities)


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
    ``noise_scale`` alone: nan without them. Units as in `TemperatureConventions`. Sources:
    Chaudhari and Soatto; Jastrzebski et al.; Smith and Le (none read; forms as commonly quoted);
    ours: `sgd_temperature`. The Boltzmann temperature for isotropic Sigma = sigma^2 I is sigma^2/2
    times ``base_rate``. Raises ValueError as `sgd_temperature` and `simple_noise_scale`, or for N <
    B."""
    eta, batch, mu = np.broadcast_arrays(*update_numbers(learning_rate, batch_size, momentum))
    ratio = eta / batch
    ours = sgd_temperature(noise_covariance, learning_rate, batch_size, momentum)
    smith_le = np.full(ratio.shape, np.nan)
    if dataset_size is not None:
        smith_le = (
            ratio
            / (1 - mu)
            * in_range("dataset_size", dataset_size, batch.max(), np.inf, closed_low=True)
        )
    scale = np.nan if mean_gradient is None else simple_noise_scale(mean_gradient, noise_covariance)
    return TemperatureConventions(ours, ratio, ratio / (1 - mu), ratio / 2, smith_le, scale)


def measured_temperatures(hessian, covariance):
    """The three temperatures one would measure in a state of covariance S on U = x' H x / 2, as
    `MeasuredTemperatures`.

    energy matching (the KL projection on exp(-U/T)) and virial agree on a quadratic; the
    configurational one weighs stiff directions more. All three equal T for S = T H^-1.
    ``covariance`` (..., d, d) about the minimum. Exact. Derived: Gaussian moments. Raises
    ValueError unless the hessian is positive definite and the covariance positive semidefinite."""
    hessian = positive_matrix("hessian", hessian)
    d = hessian.shape[-1]
    covariance = covariance_matrix("covariance", covariance, d)
    virial = np.trace(hessian @ covariance, axis1=-2, axis2=-1) / d
    square = np.trace(hessian @ covariance @ hessian, axis1=-2, axis2=-1)
    return MeasuredTemperatures(virial, virial, square / np.trace(hessian, axis1=-2, axis2=-1))
