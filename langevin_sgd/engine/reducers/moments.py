"""The moments of x: mean, covariance, skewness and excess kurtosis."""

from typing import NamedTuple

import numpy as np

from ...arguments import checked, finite_array, flag
from ...models.records import recorded
from .epochs import epoch_of, in_whole_epochs, kept_apart
from .readings import MATRIX, Estimate, labelled, variables_of
from .record import Reducer


def _observe_moments(p, acc, step, before, x, v, g):
    d, row = len(x), 4 * len(x)
    for j in range(d):
        a = x[j] - p.center[j]
        square = a * a
        acc[j] += a
        acc[d + j] += square
        acc[2 * d + j] += square * a
        acc[3 * d + j] += square * square
        for k in range(j):
            acc[row] += a * (x[k] - p.center[k])
            row += 1


@recorded
@checked(center=finite_array, by_epoch_position=flag)
def moments(every=1, start=0, center=0.0, name="moments", by_epoch_position=False):
    """Mean, covariance, skewness and excess kurtosis of x over the readings of all particles.

    Parameters
    ----------
    every, start : int
        Reads after the steps start + every, start + 2 every, ...
    center : float or (d,) array
        Where powers are taken about, in units of length; near the mean they lose no digits. It does
        not change the estimates.
    name : str
        Prefix of its variables.
    by_epoch_position : bool
        Under shuffled epochs, keep the readings of each position in the epoch apart; `every` may
        then share no factor with the M = N // batch_size steps of an epoch, and memory is M times
        that of the other.

    Returns
    -------
    Reducer
        Adds ``moments_mean`` (component), ``moments_covariance`` (component, component_j),
        ``moments_skewness`` and ``moments_excess_kurtosis`` (component), each with
        ``_standard_error``, and ``moments_observations``; by_epoch_position, with a first dimension
        ``epoch_position``, where 0 is the boundary: the exact covariances of a quadratic are
        `theory.epoch_covariance`.

    Raises
    ------
    ValueError
        If by_epoch_position is asked for where each step draws afresh, or some positions would not
        be read.

    Notes
    -----
    Errors come from 64 independent groups of particles (jackknife), so that correlations in time do
    not matter.

    Examples
    --------
    The variance of x0 of 2000 particles over 400 steps, with their errors:

    >>> well = ls.potentials.double_well(dim=2, barrier=0.25, coupling=0.8)
    >>> noise = ls.noise.gaussian([[10.0, 0.0], [0.0, 3.3]])
    >>> plan = {"particles": 2000, "steps": 500, "reducers": ls.reducers.moments(start=100)}
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.02), noise, **plan, seed=1)
    >>> found = run.sel(component="x0", component_j="x0")
    >>> print(f"{found.moments_covariance:.3f} +- {found.moments_covariance_standard_error:.3f}")
    0.764 +- 0.005
    """
    center = np.atleast_1d(center)

    def complete(reducer, model, dynamics, noise):
        d = model.dim
        if center.shape not in ((1,), (d,)):
            raise ValueError(
                f"center of {name!r} must be a number or have {d} entries, got the shape "
                f"{center.shape}."
            )
        params, size = {"center": np.broadcast_to(center, d)}, 4 * d + d * (d - 1) // 2
        reducer = reducer.fitted(params, size)
        if not by_epoch_position:
            return reducer
        epoch = epoch_of(model, dynamics, noise)
        if epoch == 1:
            raise ValueError(
                f"by_epoch_position of {name!r} needs epochs of several steps, as of "
                'noise.minibatch("reshuffle"); here each step draws afresh. Leave it False.'
            )
        return kept_apart(in_whole_epochs(reducer, model, dynamics, noise), epoch)

    return Reducer(
        name,
        _observe_moments,
        {"center": center},
        4,
        every,
        start,
        finish=_finish_moments,
        complete=complete,
    )


class _Central(NamedTuple):
    """The mean and the central moments."""

    mean: np.ndarray
    covariance: np.ndarray
    third: np.ndarray
    fourth: np.ndarray

    def variance(self):
        return np.einsum("...ii->...i", self.covariance)


def _central(means, center):
    """From the means of the powers about `center`."""
    d = len(center)
    first, second, third, fourth = (means[..., k * d : (k + 1) * d] for k in range(4))
    rows, columns = np.tril_indices(d, -1)
    covariance = np.zeros((*means.shape[:-1], d, d))
    covariance[..., rows, columns] = means[..., 4 * d :]
    covariance[..., columns, rows] = means[..., 4 * d :]
    covariance[..., range(d), range(d)] = second
    return _Central(
        first + center,
        covariance - first[..., :, None] * first[..., None, :],
        third - 3 * first * second + 2 * first**3,
        fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4,
    )


def _finish_moments(reducer, readings):
    center = reducer.params.center

    def skewness(means):
        central = _central(means, center)
        return central.third / central.variance() ** 1.5

    def excess_kurtosis(means):
        central = _central(means, center)
        return central.fourth / central.variance() ** 2 - 3.0

    estimates = [
        Estimate("mean", "component", "mean of x", "length", lambda m: _central(m, center).mean),
        Estimate(
            "covariance",
            MATRIX,
            "covariance of x",
            "length^2",
            lambda m: _central(m, center).covariance,
        ),
        Estimate("skewness", "component", "skewness of x", "1", skewness),
        Estimate("excess_kurtosis", "component", "excess kurtosis of x", "1", excess_kurtosis),
    ]
    name, total = reducer.name, int(readings.observations.sum())
    count = labelled((), total, f"readings of {name}, all particles")
    return variables_of(name, estimates, readings) | {f"{name}_observations": count}
