"""The autocovariance of x, from a ring of the last readings that each particle keeps."""

import numpy as np

from ..models.parameters import integer
from ..models.recipes import recorded
from .readings import add_up, mean_and_error, with_error
from .reducer_record import Reducer


def _observe_lags(p, acc, step, before, x, v, g):
    d, lags, length = len(x), len(p.lags), int(p.length)
    number = (step - int(p.start)) // int(p.every) - 1
    ring, place = 3 * lags * d, number % length
    for k in range(d):
        acc[ring + place * d + k] = x[k]
    for j in range(lags):
        lag = int(p.lags[j])
        if lag <= number:
            then = ring + ((number - lag) % length) * d
            for k in range(d):
                acc[j * d + k] += acc[then + k] * x[k]
                acc[(lags + j) * d + k] += acc[then + k]
                acc[(2 * lags + j) * d + k] += x[k]


@recorded
def autocovariance(lags, every=1, start=0, name="autocovariance"):
    """Autocovariance of each component of x at chosen lags, E[x(t) x(t + lag)] less the product of
    the means.

    Parameters
    ----------
    lags : sequence of int
        Lags in steps, different multiples of `every`, from 0.
    every, start, name
        As in `moments`. A particle keeps max(lags)/every + 1 readings: memory grows with the
        longest lag, not with the steps.

    Returns
    -------
    Reducer
        Adds ``autocovariance`` (autocovariance_lag, component), in length^2, with
        ``_standard_error``; nan for a lag that the run never reached.

    Notes
    -----
    The means are those of the pairs' ends over all particles; the error takes 64 groups of
    particles as independent, not times."""
    every = integer(every, f"every of {name!r}", 1)
    lags = np.asarray(
        [integer(lag, f"lags of {name!r}", 0) for lag in np.atleast_1d(lags).tolist()]
    )
    if not lags.size or len(set(lags.tolist())) < lags.size or np.any(lags % every):
        raise ValueError(
            f"lags of {name!r} must be different multiples of every = {every}, got {lags.tolist()}."
        )
    params = {
        "lags": lags / every,
        "length": lags.max() // every + 1,
        "start": start,
        "every": every,
    }

    def complete(reducer, model, dynamics, noise):
        size = model.dim * (3 * len(lags) + int(params["length"]))
        return reducer._replace(
            size=size, params=reducer.params._replace(start=float(reducer.start)), complete=None
        )

    def finish(reducer, readings):
        return _finish(reducer, readings, lags)

    return Reducer(name, _observe_lags, params, 1, every, start, finish=finish, complete=complete)


def _finish(reducer, readings, lags):
    """Each lag has its own number of pairs, so that the means per reading are put right before they
    are multiplied.
    """
    name, count, size = reducer.name, len(lags), readings.acc.shape[1]
    d = size // (3 * count + int(reducer.params.length))
    pairs = np.maximum(readings.observations[:, None] - (lags // reducer.every), 0).astype(
        np.float64
    )
    acc = np.column_stack([pairs, readings.acc[:, : 3 * count * d]])
    sums = add_up(readings._replace(acc=acc))

    def estimate(means):
        per_pair = means[..., None, :count, None]
        products, then, now = np.moveaxis(
            means[..., count:].reshape(*means.shape[:-1], 3, count, d) / per_pair, -3, 0
        )
        return products - then * now

    pair = mean_and_error(estimate, sums, readings)
    variables = with_error(
        name, (f"{name}_lag", "component"), pair, "autocovariance of x", "length^2"
    )
    return variables | {
        f"{name}_lag": (f"{name}_lag", lags, {"long_name": "lag", "units": "steps"})
    }
