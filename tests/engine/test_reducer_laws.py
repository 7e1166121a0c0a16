"""Reducers against exact laws, and of losses and periodic domains against the twin that has the
whole path.
"""

from functools import cache

import naive
import naive_reducers
import numpy as np
import pytest
from scipy.linalg import solve_discrete_lyapunov
from z_scores import z_of

import langevin_sgd as ls
from langevin_sgd.engine.reducers.currents import _mean_less_middle
from langevin_sgd.theory.linear_process import LinearProcess

pytestmark = pytest.mark.slow
MOMENTUM = 0.5
CURVATURE, SIGMA2 = np.diag([1.0, 2.0]), np.diag([1.0, 0.5])
SWIRL, LAGS = np.array([[0.0, -1.0], [1.0, 0.0]]), (0, 1, 3, 10)


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)


def bowl_energy(p, x):
    return 0.5 * x[0] * x[0] + x[1] * x[1]


def bowl_gradient(p, x, out):
    out[0] = x[0]
    out[1] = 2.0 * x[1]


def swirl(p, x, out):
    out[0] = -p.strength * x[1]
    out[1] = p.strength * x[0]


@cache
def linear_run(strength):
    bowl = ls.Potential("bowl", bowl_energy, bowl_gradient, {"strength": strength}, 2, drift=swirl)
    observed = (
        ls.reducers.moments(every=2, start=100),
        ls.reducers.currents(-0.5, 0.5, 6, start=100),
        ls.reducers.autocovariance(LAGS, start=100),
        ls.reducers.virial(start=100),
        ls.reducers.rotation([0.0, 8.0], start=100),
        ls.reducers.gradient_noise(every=3),
    )
    moves, noise = ls.dynamics.sgd(0.1, 2, momentum=0.5), ls.noise.gaussian(SIGMA2)
    return ls.simulate(bowl, moves, noise, particles=3000, steps=400, seed=11, reducers=observed)


def linear_law(strength, momentum=0.5):
    """Transition and stationary covariance of (x, v)."""
    one, pull, kick = np.eye(2), 0.1 * (CURVATURE - strength * SWIRL), 0.01 * SIGMA2 / 2
    transition = np.block([[one - pull, -momentum * one], [pull, momentum * one]])
    return transition, solve_discrete_lyapunov(transition, np.block([[kick, -kick], [-kick, kick]]))


@pytest.mark.parametrize("strength", [0.0, 0.8])
def test_rotations_are_exact(strength):
    """The twin: those of the rotating force are not zero."""
    transition, _ = linear_law(strength)
    kicks = np.vstack([-np.eye(2), np.eye(2)])
    process = LinearProcess(transition, kicks, 0.01 * SIGMA2 / 2, 2)
    for k, decay in enumerate((0.0, 8.0)):
        run = linear_run(strength).isel(rotation_decay=k, component=0, component_j=1)
        exact = ls.theory.weighted_rotation(process, decay)[0, 1]
        assert abs(z_of(run, "rotation", exact)) < 4
        assert (abs(z_of(run, "rotation", 0.0)) > 10) == (strength > 0)


@pytest.mark.parametrize("strength", [0.0, 0.8])
def test_covariance_autocovariance_noise_and_virial_are_exact(strength):
    run, (transition, law) = linear_run(strength), linear_law(strength)
    after = [np.linalg.matrix_power(transition, lag) @ law for lag in LAGS]
    work = law[:2, :2] @ (CURVATURE - strength * SWIRL).T
    exact = {
        "moments_covariance": law[:2, :2],
        "moments_excess_kurtosis": 0.0,
        "autocovariance": [np.diag(both[:2, :2]) for both in after],
        "gradient_noise_covariance": SIGMA2,
        "virial_residual": 0.0,
        "virial": (work + work.T) / 2,
    }
    for name, value in exact.items():
        assert np.all(np.abs(z_of(run, name, value)) < 4), name


def test_the_same_tests_reject_the_law_without_momentum():
    """The twin."""
    run, (transition, law) = linear_run(0.8), linear_law(0.8, 0.0)
    assert np.all(np.abs(np.diag(z_of(run, "moments_covariance", law[:2, :2]))) > 10)
    assert np.all(np.abs(z_of(run, "autocovariance", np.diag((transition @ law)[:2, :2]))[1]) > 10)


INPUTS, TARGETS = np.random.default_rng(1).normal(size=(12, 2)), np.linspace(-2.0, 3.0, 12)


def reshuffled(particles, steps, *observed, **options):
    loss, moves = ls.losses.linear_regression(INPUTS, TARGETS), ls.dynamics.sgd(0.1, 3, MOMENTUM)
    noise, given = ls.noise.minibatch("reshuffle"), {"seed": 5, "reducers": observed} | options
    return ls.simulate(loss, moves, noise, particles=particles, steps=steps, **given)


def test_the_budget_of_reshuffled_batches_closes_with_the_gradient_of_the_batch_only():
    """The twin: with the mean gradient in place of the batch's the identity lacks the noise of the
    batches.
    """
    run = reshuffled(256, 80, ls.reducers.virial(start=60), every=1)
    found = naive_reducers.read(run, 1, 60)
    terms = naive_reducers.budget(found, naive_reducers.pushes(found, 0.1, MOMENTUM), 0.1, MOMENTUM)
    for name, value in terms.items():
        close(run[f"virial{name}"], value)
    assert not run.virial_noise.any() and not run.virial_memory.any()
    run = reshuffled(3000, 500, ls.reducers.virial(start=100))
    assert np.all(np.abs(z_of(run, "virial_residual", 0.0)) < 4)
    mean = naive.linear_regression(INPUTS, TARGETS).gradient(found["before"])
    wrong = naive_reducers.budget(found, mean, 0.1, MOMENTUM)["_residual"]
    assert np.all(np.abs(np.diag(wrong)) > 10 * np.diag(run.virial_residual_standard_error))


def wind(p, x, out):
    out[0] = 2.0
    out[1] = 0.0


def test_currents_go_the_shorter_way_round_a_periodic_domain():
    """Against the twin with round(), and the exact current of a uniform wind: rate * speed over the
    length, in each bin. The twin: it is not zero.
    """
    walls = ("periodic", -1.0, 2.0), ("reflecting", 0.0, 1.0)
    ring = ls.potentials.quadratic([0.0, 0.0])._replace(drift=wind, domain=walls)

    def blown(particles, steps, start, **options):
        axis = {"lower": -1.0, "upper": 2.0, "bins": 9, "components": 0, "start": start}
        observed = ls.reducers.currents(**axis), ls.reducers.histogram(**axis)
        given = {"x0": [0.5, 0.5], "seed": 4, "reducers": observed} | options
        numbers = {"particles": particles, "steps": steps}
        return ls.simulate(
            ring, ls.dynamics.sgd(0.1), ls.noise.gaussian(SIGMA2), **numbers, **given
        )

    run = blown(100, 60, 0, every=1)
    exact = naive_reducers.currents(naive_reducers.read(run), (-1.0,), (2.0,), (9,), 3.0)
    assert np.abs(run.currents_current - exact).max() < 2.0**-24 < 0.01 < np.abs(exact).max()
    assert run.histogram_underflow == 0 and run.histogram_overflow == 0
    assert run.currents_count.sum() == 6000
    run = blown(3000, 1100, 900)
    assert np.all(np.abs(z_of(run, "currents_current", 0.1 * 2.0 / 3.0)) < 4)
    assert np.all(np.abs(z_of(run, "currents_current", 0.0)) > 4)


def test_the_virial_is_the_temperature():
    """Euler's T/(1 - h dt/2) in a bowl, exactly; the twin: T itself is rejected."""
    bowl, moves = ls.potentials.quadratic([1.0, 2.0]), ls.dynamics.langevin(0.7, 0.1)
    observed = ls.reducers.virial(start=100)
    run = ls.simulate(bowl, moves, particles=5000, steps=600, seed=2, reducers=observed)
    exact = np.diag(0.7 / (1 - 0.05 * np.array([1.0, 2.0])))
    assert np.all(np.abs(z_of(run, "virial", exact)) < 4)
    assert np.all(np.diag(z_of(run, "virial", np.diag([0.7, 0.7]))) > 10)
    assert "virial_step" not in run


def exact_current(strength, bins=6):
    """Means over each bin with 8 x 8 points."""
    return current_at(strength, middles(8 * bins)).reshape(2, bins, 8, bins, 8).mean(axis=(2, 4))


def current_at(strength, place):
    """J = p(m) E[dx | m] at the middle m = (x + x')/2, (2, ...)."""
    transition, law = linear_law(strength)
    together = (transition @ law)[:2, :2]  # E[x' x]
    moved = (together - together.T) / 2  # E[dx m]
    middle = (2 * law[:2, :2] + together + together.T) / 4
    inverse, volume = np.linalg.inv(middle), 2 * np.pi * np.sqrt(np.linalg.det(middle))
    density = np.exp(-np.einsum("...i,ij,...j->...", place, inverse, place) / 2) / volume
    return np.einsum("ij,...j,...->i...", moved @ inverse, place, density)


def middles(points):
    """Of equal parts of [-0.5, 0.5] along both components, (points, points, 2)."""
    axis = -0.5 + (np.arange(points) + 0.5) / points
    return np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)


def test_the_discretisation_error_is_that_of_a_bin():
    """Of exact means over bins: 90 % of the way to the value in the middle, inside the grid."""
    means, middle = exact_current(0.8, 18), current_at(0.8, middles(18))
    found = _mean_less_middle(means)
    inside = (slice(None), slice(1, -1), slice(1, -1))
    left = np.abs(means - middle - found)[inside].max()
    assert left < 0.15 * np.abs(means - middle)[inside].max()
    run = linear_run(0.8)
    np.testing.assert_array_equal(
        run.currents_discretisation_error, _mean_less_middle(run.currents_current.values)
    )
    assert np.isnan(_mean_less_middle(np.ones((2, 2, 5)))).all()


def test_the_current_of_a_rotating_force_is_exact_and_that_of_detailed_balance_zero():
    """The twin: a rotating force is not mistaken for detailed balance."""
    assert np.all(np.abs(z_of(linear_run(0.8), "currents_current", exact_current(0.8))) < 4)
    assert np.all(np.abs(z_of(linear_run(0.0), "currents_current", 0.0)) < 4)
    assert np.abs(exact_current(0.0)).max() < 1e-15
    assert np.mean(np.abs(z_of(linear_run(0.8), "currents_current", 0.0)) > 4) > 0.5


@pytest.mark.parametrize(("off_diagonal", "produces"), [(0.9, True), (0.0, False)])
def test_entropy_production_from_currents_is_that_of_the_diffusion(off_diagonal, produces):
    """Within 5 % = O(learning_rate) of both exact values; the twin in equilibrium: nothing, as
    stated to 1e-5."""
    hessian, sigma = np.diag([3.0, 0.5]), np.array([[2.0, off_diagonal], [off_diagonal, 1.0]])
    process = ls.theory.linear_sgd(hessian, sigma, 0.05)
    law = ls.theory.state_covariance(process)[:2, :2]
    reach = 4 * np.sqrt(np.diag(law))
    x0 = np.random.default_rng(1).multivariate_normal(np.zeros(2), law, size=2000)
    observed = ls.reducers.currents(-reach, reach, 16, entropy=True)
    options = {"particles": 2000, "steps": 500, "x0": x0, "seed": 2, "reducers": observed}
    bowl, moves = ls.potentials.quadratic(hessian), ls.dynamics.sgd(0.05)
    run = ls.simulate(bowl, moves, ls.noise.gaussian(sigma), **options)
    found, error = (
        float(run[f"currents_entropy_production{end}"]) for end in ("", "_standard_error")
    )
    exact = ls.theory.entropy_per_step(process)
    assert abs(found - exact) < 4 * error + 0.05 * exact
    assert (found > 20 * error) == produces
