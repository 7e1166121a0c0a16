"""The exact law of SGD in one dimension when each step draws one of finitely many gradients: a data
table with batch size one.
"""

import numpy as np

from . import inputs
from .grids import with_errors
from .nystrom import leading

POLISH = 12
TABLE = {
    "mean_position": ((), "mean position", "length"),
    "second_moment": ((), "raw second moment E[x^2]", "length^2"),
    "third_moment": ((), "raw third moment E[x^3]", "length^3"),
    "fourth_moment": ((), "raw fourth moment E[x^4]", "length^4"),
    "relaxation_eigenvalue": ((), "second eigenvalue (real part) of the one-step operator", "1"),
}


def discrete_noise_law(gradients, learning_rate, *, probabilities=None, bounds=None, points=20_001):
    """Stationary law of x' = x - eta g_i(x), where i is drawn anew at each step from a finite
    table, d = 1.

    Each image x - eta g_i(x) of a node is shared between its two neighbours on the grid so that the
    mean is kept: a Markov chain on the nodes, weakly convergent whatever the law is (it may have no
    density: uniform and Cantor laws occur). The distribution function is then pulled back exactly
    through the maps, F(y) = sum_i p_i F(phi_i^-1(y)), twelve times, which removes the smoothing.

    Parameters
    ----------
    gradients : function x (n,) -> (n, k)
        Gradient of each of the k examples (or batches, for a larger batch size) at x, in
        energy/length.
    learning_rate : float
        eta > 0, in length^2/energy.
    probabilities : (k,) array, optional
        Of the examples; equal by default.
    bounds : (low, high), optional
        An interval that the chain cannot leave; found by following the images of an interval if it
        is not given.
    points : int
        Odd number of nodes; the law is also computed on half of the intervals.

    Returns
    -------
    xarray.Dataset
        ``distribution`` (axis_0) = P(x <= axis_0) with ``distribution_error`` (one number: the
        largest change from the coarse grid at its nodes), ``probability`` of the nodes, and with
        ``NAME_error``: ``mean_position``, ``second_moment``, ``third_moment``, ``fourth_moment``,
        ``relaxation_eigenvalue``.

    Raises
    ------
    ValueError
        If the chain is not confined, or has more than one stationary law because the bounded noise
        cannot join two regions.

    Notes
    -----
    Moments converge with the square of the spacing. The pull-back needs maps that increase (eta
    times the curvature below one); otherwise the distribution of the nodes is returned as it is.
    Source: derived above; Ulam's method with linear sharing."""
    rate = float(inputs.positive("learning_rate", learning_rate))
    points = inputs.whole_number("points", points, 11)
    if points % 2 == 0:
        raise ValueError(
            f"points must be odd, so that every second node is a grid too; got {points}"
        )
    low, high = (
        _invariant_interval(gradients, rate)
        if bounds is None
        else inputs.real_array("bounds", bounds)
    )
    axis = np.linspace(low, high, points)
    fine, coarse = (_law(gradients, rate, probabilities, grid) for grid in (axis, axis[::2]))
    if 1 - fine["relaxation_eigenvalue"] < 1e-9:
        raise ValueError(
            "the chain has more than one stationary law: the noise cannot join two regions; give "
            "bounds around one of them"
        )
    fields = {
        "distribution": (fine["distribution"], (), "distribution function P(x <= axis_0)", "1"),
        "probability": (fine["probability"], (), "probability of the node", "1"),
    }
    law = with_errors(
        [axis], fields, *({name: grid[name] for name in TABLE} for grid in (fine, coarse)), TABLE
    )
    error = np.abs(fine["distribution"][::2] - coarse["distribution"]).max()
    law["distribution_error"] = (
        (),
        error,
        {"long_name": "estimated error of the distribution function", "units": "1"},
    )
    return law.assign_attrs(learning_rate=rate)


def _images(gradients, rate, x):
    table = np.asarray(gradients(x), dtype=float)
    if table.ndim != 2 or len(table) != len(x):
        raise ValueError(
            f"gradients must map (n,) to (n, k), one column per example; it maps ({len(x)},) to "
            f"{table.shape}"
        )
    return x[:, None] - rate * table


def _invariant_interval(gradients, rate):
    """The hull of all places that are reached from the origin, and a margin of 1e-5 of its width
    for what the scan misses.
    """
    low, high = -1e-6, 1e-6
    for _ in range(100_000):
        image = _images(gradients, rate, np.linspace(low, high, 1001))
        new_low, new_high = min(low, image.min()), max(high, image.max())
        if not (np.isfinite(new_low) and np.isfinite(new_high) and new_high - new_low < 1e8):
            break
        settled = max(low - new_low, new_high - high) < 1e-12 * (new_high - new_low)
        low, high = new_low, new_high
        if settled:
            margin = 1e-5 * (high - low)
            return low - margin, high + margin
    raise ValueError(
        "the chain leaves every interval: the learning_rate is too large, or the gradients do not "
        "confine; give bounds"
    )


def _law(gradients, rate, probabilities, axis):
    from scipy.sparse import csc_matrix

    image = _images(gradients, rate, axis)
    count = image.shape[1]
    shares = (
        np.full(count, 1 / count)
        if probabilities is None
        else inputs.real_array("probabilities", probabilities)
    )
    if shares.shape != (count,) or np.any(shares < 0) or abs(shares.sum() - 1) > 1e-12:
        raise ValueError(
            f"probabilities must be {count} numbers, none negative, of sum 1; got {shares}"
        )
    if image.min() < axis[0] or image.max() > axis[-1]:
        raise ValueError(
            f"bounds ({axis[0]:g}, {axis[-1]:g}) must not be left; the images reach "
            f"{image.min():g} and {image.max():g}"
        )
    spacing = axis[1] - axis[0]
    place = (image - axis[0]) / spacing
    left = np.minimum(place.astype(np.int64), len(axis) - 2)
    part = place - left
    rows = np.stack([left, left + 1], axis=-1).reshape(len(axis), -1)
    values = np.stack([shares * (1 - part), shares * part], axis=-1).reshape(len(axis), -1)
    starts = np.arange(len(axis) + 1) * rows.shape[1]
    pair = leading(csc_matrix((values.ravel(), rows.ravel(), starts), shape=(len(axis),) * 2))
    p = pair.probability
    moments = {name: p @ axis**power for power, name in enumerate(list(TABLE)[:4], start=1)}
    distribution = _polish(np.cumsum(p) - p / 2, axis, image, shares)
    return moments | {
        "relaxation_eigenvalue": pair.relaxation,
        "probability": p,
        "distribution": distribution,
    }


def _polish(distribution, axis, image, shares):
    """Pull the distribution function back through the maps, if they all increase."""
    if np.any(np.diff(image, axis=0) <= 0):
        return distribution
    before = [np.interp(axis, column, axis) for column in image.T]
    inside = [((axis >= column[0]).astype(float), axis > column[-1]) for column in image.T]
    for _ in range(POLISH):
        terms = [
            share * np.where(above, 1.0, reached * np.interp(origin, axis, distribution))
            for share, origin, (reached, above) in zip(shares, before, inside, strict=True)
        ]
        distribution = np.sum(terms, axis=0)
    return distribution
