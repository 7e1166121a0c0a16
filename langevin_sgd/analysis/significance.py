"""p-values of statements about the means of many numbers per particle."""

import numpy as np

PARTICLES_PER_ENTRY = 10


def hotelling(mean, covariance, particles):
    """p-value of "the means are zero", by Hotelling's T^2 over independent particles.

    Parameters
    ----------
    mean : (p,) array
        Means over the particles.
    covariance : (p, p) array
        Covariance of one particle's numbers, not of their means; dimensionless combinations avoid
        bad conditioning.
    particles : int

    Returns
    -------
    float
        Exact for Gaussian numbers, otherwise to the accuracy of the central limit theorem. Entries
        that are zero for every particle are left out; one that is the same other number for every
        particle makes it 0.

    Raises
    ------
    ValueError
        With fewer than ten particles per entry.

    Notes
    -----
    T^2 = n m' C^-1 m; (n - p)/(p (n - 1)) T^2 has the F law of p and n - p degrees. Source:
    Hotelling 1931 (textbook result)."""
    from scipy.special import fdtrc

    scale = np.sqrt(np.diagonal(covariance))
    used = scale > 0
    entries = int(used.sum())
    if particles < PARTICLES_PER_ENTRY * entries:
        raise ValueError(
            f"a joint p-value of {entries} numbers needs at least {PARTICLES_PER_ENTRY * entries} "
            f"particles, got {particles}. "
            "Simulate more."
        )
    if np.any(np.abs(mean[~used]) > 1e-12 * np.abs(mean).max()):
        return 0.0
    if entries == 0:
        return 1.0
    z = mean[used] / scale[used]
    correlation = covariance[np.ix_(used, used)] / np.outer(scale[used], scale[used])
    values, vectors = np.linalg.eigh(correlation)
    kept = values > 1e-10
    rank = int(kept.sum())
    squared = particles * float(np.sum((z @ vectors[:, kept]) ** 2 / values[kept]))
    return float(
        fdtrc(rank, particles - rank, (particles - rank) / (rank * (particles - 1)) * squared)
    )


def largest_of(z):
    """p-value of "all means are zero" from the largest |z| of any number of z-scores, by
    Bonferroni's bound.
    """
    from scipy.special import ndtr

    z = np.abs(np.ravel(z))
    return float(min(1.0, 2 * len(z) * ndtr(-z.max()))) if len(z) else 1.0
