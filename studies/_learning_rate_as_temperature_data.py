"""The landscapes of learning_rate_as_temperature.py, and where particles start in them.

O-rings: 23 flights of the Space Shuttle, the temperature at launch (degrees Fahrenheit) and whether
a primary O-ring was damaged; Dalal, Fowlkes and Hoadley 1989, J. Am. Stat. Assoc. 84, table 1."""

from functools import cache
from typing import NamedTuple

import numpy as np

import langevin_sgd as ls
from langevin_sgd import elementary

LAUNCHES = np.array([66, 70, 69, 68, 67, 72, 73, 70, 57, 63, 70, 78, 67, 53, 67, 75, 70, 81, 76])
LAUNCHES = np.append(LAUNCHES, [79, 75, 76, 58])
DAMAGED = np.isin(np.arange(23), [1, 8, 9, 10, 13, 20, 22]).astype(float)
INPUTS = np.column_stack([np.ones(23), (LAUNCHES - LAUNCHES.mean()) / LAUNCHES.std()])
BOUND = np.array([1.0, 0.25])  # curvatures of the quadratic; its third direction is flat


def _rugged_energy(p, x):
    slow, fine = 1.0 - elementary.cos(x[0]), 1.0 - elementary.cos(p.waves * x[0])
    return p.slow * slow + p.fine * fine


def _rugged_gradient(p, x, out):
    out[0] = p.slow * elementary.sin(x[0]) + p.waves * p.fine * elementary.sin(p.waves * x[0])


class Landscape(NamedTuple):
    """A model, the noise of one example, how large a batch is, and what is simulated in it."""

    model: object
    sigma: np.ndarray
    rates: tuple
    time: float  # of a run, steps times rate
    stiffest: float  # largest curvature at the lowest minimum
    batch: int = 1


@cache
def landscapes():
    """The five, by name."""
    circle = (("periodic", -np.pi, np.pi),)
    waves = {"slow": 0.5, "fine": 0.1, "waves": 5.0}
    rugged = ls.Potential("rugged", _rugged_energy, _rugged_gradient, waves, 1, domain=circle)
    fit = fitted()
    return {
        "quadratic": Landscape(
            ls.potentials.quadratic([*BOUND, 0.0]),
            np.eye(3),
            (0.02, 0.05, 0.1, 0.135, 0.18, 0.25, 0.4),
            2000.0,
            1.0,
        ),
        "double well": Landscape(
            ls.potentials.double_well(barrier=0.25),
            4.0 * np.eye(1),
            (0.02, 0.03, 0.045, 0.055, 0.065, 0.09, 0.12),
            2000.0,
            2.0,
        ),
        "two minima": Landscape(
            ls.potentials.two_minima([4.0, 1.0], [0.0, 0.3], smoothing=0.4),
            24.0 * np.eye(1),
            (0.02, 0.03, 0.04, 0.048, 0.054, 0.06, 0.067),
            4000.0,
            4.0,
        ),
        "rugged": Landscape(
            rugged, 2.0 * np.eye(1), (0.01, 0.02, 0.03, 0.036, 0.045, 0.07, 0.12), 2000.0, 3.0
        ),
        "O-rings": Landscape(
            ls.losses.logistic_regression(INPUTS, DAMAGED),
            fit.noise_covariance,
            (0.1, 0.3, 0.5, 0.7, 1.0, 1.4, 2.0),
            6000.0,
            np.linalg.eigvalsh(fit.hessian)[-1],
            batch=4,
        ),
    }


@cache
def best_fit():
    """The minimum of the logistic loss, by Newton's method."""
    x = np.zeros(2)
    for _ in range(20):
        here = ls.theory.logistic_statistics(INPUTS, DAMAGED, x)
        x = x - np.linalg.solve(here.hessian, here.gradient)
    return x


def fitted():
    """Loss, Hessian and noise at the minimum."""
    return ls.theory.logistic_statistics(INPUTS, DAMAGED, best_fit())


@cache
def points_of(name):
    """Points of a line, or of a plane, and their energies above the lowest, on a fine grid."""
    model = landscapes()[name].model
    line = np.linspace(-np.pi, np.pi, 20_001) * (1.0 if model.domain else 2.0)
    energy = ls.evaluate(model, line[:, None], "energy")
    return line, energy - energy.min(), energy.min()


def lowest(name):
    """The energy of the lowest minimum."""
    if name == "quadratic":
        return 0.0
    return fitted().loss if name == "O-rings" else points_of(name)[2]


def start(name, temperature, particles, random):
    """Draws of exp(-U/T), the best fit for the logistic loss, zero along the flat direction."""
    if name == "O-rings":
        return best_fit()
    if name == "quadratic":
        spread = np.append(np.sqrt(temperature / BOUND), 0.0)
        return random.normal(size=(particles, 3)) * spread
    line, above, _ = points_of(name)
    mass = np.cumsum(np.exp(-above / temperature))
    return np.interp(random.uniform(size=particles), mass / mass[-1], line)[:, None]
