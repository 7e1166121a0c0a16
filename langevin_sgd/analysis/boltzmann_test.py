"""Is a run distributed as exp(-U/T)?  Tests without bins, and a verdict in plain words."""

import numpy as np
import xarray as xr

from ..arguments import checked, optional, within
from ..engine.reducers.readings import labelled, with_error
from ..models.evaluate import evaluate, landscape
from .equipartition import along, orthonormal
from .particles import (
    AT_STEP,
    at_step,
    attributes,
    dynamics_of,
    landscape_of,
    reference_gradient,
    weight_decay_of,
)
from .significance import Deviation, decide, hotelling, largest_of
from .wording import Temperatures, wording

HESSIAN_NUMBERS = 2_000_000  # Hessian entries worked on at a time


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
    particles = at_step(run, step, on_diverged)
    n, d = particles.x.shape
    potential = landscape_of(run, potential, d, "potential")
    if directions is not None and directions.shape[1] != d:
        raise ValueError(f"directions must be {d} columns, got {directions.shape[1]}.")
    gradient = reference_gradient(run, potential, particles.x)
    laplacian = _laplacian(run, potential, particles.x)
    found, measured = _deviations(*along(directions, particles.x, gradient), laplacian, temperature)
    if not found:
        raise ValueError(
            "nothing to test: in one dimension with a fitted temperature the potential needs a "
            "Hessian, or give temperature=."
        )
    decision = decide(found.values(), tolerance, level)
    effect, error = np.array([deviation.largest() for deviation in found.values()]).T
    p_values = [deviation.p_value for deviation in found.values()]
    variables = {
        "p_value": labelled("test", p_values, "p-value of exact agreement"),
        "p_value_adjusted": labelled(
            "test", decision.adjusted, "p-value adjusted by Holm's method"
        ),
        **with_error("effect", "test", (effect, error), "largest deviation relative to T"),
    }
    each, one = (measured.along, measured.along_error), (measured.one, measured.one_error)
    text, of_one = "temperature along a direction", "one temperature for all directions"
    variables |= with_error("directional_temperature", "direction", each, text, "energy")
    variables |= with_error("temperature", (), one, of_one, "energy")
    names = [f"x{k}" if directions is None else f"direction {k}" for k in range(d)]
    verdict = wording(dynamics_of(run)["name"], decision, names, measured, found, tolerance)
    about = {"decision": decision.word, "verdict": verdict, "tolerance": tolerance, "level": level}
    about["family_p_value"] = decision.family_p_value
    attrs = attributes(run, particles, **about)
    return xr.Dataset(variables, {"test": list(found), "direction": names}, attrs)


def _laplacian(run, model, x):
    """Trace of the Hessian of the energy in Boltzmann's law, (n,), or None if the model has no
    Hessian.
    """
    if model.function("hessian") is None:
        return None
    chunk = max(1, HESSIAN_NUMBERS // model.dim**2)
    hessians = (evaluate(model, x[k : k + chunk], "hessian") for k in range(0, len(x), chunk))
    traces = [np.trace(hessian, axis1=-2, axis2=-1) for hessian in hessians]
    return np.concatenate(traces) + weight_decay_of(run) * model.dim


def _deviations(x, gradient, laplacian, temperature):
    """A `Deviation` for each test, and the `Temperatures`.

    Errors are those of the influence functions. With a fitted T that of T_ij / T is (psi_ij - (T_ij
    / T) psi) / T, psi_ij the product of the centred factors and psi = tr psi_ij / d; with a given
    T, psi_ij / T."""
    n, d = x.shape
    x, gradient = x - x.mean(axis=0), gradient - gradient.mean(axis=0)
    still = ~(x.any(axis=0) & gradient.any(axis=0))
    if still.any():
        raise ValueError(
            f"run has no spread, or no force, along direction {int(still.argmax())}: no "
            "stationary law there. Run more steps."
        )
    matrix = x.T @ gradient / (n - 1)
    fitted = temperature is None
    temperature = np.trace(matrix) / d if fitted else temperature
    if temperature <= 0:
        raise ValueError(
            f"the fitted temperature is {temperature:.4g}: no stationary state has this. Run more "
            "steps."
        )
    diagonal = x * gradient
    common = diagonal.mean(axis=1) * fitted
    ratio = matrix / temperature
    square = (
        (x**2).T @ gradient**2
        - 2 * ratio * ((x * common[:, None]).T @ gradient)
        + ratio**2 * (common @ common)
    )
    mean = ratio * (temperature - common.mean())
    error = np.sqrt(np.maximum(square / n - mean**2, 0.0) / (n - 1)) / temperature
    deviation = ratio - np.eye(d)
    found = {}
    contrasts = diagonal[:, : d - fitted] - (common[:, None] if fitted else temperature)
    if contrasts.shape[1]:
        p_value = hotelling(contrasts.mean(axis=0), np.atleast_2d(np.cov(contrasts.T)), n)
        found["one_temperature"] = Deviation(np.diagonal(deviation), np.diagonal(error), p_value)
    if d > 1:
        other = ~np.eye(d, dtype=bool)
        p_value = largest_of(deviation[other] / error[other])
        found["cross_terms"] = Deviation(deviation[other], error[other], p_value)
    if laplacian is not None:
        square = (gradient**2).sum(axis=1)
        effect = temperature * laplacian.mean() / square.mean() * (n - 1) / n - 1
        influence = laplacian.mean() * common + temperature * laplacian - (1 + effect) * square
        spread = influence.std(ddof=1) / np.sqrt(n) / square.mean()
        if spread > 1e-9:  # on an isotropic quadratic both temperatures are the same number
            found["curvature"] = Deviation(
                np.array([effect]), np.array([spread]), largest_of(effect / spread)
            )
    own = diagonal.std(axis=0, ddof=1) / np.sqrt(n)
    one_error = common.std(ddof=1) / np.sqrt(n)
    return found, Temperatures(np.diagonal(matrix), own, temperature, one_error)
