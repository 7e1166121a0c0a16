"""Is a run distributed as exp(-U/T)?  Tests without bins, and a verdict in plain words."""

import numpy as np
import xarray as xr

from ..arguments import checked, optional, within
from ..engine.reducers.readings import labelled, with_error
from ..models.evaluate import landscape
from ..theory.confinement import energy_box
from .boltzmann_parts import energy_at, fitted, identities
from .currents import REMEMBERING, rotation_deviation
from .effective_sample_size import correlated_in_order
from .equipartition import along, orthonormal, virial_matrix
from .particles import AT_STEP, at_step, attributes, landscape_of, noise_of
from .significance import Deviation, decide
from .wording import Evidence, Temperatures, wording

FEWEST = 50  # particles; below them the tests do not keep their level
FEWEST_PER_DIMENSION = 10
LOOKED_AT = 20_000  # particles, for an order among them
ORDER_BY_CHANCE = 1e-4  # how often independent particles are refused for it
DEEP, BOXED = 42, 3  # temperatures of a box that holds a law, and dimensions in which it is sought


@checked(
    potential=landscape,
    temperature=optional(within(above=0)),
    tolerance=within(above=0, below=1),
    level=within(above=0, below=1),
    directions=optional(orthonormal),
    **AT_STEP,
)
def boltzmann_test(
    run,
    potential,
    temperature=None,
    *,
    tolerance=0.02,
    level=0.05,
    directions=None,
    step=None,
    on_diverged="raise",
):
    """Hold a run against exp(-U/T): one temperature in all directions, no cross terms, the same
    temperature from the curvature.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate`; uses ``x``, in units of length.
    potential : Potential or Loss
        U, in units of energy, on an open domain. A weight decay found in the run's attributes is
        added to it.
    temperature : float, optional
        T in units of energy; default tr <(x - <x>) dU/dx> / d, fitted.
    tolerance : float
        Relative differences of temperature up to this count as none.
    level : float
        Error rate of the verdict: all intervals together hold with probability 1 - level
        (Bonferroni).
    directions : (d, d) array, optional
        Orthonormal columns along which the temperatures are given, instead of the components.
    step, on_diverged
        As in `density`.

    Returns
    -------
    xarray.Dataset
        ``p_value`` (test) of exact agreement, ``effect`` (test), the largest relative deviation
        from T, and ``effect_standard_error``; ``directional_temperature`` (direction) and its
        ``directional_temperature_standard_error``, ``temperature`` and its error, in units of
        energy. Attribute ``decision``: "departs" (some deviation is beyond the tolerance),
        "consistent within tolerance" (all are within) or "undecided"; attribute ``verdict`` says it
        in words.

    Raises
    ------
    TypeError, ValueError
        If there is nothing to test (one dimension, temperature fitted, no Hessian), for a potential
        with walls or a population whose mean loss is not known, and for too few, dependent or
        diverged particles.

    Notes
    -----
    For exp(-U/T), integration by parts gives <f dU/dx_j> = T <df/dx_j>. Tests: "one_temperature", f
    = x_j: T_jj = T (Hotelling); "cross_terms", f = x_i, i != j: T_ij = 0 (Bonferroni over d (d - 1)
    entries); "curvature", f = dU/dx_j: T <lap U> = <|grad U|^2>, if there is a Hessian. With enough
    particles exact agreement is rejected at any finite learning rate, hence the verdict by
    intervals. The intervals are normal, and `effect` is the largest of several, so biased upwards
    by a fraction of its error. Blind to the occupation of separated wells, and, at small learning
    rate, to noise that depends on x but has an isotropic mean."""
    _check_memory(run)
    particles = at_step(run, step, on_diverged)
    x, d = particles.x, particles.x.shape[1]
    potential = landscape_of(run, potential, d, "potential")
    if directions is not None and directions.shape[1] != d:
        raise ValueError(f"directions must be {d} columns, got {directions.shape[1]}.")
    _check_number(x)
    energy = energy_at(run, potential, x)
    _check_spread(x, energy.gradient)
    _check_normalisable(potential, temperature or energy.value.std())
    views, fit = fitted(x, energy, np.empty((0, d)), temperature)
    parts = identities(views, fit.trouble) | {"current": _current(run, particles, potential)}
    found = {name: part for name, part in parts.items() if isinstance(part, Deviation)}
    reasons = {name: part for name, part in parts.items() if name not in found}
    decision = decide(found.values(), tolerance, level)
    if fit.trouble and decision.word != "departs":
        raise ValueError(f"{fit.trouble}.")
    measured = _measured(*along(directions, x, energy.gradient), fit)
    names = [f"x{k}" if directions is None else f"direction {k}" for k in range(d)]
    evidence = Evidence(names, measured, found, reasons)
    about = {
        "decision": decision.word,
        "verdict": wording(run, particles, decision, evidence, tolerance),
        "tolerance": tolerance,
        "level": level,
        "family_p_value": decision.family_p_value,
        "tested": list(found),
        "not_tested": "; ".join(f"{name}: {reason}" for name, reason in reasons.items()),
    }
    coords = {"test": list(found), "direction": names}
    variables = _as_variables(decision, found, measured)
    return xr.Dataset(variables, coords, attributes(run, particles, **about))


def _check_memory(run):
    sampling = (noise_of(run) or {}).get("sampling")
    if sampling in REMEMBERING:
        raise ValueError(
            f"run must draw fresh batches, but its sampling is {sampling!r}: its law depends on the "
            "place in the epoch, and one step shows one place. Use reducers.virial or "
            "temperature_budget, which average over the epoch."
        )


def _check_number(x):
    n, d = x.shape
    fewest = max(FEWEST, FEWEST_PER_DIMENSION * d)
    if n < fewest:
        raise ValueError(
            f"the tests keep their level from {fewest} particles on ({FEWEST}, and "
            f"{FEWEST_PER_DIMENSION} per dimension), got {n}. Simulate more."
        )
    if correlated_in_order(x[:LOOKED_AT], ORDER_BY_CHANCE):
        raise ValueError(
            "particles must be independent, but neighbours are alike: readings of one chain, or "
            "starts in order that are not forgotten. Give a time series its dimension step, or run "
            "more steps."
        )


def _check_spread(x, gradient):
    still = (np.ptp(x, axis=0) == 0) | (np.ptp(gradient, axis=0) == 0)
    if still.any():
        raise ValueError(
            f"run has no spread, or no force, along direction {int(still.argmax())}: no "
            "stationary law there. Run more steps."
        )


def _check_normalisable(potential, unit):
    """Raise if exp(-U/T) is not normalisable, as far as a box can tell; in up to BOXED dimensions."""
    if potential.dim <= BOXED:
        energy_box(potential, unit, DEEP, f"potential {potential.name!r}")


def _current(run, particles, potential):
    try:
        return rotation_deviation(run, particles, potential)
    except ValueError as reason:
        return str(reason).split(". ")[0].rstrip(".")


def _measured(x, gradient, fit):
    """`Temperatures` from the virial along each direction, and the one for all."""
    matrix, error = virial_matrix(x, gradient)
    return Temperatures(np.diagonal(matrix), np.diagonal(error), fit.temperature, fit.error)


def _as_variables(decision, found, measured):
    effect, error = np.array([deviation.largest() for deviation in found.values()]).T
    p_values = [deviation.p_value for deviation in found.values()]
    adjusted = decision.adjusted
    each, one = (measured.along, measured.along_error), (measured.one, measured.one_error)
    return {
        "p_value": labelled("test", p_values, "p-value of exact agreement"),
        "p_value_adjusted": labelled("test", adjusted, "p-value adjusted by Holm's method"),
        **with_error("effect", "test", (effect, error), "largest deviation relative to Boltzmann"),
        **with_error(
            "directional_temperature", "direction", each, "temperature along a direction", "energy"
        ),
        **with_error("temperature", (), one, "one temperature for all directions", "energy"),
    }
