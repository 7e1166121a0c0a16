"""SGD, SVAG and the diffusion on one landscape as operators on functions of x, exact to 1e-9.

The landscape: U = x^2/2 + x^4/4 with four examples of gradient x + x^3 + a x + c, a = +-0.5, c =
+-0.8, so that Sigma(x) = a^2 x^2 + c^2. A function is known at Chebyshev points of [-2, 2], which
no step leaves; E f(x_k) from x0 is k times the operator of a step, the diffusion's the exponential
of its generator."""

from functools import cache
from itertools import product

import numpy as np
from scipy.interpolate import BarycentricInterpolator
from scipy.linalg import expm

import langevin_sgd as ls

SLOPE, PUSH, START, TIME = 0.5, 0.8, 1.2, 1.0  # a, c; x0; when E x^2 is looked at
ROWS = np.array(list(product((-SLOPE, SLOPE), (-PUSH, PUSH))))


def example_loss(p, x, row):
    y = x[0] * x[0]
    return 0.25 * y * y + 0.5 * (1.0 + row[0]) * y + row[1] * x[0]


def example_gradient(p, x, row, out):
    out[0] = x[0] * x[0] * x[0] + (1.0 + row[0]) * x[0] + row[1]


LOSS = ls.Loss("quartic_bowl", example_loss, example_gradient, None, ROWS, 1)
NODES = 2 * np.cos(np.pi * np.arange(48) / 47)
WEIGHTS = (-1.0) ** np.arange(48)  # barycentric, halved at the ends: SciPy's own depend on chance
WEIGHTS[[0, -1]] /= 2


def noise_variance(x):
    """Sigma(x) of one example."""
    return SLOPE**2 * x**2 + PUSH**2


@cache
def _interpolator():
    return BarycentricInterpolator(NODES, np.eye(48), wi=WEIGHTS)


@cache
def _derivative():
    return _interpolator().derivative(NODES)


def at_start(values):
    """The value at x0 of a function given at the nodes."""
    return float(_interpolator()(START) @ values)


def of_diffusion(rate, modified=False):
    """E x^2 at the time of dX = -U' dt + sqrt(rate Sigma) dW, or with the modified loss in U's
    place."""
    model = ls.potentials.modified_loss(LOSS, rate) if modified else LOSS
    gradient = ls.evaluate(model, NODES[:, None], "gradient")
    first = _derivative()
    generator = rate / 2 * noise_variance(NODES)[:, None] * (first @ first) - gradient * first
    return at_start(expm(TIME * generator) @ NODES**2)


def of_sgd(rate, amplification=1):
    """E x^2 at the time of SGD, or SVAG of this amplification in steps of rate/amplification."""
    spread = np.sqrt(2 * amplification - 1)
    pairs = np.array([((1 + spread) * i + (1 - spread) * j) / 2 for i in ROWS for j in ROWS])
    step, x = rate / amplification, NODES[:, None]
    ends = x - step * (x**3 + (1 + pairs[:, 0]) * x + pairs[:, 1])
    operator = _interpolator()(ends.ravel()).reshape(48, len(pairs), 48).mean(axis=1)
    return at_start(np.linalg.matrix_power(operator, round(TIME / step)) @ NODES**2)
