"""Covariance of a minibatch gradient, however the batch is drawn, and the scalars made from it."""

from typing import NamedTuple

import numpy as np

from ..arguments import (
    all_within,
    covariance_matrix,
    finite_array,
    formula,
    one_of,
    optional,
    probabilities,
    whole,
)
from .linear_process import trace, transpose

FRESH = ("with_replacement", "population")
SUBSETS = ("without_replacement", "reshuffle", "single_shuffle")


class GradientMoments(NamedTuple):
    """``mean`` (..., d) gradient G of a table and ``covariance`` (..., d, d) Sigma of the gradient
    of one drawn example."""

    mean: np.ndarray
    covariance: np.ndarray


@formula(gradients=finite_array, probabilities=optional(probabilities))
def gradient_moments(gradients, probabilities=None):
    """Mean and covariance of a table of per-example gradients, (..., N, d), as `GradientMoments`.

    Sigma = (1/N) sum (g_i - G)(g_i - G)': the table is the population, so the divisor is N. With
    ``probabilities`` p (N,) of importance sampling, which weighs a drawn example by 1/(N p_i),
    Sigma = sum g_i g_i' / (N^2 p_i) - G G'. Source: definition. Raises ValueError for a table
    without rows, or a p_i = 0 (the mean is then biased)."""
    if gradients.ndim < 2 or 0 in gradients.shape:
        raise ValueError(
            f"gradients must have the shape (N, d), one row for each example, got "
            f"{gradients.shape}."
        )
    count = gradients.shape[-2]
    mean = gradients.mean(axis=-2)
    if probabilities is None:
        centred = gradients - mean[..., None, :]
        return GradientMoments(mean, transpose(centred) @ centred / count)
    if probabilities.shape != (count,) or not probabilities.all():
        raise ValueError(f"probabilities must be {count} numbers > 0, one for each example.")
    drawn = gradients / (count * probabilities[:, None]) - mean[..., None, :]
    return GradientMoments(mean, transpose(probabilities[:, None] * drawn) @ drawn)


@formula(dataset_size=optional(all_within(at_least=1)))
def batch_covariance(noise_covariance, batch_size, dataset_size=None):
    """Covariance of the mean gradient of one batch, (..., d, d).

    Sigma / B for draws with replacement (``dataset_size=None``), Sigma / B (N - B) / (N - 1) for a
    subset of N examples; that is also the covariance of each single batch of a reshuffled epoch.
    Sigma has the divisor N (see `gradient_moments`); B and N may be arrays. ValueError if B exceeds
    N. Exact. Source: survey sampling, derived from Cov(g_i, g_j) = -Sigma / (N - 1) for two
    different members of a subset."""
    factor = 1.0 / batch_size
    if dataset_size is not None:
        if np.any(batch_size > dataset_size):
            raise ValueError(
                f"batch_size must be <= dataset_size = {dataset_size.min():g}, got "
                f"{batch_size.max():g}; or draw with replacement."
            )
        factor = factor * (dataset_size - batch_size) / np.maximum(dataset_size - 1, 1)
    return factor[..., None, None] * noise_covariance


@formula(
    gradients=finite_array, sampling=one_of(*FRESH, *SUBSETS), probabilities=optional(probabilities)
)
def minibatch_covariance(gradients, batch_size, sampling="with_replacement", probabilities=None):
    """Covariance of the mean gradient of one minibatch of a table, (..., d, d), for every sampling.

    Parameters
    ----------
    gradients : (..., N, d) array
        One row for each example; leading axes are points, as many as there are.
    batch_size : float or array sampling : str
        As in `noise.minibatch`. Sigma/B for "with_replacement" and "population" (the table stands
        for the law); Sigma/B (N - B)/(N - 1) for "without_replacement", and for "reshuffle" and
        "single_shuffle", whose batches are correlated from step to step (see
        `epoch_cross_covariance`).
    probabilities : (N,) array, optional
        With which each example is drawn; "with_replacement" only. The batch gradient weighs example
        i by 1/(N p_i).

    Notes
    -----
    ValueError if B exceeds N where it must not, or probabilities come with another sampling. Exact;
    `gradient_moments` and `batch_covariance` say from what it is derived."""
    if probabilities is not None and sampling != "with_replacement":
        raise ValueError(f"probabilities must be None for sampling = {sampling!r}.")
    covariance = gradient_moments(gradients, probabilities).covariance
    size = gradients.shape[-2] if sampling in SUBSETS else None
    return batch_covariance(covariance, batch_size, size)


@formula(dataset_size=whole(2))
def epoch_cross_covariance(noise_covariance, dataset_size):
    """Covariance -Sigma / (N - 1) of the mean gradients of two different batches of one epoch, (d,
    d).

    Independent of the batch size; it makes the noise of a whole epoch sum to zero. Exact. Derived:
    the batches' sum is constant. Raises ValueError for fewer than two examples."""
    return -noise_covariance / (dataset_size - 1)


def _mean_and_noise(mean_gradient, noise_covariance):
    """G as a row, and Sigma of its dimension."""
    mean = np.atleast_1d(mean_gradient)
    return mean, covariance_matrix(noise_covariance, "noise_covariance", mean.shape[-1])


@formula(mean_gradient=finite_array, dataset_size=optional(all_within(at_least=1)))
def expected_squared_norm(mean_gradient, noise_covariance, batch_size=1, dataset_size=None):
    """E |g|^2 = |G|^2 + tr Cov(g) of a batch gradient, in squared units of the gradient (float or
    array over batch sizes).

    Exact. ``dataset_size`` as in `batch_covariance`. Source: bias-variance decomposition. Raises
    ValueError as `batch_covariance`, or if the dimensions of the two differ."""
    mean, noise = _mean_and_noise(mean_gradient, noise_covariance)
    return np.sum(mean**2, axis=-1) + trace(batch_covariance(noise, batch_size, dataset_size))


@formula(mean_gradient=finite_array)
def simple_noise_scale(mean_gradient, noise_covariance):
    """Batch size tr Sigma / |G|^2 at which noise and mean gradient have equal norm (float,
    dimensionless).

    A quantity of the transient only: near the stationary state G -> 0. The plug-in |G|^2 from n
    examples is biased up by tr Sigma / n. Source: McCandlish et al. 2018; definition. Raises
    ValueError if the mean gradient is zero or the dimensions of the two differ."""
    mean, noise = _mean_and_noise(mean_gradient, noise_covariance)
    square = np.sum(mean**2, axis=-1)
    if np.any(square == 0):
        raise ValueError("mean_gradient must not be zero: the noise scale is infinite there.")
    return trace(noise) / square
