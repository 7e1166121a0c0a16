"""Particles that leave: frozen where they were last seen inside, marked, never nan; and the warning
that comes before.
"""

import re
import warnings

import naive
import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd.engine.stability import stable_limit

SADDLE = np.array([[1.0, 0.4], [0.4, -0.5]])
WELL = ls.potentials.double_well(2, coupling=0.8)
TWIN = naive.double_well(2, 0.25, 1.0, 0.8, 0.0)
RATE = 0.1
STEP = ls.dynamics.sgd(RATE)
# Some starts are meant to explode.
EXPLODES = pytest.mark.filterwarnings("ignore:learning_rate = 0.1 is above", "ignore:.* diverged")


def starts(particles, scale):
    return scale * np.random.default_rng(9).normal(size=(particles, 2))


def naive_step(gradient):
    return lambda x: naive.sgd(x, 0.0, gradient, 0.0, learning_rate=RATE)[0]


def agree(run, x, status, stopped):
    np.testing.assert_array_equal(run.status, status)
    np.testing.assert_array_equal(run.stopped_at_step, stopped)
    np.testing.assert_allclose(run.x[-1], x, rtol=1e-9, atol=1e-12)
    assert np.isfinite(run.x).all()


@pytest.mark.interpreted
@pytest.mark.parametrize("radius", [2.5, 40.0])
def test_particles_that_leave_a_saddle_stop_inside_the_radius(radius):
    """50 particles, no multiple of 16; they leave at different steps, before and after the 32 steps
    between two saved states.
    """
    x0 = starts(50, 0.5)
    run = ls.simulate(
        ls.potentials.quadratic(SADDLE),
        STEP,
        particles=50,
        steps=70,
        x0=x0,
        seed=1,
        escape_radius=radius,
    )
    agree(run, *naive.freeze(naive_step(naive.quadratic(SADDLE).gradient), x0, 70, radius))
    assert set(np.unique(run.status)) == {0, 2}
    assert np.linalg.norm(run.x[-1], axis=1).max() <= radius


@EXPLODES
def test_a_quartic_far_out_overflows_and_the_last_finite_place_is_kept():
    x0 = starts(50, 6.0)
    run = ls.simulate(WELL, STEP, particles=50, steps=40, x0=x0, seed=1)
    agree(run, *naive.freeze(naive_step(TWIN.gradient), x0, 40))
    assert set(np.unique(run.status)) == {0, 1}


@pytest.mark.interpreted
@EXPLODES
def test_status_tells_an_escape_from_an_overflow():
    """From 1e110 a single step of the quartic overflows; from 7 it lands beyond a radius of 10, but
    at a number.
    """
    run = ls.simulate(
        WELL,
        STEP,
        particles=3,
        steps=5,
        x0=[[1e110, 0.0], [7.0, 0.0], [1.0, 0.8]],
        seed=1,
        escape_radius=1e111,
    )
    assert run.status.values.tolist() == [1, 0, 0]
    run = ls.simulate(
        WELL,
        STEP,
        particles=3,
        steps=5,
        x0=[[7.0, 0.0], [7.0, 1.0], [1.0, 0.8]],
        seed=1,
        escape_radius=10.0,
    )
    assert run.status.values.tolist() == [2, 2, 0]
    assert run.stopped_at_step.values.tolist() == [1, 1, -1]
    np.testing.assert_array_equal(run.x[-1, :2], [[7.0, 0.0], [7.0, 1.0]])
    assert run.status.attrs["flag_meanings"].split() == ["running", "not_finite", "escaped"]


def test_a_frozen_particle_stays_in_all_later_snapshots():
    x0 = starts(50, 0.5)
    run = ls.simulate(
        ls.potentials.quadratic(SADDLE),
        STEP,
        particles=50,
        steps=70,
        x0=x0,
        seed=1,
        escape_radius=2.5,
        every=1,
    )
    for particle in np.flatnonzero(run.status):
        stopped = int(run.stopped_at_step[particle])
        before, last = run.x.values[: stopped - 1, particle], run.x.values[stopped - 1, particle]
        assert np.all(np.any(before[-1:] != last, axis=1))
        assert np.all(run.x.values[stopped:, particle] == last)


NOISE = ls.noise.gaussian([[6.0, 1.0], [1.0, 3.0]])


@pytest.mark.parametrize("momentum", [0.0, 0.7])
def test_neighbours_do_not_notice(momentum):
    """With and without a radius the particles that stay inside have the same bits, and those that
    leave had them until then.
    """
    dynamics = ls.dynamics.sgd(RATE, momentum=momentum)
    open_run, closed_run = (
        ls.simulate(
            WELL, dynamics, NOISE, particles=200, steps=100, seed=4, every=1, escape_radius=radius
        )
        for radius in (None, 2.5)
    )
    assert 5 < closed_run.status.astype(bool).sum() < 195 and not open_run.status.any()
    distance = np.linalg.norm(open_run.x, axis=2)
    for particle in range(200):
        left = np.flatnonzero(distance[:, particle] > 2.5)
        stopped = int(left[0]) if len(left) else -1
        assert closed_run.stopped_at_step[particle] == stopped
        end = stopped if stopped > 0 else None
        for name in ("x", "v") if momentum else ("x",):
            np.testing.assert_array_equal(
                closed_run[name][:end, particle], open_run[name][:end, particle]
            )


@EXPLODES
def test_velocities_of_frozen_particles_are_finite_too():
    run = ls.simulate(
        WELL,
        ls.dynamics.sgd(RATE, momentum=0.7),
        NOISE,
        particles=50,
        steps=60,
        x0=starts(50, 20.0),
        seed=4,
    )
    assert run.status.any()
    assert np.isfinite(run.x).all() and np.isfinite(run.v).all()


def test_a_start_outside_the_radius_is_refused():
    with pytest.raises(
        ValueError,
        match=r"escape_radius must be at least 5, the distance of the farthest particle of x0, "
        r"got 4",
    ):
        ls.simulate(WELL, STEP, particles=2, steps=1, x0=[[3.0, 4.0], [0.0, 0.0]], escape_radius=4)


# The warning

CURVATURE = 3.0
THRESHOLDS = [
    *(
        (
            ls.dynamics.sgd(0.1, momentum=mu, nesterov=form),
            ls.theory.stability_threshold([[CURVATURE]], mu, form),
        )
        for mu in (0.0, 0.5, 0.9)
        for form in (None, "torch", "lookahead")
    ),
    *(
        (
            ls.dynamics.sgd(0.1, momentum=mu, nesterov=form, weight_decay=2.0),
            ls.theory.stability_threshold([[CURVATURE + 2.0]], mu, form),
        )
        for mu in (0.0, 0.5)
        for form in (None, "torch", "lookahead")
    ),
    (ls.dynamics.langevin(0.5, 0.1), 2 / CURVATURE),
    (ls.dynamics.langevin(0.5, 0.1, method="leimkuhler_matthews"), 2 / CURVATURE),
    *(
        (ls.dynamics.underdamped_langevin(0.5, f, 0.1, mass=m), 2 * np.sqrt(m / CURVATURE))
        for f in (0.0, 0.3, 20.0)
        for m in (1.0, 2.5)
    ),
]


@pytest.mark.parametrize(("dynamics", "exact"), THRESHOLDS)
def test_the_threshold_of_each_dynamics(dynamics, exact):
    assert stable_limit(dynamics, CURVATURE)[2] == pytest.approx(exact, rel=1e-6)


def own_update(p, x, v, g, xi, z):
    for k in range(len(x)):
        x[k] = x[k] - 0.5 * p.learning_rate * g[k]


def test_a_dynamics_of_ones_own_is_judged_by_its_text():
    assert stable_limit(ls.Dynamics("half", own_update, {"learning_rate": 0.1}), CURVATURE)[
        2
    ] == pytest.approx(4 / CURVATURE)
    assert (
        stable_limit(
            ls.Dynamics(
                "half", own_update, {"learning_rate": ls.schedules.from_values([0.3, 0.9])}
            ),
            3.0,
            steps=2,
        )[1]
        == 0.9
    )


BOWL = np.array(
    [[2.0, 1.0], [1.0, 2.0]]
)  # eigenvalues 1 and 3: the largest entry is not the largest curvature


def run_of(dynamics, **options):
    return ls.simulate(
        ls.potentials.quadratic(BOWL), dynamics, particles=2, steps=1, seed=1, **options
    )


@pytest.mark.parametrize("factor", [0.99, 1.01])
def test_simulate_warns_above_the_threshold_of_the_largest_eigenvalue_and_names_it(factor):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run_of(ls.dynamics.sgd(factor * 2 / 3))
    assert len(caught) == (factor > 1)
    if caught:
        assert caught[0].filename == __file__
        value, threshold, curvature = map(
            float,
            re.match(
                r"learning_rate = (\S+) is above the threshold (\S+), where .* x0, (\S+), becomes",
                str(caught[0].message),
            ).groups(),
        )
        assert (value, threshold, curvature) == pytest.approx((1.01 * 2 / 3, 2 / 3, 3.0), rel=1e-5)


def test_a_schedule_is_judged_by_its_largest_value():
    with pytest.warns(UserWarning, match=r"learning_rate = 0.7 is above the threshold 0.666667"):
        run_of(ls.dynamics.sgd(ls.schedules.from_values([0.7, 0.1])))


def test_curvature_is_looked_at_where_the_particles_start():
    """In the quartic well the threshold is 2/2 at the minimum, and lower outside."""
    well = ls.potentials.double_well(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ls.simulate(well, STEP, particles=2, steps=1, x0=[1.0, 0.0], seed=1)
    with pytest.warns(UserWarning, match=r"largest Hessian eigenvalue at x0, 26, becomes"):
        ls.simulate(well, STEP, particles=2, steps=1, x0=[[1.0, 0.0], [3.0, 0.0]], seed=1)
