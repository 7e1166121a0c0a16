"""Reading a run: the positions of its independent particles at one step, what its attributes say
about dynamics and noise, and the landscape that it is held against.
"""

import json
from typing import NamedTuple

import numpy as np
import xarray as xr

from ..arguments import names_of_components, one_of, optional, shown, whole
from ..models.evaluate import evaluate

PATH = {"x": ("particle", "component")}
IN_FLIGHT = 1e75  # of x: the largest float is 1.8e308, below the fifth power


class Particles(NamedTuple):
    """Particles at one step: ``x`` (particle, component), ``v`` of the same shape or None, the
    ``step`` (None if the run names none), and how many diverged ones were ``dropped``."""

    x: np.ndarray
    v: np.ndarray | None
    step: int | None
    dropped: int


def run(value, name, needs=PATH, source="simulate()"):
    """A check: `value` if it is a dataset that has the variables `needs`, numbers with these dims
    (a dict name -> dims), as `source` returns it.
    """
    if isinstance(value, xr.Dataset) and "component" in set(value.coords) - set(value.dims):
        value = _with_component(value)
    good = isinstance(value, xr.Dataset) and all(
        key in value and set(dims) <= set(value[key].dims) and value[key].dtype.kind in "iuf"
        for key, dims in needs.items()
    )
    if not good:
        wanted = ", ".join(
            f"{key} ({', '.join(dims)})" if dims else key for key, dims in needs.items()
        )
        raise TypeError(
            f"{name} must be a dataset with {wanted}, as {source} returns it, got {shown(value)}."
        )
    return value


def _with_component(run):
    """A run whose one component was selected by its name, with that dimension again."""
    alone = {key: run[key].expand_dims("component", -1) for key in ("x", "v") if key in run}
    return run.drop_vars("component").assign(alone)


def component_names(run):
    """What the components of x are called: "x0", "x1", ..., those that were selected."""
    return names_of_components(run) or [f"x{k}" for k in range(run.sizes["component"])]


# Checks of what `kept_particles` takes, and `at_step`.
OF_RUN = {"run": run, "on_diverged": one_of("raise", "drop")}
AT_STEP = OF_RUN | {"step": optional(whole(0))}


def check_independent(run):
    """Refuse a run whose particles are dependent: shared batches."""
    if int(run.attrs.get("independent_particles", 1)) == 0:
        raise ValueError(
            "run must have independent particles, but its attribute independent_particles is 0 "
            "(shared batches): its standard errors and p-values would be wrong. Simulate without "
            "shared=True, or repeat the run under several seeds."
        )


def kept_particles(run, on_diverged="raise", fewest=2):
    """The run without its diverged particles, x as (..., particle, component), and how many were
    dropped.

    Raises
    ------
    ValueError
        If particles diverged and `on_diverged` is not "drop", if fewer than `fewest` are left, or
        if the particles are dependent (shared batches): standard errors and p-values then do not
        hold.
    """
    check_independent(run)
    lost = ~np.isfinite(run["x"]).all([dim for dim in run["x"].dims if dim != "particle"])
    if "status" in run:
        lost = lost | (run["status"] != 0)
    dropped = int(lost.sum())
    if dropped and on_diverged == "raise":
        raise ValueError(
            f"{dropped} of {run.sizes['particle']} particles diverged, so that the run has no "
            'stationary law to estimate. Lower the learning rate, or pass on_diverged="drop" for '
            "the law of the particles that stayed."
        )
    kept = run.isel(particle=np.flatnonzero(~lost.values)) if dropped else run
    if kept.sizes["particle"] < fewest:
        raise ValueError(
            f"run must have at least {fewest} particles for a standard error, got "
            f"{kept.sizes['particle']} (dropped: {dropped})."
        )
    if not kept["x"].size:
        raise ValueError("run must hold a stored step, got none. Select one or more of its steps.")
    farthest = max(float(kept["x"].max()), -float(kept["x"].min()))
    if farthest > IN_FLIGHT:
        raise ValueError(
            f"run has particles in flight, as far as {farthest:.3g} and not yet frozen, which are "
            "part of no law. Simulate with an escape_radius, beyond which they are frozen, and "
            'pass on_diverged="drop".'
        )
    return kept.transpose(..., "particle", "component", missing_dims="ignore"), dropped


def at_step(run, step=None, on_diverged="raise"):
    """The particles of a run at one stored step, as `Particles`; the last one by default. Raises
    like `kept_particles`.
    """
    run, dropped = kept_particles(run, on_diverged)
    stored = np.atleast_1d(run["step"].values) if "step" in run.coords else None
    if step is not None and (stored is None or step not in stored):
        near = "none"
        if stored is not None:
            near = f"{stored[np.argsort(np.abs(stored - step))[:3]].tolist()} (nearest)"
        raise ValueError(
            f"step must be a stored one, got {step}; stored: {near}. Run simulate() with every= "
            "to store more."
        )
    if "step" in run.dims:
        run = run.isel(step=-1 if step is None else int(np.flatnonzero(stored == step)[0]))
    check_one_ensemble(run, 2)
    has_velocity = "v" in run and "component" in run["v"].dims
    v = run["v"].values if has_velocity else None
    return Particles(run["x"].values, v, None if stored is None else int(run["step"]), dropped)


def check_one_ensemble(run, dims):
    """Refuse a run whose x has another number of dimensions, such as those of a sweep."""
    if run["x"].ndim != dims:
        raise ValueError(
            f"run must hold one ensemble, but x has the dimensions {run['x'].dims}. Select one "
            "with isel() or sel()."
        )


def dynamics_of(run):
    """Name and parameters of the run's dynamics, from its attributes."""
    return _attribute_of(run, "dynamics")


def noise_of(run):
    """Name, parameters and sampling of the run's noise, from its attributes; None without noise."""
    return _attribute_of(run, "noise")


def sampling_of(run):
    """How the run's noise drew examples, from its attributes; None if it drew none."""
    return (noise_of(run) or {}).get("sampling")


def _attribute_of(run, what):
    text = run.attrs.get(what)
    return json.loads(text) if text else {"name": "unknown", "params": {}}


def has_walls(run, kinds=("periodic", "reflecting")):
    """Whether the run's model had walls of these kinds, from its attributes."""
    walls = _attribute_of(run, "model").get("domain") or ()
    return any(wall is not None and wall[0] in kinds for wall in walls)


def weight_decay_of(run):
    """Weight decay of the run, 0 if it has none; it is part of Boltzmann's reference."""
    decay = dynamics_of(run)["params"].get("weight_decay", 0.0)
    if not isinstance(decay, float):
        raise ValueError(
            "weight_decay must be constant for a stationary law, but the run has a schedule. Use "
            "the part of it that is constant."
        )
    return decay


def refuse_weight_decay(run):
    """Refuse a run with weight decay, where the landscape must hold all that acts on x."""
    if decay := weight_decay_of(run):
        raise ValueError(
            f"run has weight_decay = {decay:g}, which belongs to Boltzmann's energy: put "
            "(weight_decay/2) |x|^2 into the energy of the potential, and simulate without "
            "weight_decay, the same dynamics."
        )


def landscape_of(run, model, name="potential", walls=False):
    """The landscape whose Boltzmann law the run is held against: `model`, the argument `name`, or
    the mean over its population if the run drew fresh examples.

    Raises
    ------
    ValueError
        If the model has another dimension than the run, or another order of components, or the
        mean over its population is not known; and unless `walls`, if its domain has any: identities
        that come from an integration by parts lack the terms of the boundary.
    """
    check_dim(run, model, name)
    names = component_names(run)
    if names != (wanted := [f"x{k}" for k in range(model.dim)]) and sorted(names) == sorted(wanted):
        raise ValueError(
            f"run must have its components in the order of {name}, got {', '.join(names)}. Put "
            'them in order: run.sel(component=["x0", "x1", ...]).'
        )
    if not walls and (model.domain is not None or has_walls(run)):
        who = "the run" if model.domain is None else repr(model.name)
        raise ValueError(
            f"{name} must have an open domain here, but {who} has walls, whose pushes are "
            "no part of the virial. Use kl_to_boltzmann, which integrates over the domain (one or "
            "two dimensions)."
        )
    return model.expected(sampling_of(run))


def check_dim(run, model, name):
    """Refuse a model, the argument `name`, of another dimension than the run's."""
    if model.dim != (dim := run.sizes["component"]):
        raise ValueError(
            f"{name} must have the dimension of the run, {dim}, but {model.name!r} has {model.dim}."
        )


def finite_at(model, x, quantity="energy"):
    """`evaluate`, at particles x (..., d); ValueError where it is not finite."""
    values = evaluate(model, x, quantity)
    bad = ~np.isfinite(values)
    if bad.any():
        at = x[bad if values.ndim < x.ndim else bad.any(axis=-1)]
        raise ValueError(
            f"potential must have a finite {quantity} where the particles are, but that of "
            f"{model.name!r} is not finite at {len(at)} of them, first at "
            f"{shown(at.take(0, axis=0).tolist())}. Give it walls, or leave those particles out."
        )
    return values


def reference_gradient(run, model, x):
    """Gradient of U + (weight_decay/2) |x|^2, the energy in Boltzmann's law, at particles x
    (..., d). Raises like `finite_at`."""
    return finite_at(model, x, "gradient") + weight_decay_of(run) * x


def mean_push(run, model, x):
    """The `reference_gradient` less the model's drift: what takes x downhill without noise."""
    gradient = reference_gradient(run, model, x)
    return gradient if model.drift is None else gradient - evaluate(model, x, "drift")


def attributes(run, particles, **more):
    """Attributes of an estimate: those of the run, how many particles were used and dropped, at
    which step.
    """
    step = {} if particles.step is None else {"step": particles.step}
    return with_counts(run, len(particles.x), particles.dropped, **step, **more)


def with_counts(run, particles, dropped, **more):
    """The attributes of a run, and how many particles of it were used and dropped."""
    return {**run.attrs, "particles": particles, "dropped_particles": dropped, **more}
