"""Noise as one step of SGD shows it: (x0 - x1) / learning_rate is g + xi."""

import numpy as np

import langevin_sgd as ls

RATE, PARTICLES = 0.1, 100_000
POINT = np.array([0.7, -0.4, 1.1])
HESSIAN = np.array([[2.0, 0.5, 0.1], [0.5, 1.0, 0.0], [0.1, 0.0, 3.0]])
SIGMA = np.array([[1.5, 0.4, -0.3], [0.4, 1.0, 0.2], [-0.3, 0.2, 0.6]])
BOWL = ls.potentials.quadratic(HESSIAN)


def noisy_gradients(model, noise, batch_size=1, particles=PARTICLES, *, seed):
    options = {"particles": particles, "steps": 1, "x0": POINT[: model.dim], "seed": seed}
    run = ls.simulate(model, ls.dynamics.sgd(RATE, batch_size), noise, **options)
    return (run.x[0] - run.x[1]).values / RATE
