"""Is a run distributed as exp(-U/T)?  Tests without bins, and a verdict in plain words."""

import numpy as np
import xarray as xr

from ..models.evaluate import evaluate
from ..models.losses import Loss
from .equipartition import check_directions
from .particles import at_step, attributes, dynamics_of, reference_gradient, weight_decay_of
from .significance import hotelling, largest_of
from .wording import wording

HESSIAN_NUMBERS = 2_000_000  # Hessian entries worked on at a time


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
        U, in units of energy. A weight decay found in the run's attributes is added to it.
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
        If there is nothing to test (one dimension, temperature fitted, no Hessian), a number is out
        of range, or for too few, dependent or diverged particles.

    Notes
    -----
    For exp(-U/T), integration by parts gives <f dU/dx_j> = T <df/dx_j>. Tests: "one_temperature", f
    = x_j: T_jj = T (Hotelling); "cross_terms", f = x_i, i != j: T_ij = 0 (Bonferroni over d (d - 1)
    entries); "curvature", f = dU/dx_j: T <lap U> = <|grad U|^2>, if there is a Hessian. With enough
    particles exact agreement is rejected at any finite learning rate, hence the verdict by
    intervals. The intervals are normal, and `effect` is the largest of several, so biased upwards
    by a fraction of its error. Blind to the occupation of separated wells, and, at small learning
    rate, to noise that depends on x but has an isotropic mean."""
    _check_numbers(temperature, tolerance, level)
    particles = at_step(run, step, on_diverged)
    n, d = particles.x.shape
    gradient = reference_gradient(run, potential, particles.x)
    laplacian = _laplacian(run, potential, particles.x)
    directions = check_directions(directions, d)
    x = particles.x if directions is None else particles.x @ directions
    along = gradient if directions is None else gradient @ directions
    if x.shape[1] != d:
        raise ValueError(f"directions must be {d} columns, got {x.shape[1]}.")
    deviations, measured = _deviations(x, along, laplacian, temperature)
    if not deviations:
        raise ValueError(
            "nothing to test: in one dimension with a fitted temperature the potential needs a "
            "Hessian, or give temperature=."
        )
    decision = _decision(deviations, tolerance, level)
    tests = list(deviations)
    worst = {
        name: np.unravel_index(np.abs(effect).argmax(), effect.shape)
        for name, (effect, _, _) in deviations.items()
    }
    energy = {"units": "energy"}
    variables = {
        "p_value": (
            "test",
            [deviations[name][2] for name in tests],
            {"long_name": "p-value of exact agreement", "units": "1"},
        ),
        "effect": (
            "test",
            [deviations[t][0][worst[t]] for t in tests],
            {"long_name": "largest deviation relative to T", "units": "1"},
        ),
        "effect_standard_error": (
            "test",
            [deviations[t][1][worst[t]] for t in tests],
            {"long_name": "its standard error", "units": "1"},
        ),
        "directional_temperature": (
            "direction",
            measured[0],
            {"long_name": "temperature along a direction", **energy},
        ),
        "directional_temperature_standard_error": (
            "direction",
            measured[1],
            {"long_name": "its standard error", **energy},
        ),
        "temperature": (
            (),
            measured[2],
            {"long_name": "one temperature for all directions", **energy},
        ),
        "temperature_standard_error": (
            (),
            measured[3],
            {"long_name": "its standard error, 0 if given", **energy},
        ),
    }
    names = [f"x{k}" if directions is None else f"direction {k}" for k in range(d)]
    text = wording(dynamics_of(run)["name"], decision, names, measured, deviations, tolerance)
    attrs = attributes(
        run, particles, decision=decision, verdict=text, tolerance=tolerance, level=level
    )
    return xr.Dataset(variables, {"test": tests, "direction": names}, attrs)


def _check_numbers(temperature, tolerance, level):
    if temperature is not None and not (
        np.ndim(temperature) == 0 and np.isfinite(temperature) and temperature > 0
    ):
        raise ValueError(
            "temperature must be one positive finite number (an energy) or None, got "
            f"{temperature}."
        )
    if not 0 < tolerance < 1 or not 0 < level < 1:
        raise ValueError(
            f"tolerance and level must be between 0 and 1, got {tolerance} and {level}."
        )


def _laplacian(run, model, x):
    """Trace of the Hessian of the energy in Boltzmann's law, (n,), or None if the model has no
    Hessian.
    """
    if (model.example_hessian if isinstance(model, Loss) else model.hessian) is None:
        return None
    chunk = max(1, HESSIAN_NUMBERS // model.dim**2)
    traces = [
        np.trace(evaluate(model, x[k : k + chunk], "hessian"), axis1=-2, axis2=-1)
        for k in range(0, len(x), chunk)
    ]
    return np.concatenate(traces) + weight_decay_of(run) * model.dim


def _deviations(x, gradient, laplacian, temperature):
    """For each test: deviations relative to T, their errors and a p-value; and (T_jj, errors, T,
    its error).

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
    temperature = np.trace(matrix) / d if fitted else float(temperature)
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
    results = {}
    contrasts = diagonal[:, : d - fitted] - (common[:, None] if fitted else temperature)
    if contrasts.shape[1]:
        p_value = hotelling(contrasts.mean(axis=0), np.atleast_2d(np.cov(contrasts.T)), n)
        results["one_temperature"] = np.diagonal(deviation), np.diagonal(error), p_value
    if d > 1:
        other = ~np.eye(d, dtype=bool)
        results["cross_terms"] = (
            deviation[other],
            error[other],
            largest_of(deviation[other] / error[other]),
        )
    if laplacian is not None:
        square = (gradient**2).sum(axis=1)
        effect = temperature * laplacian.mean() / square.mean() * (n - 1) / n - 1
        influence = laplacian.mean() * common + temperature * laplacian - (1 + effect) * square
        spread = influence.std(ddof=1) / np.sqrt(n) / square.mean()
        if spread > 1e-9:  # on an isotropic quadratic both temperatures are the same number
            results["curvature"] = (
                np.array([effect]),
                np.array([spread]),
                largest_of(effect / spread),
            )
    own = diagonal.std(axis=0, ddof=1) / np.sqrt(n)
    return results, (np.diagonal(matrix), own, temperature, common.std(ddof=1) / np.sqrt(n))


def _decision(deviations, tolerance, level):
    """The verdict from simultaneous intervals around all deviations."""
    from scipy.special import ndtri

    effect = np.abs(np.concatenate([values for values, _, _ in deviations.values()]))
    error = np.concatenate([errors for _, errors, _ in deviations.values()])
    half_width = -ndtri(level / (2 * len(effect))) * error
    if np.any(effect - half_width > tolerance):
        return "departs"
    return "consistent within tolerance" if np.all(effect + half_width < tolerance) else "undecided"
