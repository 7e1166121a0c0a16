"""Shuffled epochs on a quadratic: the variance depends on the position in the epoch.

Batches of one epoch repel each other. With M = N / B batches an epoch, every batch has covariance
C0 = Sigma/B (N - B)/(N - 1) and two batches of one epoch have -C0/(M - 1): the noise of a whole
epoch sums to zero, so flat directions hardly diffuse."""

import numpy as np

from ..arguments import check_count, whole
from .batch_noise import batch_covariance
from .linear_process import solve_stationary
from .meanings import exact
from .quadratic_sgd import linear_sgd, require_stable

MOST_BATCHES = 10**5  # an epoch
BATCHES = {"batch_size": whole(1), "dataset_size": whole(2)}


@exact(**BATCHES)
def epoch_covariance(
    hessian, noise_covariance, learning_rate, batch_size, dataset_size, momentum=0.0, nesterov=None
):
    """Stationary covariance of SGD on a quadratic with reshuffled epochs, by position in the epoch.

    Parameters
    ----------
    hessian : (d, d) matrix, (d,) curvatures or scalar
        H, positive definite, in energy/length^2; a stack (k, 1, 1) sweeps curvatures.
    noise_covariance : (d, d) matrix, (d,) variances or scalar
        Sigma, constant in x, in (energy/length)^2: the losses (x - c_i)' H (x - c_i) / 2 with
        scattered centres have this.
    learning_rate, momentum : float or arrays that broadcast together
        eta and mu.
    batch_size, dataset_size : int
        B divides N, N/B = M, 2 <= M <= 100,000.
    nesterov : None, "torch" or "lookahead"
        As in `linear_sgd`.

    Returns
    -------
    (M, ..., d, d) array
        Entry m after m steps of the current epoch, m = 0 at the boundary, in length^2. The mean
        over m is the time average.

    Raises
    ------
    ValueError
        At or above the stability threshold, with flat directions, or if B does not divide N.

    Notes
    -----
    A new order is drawn every epoch. Exact. With a = 1 - eta h and mu = 0 the boundary value is
    eta^2 c0 (M A2 - A1^2) / ((M - 1)(1 - a^2M)), A1 = sum a^j, A2 = sum a^2j; it is computed as a
    sum of squares, without that cancellation. Kuehn and Rosenow 2023 describe the anti-correlation;
    this finite-M form is derived here.

    Examples
    --------
    Two rows with gradients x - 1 and x + 1, eta = 1/2. After an epoch x' = x/4 +- 1/4, so the
    variance is (1/16)/(1 - 1/16) = 1/15; draws with replacement give 1/3 at every step.

    >>> ls.theory.epoch_covariance(1.0, 1.0, 0.5, 1, dataset_size=2).ravel().round(4).tolist()
    [0.0667, 0.2667]
    """
    injected, powers = _epoch(
        hessian, noise_covariance, learning_rate, batch_size, dataset_size, momentum, nesterov
    )
    boundary = solve_stationary(powers[-1], injected[-1])
    powers, injected, d = np.stack(powers[:-1]), np.stack(injected[:-1]), hessian.shape[-1]
    return (powers @ boundary @ powers.mT + injected)[..., :d, :d]


@exact(**BATCHES)
def single_shuffle_covariance(
    hessian, noise_covariance, learning_rate, batch_size, dataset_size, momentum=0.0, nesterov=None
):
    """Covariance, over the random order, of the cycle that SGD with one fixed order converges to.

    Parameters
    ----------
    hessian, noise_covariance, learning_rate, batch_size, dataset_size, momentum, nesterov
        As in `epoch_covariance`.

    Returns
    -------
    (..., d, d) array
        In length^2.

    Raises
    ------
    ValueError
        As `epoch_covariance`.

    Notes
    -----
    With one order for ever SGD converges to a cycle of M points; this is the spread of a point of
    that cycle over orders, the same at every position since a cyclic shift of a random order is a
    random order. Exact; z = (I - F^M)^-1 sum_j F^j G xi_j. One dimension, mu = 0:
    eta^2 c0 (M A2 - A1^2) / ((M - 1)(1 - a^M)^2). Derived here.

    Examples
    --------
    Two rows with gradients x - 1 and x + 1, eta = 1/2: the epoch x' = x/4 +- 1/4, always with the
    same sign, ends in x = +-1/3.

    >>> ls.theory.single_shuffle_covariance(1.0, 1.0, 0.5, 1, dataset_size=2).round(4).item()
    0.1111
    """
    injected, powers = _epoch(
        hessian, noise_covariance, learning_rate, batch_size, dataset_size, momentum, nesterov
    )
    inverse = np.linalg.inv(np.eye(powers[-1].shape[-1]) - powers[-1])
    d = hessian.shape[-1]
    return (inverse @ injected[-1] @ inverse.mT)[..., :d, :d]


def _epoch(hessian, noise_covariance, learning_rate, batch_size, dataset_size, momentum, nesterov):
    """`_injected_by_position` of the linear process whose noise is that of a batch of an epoch."""
    batches = dataset_size // batch_size
    if dataset_size % batch_size or not 2 <= batches <= MOST_BATCHES:
        raise ValueError(
            "batch_size must divide dataset_size into two batches or more, at most "
            f"{MOST_BATCHES}; got {batch_size} and {dataset_size}."
        )
    require_stable(hessian, learning_rate, momentum, nesterov)
    process = linear_sgd(hessian, noise_covariance, learning_rate, 1, momentum, nesterov)
    check_count(2 * batches * process.transition.size, "dataset_size")
    covariance = batch_covariance(noise_covariance, batch_size, dataset_size)
    return _injected_by_position(process._replace(noise_covariance=covariance), batches)


def _injected_by_position(process, batches):
    """What the first m = 0 ... M batches of an epoch add to the covariance, and the powers F^m.

    sum_j A_j C0 A_j' M/(M-1) - (sum A_j) C0 (sum A_j)'/(M-1) with A_j = F^j G, written as M/(M-1)
    times [scatter of the A_j about their mean + m (1 - m/M) (mean) C0 (mean)'] so that only
    positive terms are added."""
    noise, response = process.noise_covariance, process.noise_input
    power = np.broadcast_to(np.eye(process.transition.shape[-1]), process.transition.shape)
    mean, scatter = np.zeros_like(response), np.zeros_like(process.transition)
    injected, powers = [scatter], [power]
    for m in range(1, batches + 1):
        previous = mean
        mean = mean + (response - mean) / m
        deviation = response - previous
        scatter = scatter + (1 - 1 / m) * (deviation @ noise @ deviation.mT)
        response, power = process.transition @ response, process.transition @ power
        common = m * (1 - m / batches) * (mean @ noise @ mean.mT)
        injected.append(batches / (batches - 1) * (scatter + common))
        powers.append(power)
    return injected, powers
