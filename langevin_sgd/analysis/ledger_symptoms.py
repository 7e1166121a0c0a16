"""From the particles of a rung to its symptoms, and to those without one of 64 groups of particles
at a time; the bins on which all rungs are held against Boltzmann's law."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from ..engine.reducers.readings import replicates
from ..models.evaluate import evaluate
from ..theory.basins_of_attraction import basin_of, slope_of
from ..theory.boltzmann import boltzmann_bin_probabilities, boltzmann_density
from .density import bin_numbers
from .ledger_quadratic import gaussian_symptoms, matrix_symptoms
from .significance import left_out

WHITE = np.linspace(-8.0, 8.0, 401)  # bins of a marginal, in standard deviations
QUANTILE_LEVELS = (np.arange(400) + 0.5) / 400  # of its quantiles
MOST_TURNING = 4  # components; beyond, weighted rotations, with C at each particle, are left out
OUTER = 5e-4  # share of the particles beyond each end of the bins
TEMPERATURES = 12
LEAST_EXPECTED = 5.0  # particles in a bin under Boltzmann's law, else it counts as outside


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


def means(of, *arrays):
    """`of(parts)`, a mean over the particles of parts of arrays (n, ...), as (1 + groups, ...): of
    all particles, then of those outside each group."""
    starts = np.flatnonzero(np.diff(replicates(len(arrays[0])), prepend=-1))
    parts = zip(*(np.split(array, starts[1:]) for array in arrays), strict=True)
    of_groups = np.stack([of(*part) for part in parts])
    return left_out(of_groups, np.diff(starts, append=len(arrays[0])))


def _mean_product(a, b):
    return a.T @ b / len(a)


def _shares_of_numbers(number, size):
    return np.bincount(number, minlength=size) / len(number)


def symptoms_of(ruler, look):
    """Symptoms, a dict name -> (1 + groups,): of all particles, then without each group."""
    frame, mean = ruler.frame, partial(np.mean, axis=0)
    y = frame.along_modes(look.x)
    gradient = evaluate(frame.landscape, look.x, "gradient") @ frame.basis
    energy = means(mean, evaluate(frame.landscape, look.x, "energy") - frame.energy)
    if ruler.quadratic:
        found = gaussian_symptoms(means(_mean_product, y, y), frame.curvature, frame.temperature)
    else:
        place, force = means(mean, y), means(mean, gradient)
        virial = means(_mean_product, y, gradient) - place[..., :, None] * force[..., None, :]
        virial = (virial + np.swapaxes(virial, -1, -2)) / 2
        found = matrix_symptoms("temperature", virial, diagonal=0) | {"energy": energy}
    if ruler.minima is not None:
        slope = slope_of(frame.landscape, float(np.sqrt(look.x.var(axis=0).sum())))
        basin = basin_of(look.x, ruler.minima, slope)
        occupation = means(partial(_shares_of_numbers, size=len(ruler.minima) + 1), basin + 1)[
            :, 1:
        ]
        found |= {f"occupation_{k}": part for k, part in enumerate(occupation.T)}
    if ruler.bins is not None:
        share = means(partial(_shares_of_numbers, size=ruler.bins.size), ruler.bins.number(look.x))
        found |= ruler.bins.divergences(share, energy)
    if ruler.quantiles is not None:
        apart = quantiles_of(means(in_white_bins, whitened(y))) - ruler.quantiles
        found["w2_squared"] = (apart**2).mean(axis=(-2, -1))
    return found | _rotations(frame, look, gradient, y)


def _rotations(frame, look, gradient, y):
    flow = _mean_flow(frame, look, gradient)
    if flow is None:
        return {}
    found = matrix_symptoms("rotation", _turn(y, flow), diagonal=1)
    if y.shape[1] <= MOST_TURNING:
        pull = y * frame.curvature / frame.temperature
        weight = np.exp(-(y * pull).sum(axis=1, keepdims=True))
        turn = _turn(weight * y, flow + _drag(frame, look, pull))
        found |= matrix_symptoms("weighted_rotation", turn, diagonal=1)
    return found


def _turn(place, velocity):
    product = means(_mean_product, place, velocity)
    return product - np.swapaxes(product, 1, 2)


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


class Bins(NamedTuple):
    """Bins along each component; those that expect few particles are one with the outside.

    ``place`` (bins_0, ...) is the number of each, below ``size``; `log_probability`(1/T) of each,
    (..., size); `matched`, the temperature of a mean energy."""

    edges: tuple
    place: np.ndarray
    size: int
    log_probability: Callable
    matched: Callable
    temperature: float

    def number(self, x):
        """The bin of each point (n, d)."""
        return np.append(self.place, self.size - 1)[bin_numbers(x, self.edges)]

    def divergences(self, share, energy):
        """KL in nats of shares (..., size) from exp(-U/T), what of it a better temperature would
        take away, and the shape that is left."""
        own = np.log(np.maximum(share, 1e-300))
        beta = np.array([1 / self.temperature])
        total = (share * (own - self.log_probability(beta))).sum(axis=-1)
        shape = (share * (own - self.log_probability(1 / self.matched(energy)))).sum(axis=-1)
        return {"kl": total, "kl_temperature": total - shape, "kl_shape": shape}


def make_bins(frame, looks, count):
    """`Bins`, `count` along each component, that hold the particles of all looks, a list of
    (n, d)."""
    from scipy.interpolate import CubicSpline

    landscape, temperature = frame.landscape, frame.temperature
    pooled, particles = np.concatenate(looks), min(map(len, looks))
    low, high = np.quantile(pooled, [OUTER, 1 - OUTER], axis=0)
    edges = tuple(np.linspace(*ends, count + 1) for ends in zip(low, high, strict=True))
    means = [evaluate(landscape, x, "energy").mean() for x in looks]
    heat = 2 / landscape.dim * (np.array(means) - frame.energy)
    ends = 0.7 * min(heat.min(), temperature), 3 * max(heat.max(), temperature)
    heat = np.geomspace(*ends, TEMPERATURES)
    law = [boltzmann_density(landscape, t).mean_energy.item() - frame.energy for t in heat]
    expected = boltzmann_bin_probabilities(landscape, temperature, edges)
    kept = expected * particles >= LEAST_EXPECTED
    place = np.full(expected.shape, kept.sum())
    place[kept] = np.arange(kept.sum())

    def probability(t):
        inside = boltzmann_bin_probabilities(landscape, t, edges)[kept]
        return np.append(inside, max(1 - inside.sum(), 1e-300))

    logs = CubicSpline(1 / heat[::-1], np.log([probability(t) for t in heat[::-1]]))
    return Bins(edges, place, kept.sum() + 1, logs, CubicSpline(law, heat), temperature)
