"""The slow obvious twins: every potential, loss, noise and dynamics once more, in plain numpy, from
the formulas.

Positions are (n, d) arrays, one row per particle. A landscape is three functions of such an array;
a dynamics is one step that takes its random numbers as arguments: `xi` the gradient noise of the
whole batch, `z` the thermal normals, both (n, d)."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Landscape(NamedTuple):
    energy: Callable  # (n, d) -> (n,)
    gradient: Callable  # (n, d) -> (n, d)
    hessian: Callable  # (n, d) -> (n, d, d)


def repeated(matrix, x):
    return np.tile(matrix, (len(x), 1, 1))


def quadratic(hessian):
    """U = x' H x / 2."""
    matrix = np.diag(hessian) if np.ndim(hessian) == 1 else np.array(hessian)
    return Landscape(
        lambda x: np.sum(x * (x @ matrix), axis=1) / 2,
        lambda x: x @ matrix,
        lambda x: repeated(matrix, x),
    )


def double_well(dim, barrier, stiffness, coupling, tilt):
    """U = barrier (x_0^2 - 1)^2 + tilt x_0 + (stiffness/2) sum_{k>=1} (x_k - coupling x_0)^2."""

    def energy(x):
        along, across = x[:, 0], x[:, 1:] - coupling * x[:, :1]
        return (
            barrier * (along**2 - 1) ** 2 + tilt * along + stiffness / 2 * np.sum(across**2, axis=1)
        )

    def gradient(x):
        along, across = x[:, 0], x[:, 1:] - coupling * x[:, :1]
        first = (
            4 * barrier * along * (along**2 - 1)
            + tilt
            - stiffness * coupling * np.sum(across, axis=1)
        )
        return np.column_stack([first, stiffness * across])

    def hessian(x):
        matrices = repeated(stiffness * np.eye(dim), x)
        matrices[:, 0, 1:] = matrices[:, 1:, 0] = -stiffness * coupling
        matrices[:, 0, 0] = 4 * barrier * (3 * x[:, 0] ** 2 - 1) + stiffness * coupling**2 * (
            dim - 1
        )
        return matrices

    return Landscape(energy, gradient, hessian)


def linear_regression(inputs, targets):
    """Mean of (a_i . x - y_i)^2 / 2."""
    inputs, targets = np.array(inputs), np.array(targets)
    return Landscape(
        lambda x: np.mean((x @ inputs.T - targets) ** 2, axis=1) / 2,
        lambda x: (x @ inputs.T - targets) @ inputs / len(inputs),
        lambda x: repeated(inputs.T @ inputs / len(inputs), x),
    )


def logistic_regression(inputs, labels, l2):
    """Mean of -log P(y_i) + (l2/2) |x|^2 with P(1) = 1 / (1 + exp(-a_i . x)), the two outcomes one
    by one.
    """
    inputs, labels = np.array(inputs), np.array(labels)

    def probability(x):
        return 1 / (1 + np.exp(-x @ inputs.T))

    def energy(x):
        p = probability(x)
        return -np.mean(np.where(labels == 1, np.log(p), np.log(1 - p)), axis=1) + l2 / 2 * np.sum(
            x**2, axis=1
        )

    def hessian(x):
        p = probability(x)
        return np.einsum("ni,ij,ik->njk", p * (1 - p), inputs, inputs) / len(inputs) + l2 * np.eye(
            inputs.shape[1]
        )

    return Landscape(
        energy, lambda x: (probability(x) - labels) @ inputs / len(inputs) + l2 * x, hessian
    )


def quadratic_centers(hessian, centers):
    """Mean of (x - c_i)' H (x - c_i) / 2."""
    matrix, centers = np.array(hessian), np.array(centers)

    def energy(x):
        away = x[:, None] - centers
        return np.mean(np.einsum("nij,jk,nik->ni", away, matrix, away), axis=1) / 2

    return Landscape(
        energy, lambda x: (x - centers.mean(axis=0)) @ matrix, lambda x: repeated(matrix, x)
    )


def regression_gradients(inputs, targets, x):
    """Gradients of (a_i . x - y_i)^2 / 2, one row per example, at one point x."""
    return (np.array(inputs) @ x - np.array(targets))[:, None] * np.array(inputs)


def center_gradients(hessian, centers, x):
    """Gradients of (x - c_i)' H (x - c_i) / 2, one row per example, at one point x."""
    return (x - np.array(centers)) @ np.array(hessian)


def table_covariance(example_gradients):
    """Sigma = sum_i (g_i - mean)(g_i - mean)' / N."""
    away = example_gradients - example_gradients.mean(axis=0)
    return away.T @ away / len(away)


def batch_means(example_gradients, examples):
    """Mean gradient of each particle's batch; `examples` (n, B) are row numbers."""
    return np.mean(example_gradients[examples], axis=1)


def table_gaussian(example_gradients, z, batch_size):
    """xi = sum_i (z_i - mean z) g_i / sqrt(N B); z (n, N)."""
    return (
        (z - z.mean(axis=1, keepdims=True))
        @ example_gradients
        / np.sqrt(len(example_gradients) * batch_size)
    )


def sgd(x, v, gradient, xi, *, learning_rate, momentum=0.0, nesterov=None, weight_decay=0.0):
    """v' = mu v + eta g, x' = x - v'. Look-ahead: g at x - mu v. Torch: x' = x - eta (g + mu
    v'/eta), g at x.
    """
    place = x - momentum * v if nesterov == "lookahead" else x
    force = gradient(place) + xi + weight_decay * place
    v = momentum * v + learning_rate * force
    return (x - learning_rate * force - momentum * v if nesterov == "torch" else x - v), v


def euler_maruyama(x, gradient, xi, z, *, temperature, step_size):
    """x' = x - dt g + sqrt(2 T dt) z."""
    return x - step_size * (gradient(x) + xi) + np.sqrt(2 * temperature * step_size) * z


def leimkuhler_matthews(x, gradient, xi, z, last_z, *, temperature, step_size):
    """x' = x - dt g + sqrt(2 T dt) (z_last + z) / 2."""
    return (
        x - step_size * (gradient(x) + xi) + np.sqrt(2 * temperature * step_size) * (last_z + z) / 2
    )


def freeze(step, x, steps, radius=np.inf):
    """Follow `step(x) -> x'` particle by particle until it leaves.

    Returns the last places inside, status (0 running, 1 not finite, 2 escaped) and step of leaving
    (-1)."""
    last, status, stopped = x.copy(), np.zeros(len(x), int), np.full(len(x), -1)
    for particle in range(len(x)):
        for number in range(1, steps + 1):
            with np.errstate(all="ignore"):
                there = step(last[particle : particle + 1])[0]
                distance = np.sqrt(np.sum(there**2))
            if not distance <= radius or not np.isfinite(distance):
                status[particle], stopped[particle] = (2 if np.isfinite(distance) else 1), number
                break
            last[particle] = there
    return last, status, stopped


def central_differences(function, x, step=1e-5):
    """Derivatives of a function (n, d) -> (n, ...) along each component, as the last axis."""
    shifts = step * np.eye(x.shape[1])
    slopes = [(function(x + shift) - function(x - shift)) / (2 * step) for shift in shifts]
    return np.stack(slopes, axis=-1)
