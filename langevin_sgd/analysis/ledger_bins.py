"""Kullback-Leibler divergence of a ledger's rungs from Boltzmann's law, on bins that all share."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..models.evaluate import evaluate
from ..theory.boltzmann import boltzmann_bin_probabilities, boltzmann_density

OUTER = 5e-4  # share of the particles beyond each end of the bins
TEMPERATURES = 12
LEAST_EXPECTED = 5.0  # particles in a bin under Boltzmann's law, else it counts as outside


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
        index, inside = [], np.ones(len(x), bool)
        for k, edge in enumerate(self.edges):
            column = np.searchsorted(edge, x[:, k], side="right") - 1
            inside &= (column >= 0) & (column < len(edge) - 1)
            index.append(np.clip(column, 0, len(edge) - 2))
        return np.where(inside, self.place[tuple(index)], self.size - 1)

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
