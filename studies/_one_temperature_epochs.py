"""Temperatures of SGD on a table near its minimum, for one_temperature.py: of noise that is frozen
there, and of batches that have Hessians of their own."""

from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_discrete_lyapunov

import langevin_sgd as ls

ROUNDS = 12  # of the fixed point, whose rest falls tenfold in each


class Epoch(NamedTuple):
    """Covariance of the position averaged over an epoch, and about the mean of that epoch."""

    covariance: np.ndarray
    within: np.ndarray


def epoch_of(case, momentum, noise, shuffled):
    """`Epoch` of the linear process with this covariance of a batch's gradient; `shuffled`: the
    noises of an epoch add up to zero."""
    rate, d, steps = case.learning_rate * (1 - momentum), len(case.curvature), case.epoch
    given = ls.theory.linear_sgd(np.diag(case.curvature), noise, rate, 1, momentum)
    size = len(given.transition)
    move, kick = np.eye(size + d), np.zeros((size + d, d))  # behind the state: sum of positions
    move[:size, :size], kick[:size] = given.transition, given.noise_input
    move[size:, :d] = np.eye(d)
    power, total, squares = np.eye(size + d), np.zeros_like(kick), np.zeros_like(move)
    paths = []
    for _ in range(steps + 1):
        added = squares
        if shuffled:
            added = (squares - total @ noise @ total.T / steps) * steps / (steps - 1)
        paths.append((power, added))
        squares, total = squares + kick @ noise @ kick.T, total + kick
        power, kick = move @ power, move @ kick
    power, added = paths[-1]
    start = np.zeros_like(move)
    start[:size, :size] = solve_discrete_lyapunov(power[:size, :size], added[:size, :size])
    laws = [power @ start @ power.T + added for power, added in paths]
    covariance = np.mean([law[:d, :d] for law in laws[:-1]], axis=0)
    return Epoch(covariance, covariance - laws[-1][size:, size:] / steps**2)


class Prediction(NamedTuple):
    """Temperatures h_i S_ii of the directions: of noise frozen at the minimum, and with what the
    Hessians of the batches add."""

    frozen: np.ndarray
    full: np.ndarray


def predicted(case, momentum, shuffled):
    """The `Prediction` of drawn or shuffled batches.

    A batch whose Hessian is H + D pushes with D y more than frozen noise does. Over an epoch the D
    add up to zero as the gradients do, so that memory cancels D times the mean of y over the epoch;
    what is left is fresh noise of the covariance mean(D W D') (N - B)/(N - 1) M/(M - 1)/B, with W
    the covariance of y about that mean. W is that of the frozen noise, and of this one: a fixed
    point. Drawn batches: all of S stands for W. Derived here; of relative order eta h, 1/M."""
    size, n, m = case.batch_size, len(case.gradients), case.epoch
    share = 1 / size
    if shuffled:
        share = (n - size) / (n - 1) / size
    frozen = epoch_of(case, momentum, share * case.sigma, shuffled)
    share = share * m / (m - 1) if shuffled else share
    both = frozen
    for _ in range(ROUNDS):
        spread = both.within if shuffled else both.covariance
        pushed = np.matmul(case.hessians, np.linalg.cholesky(spread))
        extra = share * np.tensordot(pushed, pushed, ((0, 2), (0, 2))) / n
        more = epoch_of(case, momentum, extra, False)
        both = Epoch(*(a + b for a, b in zip(frozen, more, strict=True)))
    temperature = [case.curvature * np.diag(law.covariance) for law in (frozen, both)]
    return Prediction(*temperature)


class OverOrders(NamedTuple):
    """Temperatures and their standard errors."""

    temperature: np.ndarray
    error: np.ndarray


def averaged_over_orders(case, orders, random, groups=40):
    """Temperatures of reshuffled SGD without momentum on a least-squares table, `OverOrders`: the
    stationary second moments are solved for, with maps of epochs averaged over orders that are
    drawn. No run, so no length of a run; errors by the jackknife over groups of orders."""
    d, n = len(case.curvature), len(case.gradients)
    maps = np.zeros((n, d + 1, d + 1))
    maps[:, :d, :d] = -case.learning_rate * (case.hessians + np.diag(case.curvature))
    maps[:, :d, d] = -case.learning_rate * case.gradients
    maps += np.eye(d + 1)
    each = []
    for _ in range(groups):
        order = np.argsort(random.random((orders // groups, n)), axis=1)
        batches = maps[order].reshape(len(order), case.epoch, -1, d + 1, d + 1).mean(axis=2)
        path, squares = np.broadcast_to(np.eye(d + 1), batches[:, 0].shape), []
        for k in range(case.epoch):
            squares.append(_mean_square(path))
            path = batches[:, k] @ path
        each.append([np.mean(squares, axis=0), _mean_square(path)])
    each = np.array(each)
    without = [_variances(rest, d) for rest in (each.sum(axis=0) - each) / (groups - 1)]
    error = np.sqrt((groups - 1) * np.var(without, axis=0))
    return OverOrders(case.curvature * _variances(each.mean(axis=0), d), case.curvature * error)


def _mean_square(maps):
    """Mean of P (x) P over maps (n, k, k)."""
    n, k, _ = maps.shape
    flat = maps.reshape(n, k * k)
    return (flat.T @ flat / n).reshape(k, k, k, k).swapaxes(1, 2).reshape(k * k, k * k)


def _variances(moments, d):
    """Variances under the law of (z, 1) that the map of an epoch keeps, averaged over it."""
    average, whole = moments
    matrix, right = np.eye(len(whole)) - whole, np.zeros(len(whole))
    matrix[-1], matrix[-1, -1], right[-1] = 0.0, 1.0, 1.0  # the last component is 1
    second = (average @ np.linalg.solve(matrix, right)).reshape(d + 1, d + 1)
    return np.diag(second)[:d] - second[:d, d] ** 2
