"""What is exact in learning_rate_as_temperature.py, and where a departure crosses its limit."""

from functools import cache
from typing import NamedTuple

import numpy as np
from _breakdown import LIMIT, first_above
from _learning_rate_as_temperature_data import BOUND, best_fit, fitted, landscapes, lowest
from scipy.interpolate import CubicSpline
from scipy.special import ive

import langevin_sgd as ls


def boltzmann_energy(name, temperature):
    """Mean energy above the lowest under exp(-U/T): T d/2 in the bound directions, else quadrature,
    of the logistic loss over a square of 24 standard deviations either way."""
    if name == "quadratic":
        return temperature
    if name != "O-rings":
        law = ls.theory.boltzmann_density(landscapes()[name].model, temperature)
        return float(law.mean_energy) - lowest(name)
    curvature, axes = np.linalg.eigh(fitted().hessian)
    side = np.meshgrid(*[np.linspace(-24.0, 24.0, 193)] * 2, indexing="ij")
    away = np.stack(side, axis=-1).reshape(-1, 2) * np.sqrt(temperature / curvature)
    above = ls.evaluate(landscapes()[name].model, best_fit() + away @ axes.T, "energy")
    above = above - fitted().loss
    weight = np.exp(-above / temperature)
    return weight @ above / weight.sum()


class Exact(NamedTuple):
    """Of the stationary law at a finite rate, the energy above the lowest."""

    energy: float = np.nan
    variance: float = np.nan
    fraction: float = np.nan  # left of the ridge
    remembered: float = np.nan  # per step, of what differs between the basins


@cache
def ridge():
    """The maximum between the two minima."""
    line = np.linspace(-1.0, 1.0, 20_001)
    return line[ls.evaluate(landscapes()["two minima"].model, line[:, None], "energy").argmax()]


def exact(name, rate):
    """`Exact` of the chain; of the O-rings, of its linear approximation at the best fit."""
    land = landscapes()[name]
    if name in ("quadratic", "O-rings"):
        hessian = np.diag(BOUND) if name == "quadratic" else fitted().hessian
        sigma = land.sigma[:2, :2]
        law = hessian @ ls.theory.stationary_covariance(hessian, sigma, rate, land.batch)
        return Exact(np.trace(law) / 2, np.trace(law @ law) / 2)
    if name == "rugged":
        law = ls.theory.transfer_operator_circle(land.model, land.sigma, rate)
    else:
        law = ls.theory.transfer_operator(land.model, land.sigma, rate)
    mass = (law.density * law.weight).values
    energy = mass @ law.energy.values / mass.sum() - lowest(name)
    square = mass @ (law.energy.values - lowest(name)) ** 2 / mass.sum()
    found = Exact(energy, square - energy**2)
    if name != "two minima":
        return found
    density = CubicSpline(law.axis_0, law.density)
    fraction = float(density.integrate(law.axis_0[0], ridge()))
    return found._replace(fraction=fraction, remembered=float(law.relaxation_eigenvalue))


def energy_density(energy, rate):
    """Density of the energy of the quadratic: two directions of temperatures h_i S_i, exactly; at
    rate 0 Boltzmann's exp(-E/T)/T, in units where T = 1."""
    hot, cold = (1.0 / (1.0 - rate * BOUND / 2)).tolist()
    mean, half = (1 / hot + 1 / cold) / 2, (1 / cold - 1 / hot) / 2
    return ive(0, half * energy) * np.exp((half - mean) * energy) / np.sqrt(hot * cold)


def breaks(rates, departure, error):
    """The rate at which |departure| first exceeds LIMIT, as an interval: from where the upper edge
    of the band of 4 standard errors crosses the limit to where the lower edge does, both edges
    straight between the points, which begin with no departure at rate 0; nan if one never does."""
    rates = np.append(0.0, rates)
    edges = (np.append(0.0, np.abs(departure) + side * error) for side in (4.0, -4.0))
    return [first_above(rates, edge) for edge in edges]


def exact_break(name):
    """Where the exact departure crosses LIMIT; nan where the law is not known."""
    from scipy.optimize import brentq

    if name == "O-rings":
        return np.nan
    land = landscapes()[name]

    def over(rate):
        temperature = float(ls.theory.sgd_temperature(land.sigma, rate, land.batch))
        return exact(name, rate).energy / boltzmann_energy(name, temperature) - 1 - LIMIT

    return brentq(over, land.rates[1], land.rates[-1], xtol=1e-5)
