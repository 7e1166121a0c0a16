"""The exact side of three_tails.py: tails on the edges of the bins, what fits to them would find,
and what a finite table does to them."""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.special import ndtr

import langevin_sgd as ls

BINS = 1000  # on each side of zero
DECADES = np.arange(2, 8)
ENDS = {0.1: 4.0, 0.2: 16.0, 0.3: 60.0}  # lengths at which P < 1e-9
TABLE_RATE, MANY = 0.2, 10**5  # learning rate of the tables; rows of the largest
TABLES = 400  # of one size, whose largest input is looked at


class Law(NamedTuple):
    """Of one learning rate: edges of the bins (without 0), exact tail and local exponent there, the
    numbers of the edges nearest to P = 1e-2 ... 1e-7, and the tail probability below which the
    local exponent is nearer to Kesten's than to another theory's, for good."""

    edges: np.ndarray
    tail: np.ndarray
    exponent: np.ndarray
    at: np.ndarray
    first_right: float


@cache
def law_of(rate):
    """Bins that reach to P = 1e-9."""
    grid = np.geomspace(1e-3, ENDS[rate], 4000)
    exact, known = ls.theory.regression_tail(grid, 1, 1, rate), ls.theory.tail_exponents(1, rate)
    log = np.log(exact.probability)
    edges = np.interp(9 * np.log(10), -log, grid) * np.arange(1, BINS + 1) / BINS
    tail, exponent = np.exp(CubicSpline(grid, log)(edges)), np.interp(edges, grid, exact.exponent)
    at = np.abs(np.log10(tail)[:, None] + DECADES).argmin(axis=0)
    nearest = np.abs(exact.exponent[:, None] - np.array(known)).argmin(axis=1)
    wrong = np.flatnonzero((nearest > 0) & (exact.probability > 1e-13))
    return Law(edges, tail, exponent, at, exact.probability[wrong[-1]])


def theories(distance, rate):
    """Tails of the diffusion with the true covariance of the noise, and of the one that takes it
    for 2 L H: Student's laws."""
    slopes = 2 * rate, rate
    return np.array([ls.theory.student_tail(distance, 1, s, rate / (2 * s)) for s in slopes])


def hill(law, at, tail):
    """Hill's estimate from what lies beyond the edges `at`, of a tail (..., edges): P(t) over its
    integral over d log t, by the trapezoidal rule on the bins."""
    log = np.log(law.edges)
    pieces = (tail[..., 1:] + tail[..., :-1]) / 2 * np.diff(log)
    beyond = np.cumsum(pieces[..., ::-1], axis=-1)[..., ::-1]
    return tail[..., at] / beyond[..., at]


def line(law, lowest, tail):
    """Slope of the least-squares line through log P against log t, of a tail (..., edges), from P =
    1e-3 to the lowest one."""
    inside = (law.tail < 1e-3) & (law.tail > lowest)
    x = np.log(law.edges[inside])
    x -= x.mean()
    return -(np.log(tail[..., inside]) @ x) / (x @ x)


def table_of(size, rng, plant=False):
    """Inputs and labels of a table."""
    inputs, labels = rng.normal(size=(2, size))
    return inputs, labels * (np.sqrt(2) if plant else 1)


def table_exponent(multipliers):
    """Kesten's exponent of a table, infinite if no multiplier is above 1: a bounded law."""
    log = np.log(np.abs(multipliers))
    if log.max() <= 0:
        return np.inf

    def growth(kappa):
        return np.logaddexp.reduce(kappa * log) - np.log(len(log))

    high = 1.0
    while growth(high) < 0:
        high *= 2
    return brentq(growth, 1e-6, high)


def many_exponents(rates, seed, count):
    """Exponents of large tables, the same for all rates, (rates, count)."""
    inputs = np.random.default_rng([seed, MANY]).normal(size=(count, MANY))
    return np.array([[table_exponent(1 - rate * each**2) for each in inputs] for rate in rates])


def reach(inputs, labels, rate):
    """The largest |x| of the support of the stationary law of a table, infinite if a multiplier is
    above 1. Its interval is mapped onto itself by the rows x -> m x + b together: the rows that
    make its two ends, and the ends that solve theirs, in turn until they stay."""
    m, b = 1 - rate * inputs**2, rate * inputs * labels
    if np.abs(m).max() >= 1:
        return np.inf
    low, high, rows = 0.0, 0.0, None
    while True:
        images = m * np.where(m > 0, low, high) + b, m * np.where(m > 0, high, low) + b
        new = images[0].argmin(), images[1].argmax()
        if new == rows:
            return max(-low, high)
        rows, matrix = new, np.eye(2)
        for end, row in enumerate(rows):
            matrix[end, end if m[row] > 0 else 1 - end] -= m[row]
        low, high = np.linalg.solve(matrix, b[list(rows)])


def cut_of(law, tail, readings):
    """The last edge at which a tail is at least half the online one, and whether that is where
    readings run out and not the law."""
    seen = law.tail * readings > 20
    k = np.flatnonzero((tail >= law.tail / 2) & seen)[-1]
    return k, k == np.flatnonzero(seen)[-1]


def bounded_share(size, rate):
    """The probability that the law of a table is bounded: no input exceeds sqrt(2/rate)."""
    return (2 * ndtr(np.sqrt(2 / rate)) - 1) ** size


def bounded_tables(size, rate, rng):
    """The share of TABLES tables whose law is bounded."""
    return np.mean([rate * np.max(rng.normal(size=size) ** 2) < 2 for _ in range(TABLES)])


def half_bounded(rate):
    """The number of rows at which half the tables have a bounded law."""
    return -np.log(2) / np.log(bounded_share(1, rate))
