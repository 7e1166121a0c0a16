"""The two simulations that the tests of the estimators share."""

import numpy as np
import pytest

import langevin_sgd as ls

ANISOTROPIC = np.array([0.3, 0.1])  # D of oracle dw2d_aniso
LEARNING_RATE = 0.15


@pytest.fixture(scope="package")
def well():
    return ls.potentials.double_well(dim=2, barrier=0.25, stiffness=1.0, coupling=0.8)


@pytest.fixture(scope="package")
def well_run(well):
    """Oracle dw2d_aniso: noise covariance 2 eta D = eta^2 Sigma per step, 684 steps of burn-in."""
    noise = ls.noise.gaussian(2 * ANISOTROPIC / LEARNING_RATE)
    moves = ls.dynamics.sgd(LEARNING_RATE)
    return ls.simulate(well, moves, noise, particles=50_000, steps=700, seed=12)


@pytest.fixture(scope="package")
def table():
    random = np.random.default_rng(5)
    inputs = random.normal(size=(30, 2)) * [1.0, 0.5]
    labels = (random.uniform(size=30) < 1 / (1 + np.exp(-inputs @ [1.0, -2.0]))).astype(float)
    return ls.losses.logistic_regression(inputs, labels, l2=0.1)


@pytest.fixture(scope="package")
def table_run(table):
    """Minibatches of 4: 600 steps are 18 relaxation times of the slowest mode (ridge 0.1, learning
    rate 0.3).
    """
    moves, noise = ls.dynamics.sgd(0.3, batch_size=4), ls.noise.minibatch()
    return ls.simulate(table, moves, noise, particles=8_000, steps=600, seed=13)
