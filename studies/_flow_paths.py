"""Gradient descent and reshuffled epochs beside gradient flow, and orders in the rate."""

from itertools import permutations

import numpy as np
import xarray as xr
from _breakdown import LIMIT

import langevin_sgd as ls

random = np.random.default_rng(5)
INPUTS = random.normal(size=(20, 2))
LABELS = (INPUTS @ [1.5, -1.0] + random.normal(size=20) > 0) * 1.0
LANDSCAPES = {  # and where the paths begin
    "quadratic": (ls.potentials.quadratic([1.0]), [1.0]),
    "double well": (ls.potentials.double_well(2, 0.7, 1.3, 0.8, 0.2), [1.6, -0.4]),
    "Rosenbrock": (ls.potentials.rosenbrock(2, 5.0), [-1.2, 1.0]),
    "logistic regression": (ls.losses.logistic_regression(INPUTS, LABELS, 0.1), [-2.0, 1.5]),
}
SPAN, STEPS = 1.28, np.array([8, 16, 32, 64, 128])  # rate * curvature * steps; their number
FOUR = ls.losses.logistic_regression(INPUTS[:4], LABELS[:4], 0.1)
SAMPLINGS = "with_replacement", "reshuffle"


def descent(model, x0, rate, steps):
    """The points of gradient descent, (steps + 1, d)."""
    return ls.simulate(
        model, ls.dynamics.sgd(rate), particles=1, steps=steps, every=1, x0=x0, seed=1
    ).x.values[:, 0]


def curvature_along(model, x0):
    """Largest curvature along the flow, by which rates are measured."""
    start = np.linalg.eigvalsh(ls.evaluate(model, np.array(x0), "hessian"))
    path = ls.theory.gradient_flow(model, x0, np.linspace(0, 5, 21) / np.abs(start).max())
    return float(np.abs(np.linalg.eigvalsh(ls.evaluate(model, path, "hessian"))).max())


def largest_departure(model, x0, curvature, scaled):
    """Largest distance of descent from the flow up to the time 4/curvature, over the way."""
    steps = np.arange(int(4 / scaled) + 1)
    with_steps = descent(model, x0, scaled / curvature, steps[-1])
    flow = ls.theory.gradient_flow(model, x0, np.append(steps * scaled, 4.001) / curvature)
    way = np.linalg.norm(flow[-1] - flow[0])
    return np.linalg.norm(with_steps - flow[:-1], axis=1).max() / way


def without_noise(name):
    """Distances of descent from the two flows, and between which rates it is 5 % off."""
    model, x0 = LANDSCAPES[name]
    curvature, distance = curvature_along(model, x0), []
    for steps in STEPS:
        time = SPAN / curvature
        modified = ls.potentials.modified_loss(model, time / steps)
        ends = [ls.theory.gradient_flow(each, x0, time)[0] for each in (model, modified)]
        there = descent(model, x0, time / steps, steps)[-1]
        distance.append([np.linalg.norm(there - end) for end in ends])
    low, high = 0.02, 1.0
    while high - low > 1e-3:
        middle = (low + high) / 2
        off = largest_departure(model, x0, curvature, middle) > LIMIT
        low, high = (low, middle) if off else (middle, high)
    found = {"distance": (("steps", "flow"), distance), "limit": ("side", [low, high])}
    return xr.Dataset(found | {"curvature": curvature})


def epochs():
    """The mean point after one epoch over all 24 orders of four examples, less the flows."""
    start, residual = np.array([1.5, -1.0]), []
    for steps in STEPS:
        rate = 0.64 / steps
        ends = []
        for order in permutations(range(4)):
            noise = ls.noise.minibatch("given", batches=np.reshape(order, (4, 1)))
            moves = ls.dynamics.sgd(rate)
            ends.append(ls.simulate(FOUR, moves, noise, particles=1, steps=4, x0=start, seed=1))
        mean = np.mean([run.x.values[-1, 0] for run in ends], axis=0)
        losses = [ls.potentials.modified_loss(FOUR, rate, how) for how in SAMPLINGS]
        flows = [ls.theory.gradient_flow(each, start, 4 * rate)[0] for each in losses]
        residual.append([np.linalg.norm(mean - flow) for flow in flows])
    return xr.Dataset({"residual": (("steps", "sampling"), residual)})


def order_of(distance):
    """Order in the rate, halved from row to row: the last ratio and the one before, extrapolated;
    the error is by how much that changed."""
    order = np.log2(distance[:-1] / distance[1:])
    last, before = 2 * order[-1] - order[-2], 2 * order[-2] - order[-3]
    return last, np.abs(last - before)


def fitted_order(rate, value, error):
    """Order in the rate of values c rate^p (1 + b rate) by weighted least squares, and its standard
    error."""
    weight = np.abs(value) / error
    terms = np.stack([np.ones(len(rate)), np.log(rate), rate], axis=1) * weight[:, None]
    covariance = np.linalg.inv(terms.T @ terms)
    return (covariance @ terms.T @ (weight * np.log(np.abs(value))))[1], np.sqrt(covariance[1, 1])
