"""Simulations of the oracle's cases of one gradient: mean and covariance over one step of rate 1.
`excess` multiplies the variance of the noise; 1 is the case itself."""

from functools import partial

import numpy as np
from _oracle_cases import Simulation, both, products
from _oracle_tables import spread_out

import langevin_sgd as ls


def _pushes(exact, keys, run):
    """Mean and covariance of the gradients of one step of rate 1."""
    pushes = run.x.values[0] - run.x.values[-1]
    mean, covariance = (np.array(exact[key]) for key in keys)
    return {"G": (pushes, mean), "cov": products(*[pushes - mean] * 2, covariance)}


def one_batch(sampling, excess=1):
    """One step with three of eight given gradients."""
    case, exact = both("sampling_8x2")
    loss = ls.losses.quadratic_centers(
        np.eye(2), -spread_out(case["per_example_gradients"], excess)
    )
    readings = partial(_pushes, exact, ("G_T", f"cov_{sampling}"))
    moves = ls.dynamics.sgd(1.0, case["B"])
    return Simulation(loss, moves, ls.noise.minibatch(sampling), 1, readings, {"x0": [0.0, 0.0]})


def logistic(excess=1):
    """One step of logistic regression with a batch of one; of `excess`, in the twin."""
    case, exact = both("fisher_logistic")
    loss = ls.losses.logistic_regression(case["X"], case["y"])
    readings = partial(_pushes, exact, ("G", "Sigma"))
    noise, moves = ls.noise.minibatch(), ls.dynamics.sgd(1.0, excess)
    return Simulation(loss, moves, noise, 1, readings, {"x0": case["theta"]})


def one_row(excess=1):
    """One step of online regression, away from the minimum: Sigma = 2 L H + G G'."""
    case, exact = both("linreg_sigma_2LH")
    noise = ls.noise.online_regression(case["A"], excess * case["sig2"])
    readings, moves = partial(_pushes, exact, ("G", "Sigma")), ls.dynamics.sgd(1.0)
    options = {"x0": case["delta"]}
    return Simulation(ls.potentials.quadratic(case["A"]), moves, noise, 1, readings, options)
