"""The valley of label_noise_valley.py: its coordinates, its laws, and what theory says of a run.

On the floor uv = 1 a point is told by q = u^2 - v^2; the curvature across is H = u^2 + v^2, and the
arc length has ds/dq = 1/(2 sqrt H). Gradient flow conserves q, so that it projects on the floor."""

import numpy as np

import langevin_sgd as ls

VALLEY, LABELS = ls.potentials.label_noise_valley(), ls.potentials.label_noise
START = np.array([2.0, 0.5])


def imbalance(x):
    """q = u^2 - v^2."""
    return x[..., 0] ** 2 - x[..., 1] ** 2


def conserved(x, v, momentum):
    """q and what the velocity adds: each step adds (1 + mu)/(1 - mu) (p_u^2 - p_v^2) of the new
    velocity p."""
    return imbalance(x) - 2 * momentum / (1 - momentum) * (x * v * [1, -1]).sum(axis=-1)


def curvature(q):
    """u^2 + v^2 on the valley floor."""
    return np.hypot(q, 2.0)


def on_floor(q, product=1.0):
    """(u, v) with uv = product."""
    u = np.sqrt((np.hypot(q, 2 * product) + q) / 2)
    return np.stack(np.broadcast_arrays(u, product / u), axis=-1)


def table_of_labels(sigma, count=2):
    """The valley as a loss of examples: labels 1 + sigma and 1 - sigma in turn, of one entry."""
    rows = [(0, 0, 1 + sigma * sign) for sign in np.resize([1.0, -1.0], count)]
    return ls.losses.matrix_factorisation(rows, rank=1)


def arc(q):
    """Arc length along the floor, from u = v: ds/dq = 1/(2 sqrt H)."""
    grid = np.linspace(0.0, 40.0, 40_001)
    slope = 0.5 / np.sqrt(curvature(grid))
    length = np.concatenate([[0.0], np.cumsum((slope[1:] + slope[:-1]) / 2) * grid[1]])
    return np.sign(q) * np.interp(np.abs(q), grid, length)


def slope_of_curvature(q):
    """dH/ds along the floor."""
    return 2 * q / np.sqrt(curvature(q))


def fall_exact(rate=0.05, sigma=0.3, steps=1333, pieces=4000):
    """Of log q from START: the drift with its factor of a finite rate, integrated (midpoints)."""
    log_q, part = np.log(imbalance(START)), steps / pieces
    for _ in range(pieces):
        half = log_q + part / 2 * change_of_log(rate, sigma, np.exp(log_q))
        log_q += part * change_of_log(rate, sigma, np.exp(half))
    return log_q - np.log(imbalance(START))


def change_of_log(rate, sigma, q):
    return -((rate * sigma) ** 2) / (1 - rate * curvature(q) / 2)
