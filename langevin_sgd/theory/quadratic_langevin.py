"""Langevin integrators on a quadratic as linear processes: their exact stationary moments at any
step size.

B is a kick v - (dt/m) H x, A a drift x + dt v, O the exact Ornstein-Uhlenbeck step of the velocity;
a splitting is the product of its letters' matrices, each letter with dt divided by how often it
occurs."""

from typing import NamedTuple

import numpy as np

from ..arguments import (
    LONGEST_SWEEP,
    QUANTITIES,
    all_within,
    covariance_matrix,
    one_of,
    optional,
)
from .linear_process import LinearProcess, over_matrices, stacked
from .meanings import exact

OVERDAMPED = ("euler_maruyama", "leimkuhler_matthews")
SPLITTINGS = ("baoab", "aboba", "obabo", "oabao")
EXPLICIT = ("semi_implicit", "underdamped_euler_maruyama")
ONE_GRADIENT = ("euler_maruyama", "semi_implicit")


@exact(
    temperature=all_within(at_least=0, longest=LONGEST_SWEEP),
    method=one_of(*OVERDAMPED, *SPLITTINGS, *EXPLICIT),
    friction=optional(QUANTITIES["friction"]),
    batch_covariance=optional(covariance_matrix),
)
def langevin_process(
    hessian,
    temperature,
    step_size,
    method="euler_maruyama",
    friction=None,
    mass=1.0,
    batch_covariance=None,
):
    """A Langevin integrator on a quadratic as a `LinearProcess`.

    For `state_covariance` or `stationary_blocks`, which refuse unstable step sizes.

    Parameters
    ----------
    hessian : (d, d) matrix, (d,) curvatures or scalar
        H of U = x' H x / 2, in units of energy per squared length.
    temperature : float or array >= 0
        T, in units of U. Arrays of this, of step_size, friction and mass broadcast together: a
        sweep, whose shape the process has as leading axes.
    step_size : float or array > 0
        dt, a time; for overdamped methods in units of squared length per energy (mobility 1).
    method : str
        Overdamped, state (x, last normal): "euler_maruyama", "leimkuhler_matthews". Underdamped,
        state (x, v): the splittings "baoab", "aboba", "obabo", "oabao" read at the end of the step,
        "semi_implicit" (stochastic-gradient HMC with the new velocity) and
        "underdamped_euler_maruyama".
    friction : float or array, optional
        dv = -friction v dt, per time; underdamped methods only.
    mass : float or array > 0
        m, energy time^2 per length^2.
    batch_covariance : (d, d) matrix, (d,) variances or scalar, optional
        C, the covariance of extra gradient noise in each step: stochastic gradient Langevin
        dynamics. For "euler_maruyama" and "semi_implicit", which evaluate one gradient a step.

    Returns
    -------
    LinearProcess

    Raises
    ------
    ValueError
        For a missing or superfluous friction, or batch noise where the method takes none.

    Notes
    -----
    Exact. In one dimension, mass 1: <x^2> is T/(h (1 - h dt/2)) for Euler-Maruyama and T/h for
    Leimkuhler-Matthews, BAOAB, ABOBA; OBABO T/(h (1 - dt^2 h/4)); OABAO (T/h)(1 - dt^2 h/4); BAOAB
    <v^2> = T (1 - dt^2 h/4); splittings are stable for dt^2 h < 4m. Leimkuhler and Matthews 2013;
    semi_implicit is heavy ball with mu = 1 - friction dt, eta = dt^2/m.

    Examples
    --------
    At dt = 1/2 Euler and Maruyama's variance is T/(h (1 - 1/4)), the other method's still T/h:

    >>> for method in ("euler_maruyama", "leimkuhler_matthews"):
    ...     process = ls.theory.langevin_process(1.0, 1.0, 0.5, method)
    ...     print(method, f"{ls.theory.state_covariance(process)[0, 0]:.4f}")
    euler_maruyama 1.3333
    leimkuhler_matthews 1.0000
    """
    d, overdamped = hessian.shape[-1], method in OVERDAMPED
    check_friction(friction, method)
    if batch_covariance is not None and method not in ONE_GRADIENT:
        raise ValueError(
            f"the method {method!r} takes no batch_covariance; use 'euler_maruyama' or "
            "'semi_implicit'."
        )
    numbers = _Numbers(
        *over_matrices(temperature, step_size, 1.0 if overdamped else friction, mass)
    )
    if overdamped:
        process = _overdamped(hessian, numbers, method)
    elif method in SPLITTINGS:
        process = _splitting(hessian, numbers, method)
    else:
        process = _explicit(hessian, numbers, method)
    if batch_covariance is None:
        return process
    extra = covariance_matrix(batch_covariance, "batch_covariance", d)
    zero, kick = np.zeros((d, d)), -numbers.dt * np.eye(d)
    column = [[kick], [zero]]
    if not overdamped:
        column = [[numbers.dt * kick / numbers.mass], [kick / numbers.mass]]
    return process._replace(
        noise_input=np.concatenate([process.noise_input, stacked(column)], -1),
        noise_covariance=stacked([[process.noise_covariance, zero], [zero, extra]]),
    )


def check_friction(friction, method):
    """Refuse a friction of an overdamped method, and another method without one."""
    if (friction is None) != (method in OVERDAMPED):
        raise ValueError(
            f"friction = {friction!r} with the method {method!r}: give a friction > 0 to "
            "underdamped methods and only to them."
        )


class _Numbers(NamedTuple):
    """The numbers of an integrator, each (..., 1, 1)."""

    temperature: np.ndarray
    dt: np.ndarray
    friction: np.ndarray
    mass: np.ndarray


def _overdamped(hessian, numbers, method):
    """x' = x - dt H x + sqrt(2 T dt) R', with R' replaced by (R + R')/2 for Leimkuhler-Matthews;
    the state is (x, R)."""
    d = hessian.shape[-1]
    identity, zero = np.eye(d), np.zeros((d, d))
    new = np.sqrt(2 * numbers.temperature * numbers.dt) * identity
    old = zero
    if method == "leimkuhler_matthews":
        old = new = new / 2
    transition = stacked([[identity - numbers.dt * hessian, old], [zero, zero]])
    return LinearProcess(transition, stacked([[new], [identity]]), identity, d)


def _splitting(hessian, numbers, letters):
    """Product of the letters' matrices; every O draws its own normals."""
    d = hessian.shape[-1]
    identity, zero = np.eye(d), np.zeros((d, d))
    transition, noise_input = np.eye(2 * d), np.zeros((2 * d, 0))
    for letter in letters:
        part = numbers.dt / letters.count(letter)
        decay = np.exp(-numbers.friction * part)
        step = {
            "a": stacked([[identity, part * identity], [zero, identity]]),
            "b": stacked([[identity, zero], [-part / numbers.mass * hessian, identity]]),
            "o": stacked([[identity, zero], [zero, decay * identity]]),
        }[letter]
        transition, noise_input = step @ transition, step @ noise_input
        if letter == "o":
            lost = -np.expm1(-2 * numbers.friction * part)
            kick = np.sqrt(lost * numbers.temperature / numbers.mass) * identity
            noise_input = np.concatenate([noise_input, stacked([[zero], [kick]])], -1)
    return LinearProcess(transition, noise_input, np.eye(noise_input.shape[-1]), d)


def _explicit(hessian, numbers, method):
    """v' = (1 - friction dt) v - (dt/m) H x + noise; x moves with the new velocity (semi_implicit)
    or with the old one."""
    d, dt = hessian.shape[-1], numbers.dt
    identity, zero = np.eye(d), np.zeros((d, d))
    kick = np.sqrt(2 * numbers.friction * numbers.temperature * dt / numbers.mass) * identity
    velocity = [-dt / numbers.mass * hessian, (1 - numbers.friction * dt) * identity]
    position, moved = [identity, dt * identity], zero
    if method == "semi_implicit":
        position, moved = [identity + dt * velocity[0], dt * velocity[1]], dt * kick
    return LinearProcess(stacked([position, velocity]), stacked([[moved], [kick]]), identity, d)
