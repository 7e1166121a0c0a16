"""The rate at which particles escape, with its exact interval, from a run with a first passage."""

from bisect import bisect_left

import numpy as np
import xarray as xr

from ..arguments import checked, whole, within, word
from ..engine.reducers.readings import labelled, with_error
from .particles import OF_RUN, with_counts
from .survival_curve import arrivals_of


@checked(after=whole(0), level=within(above=0, below=1), name=word, **OF_RUN)
def escape_rate(run, after=0, *, level=0.05, name="first_passage", on_diverged="raise"):
    """The probability per step to arrive, with an exact interval also where none or few arrived.

    Of particles that have been under way for more than `after` steps.

    Parameters
    ----------
    run : xarray.Dataset
        Of `simulate` with `reducers.first_passage`; uses ``first_passage_step`` and
        ``first_passage_watched``, in steps.
    after : int
        In steps: what happens up to and including this step is left out, so that the particles have
        forgotten their start. A few times 1/(learning_rate * curvature) of the well.
    level : float
        One minus the confidence of the interval.
    name : str
        Of the reducer.
    on_diverged : {"raise", "drop"}
        As in `survival_curve`.

    Returns
    -------
    xarray.Dataset
        ``escape_rate`` in 1/steps with ``escape_rate_standard_error`` and ``escape_rate_interval``
        (bound); ``arrivals`` and ``exposure``, particles times steps that were watched;
        ``p_value`` of the same rate in the earlier and the later half of the exposure: a small one
        says that `after` is too short, or that no single rate exists.

    Raises
    ------
    TypeError, ValueError
        As `survival_curve`, and if nobody was watched after `after`.

    Notes
    -----
    Divided by the learning rate it is a rate per time, its inverse the mean lifetime in steps. With
    k arrivals in n trials of a constant probability q the likelihood is q^k (1 - q)^(n - k)
    whatever the rule by which particles are censored, if that rule does not look ahead. The
    interval is that of k of n (Clopper and Pearson 1934): equal tails, and one-sided where none or
    all arrived, 0 to 1 - level^(1/n), about 3.0/n. It is exact if n was fixed, as it is without
    arrivals; for small q it is Garwood's of the exponential law. The exact counterpart is
    ``exit_probability`` of `theory.quasi_stationary_law`. p-value: of the binomial split of k.

    Examples
    --------
    The rule of three: if nobody arrives in n = 32 * 50 trials, the rate is below 3.0/n.

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> plan = {"particles": 32, "steps": 50, "reducers": ls.reducers.first_passage(above=3.0)}
    >>> found = ls.analysis.escape_rate(ls.simulate(well, ls.dynamics.sgd(0.1), noise, **plan))
    >>> n, (low, high) = found.exposure.item(), found.escape_rate_interval.values
    >>> print(f"{n} trials: {n * low:.1f}/n to {n * high:.1f}/n")
    1600 trials: 0.0/n to 3.0/n
    """
    from scipy.stats import binomtest

    watched, arrived, left = arrivals_of(run, name, on_diverged)
    under_way = np.maximum(watched.astype(np.int64) - after, 0)
    exposure, arrivals = int(under_way.sum()), int((arrived & (under_way > 0)).sum())
    if exposure == 0:
        raise ValueError(f"run must have watched particles for longer than after = {after} steps.")
    rate = arrivals / exposure
    error = np.sqrt(max(arrivals, 1) * (1 - min(rate, 1 - 1 / (exposure + 1)))) / exposure
    told = "arrivals per particle and step"
    variables = with_error("escape_rate", (), (rate, error), told, "1/steps")
    text = f"{100 * (1 - level):g} % interval of the escape rate"
    ends = interval_of_probability(arrivals, exposure, level)
    variables["escape_rate_interval"] = labelled("bound", ends, text, "1/steps")
    variables["arrivals"] = labelled((), arrivals, "particles that arrived")
    variables["exposure"] = labelled((), exposure, "particles times steps", "steps")
    p_value = 1.0
    if arrivals:
        half = bisect_left(  # the fewest steps within which half of the exposure lies
            range(under_way.max()),
            exposure,
            key=lambda steps: 2 * np.minimum(under_way, steps).sum(),
        )
        early = int((arrived & (under_way > 0) & (under_way <= half)).sum())
        share = np.minimum(under_way, half).sum() / exposure
        p_value = binomtest(early, arrivals, share).pvalue
    variables["p_value"] = labelled((), p_value, "p-value of a rate that does not change")
    return xr.Dataset(variables, attrs=with_counts(run, len(watched), left, after=after))


def interval_of_probability(successes, trials, level):
    """Both ends of the exact interval of a probability: equal tails, or one-sided without a success
    or without a failure. Source: Clopper and Pearson 1934."""
    from scipy.special import betaincinv

    failures = trials - successes
    tail = level / 2 if successes and failures else level
    low = betaincinv(successes, failures + 1, tail) if successes else 0.0
    high = betaincinv(successes + 1, failures, 1 - tail) if failures else 1.0
    return np.array([low, high])
