"""Reading a run: the positions of its independent particles at one step, and what its attributes
say about the dynamics.
"""

import json
from typing import NamedTuple

import numpy as np
import xarray as xr

from ..models.evaluate import evaluate
from ..models.parameters import choice


class Particles(NamedTuple):
    """Particles at one step: ``x`` (particle, component), ``v`` of the same shape or None, the
    ``step`` (None if the run names none), and how many diverged ones were ``dropped``."""

    x: np.ndarray
    v: np.ndarray | None
    step: int | None
    dropped: int


def checked(run, on_diverged="raise"):
    """The run without its diverged particles, x as (..., particle, component), and how many were
    dropped.

    Raises
    ------
    TypeError
        If `run` is not a dataset as `simulate` returns it.
    ValueError
        If particles diverged and `on_diverged` is not "drop", if fewer than two are left, or if the
        particles are dependent (shared batches): standard errors and p-values then do not hold.
    """
    if not (
        isinstance(run, xr.Dataset)
        and "x" in run
        and {"particle", "component"} <= set(run["x"].dims)
    ):
        raise TypeError(
            "run must be a dataset with x (..., particle, component), as simulate() returns it, "
            f"got {type(run).__name__}."
        )
    choice(on_diverged, "on_diverged", ("raise", "drop"))
    if int(run.attrs.get("independent_particles", 1)) == 0:
        raise ValueError(
            "run must have independent particles, but its attribute independent_particles is 0 "
            "(shared batches): its standard "
            "errors and p-values would be wrong. Simulate without shared=True, or repeat the run "
            "under several seeds."
        )
    lost = ~np.isfinite(run["x"]).all([dim for dim in run["x"].dims if dim != "particle"])
    if "status" in run:
        lost = lost | (run["status"] != 0)
    dropped = int(lost.sum())
    if dropped and on_diverged == "raise":
        raise ValueError(
            f"{dropped} of {run.sizes['particle']} particles diverged, so that the run has no "
            "stationary law to estimate. "
            'Lower the learning rate, or pass on_diverged="drop" for the law of the particles '
            "that stayed."
        )
    kept = run.isel(particle=np.flatnonzero(~lost.values)) if dropped else run
    if kept.sizes["particle"] < 2:
        raise ValueError(
            f"a standard error needs at least 2 particles, got {kept.sizes['particle']} (dropped: "
            f"{dropped})."
        )
    return kept.transpose(..., "particle", "component", missing_dims="ignore"), dropped


def at_step(run, step=None, on_diverged="raise"):
    """The particles of a run at one stored step, as `Particles`; the last one by default. Raises
    like `checked`.
    """
    run, dropped = checked(run, on_diverged)
    stored = np.atleast_1d(run["step"].values) if "step" in run.coords else None
    if step is not None and (stored is None or step not in stored):
        near = (
            "none"
            if stored is None
            else f"{stored[np.argsort(np.abs(stored - step))[:3]].tolist()} (nearest)"
        )
        raise ValueError(
            f"step must be a stored one, got {step}; stored: {near}. Run simulate() with every= "
            "to store more."
        )
    if "step" in run.dims:
        run = run.isel(step=-1 if step is None else int(np.flatnonzero(stored == step)[0]))
    x, v = run["x"].values, run["v"].values if "v" in run and "component" in run["v"].dims else None
    if x.ndim != 2:
        raise ValueError(
            f"run must hold one ensemble, but x has the dimensions {run['x'].dims}. Select one "
            "with isel() or sel()."
        )
    return Particles(x, v, int(run["step"]) if stored is not None else None, dropped)


def check_model(model, dim):
    """Raise unless the model has the dimension of the run."""
    if model.dim != dim:
        raise ValueError(
            f"model must have the dimension of the run, {dim}, but {model.name!r} has {model.dim}."
        )


def dynamics_of(run):
    """Name and parameters of the run's dynamics, from its attributes."""
    text = run.attrs.get("dynamics")
    return json.loads(text) if text else {"name": "unknown", "params": {}}


def weight_decay_of(run):
    """Weight decay of the run; 0 for dynamics that have none. It is part of Boltzmann's reference."""
    decay = dynamics_of(run)["params"].get("weight_decay", 0.0)
    if not isinstance(decay, float):
        raise ValueError(
            "weight_decay must be constant for a stationary law, but the run has a schedule. Use "
            "the part of it that is constant."
        )
    return decay


def reference_gradient(run, model, x):
    """Gradient of U + (weight_decay/2) |x|^2, the energy in Boltzmann's law, at x (..., d)."""
    check_model(model, x.shape[-1])
    return evaluate(model, x, "gradient") + weight_decay_of(run) * x


def attributes(run, particles, **more):
    """Attributes of an estimate: those of the run, how many particles were used and dropped, at
    which step.
    """
    counts = {"particles": len(particles.x), "dropped_particles": particles.dropped}
    return {
        **run.attrs,
        **counts,
        **({} if particles.step is None else {"step": particles.step}),
        **more,
    }
