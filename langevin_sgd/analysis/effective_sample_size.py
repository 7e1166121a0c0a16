"""How many independent numbers a time series is worth, and its shares that are independent."""

from typing import NamedTuple

import numpy as np

from ..arguments import checked, one_of
from ..engine.reducers.readings import with_error
from .time_series import (
    SERIES,
    estimate_of_moments,
    first_two_moments,
    halves,
    refuse_what_rests,
    time_series,
)

SAFETY = 20  # batches so many correlation times long: 1/(2 SAFETY) of their variance is missing
STILL = 1e-13  # of the largest number: what changes by less is rounding
FEWEST_ROWS = 20  # for a variance from batches


class CorrelationTimes(NamedTuple):
    """Integrated autocorrelation times, in readings, and their standard errors."""

    times: np.ndarray
    error: np.ndarray


class IndependentRows(NamedTuple):
    """Rows of numbers as good as independent: means over batches of readings."""

    means: np.ndarray  # (rows, numbers)
    effective_sample_size: np.ndarray  # (numbers,) of all readings together


@checked(method=one_of("autocovariance", "batch_means"), **SERIES)
def effective_sample_size(run, method="autocovariance", *, warmup=0, on_diverged="raise"):
    """How many independent readings the stored steps of all particles are worth.

    For the means and the variances of the components.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate` with ``every=``, in its stationary state: x (step, particle,
        component). One particle is enough.
    method : {"autocovariance", "batch_means"}
        The first needs four stored steps, the second two particles or a long series.
    warmup : int
        In steps: what is stored up to and including this step is left out, step 0 always.
    on_diverged : {"raise", "drop"}
        As in `density`.

    Returns
    -------
    xarray.Dataset
        ``effective_sample_size`` (observable) and ``autocorrelation_time`` (observable), readings
        per independent one, in stored steps; each with ``_standard_error``.

    Raises
    ------
    TypeError, ValueError
        For no run, dependent or diverged particles, or a series that is too short or never changes.

    Notes
    -----
    With N readings of variance s^2, N_eff = s^2 / Var(mean) = N / tau, tau = 1 + 2 sum_t rho_t.
    "autocovariance": rho of the halves of all particles, with what their means differ by (so that
    particles that never meet count as few), summed up to the first pair rho_2k + rho_2k+1 < 0 and
    made monotone; numbers of `arviz.ess(method="mean")`. Error: tau sqrt(2 (2 M + 1)/N), M the last
    lag. Like ArviZ's, its tau is too low for short series, by a share of about 2 tau/(n + 2 tau)
    with n readings in a half of each particle, however many particles there are: 17 % for tau =
    2.07 and n = 20.
    Sources: Geyer 1992; Vehtari et al. 2021; error: Sokal 1997, eq. 3.19. "batch_means": the
    variance of means over batches 20 tau long, or over particles where there are 20 of them (Flegal
    and Jones 2010); error sqrt(2/(batches - 1)).

    Examples
    --------
    Readings ten steps apart are correlated by 0.9^10, so that tau = (1 + 0.9^10)/(1 - 0.9^10) =
    2.07:

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> plan = {"particles": 16, "steps": 8000, "every": 10, "seed": 1}
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, **plan)
    >>> found = ls.analysis.effective_sample_size(run, warmup=100).sel(observable="mean of x0")
    >>> tau, error = found.autocorrelation_time, found.autocorrelation_time_standard_error
    >>> print(f"{tau:.1f} +- {error:.1f}")
    2.1 +- 0.1
    """
    kept, dropped = time_series(run, warmup, on_diverged)
    x = kept["x"].values
    _, exponent = np.frexp(np.abs(x).max(axis=(0, 1)))  # no square overflows
    numbers = first_two_moments(np.ldexp(x, -exponent))
    moving = np.ptp(numbers, axis=(0, 1)) > STILL * np.abs(numbers).max(axis=(0, 1))
    refuse_what_rests(moving, kept)
    total = numbers[..., 0].size
    if method == "autocovariance":
        found = correlation_times(numbers)
    else:
        rows = independent_rows(numbers, FEWEST_ROWS)
        times = total / rows.effective_sample_size
        found = CorrelationTimes(times, times * np.sqrt(2 / (len(rows.means) - 1)))
    size = total / found.times, total * found.error / found.times**2
    variables = with_error(
        "effective_sample_size", "observable", size, "number of independent readings"
    )
    told = "stored steps for one independent reading"
    variables |= with_error(
        "autocorrelation_time", "observable", tuple(found), told, "stored steps"
    )
    return estimate_of_moments(variables, run, kept, dropped)


def correlation_times(numbers):
    """`CorrelationTimes` of time series, a (readings, particles, k) array, by Geyer's initial
    monotone sequence; see `effective_sample_size`. 1 for numbers that never change."""
    found = [_correlation_time(series) for series in np.moveaxis(halves(numbers), 2, 0)]
    return CorrelationTimes(*np.array(found).T)


def _correlation_time(series):
    """tau and its error from half series (readings, series) of one number."""
    from scipy.fft import irfft, next_fast_len, rfft

    n, chains = series.shape
    means = series.mean(axis=0)
    if n < 2 or not np.ptp(series) > STILL * np.abs(series).max():
        return 1.0, np.sqrt(2 / (n * chains))
    size = next_fast_len(2 * n, real=True)
    power = (np.abs(rfft(series - means, size, axis=0)) ** 2).mean(axis=1)
    covariance = irfft(power, size)[:n] / n
    correlation = 1 - (covariance[0] * n / (n - 1) - covariance) / (
        covariance[0] + means.var(ddof=1)
    )
    correlation[0] = 1.0
    even = correlation[: n - n % 2 : 2]
    pairs = even + correlation[1::2]
    last = min(np.argmax(pairs <= 0) if np.any(pairs <= 0) else n, max(n - 3, 0) // 2)
    time = 2 * np.minimum.accumulate(pairs[:last]).sum() - 1 + max(even[last], 0.0)
    time = max(time, 1 / np.log10(n * chains))
    return time, time * np.sqrt(2 * (4 * last + 1) / (n * chains))


def independent_rows(numbers, least):
    """Means over shares of the readings that are independent of each other, or nearly so.

    Parameters
    ----------
    numbers : (readings, particles, k) array
        Numbers of each particle at one reading after the other, all readings in the stationary
        state.
    least : int
        Rows that are needed.

    Returns
    -------
    IndependentRows
        Particles apart where there are `least` of them, each with the mean over its readings.
        Otherwise the readings of a particle are cut into batches of 20 (tau - 1/tau), tau the
        longest autocorrelation time of the k numbers.

    Raises
    ------
    ValueError
        If there are fewer than `least` rows.

    Notes
    -----
    For rho^t the variance of the mean of all is larger than what batches of L readings show, by
    the part (tau - 1/tau)/(2 L): 1/40 here."""
    readings, particles, columns = numbers.shape
    batch = readings
    if particles < least:
        time = correlation_times(numbers).times.max()
        batch = max(1, int(np.ceil(SAFETY * (time - 1 / time))))
    batches = readings // batch
    if particles * batches < least:
        raise ValueError(
            f"run is worth {particles * batches} independent rows, {readings} readings of "
            f"{particles} particles whose autocorrelation time is {time:.3g} readings, but "
            f"{least} are needed. Simulate at least {-(-least // particles) * batch} readings, or "
            f"{least} particles."
        )
    shares = numbers[readings - batch * batches :].reshape(batches, batch, particles, columns)
    means = shares.mean(axis=1).reshape(-1, columns)
    spread, between = numbers.reshape(-1, columns).var(axis=0), batch * means.var(axis=0, ddof=1)
    share = np.divide(spread, between, out=np.ones(columns), where=between > 0)
    size = share * readings * particles
    return IndependentRows(means, size)


def correlated_in_order(numbers, level):
    """Whether particles, rows of a (particles, k) array, are like their neighbours in the array, as
    readings of one chain are.

    The rank version of von Neumann's ratio (Bartels 1982) of each number, one-sided, at the level
    `level` for all k together (Bonferroni)."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    n, columns = numbers.shape
    ranks = rankdata(numbers, axis=0)
    change, spread = (np.diff(ranks, axis=0) ** 2).sum(axis=0), ranks.var(axis=0) * n
    ratio = np.divide(change, spread, out=np.full(columns, 2.0), where=spread > 0)
    error = 2 * np.sqrt((n - 2) * (5 * n**2 - 2 * n - 9) / (5 * n * (n + 1) * (n - 1) ** 2))
    return bool(np.any(ratio < 2 + ndtri(level / columns) * error))
