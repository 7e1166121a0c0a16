"""Is a run distributed as exp(-U/T)?  Tests without bins, and a verdict in plain words."""

import numpy as np
import xarray as xr

from ..arguments import checked, flag, one_of, optional, within
from ..engine.reducers.readings import labelled, with_error
from ..models.evaluate import landscape
from ..theory.basins_of_attraction import basins_of_attraction, slope_of
from ..theory.confinement import box_around, energy_box
from .basins import POPULATIONS, occupation_deviation
from .boltzmann_parts import alone, energy_at, fitted, identities, is_constant
from .currents import REMEMBERING, rotation_deviation
from .effective_sample_size import correlated_in_order, correlation_times
from .equipartition import along, orthonormal, virial_matrix
from .particles import (
    AT_STEP,
    Particles,
    at_step,
    attributes,
    landscape_of,
    refuse_weight_decay,
    sampling_of,
)
from .reference_sample import reference_deviation
from .significance import Deviation, decide
from .stein import LARGEST_STEIN, stein_discrepancy
from .time_series import first_two_moments, time_series
from .wording import Evidence, Temperatures, wording

NO_SPREAD = 1e-13  # eigenvalue of a correlation matrix that counts as 0
LARGEST_RATIO = 1e60  # of energies and a temperature
FEWEST = 100  # particles; below them the tests do not keep their level
FEWEST_PER_DIMENSION = 10
APART = 3  # autocorrelation times between readings that count as independent: e^-6 for rho^t
DESCENDING = 500  # particles that look for minima
ORDERED = 20_000  # particles, for an order among them
ORDER_BY_CHANCE = 1e-4  # how often independent particles are refused for it
DEEP, BOXED = 42, 3  # temperatures of a box that holds a law, and dimensions in which it is sought


@checked(
    potential=landscape,
    temperature=optional(within(above=0)),
    tolerance=within(above=0, below=1),
    level=within(above=0, below=1),
    directions=optional(orthonormal),
    populations=optional(POPULATIONS),
    reference=optional(one_of("langevin")),
    stein=flag,
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
    populations=None,
    reference=None,
    stein=False,
):
    """Whether a run is distributed as exp(-U/T): several tests and one decision, in words.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate`; uses ``x``, in units of length, and for currents ``v`` or the stored
        step before. Of a run of fewer particles than are needed, stored steps that are independent
        of each other are used, if there are enough.
    potential : Potential or Loss
        U, in units of energy, on an open domain. A weight decay found in the run's attributes is
        added to it; a Hessian that it lacks is differenced.
    temperature : float, optional
        T in units of energy; default fitted by the virial, E[z . grad U] / E[div z], z the place
        relative to the mean, or to the own minimum where wells are far apart.
    tolerance : float
        Relative deviations up to this count as none.
    level : float
        Error rate of the decision.
    directions : (d, d) array, optional
        Orthonormal columns along which the temperatures are given, instead of the components.
    step, on_diverged
        As in `density`.
    populations : xarray.Dataset, optional
        `theory.basin_populations` of the potential at T, to spare their quadrature, which takes
        seconds.
    reference : "langevin", optional
        Also compare with the package's own Langevin run at `temperature`, which must be given, in
        any dimension (`reference_sample`, whose convergence is checked; the verdict tells its
        cost). Its p-value is by permutation, 0.001 at least.
    stein : bool
        Also test the kernel Stein discrepancy (`stein_discrepancy`) of up to 10,000 particles,
        at a `temperature` that is given.

    Returns
    -------
    xarray.Dataset
        ``p_value`` (test) of exact agreement, ``p_value_adjusted`` for the number of tests (Holm),
        ``effect`` (test), the largest relative deviation, and ``effect_standard_error``;
        ``directional_temperature`` (direction) from the virial and ``temperature``, each with its
        error, in units of energy. Attributes: ``family_p_value``; ``decision``, "departs" (the
        family's p-value is below `level`, and some deviation is beyond the tolerance), "consistent
        within tolerance" (all are within, by tests of equivalence) or "undecided"; ``verdict``, the
        decision in words, with what was ``tested`` and ``not_tested``, and why.

    Raises
    ------
    TypeError, ValueError
        For fewer than 100 particles, or 10 a dimension; for dependent particles, also readings of
        one chain given as particles, and diverged ones; for batches that are shuffled, whose law
        depends on the place in the epoch; for a potential with walls, one that is not normalisable
        (found in up to three dimensions), or a population whose mean loss is not known; for
        populations of another potential or temperature; for a
        fitted temperature with an error above 10 %, unless the mean force alone departs.

    Notes
    -----
    E[f . grad U] = T E[div f] for every field f. Tests: "mean_force", constant f; "virial", f_ij =
    z_i e_j; "configurational", f = grad U in place of z; "fourth_moments", ``|z|^2 z``; "energy",
    (U - <U>) grad U; all in coordinates in which z, or grad U, is white, so that no p-value or
    effect depends on units or axes. If the tail index of its products (Hill) says that they have no
    variance, a test is not made; "bounded", ``z / (1 + |z|^2/d)``, and "bounded_shape", its square,
    take the place of moments. "occupation": shares of the basins, in up to three dimensions.
    "current": weighted rotations, as in `rotation_rate`. p-values are calibrated on exact draws,
    down to the fewest particles (studies/power_of_the_test.py). With enough particles exact
    agreement is rejected at any finite learning rate: hence the tolerance. Effects of matrices are
    eigenvalues without what noise adds to the outer ones.

    Examples
    --------
    The temperatures are known here, eta sigma^2/(2 - eta a) = 0.1/1.9 = 0.0526 and 0.1/1.6 =
    0.0625:

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, particles=4000, steps=100, seed=1)
    >>> print(ls.analysis.boltzmann_test(run, well).verdict.split(";")[0])
    SGD departs from Boltzmann: temperatures along x0, x1 are 0.052(1), 0.063(1)
    """
    _check_memory(run)
    particles = _independent_particles(run, step, on_diverged)
    x, d = particles.x, particles.x.shape[1]
    potential = landscape_of(run, potential)
    if directions is not None and directions.shape[1] != d:
        raise ValueError(f"directions must be {d} columns, got {directions.shape[1]}.")
    _check_number(x, run.sizes["particle"])
    _check_spread(x, "spread")
    _check_order(x)
    energy = energy_at(run, potential, x)
    _check_spread(energy.gradient, "force")
    _check_scale(temperature, energy.value)
    _check_normalisable(potential, temperature or energy.value.std() or 1.0, x)
    views, fit = fitted(x, energy, _some_minima(potential, x, energy), temperature)
    parts = identities(views, fit.trouble)
    parts["occupation"] = fit.trouble or _occupation(run, x, potential, fit, populations)
    parts["current"] = _or_reason(rotation_deviation, run, particles, potential)
    asked = [name for name, wanted in (("reference", reference), ("stein", stein)) if wanted]
    parts |= _on_request(asked, run, particles, potential, temperature)
    parts = {name: _part_or_reason(part) for name, part in parts.items()}
    found = {name: part for name, part in parts.items() if isinstance(part, Deviation)}
    reasons = {name: part for name, part in parts.items() if name not in found}
    decision = decide(found.values(), tolerance, level)
    if found.keys() <= {"mean_force", "current"} and decision.word != "departs":
        decision = decision._replace(word="undecided", more=np.inf)  # nothing depends on T
    lonely = alone(x, energy.value)
    if fit.trouble and decision.word != "departs":
        raise ValueError(f"{fit.trouble}{lonely and '; '}{lonely}.")
    measured = _measured(*along(directions, x, energy.gradient), fit)
    names = [f"x{k}" if directions is None else f"direction {k}" for k in range(d)]
    evidence = Evidence(names, measured, found, reasons, lonely)
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


def _part_or_reason(part):
    """A part of the verdict, or the reason why it is none."""
    if not isinstance(part, Deviation):
        return part
    is_finite = np.isfinite([*part.effect, *part.error, part.p_value]).all()
    return part if is_finite else "its numbers overflow"


def _check_memory(run):
    sampling = sampling_of(run)
    if sampling in REMEMBERING:
        raise ValueError(
            f"run must draw fresh batches, but its sampling is {sampling!r}: its law depends on "
            "the place in the epoch, and one step shows one place. Use reducers.virial or "
            "temperature_budget, which average over the epoch."
        )


def _independent_particles(run, step, on_diverged):
    """The particles of a run at one step, or, of a time series of few, also at others."""
    few = run.sizes["particle"] < FEWEST
    if step is not None or not few or run.sizes.get("step", 1) < FEWEST:
        return at_step(run, step, on_diverged)
    series, dropped = time_series(run, on_diverged=on_diverged)
    readings = series["x"].values
    time = correlation_times(first_two_moments(readings)).times.max()
    apart = int(np.ceil(APART * time))
    kept = np.concatenate(np.swapaxes(readings[::-apart][::-1], 0, 1))
    return Particles(kept, None, int(series["step"][-1]), dropped)


def _check_number(x, particles):
    n, d = x.shape
    fewest = max(FEWEST, FEWEST_PER_DIMENSION * d)
    if n < fewest:
        got = f"{n} readings of {particles} that are independent" if n > particles else n
        raise ValueError(
            f"the tests keep their level from {fewest} particles on ({FEWEST}, and "
            f"{FEWEST_PER_DIMENSION} per dimension), got {got}. Simulate more."
        )


def _check_order(x):
    if correlated_in_order(x[:ORDERED], ORDER_BY_CHANCE):
        raise ValueError(
            "particles must be independent, but neighbours are alike: readings of one chain, or "
            "starts in order that are not forgotten. Give a time series its dimension step, or run "
            "more steps."
        )


def _check_spread(vectors, name):
    """Raise if positions or forces (n, d) do not differ in some direction."""
    still = np.ptp(vectors, axis=0) == 0
    if still.any():
        raise ValueError(
            f"run has no {name} along direction {int(still.argmax())}: no stationary law there. "
            "Run more steps."
        )
    correlation = np.atleast_2d(np.corrcoef(vectors.T))
    if np.linalg.eigvalsh(correlation)[0] < NO_SPREAD:
        raise ValueError(
            f"run has no {name} in some direction between its components, which are linearly "
            "dependent: no stationary law there. Run more steps."
        )


def _check_scale(temperature, energy):
    """Raise if a given T is so far from the energies (n,) that their ratios overflow."""
    spread = energy.std()
    if temperature is None or spread == 0:
        return
    if not temperature / LARGEST_RATIO < spread < temperature * LARGEST_RATIO:
        raise ValueError(
            "temperature must be on the scale of the energy, whose standard deviation is "
            f"{spread:.3g}, got {temperature:.4g}."
        )


def _check_normalisable(potential, unit, x):
    """Raise if exp(-U/T) is not normalisable, as a box tells in up to BOXED dimensions."""
    if potential.dim <= BOXED:
        name = f"potential {potential.name!r}"
        energy_box(potential, unit, DEEP, name, box_around(x), tight=False)


def _some_minima(potential, x, energy):
    """Minima that some of the particles descend to, (k, d); the mean stands for that of a quadratic
    U."""
    hessians = energy.hessian(slice(None, None, max(1, len(x) // 100)))
    if is_constant(hessians):
        lowest = np.linalg.eigvalsh(hessians[0])[0]
        if lowest <= 0:
            raise ValueError(
                f"potential {potential.name!r} has the curvature {lowest:.3g} in one direction: "
                "exp(-U/T) is not normalisable."
            )
        return x.mean(axis=0, keepdims=True)
    some = x[:: max(1, len(x) // DESCENDING)]
    return basins_of_attraction(some, slope_of(potential, np.sqrt(x.var(axis=0).sum()))).minimum


def _occupation(run, x, potential, fit, populations):
    about = x, potential, fit.temperature, fit.error
    decayed = _or_reason(refuse_weight_decay, run)
    if decayed or populations is None:  # without a quadrature there is no test
        return decayed or _or_reason(occupation_deviation, *about)
    return occupation_deviation(*about, populations)


def _on_request(asked, run, particles, potential, temperature):
    """The tests that cost more, of a known temperature: each a `Deviation` or a reason."""
    if temperature is None:
        return dict.fromkeys(asked, "needs temperature=")
    tests = {"reference": _against_reference, "stein": _against_score}
    return {name: _or_reason(tests[name], run, particles, potential, temperature) for name in asked}


def _against_reference(run, particles, potential, temperature):
    refuse_weight_decay(run)
    return reference_deviation(particles.x, potential, temperature)


def _against_score(run, particles, potential, temperature):
    if len(particles.x) > LARGEST_STEIN:
        return f"for at most {LARGEST_STEIN} particles"
    here = xr.Dataset({"x": (("particle", "component"), particles.x)}, attrs=run.attrs)
    found = stein_discrepancy(here, potential, temperature)
    effect = np.array([found.discrepancy]), np.array([found.discrepancy_standard_error])
    return Deviation(*effect, float(found.p_value))


def _or_reason(test, *about):
    """What a test finds, or why it refuses."""
    try:
        return test(*about)
    except ValueError as reason:
        return str(reason).split(". ")[0].split(", got")[0].rstrip(".")


def _measured(x, gradient, fit):
    """`Temperatures` from the virial along each direction, and the one for all."""
    matrix, error = virial_matrix(x, gradient)
    return Temperatures((np.diagonal(matrix), np.diagonal(error)), (fit.temperature, fit.error))


def _as_variables(decision, found, measured):
    effect, error = np.array([deviation.largest() for deviation in found.values()]).T
    p_values = [deviation.p_value for deviation in found.values()]
    text = "temperature along a direction"
    return {
        "p_value": labelled("test", p_values, "p-value of exact agreement"),
        "p_value_adjusted": labelled(
            "test", decision.adjusted, "p-value adjusted by Holm's method"
        ),
        **with_error("effect", "test", (effect, error), "largest deviation relative to Boltzmann"),
        **with_error("directional_temperature", "direction", measured.along, text, "energy"),
        **with_error(
            "temperature", (), measured.one, "one temperature for all directions", "energy"
        ),
    }
