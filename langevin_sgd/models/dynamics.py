"""Dynamics: one update of one particle. SGD and Langevin dynamics are two records of the same kind.

Throughout, g is the gradient, xi the gradient noise (already divided by sqrt(batch_size), or averaged over the batch), z thermal
normals.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from ..kernels.elementary import exp, fma, sqrt
from ..kernels.texts import check_text
from .parameters import choice, integer, integer_or_schedule, number_or_schedule, parameters

MEMORIES = (None, "velocity", "hidden")


class _DynamicsFields(NamedTuple):
    name: str
    update: Callable
    params: Any
    advance: Callable | None = None
    normals: int = 0
    memory: str | None = None
    state_size: int = 1
    substeps: int = 1


class Dynamics(_DynamicsFields):
    """One update of one particle.

    Parameters
    ----------
    name : str
        How messages and datasets call it.
    update : callable
        `update(p, x, v, g, xi, z)` moves one particle in place.
    params : dict or namedtuple
        What the texts find in `p`; a `Schedule` among them is a number in each step. `batch_size` (default 1) divides the noise.
    advance : callable, optional
        `advance(p, x, v, g, z)` runs before the one gradient evaluation of a step; g is then what the last step left there, or
        the gradient at the start.
    normals : int
        Thermal normals per component; `z` has normals * d numbers.
    memory : None, "velocity" or "hidden"
        What `v` is: nothing, a velocity (stored in the dataset), or a state of no interest.
    state_size : int
        Numbers per component of `v`; `v` has state_size * d numbers.
    substeps : int
        Updates that make up one step.
    """

    __slots__ = ()

    def __new__(cls, name, update, params, advance=None, normals=0, memory=None, state_size=1, substeps=1):
        for label, text in (("update", update), ("advance", advance)):
            if text is not None:
                check_text(text, f"{label} of {name!r}")
        choice(memory, "memory", MEMORIES)
        normals, state_size = integer(normals, "normals", at_least=0), integer(state_size, "state_size", at_least=1)
        substeps = integer(substeps, "substeps", at_least=1)
        params = parameters(params, repr(name), schedules=True)
        if "batch_size" in params._fields:
            params = params._replace(batch_size=_batch_size(params.batch_size, name))
        return super().__new__(cls, name, update, params, advance, normals, memory, state_size, substeps)


def _batch_size(value, owner):
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    checked = integer_or_schedule(whole, f"batch_size of {owner!r}", at_least=1)
    return float(checked) if isinstance(checked, int) else checked


def _sgd(p, x, v, g, xi, z):
    for k in range(len(x)):
        x[k] = fma(-p.learning_rate, g[k] + xi[k], x[k])


def _sgd_with_decay(p, x, v, g, xi, z):
    for k in range(len(x)):
        x[k] = fma(-p.learning_rate, fma(p.weight_decay, x[k], g[k] + xi[k]), x[k])


def _heavy_ball(p, x, v, g, xi, z):
    for k in range(len(x)):
        v[k] = p.momentum * v[k] + p.learning_rate * fma(p.weight_decay, x[k], g[k] + xi[k])
        x[k] = x[k] - v[k]


def _torch_nesterov(p, x, v, g, xi, z):
    for k in range(len(x)):
        move = p.learning_rate * fma(p.weight_decay, x[k], g[k] + xi[k])
        v[k] = p.momentum * v[k] + move
        x[k] = x[k] - (move + p.momentum * v[k])


def _look_ahead(p, x, v, g, z):
    for k in range(len(x)):
        x[k] = x[k] - p.momentum * v[k]


def _after_look_ahead(p, x, v, g, xi, z):
    for k in range(len(x)):
        move = p.learning_rate * fma(p.weight_decay, x[k], g[k] + xi[k])
        v[k] = p.momentum * v[k] + move
        x[k] = x[k] - move


def sgd(learning_rate, batch_size=1, momentum=0.0, nesterov=None, weight_decay=0.0):
    """Stochastic gradient descent, with heavy-ball momentum v' = mu v + eta g, x' = x - v', or Nesterov's.

    Parameters
    ----------
    learning_rate : float > 0, or Schedule
        eta, length squared per energy. It stands inside v: a schedule does not rescale the velocity already gathered.
    batch_size : int >= 1, or Schedule
        Examples B per step; the noise variance is Sigma / B.
    momentum : float in [0, 1)
        mu, the part of v that is kept; friction is proportional to 1 - mu.
    nesterov : None, "torch" or "lookahead"
        "lookahead": gradient at x - mu v (Nesterov 1983). "torch": PyTorch's and Keras's form, which stores the look-ahead point:
        v' = mu v + eta g(x), x' = x - (eta g + mu v'). The same thresholds, different stationary laws.
    weight_decay : float >= 0
        lambda: lambda x is added to the gradient, so that Boltzmann's reference is U + (lambda/2) |x|^2.

    Returns
    -------
    Dynamics
    """
    choice(nesterov, "nesterov", (None, "torch", "lookahead"))
    params = {
        "learning_rate": number_or_schedule(learning_rate, "learning_rate", above=0),
        "batch_size": integer_or_schedule(batch_size, "batch_size", at_least=1),
        "momentum": number_or_schedule(momentum, "momentum", at_least=0, below=1),
        "weight_decay": number_or_schedule(weight_decay, "weight_decay", at_least=0),
    }
    if nesterov == "torch":
        return Dynamics("sgd_torch_nesterov", _torch_nesterov, params, memory="velocity")
    if nesterov == "lookahead":
        return Dynamics("sgd_lookahead_nesterov", _after_look_ahead, params, advance=_look_ahead, memory="velocity")
    if momentum == 0.0:  # no velocity to store
        return Dynamics("sgd", _sgd_with_decay if weight_decay else _sgd, params)
    return Dynamics("sgd_momentum", _heavy_ball, params, memory="velocity")


def _euler_maruyama(p, x, v, g, xi, z):
    kick = sqrt(2.0 * p.temperature * p.step_size)
    for k in range(len(x)):
        x[k] = fma(kick, z[k], fma(-p.step_size, g[k] + xi[k], x[k]))


def _leimkuhler_matthews(p, x, v, g, xi, z):
    kick = sqrt(0.5 * p.temperature * p.step_size)
    for k in range(len(x)):
        x[k] = fma(kick, v[k] + z[k], fma(-p.step_size, g[k] + xi[k], x[k]))
        v[k] = z[k]


def langevin(temperature, step_size, batch_size=1, method="euler_maruyama"):
    """Overdamped Langevin dynamics dx = -grad U dt + sqrt(2 T) dW, whose law is Boltzmann's, exp(-U/T).

    Parameters
    ----------
    temperature : float >= 0, or Schedule
        T, in units of the energy U.
    step_size : float > 0, or Schedule
        dt, length squared per energy.
    batch_size : int >= 1
        Divides the gradient noise, if any is given (stochastic-gradient Langevin dynamics).
    method : {"euler_maruyama", "leimkuhler_matthews"}
        Euler-Maruyama: on a quadratic of curvature h the variance is T/(h (1 - h dt/2)), an error of order dt. Leimkuhler and
        Matthews (2013, arXiv:1203.5428): x' = x - dt grad U + sqrt(T dt / 2) (R_k + R_{k+1}), exact there, and of order dt^2 in
        general. Its first R is 0, so that the first step's noise has half its later variance.

    Returns
    -------
    Dynamics
    """
    methods = {"euler_maruyama": (_euler_maruyama, None), "leimkuhler_matthews": (_leimkuhler_matthews, "hidden")}
    choice(method, "method", tuple(methods))
    params = {
        "temperature": number_or_schedule(temperature, "temperature", at_least=0),
        "step_size": number_or_schedule(step_size, "step_size", above=0),
        "batch_size": integer_or_schedule(batch_size, "batch_size", at_least=1),
    }
    update, memory = methods[method]
    return Dynamics(f"langevin_{method}", update, params, normals=1, memory=memory)


def _baoab_before(p, x, v, g, z):
    keep = exp(-p.friction * p.step_size)
    kick = sqrt((1.0 - keep * keep) * p.temperature / p.mass)
    half = 0.5 * p.step_size
    for k in range(len(x)):
        u = v[k] - half / p.mass * g[k]
        y = x[k] + half * u
        u = keep * u + kick * z[k]
        v[k] = u
        x[k] = y + half * u


def _baoab_after(p, x, v, g, xi, z):
    for k in range(len(x)):
        g[k] = g[k] + xi[k]  # the next step's first kick uses the same noisy force
        v[k] = v[k] - 0.5 * p.step_size / p.mass * g[k]


def underdamped_langevin(temperature, friction, step_size, mass=1.0, batch_size=1, method="baoab"):
    """Langevin dynamics with inertia: dx = v dt, m dv = -grad U dt - f m v dt + sqrt(2 f m T) dW.

    Parameters
    ----------
    temperature : float >= 0, or Schedule
        T, in units of the energy U.
    friction : float >= 0
        f, per time: a free velocity decays as exp(-f t).
    step_size : float > 0
        dt, time. Stable on a quadratic of curvature h for dt < 2 sqrt(m/h).
    mass : float > 0
        m, energy time^2 per length^2; <v^2> = T/m.
    batch_size : int >= 1
        Divides the gradient noise, if any is given.
    method : {"baoab"}
        Kick, drift, exact friction and noise, drift, kick (Leimkuhler and Matthews 2013, arXiv:1203.5428). On a quadratic <x^2> =
        T/h exactly, <v^2> = (T/m) (1 - dt^2 h / (4 m)).

    Returns
    -------
    Dynamics
        Its v is the velocity dx/dt; that of `sgd` is the displacement per step, with the opposite sign.
    """
    choice(method, "method", ("baoab",))
    params = {
        "temperature": number_or_schedule(temperature, "temperature", at_least=0),
        "friction": number_or_schedule(friction, "friction", at_least=0),
        "step_size": number_or_schedule(step_size, "step_size", above=0),
        "mass": number_or_schedule(mass, "mass", above=0),
        "batch_size": integer_or_schedule(batch_size, "batch_size", at_least=1),
    }
    return Dynamics("underdamped_langevin_baoab", _baoab_after, params, _baoab_before, normals=1, memory="velocity")
