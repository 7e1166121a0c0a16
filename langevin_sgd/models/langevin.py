"""Langevin dynamics, whose law is Boltzmann's: overdamped, and with inertia.

With inertia a step is made of letters: A, a drift x + dt v; B, a kick v - dt g/m; O, the exact
action of friction and noise on v. A letter that stands twice acts for half a step each time. What
comes before the gradient is evaluated is `advance`, the rest `update`; g, xi and z as in
`dynamics_record`."""

from ..arguments import one_of
from ..kernels.elementary import exp, fma, sqrt
from .dynamics_record import Dynamics, dynamics_maker


def _euler_maruyama(p, x, v, g, xi, z):
    kick = sqrt(2.0 * p.temperature * p.step_size)
    for k in range(len(x)):
        x[k] = fma(kick, z[k], fma(-p.step_size, g[k] + xi[k], x[k]))


def _leimkuhler_matthews(p, x, v, g, xi, z):
    kick = sqrt(0.5 * p.temperature * p.step_size)
    for k in range(len(x)):
        x[k] = fma(kick, v[k] + z[k], fma(-p.step_size, g[k] + xi[k], x[k]))
        v[k] = z[k]


@dynamics_maker(method=one_of("euler_maruyama", "leimkuhler_matthews"))
def langevin(temperature, step_size, batch_size=1, method="euler_maruyama"):
    """Overdamped Langevin dynamics, whose law is Boltzmann's, exp(-U/T).

    dx = -grad U dt + sqrt(2 T) dW.

    Parameters
    ----------
    temperature : float >= 0, or Schedule
        T, in units of the energy U.
    step_size : float > 0, or Schedule
        dt, length squared per energy.
    batch_size : int >= 1, or Schedule
        Divides the gradient noise, if any is given. With it Euler-Maruyama is stochastic-gradient
        Langevin dynamics (Welling and Teh 2011): on a quadratic the variance is (2 T + dt
        Sigma/B)/(h (2 - h dt)), hotter than T/h. Batches of shuffled epochs add less,
        `theory.epoch_covariance`: of order dt^2, not dt (Shaw and Whalley 2025).
    method : {"euler_maruyama", "leimkuhler_matthews"}
        Euler-Maruyama: on a quadratic of curvature h the variance is T/(h (1 - h dt/2)), an error
        of order dt. Leimkuhler and Matthews (2013, arXiv:1203.5428): x' = x - dt grad U + sqrt(T dt
        / 2) (R_k + R_{k+1}), exact there, and of order dt^2 in general. Its first R is 0, so that
        the first step's noise has half its later variance.

    Returns
    -------
    Dynamics

    Examples
    --------
    One step by hand with the gradient 2 and the normal number 1: 1 - 0.1 * 2 + sqrt(2 * 0.2 * 0.1).

    >>> dynamics, x = ls.dynamics.langevin(temperature=0.2, step_size=0.1), np.array([1.0])
    >>> dynamics.update(dynamics.params, x, None, [2.0], [0.0], [1.0])
    >>> print(dynamics, x.round(4))
    langevin(temperature=0.2, step_size=0.1) [1.]
    """
    name = f"langevin_{method}"
    params = {"temperature": temperature, "step_size": step_size, "batch_size": batch_size}
    if method == "euler_maruyama":
        return Dynamics(name, _euler_maruyama, params, normals=1)
    # what is remembered is the last noise, which walls turn round with the particle
    return Dynamics(name, _leimkuhler_matthews, params, normals=1, memory="hidden", vectors=1)


def _bath(p, share):
    """(what friction keeps of v, the size of the noise) in this share of a step."""
    keep = exp(-share * p.friction * p.step_size)
    return keep, sqrt((1.0 - keep * keep) * p.temperature / p.mass)


def _baoab_before(p, x, v, g, z):
    keep, noise = _bath(p, 1.0)
    half = 0.5 * p.step_size
    for k in range(len(x)):
        u = v[k] - half / p.mass * g[k]
        y = x[k] + half * u
        v[k] = keep * u + noise * z[k]
        x[k] = y + half * v[k]


def _baoab_after(p, x, v, g, xi, z):
    for k in range(len(x)):
        g[k] = g[k] + xi[k]  # the next step's first kick uses the same noisy force
        v[k] = v[k] - 0.5 * p.step_size / p.mass * g[k]


def _drift_half(p, x, v, g, z):
    for k in range(len(x)):
        x[k] = x[k] + 0.5 * p.step_size * v[k]


def _aboba_after(p, x, v, g, xi, z):
    keep, noise = _bath(p, 1.0)
    half = 0.5 * p.step_size
    for k in range(len(x)):
        kick = half / p.mass * (g[k] + xi[k])
        v[k] = keep * (v[k] - kick) + noise * z[k] - kick
        x[k] = x[k] + half * v[k]


def _obabo_before(p, x, v, g, z):
    keep, noise = _bath(p, 0.5)
    for k in range(len(x)):
        v[k] = keep * v[k] + noise * z[k] - 0.5 * p.step_size / p.mass * g[k]
        x[k] = x[k] + p.step_size * v[k]


def _obabo_after(p, x, v, g, xi, z):
    keep, noise = _bath(p, 0.5)
    dim = len(x)
    for k in range(dim):
        g[k] = g[k] + xi[k]
        v[k] = keep * (v[k] - 0.5 * p.step_size / p.mass * g[k]) + noise * z[dim + k]


def _oabao_before(p, x, v, g, z):
    keep, noise = _bath(p, 0.5)
    for k in range(len(x)):
        v[k] = keep * v[k] + noise * z[k]
        x[k] = x[k] + 0.5 * p.step_size * v[k]


def _oabao_after(p, x, v, g, xi, z):
    keep, noise = _bath(p, 0.5)
    dim = len(x)
    for k in range(dim):
        u = v[k] - p.step_size / p.mass * (g[k] + xi[k])
        x[k] = x[k] + 0.5 * p.step_size * u
        v[k] = keep * u + noise * z[dim + k]


def _sghmc(p, x, v, g, xi, z):
    noise = sqrt(2.0 * p.friction * p.temperature * p.step_size / p.mass)
    for k in range(len(x)):
        u = (1.0 - p.friction * p.step_size) * v[k] - p.step_size / p.mass * (g[k] + xi[k])
        v[k] = u + noise * z[k]
        x[k] = x[k] + p.step_size * v[k]


# method -> update, advance, thermal normals per component
_METHODS = {
    "baoab": (_baoab_after, _baoab_before, 1),
    "aboba": (_aboba_after, _drift_half, 1),
    "obabo": (_obabo_after, _obabo_before, 2),
    "oabao": (_oabao_after, _oabao_before, 2),
    "sghmc": (_sghmc, None, 1),
}


@dynamics_maker(method=one_of(*_METHODS))
def underdamped_langevin(temperature, friction, step_size, mass=1.0, batch_size=1, method="baoab"):
    """Langevin dynamics with inertia, in one of five integrators.

    dx = v dt, m dv = -grad U dt - f m v dt + sqrt(2 f m T) dW.

    Parameters
    ----------
    temperature : as in `langevin`
    friction : float >= 0, or Schedule
        f, per time: a free velocity decays as exp(-f t).
    step_size : float > 0, or Schedule
        dt, time. Stable on a quadratic of curvature h for dt^2 h/m < 4, and < 4 - 2 f dt for
        "sghmc".
    mass : float > 0, or Schedule
        m, energy time^2 per length^2; <v^2> = T/m.
    batch_size : as in `langevin`
    method : {"baoab", "aboba", "obabo", "oabao", "sghmc"}
        Splittings of A, a drift, B, a kick, and O, exact friction and noise (Leimkuhler and
        Matthews 2013, arXiv:1203.5428). "sghmc" is the semi-implicit Euler method v' = (1 - f dt) v
        - dt g/m + sqrt(2 f T dt/m) z, x' = x + dt v' of Chen, Fox and Guestrin (2014,
        arXiv:1402.4102) without their correction for gradient noise: the heavy ball with mu = 1 - f
        dt and eta = dt^2/m. Each evaluates one gradient a step.

    Returns
    -------
    Dynamics
        Its v is the velocity dx/dt; that of `sgd` is the displacement per step, with the opposite
        sign.

    Notes
    -----
    With s = dt^2 h/(4 m), on a quadratic of curvature h (from the stationarity of the second
    moments, for any f > 0):

    ======  ====================================  ==================
    method  <x^2> h/T                             <v^2> m/T
    ======  ====================================  ==================
    baoab   1                                     1 - s
    aboba   1                                     1/(1 - s)
    obabo   1/(1 - s)                             1
    oabao   1 - s                                 1
    sghmc   (2 - f dt)/(2 - f dt - 2 s)           2/(2 - f dt - 2 s)
    ======  ====================================  ==================

    Examples
    --------
    A step of "sghmc" by hand: v' = 0.9 * 1 - 0.1 * 2 + sqrt(2 * 0.2 * 0.1), x' = 1 + 0.1 v'.

    >>> moves = ls.dynamics.underdamped_langevin(0.2, friction=1.0, step_size=0.1, method="sghmc")
    >>> x, v = np.array([1.0]), np.array([1.0])
    >>> moves.update(moves.params, x, v, [2.0], [0.0], [1.0])
    >>> print(v.round(4), x.round(4))
    [0.9] [1.09]
    """
    params = {"temperature": temperature, "step_size": step_size, "batch_size": batch_size}
    params |= {"friction": friction, "mass": mass}
    update, advance, normals = _METHODS[method]
    name = f"underdamped_langevin_{method}"
    return Dynamics(name, update, params, advance, normals, memory="velocity")
