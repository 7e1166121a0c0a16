"""R-hat: whether particles that started in different places have forgotten it."""

import numpy as np

from ..arguments import checked, one_of, optional, whole_numbers
from ..engine.reducers.readings import labelled, with_error
from .time_series import (
    SERIES,
    estimate_of_moments,
    first_two_moments,
    halves,
    refuse_what_rests,
    time_series,
)


@checked(method=one_of("split", "nested"), superchains=optional(whole_numbers), **SERIES)
def rhat(run, method="split", *, superchains=None, warmup=0, on_diverged="raise"):
    """Split or nested R-hat: about 1 if the particles have mixed, more if they have not.

    Of the means and the variances of the components.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate`, one or more steps after `warmup`: x (step, particle, component).
    method : {"split", "nested"}
        "split" compares the halves of few long series with each other. "nested" compares groups of
        particles, superchains, and needs no more than one stored step of each particle.
    superchains : (particles,) whole numbers, optional
        The superchain of each particle, for "nested"; default those that share a start, the row of
        x at step 0. Trimmed to the size of the smallest one.
    warmup : int
        In steps: what is stored up to and including this step is left out, step 0 always.
    on_diverged : {"raise", "drop"}
        As in `density`.

    Returns
    -------
    xarray.Dataset
        ``rhat`` (observable) and ``rhat_standard_error``; with "nested" also ``p_value``
        (observable) of equal means of all superchains.

    Raises
    ------
    TypeError, ValueError
        For no run, dependent or diverged particles, fewer than four stored steps ("split"), fewer
        than two superchains or two particles in one ("nested"), and a number that never changes.

    Notes
    -----
    "split": R^2 = (n - 1)/n + B/W, B the variance of the means of all half series, W the mean of
    their variances, n their length (Gelman and Rubin 1992; Vehtari et al. 2021); below 1.01 is
    usual. "nested": R^2 = 1 + B/W, B the variance of the means of superchains of M particles, W the
    mean of what the variance between and within the particles of one adds up to (Margossian et al.
    2024, eq. 7). A single step of M particles in a stationary state has R^2 = 1 + 1/M on average,
    so judge by the p-value: that of the F test of the particles' means, exact for Gaussian ones.
    The errors take the means for Gaussian and W for exact: B sqrt(2/(K - 1))/(2 R W).

    Examples
    --------
    Two wells that no particle leaves do not mix, however quiet each series looks:

    >>> well = ls.potentials.double_well(dim=2, barrier=0.25, coupling=0.8)
    >>> noise = ls.noise.gaussian([[10.0, 0.0], [0.0, 3.3]])
    >>> plan = {"particles": 100, "steps": 1000, "every": 50, "seed": 1}
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.02), noise, **plan)
    >>> print(f"{ls.analysis.rhat(run, warmup=200).rhat.sel(observable='mean of x0'):.1f}")
    3.4
    """
    if method == "nested":
        run = run.assign_coords(superchain=("particle", superchains_of(run, superchains)))
    late, dropped = time_series(run, warmup, on_diverged)
    numbers = first_two_moments(late["x"].values)
    variables = {}
    if method == "split":
        series = halves(numbers)
        means, within = series.mean(axis=0), series.var(axis=0, ddof=1).mean(axis=0)
        smallest = (len(series) - 1) / len(series)
    else:
        means, within, p_value = _nested(numbers, late["superchain"].values)
        smallest = 1.0
        variables["p_value"] = labelled("observable", p_value, "p-value of equal means")
    refuse_what_rests(within > 0, late)
    ratio = means.var(axis=0, ddof=1) / within
    value = np.sqrt(smallest + ratio)
    error = ratio * np.sqrt(2 / (len(means) - 1)) / (2 * value)
    variables |= with_error("rhat", "observable", (value, error), f"{method} R-hat")
    return estimate_of_moments(variables, run, late, dropped)


def _nested(numbers, group):
    """Means (superchains, k), the mean of their variances, and p-values of equal means."""
    from scipy.special import fdtrc

    members = members_of(group)
    many, size = members.shape
    nested = numbers[:, members]
    chains = nested.mean(axis=0)  # (superchains, particles, k)
    between = chains.var(axis=1, ddof=1).mean(axis=0)
    within = nested.var(axis=0, ddof=min(1, len(nested) - 1)).mean(axis=(0, 1))
    means = chains.mean(axis=1)
    ratio = size * means.var(axis=0, ddof=1) / np.where(between > 0, between, np.inf)
    return means, between + within, fdtrc(many - 1, many * (size - 1), ratio)


def members_of(group):
    """The particles (superchains, particles of each) of superchains of equal size: as many of each
    as the smallest has.
    """
    of_group = [np.flatnonzero(group == one) for one in np.unique(group)]
    size, many = min(map(len, of_group)), len(of_group)
    if many < 2 or size < 2:
        raise ValueError(
            f"superchains must be two or more with at least two particles each, got {many}, the "
            f"smallest with {size}. Start groups of particles in different places, x0 (particles, "
            "d) with equal rows, or pass superchains=."
        )
    return np.array([members[:size] for members in of_group])


def superchains_of(run, given=None):
    """The superchain of each particle: given, or from who started together."""
    particles = run.sizes["particle"]
    if given is not None:
        if len(given) != particles:
            raise ValueError(
                f"superchains must name one for each of the {particles} particles, got "
                f"{len(given)}."
            )
        return np.array(given)
    if "step" not in run["x"].dims or run["step"].values.min() > 0:
        raise ValueError(
            "superchains must be given: the run does not hold step 0, from which to tell who "
            "started together."
        )
    start = run["x"].isel(step=0).transpose("particle", "component").values
    return np.unique(start, axis=0, return_inverse=True)[1].ravel()
