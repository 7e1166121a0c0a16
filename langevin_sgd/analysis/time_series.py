"""Runs with several stored steps as time series of their particles."""

import numpy as np

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


def named_moments(run):
    """What `first_two_moments` gives of a run, by name."""
    return [f"{what} of {x}" for what in ("mean", "variance") for x in component_names(run)]


def first_two_moments(x):
    """Numbers whose means are the means and variances of the components of x (..., d), as
    (..., 2 d).
    """
    square = (x - x.mean(axis=tuple(range(x.ndim - 1)))) ** 2
    return np.concatenate([x, square], axis=-1)


def attributes_of_series(run, kept, dropped):
    """Attributes of an estimate: those of the run, and how much of it was used."""
    return with_counts(run, kept.sizes["particle"], dropped, readings=kept.sizes["step"])
