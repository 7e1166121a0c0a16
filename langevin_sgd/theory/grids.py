"""Tensor grids: a box that holds a probability law, its nodes and weights, and the moments of a
density on them.
"""

import numpy as np
import xarray as xr

DIMS = ("axis_0", "axis_1", "axis_2")
QUANTITIES = {  # name: (dimensions, what it is, unit)
    "mean_position": (("component",), "mean position", "length"),
    "second_moment": (("component", "component_j"), "raw second moment E[x_i x_j]", "length^2"),
    "fourth_moment": (("component",), "raw fourth moment E[x_i^4]", "length^4"),
    "mean_energy": ((), "mean energy E[U]", "energy"),
    "energy_variance": ((), "variance of the energy", "energy^2"),
    "entropy": ((), "differential entropy -E[log p]", "1"),
}


def tensor_nodes(axes):
    """All points of the tensor product of one-dimensional grids, shape (n_0, ..., n_{d-1}, d)."""
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def tensor_weight(weights):
    """Quadrature weight of every tensor node: the product of the one-dimensional weights."""
    product = np.ones(())
    for weight in weights:
        product = product[..., None] * weight
    return product


def trapezoid_axes(box, points):
    """Equally spaced nodes on a box (d, 2) and their weights, one array per axis.

    The end weights are not halved: the density is zero to rounding there, and then the rule is
    spectrally accurate."""
    axes = [np.linspace(low, high, points) for low, high in box]
    return axes, [np.full(points, axis[1] - axis[0]) for axis in axes]


def gauss_axes(box, points):
    """Gauss-Legendre nodes and weights on a box (d, 2), one array per axis: for a density that does
    not vanish at its walls.
    """
    nodes, weights = np.polynomial.legendre.leggauss(points)
    halves = [(high - low) / 2 for low, high in box]
    return [low + half * (nodes + 1) for (low, _), half in zip(box, halves, strict=True)], [
        half * weights for half in halves
    ]


def check_box(box, dim, name="bounds"):
    """The box as a float array (d, 2) of finite, increasing pairs."""
    box = np.asarray(box, dtype=float)
    if box.shape == (2,) and dim == 1:
        box = box[None]
    if box.shape != (dim, 2) or not np.all(np.isfinite(box)) or np.any(box[:, 0] >= box[:, 1]):
        raise ValueError(
            f"{name} must be {dim} pairs (low, high) of finite numbers with low < high, got "
            f"{box.tolist()}"
        )
    return box


def bounding_box(height, dim, level, name="the potential"):
    """Smallest box found on whose walls `height` is at least `level` above its minimum, shape (d,
    2).

    `height` maps points (n, d) to (n,), without unit (an energy over a temperature). The box starts
    as [-1, 1]^d, each wall moves out until it is high enough, then all walls are pulled in. Wells
    are seen on a scan of 33 (d = 3: 17) points an axis: a well narrower than that, far from the
    others, is missed.

    Raises
    ------
    ValueError
        If the box reaches 1e7 and some wall is still low: exp(-height) is not normalisable, or
        falls too slowly for a grid.
    """
    box = np.array([[-1.0, 1.0]] * dim)
    lowest = np.inf
    for _ in range(400):
        values, lowest = _scan(height, box, lowest)
        walls = [
            (k, side)
            for k in range(dim)
            for side in (0, -1)
            if np.take(values, side, axis=k).min() <= lowest + level
        ]
        if not walls:
            return _tighten(height, box, lowest, level)
        width = box[:, 1] - box[:, 0]
        for k, side in walls:
            box[k, side] += 0.2 * width[k] * (1 if side else -1)
        if np.abs(box).max() > 1e7:
            break
    raise ValueError(
        f"{name} does not rise by {level:g} temperatures along axis {walls[0][0]} within |x| < "
        "1e7: exp(-U/T) is not "
        "normalisable (or its tails are too heavy for a grid). Give finite bounds to normalise it "
        "on a box."
    )


def _scan(height, box, lowest):
    """Values of `height` on a scan grid of the box, infinite where undefined, and the lowest value
    met so far.
    """
    axes, _ = trapezoid_axes(box, 17 if len(box) == 3 else 33)
    nodes = tensor_nodes(axes)
    with np.errstate(over="ignore", invalid="ignore"):
        values = height(nodes.reshape(-1, len(box))).reshape(nodes.shape[:-1])
    values = np.where(np.isnan(values), np.inf, values)
    return values, min(lowest, values.min())


def _tighten(height, box, lowest, level):
    """Pull the walls in to one scan cell outside the region where `height` is less than `level`
    above its minimum.
    """
    for _ in range(60):
        values, lowest = _scan(height, box, lowest)
        tight = box.copy()
        for k in range(len(box)):
            profile = values.min(axis=tuple(j for j in range(len(box)) if j != k))
            inside = np.flatnonzero(profile < lowest + level)
            axis = np.linspace(*box[k], len(profile))
            tight[k] = axis[max(inside[0] - 1, 0)], axis[min(inside[-1] + 1, len(axis) - 1)]
        shrunk = (tight[:, 1] - tight[:, 0]) / (box[:, 1] - box[:, 0])
        box = tight
        if shrunk.min() > 0.85:
            return box
    return box


def grid_moments(nodes, probability, energy, density):
    """Moments of a law on tensor nodes: the quantities of `QUANTITIES`, as arrays. `probability` is
    density times weight.
    """
    dim = nodes.shape[-1]
    x, p, u = nodes.reshape(-1, dim), probability.ravel(), energy.ravel()
    mean_energy = p @ u
    return {
        "mean_position": p @ x,
        "second_moment": (x * p[:, None]).T @ x,
        "fourth_moment": p @ x**4,
        "mean_energy": mean_energy,
        "energy_variance": p @ (u - mean_energy) ** 2,
        "entropy": -p @ np.log(np.maximum(density.ravel(), np.finfo(float).tiny)),
    }


def with_errors(axes, fields, fine, coarse, table):
    """Dataset of a law: fields on the grid, and every scalar or small array of `fine` with
    `NAME_error` = |fine - coarse|.

    `fields` maps a name to (array on the grid, extra dimensions, long_name, unit); `table`
    describes the quantities as `QUANTITIES` does."""
    grid = DIMS[: len(axes)]
    data = {
        name: (grid + extra, array, _label(text, unit))
        for name, (array, extra, text, unit) in fields.items()
    }
    for name, value in fine.items():
        dims, text, unit = table[name]
        data[name] = (dims, np.asarray(value, dtype=float), _label(text, unit))
        error = np.abs(np.asarray(value, dtype=float) - coarse[name])
        data[f"{name}_error"] = (
            dims,
            error,
            _label(f"estimated error (two grids) of the {text}", unit),
        )
    coords = {
        dim: (dim, axis, _label("grid coordinate", "length"))
        for dim, axis in zip(grid, axes, strict=True)
    }
    return xr.Dataset(data, coords=coords)


def _label(text, unit):
    return {"long_name": text, "units": unit}
