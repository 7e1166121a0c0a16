"""A particle without a force: what its equation integrates to, and what small steps do."""

import numpy as np
from numpy.testing import assert_allclose as close

from langevin_sgd import theory

T, FRICTION, MASS = 0.3, 1.5, 0.8


def test_displacement_is_the_velocity_integrated_twice():
    """E (x(t) - x(0))^2 = 2 int_0^t (t - s) E v(s) v(0) ds."""
    time = np.linspace(0, 4, 4001)
    free = theory.free_particle(time, T, FRICTION, MASS)
    close(free.velocity_autocovariance[[0, 1000]], T / MASS * np.exp([0, -FRICTION]), 1e-14)
    for k in (200, 4000):
        lag = time[: k + 1]
        integral = np.trapezoid((time[k] - lag) * free.velocity_autocovariance[: k + 1], lag)
        close(free.mean_square[k], 2 * integral, 1e-5)


def test_it_is_ballistic_at_first_and_diffuses_with_the_temperature_over_the_drag_in_the_end():
    early, late = theory.free_particle([1e-9, 1e9], T, FRICTION, MASS).mean_square
    close(early, T / MASS * 1e-18, 1e-8)
    close(late, 2 * T / (MASS * FRICTION) * 1e9, 1e-8)


def test_a_splitting_with_small_steps_has_its_moments():
    dt, steps = 0.02, 100
    process = theory.langevin_process(0.0, T, dt, "oabao", FRICTION, MASS)
    start = np.diag([0.0, T / MASS])
    _, covariance = theory.evolve(process, [0.0, 0.0], start, steps=steps)
    exact = theory.free_particle(dt * steps, T, FRICTION, MASS).mean_square
    close(covariance[-1, 0, 0], exact, 2e-4)
