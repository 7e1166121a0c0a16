"""SGD on a finite least-squares table: exact mean and covariance, its noise as it is."""

from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np

from ..arguments import check_count, one_of, whole, within
from .batch_noise import SUBSETS, batch_covariance
from .linear_process import spectral_radius
from .meanings import ABOVE_ZERO, exact

MOST_ORDERS = 100_000


class LeastSquaresMoments(NamedTuple):
    """Stationary mean and covariance of SGD on a table of squares.

    Parameters
    ----------
    mean : (..., d) array
        In units of theta. The leading axis, also of the covariance, is the position in the epoch
        for shuffled sampling; there is none otherwise.
    covariance : (..., d, d) array
        In squared units of theta.
    second_moment_radius : float
        Spectral radius of E[F (x) F]; for "single_shuffle" the largest over orders of the map of
        one epoch, squared.

    Examples
    --------
    One row, (theta - 1)^2/2, makes no noise, and its squared error falls to (1 - eta)^2 a step:

    >>> moments = ls.theory.least_squares_moments([[1.0]], [1.0], learning_rate=0.5)
    >>> moments.covariance.item(), round(moments.second_moment_radius, 4)
    (0.0, 0.25)
    """

    mean: np.ndarray
    covariance: np.ndarray
    second_moment_radius: float


@exact(
    learning_rate=ABOVE_ZERO,
    batch_size=whole(1),
    momentum=within(at_least=0, below=1),
    sampling=one_of("with_replacement", *SUBSETS),
)
def least_squares_moments(
    inputs, targets, learning_rate, batch_size=1, momentum=0.0, sampling="with_replacement"
):
    """Exact stationary mean and covariance of SGD on a finite least-squares table.

    Parameters
    ----------
    inputs, targets : (N, d) and (N,) array
        Rows x_i, and y_i in the units of the residual, of the losses (x_i . theta - y_i)^2 / 2.
    learning_rate, batch_size, momentum : float, int, float
        Heavy ball if momentum > 0.
    sampling : "with_replacement", "without_replacement", "reshuffle" or "single_shuffle"
        "without_replacement" draws a fresh subset each step. "reshuffle" draws a new order each
        epoch. "single_shuffle" keeps one order for ever: moments over the random order of the orbit
        it leads to. For both the entries are by position in the epoch, entry 0 at the boundary.

    Returns
    -------
    LeastSquaresMoments
        No approximation of the state-dependent noise.

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
    of Mulayoff and Michaeli 2023. Derived here.

    Examples
    --------
    (theta - 1)^2/2 and (2 theta)^2/2 at eta = 0.1. Fresh draws stay around the solution 1/5; an
    epoch is theta' = 0.54 theta + 0.06 or + 0.1, whose mean is 0.08/0.46.

    >>> table = {"inputs": [[1.0], [2.0]], "targets": [1.0, 0.0], "learning_rate": 0.1}
    >>> fresh = ls.theory.least_squares_moments(**table)
    >>> shuffled = ls.theory.least_squares_moments(**table, sampling="reshuffle")
    >>> round(fresh.mean.item(), 4), round(shuffled.mean[0].item(), 4)
    (0.2, 0.1739)
    """
    maps, solution = _example_maps(inputs, targets, learning_rate, momentum)
    if sampling in ("reshuffle", "single_shuffle"):
        moments = _reshuffled if sampling == "reshuffle" else _single_shuffle
        mean, covariance, radius = moments(_epoch_maps(maps, batch_size))
    else:
        count = None if sampling == "with_replacement" else len(maps)
        share = batch_covariance(1.0, batch_size, count).item()
        mean, covariance, radius = _independent(maps, share)
    d = len(solution)
    return LeastSquaresMoments(solution + mean[..., :d], covariance[..., :d, :d], radius)


def _example_maps(inputs, targets, eta, mu):
    """Affine maps of (theta, v, 1), one an example, and the least-squares solution.

    The maps are (N, 2d + 1, 2d + 1). theta is measured from that solution, so that covariances are
    not small differences; a batch's map is the mean of its examples'."""
    if inputs.ndim != 2 or targets.shape != inputs.shape[:1]:
        raise ValueError(
            f"inputs and targets must have the shapes (N, d) and (N,), got {inputs.shape} and "
            f"{targets.shape}."
        )
    count, d = inputs.shape
    check_count(max(count * (2 * d + 1) ** 2, (2 * d) ** 4), "inputs")
    solution, _, rank, _ = np.linalg.lstsq(inputs, targets)
    if rank < d:
        raise ValueError(f"inputs has rank {rank} < {d}: drop the flat directions, they diffuse.")
    position, velocity = slice(d), slice(d, 2 * d)
    maps = np.zeros((count, 2 * d + 1, 2 * d + 1))
    maps[:, velocity, position] = eta * inputs[:, :, None] * inputs[:, None, :]
    maps[:, velocity, -1] = -eta * inputs * (targets - inputs @ solution)[:, None]
    maps[:, velocity, velocity] = mu * np.eye(d)
    maps[:, position] = -maps[:, velocity]
    maps[:, position, position] += np.eye(d)
    maps[:, -1, -1] = 1.0
    return maps, solution


def _independent(maps, share):
    """Moments when every step draws a fresh batch.

    The centred state obeys e' = F e + r with E r = 0, e independent of (F, r); a batch has
    ``share`` of the covariance of one example's map."""
    average = maps.mean(axis=0)
    deviation = maps - average
    linear, shift = average[:-1, :-1], average[:-1, -1]
    squared = np.kron(linear, linear) + share * _squared(deviation[:, :-1, :-1])
    radius = _require_converging(squared)
    mean = np.linalg.solve(np.eye(len(shift)) - linear, shift)
    kicks = deviation[:, :-1] @ np.append(mean, 1.0)
    return mean, _fixed_point(squared, share * kicks.T @ kicks / len(maps)), radius


def _squared(linear):
    """Mean over n of F_n (x) F_n, for maps (n, k, k)."""
    size = linear.shape[-1] ** 2
    return np.einsum("nij,nkl->ikjl", linear, linear).reshape(size, size) / len(linear)


def _fixed_point(squared, injected):
    """The matrix M with M = squared M + injected."""
    return np.linalg.solve(np.eye(len(squared)) - squared, injected.ravel()).reshape(injected.shape)


def _epoch_maps(maps, batch):
    """Maps from the boundary to each position of the epoch, for every ordered partition.

    (orders, M + 1, n + 1, n + 1)."""
    count = len(maps)
    if count % batch:
        raise ValueError(
            f"batch_size must divide the {count} examples for shuffled sampling, got {batch}."
        )
    orders = 1
    for left in range(count, 0, -batch):
        orders *= comb(left, batch)
        if orders > MOST_ORDERS:
            raise ValueError(
                f"batch_size = {batch} gives an epoch of {count} examples more than {MOST_ORDERS} "
                "orders; use fewer examples or larger batches."
            )
    check_count(orders * (count // batch + 1) * maps[0].size, "inputs")
    paths = []

    def extend(remaining, path):
        if not remaining:
            paths.append(path)
        for chosen in combinations(remaining, batch):
            left = [i for i in remaining if i not in chosen]
            extend(left, [*path, maps[list(chosen)].mean(axis=0) @ path[-1]])

    extend(range(count), [np.eye(maps.shape[-1])])
    return np.array(paths)


def _reshuffled(paths):
    """Mean and covariance by position: the boundary state is independent of the coming order."""
    linear, shift = paths[:, -1, :-1, :-1], paths[:, -1, :-1, -1]
    squared = _squared(linear)
    radius = _require_converging(squared)
    mean = np.linalg.solve(np.eye(shift.shape[-1]) - linear.mean(axis=0), shift.mean(axis=0))
    crossed = np.einsum("nij,j,nk->ik", linear, mean, shift) / len(paths)
    second = _fixed_point(squared, crossed + crossed.T + shift.T @ shift / len(paths))
    whole = np.block([[second, mean[:, None]], [mean[None, :], np.ones((1, 1))]])
    moments = np.einsum("nmij,jk,nmlk->mil", paths[:, :-1], whole, paths[:, :-1]) / len(paths)
    return _centred(moments[:, :-1, -1], moments[:, :-1, :-1], radius)


def _single_shuffle(paths):
    """Mean and covariance over orders of the fixed point of each order's epoch map."""
    linear, shift = paths[:, -1, :-1, :-1], paths[:, -1, :-1, -1]
    radius = float(np.max(spectral_radius(linear))) ** 2
    if not radius < 1:
        raise ValueError(
            f"an order's epoch map has spectral radius {radius**0.5:.6g} >= 1; lower the "
            "learning_rate."
        )
    fixed = np.linalg.solve(np.eye(shift.shape[-1]) - linear, shift[..., None])[..., 0]
    starts = np.column_stack([fixed, np.ones(len(fixed))])
    points = np.einsum("nmij,nj->nmi", paths[:, :-1], starts)[..., :-1]
    second = np.einsum("nmi,nmj->mij", points, points) / len(points)
    return _centred(points.mean(axis=0), second, radius)


def _centred(mean, second, radius):
    """`mean`, the covariance of that mean and second moment, and `radius`."""
    return mean, second - mean[..., :, None] * mean[..., None, :], radius


def _require_converging(squared):
    """The spectral radius of the second-moment map; a ValueError unless it is below 1."""
    radius = float(spectral_radius(squared))
    if not radius < 1:
        raise ValueError(
            f"the second moment diverges (spectral radius {radius:.6g} >= 1); lower the "
            "learning_rate."
        )
    return radius
