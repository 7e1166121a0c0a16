"""From the particles of a rung to its symptoms, and to those without one of 64 groups of particles
at a time."""

from typing import NamedTuple

import numpy as np

from ..engine.reducers.readings import replicates
from ..models.evaluate import evaluate
from ..theory.basins_of_attraction import basin_of, slope_of
from .ledger_quadratic import gaussian_symptoms, matrix_symptoms

WHITE = np.linspace(-8.0, 8.0, 401)  # bins of a marginal, in standard deviations
QUANTILE_LEVELS = (np.arange(400) + 0.5) / 400  # of its quantiles
MOST_TURNING = (
    4  # components beyond which weighted rotations, with C at each particle, are left out
)


class Ruler(NamedTuple):
    """What particles are measured with beside the `Frame`: whether U is ``quadratic``; ``minima``
    (basin, d), or None for one well; ``bins``, a `Bins`, or None; ``quantiles`` (..., 400) of
    whitened marginals of Boltzmann's law, or None."""

    frame: object
    quadratic: bool
    minima: np.ndarray | None = None
    bins: object = None
    quantiles: np.ndarray | None = None


class Look(NamedTuple):
    """The particles of a rung: x (n, d), and v (n, d) where the rung has a velocity and x' = v;
    ``diffusion`` as in `Simulated`; ``mobility``, the speed per force of an overdamped rung."""

    x: np.ndarray
    v: np.ndarray | None = None
    diffusion: object = None
    mobility: float | None = None


class Means(NamedTuple):
    """Means over particles, one row for each group: of y, grad U, y y', y grad U', U, rotations,
    and shares of basins, bins, and bins of whitened marginals; None for what is not measured."""

    place: np.ndarray
    force: np.ndarray
    square: np.ndarray
    virial: np.ndarray
    energy: np.ndarray
    turn: np.ndarray | None
    weighted_turn: np.ndarray | None
    occupation: np.ndarray | None
    binned: np.ndarray | None
    marginals: np.ndarray | None


def symptoms_of(ruler, look):
    """Symptoms, a dict name -> (1 + groups,): of all particles, then without each group."""
    starts = np.flatnonzero(np.diff(replicates(len(look.x)), prepend=-1))
    counts = np.diff(starts, append=len(look.x))
    found = _measured_means(ruler, look, starts)
    return _symptoms(ruler, Means(*(_left_out(part, counts) for part in found)))


def _left_out(means, counts):
    """Means of all particles, and of those outside each group, (1 + groups, ...)."""
    if means is None:
        return None
    weights = counts.reshape(-1, *[1] * (means.ndim - 1))
    total = (weights * means).sum(axis=0)
    rest = (total - weights * means) / (counts.sum() - weights)
    return np.concatenate([total[None] / counts.sum(), rest])


def _measured_means(ruler, look, starts):
    frame, counts = ruler.frame, np.diff(starts, append=len(look.x))
    y = frame.along_modes(look.x)
    gradient = evaluate(frame.landscape, look.x, "gradient") @ frame.basis
    energy = evaluate(frame.landscape, look.x, "energy") - frame.energy

    def mean(values):
        return (np.add.reduceat(values, starts).T / counts).T

    def product(a, b):
        return np.stack([u.T @ v / len(u) for u, v in zip(_cut(a), _cut(b), strict=True)])

    def _cut(values):
        return np.split(values, starts[1:])

    def shares(number, size):
        return np.stack([np.bincount(part, minlength=size) / len(part) for part in _cut(number)])

    turn = weighted = occupation = binned = marginals = None
    flow = _mean_flow(frame, look, gradient)
    if flow is not None:
        turn = _antisymmetric(product(y, flow))
        if y.shape[1] <= MOST_TURNING:
            pull = y * frame.curvature / frame.temperature
            weight = np.exp(-(y * pull).sum(axis=1, keepdims=True))
            weighted = _antisymmetric(product(weight * y, flow + _drag(frame, look, pull)))
    if ruler.minima is not None:
        slope = slope_of(frame.landscape, float(np.sqrt(look.x.var(axis=0).sum())))
        found = basin_of(look.x, ruler.minima, slope)
        occupation = shares(found + 1, len(ruler.minima) + 1)[:, 1:]
    if ruler.bins is not None:
        binned = shares(ruler.bins.number(look.x), ruler.bins.size)
    if ruler.quantiles is not None:
        marginals = np.stack([in_white_bins(part) for part in _cut(whitened(y))])
    moments = mean(y), mean(gradient), product(y, y), product(y, gradient), mean(energy)
    return Means(*moments, turn, weighted, occupation, binned, marginals)


def _mean_flow(frame, look, gradient):
    """Mean velocity of each particle along the modes, (n, d), or None for a rung that jumps."""
    if look.v is not None:
        return look.v @ frame.basis
    return None if look.mobility is None else -look.mobility * gradient


def _drag(frame, look, pull):
    """What the weight w = exp(-y' H y / T) adds to the velocity in E[w o (y_i dy_j - y_j dy_i)],
    the product of Stratonovich: -a H y / T with a = E[dx dx']/dt, by Ito's formula; 0 for smooth
    paths."""
    if look.v is not None:
        return 0.0
    spread = frame.basis.T @ look.diffusion(look.x) @ frame.basis
    return -np.einsum("nij,nj->ni", spread, pull)


def _antisymmetric(product):
    return product - np.swapaxes(product, 1, 2)


def _symptoms(ruler, means):
    frame = ruler.frame
    if ruler.quadratic:
        found = gaussian_symptoms(means.square, frame.curvature, frame.temperature)
    else:
        virial = means.virial - means.place[..., :, None] * means.force[..., None, :]
        virial = (virial + np.swapaxes(virial, -1, -2)) / 2
        found = matrix_symptoms("temperature", virial, diagonal=0) | {"energy": means.energy}
    if means.occupation is not None:
        found |= {f"occupation_{k}": part for k, part in enumerate(means.occupation.T)}
    if means.binned is not None:
        found |= ruler.bins.divergences(means.binned, means.energy)
    if means.marginals is not None:
        apart = quantiles_of(means.marginals) - ruler.quantiles
        found["w2_squared"] = (apart**2).mean(axis=(-2, -1))
    for name, turn in ("rotation", means.turn), ("weighted_rotation", means.weighted_turn):
        if turn is not None:
            found |= matrix_symptoms(name, turn, diagonal=1)
    return found


def whitened(y):
    """Points (n, d) with the unit as their covariance, by its symmetric root."""
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(y.T, ddof=0)))
    return (y - y.mean(axis=0)) @ (vectors / np.sqrt(values)) @ vectors.T


def in_white_bins(y):
    """Shares (d, bins) of points (n, d) in the bins of `WHITE`; what is beyond is in the last."""
    index = np.clip(np.searchsorted(WHITE, y) - 1, 0, len(WHITE) - 2)
    return np.stack([np.bincount(row, minlength=len(WHITE) - 1) for row in index.T]) / len(y)


def quantiles_of(shares):
    """Quantiles (..., d, 400) of shares (..., d, bins), uniform within bins."""
    below = np.cumsum(np.insert(shares, 0, 0.0, axis=-1), axis=-1).reshape(-1, len(WHITE))
    found = [np.interp(QUANTILE_LEVELS, row, WHITE) for row in below]
    return np.reshape(found, (*shares.shape[:-1], len(QUANTILE_LEVELS)))
