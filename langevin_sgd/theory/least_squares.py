"""SGD on a finite least-squares table: exact mean and covariance with no approximation of the
state-dependent noise.
"""

from itertools import combinations
from math import factorial
from typing import NamedTuple

import numpy as np

from .inputs import real_array, update_numbers, whole_number
from .linear import spectral_radius

MOST_ORDERS = 100_000


class LeastSquaresMoments(NamedTuple):
    """``mean`` (..., d), ``covariance`` (..., d, d) of the position; ``second_moment_radius``:
    spectral radius of E[F (x) F].

    The leading axis of mean and covariance is the position in the epoch for shuffled sampling;
    there is none otherwise. For "single_shuffle" the radius is the largest over orders of the map
    of one epoch, squared."""

    mean: np.ndarray
    covariance: np.ndarray
    second_moment_radius: float


def least_squares_moments(
    inputs, targets, learning_rate, batch_size=1, momentum=0.0, sampling="with_replacement"
):
    """Exact stationary mean and covariance of SGD on the losses (x_i . theta - y_i)^2 / 2 of a
    table.

    Parameters
    ----------
    inputs : (N, d) array
        Rows x_i.
    targets : (N,) array
        y_i, in the units of the residual.
    learning_rate, batch_size, momentum : float, int, float
        Heavy ball if momentum > 0.
    sampling : "with_replacement", "without_replacement", "reshuffle" or "single_shuffle"
        "without_replacement" draws a fresh subset each step. "reshuffle" draws a new order each
        epoch. "single_shuffle" keeps one order for ever: moments over the random order of the orbit
        it leads to.

    Returns
    -------
    LeastSquaresMoments
        For shuffled sampling by position in the epoch, entry 0 at the boundary.

    Raises
    ------
    ValueError
        If the second moment diverges (naming its spectral radius), if an epoch has more than
        100,000 orders, or B does not divide N.

    Notes
    -----
    Fresh batches leave the mean at the least-squares solution; reshuffling moves it. Independent
    batches: E[F (x) F] follows from the covariance of the examples' maps, without listing batches;
    epochs: all ordered partitions are listed. Exact for the table; the stability criterion is that
    of Mulayoff and Michaeli (arXiv:2306.07850, abstract read only). Derived here."""
    if sampling not in ("with_replacement", "without_replacement", "reshuffle", "single_shuffle"):
        raise ValueError(
            f"sampling = {sampling!r}; choose with_replacement, without_replacement, reshuffle or "
            "single_shuffle"
        )
    maps, solution = _example_maps(
        inputs, targets, update_numbers(learning_rate, batch_size, momentum)
    )
    batch, d = whole_number("batch_size", batch_size, 1), len(solution)
    if sampling in ("with_replacement", "without_replacement"):
        mean, covariance, radius = _independent(
            maps, batch, without=sampling == "without_replacement"
        )
    else:
        mean, second, radius = (_reshuffled if sampling == "reshuffle" else _single_shuffle)(
            _epoch_maps(maps, batch)
        )
        covariance = second - mean[..., :, None] * mean[..., None, :]
    return LeastSquaresMoments(solution + mean[..., :d], covariance[..., :d, :d], radius)


def _example_maps(inputs, targets, numbers):
    """Affine maps of (theta, v, 1), one for each example, (N, 2d + 1, 2d + 1), and the
    least-squares solution.

    theta is measured from that solution, so that covariances are not small differences; a batch's
    map is the mean of its examples'."""
    inputs, targets = real_array("inputs", inputs), real_array("targets", targets)
    if inputs.ndim != 2 or targets.shape != (len(inputs),):
        raise ValueError(
            f"inputs has shape {inputs.shape} and targets {targets.shape}; pass (N, d) and (N,)"
        )
    count, d = inputs.shape
    solution, _, rank, _ = np.linalg.lstsq(inputs, targets)
    if rank < d:
        raise ValueError(
            f"inputs has rank {rank} < {d}: the flat directions never settle; drop them"
        )
    residual = targets - inputs @ solution
    eta, _, mu = (float(number) for number in numbers)
    maps = np.zeros((count, 2 * d + 1, 2 * d + 1))
    maps[:, d : 2 * d, :d] = eta * inputs[:, :, None] * inputs[:, None, :]
    maps[:, d : 2 * d, 2 * d] = -eta * inputs * residual[:, None]
    maps[:, d : 2 * d, d : 2 * d] = mu * np.eye(d)
    maps[:, :d] = -maps[:, d : 2 * d]
    maps[:, :d, :d] += np.eye(d)
    maps[:, 2 * d, 2 * d] = 1.0
    return maps, solution


def _independent(maps, batch, without):
    """Moments when every step draws a fresh batch: the centred state obeys e' = F e + r with E r =
    0, e independent of (F, r).
    """
    count, size = len(maps), maps.shape[-1] - 1
    if without and batch > count:
        raise ValueError(
            f"batch_size = {batch} exceeds the {count} examples: draw with replacement instead"
        )
    average = maps.mean(axis=0)
    share = (1 / batch) * ((count - batch) / max(count - 1, 1) if without else 1.0)
    deviation = maps - average
    linear = deviation[:, :size, :size]
    squared = np.kron(average[:size, :size], average[:size, :size])
    squared = (
        squared
        + share * np.einsum("nij,nkl->ikjl", linear, linear).reshape(size**2, size**2) / count
    )
    radius = _require_converging(squared)
    mean = np.linalg.solve(np.eye(size) - average[:size, :size], average[:size, size])
    kicks = deviation[:, :size] @ np.append(mean, 1.0)
    injected = share * kicks.T @ kicks / count
    covariance = np.linalg.solve(np.eye(size**2) - squared, injected.ravel()).reshape(size, size)
    return mean, covariance, radius


def _epoch_maps(maps, batch):
    """Maps from the boundary to each position of the epoch, for every ordered partition: (orders, M
    + 1, n + 1, n + 1).
    """
    count = len(maps)
    if count % batch:
        raise ValueError(
            f"batch_size = {batch} must divide the {count} examples for shuffled sampling"
        )
    orders = factorial(count) // factorial(batch) ** (count // batch)
    if orders > MOST_ORDERS:
        raise ValueError(
            f"an epoch has {orders} orders, more than {MOST_ORDERS}; use fewer examples or larger "
            "batches"
        )
    paths = []

    def extend(remaining, path):
        if not remaining:
            paths.append(path)
        for chosen in combinations(remaining, batch):
            extend(
                [i for i in remaining if i not in chosen],
                [*path, maps[list(chosen)].mean(axis=0) @ path[-1]],
            )

    extend(list(range(count)), [np.eye(maps.shape[-1])])
    return np.array(paths)


def _reshuffled(paths):
    """Means and second moments by position: the boundary state is independent of the coming order."""
    size = paths.shape[-1] - 1
    epoch = paths[:, -1]
    linear, shift = epoch[:, :size, :size], epoch[:, :size, size]
    squared = np.einsum("nij,nkl->ikjl", linear, linear).reshape(size**2, size**2) / len(paths)
    radius = _require_converging(squared)
    mean = np.linalg.solve(np.eye(size) - linear.mean(axis=0), shift.mean(axis=0))
    crossed = np.einsum("nij,j,nk->ik", linear, mean, shift) / len(paths)
    injected = crossed + crossed.T + shift.T @ shift / len(paths)
    second = np.linalg.solve(np.eye(size**2) - squared, injected.ravel()).reshape(size, size)
    whole = np.block([[second, mean[:, None]], [mean[None, :], np.ones((1, 1))]])
    moments = np.einsum("nmij,jk,nmlk->mil", paths[:, :-1], whole, paths[:, :-1]) / len(paths)
    return moments[:, :size, size], moments[:, :size, :size], radius


def _single_shuffle(paths):
    """Means and second moments over orders of the fixed point of each order's epoch map."""
    size = paths.shape[-1] - 1
    linear, shift = paths[:, -1, :size, :size], paths[:, -1, :size, size]
    radius = float(np.max(spectral_radius(linear))) ** 2
    if not radius < 1:
        raise ValueError(
            f"an order's epoch map has spectral radius {radius**0.5:.6g} >= 1; lower the "
            "learning_rate"
        )
    fixed = np.linalg.solve(np.eye(size) - linear, shift[..., None])[..., 0]
    points = np.einsum(
        "nmij,nj->nmi", paths[:, :-1], np.column_stack([fixed, np.ones(len(fixed))])
    )[..., :size]
    return points.mean(axis=0), np.einsum("nmi,nmj->mij", points, points) / len(points), radius


def _require_converging(squared):
    """Return the spectral radius of the second-moment map; raise ValueError unless it is below 1."""
    radius = float(spectral_radius(squared))
    if not radius < 1:
        raise ValueError(
            f"the second moment diverges (spectral radius {radius:.6g} >= 1); lower the "
            "learning_rate"
        )
    return radius
