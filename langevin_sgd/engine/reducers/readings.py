"""From accumulators to estimates: sums in a fixed order, and errors from replicates, independent
groups of particles.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

REPLICATES = 64  # shares of the particles that are counted apart, so that counts have errors ...
UNIT = 16  # ... of whole groups, however wide they are, where there are enough
MATRIX = "component", "component_j"


class Readings(NamedTuple):
    """What a reducer read in a run."""

    acc: np.ndarray  # (particles, size)
    counts: np.ndarray  # (replicates, *bins, 1 + weights), whole numbers
    observations: np.ndarray  # (particles,) how often each particle was read
    independent: bool  # False if particles share batches: then errors are nan
    records: tuple  # (model, dynamics, noise) of the run


class Estimate(NamedTuple):
    """One variable that a reducer adds to the dataset, with its standard error."""

    key: str  # behind the name of the reducer
    dims: Any
    long_name: str
    units: str
    of_means: Callable  # from the means per reading (..., size) to the value, leading axes kept


def replicates(particles):
    """The replicate of each particle: up to REPLICATES shares of nearly equal size."""
    unit = UNIT if particles >= REPLICATES * UNIT else 1
    return (np.arange(particles) // unit) * min(particles, REPLICATES) // -(-particles // unit)


def tree_sum(values):
    """Sum over the first axis, neighbours in pairs, then neighbouring pairs ...: the same bits on
    any machine.
    """
    while len(values) > 1:
        if len(values) % 2:
            values = np.concatenate([values, np.zeros_like(values[:1])])
        values = values[0::2] + values[1::2]
    return values[0]


def add_up(readings):
    """Sums of the accumulators (replicates, 1 + size) over the particles of each replicate, behind
    the number of readings.
    """
    table = np.column_stack([readings.observations.astype(np.float64), readings.acc])
    edges = np.searchsorted(replicates(len(table)), np.arange(len(readings.counts) + 1))
    return np.array([tree_sum(table[a:b]) for a, b in zip(edges, edges[1:], strict=False) if b > a])


def add_up_counts(counts, inner):
    """As `add_up`, for whole numbers: readings of each replicate (replicates, ...), then `inner`
    (replicates, ...), flat.
    """
    readings = counts.reshape(len(counts), -1).sum(axis=1)
    read = readings >= min(1, readings.max())  # one that read nothing has no say, unless none has
    return np.column_stack([readings[read], inner[read].reshape(read.sum(), -1)]).astype(np.float64)


def mean_and_error(estimate, sums, independent=True):
    """`estimate(means)` from all replicates and its standard error, by the jackknife that leaves
    out one replicate at a time.

    Parameters
    ----------
    estimate : callable
        From the means per reading (..., size) to an array (..., ...), the leading axes kept.
    sums : (replicates, 1 + size) array
        Of `add_up`: numbers of readings, then sums.
    independent : bool
        Errors are nan if the particles are dependent, or with fewer than two replicates.

    Returns
    -------
    (array, array)
        The estimate and its standard error. With 64 replicates the error itself is known to 9 %.
        Source: Efron and Stein 1981.
    """
    total, n = tree_sum(sums), len(sums)
    value = estimate(total[1:] / total[0])
    if n < 2 or not independent:
        return value, np.full_like(value, np.nan)
    rest = total - sums
    without = estimate(rest[:, 1:] / rest[:, :1])
    return value, np.sqrt((n - 1) / n * tree_sum((without - tree_sum(without) / n) ** 2))


def unbiased_and_error(estimate, sums, independent=True):
    """As `mean_and_error`, less the bias of order 1/n that the jackknife sees. Source: Quenouille
    1956."""
    value, error = mean_and_error(estimate, sums, independent)
    rest, n = tree_sum(sums) - sums, len(sums)
    if n < 2:
        return value, error
    return n * value - (n - 1) / n * tree_sum(estimate(rest[:, 1:] / rest[:, :1])), error


def labelled(dims, values, long_name, units="1"):
    """A variable of a dataset."""
    return dims, values, {"long_name": long_name, "units": units}


def with_error(name, dims, pair, long_name, units="1"):
    """A variable and its standard error, as a dict name -> (dims, values, attributes)."""
    value, error = pair
    error_name = f"standard error of the {long_name}"
    return {
        name: labelled(dims, value, long_name, units),
        f"{name}_standard_error": labelled(dims, error, error_name, units),
    }


def error_of_fraction(count, n):
    """Standard error of count/n: of Laplace's estimate, which is not certain for none or all."""
    likely = (count + 1) / (n + 2)
    return np.sqrt(likely * (1 - likely) / (n + 3))


def variables_of(name, estimates, readings, sums=None):
    """The variables of a sequence of `Estimate`s, named `name`_key."""
    sums, variables = add_up(readings) if sums is None else sums, {}
    for estimate in estimates:
        pair = mean_and_error(estimate.of_means, sums, readings.independent)
        full_name = f"{name}_{estimate.key}" if estimate.key else name
        variables |= with_error(full_name, estimate.dims, pair, estimate.long_name, estimate.units)
    return variables


def covariance_of(lower, d):
    """Symmetric matrices (..., d, d) from the rows of their lower triangles (..., d (d + 1)/2)."""
    rows, columns = np.tril_indices(d)
    matrix = np.empty((*lower.shape[:-1], d, d))
    matrix[..., rows, columns] = lower
    matrix[..., columns, rows] = lower
    return matrix
