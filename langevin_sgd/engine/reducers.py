"""The reducers: statistics taken inside the kernel. Here moments, histograms and currents.

Each is one function that adds a particle to its accumulators.
"""

import numpy as np

from ..kernels.elementary import maximum, minimum
from ..models.arrays import real_array
from ..models.parameters import integer
from ..models.recipes import recorded
from .autocovariance import autocovariance
from .budget_reducers import gradient_noise, virial
from .first_passage import first_passage
from .readings import add_up, add_up_counts, mean_and_error, with_error
from .reducer_record import Reducer

__all__ = [
    "Reducer",
    "autocovariance",
    "currents",
    "first_passage",
    "gradient_noise",
    "histogram",
    "moments",
    "virial",
]
MATRIX = "component", "component_j"
FIXED_POINT = 2.0**24  # a current counts displacements in 2^-24 cells
_ROUND = 6755399441055744.0  # 1.5 * 2^52: adding and taking it away rounds to a whole number
# cells: a longer displacement counts as this one, so that 2^29 of them still fit in an int64
FARTHEST = 1024.0


# ---- moments -------------------------------------------------------------------------------------


def _observe_moments(p, acc, step, before, x, v, g):
    d, row = len(x), 4 * len(x)
    for j in range(d):
        a = x[j] - p.center[j]
        square = a * a
        acc[j] += a
        acc[d + j] += square
        acc[2 * d + j] += square * a
        acc[3 * d + j] += square * square
        for k in range(j):
            acc[row] += a * (x[k] - p.center[k])
            row += 1


@recorded
def moments(every=1, start=0, center=0.0, name="moments"):
    """Mean, covariance, skewness and excess kurtosis of x over the readings of all particles.

    Parameters
    ----------
    every, start : int
        Reads after the steps start + every, start + 2 every, ...
    center : float or (d,) array
        Where powers are taken about, in units of length; near the mean they lose no digits. It does
        not change the estimates.
    name : str
        Prefix of its variables.

    Returns
    -------
    Reducer
        Adds ``moments_mean`` (component), ``moments_covariance`` (component, component_j),
        ``moments_skewness`` and ``moments_excess_kurtosis`` (component), each with
        ``_standard_error``, and ``moments_observations``.

    Notes
    -----
    Errors come from 64 independent groups of particles (jackknife), so that correlations in time do
    not matter."""
    center = np.atleast_1d(real_array(center, f"center of {name!r}"))

    def complete(reducer, model, dynamics, noise):
        d = model.dim
        if center.shape not in ((1,), (d,)):
            raise ValueError(
                f"center of {name!r} must be a number or have {d} entries, got the shape "
                f"{center.shape}."
            )
        fitting = {"center": np.broadcast_to(center, d)}
        return Reducer(
            name,
            _observe_moments,
            fitting,
            4 * d + d * (d - 1) // 2,
            every,
            start,
            finish=_finish_moments,
        )

    return Reducer(name, _observe_moments, {"center": center}, 4, every, start, complete=complete)


def _central(means, d):
    """Mean, covariance and the third and fourth central moments from those about another point."""
    first, second, third, fourth = (means[..., k * d : (k + 1) * d] for k in range(4))
    below = np.tril_indices(d, -1)
    covariance = np.zeros((*means.shape[:-1], d, d))
    covariance[..., below[0], below[1]] = means[..., 4 * d :]
    covariance += np.swapaxes(covariance, -1, -2)
    covariance[..., range(d), range(d)] = second
    covariance -= first[..., :, None] * first[..., None, :]
    third_central = third - 3 * first * second + 2 * first**3
    fourth_central = fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4
    return first, covariance, third_central, fourth_central


def _finish_moments(reducer, readings):
    center, sums, name = reducer.params.center, add_up(readings), reducer.name
    d, variables = len(center), {}

    def variance(means):
        return np.einsum("...ii->...i", _central(means, d)[1])

    estimates = {
        "mean": ("component", "mean of x", "length", lambda means: _central(means, d)[0] + center),
        "covariance": (MATRIX, "covariance of x", "length^2", lambda means: _central(means, d)[1]),
        "skewness": (
            "component",
            "skewness of x",
            "1",
            lambda means: _central(means, d)[2] / variance(means) ** 1.5,
        ),
        "excess_kurtosis": (
            "component",
            "excess kurtosis of x",
            "1",
            lambda means: _central(means, d)[3] / variance(means) ** 2 - 3.0,
        ),
    }
    for key, (dims, text, units, estimate) in estimates.items():
        variables |= with_error(
            f"{name}_{key}", dims, mean_and_error(estimate, sums, readings), text, units
        )
    labels = {"long_name": f"readings of {name}, all particles", "units": "1"}
    return variables | {f"{name}_observations": ((), int(readings.observations.sum()), labels)}


# ---- histograms ----------------------------------------------------------------------------------


def _observe_bins(p, acc, step, before, x, v, g):
    for k in range(len(p.lower)):
        place = (x[int(p.component[k])] - p.lower[k]) * p.per_length[k] + 1.0
        acc[k] = minimum(maximum(place, 0.0), p.last[k])


def _grid(name, lower, upper, bins, components):
    """Parameters of equal bins from `lower` to `upper` along each of the components; bin 0 lies
    below, the last one above.
    """
    components = tuple(
        integer(k, f"components of {name!r}", 0) for k in np.atleast_1d(components).tolist()
    )
    if len(components) not in (1, 2) or len(set(components)) < len(components):
        raise ValueError(
            f"components of {name!r} must be one or two different ones, got {components}."
        )
    axes = len(components)
    lower, upper = (
        real_array(value, f"{key} of {name!r}")
        for key, value in (("lower", lower), ("upper", upper))
    )
    bins = np.asarray([integer(n, f"bins of {name!r}", 1) for n in np.atleast_1d(bins).tolist()])
    if any(value.size not in (1, axes) for value in (lower, upper, bins)):
        raise ValueError(
            f"lower, upper and bins of {name!r} must be numbers or have {axes} entries, one for "
            "each component."
        )
    lower, upper, bins = (
        np.broadcast_to(np.ravel(value), axes).copy() for value in (lower, upper, bins)
    )
    if not (np.all(np.isfinite([lower, upper])) and np.all(lower < upper)):
        raise ValueError(
            f"lower of {name!r} must be finite and below upper, got {lower.tolist()} and "
            f"{upper.tolist()}."
        )
    grid = {
        "lower": lower,
        "per_length": bins / (upper - lower),
        "last": bins + 1.0,
        "component": components,
    }
    return grid, upper, bins


def _check_components(reducer, model):
    if max(reducer.params.component) >= model.dim:
        wrong = int(max(reducer.params.component))
        raise ValueError(
            f"components of {reducer.name!r} must be below dim = {model.dim} of {model.name!r}, "
            f"got {wrong}."
        )
    return reducer


@recorded
def histogram(lower, upper, bins=100, components=0, every=1, start=0, name="histogram"):
    """Counts of x in equal bins, along one component or two.

    Parameters
    ----------
    lower, upper : float, or one for each component
        Range in units of length; what lies outside is counted too, [lower, upper) is inside.
    bins : int, or one for each component
        Number of bins in the range.
    components : int or two of them
        Which components of x.
    every, start, name
        As in `moments`.

    Returns
    -------
    Reducer
        Adds ``histogram_count`` (whole numbers) and ``histogram_density`` (1/length or 1/length^2;
        of all readings, those outside included) with its ``_standard_error``, with the dims
        ``histogram_x0`` ... (middle of a bin, in units of length); ``histogram_underflow`` and
        ``histogram_overflow`` (histogram_axis): readings below and above the range of each
        component.
    """
    grid, upper, bins = _grid(name, lower, upper, bins, components)

    def finish(reducer, readings):
        return _finish_histogram(reducer, readings, upper, bins)

    def complete(reducer, model, dynamics, noise):
        return _check_components(reducer, model)

    return Reducer(
        name,
        _observe_bins,
        grid,
        len(bins),
        every,
        start,
        tuple(int(n) + 2 for n in bins),
        finish=finish,
        complete=complete,
    )


def _axes_of(name, lower, upper, bins, components):
    """Names of the dims and the coordinates of the middles of the bins."""
    dims = tuple(f"{name}_x{int(k)}" for k in components)
    width = (upper - lower) / bins
    middles = {
        dim: (
            dim,
            low + (np.arange(n) + 0.5) * w,
            {"long_name": f"middle of a bin, x{int(k)}", "units": "length", "bin_width": w},
        )
        for dim, low, n, w, k in zip(
            dims, lower, bins.tolist(), width.tolist(), components, strict=True
        )
    }
    return dims, middles, float(np.prod(width))


def _finish_histogram(reducer, readings, upper, bins):
    name, axes, counts = reducer.name, len(bins), readings.counts[..., 0]
    dims, variables, cell = _axes_of(
        name, reducer.params.lower, upper, bins, reducer.params.component
    )
    inner = counts[(slice(None), *[slice(1, -1)] * axes)]
    sums = add_up_counts(counts, inner)
    density = [
        part.reshape(bins) for part in mean_and_error(lambda means: means / cell, sums, readings)
    ]
    labels = {"long_name": "readings in a bin", "units": "1"}
    variables[f"{name}_count"] = (dims, inner.sum(axis=0), labels)
    variables |= with_error(
        f"{name}_density", dims, density, "density of x", "1/length" if axes == 1 else "1/length^2"
    )
    total = counts.sum(axis=0)
    for key, index in (("underflow", 0), ("overflow", -1)):
        outside = [int(np.take(total, index, axis=k).sum()) for k in range(axes)]
        labels = {
            "long_name": f"readings {'below' if index == 0 else 'above'} the range",
            "units": "1",
        }
        variables[f"{name}_{key}"] = (f"{name}_axis", np.array(outside), labels)
    return variables


# ---- currents ------------------------------------------------------------------------------------


def _observe_currents(p, acc, step, before, x, v, g):
    axes = len(p.lower)
    for k in range(axes):
        here, there = before[int(p.component[k])], x[int(p.component[k])]
        moved = there - here
        moved = moved - p.period[k] * ((moved * p.per_period[k] + _ROUND) - _ROUND)
        middle = here + 0.5 * moved
        middle = middle - p.period[k] * (
            ((middle - p.middle[k]) * p.per_period[k] + _ROUND) - _ROUND
        )
        place = (middle - p.lower[k]) * p.per_length[k] + 1.0
        acc[k] = minimum(maximum(place, 0.0), p.last[k])
        cells_moved = minimum(maximum(moved * p.per_length[k], -FARTHEST), FARTHEST)
        acc[axes + k] = (cells_moved * FIXED_POINT + _ROUND) - _ROUND


@recorded
def currents(lower, upper, bins=20, components=(0, 1), every=1, start=0, name="currents"):
    """Probability current on a grid: how far, and which way, particles move per step where they
    pass.

    Each reading puts the displacement of one step into the bin in which its middle lies. That is
    odd under time reversal: in detailed balance the mean is zero everywhere, at any step length.
    Arguments as in `histogram`.

    Returns
    -------
    Reducer
        Adds ``currents_current`` (component of the grid, bins), J = E[dx delta(x - middle)] per
        step, in length^(1 - axes) per step, with its ``_standard_error``, and ``currents_count``.

    Notes
    -----
    Displacements are added as whole multiples of 2^-24 bins, so that the sum depends on no order;
    one of more than 1024 bins counts as 1024. In a periodic domain the displacement is the shorter
    way round. Under a dynamics with substeps a reading is the displacement of the step's last
    update, and the current is per update."""
    grid, upper, bins = _grid(name, lower, upper, bins, components)
    axes = len(bins)
    grid |= {"period": np.zeros(axes), "per_period": np.zeros(axes), "middle": np.zeros(axes)}

    def finish(reducer, readings):
        return _finish_currents(reducer, readings, upper, bins)

    def complete(reducer, model, dynamics, noise):
        _check_components(reducer, model)
        around = np.zeros((3, axes))
        for k, component in enumerate(grid["component"]):
            wall = (getattr(model, "domain", None) or {component: None})[component]
            if wall is not None and wall[0] == "periodic":
                around[:, k] = (
                    wall[2] - wall[1],
                    1.0 / (wall[2] - wall[1]),
                    0.5 * (wall[1] + wall[2]),
                )
        return reducer._replace(
            params=reducer.params._replace(period=around[0], per_period=around[1], middle=around[2])
        )

    lengths = tuple(int(n) + 2 for n in bins)
    return Reducer(
        name,
        _observe_currents,
        grid,
        2 * axes,
        every,
        start,
        lengths,
        axes,
        finish=finish,
        complete=complete,
    )


def _finish_currents(reducer, readings, upper, bins):
    name, axes, params = reducer.name, len(bins), reducer.params
    dims, variables, cell = _axes_of(name, params.lower, upper, bins, params.component)
    inner = readings.counts[(slice(None), *[slice(1, -1)] * axes)]
    sums = add_up_counts(readings.counts[..., 0], inner[..., 1:])
    width = 1.0 / (params.per_length * FIXED_POINT * cell)
    pair = mean_and_error(
        lambda means: means.reshape(*means.shape[:-1], *bins, axes) * width, sums, readings
    )
    pair = [np.moveaxis(part, -1, 0) for part in pair]
    units = "1/step" if axes == 1 else "1/(length step)"
    variables |= with_error(
        f"{name}_current", (f"{name}_axis", *dims), pair, "probability current", units
    )
    labels = {"long_name": "readings in a bin", "units": "1"}
    return variables | {f"{name}_count": (dims, inner[..., 0].sum(axis=0), labels)}
