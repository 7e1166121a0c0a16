"""Covariance of a minibatch gradient, however the batch is drawn, and the scalars made from it."""

from typing import NamedTuple

import numpy as np

from .inputs import covariance_matrix, in_range, real_array, whole_number


class GradientMoments(NamedTuple):
    """``mean`` (d,) gradient G of a table and ``covariance`` (d, d) Sigma of one example's
    gradient, with 1/N.
    """

    mean: np.ndarray
    covariance: np.ndarray


def gradient_moments(gradients):
    """Mean and covariance of a table of per-example gradients, (N, d), as `GradientMoments`.

    Sigma = (1/N) sum (g_i - G)(g_i - G)': the table is the population, so the divisor is N. In
    units of the gradient and its square. Raises ValueError if the table is not two-dimensional.
    Source: definition."""
    gradients = real_array("gradients", gradients)
    if gradients.ndim != 2 or 0 in gradients.shape:
        raise ValueError(
            f"gradients has shape {gradients.shape}; pass one row of d numbers for each example"
        )
    mean = gradients.mean(axis=0)
    centred = gradients - mean
    return GradientMoments(mean, centred.T @ centred / len(gradients))


def batch_covariance(noise_covariance, batch_size, dataset_size=None):
    """Covariance of the mean gradient of one batch, (..., d, d).

    Sigma / B for draws with replacement (``dataset_size=None``), Sigma / B (N - B) / (N - 1) for a
    subset of N examples.

    Parameters
    ----------
    noise_covariance : (d, d) matrix, (d,) variances or scalar
        Sigma of ONE example, divisor N (see `gradient_moments`).
    batch_size : float or array
        B >= 1.
    dataset_size : int or array, optional
        N >= B, for batches without replacement; also the covariance of each single batch of a
        reshuffled epoch.

    Raises
    ------
    ValueError
        If B exceeds N.

    Notes
    -----
    Exact. Source: survey sampling, derived from Cov(g_i, g_j) = -Sigma / (N - 1) for two different
    members of a subset."""
    noise = covariance_matrix("noise_covariance", noise_covariance)
    batch = in_range("batch_size", batch_size, 1.0, np.inf, closed_low=True)
    factor = np.asarray(1.0 / batch)
    if dataset_size is not None:
        examples = in_range("dataset_size", dataset_size, 1.0, np.inf, closed_low=True)
        if np.any(batch > examples):
            raise ValueError(
                f"batch_size = {batch.max():g} exceeds dataset_size = {examples.min():g}: draw "
                "with replacement instead"
            )
        factor = factor * (examples - batch) / np.maximum(examples - 1, 1)
    return factor[..., None, None] * noise


def epoch_cross_covariance(noise_covariance, dataset_size):
    """Covariance -Sigma / (N - 1) of the mean gradients of two different batches of one epoch, (d,
    d).

    In squared units of the gradient. Independent of the batch size; it makes the noise of a whole
    epoch sum to zero. Exact. Derived: the batches' sum is constant. Raises ValueError for fewer
    than two examples."""
    examples = whole_number("dataset_size", dataset_size, 2)
    return -covariance_matrix("noise_covariance", noise_covariance) / (examples - 1)


def expected_squared_norm(mean_gradient, noise_covariance, batch_size=1, dataset_size=None):
    """E |g|^2 = |G|^2 + tr Cov(g) of a batch gradient, in squared units of the gradient (float or
    array over batch sizes).

    Exact. ``dataset_size`` as in `batch_covariance`. Source: bias-variance decomposition. Raises
    ValueError as `batch_covariance`, or if the dimensions of the two differ."""
    mean = np.atleast_1d(real_array("mean_gradient", mean_gradient))
    noise = covariance_matrix("noise_covariance", noise_covariance, mean.shape[-1])
    covariance = batch_covariance(noise, batch_size, dataset_size)
    return np.sum(mean**2, axis=-1) + np.trace(covariance, axis1=-2, axis2=-1)


def simple_noise_scale(mean_gradient, noise_covariance):
    """Batch size tr Sigma / |G|^2 at which noise and mean gradient have equal norm (float,
    dimensionless).

    A quantity of the transient only: near the stationary state G -> 0. The plug-in |G|^2 from n
    examples is biased up by tr Sigma / n. Source: McCandlish et al. 2018 (not read); definition.
    Raises ValueError if the mean gradient is zero or the dimensions of the two differ."""
    mean = np.atleast_1d(real_array("mean_gradient", mean_gradient))
    square = np.sum(mean**2, axis=-1)
    if np.any(square == 0):
        raise ValueError("mean_gradient is zero: at a minimum the noise scale is infinite")
    noise = covariance_matrix("noise_covariance", noise_covariance, mean.shape[-1])
    return np.trace(noise, axis1=-2, axis2=-1) / square
