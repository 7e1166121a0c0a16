"""Distances between two densities on one grid, or between two histograms."""

import numpy as np


def density_kl(density, reference, weight):
    """Kullback-Leibler divergence KL(p || q) = sum p log(p/q) w of two densities on the same grid,
    in nats.

    Parameters
    ----------
    density, reference : arrays of the same shape
        p and q at the nodes, or probabilities of bins (then `weight` is 1). Both are used as given,
        not renormalised.
    weight : array or float
        Quadrature weight of the nodes.

    Returns
    -------
    float
        In nats. Infinite where p > 0 and q = 0. The error is that of the grid: none is added for
        bins.
    """
    p, q, w = np.broadcast_arrays(
        *(np.asarray(a, dtype=float) for a in (density, reference, weight))
    )
    if np.any(p < 0) or np.any(q < 0):
        raise ValueError(
            f"density and reference must not be negative; their minima are {p.min():g} and "
            f"{q.min():g}"
        )
    inside = (p > 0) & (w > 0)
    if np.any(q[inside] == 0):
        return float("inf")
    return float((p[inside] * np.log(p[inside] / q[inside]) * w[inside]).sum())


def density_hellinger(density, reference, weight):
    """Hellinger distance sqrt(sum (sqrt p - sqrt q)^2 w / 2) of two densities on the same grid,
    from 0 to 1; arguments as `density_kl`.

    It equals sqrt(1 - sum sqrt(p q) w) for normalised laws; this form keeps its digits when p and q
    are close."""
    difference = np.sqrt(np.asarray(density, dtype=float)) - np.sqrt(
        np.asarray(reference, dtype=float)
    )
    return float(np.sqrt((difference**2 * weight).sum() / 2))


def density_w2(x, density, reference):
    """Wasserstein-2 distance of two densities on one increasing one-dimensional grid, in units of
    length.

    W2^2 = integral over u in (0, 1) of (F^-1(u) - G^-1(u))^2. The densities are taken as linear
    between the nodes' midpoints' masses: the distribution functions are linear between nodes, and
    the integral of the squared difference of the quantiles is then exact.

    Parameters
    ----------
    x : (n,) increasing array
        Grid, in units of length.
    density, reference : (n,) arrays
        Not negative; both are normalised here.

    Returns
    -------
    float
        In units of length. Error O(spacing^2) for smooth densities.

    Notes
    -----
    Source: the one-dimensional transport map is monotone (standard). Between Gaussians use the
    closed form."""
    x = np.asarray(x, dtype=float)
    if x.ndim != 1 or np.any(np.diff(x) <= 0):
        raise ValueError("x must be a one-dimensional, strictly increasing grid")
    levels = []
    for name, values in (("density", density), ("reference", reference)):
        values = np.asarray(values, dtype=float)
        if values.shape != x.shape or np.any(values < 0):
            raise ValueError(f"{name} must have the shape {x.shape} of x and no negative entry")
        steps = np.diff(x) * (values[1:] + values[:-1]) / 2
        levels.append(np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum())
    merged = np.unique(np.concatenate(levels))
    # Where a distribution function is flat its quantile jumps; np.interp needs increasing levels,
    # so flat parts are dropped.
    gaps = []
    for side in ("left", "right"):
        quantiles = [_quantile(x, level, merged, side) for level in levels]
        gaps.append(quantiles[0] - quantiles[1])
    after, before = gaps[1][:-1], gaps[0][1:]
    return float(np.sqrt((np.diff(merged) * (after**2 + after * before + before**2) / 3).sum()))


def _quantile(x, level, u, side):
    """Quantiles of a piecewise linear distribution function, at a flat part from the left or from
    the right.
    """
    keep = np.searchsorted(level, u, side=side)
    index = np.clip(keep, 1, len(level) - 1)
    low, high = level[index - 1], level[index]
    part = np.divide(u - low, high - low, out=np.ones_like(u), where=high > low)
    return x[index - 1] + np.clip(part, 0, 1) * (x[index] - x[index - 1])
