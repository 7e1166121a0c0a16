"""The part of the particles that has not arrived yet, from a run with a first passage."""

from typing import NamedTuple

import numpy as np
import xarray as xr

from ..arguments import checked, integer, optional, whole, word
from ..engine.arrivals import kaplan_meier, restricted_mean
from ..engine.reducers.readings import labelled, with_error
from .particles import OF_RUN, check_independent, with_counts
from .particles import run as is_run


class Arrivals(NamedTuple):
    """First passages of independent particles."""

    watched: np.ndarray  # (particles,) steps until the arrival or until nobody looked any more
    arrived: np.ndarray  # (particles,) whether the particle arrived
    left: int  # particles that left, and count as censored there


def arrivals_of(run, name, on_diverged):
    """The checked `Arrivals` of a run with a first passage of this name."""
    needed = {f"{name}_step": ("particle",), f"{name}_watched": ("particle",)}
    run = is_run(run, "run", needed, "simulate() with first_passage")
    check_independent(run)
    left = int((run["status"] != 0).sum()) if "status" in run else 0
    if left and on_diverged == "raise":
        raise ValueError(
            f"{left} of {run.sizes['particle']} particles left before they arrived. Pass "
            'on_diverged="drop" if that tells nothing about when they would have arrived.'
        )
    return Arrivals(run[f"{name}_watched"].values, run[f"{name}_step"].values >= 0, left)


@checked(limit=optional(whole(1)), name=word, **OF_RUN)
def survival_curve(run, limit=None, *, name="first_passage", on_diverged="raise"):
    """Kaplan and Meier's curve of first passages, of which some may not have been seen.

    And the mean time up to a limit.

    Parameters
    ----------
    run : xarray.Dataset
        Of `simulate` with `reducers.first_passage`; uses ``first_passage_step`` and
        ``first_passage_watched``, in steps.
    limit : int, optional
        In steps, at most the longest time for which a particle was watched, the default.
    name : str
        Of the reducer.
    on_diverged : {"raise", "drop"}
        What to do if particles left: "drop" takes them for censored where they left, which is right
        only if leaving tells nothing about arriving.

    Returns
    -------
    xarray.Dataset
        ``survival`` (passage_step), the part that arrives later than this number of steps, with
        ``survival_standard_error``, ``at_risk`` and ``arrivals``, at the steps in which some
        arrived; ``restricted_mean``, E min(time, limit), in steps, with its standard error.

    Raises
    ------
    TypeError, ValueError
        If the run has no such first passage, its particles are dependent or left, or for a `limit`
        beyond what was watched.

    Notes
    -----
    Time and memory are those of a sort of the particles. S(t) = prod_(k <= t) (1 - d_k/n_k), d_k
    arrivals among n_k particles that are watched in step k and did not arrive before; variance
    S^2 sum d_k/(n_k (n_k - d_k)) (Kaplan and Meier 1958, Greenwood 1926). E min(T, limit) is the
    integral of S, with the variance sum_k (integral from k on)^2 d_k/(n_k (n_k - d_k)).

    Examples
    --------
    After one step from 0, x_0 is N(0, 0.1^2), and below 0.1 with the probability 0.841:

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> reducer = ls.reducers.first_passage(above=0.1)
    >>> plan = {"particles": 4000, "steps": 50, "seed": 1, "reducers": reducer}
    >>> found = ls.analysis.survival_curve(ls.simulate(well, ls.dynamics.sgd(0.1), noise, **plan))
    >>> print(f"{found.survival[0]:.3f} +- {found.survival_standard_error[0]:.3f}")
    0.840 +- 0.006
    """
    watched, arrived, left = arrivals_of(run, name, on_diverged)
    longest = int(watched.max(initial=0))
    if longest == 0:
        raise ValueError("run must have watched its particles for a step. Simulate more steps.")
    limit = integer(longest if limit is None else limit, "limit", 1, longest + 1)
    found = kaplan_meier(watched, arrived)
    error = found.survival * np.sqrt(np.cumsum(found.greenwood))
    over, pair = "passage_step", (found.survival, error)
    variables = with_error("survival", over, pair, "part of the particles that arrives later")
    variables["at_risk"] = labelled(over, found.at_risk, "particles watched, not there before")
    variables["arrivals"] = labelled(over, found.arrivals, "particles that arrive in this step")
    told = f"mean of the first passage time or {limit} steps, whichever is less"
    variables |= with_error("restricted_mean", (), restricted_mean(found, limit), told, "steps")
    coords = {over: labelled(over, found.step, "steps until the first passage", "steps")}
    return xr.Dataset(variables, coords, with_counts(run, len(watched), left, limit=limit))
