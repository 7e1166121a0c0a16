"""Reducers of the gradient and its noise along the path: the virial with the temperature budget,
and the noise covariance.
"""

from collections import namedtuple
from functools import cache

import numpy as np

from ..kernels.functions import plain
from ..kernels.views import part, table_row
from ..models.losses import Loss
from ..models.parameters import Schedule
from ..models.recipes import recorded
from .readings import add_up, mean_and_error, with_error
from .reducer_record import Reducer

MATRIX = "component", "component_j"
_WithTable = namedtuple("Params", ("model", "table"))
PRODUCTS = ("x g", "x xi", "v g", "v xi", "g g", "g xi", "xi xi")


def _observe_budget(p, acc, step, before, x, v, g, xi):
    """Means of x, g and xi, then the seven products a_i b_j, all before the step; without a
    velocity its products stay 0.
    """
    d, row = len(x), 3 * len(x)
    has_velocity = len(v) == d
    for i in range(d):
        a, pull = before[i], g[i] + p.weight_decay * before[i]
        speed = before[d + i] if has_velocity else 0.0 * a
        acc[i] += a
        acc[d + i] += pull
        acc[2 * d + i] += xi[i]
        for j in range(d):
            other = g[j] + p.weight_decay * before[j]
            acc[row] += a * other
            acc[row + 1] += a * xi[j]
            acc[row + 2] += speed * other
            acc[row + 3] += speed * xi[j]
            acc[row + 4] += pull * other
            acc[row + 5] += pull * xi[j]
            acc[row + 6] += xi[i] * xi[j]
            row += 7


@recorded
def virial(every=1, start=0, name="virial"):
    """The virial along the path, and for SGD the whole temperature budget, which a stationary run
    must close.

    (1/2)<x g>  =  step  +  noise  +  inertia  +  memory,  where <a b> = E[a b'] + E[b a'] over the readings and

    | term    | is                                                                                          |
    |---------|---------------------------------------------------------------------------------------------|
    | step    | learning_rate E[g g'] / (2 (1 - momentum))                                                  |
    | noise   | learning_rate E[xi xi'] / (2 (1 - momentum))                                                |
    | inertia | momentum <v g> / (2 (1 - momentum))                                                         |
    | memory  | ((momentum <v xi> + learning_rate <g xi>) / (1 - momentum) - <x xi>) / 2, 0 for fresh noise |

    with g the gradient (weight decay included), xi its noise. Under Boltzmann's law the virial is T
    times the identity.

    Parameters
    ----------
    every, start, name
        As in `moments`.

    Returns
    -------
    Reducer
        Adds ``virial`` (component, component_j) in units of energy, and for plain or heavy-ball SGD
        with constant parameters ``virial_step``, ``virial_noise``, ``virial_inertia``,
        ``virial_memory`` and ``virial_residual`` (virial less the terms), each with
        ``_standard_error``. For minibatches g is the gradient of the batch and xi is 0: step and
        noise come as one, ``virial_step``, and the identity holds for any sampling.

    Notes
    -----
    Exact in the stationary state for any learning rate, potential and noise, whether or not fresh
    (memory). Derived from the stationarity of E[x x'], E[x v'] and E[v v']; x is centred, since
    E[g] = E[xi] = 0. A dynamics that looks ahead, or another family, gets the virial only."""

    def complete(reducer, model, dynamics, noise):
        decay = getattr(dynamics.params, "weight_decay", 0.0)
        if isinstance(decay, Schedule):
            raise ValueError(
                f"weight_decay must be constant for {name!r}: under a schedule there is no "
                "stationary state."
            )
        d = model.dim
        size = 3 * d + 7 * d * d
        return Reducer(
            name,
            _observe_budget,
            {"weight_decay": decay},
            size,
            every,
            start,
            finish=_finish_budget(dynamics, d),
        )

    return Reducer(
        name, _observe_budget, {"weight_decay": 0.0}, 10, every, start, complete=complete
    )


def _sgd_numbers(dynamics):
    """(learning_rate, momentum) of plain or heavy-ball SGD with constant parameters, or None."""
    if dynamics.name not in ("sgd", "sgd_momentum"):
        return None
    numbers = dynamics.params.learning_rate, dynamics.params.momentum
    return (
        None
        if any(isinstance(value, Schedule) for value in (*numbers, dynamics.params.batch_size))
        else numbers
    )


def _finish_budget(dynamics, d):
    numbers = _sgd_numbers(dynamics)

    def finish(reducer, readings):
        name = reducer.name

        def terms(means):
            x, g, xi = (means[..., k * d : (k + 1) * d] for k in range(3))
            products = means[..., 3 * d :].reshape(*means.shape[:-1], d, d, 7)
            e = {key: products[..., k] for k, key in enumerate(PRODUCTS)}
            e["x g"] = e["x g"] - x[..., :, None] * g[..., None, :]
            e["x xi"] = e["x xi"] - x[..., :, None] * xi[..., None, :]
            half = {key: 0.5 * (value + np.swapaxes(value, -1, -2)) for key, value in e.items()}
            found = {"": half["x g"]}
            if numbers:
                rate, momentum = numbers
                kept = 1.0 - momentum
                found["_step"] = rate / (2 * kept) * half["g g"]
                found["_noise"] = rate / (2 * kept) * half["xi xi"]
                found["_inertia"] = momentum / kept * half["v g"]
                found["_memory"] = (momentum * half["v xi"] + rate * half["g xi"]) / kept - half[
                    "x xi"
                ]
                found["_residual"] = found[""] - sum(
                    found[key] for key in ("_step", "_noise", "_inertia", "_memory")
                )
            return found

        sums, variables = add_up(readings), {}
        keys = list(terms(sums[0, 1:]))
        for key in keys:
            pair = mean_and_error(lambda means, key=key: terms(means)[key], sums, readings)
            variables |= with_error(
                f"{name}{key}", MATRIX, pair, f"virial{key.replace('_', ', ')}", "energy"
            )
        return variables

    return finish


# ---- gradient noise ------------------------------------------------------------------------------


def _observe_noise(p, acc, step, before, x, v, g, xi):
    row = len(x)
    for i in range(len(x)):
        acc[i] += xi[i]
        for j in range(i + 1):
            acc[row] += xi[i] * xi[j]
            row += 1


@cache
def _observe_examples(example_gradient, dim, columns, scratch):
    """A text: mean G and covariance Sigma of the examples' gradients at x before the step."""
    sums, size = dim + dim * (dim + 1) // 2, dim + scratch

    def observe(p, acc, step, before, x, v, g, xi):
        here, one, sample = (
            part(before, 0, dim),
            part(acc, sums, size),
            part(acc, sums + size, sums),
        )
        examples = p.table.shape[0]
        for k in range(sums):
            sample[k] = 0.0 * here[0]
        for number in range(examples):
            example_gradient(p.model, here, table_row(p.table, number, columns), one)
            row = dim
            for i in range(dim):
                sample[i] += one[i]
                for j in range(i + 1):
                    sample[row] += one[i] * one[j]
                    row += 1
        row, share = dim, 1.0 / examples
        for i in range(dim):
            acc[i] += sample[i] * share
            for j in range(i + 1):
                acc[row] += sample[row] * share - sample[i] * sample[j] * share * share
                row += 1

    return observe


@recorded
def gradient_noise(every=1, start=0, name="gradient_noise"):
    """Covariance of one example's gradient along the path, Sigma averaged over the readings.

    For a Loss it is that of its table, from all examples at every reading, which costs one gradient
    of each; for another noise the batch_size times E[xi xi'] of what was drawn.

    Parameters
    ----------
    every, start, name
        As in `moments`.

    Returns
    -------
    Reducer
        Adds ``gradient_noise_covariance`` (component, component_j) in (energy/length)^2,
        ``gradient_noise_trace``, and ``gradient_noise_mean`` (component), the mean gradient of a
        Loss or the mean of xi, each with ``_standard_error``.
    """

    def complete(reducer, model, dynamics, noise):
        d, batch_size = model.dim, getattr(dynamics.params, "batch_size", 1)
        sums = d + d * (d + 1) // 2
        if isinstance(model, Loss):
            columns = model.data.shape[1]
            observe = _observe_examples(plain(model.example_gradient), d, columns, model.scratch)
            params = _WithTable(model.params, model.data)
            return Reducer(
                name,
                observe,
                params,
                2 * sums + d + model.scratch,
                every,
                start,
                finish=_finish_noise(d, 1.0),
            )
        if noise is None:
            raise ValueError(
                f"{name!r} needs a noise, but noise is None and {model.name!r} has no data table."
            )
        if isinstance(batch_size, Schedule):
            raise ValueError(f"batch_size must be constant for {name!r}, got a schedule.")
        return Reducer(
            name, _observe_noise, {}, sums, every, start, finish=_finish_noise(d, float(batch_size))
        )

    return Reducer(name, _observe_noise, {}, 1, every, start, complete=complete)


def _finish_noise(d, factor):
    below = np.tril_indices(d)

    def covariance(means):
        found = np.zeros((*means.shape[:-1], d, d))
        found[..., below[0], below[1]] = factor * means[..., d : d + len(below[0])]
        return found + np.swapaxes(np.tril(found, -1), -1, -2)

    def finish(reducer, readings):
        name, sums = reducer.name, add_up(readings)
        estimates = {
            "mean": ("component", "mean gradient", "energy/length", lambda means: means[..., :d]),
            "covariance": (
                MATRIX,
                "covariance of one example's gradient",
                "(energy/length)^2",
                covariance,
            ),
            "trace": (
                (),
                "trace of the covariance",
                "(energy/length)^2",
                lambda means: np.einsum("...ii->...", covariance(means)),
            ),
        }
        variables = {}
        for key, (dims, text, units, estimate) in estimates.items():
            variables |= with_error(
                f"{name}_{key}", dims, mean_and_error(estimate, sums, readings), text, units
            )
        return variables

    return finish
