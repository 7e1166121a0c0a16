"""Tensor grids: a box that holds a probability law, its nodes and weights, and the moments of a
density on them."""

import math
from typing import NamedTuple

import numpy as np

from ..arguments import check_count, real_array, shown

LARGEST_GAUSS = 1500  # points of a Gauss-Legendre rule: the cost grows with the cube
MOST_EDGES = 10**6  # of bins along one component
BOX_GROWTH, FROM_START = 1e7, 1e4  # half widths of [-1, 1], or of a start, that a box grows to
DEPTH = 42.0  # a box reaches to exp(-42) = 6e-19 of the largest density


class Wall(NamedTuple):
    """A wall of one component: "periodic" or "reflecting", from `low` to `high`."""

    kind: str
    low: float
    high: float


def spacing_of(axis):
    """The distance of two neighbours on an equally spaced axis."""
    return float(np.ptp(axis[:2]))


def tensor_nodes(axes):
    """All points of the tensor product of one-dimensional grids, shape (n_0, ..., n_{d-1}, d)."""
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def trapezoid_rule(low, high, points):
    """Equally spaced nodes and their weights: spectrally accurate for a density that vanishes at
    both ends."""
    axis = np.linspace(low, high, points)
    weight = np.full(points, spacing_of(axis))
    weight[[0, -1]] /= 2
    return axis, weight


def gauss_rule(low, high, points):
    """Gauss-Legendre nodes and weights, for a density that does not vanish at the ends. Arrays
    `low`, `high` (n,) give (n, points), a rule on each interval."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    half = (np.asarray(high) - low)[..., None] / 2
    return np.asarray(low)[..., None] + half * (nodes + 1), half * weights


def bin_edges(value, name, longest=MOST_EDGES):
    """A check: one strictly increasing array of two or more numbers per component, as a list; only
    the first and the last edge may be infinite. One array is d = 1."""
    try:
        edges = [value] if np.ndim(value[0]) == 0 else list(value)
        sizes = [np.size(edge) for edge in edges]
    except Exception:  # no sequence, or rows of rows: there must be a message
        raise TypeError(f"{name} must be a list of arrays, got {shown(value)}.") from None
    check_count(max(sizes), name, longest)
    edges = [real_array(edge, name) for edge in edges]
    for k, edge in enumerate(edges):
        rises = edge.ndim == 1 and edge.size > 1 and np.all(np.diff(edge) > 0)
        if not (rises and np.isfinite(edge[1:-1]).all()):
            raise ValueError(
                f"{name}[{k}] must be a strictly increasing row of 2 to {longest} numbers, got "
                f"{shown(edge)}."
            )
    return edges


def edges_along(edges, dim, name="edges"):
    """The bin edges, of which there must be one array per component."""
    if len(edges) != dim:
        raise ValueError(
            f"{name} must hold {dim} arrays, one per component of the potential, got {len(edges)}."
        )
    return edges


def bin_rule(edge, order):
    """Gauss-Legendre nodes and weights of all bins of one axis, each of length bins * order."""
    nodes, weights = gauss_rule(edge[:-1], edge[1:], order)
    return nodes.ravel(), weights.ravel()


def tensor_rule(box, points, walled):
    """Axes of a box (d, 2) with some points each, and the quadrature weight of every tensor node:
    Gauss-Legendre along an axis that is walled, else the trapezoid rule."""
    rules = [
        (gauss_rule if wall else trapezoid_rule)(*side, int(count))
        for side, count, wall in zip(box, points, walled, strict=True)
    ]
    axes, weights = zip(*rules, strict=True)
    return axes, math.prod(np.ix_(*weights))


def box_scan(box, points):
    """Equally spaced nodes of a box (d, 2), shape (points, ..., d)."""
    return tensor_nodes([np.linspace(*side, points) for side in box])


def bounding_box(height, dim, level, name, walls=None, start=None, tight=True):
    """Smallest box found on whose open sides `height` is at least `level` above its minimum, shape
    (d, 2).

    `height` maps points (n, d) to (n,), without unit (an energy over a temperature). The box starts
    as `start` (d, 2), by default [-1, 1]^d, or as the `Wall` of a component; each open side moves
    out until it is high enough, then, if it shall be `tight`, all but periodic ones are pulled in.
    Wells are seen on a scan of 33 (d = 3: 17) points an axis: a well narrower than that, far from
    the others, is missed.

    Raises
    ------
    ValueError
        If the box reaches 1e7, or 1e4 times a given start, and some open side is still low:
        exp(-height) is not normalisable, or falls too slowly for a grid. If a well is too narrow to
        pull the box in.
    """
    walls = walls or (None,) * dim
    times = BOX_GROWTH if start is None else FROM_START
    start = np.tile([-1.0, 1.0], (dim, 1)) if start is None else start
    box = np.array(
        [side if wall is None else wall[1:] for side, wall in zip(start, walls, strict=True)]
    )
    middle, farthest = box.mean(axis=1), times * np.ptp(box, axis=1) / 2
    grows = [k for k, wall in enumerate(walls) if wall is None]
    shrinks = [k for k, wall in enumerate(walls) if wall is None or wall.kind != "periodic"]
    lowest = np.inf
    for _ in range(400):
        values, lowest = _scan(height, box, lowest)
        low_sides = [
            (k, side)
            for k in grows
            for side in (0, -1)
            if np.take(values, side, axis=k).min() <= lowest + level
        ]
        if not low_sides:
            return _tighten(height, box, lowest, level, shrinks, name) if tight else box
        width = box[:, 1] - box[:, 0]
        for k, side in low_sides:
            box[k, side] += 0.2 * width[k] * (1 if side else -1)
        if np.any(np.abs(box - middle[:, None]) > farthest[:, None]):
            break
    axis, _ = min(low_sides)
    raise ValueError(
        f"{name} does not rise by {level:g} temperatures along axis {axis} within "
        f"{farthest[axis]:.2g} of {middle[axis]:.6g}: exp(-U/T) is not normalisable (or its tails "
        "are too heavy for a grid, or its unit of length is far from one). Give finite bounds to "
        "normalise it on a box, where an argument takes them."
    )


def warm_box(energy, temperature, dim, level, name, scan, walls=None):
    """A box outside which the energy is `level` local temperatures above its minimum, roughly.

    `energy` and `temperature` map points (n, d) to (n,); the minimum comes from a `scan` of that
    many points an axis of the box of the temperature at the origin (or the middle of the walls)."""
    centre = [
        [0.0 if wall is None else (wall.low + wall.high) / 2 for wall in walls or [None] * dim]
    ]
    start = float(temperature(np.array(centre))[0])
    cold = bounding_box(lambda x: energy(x) / start, dim, level, name, walls)
    lowest = energy(box_scan(cold, scan).reshape(-1, dim)).min()
    return bounding_box(lambda x: (energy(x) - lowest) / temperature(x), dim, level, name, walls)


def _scan(height, box, lowest):
    """Values of `height` on a scan grid of the box, infinite where undefined, and the lowest value
    met so far."""
    nodes = box_scan(box, 17 if len(box) == 3 else 33)
    values = height(nodes.reshape(-1, len(box))).reshape(nodes.shape[:-1])
    values = np.where(np.isnan(values), np.inf, values)
    return values, min(lowest, values.min())


def _tighten(height, box, lowest, level, axes, name):
    """Pull the sides of `axes` in to one scan cell outside the region where `height` is less than
    `level` above its minimum."""
    for _ in range(60):
        values, lowest = _scan(height, box, lowest)
        tight = box.copy()
        for k in axes:
            profile = values.min(axis=tuple(j for j in range(len(box)) if j != k))
            inside = np.flatnonzero(profile < lowest + level)
            axis = np.linspace(*box[k], len(profile))
            if not len(inside):
                raise ValueError(
                    f"{name} is cold: where it is less than {level:g} temperatures above its "
                    f"minimum is narrower than {axis[1] - axis[0]:.2g} along axis {k}, the spacing "
                    "of a scan. Give bounds around its wells, where an argument takes them."
                )
            tight[k] = axis[max(inside[0] - 1, 0)], axis[min(inside[-1] + 1, len(axis) - 1)]
        shrunk = (tight[:, 1] - tight[:, 0]) / (box[:, 1] - box[:, 0])
        box = tight
        if shrunk.min() > 0.85:
            return box
    return box


def grid_moments(nodes, probability, energy, density):
    """Moments of a law on tensor nodes (..., d), by name; `probability` is density times weight."""
    dim = nodes.shape[-1]
    x, p, u = nodes.reshape(-1, dim), probability.ravel(), energy.ravel()
    mean, variance = p @ u, p @ (u - p @ u) ** 2
    entropy = -p @ np.log(np.maximum(density.ravel(), np.finfo(float).tiny))
    second = (x * p[:, None]).T @ x
    moments = {"mean_position": p @ x, "second_moment": second, "fourth_moment": p @ x**4}
    return moments | {"mean_energy": mean, "energy_variance": variance, "entropy": entropy}


def line_moments(x, probability, energy, slope):
    """Moments of a law on nodes (n,) of the line, by name, as numbers."""
    return {
        "mean_position": probability @ x,
        "second_moment": probability @ x**2,
        "fourth_moment": probability @ x**4,
        "mean_energy": probability @ energy,
        "mean_gradient": probability @ slope,
        "virial": probability @ (x * slope),
        "gradient_second_moment": probability @ slope**2,
    }
