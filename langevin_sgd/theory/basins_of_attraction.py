"""Which minimum the gradient flow dx/dt = -grad U leads to from each of many points."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..models.evaluate import evaluator

EULER_STEPS = 80  # then the exponential integrator takes over
FLOW_STEPS = 200
CHANGE = 0.2  # of the gradient in an Euler step, relative
ARRIVED = 3e-3  # an Euler step shorter than this, in units of the scale, ends near a critical point
CELL = 0.02  # ends of Euler steps in one cell share one way to the minimum
MERGED = 1e-4  # minima closer than this are one
FLAT = 1e-6  # a minimum has all curvatures above this part of the largest
BLOCK_NUMBERS = 2_000_000  # entries of Hessians worked on at a time
MOST_MINIMA = 1_000


class Basins(NamedTuple):
    """The minima reached, ``minimum`` (basin, d) by increasing ``energy`` (basin,), and for each
    point the ``index`` (point,) of its own, -1 for none."""

    minimum: np.ndarray
    energy: np.ndarray
    index: np.ndarray  # type: ignore[assignment]  # no tuple to search


class Slope(NamedTuple):
    """What the descent knows: ``energy``, ``gradient`` and ``hessian`` as functions of points
    (n, d), and the ``scale``, a length of the landscape in which tolerances are stated."""

    energy: Callable
    gradient: Callable
    hessian: Callable
    scale: float


def slope_of(potential, scale):
    """The `Slope` of a Potential or Loss; without a Hessian its gradient is differenced."""
    energy, gradient = evaluator(potential, "energy"), evaluator(potential, "gradient")
    if potential.function("hessian") is not None:
        return Slope(energy, gradient, evaluator(potential, "hessian"), scale)
    shifts = np.full(potential.dim, 1e-5 * scale)
    return Slope(energy, gradient, lambda x: differenced_hessian(gradient, x, shifts), scale)


def differenced_hessian(gradient, x, shifts):
    """Hessians (n, d, d) at points x (n, d), from central differences of the gradient, a function
    of points (..., d), over `shifts` (d,) along the axes."""
    moves = np.diag(shifts)
    ends = (gradient(x[:, None] + move) for move in (moves, -moves))
    matrix = np.subtract(*ends) / (2 * shifts[:, None])
    return (matrix + matrix.mT) / 2


def basins_of_attraction(x, slope):
    """The minima below points x (n, d) of an open domain, and which one each point belongs to, as
    `Basins`.

    Each point follows the gradient flow by itself, so that its basin does not depend on the others:
    Euler steps of its own length, then an exponential integrator (exact on a quadratic) to the
    minimum. Points that end on a saddle, in a flat valley or where there is no finite energy, or do
    not end, have none.

    Raises
    ------
    ValueError
        If there are more than 1,000 minima.
    """
    with np.errstate(all="ignore"):
        walked, arrived = _go_down(slope, x)
        ends = np.full_like(walked, np.nan)
        weights = np.sqrt(np.arange(2, x.shape[1] + 2))  # a different number for each cell
        cells = np.round(walked[arrived] / (CELL * slope.scale)) @ weights
        _, first, cell = np.unique(cells, return_index=True, return_inverse=True)
        begin = walked[arrived][first]
        end = _settle(slope, begin)
        end[np.linalg.eigvalsh(slope.hessian(begin)).min(axis=1) < 0] = np.nan
        ends[arrived] = end[cell]  # but near a saddle neighbours part
        alone = np.isnan(ends).any(axis=1)
        ends[alone] = _settle(slope, walked[alone])
    ends[~np.isfinite(slope.energy(ends))] = np.nan
    minimum, index = _merged(ends, MERGED * slope.scale)
    energy = slope.energy(minimum)
    some = slope.energy(x[:1000])
    some = np.append(energy[:1], some[np.isfinite(some)])
    height = np.ptp(some) if len(some) else 0.0
    digits = 1e-9 * (height + np.abs(energy).max(initial=0)) + 1e-300
    order = np.lexsort([*np.round(minimum, 9).T[::-1], np.round(energy / digits)])
    rank = np.append(np.argsort(order), -1)
    return Basins(minimum[order] + 0.0, energy[order], rank[index])


def basin_of(x, minimum, slope):
    """Which of the minima (m, d) each point x (n, d) leads to, -1 for none of them; the same for
    the same point, whatever the other points are."""
    found = basins_of_attraction(x, slope)
    return np.append(matching(found.minimum, minimum, slope.scale), -1)[found.index]


def where_left(start, end, index, basins, halvings):
    """The shares of the ways from start to end, arrays (n, d), between which they leave the basin
    `index` (n,) of their start, by bisection: (still inside, outside). `basins` gives the index of
    any points."""
    low, high = np.zeros(len(start)), np.ones(len(start))
    for _ in range(halvings if len(start) else 0):
        middle = (low + high) / 2
        inside = basins(start + middle[:, None] * (end - start)) == index
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return low, high


def matching(minimum, known, scale):
    """The place of each minimum (m, d) among the known ones (k, d), -1 where it is not there."""
    if not len(known):
        return np.full(len(minimum), -1)
    distance = _norm(minimum[:, None] - known)
    return np.where(distance.min(axis=1) < 10 * MERGED * scale, distance.argmin(axis=1), -1)


def _norm(vectors):
    return np.sqrt((vectors**2).sum(axis=-1))


def _go_down(slope, x):
    """Where `EULER_STEPS` steps lead, and which points arrived. Each changes the gradient by the
    part `CHANGE` of it; one that changes it by twice as much is taken back."""
    x, arrived, moving = x.copy(), np.zeros(len(x), dtype=bool), np.arange(len(x))
    here, gradient = x, slope.gradient(x)
    size = _norm(gradient)
    short = ARRIVED * slope.scale
    rate, growth = short / size, 100
    for _ in range(EULER_STEPS):
        there = here - rate[:, None] * gradient
        new = slope.gradient(there)
        change = _norm(new - gradient) / size
        good = change < 2 * CHANGE
        ended = (good & (change > CHANGE / 5) & (rate * size < short)) | (size == 0)
        rate = rate * np.clip(CHANGE / np.nan_to_num(change, nan=np.inf), 0.2, growth)
        here = np.where(good[:, None], there, here)
        gradient = np.where(good[:, None], new, gradient)
        x[moving], arrived[moving], keep, growth = here, ended, ~ended, 2
        moving, here, gradient, rate = moving[keep], here[keep], gradient[keep], rate[keep]
        size = _norm(gradient)
        if not len(moving):
            break
    return x, arrived


def saddles_near(x, slope):
    """Different saddles (k, d) that points (n, d) near ridges lead to: downhill across the lowest
    curvature, uphill along it."""
    with np.errstate(all="ignore"):
        saddle, _ = _merged(_settle(slope, x, lowest=-1.0), MERGED * slope.scale)
    return saddle


def _settle(slope, x, lowest=1.0):
    """The minima below points (n, d), nan for none; with `lowest` = -1 saddles, at which the lowest
    curvature, and no other, is below zero."""
    size = max(1, BLOCK_NUMBERS // x.shape[1] ** 2)
    parts = [_settle_some(slope, x[k : k + size], lowest) for k in range(0, len(x), size)]
    return np.concatenate([x[:0], *parts])


def _settle_some(slope, x, lowest):
    """The exact flow of the local quadratic over a time that grows as long as the gradient at its
    end is the predicted one."""
    ends, moving, gradient = np.full_like(x, np.nan), np.arange(len(x)), slope.gradient(x)
    tiny, time = MERGED * MERGED * slope.scale, 0.1 * slope.scale / _norm(gradient)
    for _ in range(FLOW_STEPS):
        values, vectors = np.linalg.eigh(slope.hessian(x))
        values[:, 0] *= lowest
        stiffest = np.abs(values).max(axis=1) + np.finfo(float).tiny
        longest = np.minimum(1e15 / stiffest, 3 / np.maximum(-values.min(axis=1), 1e-300))
        time = np.minimum(time, longest)
        reach = values * time[:, None]
        along = np.einsum("nji,nj->ni", vectors, gradient)
        weight = np.where(np.abs(reach) < 1e-9, time[:, None], -np.expm1(-reach) / values)
        step = weight * along
        step[:, 0] *= lowest
        there = x - np.einsum("nij,nj->ni", vectors, step)
        new = slope.gradient(there)
        missed = np.einsum("nji,nj->ni", vectors, new) - np.exp(-reach) * along
        length, error = _norm(step), _norm(weight * missed)
        good = (error <= 0.2 * length) | (length < tiny)
        ended = good & (length < tiny) & (reach.max(axis=1) > 30)
        bottom = values.min(axis=1) > FLAT * values.max(axis=1)
        x, gradient = np.where(good[:, None], there, x), np.where(good[:, None], new, gradient)
        time = time * np.where(good, 5.0, 0.2)
        ends[moving[ended & bottom]] = x[ended & bottom]
        moving, x, gradient, time = moving[~ended], x[~ended], gradient[~ended], time[~ended]
        if not len(moving):
            break
    return ends


def _merged(ends, same):
    """Different minima (m, d), and which one each end (n, d) is, -1 for nan."""
    index, minima = np.full(len(ends), -1), []
    left = np.flatnonzero(~np.isnan(ends).any(axis=1))
    while len(left):
        if len(minima) == MOST_MINIMA:
            raise ValueError(
                f"the points lead to more than {MOST_MINIMA} minima: basins are no useful "
                "description of this landscape."
            )
        minima.append(ends[left].take(0, axis=0))
        here = _norm(ends[left] - minima[-1]) < same
        index[left[here]] = len(minima) - 1
        left = left[~here]
    return np.array(minima).reshape(-1, ends.shape[1]), index
