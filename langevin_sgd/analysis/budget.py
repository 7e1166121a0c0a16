"""The temperature budget of an SGD run: an exact identity of its stationary state, term by term."""

import json

import numpy as np
import xarray as xr

from ..models.evaluate import evaluate
from ..models.losses import Loss
from ..models.noise import covariance_factor
from ..models.parameters import described
from .example_gradients import covariance_at
from .particles import at_step, attributes, dynamics_of, reference_gradient
from .significance import hotelling

CHUNK_NUMBERS = 2_000_000  # matrix entries worked on at a time
TERMS = {
    "virial": "virial (1/2)(E[x g'] + E[g x']), the measured temperature",
    "step_term": "finite step, learning_rate E[g g'] / (2 (1 - momentum))",
    "noise_term": "gradient noise, learning_rate E[C] / (2 (1 - momentum))",
    "inertia_term": "inertia, momentum (E[v g'] + E[g v']) / (2 (1 - momentum))",
    "residual": "virial less the other terms, 0 in a stationary state",
}


def temperature_budget(
    run, model, *, dynamics=None, noise_covariance=None, step=None, on_diverged="raise"
):
    """Where the temperature of an SGD run comes from: the exact virial identity, and how well the
    run closes it.

    (1/2)(E[x g'] + E[g x'])  =  learning_rate/(2 (1 - momentum)) (E[g g'] + E[C])  +  momentum/(2 (1 - momentum)) (E[v g'] +
    E[g v'])

    with g the gradient (weight decay included, less a drift) and C the covariance of the batch
    gradient at x, averaged over the run's own law. At Boltzmann's law the left side is T times the
    identity. It holds at any learning rate, for any potential and noise law.

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
        Sigma, the covariance of ONE example's gradient (or d variances), in (energy/length)^2.
        Default: what the run's noise has: constant for `noise.gaussian`, that of the table at every
        particle for minibatches of a Loss and their Gaussian twin.
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
        For another dynamics (also Nesterov's momentum), a schedule, an unknown noise covariance,
        too few or dependent particles.

    Notes
    -----
    The residual is the distance from stationarity: for momentum 0, E[x x'] changes by -2
    learning_rate residual in a step. Valid for noise independent from step to step given x, so not
    for reshuffled epochs. x is centred, since E[g] = 0; the error of the residual keeps the
    covariance of its terms. Source: stationarity of E[x x'], E[x v'] and E[v v'], derived: with K =
    E[x v'], V = E[v v']: K + K' = -V, E[x g'] + E[g x'] = (1 + momentum) V/learning_rate; Yaida
    2018 (arXiv:1810.00004, not read)."""
    if dynamics is not None:
        run = run.assign_attrs(dynamics=described(dynamics))
    particles = at_step(run, step, on_diverged)
    x, v = particles.x, particles.v
    learning_rate, batch_size, momentum = _update_numbers(dynamics_of(run), v)
    gradient = reference_gradient(run, model, x)
    if not isinstance(model, Loss) and model.drift is not None:
        gradient = gradient - evaluate(model, x, "drift")
    if noise_covariance is None:
        noise_covariance = noise_covariance_of(run, model)
    sigma = (
        noise_covariance if callable(noise_covariance) else _constant(noise_covariance, x.shape[1])
    )
    inverse = 1 / (2 * (1 - momentum))
    rates = learning_rate * inverse, learning_rate * inverse / batch_size, momentum * inverse
    mean, error, covariance = _accumulate(
        x, gradient, v if momentum else np.zeros_like(x), sigma, rates
    )
    upper = np.triu_indices(x.shape[1])
    dims = ("component", "component_j")
    variables = {}
    for k, (name, text) in enumerate(TERMS.items()):
        variables[name] = (dims, mean[k], {"long_name": text, "units": "energy"})
        variables[f"{name}_standard_error"] = (
            dims,
            error[k],
            {"long_name": f"standard error of the {name}", "units": "energy"},
        )
    with np.errstate(
        divide="ignore", invalid="ignore"
    ):  # an entry without spread: 0 if it closes, otherwise infinite
        ratio = np.where(mean[-1] == 0, 0.0, mean[-1] / error[-1])
    variables["z"] = (dims, ratio, {"long_name": "residual in standard errors", "units": "1"})
    p_value = hotelling(mean[-1][upper], covariance, len(x))
    variables["p_value"] = (
        (),
        p_value,
        {"long_name": "p-value of a vanishing residual", "units": "1"},
    )
    return xr.Dataset(variables, attrs=attributes(run, particles))


def _update_numbers(dynamics, v):
    """Learning rate, batch size and momentum of plain or heavy-ball SGD."""
    name, params = dynamics["name"], dynamics["params"]
    if name not in ("sgd", "sgd_momentum"):
        raise ValueError(
            'the budget holds for the dynamics "sgd" and "sgd_momentum" (heavy ball), got '
            f"{name!r}. "
            "If the run's attributes lack its dynamics, pass dynamics=."
        )
    numbers = [params[key] for key in ("learning_rate", "batch_size", "momentum")]
    if not all(isinstance(value, (int, float)) for value in numbers):
        raise ValueError(
            "learning_rate, batch_size and momentum must be constant: under a schedule there is "
            "no stationary state."
        )
    if numbers[2] and v is None:
        raise ValueError(
            f"run has momentum {numbers[2]:g} but no velocity v (particle, component), which the "
            "budget needs."
        )
    return numbers


def noise_covariance_of(run, model):
    """Sigma of one example's gradient: a (d, d) array, or a function x (n, d) -> (n, d, d), from
    the run's attributes.

    Raises
    ------
    ValueError
        If the attributes do not tell it.
    """
    text = run.attrs.get("noise")
    noise = json.loads(text) if text else {"name": "unknown"}
    if noise is None:
        return np.zeros((model.dim, model.dim))
    if noise["name"] in ("minibatch", "table_gaussian") and isinstance(model, Loss):
        return lambda x: covariance_at(model, x)
    if noise["name"] == "gaussian":
        scale, factor = noise["params"].get("scale"), noise["params"].get("factor")
        if isinstance(scale, list):
            return np.diag(np.square(scale))
        if isinstance(factor, list):
            return np.array(factor) @ np.array(factor).T
    raise ValueError(
        f"the covariance of the noise {noise['name']!r} is not known from the run's attributes "
        f"for the model {model.name!r}. "
        "Pass noise_covariance=, that of ONE example's gradient."
    )


def _constant(noise_covariance, dim):
    """A constant Sigma as a checked (d, d) array."""
    sigma = np.asarray(noise_covariance, dtype=float)
    sigma = np.diag(sigma) if sigma.ndim == 1 else sigma
    if sigma.shape != (dim, dim) or not np.allclose(sigma, sigma.T):
        raise ValueError(
            f"noise_covariance must be a symmetric ({dim}, {dim}) array or {dim} variances, got "
            "the shape "
            f"{np.shape(noise_covariance)}."
        )
    covariance_factor(sigma, "noise_covariance")
    return sigma


def _accumulate(x, gradient, v, sigma, rates):
    """Means of the five terms and their errors, both (5, d, d), and the covariance of the
    residual's upper triangle.
    """
    n, d = x.shape
    upper = np.triu_indices(d)
    centred = x - x.mean(axis=0)

    def terms_of(part):
        g = gradient[part]
        terms = np.empty((5, len(g), d, d))
        terms[0] = 0.5 * n / (n - 1) * _symmetric(centred[part], g)
        terms[1] = rates[0] * g[:, :, None] * g[:, None, :]
        terms[2] = rates[1] * (sigma(x[part]) if callable(sigma) else sigma)
        terms[3] = rates[2] * _symmetric(v[part], g)
        terms[4] = terms[0] - terms[1] - terms[2] - terms[3]
        return terms

    shift = terms_of(slice(0, 1))[
        :, 0
    ]  # one particle's terms: less these, a constant term has exactly no spread
    total, squares, products = np.zeros((5, d, d)), np.zeros((5, d, d)), 0.0
    chunk = max(1, CHUNK_NUMBERS // (d * d))
    for start in range(0, n, chunk):
        terms = terms_of(slice(start, start + chunk)) - shift[:, None]
        residual = terms[4][:, upper[0], upper[1]]
        total += terms.sum(axis=1)
        squares += (terms**2).sum(axis=1)
        products = products + residual.T @ residual
    mean = total / n
    error = np.sqrt(np.maximum(squares / n - mean**2, 0.0) / (n - 1))
    flat = mean[4][upper]
    return mean + shift, error, (products - n * np.outer(flat, flat)) / (n - 1)


def _symmetric(a, b):
    """a_i b_j + b_i a_j for every particle."""
    product = a[:, :, None] * b[:, None, :]
    return product + np.swapaxes(product, 1, 2)
