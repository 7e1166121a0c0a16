"""A rugged landscape for annealing.py, what slow cooling leaves on it, and two laws fitted to that.

Sixteen coordinates, each in a landscape of its own: a wide bowl with five cosines, whose heights
fall like the root of their wave lengths, in random phases. Minima by the dozen, and the lowest of
each coordinate is known. In the limit of small rates each coordinate is a diffusion, whose density
is evolved here: dp/ds = steps eta(s) L(T(s)) p, L from exponentially fitted rates between
neighbours of a grid (Scharfetter and Gummel 1969), implicit steps. It reaches coolings that nobody
can simulate."""

from typing import NamedTuple

import numpy as np

import langevin_sgd as ls
from langevin_sgd.kernels.elementary import cos, sin

DIM, RATE, HOT = 16, 0.02, 1.0  # coordinates; first learning rate and temperature
WAVES = 0.7 * 2.0 ** np.arange(5)
PARAMETERS = {"stiffness": 0.05, "height": 0.5 * np.sqrt(0.7 / WAVES), "wave": WAVES}
PARAMETERS["phase"] = np.random.default_rng(3).uniform(0, 2 * np.pi, (DIM, len(WAVES)))
GRID = np.linspace(-9, 9, 901)


def rugged_energy(p, x):
    s = 0.0
    for k in range(len(x)):
        s = s + 0.5 * p.stiffness * x[k] * x[k]
        for m in range(len(p.wave)):
            s = s + p.height[m] * cos(p.wave[m] * x[k] + p.phase[k, m])
    return s


def rugged_gradient(p, x, out):
    for k in range(len(x)):
        out[k] = p.stiffness * x[k]
        for m in range(len(p.wave)):
            out[k] = out[k] - p.height[m] * p.wave[m] * sin(p.wave[m] * x[k] + p.phase[k, m])


def landscape():
    return ls.Potential("rugged", rugged_energy, rugged_gradient, PARAMETERS, DIM)


def energies(x):
    """Energy of each coordinate (DIM, points) at points x (points,) on its axis."""
    waves = np.cos(WAVES * x[:, None] + PARAMETERS["phase"][:, None])
    return PARAMETERS["stiffness"] * x**2 / 2 + waves @ PARAMETERS["height"]


def lowest():
    """The energy of the global minimum, per coordinate."""
    return energies(np.linspace(-9, 9, 90_001)).min(axis=1).mean()


def hot_start(particles, seed):
    """Draws of Boltzmann's law at the first temperature."""
    random, weight = np.random.default_rng(seed), np.exp(-energies(GRID) / HOT)
    mass = np.cumsum(weight, axis=1) / weight.sum(axis=1, keepdims=True)
    uniform = random.uniform(size=(particles, DIM))
    return np.transpose([np.interp(u, m, GRID) for u, m in zip(uniform.T, mass, strict=True)])


def exact_excess(steps, slices):
    """Mean energy above the lowest one, per coordinate, of rates and temperatures that fall in
    proportion to zero; extrapolated to thin slices of time."""
    return 2 * _sliced(steps, 2 * slices) - _sliced(steps, slices)


def _sliced(steps, slices):
    from scipy.linalg import solve_banded

    u = energies(GRID)
    p = np.exp(-(u - u.min()) / HOT)
    p, rise = (p / p.sum(axis=1, keepdims=True)).ravel(), np.diff(u, axis=1)
    spacing, edges = GRID[1] - GRID[0], np.linspace(1.0, 0.0, slices + 1)
    for left in (edges[1:] + edges[:-1]) / 2:
        heat, time = HOT * left, steps * RATE * left / slices
        z = np.clip(rise / heat, -500, 500)
        z[z == 0] = 1e-12
        up = np.zeros_like(u)
        down = np.zeros_like(u)
        up[:, :-1] = time * heat / spacing**2 * z / np.expm1(z)  # from a point to the next
        down[:, 1:] = time * heat / spacing**2 * -z / np.expm1(-z)  # and back
        bands = [each.ravel() for each in (-down, 1 + up + down, -up)]
        p = solve_banded((1, 1), bands, p)
    return (p.reshape(u.shape) * (u - u.min(axis=1, keepdims=True))).sum(axis=1).mean()


class Fit(NamedTuple):
    """ln E = constant - exponent f(n), by weighted least squares."""

    exponent: float
    error: float
    chi2: float
    p_value: float
    worst: float  # largest deviation of ln E


LAWS = {"power of n": np.log, "power of ln n": lambda n: np.log(np.log(n))}


def fit(law, n, excess, error):
    from scipy.stats import chi2

    weight = excess / error
    design = np.column_stack([np.ones(len(n)), -LAWS[law](n)])
    target = np.log(excess)
    normal = np.linalg.inv(design.T @ (weight[:, None] ** 2 * design))
    best = normal @ (design.T @ (weight**2 * target))
    off = target - design @ best
    total = ((weight * off) ** 2).sum()
    free = len(n) - 2
    return Fit(best[1], np.sqrt(normal[1, 1]), total, chi2.sf(total, free), np.abs(off).max())
