"""How a run moves: its drift and its diffusion where the particles are, from stored steps."""

from typing import NamedTuple

import numpy as np
import xarray as xr

from ..arguments import checked, finite_array, flag, optional, whole, whole_numbers, within
from ..engine.reducers.currents import MARKOV
from ..engine.reducers.readings import MATRIX, labelled, mean_and_error, replicates, with_error
from ..models.evaluate import landscape
from .currents import REMEMBERING
from .density import bin_coordinates, bin_numbers, chosen_components, edges_from
from .particles import (
    OF_RUN,
    component_names,
    dynamics_of,
    has_walls,
    kept_particles,
    landscape_of,
    mean_push,
    sampling_of,
    with_counts,
)

LEAST_PAIRS = 100  # of a bin that has estimates


class Pairs(NamedTuple):
    """Pairs of stored steps of all particles: where each began, ``start`` (n, d), the ``replicate``
    (n,) of its particle, and how far it went, ``moves`` (lags, n, d), in the ``durations``
    (lags,)."""

    start: np.ndarray
    replicate: np.ndarray
    moves: np.ndarray
    durations: np.ndarray

    def chosen(self, mask):
        """Some of the pairs."""
        start, replicate = self.start[mask], self.replicate[mask]
        return Pairs(start, replicate, self.moves[:, mask], self.durations)


@checked(
    range=optional(finite_array),
    components=optional(whole_numbers),
    lag=optional(whole(1)),
    extrapolate=flag,
    potential=optional(landscape),
    time_step=optional(within(at_least=1e-100)),
    **OF_RUN,
)
def drift_and_diffusion(
    run,
    *,
    bins=20,
    range=None,
    components=None,
    lag=None,
    extrapolate=False,
    potential=None,
    time_step=None,
    on_diverged="raise",
):
    """The drift and the diffusion matrix at each place, from pairs of stored steps.

    Drift E[dx given x]/dt and diffusion Cov[dx given x]/(2 dt), in bins.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate` on an open domain; uses ``x`` (step, particle, component) of two or
        more stored steps.
    bins, range, components
        As in `density`; with ``bins=1`` it is one linear regression.
    lag : int, optional
        Steps of a move, dt = lag * time_step; default the shortest between stored steps. All pairs
        of stored steps that far apart are used.
    extrapolate : bool
        Correct for the finite step, from moves of `lag` and of twice as many steps: 2 f(dt) -
        f(2 dt), in which errors proportional to dt cancel.
    potential : Potential or Loss, optional
        On an open domain: its force, averaged over the same particles, comes with the result.
    time_step : float, >= 1e-100, optional
        Time of one step; default the constant learning rate of SGD or step size of Langevin
        dynamics, without momentum and with fresh noise. For others, and for shuffled epochs but
        over whole ones, the position does not tell what comes next, and this must be given.
    on_diverged : {"raise", "drop"}
        As in `density`.

    Returns
    -------
    xarray.Dataset
        On the bins ``drift`` (..., component) in length/time, ``slope`` (..., component,
        component_j), the change of drift_i along x_j inside the bin, in 1/time, and ``diffusion``
        (..., component, component_j) in length^2/time, each with its ``_standard_error``;
        ``position`` (..., component), the mean place of the pairs, to which the drift belongs;
        ``pairs``, their number; with a potential ``force`` (..., component), to compare the drift
        with. nan in bins with fewer than 100 pairs, or with most of them in one of the groups
        below.

    Raises
    ------
    ValueError
        Without pairs, without a time step, without a bin of 100 pairs, or for dependent or diverged
        particles.

    Notes
    -----
    In each bin dx = a + A (x - position) + residual by least squares: drift a/dt, slope A/dt, and
    diffusion from the covariance of the residuals, divisor n - d - 1, so that neither the square
    of the drift nor its change over the bin is counted as diffusion. Errors: jackknife over 64
    groups of particles, so that moves of one particle may depend on each other. For SGD with fresh
    noise and lag 1 the drift is -grad U and the diffusion (learning_rate/2) C(x) exactly, whatever
    the rate. Extrapolated they are, up to the rate squared, those of the diffusion that passes
    through the steps: the drift is then minus the gradient of `potentials.modified_loss`. Derived;
    the correction for the drift as in Ragwitz and Kantz 2001 (Phys. Rev. Lett. 87, 254501; not
    read).

    Examples
    --------
    The force -4 x_1 and the diffusion eta sigma^2/2 = 0.05 are found again:

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> plan = {"particles": 4000, "steps": 100, "every": 99, "seed": 1}  # stores 0, 99 and 100
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, **plan)
    >>> found = ls.analysis.drift_and_diffusion(run, bins=1).isel(component=1, component_j=1)
    >>> print(f"slope {found.slope.item():.1f} +- {found.slope_standard_error.item():.1f}, "
    ...       f"diffusion {found.diffusion.item():.3f}")
    slope -4.0 +- 0.1, diffusion 0.050
    """
    if has_walls(run):
        raise ValueError(
            "run must be of an open domain: walls fold the moves. Use reducers.currents."
        )
    run, dropped = kept_particles(run, on_diverged)
    pairs = _pairs(run, lag, extrapolate, _time_step(run) if time_step is None else time_step)
    d = pairs.start.shape[1]
    components = chosen_components(components, d)
    edges = edges_from(pairs.start[:, components], bins, range)
    shape = tuple(len(edge) - 1 for edge in edges)
    where = bin_numbers(pairs.start[:, components], edges)
    pairs, where = pairs.chosen(where >= 0), where[where >= 0]
    count = np.bincount(where, minlength=np.prod(shape))
    position = _bin_means(where, pairs.start, count)
    names = [component_names(run)[k] for k in components]

    def on_bins(values):
        return values.reshape(*shape, *values.shape[1:])

    vectors = (*names, "component")
    variables = {
        "pairs": labelled(names, on_bins(count), "pairs of stored steps that begin in the bin"),
        "position": labelled(vectors, on_bins(position), "mean position", "length"),
    }
    found = _estimates(pairs, where, position, count)
    for (name, (dims, units, text)), estimate in zip(_ABOUT.items(), found, strict=True):
        pair = [on_bins(each.reshape(-1, *(d,) * len(dims))) for each in estimate]
        variables |= with_error(name, (*names, *dims), pair, text, units)
    if potential is not None:
        potential = landscape_of(run, potential)
        force = _bin_means(where, -mean_push(run, potential, pairs.start), count)
        force, text = on_bins(force), "mean force of the potential"
        variables["force"] = labelled(vectors, force, text, "length / time")
    durations = pairs.durations.tolist()
    about = with_counts(run, run.sizes["particle"], dropped, durations=durations)
    return xr.Dataset(variables, bin_coordinates(names, edges), about)


_ABOUT = {
    "drift": (("component",), "length / time", "drift"),
    "slope": (MATRIX, "1 / time", "slope of the drift"),
    "diffusion": (MATRIX, "length^2 / time", "diffusion"),
}


def _time_step(run):
    """Time of one step of a dynamics whose position is all, from the attributes of a run."""
    about = dynamics_of(run)
    params = about["params"]
    found = params.get("learning_rate", params.get("step_size"))
    if about["name"] not in MARKOV or not isinstance(found, float):
        raise ValueError(
            "time_step must be given, the time of one step: it is known for SGD without momentum, "
            "its diffusion and overdamped Langevin dynamics at a constant rate, not for "
            f"{about['name']!r}."
        )
    sampling = sampling_of(run)
    if sampling in REMEMBERING:
        raise ValueError(
            f"time_step must be given with sampling {sampling!r}, under which the position alone "
            "does not tell what comes next, unless each move is of whole epochs: store every "
            "such step, with every=, and give the time of one step."
        )
    return found


def _pairs(run, lag, extrapolate, time_step):
    """All pairs of stored steps that are `lag` apart; with `extrapolate` also twice as far."""
    steps = np.atleast_1d(run["step"].values) if "step" in run.dims else np.zeros(1, int)
    if len(steps) < 2:
        raise ValueError("run must hold two or more stored steps; simulate with every=.")
    lag = int(np.diff(steps).min()) if lag is None else lag
    lags = [lag, 2 * lag] if extrapolate else [lag]
    begin = np.flatnonzero(np.all([np.isin(steps + each, steps) for each in lags], axis=0))
    if not len(begin):
        raise ValueError(
            f"run must hold steps that are {' and '.join(map(str, lags))} apart, stored are "
            f"{steps[:5].tolist()} ... Simulate with every=, or change lag or extrapolate."
        )
    x = run["x"].values
    ends = [np.searchsorted(steps, steps[begin] + each) for each in lags]
    moves = [(x[end] - x[begin]).reshape(-1, x.shape[-1]) for end in ends]
    replicate = np.tile(replicates(x.shape[1]), len(begin))
    durations = time_step * np.array(lags)
    return Pairs(x[begin].reshape(-1, x.shape[-1]), replicate, np.array(moves), durations)


def _bin_means(where, values, count):
    """Means of values (n, d) in each bin, nan where there are none."""
    sums = [np.bincount(where, column, len(count)) for column in values.T]
    return np.stack(sums, axis=1) / np.where(count > 0, count, np.nan)[:, None]


def _estimates(pairs, where, position, count):
    """Values and standard errors, (2, bins, ...), flat, of each of `_ABOUT`."""
    bins, d = position.shape
    moments, groups = [], pairs.replicate.max(initial=0) + 1
    place, key = pairs.start - position[where], pairs.replicate * bins + where
    for move in pairs.moves:
        rows = np.column_stack([np.ones(len(move)), place, move])
        moments.append(_second_moments(rows, key, groups * bins).reshape(groups, bins, -1))
    by_group = np.stack(moments, axis=2)
    alone = by_group[:, :, 0, 0]
    others = count - alone.max(axis=0, initial=0)  # than those of one replicate
    some = np.flatnonzero((count >= LEAST_PAIRS) & (others >= LEAST_PAIRS / 2))
    if not len(some):
        raise ValueError(
            f"bins and range must leave {LEAST_PAIRS} pairs in one bin, at most half of them in "
            f"one of {groups} groups of particles; the fullest bin has {count.max()}."
        )
    sums = np.column_stack([np.ones(groups), by_group[:, some].reshape(groups, -1)])
    freedom = count[some] / (count[some] - d - 1)

    def split(means):
        square = 1 + 2 * d, 1 + 2 * d
        means = means.reshape(*means.shape[:-1], len(freedom), len(pairs.durations), *square)
        parts = [
            _of_moments(means[..., k, :, :], d, time, freedom)
            for k, time in enumerate(pairs.durations)
        ]
        return parts[0] if len(parts) == 1 else 2 * parts[0] - parts[1]

    found = np.full((2, bins, d + 2 * d * d), np.nan)
    found[:, some] = mean_and_error(split, sums)
    return np.split(found, [d, d + d * d], axis=-1)


def _second_moments(rows, key, size):
    """Sums of products of columns, (size, columns, columns), over the rows of each key."""
    columns = rows.shape[1]
    found = np.empty((size, columns, columns))
    for i in range(columns):
        for j in range(i + 1):
            found[:, i, j] = found[:, j, i] = np.bincount(key, rows[:, i] * rows[:, j], size)
    return found


def _of_moments(moments, d, duration, freedom):
    """Drift, slope and diffusion, (..., bin, d + 2 d^2), from second moments of 1, place and
    move."""
    moments = moments / moments[..., :1, :1]
    means, place, move = moments[..., 0, :], slice(1, 1 + d), slice(1 + d, None)
    moments = moments - means[..., :, None] * means[..., None, :]
    inverse = np.linalg.pinv(moments[..., place, place], hermitian=True)
    cross = moments[..., place, move]
    along = np.swapaxes(inverse @ cross, -1, -2)  # how a move changes with the place
    drift = means[..., move] - (along @ means[..., place, None])[..., 0]
    left = (moments[..., move, move] - along @ cross) * freedom[:, None, None]
    flat = [part.reshape(*drift.shape[:-1], d * d) for part in (along, left / 2)]
    return np.concatenate([drift, *flat], axis=-1) / duration
