"""What a test found, p-values of many numbers together, and the one decision from all of them; and
means without one group of particles at a time, for a jackknife."""

from typing import NamedTuple

import numpy as np

PARTICLES_PER_ENTRY = 10
IN_SIGHT = 1e6  # times the particles: more are no advice


class Deviation(NamedTuple):
    """What one test found.

    ``effect``: dimensionless numbers that are 0 under the law tested and do not change under
    linear changes of coordinates; ``error``: their standard errors; ``p_value``: of "all are 0"."""

    effect: np.ndarray
    error: np.ndarray
    p_value: float

    def largest(self):
        """The largest deviation and its error; of two as large, but for rounding, the positive."""
        size = np.abs(self.effect)
        largest = np.flatnonzero(size >= size.max() * (1 - 1e-9))
        k = largest[self.effect[largest].argmax()]
        return self.effect[k], self.error[k]


class Decision(NamedTuple):
    """One decision from many tests: the ``word``, Holm's ``adjusted`` p-values in the order of the
    tests, the ``family_p_value``, and ``more``: by which factor the number of particles would have
    to grow for a decision (1 if there is one, infinite if none is in sight)."""

    word: str
    adjusted: np.ndarray
    family_p_value: float
    more: float


def holm(p_values):
    """p-values adjusted for their number by Holm's step-down method (1979); the smallest is the
    p-value of the family. Valid whatever the dependence of the tests."""
    p_values = np.asarray(p_values, dtype=float)
    order = np.argsort(p_values)
    rising = np.maximum.accumulate(np.arange(len(order), 0, -1) * p_values[order])
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(rising, 1.0)
    return adjusted


def decide(deviations, tolerance, level):
    """The `Decision` from a list of `Deviation`: one procedure for words and p-values.

    "departs": the family's p-value is below `level`, and the simultaneous interval (Bonferroni) of
    some deviation lies beyond the tolerance. "consistent within tolerance": for every deviation
    the two one-sided tests at `level` say that it is smaller than the tolerance (equivalence; an
    intersection-union test needs no correction for their number, Berger 1982). Else "undecided".
    """
    from scipy.special import ndtri

    adjusted = holm([deviation.p_value for deviation in deviations])
    family = adjusted.min()
    effect = np.abs(np.concatenate([deviation.effect for deviation in deviations]))
    error = np.concatenate([deviation.error for deviation in deviations])
    beyond = -ndtri(level / (2 * len(effect))) * error
    within = -ndtri(level) * error
    if np.all(effect + within < tolerance):
        return Decision("consistent within tolerance", adjusted, family, 1.0)
    if family < level and np.any(effect - beyond > tolerance):
        return Decision("departs", adjusted, family, 1.0)
    # With more particles errors shrink, deviations that may be noise with them; others stay.
    clear = effect > 2 * error
    stays, shrinks = np.where(clear, effect, 0.0), within + np.where(clear, 0.0, effect)
    with np.errstate(divide="ignore"):
        of_intervals = np.where(stays > tolerance, beyond / (stays - tolerance), np.inf).min()
        of_p_value = ndtri(level / 2) / ndtri(family / 2) if family < 1 else np.inf
        to_consistent = np.where(stays < tolerance, shrinks / (tolerance - stays), np.inf).max()
    to_departs = max(of_intervals, of_p_value)
    more = min(to_departs, to_consistent) ** 2
    return Decision("undecided", adjusted, family, more if more < IN_SIGHT else np.inf)


def left_out(means, counts):
    """Means of all particles, and of those outside each group, (1 + groups, ...), from the means of
    groups (groups, ...) of so many."""
    weights = counts.reshape(-1, *[1] * (means.ndim - 1))
    total = (weights * means).sum(axis=0)
    rest = (total - weights * means) / (counts.sum() - weights)
    return np.concatenate([total[None] / counts.sum(), rest])


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
    square, rank = _squared_length(z, correlation, 1e-10)
    freedom = particles - rank
    return float(fdtrc(rank, freedom, freedom / (rank * (particles - 1)) * (particles * square)))


def _squared_length(mean, covariance, least):
    """m' C^-1 m in the directions of a variance above `least`, and their number."""
    values, vectors = np.linalg.eigh(covariance)
    kept = np.abs(values) > least
    square = np.sum((mean @ vectors[:, kept]) ** 2 / np.abs(values[kept]))
    return float(square), int(kept.sum())


def of_variance(mean, covariance):
    """p-value of "the means are zero" for means of the given covariance, whose estimate does not
    share their noise: chi-squared.

    Combinations whose variance is a billionth of the largest are left out. Of one that an estimate
    gives a negative variance, which no Boltzmann law has, the size is taken."""
    from scipy.special import chdtrc

    square, rank = _squared_length(mean, covariance, 1e-9 * np.linalg.norm(covariance, 2))
    return float(chdtrc(rank, square)) if rank else 1.0
