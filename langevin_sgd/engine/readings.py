"""From accumulators to estimates: sums in a fixed order, and errors from replicates, independent
groups of particles.
"""

from typing import NamedTuple

import numpy as np

from .cpu import replicates


class Readings(NamedTuple):
    """What a reducer read in a run."""

    acc: np.ndarray  # (particles, size)
    counts: np.ndarray  # (replicates, *bins, 1 + weights), whole numbers
    observations: np.ndarray  # (particles,) how often each particle was read
    independent: bool  # False if particles share batches: then errors are nan
    records: tuple  # (model, dynamics, noise) of the run


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
    read = readings >= min(
        1, readings.max()
    )  # a replicate that read nothing has no say, unless none has
    return np.column_stack([readings[read], inner[read].reshape(read.sum(), -1)]).astype(np.float64)


def mean_and_error(estimate, sums, readings):
    """`estimate(means)` from all replicates and its standard error, by the jackknife that leaves
    out one replicate at a time.

    Parameters
    ----------
    estimate : callable
        From the means per reading (..., size) to an array (..., ...), the leading axes kept.
    sums : (replicates, 1 + size) array
        Of `add_up`: numbers of readings, then sums.
    readings : Readings
        Errors are nan if its particles are dependent, or with fewer than two replicates.

    Returns
    -------
    (array, array)
        The estimate and its standard error. With 64 replicates the error itself is known to 9 %.
        Source: Efron and Stein 1981.
    """
    total = tree_sum(sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = estimate(total[1:] / total[0])
        if len(sums) < 2 or not readings.independent:
            return value, np.full_like(value, np.nan)
        rest = total - sums
        without = estimate(rest[:, 1:] / rest[:, :1])
        n = len(sums)
        return value, np.sqrt((n - 1) / n * tree_sum((without - tree_sum(without) / n) ** 2))


def with_error(name, dims, pair, long_name, units):
    """A variable and its standard error, as a dict name -> (dims, values, attributes)."""
    labels, error = (
        {"long_name": text, "units": units}
        for text in (long_name, f"standard error of the {long_name}")
    )
    return {name: (dims, pair[0], labels), f"{name}_standard_error": (dims, pair[1], error)}
