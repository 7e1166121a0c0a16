"""Runs that were never simulated: datasets as `simulate` returns them, with particles drawn from a
known law.
"""

import json

import numpy as np
import xarray as xr

from langevin_sgd import theory


def synthetic_run(x, v=None, dynamics=None, **attrs):
    """A run with one stored step; `x` (particles, d), `dynamics` a pair of a name and its
    parameters.
    """
    x = np.asarray(x, dtype=float)
    variables = {
        "x": (("step", "particle", "component"), x[None]),
        "status": ("particle", np.zeros(len(x), dtype=np.int8)),
    }
    if v is not None:
        variables["v"] = (("step", "particle", "component"), np.asarray(v)[None])
    if dynamics is not None:
        attrs["dynamics"] = json.dumps({"name": dynamics[0], "params": dynamics[1]})
    return xr.Dataset(variables, {"step": [100]}, {"independent_particles": 1, **attrs})


def gaussian_run(covariance, particles, seed, **options):
    """A run whose particles are Gaussian with the given covariance."""
    covariance = np.atleast_2d(covariance)
    normals = np.random.default_rng(seed).normal(size=(particles, len(covariance)))
    return synthetic_run(normals @ np.linalg.cholesky(covariance).T, **options)


def well_draws(particles, seed, temperature, barrier=0.25):
    """Exact draws of Boltzmann's law of `double_well(dim=2, coupling=0.8)`: the first component by
    inversion.
    """
    random, grid = np.random.default_rng(seed), np.linspace(-3.0, 3.0, 100_001)
    below = np.cumsum(np.exp(-barrier * (grid**2 - 1) ** 2 / temperature))
    first = np.interp(random.uniform(size=particles), below / below[-1], grid)
    second = 0.8 * first + np.sqrt(temperature) * random.normal(size=particles)
    return np.column_stack([first, second])


def unit_variance(z, kurtosis_excess=0.0):
    """Whether z-scores, one row per replicate, have mean 0 and mean square 1 within 4 standard
    errors of independent rows.
    """
    z = np.asarray(z).reshape(len(z), -1)
    centred = np.abs(z.mean(axis=0)) < 4 / np.sqrt(len(z)) * np.maximum(1, z.std(axis=0))
    square = np.abs((z**2).mean(axis=0) - 1) < 4 * np.sqrt((2 + kurtosis_excess) / len(z))
    return bool(np.all(centred) and np.all(square))


def series_run(x):
    """A run with x (stored steps, particles, d), stored every tenth step, from 10 on."""
    x = np.asarray(x, dtype=float)
    variables = {
        "x": (("step", "particle", "component"), x),
        "status": ("particle", np.zeros(x.shape[1], dtype=np.int8)),
    }
    return xr.Dataset(
        variables, {"step": 10 + 10 * np.arange(len(x))}, {"independent_particles": 1}
    )


def adjacent(here, there, **options):
    """A run of two stored steps."""
    run = synthetic_run(here, **options)
    both = np.stack([here, there])
    return run.drop_vars(["x", "step"]).assign(
        x=(("step", "particle", "component"), both), step=[99, 100]
    )


def linear_run(process, particles, seed, **options):
    """Two adjacent steps of a stationary linear process, and its velocity."""
    random, size = np.random.default_rng(seed), process.transition.shape[0]
    state = random.multivariate_normal(
        np.zeros(size), theory.state_covariance(process), size=particles
    )
    noise = random.multivariate_normal(
        np.zeros(len(process.noise_covariance)), process.noise_covariance, size=particles
    )
    after = state @ process.transition.T + noise @ process.noise_input.T
    d = process.dim
    return adjacent(state[:, :d], after[:, :d], **options), after[:, d:]
