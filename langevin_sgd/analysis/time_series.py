"""Runs with several stored steps as time series of their particles."""

import numpy as np
import xarray as xr

from ..arguments import whole
from .particles import OF_RUN, check_one_ensemble, component_names, kept_particles, with_counts

FEWEST_STEPS = 4  # two in each half

# Checks of what `time_series` takes.
SERIES = OF_RUN | {"warmup": whole(0)}


def time_series(run, warmup=0, on_diverged="raise", fewest=1):
    """The steps of a run that are stored after `warmup`, and how many particles were dropped.

    Raises
    ------
    ValueError
        Without a step dimension or a step after `warmup`, with other dimensions than step,
        particle and component, and like `kept_particles`, with `fewest` particles.
    """
    kept, dropped = kept_particles(run, on_diverged, fewest)
    if "step" not in kept["x"].dims:
        raise ValueError(
            'run must have the dimension "step"; do not select a step, and store more of them '
            "with every="
        )
    check_one_ensemble(kept, 3)
    late = kept["step"].values > warmup
    if not late.any():
        raise ValueError(
            f"warmup must be below the last stored step, {int(kept['step'][-1])}, got {warmup}: "
            "no draw is left. Simulate for longer, and store more steps with every="
        )
    return kept.isel(step=late), dropped


def halves(numbers):
    """Both halves of time series, a (readings, particles, k) array, as series of their own."""
    if len(numbers) < FEWEST_STEPS:
        raise ValueError(
            f"run must have at least {FEWEST_STEPS} stored steps after the warm-up, two for each "
            f'half, got {len(numbers)}. Store more of them with every=; rhat(run, "nested") takes '
            "a single one."
        )
    half = len(numbers) // 2
    return np.concatenate([numbers[:half], numbers[-half:]], axis=1)


def first_two_moments(x):
    """Numbers whose means are the means and variances of the components of x (..., d), as
    (..., 2 d).
    """
    square = (x - x.mean(axis=tuple(range(x.ndim - 1)))) ** 2
    return np.concatenate([x, square], axis=-1)


def refuse_what_rests(moves, run):
    """Refuse a run of which one of the `first_two_moments` does not change."""
    if not np.all(moves):
        name = names_of_moments(run)[np.argmin(moves)]
        raise ValueError(f"run must move, but {name} has no variance.")


def names_of_moments(run):
    """The names of what `first_two_moments` gives of a run."""
    return [f"{what} of {x}" for what in ("mean", "variance") for x in component_names(run)]


def estimate_of_moments(variables, run, kept, dropped):
    """The dataset of an estimate of each moment, and how much of the run was used."""
    about = with_counts(run, kept.sizes["particle"], dropped, readings=kept.sizes["step"])
    return xr.Dataset(variables, {"observable": names_of_moments(kept)}, about)
