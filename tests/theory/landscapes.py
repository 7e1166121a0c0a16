"""Potentials with walls, drifts and heavy tails, for the tests of theories that must heed them."""

import numpy as np

from langevin_sgd.kernels.elementary import cos, log, sin
from langevin_sgd.models.potentials import Potential

WALLS, CIRCLE = [("reflecting", -1.0, 1.0)], [("periodic", -np.pi, np.pi)]


def _parabola_energy(p, x):
    return p.curvature * x[0] * x[0] / 2


def _parabola_gradient(p, x, out):
    out[0] = p.curvature * x[0]


def _push(p, x, out):
    out[0] = p.push


def _pendulum_energy(p, x):
    return -p.scale * cos(x[0])


def _pendulum_gradient(p, x, out):
    out[0] = p.scale * sin(x[0])


def _log_energy(p, x):
    return log(1.0 + x[0] * x[0])


def _log_gradient(p, x, out):
    out[0] = 2.0 * x[0] / (1.0 + x[0] * x[0])


def parabola(curvature=1.0, push=None, domain=None):
    """h x^2/2, with a constant drift `push` if one is given."""
    drift, params = None if push is None else _push, {"curvature": curvature, "push": push or 0.0}
    functions = _parabola_energy, _parabola_gradient
    return Potential("parabola", *functions, params, 1, drift=drift, domain=domain)


def pendulum(scale=1.0, domain=None):
    functions = _pendulum_energy, _pendulum_gradient
    return Potential("pendulum", *functions, {"scale": scale}, 1, domain=domain)


def logarithmic():
    """log(1 + x^2): exp(-U/T) is a Student law with 2/T - 1 degrees of freedom, not normalisable
    from T = 2 on."""
    return Potential("logarithmic", _log_energy, _log_gradient, {}, 1)
