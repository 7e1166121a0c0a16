"""Estimates from first passages of which some were not seen: exact intervals of rates, the curve of
Kaplan and Meier, and the mean time up to a limit.
"""

from typing import NamedTuple

import numpy as np

from .reducers.readings import error_of_fraction, labelled, with_error

CONFIDENCE = 0.95  # of the intervals


class Survival(NamedTuple):
    """The part of the particles that has not arrived, right after each step in which some did."""

    step: np.ndarray
    at_risk: np.ndarray  # particles that were watched and had not arrived before
    arrivals: np.ndarray
    survival: np.ndarray
    greenwood: np.ndarray  # added up, the variance of `survival` over its square


def arrival_variables(name, passed, watched):
    """Variables of the dataset from the step of arrival (-1: none) and the steps for which each
    particle was watched."""
    n, arrivals, exposure = len(passed), int((passed >= 0).sum()), float(watched.sum())
    fractions = arrivals / n, error_of_fraction(arrivals, n)
    over = exposure or np.nan
    rates = arrivals / over, np.sqrt(max(arrivals, 1)) / over
    label = "steps until the particle first arrived, -1 if it did not"
    variables = {f"{name}_step": labelled("particle", passed, label, "steps")}
    told = "steps for which the particle was watched, to its arrival"
    variables[f"{name}_watched"] = labelled("particle", watched, told, "steps")
    told = "fraction of particles that arrived"
    variables |= with_error(f"{name}_fraction", (), fractions, told)
    told = "arrivals per particle and step"
    variables |= with_error(f"{name}_rate", (), rates, told, "1/steps")
    told = f"{100 * CONFIDENCE:g} % interval of the rate, from above only without an arrival"
    variables[f"{name}_rate_interval"] = labelled(
        "bound", rate_interval(arrivals, over), told, "1/steps"
    )
    if arrivals == n and n > 1:
        mean = passed.mean(), passed.std(ddof=1) / np.sqrt(n)
        variables |= with_error(f"{name}_mean", (), mean, "mean first passage time", "steps")
    limit = int(watched.max(initial=0))
    pair = restricted_mean(kaplan_meier(watched, passed >= 0), limit)
    told = f"mean of the first passage time or {limit} steps, whichever is less"
    variables |= with_error(f"{name}_restricted_mean", (), pair, told, "steps")
    return variables


def rate_interval(arrivals, exposure):
    """Lower and upper end of the exact Poisson interval of a rate: equal tails, or one-sided from
    above without an arrival, -log(1 - CONFIDENCE) = 3.0 over the exposure. One that may turn out
    either way holds the rate with at least 92.5 %. Source: Garwood 1936."""
    from scipy.special import gammaincinv

    tail = (1 - CONFIDENCE) / 2 if arrivals else 1 - CONFIDENCE
    lower = gammaincinv(arrivals, tail) if arrivals else 0.0
    return np.array([lower, gammaincinv(arrivals + 1, 1 - tail)]) / exposure


def kaplan_meier(watched, arrived):
    """The `Survival` of particles that were `watched` for so many steps and then `arrived` or not.

    S(t) = product over steps k <= t of (1 - arrivals_k / at_risk_k); a particle that was watched
    for k steps is at risk in step k. Rows: steps with arrivals, at most as many as particles.
    Sources: Kaplan and Meier 1958; Greenwood 1926."""
    step, arrivals = np.unique(watched[arrived], return_counts=True)
    at_risk = len(watched) - np.searchsorted(np.sort(watched), step)
    survival = np.cumprod(1 - arrivals / at_risk)
    left = np.maximum(at_risk - arrivals, 1)  # nobody: the survival is 0, and so is its error
    return Survival(step, at_risk, arrivals, survival, arrivals / (at_risk * left))


def restricted_mean(found, limit):
    """Integral of the survival from 0 to `limit` steps, the mean of min(time, limit), and its
    standard error: variance sum over steps of (integral from there on)^2 arrivals / (at_risk
    (at_risk - arrivals)). Without censoring before the limit they are the mean and its error with
    divisor n.
    """
    inside = found.step < limit
    step, survival = found.step[inside], found.survival[inside]
    areas = np.diff(np.append(step, limit)) * survival  # from each step to the next
    rest = np.cumsum(areas[::-1])[::-1]
    before = step.min(initial=limit)  # steps before the first arrival
    return before + areas.sum(), np.sqrt((rest**2 * found.greenwood[inside]).sum())
