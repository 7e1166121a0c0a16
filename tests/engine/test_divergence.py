"""Particles that leave: frozen where they were last seen inside, marked, never nan; and the warning
that comes before.
"""

import re
import warnings

import naive
import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd.engine import stability
from langevin_sgd.engine.stability import unstable
from langevin_sgd.models.evaluate import evaluator

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


def on_the_saddle(radius, **options):
    """50 particles, no multiple of 16; they leave at different steps, before and after the 32 steps
    between two saved states."""
    options |= {"x0": starts(50, 0.5), "seed": 1, "escape_radius": radius}
    return ls.simulate(ls.potentials.quadratic(SADDLE), STEP, particles=50, steps=70, **options)


@pytest.mark.interpreted
@pytest.mark.parametrize("radius", [2.5, 40.0])
def test_particles_that_leave_a_saddle_stop_inside_the_radius(radius):
    run, step = on_the_saddle(radius), naive_step(naive.quadratic(SADDLE).gradient)
    agree(run, *naive.freeze(step, starts(50, 0.5), 70, radius))
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
@pytest.mark.parametrize(
    ("x0", "radius", "status"),
    [
        ([[1e110, 0.0], [7.0, 0.0], [1.0, 0.8]], 1e111, [1, 0, 0]),
        ([[7.0, 0.0], [7.0, 1.0], [1.0, 0.8]], 10.0, [2, 2, 0]),
    ],
)
def test_status_tells_an_escape_from_an_overflow(x0, radius, status):
    """From 1e110 a single step of the quartic overflows; from 7 it lands beyond a radius of 10, but
    at a number.
    """
    options = {"particles": 3, "steps": 5, "x0": x0, "escape_radius": radius}
    run = ls.simulate(WELL, STEP, seed=1, **options)
    assert run.status.values.tolist() == status
    left = np.array(status) > 0
    np.testing.assert_array_equal(run.stopped_at_step[left], 1)
    np.testing.assert_array_equal(run.x[-1, left], np.array(x0)[left])
    assert run.status.attrs["flag_meanings"].split() == ["running", "not_finite", "escaped"]


def test_a_frozen_particle_stays_in_all_later_snapshots():
    run = on_the_saddle(2.5, every=1)
    for particle in np.flatnonzero(run.status):
        stopped = int(run.stopped_at_step[particle])
        before, last = run.x.values[: stopped - 1, particle], run.x.values[stopped - 1, particle]
        assert np.all(np.any(before[-1:] != last, axis=1))
        assert np.all(run.x.values[stopped:, particle] == last)


NOISE = ls.noise.gaussian([[6.0, 1.0], [1.0, 3.0]])


@pytest.mark.parametrize("momentum", [0.0, pytest.param(0.7, marks=pytest.mark.slow)])
def test_neighbours_do_not_notice(momentum):
    """With and without a radius the particles that stay inside have the same bits, and those that
    leave had them until then.
    """
    moves, options = ls.dynamics.sgd(RATE, momentum=momentum), {"particles": 200, "steps": 100}
    open_run, closed_run = (
        ls.simulate(WELL, moves, NOISE, seed=4, every=1, escape_radius=radius, **options)
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
            one, other = (each[name].values[:end, particle] for each in (closed_run, open_run))
            np.testing.assert_array_equal(one, other)


@EXPLODES
def test_velocities_of_frozen_particles_are_finite_too():
    moves, options = ls.dynamics.sgd(RATE, momentum=0.7), {"x0": starts(50, 20.0), "seed": 4}
    run = ls.simulate(WELL, moves, NOISE, particles=50, steps=60, **options)
    assert run.status.any()
    assert np.isfinite(run.x).all() and np.isfinite(run.v).all()


def test_a_start_outside_the_radius_is_refused():
    told = "escape_radius must be at least 5, the distance of the farthest particle of x0, got 4"
    with pytest.raises(ValueError, match=told):
        ls.simulate(WELL, STEP, particles=2, steps=1, x0=[[3.0, 4.0], [0.0, 0.0]], escape_radius=4)


# ---- what is said --------------------------------------------------------------------------------


def said(*records, x0=(4.0, 1.0), **options):
    """The warnings of a run, which point to the line that asks for it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ls.simulate(*records, particles=20, steps=200, seed=1, x0=x0, **options)
    assert all(each.filename == __file__ for each in caught)
    return [str(each.message) for each in caught]


def test_divergence_is_told_once_with_the_number_and_the_way_out():
    threshold, diverged = said(WELL, STEP, NOISE, x0=[9.0, 1.0])
    assert "is above the threshold" in threshold
    assert diverged.startswith("20 of 20 particles left: 20 diverged and stay where they were")
    assert "Take a smaller learning_rate or step_size" in diverged


@pytest.mark.slow
@pytest.mark.interpreted
def test_who_leaves_a_radius_that_was_asked_for_is_told_where_reducers_have_read():
    far = {"escape_radius": 4.2, "x0": np.linspace([4.0, 1.0], [4.1, 0.9], 20)}
    assert said(WELL, ls.dynamics.sgd(0.01), NOISE) == []
    assert said(ls.potentials.quadratic([1.0, -1.0]), STEP, **far) == []
    (told,) = said(
        ls.potentials.quadratic([1.0, -1.0]), STEP, reducers=ls.reducers.moments(), **far
    )
    assert told.startswith("20 of 20 particles left: the reducers hold what they did until then")


# ---- the threshold -------------------------------------------------------------------------------

CURVATURE = 3.0
FORMS = None, "torch", "lookahead"
THRESHOLDS = [
    (
        ls.dynamics.sgd(9.0, momentum=mu, nesterov=form, weight_decay=decay),
        ls.theory.stability_threshold([[CURVATURE + decay]], mu, form),
    )
    for decay, momenta in ((0.0, (0.0, 0.5, 0.9)), (2.0, (0.0, 0.5)))
    for mu in momenta
    for form in FORMS
]
THRESHOLDS += [
    (ls.dynamics.underdamped_langevin(0.5, f, 9.0, mass=m), 2 * np.sqrt(m / CURVATURE))
    for f in (0.0, 0.3, 20.0)
    for m in (1.0, 2.5)
]
THRESHOLDS += [
    (ls.dynamics.langevin(0.5, 9.0, method=method), 2 / CURVATURE)
    for method in ("euler_maruyama", "leimkuhler_matthews")
]
THRESHOLDS += [
    (ls.dynamics.underdamped_langevin(0.5, 0.3, 9.0, 2.5, method=m), 2 * np.sqrt(2.5 / CURVATURE))
    for m in ("aboba", "obabo", "oabao")
]
# dt^2 h/m < 4 - 2 f dt; 2 m/h; none where a step is not in proportion to the distance
THRESHOLDS += [
    (
        ls.dynamics.underdamped_langevin(0.5, 0.3, 9.0, 2.5, method="sghmc"),
        (-0.6 + (0.36 + 16 * CURVATURE / 2.5) ** 0.5) / (2 * CURVATURE / 2.5),
    ),
    (ls.dynamics.sgd_diffusion(9.0, substeps=5), 10 / CURVATURE),
    (ls.dynamics.sgd_running_average(9.0, momentum=0.5), 3 / CURVATURE),
    (ls.dynamics.sgd(9.0, momentum=0.5, rate_inside=False), 3 / CURVATURE),
]
NOT_LINEAR = "adam", "rmsprop", "clipped_sgd", "averaged_sgd"
THRESHOLDS += [(getattr(ls.dynamics, name)(9.0), None) for name in NOT_LINEAR]


@pytest.mark.parametrize(("dynamics", "exact"), THRESHOLDS)
def test_the_threshold_of_each_dynamics(dynamics, exact):
    found = unstable(dynamics, CURVATURE)
    assert found is None if exact is None else found[2] == pytest.approx(exact, rel=1e-6)


def own_update(p, x, v, g, xi, z):
    for k in range(len(x)):
        x[k] = x[k] - 0.5 * p.learning_rate * g[k]


def test_a_dynamics_of_ones_own_is_judged_by_its_functions():
    rates = 9.0, ls.schedules.from_values([0.3, 1.4, 5.0])
    one, scheduled = (ls.Dynamics("half", own_update, {"learning_rate": rate}) for rate in rates)
    assert unstable(one, CURVATURE)[2] == pytest.approx(4 / CURVATURE)
    assert unstable(scheduled, CURVATURE, 2)[1] == 1.4 and unstable(scheduled, CURVATURE, 1) is None


# Eigenvalues 1 and 3: the largest entry is not the largest curvature.
BOWL = np.array([[2.0, 1.0], [1.0, 2.0]])


def run_of(dynamics, curvatures=BOWL, **options):
    model = ls.potentials.quadratic(curvatures)
    return ls.simulate(model, dynamics, particles=1, steps=1, seed=1, **options)


@pytest.mark.parametrize("factor", [0.99, 1.01])
def test_simulate_warns_above_the_threshold_of_the_largest_eigenvalue_and_names_it(factor):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run_of(ls.dynamics.sgd(factor * 2 / 3))
    assert len(caught) == (factor > 1)
    if caught:
        told = r"learning_rate = (\S+) is above the threshold (\S+), where .* x0, (\S+), becomes"
        numbers = map(float, re.match(told, str(caught[0].message)).groups())
        assert tuple(numbers) == pytest.approx((1.01 * 2 / 3, 2 / 3, 3.0), rel=1e-5)
        assert caught[0].filename == __file__


def test_a_schedule_is_judged_by_the_largest_value_that_the_run_uses():
    with pytest.warns(UserWarning, match=r"learning_rate = 0.7 is above the threshold 0.666667"):
        run_of(ls.dynamics.sgd(ls.schedules.from_values([0.7, 0.1])))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run_of(ls.dynamics.sgd(ls.schedules.from_values([0.1] + 99 * [0.7])))


def test_many_components_are_judged_without_their_hessian(monkeypatch):
    """3,000 curvatures up to 3: the matrix, which would take 72 MB, is not asked for."""

    def asked(model, quantity):
        assert quantity == "gradient"
        return evaluator(model, quantity)

    monkeypatch.setattr(stability, "evaluator", asked)
    curvatures = np.linspace(1.0, 2.0, 3000)
    curvatures[7] = 3.0
    with pytest.warns(UserWarning, match=r"learning_rate = 0.7 is above the threshold 0.6666"):
        run_of(ls.dynamics.sgd(0.7), curvatures)


def test_curvature_is_looked_at_where_the_particles_start():
    """In the quartic well the threshold is 2/2 at the minimum, and lower outside."""
    well = ls.potentials.double_well(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ls.simulate(well, STEP, particles=1, steps=1, x0=[1.0, 0.0], seed=1)
    with pytest.warns(UserWarning, match=r"largest Hessian eigenvalue at x0, 26, becomes"):
        ls.simulate(well, STEP, particles=2, steps=1, x0=[[1.0, 0.0], [3.0, 0.0]], seed=1)


def energy(p, x):
    return x[0] * x[0] / 2


def gradient(p, x, out):
    out[0] = x[0]


def gradient_of_some(p, x, out):
    if x[0] < 3.0:
        out[0] = x[0]


def sample_of_some(p, x, z, out):
    if x[0] < 3.0:
        out[0] = z[0]


@pytest.mark.filterwarnings("ignore:.* one particle at a time", "ignore:.* diverged")
@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize(
    ("slope", "sample", "batch"),
    [(gradient_of_some, None, 1), (gradient, sample_of_some, 1), (gradient, sample_of_some, 4)],
)
def test_a_branch_that_writes_nothing_ends_a_particle(slope, sample, batch, precision):
    """Not the gradient of the step before, nor the noise of another particle."""
    model = ls.Potential("half", energy, slope, None, 1)
    kicks = sample and ls.GradientNoise("half", sample, None, normals=1)
    x0 = np.array([[1.0], [5.0], [2.0]])
    options = {"particles": 3, "steps": 3, "x0": x0, "seed": 1, "precision": precision}
    run = ls.simulate(model, ls.dynamics.sgd(0.01, batch), kicks, **options)
    assert run.status.values.tolist() == [0, 1, 0]
    assert run.stopped_at_step[1] == 1
