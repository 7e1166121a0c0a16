"""The temperature budget of an SGD run: an exact identity of its stationary state, term by term."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import xarray as xr

from ..arguments import checked, covariance_matrix, finite_array, instance, optional
from ..engine.description import described
from ..engine.reducers.readings import labelled
from ..models.dynamics import Dynamics
from ..models.evaluate import evaluate, landscape
from ..models.noise import gaussian, minibatch, table_gaussian
from ..models.noise_record import SILENCE, Noise
from ..theory.virial import DESCENTS, STORES_ITERATE
from .budget_terms import Descent, Path, budget_variables, pushes
from .particles import (
    AT_STEP,
    OF_RUN,
    Particles,
    at_step,
    attributes,
    check_dim,
    dynamics_of,
    kept_particles,
    landscape_of,
    mean_push,
    noise_of,
    reference_gradient,
    weight_decay_of,
)

DYNAMICS = partial(instance, kinds=Dynamics, words="a Dynamics, such as dynamics.sgd(0.1)")
NOISE = partial(instance, kinds=Noise, words="a noise, such as noise.minibatch()")


@checked(
    model=landscape,
    dynamics=optional(DYNAMICS),
    noise_covariance=optional(covariance_matrix),
    noise=optional(NOISE),
    reference_point=optional(partial(finite_array, ndim=1)),
    **AT_STEP,
)
def temperature_budget(
    run,
    model,
    *,
    dynamics=None,
    noise_covariance=None,
    noise=None,
    reference_point=None,
    step=None,
    on_diverged="raise",
):
    """Where the temperature of an SGD run comes from: the exact virial identity, term by term.

    ::

        (1/2)(E[x g'] + E[g x'])  =  learning_rate/(2 (1 - momentum)) (E[g g'] + E[C])
                                     +  momentum/(2 (1 - momentum)) (E[v g'] + E[g v'])  +  memory

    with g the full gradient (weight decay included, less a drift) and C the covariance of the batch
    gradient at x, averaged over the run's own law. At Boltzmann's law the left side is T times the
    identity. It holds at any learning rate, for any potential and noise law, on an open domain; for
    both forms of Nesterov's momentum x is the point where g is taken, and momentum E[v g'] becomes
    momentum^2 E[v g'].

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate` with `dynamics.sgd`; uses ``x``, in units of length, and ``v``, of the
        last step. Batches of shuffled epochs depend on each other: for them, and where C is not
        known, g + xi is read off the path of the last whole epochs (one step, if draws are fresh),
        which must be stored step by step: go on with `simulate(..., x0=run, steps=M, every=1)`, M
        the steps of an epoch. C is then xi xi' itself, and the memory term E[x xi'] and its like.
    model : Potential or Loss
        What the particles moved in. A path of epochs costs one full gradient a step and particle.
    dynamics : Dynamics, optional
        Default: what the run's attributes say.
    noise_covariance : (d, d) or (d,) array, optional
        Sigma, the covariance of ONE example's gradient (or d variances), in (energy/length)^2; C is
        Sigma over the batch size. Default: that of `noise`.
    noise : GradientNoise, Minibatch or TableGaussian, optional
        Default: what the run's attributes say. C is its `batch_covariance` at every particle: for
        batches without replacement Sigma/B (N - B)/(N - 1), for importance weights with theirs.
    reference_point : (d,) array, optional
        x_ref, where the temperature of the noise is called that of the run; default the minimum
        below the particle of the lowest energy.
    step : int, optional
        Which stored step; default the last one.
    on_diverged : {"raise", "drop"}
        What to do if particles diverged.

    Returns
    -------
    xarray.Dataset
        ``virial``, ``step_term``, ``noise_term``, ``inertia_term``, ``memory_term`` and
        ``residual`` (component, component_j), in units of energy, each with
        ``NAME_standard_error``; ``z`` = residual over its error; ``p_value`` of all entries
        together (Hotelling), nan below 100 particles an entry, as the attribute p_value_missing
        then says. Where C(x_ref) is known, noise_term is (``reference_temperature`` +
        ``temperature_shift``) times the identity + ``anisotropy_term`` + ``state_dependence_term``:
        `theory.sgd_temperature` at ``reference_point``, what noise that depends on x adds to it,
        and their traceless parts.

    Raises
    ------
    TypeError, ValueError
        For another dynamics, a schedule, a potential with walls, a path that is needed and not
        stored, too few or dependent particles.

    Notes
    -----
    The residual is the distance from stationarity: for momentum 0, E[x x'] changes by -2
    learning_rate residual in a step. Where the noise is read off the path it is that alone: what a
    wrong gradient lacks is then counted as noise. x is centred, since E[g + xi] = 0; the error of
    the residual keeps the covariance of its terms. Derived in `theory.virial.virial_terms`; Yaida
    2018 (arXiv:1810.00004).

    Examples
    --------
    The noise gives eta sigma^2/2 = 0.05, the finite step eta^2 a/(2 (2 - eta a)) = 0.0026 and
    0.0125:

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, particles=4000, steps=100, seed=1)
    >>> budget = ls.analysis.temperature_budget(run, well)
    >>> step = budget.step_term.values.diagonal()
    >>> print(f"{step[0]:.4f}, {step[1]:.4f}; closes with p = {budget.p_value:.2f}")
    0.0026, 0.0126; closes with p = 0.79
    """
    state = steady_state(
        run, model, dynamics, noise, noise_covariance, reference_point, step, on_diverged
    )
    variables = {}
    if state.reference_covariance is not None:
        text = "where the noise has the reference temperature"
        variables["reference_point"] = labelled("component", state.point, text, "length")
    found, reason = budget_variables(
        state.path, state.covariance, state.descent, state.reference_covariance, state.digits
    )
    more = {"p_value_missing": reason} if reason else {}
    return xr.Dataset(found | variables, attrs=attributes(state.run, state.particles, **more))


class SteadyState(NamedTuple):
    """What a budget needs of a run: what moved its particles, the covariance of the batch gradient
    at the particles of a slice, the landscape, the reference point and the covariance there (both
    None if it is not known); the relative rounding of x."""

    run: xr.Dataset
    particles: Particles
    model: object
    path: Path
    covariance: Callable
    descent: Descent
    point: np.ndarray | None
    reference_covariance: np.ndarray | None
    digits: float


def steady_state(
    run, model, dynamics, noise, noise_covariance, reference_point, step=None, on_diverged="raise"
):
    """The `SteadyState` of a run; arguments and errors as of `temperature_budget`."""
    run = run if dynamics is None else run.assign_attrs(dynamics=described(dynamics))
    particles = at_step(run, step, on_diverged)
    mean_model = landscape_of(run, model, "model")
    about = dynamics_of(run)
    descent = descent_of(about, particles.v is not None)
    noise = known_noise(run, model, noise, noise_covariance, particles.x)
    once = noise.covariance and noise.epoch == 1
    if once:
        x, v, push = particles.x[None].astype(np.float64), particles.v, 0.0
        v = None if v is None else v[None]
    else:
        x, v = _stored_path(run, particles.step, on_diverged, noise)
        push = pushes(x, v, descent)
        x, v = x[:-1], None if v is None else v[:-1]
    if about["name"] == STORES_ITERATE:
        x = x - descent.momentum * v
    gradient = mean_push(run, mean_model, x)
    path = Path(x, gradient, v, None if once else push - gradient)
    point, reference = None, None
    if noise.covariance:
        point = place_of_reference(run, mean_model, x[0], reference_point)
        reference = noise.covariance(point[None])[0]

    def covariance(part):
        return noise.covariance(x[0, part])

    digits = np.finfo(run["x"].dtype).eps
    return SteadyState(
        run, particles, mean_model, path, covariance, descent, point, reference, digits
    )


def descent_of(dynamics, moves=True):
    """The `Descent` of a run's dynamics; `moves`, whether the run has velocities.

    Raises
    ------
    ValueError
        For another dynamics, a schedule, momentum without velocities."""
    name, params = dynamics["name"], dynamics["params"]
    if name not in DESCENTS:
        raise ValueError(
            'dynamics must be "sgd", "sgd_momentum" (heavy ball) or Nesterov\'s for the budget to '
            f"hold, got {name!r}. If the run's attributes lack its dynamics, pass dynamics=."
        )
    numbers = [params[key] for key in ("learning_rate", "batch_size", "momentum")]
    if not all(isinstance(value, (int, float)) for value in numbers):
        raise ValueError(
            "learning_rate, batch_size and momentum must be constant: under a schedule there is "
            "no stationary state."
        )
    if params["momentum"] and not moves:
        raise ValueError(
            f"run has momentum {params['momentum']:g} but no velocity v (particle, component), "
            "which the budget needs."
        )
    return Descent(params["learning_rate"], params["momentum"], DESCENTS[name])


class KnownNoise(NamedTuple):
    """What is known of the noise of a run."""

    covariance: Callable | None  # of a batch at points (n, d)
    epoch: int  # steps after which its law repeats
    name: str
    reason: str = ""  # why the covariance is not known


def known_noise(run, model, noise, noise_covariance, x):
    """What is known of the noise of a run, `KnownNoise`; x (particles, d) to try it out at."""
    batch_size, covariance = dynamics_of(run)["params"]["batch_size"], None
    about = noise_of(run if noise is None else run.assign_attrs(noise=described(noise))) or {}
    if about.get("name") == "alpha_stable" and about["params"]["alpha"] < 2:
        raise ValueError(
            "noise must have a variance for a budget of second moments, and of alpha_stable only "
            f"that of alpha = 2 has one, got {about['params']['alpha']:g}."
        )
    if noise_covariance is not None:
        constant = covariance_matrix(noise_covariance, "noise_covariance", model.dim) / batch_size

        def covariance(points):
            return np.broadcast_to(constant, (len(points), *constant.shape))

    known = KnownNoise(covariance, 1, "the noise")
    try:
        record = noise or record_of_noise(run, model)
        known = known._replace(epoch=record.epoch(model, int(batch_size)), name=record.name)
        if covariance is None:
            record.batch_covariance(model, x[:1], batch_size)
            covariance = partial(record.batch_covariance, model, batch_size=batch_size)
    except ValueError as error:
        return known._replace(reason=str(error))
    return known._replace(covariance=covariance)


def _stored_path(run, step, on_diverged, noise):
    """x and v (steps + 1, particles, d) of the last whole epochs up to `step`."""
    run, _ = kept_particles(run, on_diverged)
    first, last = steps_one_by_one(run, step)
    epochs = (last - first) // noise.epoch
    if not epochs:
        dependent = f"the batches of {noise.name!r} depend on each other within an epoch."
        reason = f"{noise.reason} Or let" if noise.reason else f"{dependent} Let"
        raise ValueError(
            f"{reason} the budget read the noise off the path, which takes {noise.epoch} steps "
            f"stored one by one up to the last: go on with simulate(..., x0=run, "
            f"steps={noise.epoch}, every=1), as analysis.departure(run, model) does by itself, or "
            "add reducers.virial() to the run."
        )
    part = run[[name for name in ("x", "v") if name in run]]
    part = part.isel(step=slice(last - epochs * noise.epoch, last + 1))
    part = part.astype(np.float64)
    return part["x"].values, part["v"].values if "v" in part else None


def steps_one_by_one(run, step):
    """Positions, among the stored steps, of the first and the last one of those that go one by one
    up to `step`."""
    stored = np.atleast_1d(run["step"].values) if "step" in run.dims else np.array([step])
    last = int(np.flatnonzero(stored == step)[0])
    gaps = np.flatnonzero(np.diff(stored[: last + 1]) != 1)
    return int(gaps[-1]) + 1 if len(gaps) else 0, last


def place_of_reference(run, model, x, given):
    """The point `given`, or the minimum below the particle of the lowest energy."""
    if given is not None:
        if given.shape != (model.dim,):
            raise ValueError(
                f"reference_point must have the shape ({model.dim},), got {given.shape}."
            )
        return given
    from scipy.optimize import minimize

    decay = weight_decay_of(run)

    def energy(place):
        return evaluate(model, place, "energy") + decay / 2 * np.sum(place**2, axis=-1)

    start = x[np.argmin(energy(x))]
    slope = partial(reference_gradient, run, model)
    steepest = np.abs(slope(start)).max() or 1.0  # in any units of energy

    def scaled(place):
        return energy(place) / steepest, slope(place) / steepest

    return minimize(scaled, start, jac=True, options={"gtol": 1e-9}).x


def record_of_noise(run, model):
    """The noise of a run, made again from what its attributes say."""
    about = noise_of(run)
    if about is None:
        return SILENCE
    params, of_table = about.get("params", {}), model.data is not None
    if about["name"] == "table_gaussian" and of_table:
        return table_gaussian()
    if about["name"] == "minibatch" and of_table:
        weights = params.get("weight")
        if weights is None:
            sampling = about.get("sampling", "with_replacement")
            return minibatch(sampling, amplification=params.get("amplification"))
        if isinstance(weights, list):
            return minibatch(weights=1.0 / np.array(weights))
    if about["name"] == "gaussian":
        if isinstance(params.get("scale"), list):
            return gaussian(np.square(params["scale"]))
        if isinstance(params.get("factor"), list):
            return gaussian(np.array(params["factor"]) @ np.transpose(params["factor"]))
    raise ValueError(
        f"the covariance of the noise {about['name']!r} is not known from the run's attributes for "
        f"the model {model.name!r}. Pass noise=, its record, or noise_covariance=, that of ONE "
        "example's gradient."
    )


@checked(run=OF_RUN["run"], model=landscape)
def noise_covariance_of(run, model):
    """The covariance Sigma of one example's gradient, as the attributes of a run tell it.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate`.
    model : Potential or Loss
        What the particles moved in.

    Returns
    -------
    ndarray, shape (d, d), or function
        In (energy/length)^2; of a loss the function x (n, d) -> (n, d, d).

    Raises
    ------
    ValueError
        If the attributes do not tell it, or the model has another dimension than the run.

    Examples
    --------
    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, particles=4000, steps=100, seed=1)
    >>> ls.analysis.noise_covariance_of(run, well).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    check_dim(run, model, "model")
    record = record_of_noise(run, model)
    if model.data is None:
        return record.batch_covariance(model, np.zeros((1, model.dim)), 1)[0]
    return lambda x: record.batch_covariance(model, x, 1)
