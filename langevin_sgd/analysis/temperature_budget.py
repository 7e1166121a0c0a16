"""The temperature budget of an SGD run: an exact identity of its stationary state, term by term."""

from functools import partial
from typing import NamedTuple

import numpy as np
import xarray as xr

from ..arguments import checked, covariance_matrix, instance, optional
from ..engine.reducers.readings import labelled, with_error
from ..models.dynamics import Dynamics
from ..models.evaluate import evaluate, landscape
from ..models.noise import gaussian, minibatch, table_gaussian
from ..models.noise_record import SILENCE, Noise
from ..models.parameters import described
from ..theory.virial import HEAVY_BALL, LONG_NAMES, Products, symmetric_product, virial_terms
from .particles import (
    AT_STEP,
    at_step,
    attributes,
    dynamics_of,
    landscape_of,
    noise_of,
    reference_gradient,
)
from .significance import hotelling

DYNAMICS = partial(instance, kinds=Dynamics, words="a Dynamics, such as dynamics.sgd(0.1)")
NOISE = partial(instance, kinds=Noise, words="a noise, such as noise.minibatch()")
CHUNK_NUMBERS = 2_000_000  # matrix entries worked on at a time
# The noise is taken to be fresh: no memory term.
TERMS = "virial", "step_term", "noise_term", "inertia_term", "residual"


@checked(
    model=landscape,
    dynamics=optional(DYNAMICS),
    noise_covariance=optional(covariance_matrix),
    noise=optional(NOISE),
    **AT_STEP,
)
def temperature_budget(
    run,
    model,
    *,
    dynamics=None,
    noise_covariance=None,
    noise=None,
    step=None,
    on_diverged="raise",
):
    """Where the temperature of an SGD run comes from: the exact virial identity, and how well the
    run closes it.

    (1/2)(E[x g'] + E[g x'])  =  learning_rate/(2 (1 - momentum)) (E[g g'] + E[C])
                                 +  momentum/(2 (1 - momentum)) (E[v g'] + E[g v'])

    with g the gradient (weight decay included, less a drift) and C the covariance of the batch
    gradient at x, averaged over the run's own law. At Boltzmann's law the left side is T times the
    identity. It holds at any learning rate, for any potential and noise law, on an open domain.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate` with `dynamics.sgd`, plain or heavy ball; uses ``x``, in units of
        length, and ``v``, of the last step.
    model : Potential or Loss
        What the particles moved in.
    dynamics : Dynamics, optional
        Default: what the run's attributes say.
    noise_covariance : (d, d) or (d,) array, optional
        Sigma, the covariance of ONE example's gradient (or d variances), in (energy/length)^2; C is
        Sigma over the batch size. Default: that of `noise`.
    noise : GradientNoise, Minibatch or TableGaussian, optional
        Default: what the run's attributes say. C is its `batch_covariance` at every particle: for
        batches without replacement Sigma/B (N - B)/(N - 1), for importance weights with theirs.
    step : int, optional
        Which stored step; default the last one.
    on_diverged : {"raise", "drop"}
        What to do if particles diverged.

    Returns
    -------
    xarray.Dataset
        ``virial``, ``step_term``, ``noise_term``, ``inertia_term`` and ``residual`` (component,
        component_j), in units of energy, each with ``NAME_standard_error``; ``z`` = residual over
        its error; ``p_value`` of all entries together (Hotelling). The trace of noise_term over d
        is `theory.sgd_temperature`.

    Raises
    ------
    TypeError, ValueError
        For another dynamics (also Nesterov's momentum), a schedule, a potential with walls, an
        unknown noise covariance, too few or dependent particles; and for reshuffled or given
        batches, whose noise remembers: the identity of `reducers.virial` holds for them.

    Notes
    -----
    The residual is the distance from stationarity: for momentum 0, E[x x'] changes by -2
    learning_rate residual in a step. Valid for noise independent from step to step given x. x is
    centred, since E[g] = 0; the error of the residual keeps the covariance of its terms. Derived in
    `theory.virial.virial_terms`; Yaida 2018 (arXiv:1810.00004)."""
    run = run if dynamics is None else run.assign_attrs(dynamics=described(dynamics))
    particles = at_step(run, step, on_diverged)
    x, d = particles.x, particles.x.shape[1]
    mean_model = landscape_of(run, model, d, "model")
    numbers = _update_numbers(dynamics_of(run), particles.v)
    gradient = reference_gradient(run, mean_model, x)
    if mean_model.drift is not None:
        gradient = gradient - evaluate(mean_model, x, "drift")
    if noise_covariance is None:
        record = noise or _noise_record(run, model)

        def batch_covariance(part):
            return record.batch_covariance(model, part, numbers.batch_size)
    else:
        constant = covariance_matrix(noise_covariance, "noise_covariance", d) / numbers.batch_size

        def batch_covariance(part):
            return constant

    estimate = _accumulate(x, gradient, particles.v, batch_covariance, numbers)
    dims, residual, variables = ("component", "component_j"), estimate.mean[-1], {}
    for k, name in enumerate(TERMS):
        pair = estimate.mean[k], estimate.error[k]
        variables |= with_error(name, dims, pair, LONG_NAMES[name], "energy")
    with np.errstate(divide="ignore", invalid="ignore"):  # without spread: 0 if it closes, else inf
        ratio = np.where(residual == 0, 0.0, residual / estimate.error[-1])
    p_value = hotelling(residual[np.triu_indices(d)], estimate.residual_covariance, len(x))
    variables["z"] = labelled(dims, ratio, "residual in standard errors")
    variables["p_value"] = labelled((), p_value, "p-value of a vanishing residual")
    return xr.Dataset(variables, attrs=attributes(run, particles))


class _UpdateNumbers(NamedTuple):
    """What the budget needs of plain or heavy-ball SGD."""

    learning_rate: float
    batch_size: float
    momentum: float


def _update_numbers(dynamics, v):
    name, params = dynamics["name"], dynamics["params"]
    if name not in HEAVY_BALL:
        raise ValueError(
            'dynamics must be "sgd" or "sgd_momentum" (heavy ball) for the budget to hold, got '
            f"{name!r}. If the run's attributes lack its dynamics, pass dynamics=."
        )
    numbers = _UpdateNumbers(*(params[key] for key in _UpdateNumbers._fields))
    if not all(isinstance(value, (int, float)) for value in numbers):
        raise ValueError(
            "learning_rate, batch_size and momentum must be constant: under a schedule there is "
            "no stationary state."
        )
    if numbers.momentum and v is None:
        raise ValueError(
            f"run has momentum {numbers.momentum:g} but no velocity v (particle, component), which "
            "the budget needs."
        )
    return numbers


def _noise_record(run, model):
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
            return minibatch(about.get("sampling", "with_replacement"))
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


@checked(run=AT_STEP["run"], model=landscape)
def noise_covariance_of(run, model):
    """Sigma of one example's gradient: a (d, d) array, or a function x (n, d) -> (n, d, d), from
    the run's attributes.

    Raises
    ------
    ValueError
        If the attributes do not tell it.
    """
    record = _noise_record(run, model)
    if model.data is None:
        return record.batch_covariance(model, np.zeros((1, model.dim)), 1)[0]
    return lambda x: record.batch_covariance(model, x, 1)


class _Estimate(NamedTuple):
    """Means and errors of the terms, (terms, d, d), and the covariance of the upper triangle of one
    particle's residual.
    """

    mean: np.ndarray
    error: np.ndarray
    residual_covariance: np.ndarray


def _accumulate(x, gradient, v, batch_covariance, numbers):
    """The `_Estimate` of all particles, worked out in parts."""
    n, d = x.shape
    rows, columns = np.triu_indices(d)
    centred = (x - x.mean(axis=0)) * (n / (n - 1))
    v = v if numbers.momentum else np.zeros_like(x)

    def terms_of(part):
        g = gradient[part]
        products = Products(
            symmetric_product(centred[part], g),
            symmetric_product(g, g),
            batch_covariance(x[part]),
            symmetric_product(v[part], g),
        )
        found = virial_terms(products, numbers.learning_rate, numbers.momentum)
        return np.stack([np.broadcast_to(getattr(found, name), (len(g), d, d)) for name in TERMS])

    # One particle's terms: less these, a constant term has exactly no spread.
    shift = terms_of(slice(0, 1))
    total, squares, products = np.zeros((5, d, d)), np.zeros((5, d, d)), 0.0
    chunk = max(1, CHUNK_NUMBERS // (d * d))
    for start in range(0, n, chunk):
        terms = terms_of(slice(start, start + chunk)) - shift
        residual = terms[-1][:, rows, columns]
        total += terms.sum(axis=1)
        squares += (terms**2).sum(axis=1)
        products = products + residual.T @ residual
    mean = total / n
    error = np.sqrt(np.maximum(squares / n - mean**2, 0.0) / (n - 1))
    flat = mean[-1][rows, columns]
    covariance = (products - n * np.outer(flat, flat)) / (n - 1)
    return _Estimate(mean + shift[:, 0], error, covariance)
