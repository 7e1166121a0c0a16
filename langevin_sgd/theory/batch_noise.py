"""Covariance of a minibatch gradient, however the batch is drawn, and the scalars made from it."""

from typing import NamedTuple

import numpy as np

from ..arguments import covariance_matrix, one_of, whole
from .linear_process import trace
from .meanings import exact

FRESH = ("with_replacement", "population")
SUBSETS = ("without_replacement", "reshuffle", "single_shuffle")


class GradientMoments(NamedTuple):
    """Mean and covariance of the gradients of a table.

    Parameters
    ----------
    mean : (..., d) array
        Mean gradient G, in energy/length.
    covariance : (..., d, d) array
        Sigma of the gradient of one drawn example, in (energy/length)^2.

    Examples
    --------
    >>> ls.theory.gradient_moments([[1.0], [3.0]]).mean.tolist()
    [2.0]
    """

    mean: np.ndarray
    covariance: np.ndarray


@exact
def gradient_moments(gradients, probabilities=None):
    """Mean and covariance of a table of per-example gradients, as `GradientMoments`.

    Parameters
    ----------
    gradients : (..., N, d) array
        One row for each example, in energy/length; leading axes are points, as many as there are.
    probabilities : (N,) array, optional
        Of importance sampling, which weighs a drawn example by 1/(N p_i).

    Returns
    -------
    GradientMoments
        ``mean`` G (..., d) and ``covariance`` Sigma (..., d, d).

    Raises
    ------
    ValueError
        For a table without rows, or a p_i = 0 (the mean is then biased).

    Notes
    -----
    Sigma = (1/N) sum (g_i - G)(g_i - G)': the table is the population, so the divisor is N. With
    probabilities Sigma = sum g_i g_i' / (N^2 p_i) - G G'. Source: definition.

    Examples
    --------
    Drawing examples in proportion to their gradients leaves no noise:

    >>> table = [[1.0], [3.0]]
    >>> ls.theory.gradient_moments(table).covariance.item()
    1.0
    >>> ls.theory.gradient_moments(table, probabilities=[0.25, 0.75]).covariance.item()
    0.0
    """
    if gradients.ndim < 2 or 0 in gradients.shape:
        raise ValueError(
            f"gradients must have the shape (N, d), one row for each example, got "
            f"{gradients.shape}."
        )
    count = gradients.shape[-2]
    mean = gradients.mean(axis=-2)
    if probabilities is None:
        centred = gradients - mean[..., None, :]
        return GradientMoments(mean, centred.mT @ centred / count)
    if probabilities.shape != (count,) or not probabilities.all():
        raise ValueError(f"probabilities must be {count} numbers > 0, one for each example.")
    drawn = gradients / (count * probabilities[:, None]) - mean[..., None, :]
    return GradientMoments(mean, (probabilities[:, None] * drawn).mT @ drawn)


@exact
def batch_covariance(noise_covariance, batch_size, dataset_size=None):
    """Covariance of the mean gradient of one batch, drawn with or without replacement.

    Parameters
    ----------
    noise_covariance : (d, d) array, (d,) variances or float
        Sigma of one example's gradient, with the divisor N (see `gradient_moments`).
    batch_size : float or array
        B, the number of examples in a batch.
    dataset_size : float or array, optional
        N of a batch without replacement; None for draws with replacement.

    Returns
    -------
    (..., d, d) array
        In (energy/length)^2; the leading axes are those of B and N.

    Raises
    ------
    ValueError
        If B exceeds N.

    Notes
    -----
    Sigma / B for draws with replacement, Sigma / B (N - B) / (N - 1) for a subset of N examples;
    that is also the covariance of each single batch of a reshuffled epoch. Exact. Source: survey
    sampling, derived from Cov(g_i, g_j) = -Sigma / (N - 1) for two different members of a subset.

    Examples
    --------
    Two draws halve the covariance, two of eight rows leave 6/7 of that, the whole table none:

    >>> ls.theory.batch_covariance(7.0, 2).item()
    3.5
    >>> ls.theory.batch_covariance(7.0, [2, 8], dataset_size=8).ravel().tolist()
    [3.0, 0.0]
    """
    factor = 1.0 / batch_size
    if dataset_size is not None:
        if np.any(batch_size > dataset_size):
            raise ValueError(
                f"batch_size must be <= dataset_size = {dataset_size.min():g}, got "
                f"{batch_size.max():g}; or draw with replacement."
            )
        factor = factor * (dataset_size - batch_size) / np.maximum(dataset_size - 1, 1)
    return factor[..., None, None] * noise_covariance


@exact(sampling=one_of(*FRESH, *SUBSETS))
def minibatch_covariance(gradients, batch_size, sampling="with_replacement", probabilities=None):
    """Covariance of the mean gradient of one minibatch of a table, for every way of sampling.

    Parameters
    ----------
    gradients : (..., N, d) array
        One row for each example, in energy/length; leading axes are points, as many as there are.
    batch_size : float or array
        B, the number of examples in a batch.
    sampling : str
        As in `noise.minibatch`. Sigma/B for "with_replacement" and "population" (the table stands
        for the law); Sigma/B (N - B)/(N - 1) for "without_replacement", and for "reshuffle" and
        "single_shuffle", whose batches are correlated from step to step (see
        `epoch_cross_covariance`).
    probabilities : (N,) array, optional
        With which each example is drawn; "with_replacement" only. The batch gradient weighs example
        i by 1/(N p_i).

    Returns
    -------
    (..., d, d) array
        In (energy/length)^2.

    Raises
    ------
    ValueError
        If B exceeds N where it must not, or probabilities come with another sampling.

    Notes
    -----
    Exact; `gradient_moments` and `batch_covariance` say from what it is derived.

    Examples
    --------
    The six pairs of this table have the means -2, -1, 0, 0, 1, 2: a variance of 10/6.

    >>> table = [[-3.0], [-1.0], [1.0], [3.0]]
    >>> pairs = ls.theory.minibatch_covariance(table, 2, "without_replacement").item()
    >>> ls.theory.minibatch_covariance(table, 2).item(), round(pairs, 4)
    (2.5, 1.6667)
    """
    if probabilities is not None and sampling != "with_replacement":
        raise ValueError(f"probabilities must be None for sampling = {sampling!r}.")
    covariance = gradient_moments(gradients, probabilities).covariance
    size = gradients.shape[-2] if sampling in SUBSETS else None
    return batch_covariance(covariance, batch_size, size)


@exact(dataset_size=whole(2))
def epoch_cross_covariance(noise_covariance, dataset_size):
    """Covariance of the mean gradients of two different batches of one epoch, -Sigma / (N - 1).

    Parameters
    ----------
    noise_covariance : (d, d) array, (d,) variances or float
        Sigma of one example's gradient, with the divisor N.
    dataset_size : int
        N, the number of examples in the table.

    Returns
    -------
    (d, d) array
        In (energy/length)^2, whatever the batch size.

    Raises
    ------
    ValueError
        For fewer than two examples.

    Notes
    -----
    It makes the noise of a whole epoch sum to zero. Exact. Derived: the batches' sum is constant.

    Examples
    --------
    With eight rows in batches of two, the variance 3 of each batch and its covariance -1 with each
    of the three others of the epoch cancel:

    >>> ls.theory.epoch_cross_covariance(7.0, 8).item()
    -1.0
    >>> ls.theory.batch_covariance(7.0, 2, dataset_size=8).item()
    3.0
    """
    return -noise_covariance / (dataset_size - 1)


def _mean_and_noise(mean_gradient, noise_covariance):
    """G as a row, and Sigma of its dimension."""
    mean = np.atleast_1d(mean_gradient)
    return mean, covariance_matrix(noise_covariance, "noise_covariance", mean.shape[-1])


@exact
def expected_squared_norm(mean_gradient, noise_covariance, batch_size=1, dataset_size=None):
    """Mean squared norm of a batch gradient: that of the mean gradient and the trace of the noise.

    Parameters
    ----------
    mean_gradient : (..., d) array or float
        G, in energy/length.
    noise_covariance : (d, d) array, (d,) variances or float
        Sigma of one example's gradient.
    batch_size : float or array
        B, the number of examples in a batch.
    dataset_size : float or array, optional
        As in `batch_covariance`.

    Returns
    -------
    float or array over batch sizes
        E g.g = G.G + tr Cov(g), in (energy/length)^2.

    Raises
    ------
    ValueError
        As `batch_covariance`, or if the dimensions of the two differ.

    Notes
    -----
    Exact. Source: bias-variance decomposition.

    Examples
    --------
    3^2 + 4^2 = 25, and a trace of 8, divided by the batch size:

    >>> ls.theory.expected_squared_norm([3.0, 4.0], [2.0, 6.0], batch_size=[1, 4]).tolist()
    [33.0, 27.0]
    """
    mean, noise = _mean_and_noise(mean_gradient, noise_covariance)
    return np.sum(mean**2, axis=-1) + trace(batch_covariance(noise, batch_size, dataset_size))


@exact
def simple_noise_scale(mean_gradient, noise_covariance):
    """Batch size at which noise and mean gradient have equal norm, tr Sigma / (G.G).

    Parameters
    ----------
    mean_gradient : (..., d) array or float
        G, in energy/length; not zero.
    noise_covariance : (d, d) array, (d,) variances or float
        Sigma of one example's gradient.

    Returns
    -------
    float or array
        Dimensionless.

    Raises
    ------
    ValueError
        If the mean gradient is zero or the dimensions of the two differ.

    Notes
    -----
    A quantity of the transient only: near the stationary state G -> 0. The plug-in G.G from n
    examples is biased up by tr Sigma / n. Source: McCandlish et al. 2018; definition.

    Examples
    --------
    A trace of 50 over 3^2 + 4^2 = 25:

    >>> float(ls.theory.simple_noise_scale([3.0, 4.0], [20.0, 30.0]))
    2.0
    """
    mean, noise = _mean_and_noise(mean_gradient, noise_covariance)
    square = np.sum(mean**2, axis=-1)
    if np.any(square == 0):
        raise ValueError("mean_gradient must not be zero: the noise scale is infinite there.")
    return trace(noise) / square
