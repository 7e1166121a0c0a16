"""The exact law of SGD in one dimension when each step draws one of finitely many gradients."""

import numpy as np

from ..arguments import function, real_array, whole
from .confinement import one_law
from .one_step_matrix import leading, matrix_of_columns
from .two_grids import OnGrid, labels, law_of_two

POLISH = 12
LONGEST_AXIS = 10**6


def shares(given, count):
    """Probabilities of `count` values: equal ones for None."""
    if given is not None and len(given) != count:
        raise ValueError(
            f"probabilities must be as many as noise_values, or as the columns of gradients: "
            f"{count}, got {len(given)}."
        )
    return np.full(count, 1 / count) if given is None else given


@one_law(gradients=function, points=whole(11, LONGEST_AXIS))
def discrete_noise_law(gradients, learning_rate, *, probabilities=None, bounds=None, points=20_001):
    """Exact stationary law of SGD in one dimension when each step draws one row of a finite table.

    Parameters
    ----------
    gradients : function x (n,) -> (n, k)
        Gradient of each of the k examples (or batches, for a larger batch size) at x, in
        energy/length.
    learning_rate : float
        eta, in length^2/energy.
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
        largest change from the coarse grid at its nodes), ``probability`` of the nodes, and, with
        errors, ``mean_position``, ``second_moment``, ``third_moment``, ``fourth_moment``,
        ``relaxation_eigenvalue``.

    Raises
    ------
    ValueError
        If the chain is not confined, or has more than one stationary law because the bounded noise
        cannot join two regions.

    Notes
    -----
    The chain is x' = x - eta g_i(x), where i is drawn anew at each step. Each image x - eta g_i(x)
    of a node is shared between its two neighbours on the grid so that the mean is kept: a Markov
    chain on the nodes, weakly convergent whatever the law is (it may have no density: uniform and
    Cantor laws occur). The distribution function is then pulled back exactly through the maps,
    F(y) = sum_i p_i F(phi_i^-1(y)), twelve times, which removes the smoothing. Moments converge
    with the square of the spacing. The pull-back needs maps that increase (eta times the curvature
    below one); otherwise the distribution of the nodes is returned as it is. Source: derived here;
    Ulam's method with linear sharing.

    Examples
    --------
    Two examples, (x - 1)^2/2 and (x + 1)^2/2, at eta = 1/2: each step shifts in a random bit of x,
    so the law is uniform on [-1, 1] and its variance 1/3.

    >>> table = lambda x: np.stack([x - 1.0, x + 1.0], axis=1)
    >>> law = ls.theory.discrete_noise_law(table, learning_rate=0.5, points=2001)
    >>> below = np.interp(0.5, law.axis_0, law.distribution)
    >>> round(law.second_moment.item(), 4), round(float(below), 4)
    (0.3333, 0.75)
    """
    if points % 2 == 0:
        raise ValueError(
            f"points must be odd, so that every second node is a grid too, got {points}."
        )
    if bounds is None:
        bounds = [_invariant_interval(gradients, learning_rate)]
    if len(bounds) != 1:
        raise ValueError(f"bounds must be one pair (low, high), got {bounds.tolist()}.")
    axis = np.linspace(*bounds[0], points)
    fine, coarse = (
        _table_chain(gradients, learning_rate, probabilities, grid) for grid in (axis, axis[::2])
    )
    if 1 - fine.numbers["relaxation_eigenvalue"] < 1e-9:
        raise ValueError(
            "gradients have more than one stationary law: the noise cannot join two regions, or "
            "learning_rate is too small; give bounds around one of them."
        )
    law = law_of_two(fine, coarse, learning_rate=learning_rate)
    change = fine.fields["distribution"][::2] - coarse.fields["distribution"]
    text = labels("estimated error of the distribution function", "1")
    law["distribution_error"] = (), np.abs(change).max(), text
    return law


def _images(gradients, rate, x):
    table = real_array(gradients(x), "gradients(x)")
    if table.ndim != 2 or len(table) != len(x) or table.size == 0:
        raise ValueError(
            f"gradients must map (n,) to (n, k), one column per example; it maps ({len(x)},) to "
            f"{table.shape}."
        )
    return x[:, None] - rate * table


def _invariant_interval(gradients, rate):
    """The hull of all places that are reached from the origin.

    It has a margin of 1e-5 of its width for what the scan misses."""
    low, high = -1e-6, 1e-6
    for _ in range(10_000):
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
        f"the chain leaves every interval: learning_rate {rate:g} is too large, or the gradients "
        "do not confine; give bounds."
    )


def _table_chain(gradients, rate, probabilities, axis):
    image = _images(gradients, rate, axis)
    probabilities = shares(probabilities, image.shape[1])
    if not axis[0] <= image.min() <= image.max() <= axis[-1]:
        raise ValueError(
            f"bounds ({axis[0]:g}, {axis[-1]:g}) must not be left at learning_rate {rate:g}; the "
            f"images reach {image.min():g} and {image.max():g}."
        )
    place = (image - axis[0]) / (axis[1] - axis[0])
    left = np.minimum(place.astype(np.int64), len(axis) - 2)
    part = place - left
    rows = np.stack([left, left + 1], axis=-1).reshape(len(axis), -1)
    values = np.stack([probabilities * (1 - part), probabilities * part], axis=-1)
    pair = leading(matrix_of_columns(rows, values))
    p = pair.probability
    names = ("mean_position", "second_moment", "third_moment", "fourth_moment")
    moments = {name: p @ axis**power for power, name in enumerate(names, start=1)}
    distribution = _polish(np.cumsum(p) - p / 2, axis, image, probabilities)
    return OnGrid(
        [axis],
        {"distribution": distribution, "probability": p},
        moments | {"relaxation_eigenvalue": pair.relaxation},
    )


def _polish(distribution, axis, image, probabilities):
    """Pull the distribution function back through the maps, if they all increase."""
    if np.any(np.diff(image, axis=0) <= 0):
        return distribution
    # Beyond the images of the ends a map has come from nowhere, or from everywhere.
    ends = {"left": axis[0] - 1, "right": axis[-1] + 1}
    before = [np.interp(axis, column, axis, **ends) for column in image.T]
    for _ in range(POLISH):
        pulled = [np.interp(origin, axis, distribution, left=0.0, right=1.0) for origin in before]
        distribution = probabilities @ pulled
    return distribution
