"""Langevin integrators on a quadratic as linear processes: their exact stationary moments at any
step size.

B is a kick v - (dt/m) H x, A a drift x + dt v, O the exact Ornstein-Uhlenbeck step of the velocity;
a splitting is the product of its letters' matrices, each letter with dt divided by how often it
occurs."""

import numpy as np

from .inputs import covariance_matrix, in_range, positive, symmetric_matrix
from .linear import LinearProcess

OVERDAMPED = ("euler_maruyama", "leimkuhler_matthews")
SPLITTINGS = ("baoab", "aboba", "obabo", "oabao")
EXPLICIT = ("semi_implicit", "underdamped_euler_maruyama")


def langevin_process(
    hessian,
    temperature,
    step_size,
    method="euler_maruyama",
    friction=None,
    mass=1.0,
    batch_covariance=None,
):
    """A Langevin integrator on U = x' H x / 2 as a `LinearProcess`, for `state_covariance` or
    `stationary_blocks`.

    Parameters
    ----------
    hessian : (d, d) matrix, (d,) curvatures or scalar
    temperature, step_size : float or array
        T >= 0, units of U; dt > 0, a time, for overdamped methods in units of squared length per
        energy (mobility 1). Arrays of these, of friction and of mass broadcast together: a sweep,
        whose shape the process has as leading axes.
    method : str
        Overdamped, state (x, last normal): "euler_maruyama", "leimkuhler_matthews". Underdamped,
        state (x, v): the splittings "baoab", "aboba", "obabo", "oabao" read at the end of the step,
        "semi_implicit" (stochastic-gradient HMC with the new velocity) and
        "underdamped_euler_maruyama".
    friction : float or array, optional
        dv = -friction v dt, per time; underdamped methods only.
    mass : float or array
    batch_covariance : (..., d, d), optional
        Covariance of extra gradient noise of variance C a step: stochastic gradient Langevin
        dynamics. For "euler_maruyama" and "semi_implicit", which evaluate one gradient a step.

    Returns
    -------
    LinearProcess
        Unstable step sizes are allowed here; `state_covariance` refuses them (the spectral radius
        is checked).

    Raises
    ------
    ValueError
        For an unknown method, a missing or superfluous friction, or batch noise where the method
        takes none.

    Notes
    -----
    Exact. In one dimension, mass 1: <x^2> is T/(h (1 - h dt/2)) for Euler-Maruyama and T/h for
    Leimkuhler-Matthews, BAOAB, ABOBA; OBABO T/(h (1 - dt^2 h/4)); OABAO (T/h)(1 - dt^2 h/4); BAOAB
    <v^2> = T (1 - dt^2 h/4); splittings are stable for dt^2 h < 4m. Leimkuhler and Matthews 2013
    (arXiv:1203.5428, abstract read only); semi_implicit is heavy ball with mu = 1 - friction dt,
    eta = dt^2/m."""
    hessian = symmetric_matrix("hessian", hessian)
    d = hessian.shape[-1]
    if method not in OVERDAMPED + SPLITTINGS + EXPLICIT:
        raise ValueError(
            f"method = {method!r}; choose one of {', '.join(OVERDAMPED + SPLITTINGS + EXPLICIT)}"
        )
    if (friction is None) != (method in OVERDAMPED):
        raise ValueError(
            f"friction = {friction!r} with method {method!r}: give a friction > 0 to underdamped "
            "methods and only to them"
        )
    numbers = np.broadcast_arrays(
        in_range("temperature", temperature, 0.0, np.inf, closed_low=True),
        positive("step_size", step_size),
        positive("friction", 1.0 if friction is None else friction),
        positive("mass", mass),
    )
    temperature, dt, friction, mass = (number[..., None, None] for number in numbers)
    if method in OVERDAMPED:
        process = _overdamped(hessian, temperature, dt, method)
    else:
        build = _splitting if method in SPLITTINGS else _explicit
        process = build(hessian, temperature, dt, method, friction, mass)
    if batch_covariance is None:
        return process
    if method not in ("euler_maruyama", "semi_implicit"):
        raise ValueError(
            f"method {method!r} takes no batch_covariance; use 'euler_maruyama' or 'semi_implicit'"
        )
    extra = covariance_matrix("batch_covariance", batch_covariance, d)
    kick = -dt / (1.0 if method == "euler_maruyama" else mass) * np.eye(d)
    column = _stack(
        [[kick], [np.zeros((d, d))]] if method == "euler_maruyama" else [[dt * kick], [kick]]
    )
    noise = _stack([[process.noise_covariance, np.zeros((d, d))], [np.zeros((d, d)), extra]])
    return LinearProcess(
        process.transition, np.concatenate([process.noise_input, column], -1), noise, d
    )


def _stack(rows):
    """Like np.block, for stacks of (d, d) blocks whose leading axes broadcast."""
    shape = np.broadcast_shapes(*(block.shape for row in rows for block in row))
    return np.concatenate(
        [np.concatenate([np.broadcast_to(block, shape) for block in row], -1) for row in rows], -2
    )


def _overdamped(hessian, temperature, dt, method):
    """x' = x - dt H x + sqrt(2 T dt) R', with R' replaced by (R + R')/2 for Leimkuhler-Matthews;
    the state is (x, R).
    """
    d = hessian.shape[-1]
    identity, zero, kick = np.eye(d), np.zeros((d, d)), np.sqrt(2 * temperature * dt) * np.eye(d)
    old, new = (zero, kick) if method == "euler_maruyama" else (kick / 2, kick / 2)
    transition = _stack([[identity - dt * hessian, old], [zero, zero]])
    return LinearProcess(transition, _stack([[new], [identity]]), identity, d)


def _splitting(hessian, temperature, dt, letters, friction, mass):
    """Product of the letters' matrices; every O draws its own normals."""
    d = hessian.shape[-1]
    identity, zero = np.eye(d), np.zeros((d, d))
    transition, noise_input = np.eye(2 * d), np.zeros((2 * d, 0))
    for letter in letters:
        part = dt / letters.count(letter)
        decay = np.exp(-friction * part)
        step = {
            "a": _stack([[identity, part * identity], [zero, identity]]),
            "b": _stack([[identity, zero], [-part / mass * hessian, identity]]),
            "o": _stack([[identity, zero], [zero, decay * identity]]),
        }[letter]
        transition, noise_input = step @ transition, step @ noise_input
        if letter == "o":
            kick = np.sqrt(-np.expm1(-2 * friction * part) * temperature / mass) * identity
            noise_input = np.concatenate([noise_input, _stack([[zero], [kick]])], -1)
    return LinearProcess(transition, noise_input, np.eye(noise_input.shape[-1]), d)


def _explicit(hessian, temperature, dt, method, friction, mass):
    """v' = (1 - friction dt) v - (dt/m) H x + noise; x moves with the new velocity (semi_implicit)
    or with the old one.
    """
    d = hessian.shape[-1]
    identity, zero = np.eye(d), np.zeros((d, d))
    kick = np.sqrt(2 * friction * temperature * dt / mass) * identity
    force, keep = -dt / mass * hessian, (1 - friction * dt) * identity
    if method == "semi_implicit":
        transition = _stack([[identity + dt * force, dt * keep], [force, keep]])
        return LinearProcess(transition, _stack([[dt * kick], [kick]]), identity, d)
    return LinearProcess(
        _stack([[identity, dt * identity], [force, keep]]), _stack([[zero], [kick]]), identity, d
    )
