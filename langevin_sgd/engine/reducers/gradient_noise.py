"""The gradient noise along the path: its covariance, how large it is, its temperature and how it
lies to the curvature.
"""

from collections import namedtuple
from functools import cache

import numpy as np

from ...arguments import checked, whole
from ...kernels.bits import sqrt
from ...kernels.functions import plain
from ...kernels.views import part, table_row
from ...models.records import recorded
from ...models.schedule_record import Schedule
from ...models.table_gaussian import TableGaussian
from .epochs import epoch_of, seldom
from .full_gradient import NOTHING
from .readings import MATRIX, Estimate, add_up, covariance_of, labelled, variables_of
from .record import Reducer

_Followed = namedtuple("Params", "start every windows readings batch heat model table")
SQUARED = "(energy/length)^2"
UNIFORM = "with_replacement", "without_replacement", "reshuffle", "single_shuffle"
# In the order of the accumulators of a window: of what was drawn the first three, of a Loss four,
# with a Hessian all.
FOLLOWED = {
    "trace": ("trace of the covariance of one example's gradient", SQUARED),
    "norm": ("norm of the gradient", "energy/length"),
    "temperature": ("learning_rate tr Sigma / (2 batch_size d (1 - momentum))", "energy"),
    "example_norm": ("norm of one example's gradient", "energy/length"),
    "alignment": ("tr(H Sigma) / (|H| |Sigma|), H the Hessian of the mean loss", "1"),
}


def _triangle(dim):
    return dim * (dim + 1) // 2


def _window(p, step):
    """Which window a reading is in, and its temperature per trace."""
    number = (step - int(p.start)) // int(p.every) - 1
    return number * int(p.windows) // int(p.readings), p.heat[number % len(p.heat)]


def _observe_drawn(p, acc, step, before, x, v, g, xi):
    row, (window, heat) = len(x), _window(p, step)
    trace, square = 0.0 * xi[0], 0.0 * xi[0]
    for i in range(len(x)):
        acc[i] += xi[i]
        trace += p.batch * (xi[i] * xi[i])
        square += g[i] * g[i]
        for j in range(i + 1):
            acc[row] += xi[i] * xi[j]
            row += 1
    row += 3 * window
    acc[row] += trace
    acc[row + 1] += sqrt(square)
    acc[row + 2] += trace * heat


@cache
def _write_moments(example_gradient, dim, columns):
    """A function: mean and covariance of the examples' gradients at `here` into `sample`; returns
    the mean of their norms. Second moments are about the first example's gradient: no digits are
    lost where the spread is small beside the mean."""
    sums = dim + _triangle(dim)

    def write_moments(p, here, one, first, sample):
        examples, share = p.table.shape[0], 1.0 / p.table.shape[0]
        example_gradient(p.model, here, table_row(p.table, 0, columns), first)
        norms = 0.0 * here[0]
        for k in range(sums):
            sample[k] = 0.0 * here[0]
        for number in range(examples):
            example_gradient(p.model, here, table_row(p.table, number, columns), one)
            row, square = dim, 0.0 * here[0]
            for i in range(dim):
                square += one[i] * one[i]
                one[i] = one[i] - first[i]
                sample[i] += one[i]
                for j in range(i + 1):
                    sample[row] += one[i] * one[j]
                    row += 1
            norms += sqrt(square)
        row = dim
        for i in range(dim):
            for j in range(i + 1):
                sample[row] = sample[row] * share - sample[i] * sample[j] * share * share
                row += 1
        for i in range(dim):
            sample[i] = first[i] + sample[i] * share
        return norms * share

    return write_moments


@cache
def _write_curvature(example_hessian, dim, columns):
    """A function: the lower triangle of the sum of the examples' Hessians at `here`."""
    size = _triangle(dim)

    def write_curvature(p, here, one, triangle):
        for k in range(size):
            triangle[k] = 0.0 * here[0]
        for number in range(p.table.shape[0]):
            example_hessian(p.model, here, table_row(p.table, number, columns), one)
            row = 0
            for i in range(dim):
                for j in range(i + 1):
                    triangle[row] += one[i * dim + j]
                    row += 1

    return write_curvature


def _inner(a, b, dim):
    """Sum of a_ij b_ij over symmetric matrices, from their lower triangles."""
    total, row = 0.0 * a[0], 0
    for i in range(dim):
        for _ in range(i):
            total += 2.0 * (a[row] * b[row])
            row += 1
        total += a[row] * b[row]
        row += 1
    return total


@cache
def _observe_examples(example_gradient, example_hessian, dim, columns, scratch, windows):
    """A function of the table at x before the step, and how many accumulators it takes."""
    bent, triangle = example_hessian is not None, _triangle(dim)
    sums, kinds = dim + triangle, 5 if bent else 4
    room, large = dim + scratch, (dim * dim if bent else dim) + scratch
    free = sums + kinds * windows  # what lies behind is written anew at each reading
    write_moments = _write_moments(example_gradient, dim, columns)
    write_curvature = _write_curvature(example_hessian or example_gradient, dim, columns)

    def observe(p, acc, step, before, x, v, g, xi):
        here, (window, heat) = part(before, 0, dim), _window(p, step)
        one, first = part(acc, free, large), part(acc, free + large, room)
        sample = part(acc, free + large + room, sums)
        sigma = part(acc, free + large + room + dim, triangle)
        example_norm = write_moments(p, here, one, first, sample)
        for k in range(sums):
            acc[k] += sample[k]
        trace, square, row = 0.0 * here[0], 0.0 * here[0], dim
        for i in range(dim):
            trace += sample[row + i]
            square += sample[i] * sample[i]
            row += i + 1
        row = sums + kinds * window
        acc[row] += trace
        acc[row + 1] += sqrt(square)
        acc[row + 2] += trace * heat
        acc[row + 3] += example_norm
        if bent:
            curvature = part(acc, free + large + room + sums, triangle)
            write_curvature(p, here, one, curvature)
            size = sqrt(_inner(sigma, sigma, dim)) * sqrt(_inner(curvature, curvature, dim))
            acc[row + 4] += _inner(curvature, sigma, dim) / size

    return observe, free + large + room + sums + (triangle if bent else 0)


@recorded
@checked(windows=whole(1))
def gradient_noise(every=None, start=0, name="gradient_noise", windows=10):
    """Covariance of one example's gradient along the path, and how it changes in the run.

    Sigma, averaged over the readings.

    For a Loss it is that of its table, from all examples at every reading; for another noise the
    batch_size times E[xi xi'] of what was drawn, which costs next to nothing.

    Parameters
    ----------
    every : int, optional
        As in `moments`; by default 1. A reading of a Loss takes the gradients of all N examples,
        their products and, for the alignment, their Hessians: about N (1 + d/2) gradients of the
        run, twice that with a Hessian. By default every is four times that over the batch_size, so
        that readings add a quarter to the run, and shares no factor with the steps of an epoch.
    start, name
        As in `moments`.
    windows : int
        The readings fall into so many windows of equal length; at most one for each reading.

    Returns
    -------
    Reducer
        Adds ``gradient_noise_covariance`` (component, component_j) in (energy/length)^2,
        ``gradient_noise_trace``, and ``gradient_noise_mean`` (component), the mean gradient of a
        Loss or the mean of xi. Means over the particles and the readings of a window
        (gradient_noise_step: how many steps had been done, on average): of tr Sigma,
        ``gradient_noise_trace_along``; of the norm of the full gradient, without a table of the g
        that moved the particle, ``gradient_noise_norm_along``; for SGD of learning_rate tr Sigma /
        (2 batch_size d (1 - momentum)), ``gradient_noise_temperature_along``, in units of energy;
        of a Loss the norm of one example's gradient, ``gradient_noise_example_norm_along``; of a
        Loss with example_hessian tr(H Sigma)/(|H| |Sigma|), ``gradient_noise_alignment_along``.
        Each with ``_standard_error``.

    Notes
    -----
    All is taken at x before the step, without weight decay. Without example_hessian there is no
    alignment, nor for what is drawn: one draw has no Sigma. The temperature, `theory.
    sgd_temperature` with the numbers of the step, is that of batches drawn independently and
    uniformly or of `noise.table_gaussian`: subsets have (N - B)/(N - 1) of it, and shuffled epochs
    none in flat directions. Without noise on a Loss there is none, nor for what has another
    covariance than Sigma/B: svag, weights, given rows, a population, a noise with a law of its own.
    Where Sigma or H is zero at one reading, the alignment of its window is nan.

    Examples
    --------
    At every tenth step from step 1000 on, told of in five windows of 200 steps:

    >>> seen = ls.reducers.gradient_noise(every=10, start=1000, windows=5)
    >>> int(seen.readings_until(2000))
    100
    """

    def complete(reducer, model, dynamics, noise):
        if model.data is not None:
            return _fitted_to_table(reducer, model, dynamics, noise, windows)
        if noise is None:
            raise ValueError(
                f"{name!r} needs a noise, but noise is None and {model.name!r} has no data table."
            )
        if "batch_size" in dynamics.schedules():
            raise ValueError(f"batch_size must be constant for {name!r}, got a schedule.")
        reducer = reducer._with(every=reducer.every or 1)
        batch = float(getattr(dynamics.params, "batch_size", 1))  # what is drawn is a batch's noise
        params = _params_of(reducer, model, dynamics, windows)._replace(batch=batch)
        size = model.dim + _triangle(model.dim) + 3 * int(params.windows)
        return reducer.fitted(params, size)

    return Reducer(
        name, _observe_drawn, None, 1, every, start, finish=_finish_noise, complete=complete
    )


def _fitted_to_table(reducer, model, dynamics, noise, windows):
    """The reducer that fits a run on a Loss."""
    dim, hessian = model.dim, model.example_hessian
    if reducer.every is None:
        cost = len(model.data) * (2 + dim) // (1 if hessian else 2)
        steps, epoch = reducer.last - reducer.start, epoch_of(model, dynamics, noise)
        reducer = reducer._with(every=seldom(dynamics, epoch, cost, steps))
    params = _params_of(reducer, model, dynamics, windows)
    params = params._replace(model=model.params, table=model.data)
    if not _heats_by_table(noise):
        params = params._replace(heat=np.full(1, np.nan))
    sizes = dim, model.data.shape[1], model.scratch, int(params.windows)
    hessian = plain(hessian) if hessian else None
    observe, size = _observe_examples(plain(model.example_gradient), hessian, *sizes)
    return reducer.fitted(params, size, observe)


def _heats_by_table(noise):
    """Whether its batches are uniform draws from the table, or its Gaussian twin."""
    sampling, mode = (getattr(noise, name, None) for name in ("sampling", "mode"))
    is_uniform = sampling in UNIFORM and mode.parameters == ("none",)
    return is_uniform or isinstance(noise, TableGaussian)


def _params_of(reducer, model, dynamics, windows):
    """When it reads, in how many windows, and the temperature per trace at each reading: one number
    where nothing has a schedule, nan for what is no SGD."""
    from ...theory.temperatures import sgd_temperature
    from ...theory.virial import DESCENTS

    readings, named = int(reducer.readings_until(reducer.last)), dynamics.params._asdict()
    values = [named.get(n, 0.0) for n in ("learning_rate", "batch_size", "momentum")]
    scheduled = any(isinstance(value, Schedule) for value in values)
    step = reducer.start + reducer.every * np.arange(1, 1 + (readings if scheduled else 1)) - 1
    rate, batch, momentum = (v.rule(step) if isinstance(v, Schedule) else v for v in values)
    heat = np.full(1, np.nan)
    if dynamics.name in DESCENTS:
        heat = np.atleast_1d(sgd_temperature(1.0, rate, batch, momentum)) / model.dim
    counts = map(float, (reducer.start, reducer.every, min(windows, readings), readings))
    return _Followed(*counts, 1.0, heat, *NOTHING)


def _finish_noise(reducer, readings):
    d, p = readings.records[0].dim, reducer.params
    sums = d + _triangle(d)

    def covariance(means):
        return covariance_of(p.batch * means[..., d:sums], d)

    def trace(means):
        return np.einsum("...ii->...", covariance(means))

    text = "covariance of one example's gradient"
    estimates = [
        Estimate("mean", "component", "mean gradient", "energy/length", lambda m: m[..., :d]),
        Estimate("covariance", MATRIX, text, SQUARED, covariance),
        Estimate("trace", (), "trace of the covariance", SQUARED, trace),
    ]
    return variables_of(reducer.name, estimates, readings) | _in_windows(reducer, readings, sums)


def _in_windows(reducer, readings, sums):
    """What is followed in windows, each of which has its own number of readings of a particle."""
    model, p, step = readings.records[0], reducer.params, f"{reducer.name}_step"
    windows, total, kinds = int(p.windows), int(p.readings), 3
    if model.data is not None:
        kinds = 5 if model.example_hessian else 4
    edges = -(-np.arange(windows + 1) * total // windows)
    counts = (readings.observations[:, None] - edges[:-1]).clip(0, np.diff(edges))
    acc = readings.acc[:, sums : sums + kinds * windows]
    sums = add_up(readings._replace(acc=np.column_stack([counts, acc])))

    def mean_of(kind):
        return lambda means: means[..., windows + kind :: kinds] / means[..., :windows]

    estimates = [
        Estimate(f"{key}_along", step, f"{text}, in windows", units, mean_of(kind))
        for kind, (key, (text, units)) in enumerate(list(FOLLOWED.items())[:kinds])
        if key != "temperature" or np.isfinite(p.heat).all()
    ]
    done = reducer.start - 1 + reducer.every * (edges[:-1] + edges[1:] + 1) / 2
    coordinate = labelled(step, done, "steps done, mean of a window", "steps")
    return variables_of(reducer.name, estimates, readings, sums) | {step: coordinate}
