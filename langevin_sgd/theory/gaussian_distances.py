"""Distances between Gaussian laws in closed form: what a sampled distance should converge to."""

import numpy as np

from ..arguments import all_within, covariance_matrix, finite_array, formula, positive_matrix
from .linear_process import trace, transpose

MEANS = {"mean_p": finite_array, "mean_q": finite_array}
DEFINITE = {**MEANS, "covariance_p": positive_matrix, "covariance_q": positive_matrix}
WIDTHS = all_within(above=0)


@formula(**DEFINITE)
def gaussian_kl(mean_p, covariance_p, mean_q, covariance_q):
    """Kullback-Leibler divergence KL(p || q) of N(mean_p, covariance_p) from N(mean_q,
    covariance_q), in nats, (...).

    [tr(Q^-1 P) - d - log det(Q^-1 P) + (q - p)' Q^-1 (q - p)] / 2. Means (..., d), covariances
    (..., d, d) positive definite; leading axes broadcast. Exact. For variances 1 + eps and 1 it is
    eps^2/4 to leading order. Source: standard; derived by direct integration."""
    shift, p, q = _laws(mean_p, covariance_p, mean_q, covariance_q)
    # log det from the eigenvalues of Q^-1 P - 1: no cancellation between nearly equal laws
    excess = np.linalg.eigvals(np.linalg.solve(q, p - q)).real
    return np.sum(excess - np.log1p(excess), axis=-1) / 2 + _mahalanobis(shift, q) / 2


@formula(**MEANS, covariance_p=covariance_matrix, covariance_q=covariance_matrix)
def gaussian_wasserstein2(mean_p, covariance_p, mean_q, covariance_q):
    """Wasserstein distance of order 2 between two Gaussians, (...), in units of x (not squared).

    W2^2 = |p - q|^2 + tr(P + Q - 2 (Q^1/2 P Q^1/2)^1/2); singular covariances are allowed, a point
    mass too. Exact. Source: Bures metric; standard."""
    shift, p, q = _laws(mean_p, covariance_p, mean_q, covariance_q)
    root = _square_root(q)
    overlap = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ p @ root), 0.0)).sum(axis=-1)
    square = np.sum(shift**2, axis=-1) + (trace(p) + trace(q)) - 2 * overlap
    return np.sqrt(np.maximum(square, 0.0))


@formula(**DEFINITE)
def gaussian_hellinger(mean_p, covariance_p, mean_q, covariance_q):
    """Hellinger distance between two Gaussians, (...), in [0, 1] (not squared).

    H^2 = 1 - int sqrt(p q) = 1 - exp(-BD), BD the Bhattacharyya distance. Exact. Source: standard;
    derived by direct integration."""
    shift, p, q = _laws(mean_p, covariance_p, mean_q, covariance_q)
    middle = (p + q) / 2
    log_p, log_q, log_middle = (np.linalg.slogdet(matrix)[1] for matrix in (p, q, middle))
    distance = _mahalanobis(shift, middle) / 8 + (log_middle - (log_p + log_q) / 2) / 2
    return np.sqrt(-np.expm1(-np.maximum(distance, 0.0)))


@formula(variance=WIDTHS, length=WIDTHS)
def gaussian_stein_discrepancy(variance, length=1.0):
    """Squared kernel Stein discrepancy of N(0, variance) from the target N(0, 1), and the mean
    diagonal of its Stein kernel.

    Kernel exp(-(x - y)^2 / (2 length^2)). Population value (1/variance - 1)^2 E[x y k(x, y)]; a
    V-statistic of n samples has the bias diagonal / n with diagonal = variance + 1/length^2 (target
    score -x). Exact, dimensionless, arrays broadcast. Liu et al. 2016 and Chwialkowski et al. 2016;
    derived by Gaussian integrals."""
    precision, coupling = 1 / variance, 1 / length**2
    determinant = precision * (precision + 2 * coupling)
    overlap = precision * coupling * determinant**-1.5
    return (precision - 1) ** 2 * overlap, variance + coupling


@formula(variance=WIDTHS, length=WIDTHS)
def gaussian_mmd(variance, length=1.0):
    """Squared maximum mean discrepancy between N(0, variance) and N(0, 1), kernel exp(-(x - y)^2/(2
    length^2)), (...).

    E k over N(0, s) is length / sqrt(length^2 + s): with s = 2 variance, 1 + variance and 2. Exact;
    derived."""

    def mean_kernel(spread):
        return length / np.sqrt(length**2 + spread)

    return mean_kernel(2 * variance) + mean_kernel(2.0) - 2 * mean_kernel(1 + variance)


def _laws(mean_p, p, mean_q, q):
    """The difference of the means, as wide as the covariances, and both covariances."""
    shift = np.atleast_1d(mean_p - mean_q)
    if p.shape[-1] != q.shape[-1] or shift.shape[-1] not in (1, p.shape[-1]):
        raise ValueError(
            "mean_p, mean_q, covariance_p and covariance_q must have one dimension, got means of "
            f"{shift.shape[-1]}, covariance_p of {p.shape[-1]} and covariance_q of {q.shape[-1]}."
        )
    return np.broadcast_to(shift, (*shift.shape[:-1], p.shape[-1])), p, q


def _mahalanobis(shift, covariance):
    """shift' covariance^-1 shift, (...)."""
    return np.sum(shift * np.linalg.solve(covariance, shift[..., None])[..., 0], axis=-1)


def _square_root(matrix):
    """Symmetric square root of a positive semidefinite matrix, (..., d, d)."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]) @ transpose(vectors)
