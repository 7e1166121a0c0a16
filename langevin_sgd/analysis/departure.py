"""How far a run is from one temperature, and why: the temperature budget of each direction."""

from functools import partial
from typing import NamedTuple

import numpy as np
import xarray as xr

from ..arguments import (
    checked,
    covariance_matrix,
    finite_array,
    instance,
    optional,
    whole,
)
from ..engine.description import described
from ..engine.reducers.readings import labelled, with_error
from ..engine.simulate import simulate
from ..models.descent import sgd
from ..models.evaluate import landscape
from ..models.loss_record import Loss
from ..models.potential_record import Potential
from ..theory.basins_of_attraction import slope_of
from ..theory.linear_process import spectral_radius
from ..theory.quadratic_sgd import linear_sgd
from .budget_terms import (
    CHUNK_NUMBERS,
    MEANS,
    TERMS,
    Path,
    at_reference,
    rounding_of,
    terms_by_particle,
)
from .gradient_covariance import upright
from .particles import OF_RUN, attributes, dynamics_of, weight_decay_of
from .particles import run as dataset_of_run
from .significance import left_out
from .temperature_budget import (
    DYNAMICS,
    NOISE,
    descent_of,
    known_noise,
    place_of_reference,
    record_of_noise,
    steady_state,
    steps_one_by_one,
)

JACKKNIFED = 256  # of particles, for the jackknife: it knows its errors to 4 %
RELAXATIONS = 20  # of the slowest mode at the minimum, that a model is run for
BESIDE = 1e-3  # of the origin, which may be a saddle: from where a model's minimum is looked for
TOGETHER = 0.9  # beyond this correlation two parts are known as a sum only
CLOSES = 4.0  # standard errors of one normal number; more for more entries or fewer groups
SPLIT = "reference", "shift", "anisotropy", "state dependence"
OTHERS = "finite step", "inertia", "memory"
BOTH_DIRECTIONS = "direction", "direction_j"
NESTEROV = {"sgd_torch_nesterov": "torch", "sgd_lookahead_nesterov": "lookahead"}
NOT_TESTED = (
    "A budget is of second moments: it does not see occupations of wells, the shape of the law, "
    "its currents, or the law of a batch beyond its covariance. Wells that no particle reached "
    "are not in it."
)


def _run_or_landscape(value, name):
    kinds = xr.Dataset, Potential, Loss
    instance(value, name, kinds, "a dataset of simulate(), or a Potential or Loss")
    return dataset_of_run(value, name) if isinstance(value, xr.Dataset) else value


@checked(
    run=_run_or_landscape,
    model=optional(landscape),
    dynamics=optional(DYNAMICS),
    noise=optional(NOISE),
    noise_covariance=optional(covariance_matrix),
    reference_point=optional(partial(finite_array, ndim=1)),
    particles=optional(whole(4)),
    steps=optional(whole(1)),
    seed=optional(whole(0)),
    on_diverged=OF_RUN["on_diverged"],
)
def departure(
    run,
    model=None,
    *,
    dynamics=None,
    noise=None,
    noise_covariance=None,
    reference_point=None,
    particles=None,
    steps=None,
    seed=None,
    on_diverged="raise",
):
    """What keeps the temperatures of a run apart from one temperature for all: an exact sum.

    measured  =  reference + shift + anisotropy + state dependence + finite step + inertia + memory

    Each is a matrix in the eigenbasis of the Hessian at the reference point:

    ================  =========================================================================
    part              is
    ================  =========================================================================
    measured          (1/2)(E[x g'] + E[g x']), T times the identity under Boltzmann's law
    reference         `sgd_temperature` of the noise at the reference point, times the identity
    shift             what noise that depends on x adds to it: eta tr(E[C] - C(x_ref))
                      / (2 d (1 - mu)), times the identity
    anisotropy        traceless part of eta C(x_ref) / (2 (1 - mu))
    state dependence  traceless part of eta (E[C] - C(x_ref)) / (2 (1 - mu))
    finite step       eta E[g g'] / (2 (1 - mu))
    inertia           mu (E[v g'] + E[g v']) / (2 (1 - mu)), mu^2 with Nesterov's momentum
    memory            E[v xi'], E[g xi'] and E[x xi'] of the noise xi of earlier steps: 0 for
                      fresh batches, not for shuffled epochs
    ================  =========================================================================

    Parameters
    ----------
    run : xarray.Dataset, Potential or Loss
        Output of `simulate` with `dynamics.sgd`, of which the last step is used; or a model, which
        is run here from its minimum. Batches of shuffled epochs, and noise whose covariance is not
        known, need the path of the last epoch: if it is not stored step by step, the run is
        continued by an epoch.
    model : Potential or Loss
        What the particles of a run moved in.
    dynamics : Dynamics, optional
        Default: what the run's attributes say. Needed with a model.
    noise : GradientNoise, Minibatch or TableGaussian, optional
        The same.
    noise_covariance : (d, d) or (d,) array, optional
        As of `temperature_budget`.
    reference_point : (d,) array, optional
        x_ref; default the minimum below the particle of the lowest energy.
    particles, steps, seed : int, optional
        Of a model that is run here; default 4096, twenty relaxation times of the slowest mode at
        the minimum, and a new seed.
    on_diverged : {"raise", "drop"}
        What to do if particles diverged.

    Returns
    -------
    xarray.Dataset
        ``contribution`` (part, direction, direction_j), ``measured`` and ``closure`` (direction,
        direction_j), measured less the sum of the parts, in units of energy, each with
        ``NAME_standard_error``; ``z`` = closure over its error; ``part_covariance`` (part, part_j,
        direction), of the estimates on the diagonal, so that any sum of parts has its error.
        ``curvature`` (direction), rising, and ``directions`` (component, direction), eigenvalues
        and eigenvectors of the Hessian at ``reference_point`` (component). Attributes: in words:
        ``closes`` (the largest of the d (d + 1)/2 entries of z, in size, is below a bound, 4 for
        one of them, that widens with their number), ``known_together_only`` (parts whose estimates
        are correlated beyond 0.9) and ``not_tested``.

        Where the covariance at the reference point is not known, the first four parts are one,
        "gradient noise".

    Raises
    ------
    TypeError, ValueError
        As of `temperature_budget`; for arguments of a run with a model, and the other way round.

    Notes
    -----
    Boltzmann's law at the reference temperature is the first part alone. Under shuffled epochs E is
    also a mean over the positions of an epoch, g the full gradient, and E[xi xi'] stands for E[C].
    Errors: delete-one jackknife over groups of particles. The closure is the distance from
    stationarity, and the test of what was said about dynamics and noise. Its bound is Bonferroni's
    for a chance of 6e-5 that a budget that closes is said not to, by Student's law of the groups;
    it is for thousands of particles: products are skew, and with 256 the chance is 1e-3, with 4 it
    is 1e-2 (simulated, quadratics of one and two dimensions). Derived in
    `theory.virial.virial_terms`; Yaida 2018 (arXiv:1810.00004).

    Examples
    --------
    The finite step heats a quadratic well by eta^2 a/(2 (2 - eta a)) = 0.0026 and 0.0125:

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> parts = ls.analysis.departure(well, dynamics=ls.dynamics.sgd(0.1), noise=noise, seed=1)
    >>> step = parts.contribution.sel(part="finite step").values.diagonal()
    >>> print(f"{step[0]:.4f}, {step[1]:.4f}; closes: {parts.closes.split(':')[0]}")
    0.0026, 0.0126; closes: yes
    """
    of_run = isinstance(run, xr.Dataset)
    if of_run == (model is None):
        raise ValueError(
            "model must be given with a run, and only there: departure(run, model), or "
            f"departure(model, dynamics=..., noise=...); got {type(run).__name__} and "
            f"{type(model).__name__}."
        )
    if not of_run:
        options = particles or 4096, steps, seed
        run, model = _steady_run(run, dynamics, noise, reference_point, options), run
    elif (particles, steps, seed) != (None, None, None):
        raise ValueError(
            "particles, steps and seed must be None with a run, which has its own, got "
            f"{particles}, {steps} and {seed}."
        )
    run = _with_path(run, model, dynamics, noise, noise_covariance)
    state = steady_state(
        run, model, dynamics, noise, noise_covariance, reference_point, None, on_diverged
    )
    point = state.point
    if point is None:
        point = place_of_reference(state.run, state.model, state.path.x[0], reference_point)
    curvature, basis = np.linalg.eigh(_hessian(state.run, state.model, point))
    basis = upright(basis)
    budget = _in_directions(state, basis)
    text = "eigenvalues of the Hessian at the reference point"
    more = {
        "curvature": labelled("direction", curvature, text, "energy / length^2"),
        "directions": labelled(
            ("component", "direction"), basis, "eigenvectors of the Hessian at the reference point"
        ),
        "reference_point": labelled("component", point, "reference point", "length"),
    }
    about = attributes(state.run, state.particles, **_words(budget), not_tested=NOT_TESTED)
    text = "part of a temperature"
    names = {dim: labelled(dim, list(budget.names), text) for dim in ("part", "part_j")}
    return xr.Dataset(_variables_of_parts(budget) | more, names, about)


def _steady_run(model, dynamics, noise, reference_point, options):
    """A run of a model that begins at the minimum."""
    particles, steps, seed = options
    if dynamics is None or noise is None:
        raise ValueError(
            "dynamics and noise must be given with a model, such as dynamics.sgd(0.1) and "
            "noise.minibatch()."
        )
    about = xr.Dataset(attrs={"dynamics": described(dynamics)})
    descent = descent_of(dynamics_of(about))
    mean = model.expected(getattr(noise, "sampling", None))
    start = BESIDE * np.random.default_rng(1).normal(size=(1, model.dim))
    start = place_of_reference(about, mean, start, reference_point)
    if steps is None:
        steps = int(RELAXATIONS / _relaxation(about, descent, _hessian(about, mean, start))) + 1
    return simulate(model, dynamics, noise, particles=particles, steps=steps, x0=start, seed=seed)


def _relaxation(run, descent, hessian):
    """Rate per step of the slowest mode of SGD around a minimum."""
    stiffness = np.linalg.eigvalsh(hessian)
    form = NESTEROV.get(dynamics_of(run)["name"])
    numbers = descent.learning_rate, 1, descent.momentum, form
    rate = 1 - spectral_radius(linear_sgd(np.diag(stiffness), np.eye(len(stiffness)), *numbers))
    if not min(stiffness[0], rate) > 0:
        raise ValueError(
            "steps must be given where the model has a flat direction at the reference point or "
            f"the learning rate is unstable there: curvatures from {stiffness[0]:.3g} to "
            f"{stiffness[-1]:.3g}, learning_rate {descent.learning_rate:g}."
        )
    return rate


def _with_path(run, model, dynamics, noise, noise_covariance):
    """The run; or its next epoch step by step, where a budget needs that and it is not stored."""
    about = run if dynamics is None else run.assign_attrs(dynamics=described(dynamics))
    known = known_noise(about, model, noise, noise_covariance, np.zeros((1, model.dim)))
    if known.covariance and known.epoch == 1 or "step" not in run.coords:
        return run
    last = np.atleast_1d(run["step"].values)[-1]
    first_stored, last_stored = steps_one_by_one(run, last)
    if last_stored - first_stored >= known.epoch:
        return run
    if dynamics is None:
        given = dynamics_of(run)
        params = given["params"] | {"batch_size": int(given["params"]["batch_size"])}
        dynamics = sgd(nesterov=NESTEROV.get(given["name"]), **params)
    noise = noise or record_of_noise(run, model)
    options = {"particles": run.sizes["particle"], "steps": known.epoch, "every": 1}
    return simulate(model, dynamics, noise, x0=run, **options)


def _hessian(run, model, point):
    """With weight decay; by differences of the gradient if the model has none."""
    slope = slope_of(model, 1 + np.linalg.norm(point))
    return slope.hessian(np.reshape(point, (1, -1)))[0] + weight_decay_of(run) * np.eye(model.dim)


class _Budget(NamedTuple):
    """Parts of a budget (parts, d, d), of which the last two are the measured matrix and the
    closure; their standard errors; the covariance of the parts on the diagonal (parts, parts, d).
    """

    names: tuple
    values: np.ndarray
    errors: np.ndarray
    covariance: np.ndarray
    z: np.ndarray  # closure over its error, 0 where it is not told from rounding
    groups: int  # of particles, for the errors


def _in_directions(state, basis):
    """The `_Budget` in a basis, with errors by the jackknife."""

    def turned(vectors):
        return None if vectors is None else vectors @ basis

    def covariance(part):
        return basis.T @ state.covariance(part) @ basis

    path = Path(*map(turned, state.path))
    means, sizes = _means_of_groups(path, covariance, state.descent)
    there, names = None, ("gradient noise", *OTHERS)
    if state.reference_covariance is not None:
        reference = basis.T @ state.reference_covariance @ basis
        there, names = at_reference(reference, state.descent), (*SPLIT, *OTHERS)
    mean, *without = left_out(means, sizes)
    values = _parts_of_means(mean[None], there)[0]
    deviations = _parts_of_means(np.array(without), there)
    deviations = np.sqrt((len(means) - 1) / len(means)) * (deviations - deviations.mean(axis=0))
    diagonal = np.diagonal(deviations, axis1=2, axis2=3)
    errors = np.sqrt(np.sum(deviations**2, axis=0))
    covariance = np.einsum("gpi,gqi->pqi", diagonal, diagonal)
    squares = np.mean(state.path.x**2, axis=(0, 1)) @ basis**2  # digits are those of components
    rounding = rounding_of(squares, mean[: len(TERMS)], state.descent, state.digits)
    seen = np.abs(values[-1]) > rounding
    z = np.divide(values[-1], np.maximum(errors[-1], rounding / 10), out=0 * rounding, where=seen)
    return _Budget(names, values, errors, covariance[: len(names), : len(names)], z, len(means))


def _means_of_groups(path, covariance, descent):
    """MEANS over groups of particles (groups, means, d, d), and their sizes."""
    _, particles, d = path.x.shape
    edges = np.linspace(0, particles, min(particles, JACKKNIFED) + 1).astype(int)
    chunk = max(1, CHUNK_NUMBERS // (d * d * len(path.x)))
    terms_of, means = terms_by_particle(path, covariance, descent), []
    for start, stop in zip(edges, edges[1:], strict=False):
        parts = [slice(k, min(k + chunk, stop)) for k in range(start, stop, chunk)]
        means.append(sum(terms_of(part).sum(axis=1) for part in parts) / (stop - start))
    return np.array(means), np.diff(edges)


def _parts_of_means(means, there):
    """Parts, measured matrix and closure (groups, parts + 2, d, d) of MEANS, and of the noise
    `AtReference` if it is known."""
    of = dict(zip(MEANS, np.moveaxis(means, 1, 0), strict=True))
    found = [of["noise_term"]]
    if there is not None:
        one = there.temperature * np.eye(means.shape[-1])
        beyond = of["traceless"] - there.anisotropy
        found = [one, of["temperature"] - one, there.anisotropy, beyond]
    names = "step_term", "inertia_term", "memory_term", "virial", "residual"
    return np.stack(np.broadcast_arrays(*found, *(of[name] for name in names)), axis=1)


def _variables_of_parts(budget):
    (*parts, measured, closure), (*errors, error, last_error) = budget.values, budget.errors
    text = "part of the measured temperature"
    found = with_error("contribution", ("part", *BOTH_DIRECTIONS), (parts, errors), text, "energy")
    text = "temperature, (1/2)(E[x g'] + E[g x'])"
    found |= with_error("measured", BOTH_DIRECTIONS, (measured, error), text, "energy")
    text = "measured less the sum of the parts, 0 in a stationary state"
    found |= with_error("closure", BOTH_DIRECTIONS, (closure, last_error), text, "energy")
    text = "covariance of the estimated parts"
    dims = "part", "part_j", "direction"
    found["part_covariance"] = labelled(dims, budget.covariance, text, "energy^2")
    found["z"] = labelled(BOTH_DIRECTIONS, budget.z, "closure in standard errors")
    return found


def closure_bound(entries, groups):
    """Of the largest |z| of a closure: exceeded by chance as rarely as `CLOSES` by one normal
    number. Bonferroni, with Student's law of the groups."""
    from scipy.special import ndtr, stdtrit

    return -stdtrit(groups - 1, ndtr(-CLOSES) / entries)


def _words(budget):
    """Whether the budget closes, and which parts are known together only."""
    z, d = np.abs(budget.z), budget.z.shape[-1]
    k, j = np.unravel_index(z.argmax(), z.shape)
    bound = closure_bound(d * (d + 1) // 2, budget.groups)
    verdict = "yes" if z.max() < bound else "no"
    size = np.sqrt(np.einsum("ppi->pi", budget.covariance))
    known = size > 1e-9 * np.abs(budget.values).max()  # others are constants
    both = np.where(known[:, None] & known, size[:, None] * size, np.inf)
    close = np.abs(budget.covariance) > TOGETHER * both
    pairs = [
        f"{budget.names[p]} and {budget.names[q]} in {close[p, q].sum()} of {d} directions"
        for p, q in np.ndindex(*close.shape[:2])
        if p < q and close[p, q].any()
    ]
    return {
        "closes": f"{verdict}: largest |z| of {d * (d + 1) // 2} is {z.max():.1f}, in directions "
        f"{j} and {k}; the bound is {bound:.1f}",
        "known_together_only": "; ".join(pairs) or "none",
    }
