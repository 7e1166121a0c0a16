"""The covariance of the gradient noise along the path."""

from functools import cache

import numpy as np

from ...arguments import checked
from ...kernels.functions import plain
from ...kernels.views import part, table_row
from ...models.records import recorded
from .full_gradient import Landscape
from .readings import MATRIX, Estimate, covariance_of, variables_of
from .record import Reducer


def _observe_noise(p, acc, step, before, x, v, g, xi):
    row = len(x)
    for i in range(len(x)):
        acc[i] += xi[i]
        for j in range(i + 1):
            acc[row] += xi[i] * xi[j]
            row += 1


@cache
def _observe_examples(example_gradient, dim, columns, scratch):
    """A function: mean G and covariance Sigma of the examples' gradients at x before the step."""
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
@checked
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
        d, table = model.dim, model.data
        sums = d + d * (d + 1) // 2
        if table is not None:
            columns = table.shape[1]
            observe = _observe_examples(plain(model.example_gradient), d, columns, model.scratch)
            params = Landscape(model.params, table)
            return reducer.fitted(params, 2 * sums + d + model.scratch, observe)
        if noise is None:
            raise ValueError(
                f"{name!r} needs a noise, but noise is None and {model.name!r} has no data table."
            )
        if "batch_size" in dynamics.schedules():
            raise ValueError(f"batch_size must be constant for {name!r}, got a schedule.")
        return reducer.fitted({}, sums)

    return Reducer(
        name, _observe_noise, {}, 1, every, start, finish=_finish_noise, complete=complete
    )


def _finish_noise(reducer, readings):
    model, dynamics, _ = readings.records
    d, examples = model.dim, 1.0
    if model.data is None:  # what was drawn is the noise of a batch
        examples = float(getattr(dynamics.params, "batch_size", 1))

    def covariance(means):
        return covariance_of(examples * means[..., d : d + d * (d + 1) // 2], d)

    def trace(means):
        return np.einsum("...ii->...", covariance(means))

    text, units = "covariance of one example's gradient", "(energy/length)^2"
    estimates = [
        Estimate("mean", "component", "mean gradient", "energy/length", lambda m: m[..., :d]),
        Estimate("covariance", MATRIX, text, units, covariance),
        Estimate("trace", (), "trace of the covariance", units, trace),
    ]
    return variables_of(reducer.name, estimates, readings)
