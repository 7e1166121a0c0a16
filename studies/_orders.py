"""Means over independent particles and orders in the step, with their standard errors."""

import numpy as np
from _runner import mean_and_error
from scipy.optimize import minimize_scalar

from langevin_sgd.engine.reducers.readings import with_error


def over_particles(values):
    """Mean of looks (looks, particles), and its standard error: particles are independent."""
    return mean_and_error(values.mean(axis=0))


def fitted_order(steps, bias, error):
    """The order p of bias = c step^p, 0 < p < 8, by least squares, and its standard error."""
    log = np.log(np.array(steps) / steps[-1])

    def best(p):
        shape = np.exp(p * log)
        return (shape * bias / error**2).sum() / (shape**2 / error**2).sum(), shape

    def misfit(p):
        c, shape = best(p)
        return (((bias - c * shape) / error) ** 2).sum()

    order = minimize_scalar(misfit, bounds=(0.0, 8.0), method="bounded").x
    c, shape = best(order)
    slopes = np.stack([shape, c * shape * log]) / error
    return order, np.sqrt(np.linalg.inv(slopes @ slopes.T)[1, 1])


def measured(name, dims, pair, text, units="1"):
    """A number of a part with its standard error, as variables of a dataset."""
    return with_error(name, dims, tuple(np.asarray(part, float) for part in pair), text, units)
