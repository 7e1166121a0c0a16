"""The autocovariance of x, from a ring of the last readings that each particle keeps."""

from functools import partial

import numpy as np

from ...arguments import checked, whole, whole_numbers
from ...models.records import recorded
from .readings import Estimate, add_up, labelled, variables_of
from .record import Reducer


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
@checked(lags=partial(whole_numbers, below=10**8), every=whole(1))
def autocovariance(lags, every=1, start=0, name="autocovariance"):
    """Autocovariance of each component of x at chosen lags.

    E[x(t) x(t + lag)] less the product of the means.

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
        Adds ``autocovariance`` (autocovariance_lag, component), in length^2, and where lag 0 is
        among the lags ``autocovariance_correlation``, over that of lag 0, a pure number; each with
        ``_standard_error``; nan for a lag that the run never reached.

    Notes
    -----
    The means are those of the pairs' ends over all particles; the error takes 64 groups of
    particles as independent, not times. That of the correlation knows that both covariances are
    of the same particles: where it decays slowly, it is many times narrower than as if they were
    independent.

    Examples
    --------
    Lags are multiples of `every`, whose readings a particle keeps, here six:

    >>> lags = ls.reducers.autocovariance([0, 10, 50], every=10)
    >>> int(lags.readings_until(100)), int(lags.params.length)
    (10, 6)
    """
    if not lags or len(set(lags)) < len(lags) or any(lag % every for lag in lags):
        raise ValueError(f"lags must be different multiples of every = {every}, got {list(lags)}.")
    length = max(lags) // every + 1
    params = {"lags": np.array(lags) / every, "length": length, "start": start, "every": every}

    def complete(reducer, model, dynamics, noise):
        return reducer.fitted(
            params | {"start": reducer.start}, model.dim * (3 * len(lags) + length)
        )

    finish = partial(_finish_lags, lags=np.array(lags))
    return Reducer(name, _observe_lags, params, 1, every, start, finish=finish, complete=complete)


def _finish_lags(reducer, readings, lags):
    """Each lag has its own number of pairs, so that the means per reading are put right before they
    are multiplied.
    """
    name, count, d = reducer.name, len(lags), readings.records[0].dim
    pairs = np.maximum(readings.observations[:, None] - lags // reducer.every, 0)
    acc = np.column_stack([pairs.astype(np.float64), readings.acc[:, : 3 * count * d]])

    def autocovariances(means):
        sums = means[..., count:].reshape(*means.shape[:-1], 3, count, d)
        per_pair = sums / means[..., None, :count, None]
        products, then, now = np.moveaxis(per_pair, -3, 0)
        return products - then * now

    def correlations(means):
        found = autocovariances(means)
        return found / found[..., lags == 0, :]

    dims = f"{name}_lag", "component"
    estimates = [Estimate("", dims, "autocovariance of x", "length^2", autocovariances)]
    if 0 in lags:
        estimates += [Estimate("correlation", dims, "autocorrelation of x", "1", correlations)]
    lag = labelled(f"{name}_lag", lags, "lag", "steps")
    sums = add_up(readings._replace(acc=acc))
    return variables_of(name, estimates, readings, sums) | {f"{name}_lag": lag}
