"""Distances between Gaussian laws in closed form: what a sampled distance should converge to."""

import numpy as np

from ..arguments import covariance_matrix
from .linear_process import trace
from .meanings import exact


@exact
def gaussian_kl(mean_p, covariance_p, mean_q, covariance_q):
    """Kullback-Leibler divergence KL(p || q) of two Gaussian laws, in nats.

    Parameters
    ----------
    mean_p, mean_q : (..., d) arrays
        In units of x; leading axes broadcast.
    covariance_p, covariance_q : (..., d, d) arrays
        P and Q, positive definite.

    Returns
    -------
    (...) array
        [tr(Q^-1 P) - d - log det(Q^-1 P) + (q - p)' Q^-1 (q - p)] / 2.

    Raises
    ------
    ValueError
        If a covariance is not positive definite, or the dimensions differ.

    Notes
    -----
    Exact. For variances 1 + eps and 1 it is eps^2/4 to leading order. Source: standard; derived by
    direct integration.

    Examples
    --------
    Variance 2 against 1: (2 - 1 - log 2)/2.

    >>> round(float(ls.theory.gaussian_kl(0.0, 2.0, 0.0, 1.0)), 4)
    0.1534
    """
    shift, p, q = _laws(mean_p, covariance_p, mean_q, covariance_q)
    # log det from the eigenvalues of Q^-1 P - 1: no cancellation between nearly equal laws
    excess = np.linalg.eigvals(np.linalg.solve(q, p - q)).real
    return np.sum(excess - np.log1p(excess), axis=-1) / 2 + _mahalanobis(shift, q) / 2


@exact(covariance_p=covariance_matrix, covariance_q=covariance_matrix)
def gaussian_wasserstein2(mean_p, covariance_p, mean_q, covariance_q):
    """Wasserstein distance of order 2 between two Gaussian laws, in units of x.

    Parameters
    ----------
    mean_p, mean_q : (..., d) arrays
        In units of x; leading axes broadcast.
    covariance_p, covariance_q : (..., d, d) arrays
        P and Q; singular ones are allowed, a point mass too.

    Returns
    -------
    (...) array
        Not squared.

    Raises
    ------
    ValueError
        If a covariance has a negative eigenvalue, or the dimensions differ.

    Notes
    -----
    W2^2 = (p - q).(p - q) + tr(P + Q - 2 (Q^1/2 P Q^1/2)^1/2). Exact. Source: Bures metric;
    standard.

    Examples
    --------
    Means 3 apart, standard deviations 1 and 5: 3^2 + 4^2 = 5^2.

    >>> float(ls.theory.gaussian_wasserstein2(0.0, 1.0, 3.0, 25.0))
    5.0
    """
    shift, p, q = _laws(mean_p, covariance_p, mean_q, covariance_q)
    root = _square_root(q)
    overlap = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ p @ root), 0.0)).sum(axis=-1)
    square = np.sum(shift**2, axis=-1) + (trace(p) + trace(q)) - 2 * overlap
    return np.sqrt(np.maximum(square, 0.0))


@exact
def gaussian_hellinger(mean_p, covariance_p, mean_q, covariance_q):
    """Hellinger distance between two Gaussian laws, from 0 to 1.

    Parameters
    ----------
    mean_p, covariance_p, mean_q, covariance_q
        As in `gaussian_kl`.

    Returns
    -------
    (...) array
        Not squared.

    Raises
    ------
    ValueError
        As `gaussian_kl`.

    Notes
    -----
    H^2 = 1 - int sqrt(p q) = 1 - exp(-BD), BD the Bhattacharyya distance. Exact. Source: standard;
    derived by direct integration.

    Examples
    --------
    Standard deviations 1 and 2: H^2 = 1 - sqrt(2 * 1 * 2/(1 + 4)).

    >>> round(float(ls.theory.gaussian_hellinger(0.0, 1.0, 0.0, 4.0)), 4)
    0.3249
    """
    shift, p, q = _laws(mean_p, covariance_p, mean_q, covariance_q)
    middle = (p + q) / 2
    log_p, log_q, log_middle = (np.linalg.slogdet(matrix)[1] for matrix in (p, q, middle))
    distance = _mahalanobis(shift, middle) / 8 + (log_middle - (log_p + log_q) / 2) / 2
    return np.sqrt(-np.expm1(-np.maximum(distance, 0.0)))


@exact
def gaussian_stein_discrepancy(variance, length=1.0):
    """Squared kernel Stein discrepancy of N(0, variance) from N(0, 1), and the bias of a sample.

    Parameters
    ----------
    variance : float or array
        Of the law that is judged; broadcasts with `length`.
    length : float or array
        Of the kernel exp(-(x - y)^2 / (2 length^2)).

    Returns
    -------
    discrepancy, diagonal : floats or arrays
        Dimensionless; a V-statistic of n samples has the bias diagonal / n.

    Raises
    ------
    ValueError
        For a variance or length that is not positive.

    Notes
    -----
    Population value (1/variance - 1)^2 E[x y k(x, y)]; diagonal = variance + 1/length^2 (target
    score -x). Exact. Liu et al. 2016 and Chwialkowski et al. 2016; derived by Gaussian integrals.

    Examples
    --------
    For the target itself the discrepancy is 0, and what n samples show is the bias 2/n; variance 2
    gives (1/2)^2 (1/2) (5/4)^(-3/2) = 0.0894.

    >>> discrepancy, diagonal = ls.theory.gaussian_stein_discrepancy([1.0, 2.0])
    >>> discrepancy.round(4).tolist(), diagonal.tolist()
    ([0.0, 0.0894], [2.0, 3.0])
    """
    precision, coupling = 1 / variance, 1 / length**2
    determinant = precision * (precision + 2 * coupling)
    overlap = precision * coupling * determinant**-1.5
    return (precision - 1) ** 2 * overlap, variance + coupling


@exact
def gaussian_mmd(variance, length=1.0):
    """Squared maximum mean discrepancy between N(0, variance) and N(0, 1), for a Gaussian kernel.

    Parameters
    ----------
    variance : float or array
        Of the law that is judged; broadcasts with `length`.
    length : float or array
        Of the kernel exp(-(x - y)^2 / (2 length^2)).

    Returns
    -------
    float or array
        Dimensionless.

    Raises
    ------
    ValueError
        For a variance or length that is not positive.

    Notes
    -----
    E k over N(0, s) is length / sqrt(length^2 + s): with s = 2 variance, 1 + variance and 2. Exact;
    derived.

    Examples
    --------
    Variance 2: 1/sqrt(5) + 1/sqrt(3) - 2/sqrt(4).

    >>> round(float(ls.theory.gaussian_mmd(2.0)), 4)
    0.0246
    """

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
    """The square shift' covariance^-1 shift, (...)."""
    return np.sum(shift * np.linalg.solve(covariance, shift[..., None])[..., 0], axis=-1)


def _square_root(matrix):
    """Symmetric square root of a positive semidefinite matrix, (..., d, d)."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]) @ vectors.mT
