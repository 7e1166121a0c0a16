"""Every dynamics at reflecting and periodic walls.

Motion between mirrors is motion on the unfolded line folded back, and on a circle that of the line
wrapped round: path by path where the landscape has the mirrors' symmetry. By the same symmetry U =
0 leaves the uniform law, at any step size."""

import numpy as np
import pytest
from scipy import stats

import langevin_sgd as ls

D = ls.dynamics
HEAVY = {"learning_rate": 0.4, "momentum": 0.8}
WARM = {"temperature": 0.3, "step_size": 0.3}
DYNAMICS = {
    "plain": D.sgd(0.5),
    "heavy ball": D.sgd(**HEAVY),
    "torch": D.sgd(**HEAVY, nesterov="torch"),
    "lookahead": D.sgd(**HEAVY, nesterov="lookahead"),
    "outside": D.sgd(**HEAVY, rate_inside=False),
    "torch outside": D.sgd(**HEAVY, nesterov="torch", rate_inside=False),
    "lookahead outside": D.sgd(**HEAVY, nesterov="lookahead", rate_inside=False),
    "running average": D.sgd_running_average(**HEAVY),
    "clipped": D.clipped_sgd(**HEAVY, max_norm=0.5),
    "diffusion": D.sgd_diffusion(0.5, substeps=3),
    "adam": D.adam(0.2, beta2=0.9),
    "sign": D.sign_sgd(0.3),
    "sign of the mean": D.sign_sgd(0.3, momentum=0.8),
    "rmsprop": D.rmsprop(0.2, beta2=0.9),
    "euler_maruyama": D.langevin(**WARM),
    "leimkuhler_matthews": D.langevin(**WARM, method="leimkuhler_matthews"),
    **{
        method: D.underdamped_langevin(friction=0.5, **WARM, method=method)
        for method in ("baoab", "aboba", "obabo", "oabao", "sghmc")
    },
}
FAST = {"plain", "running average", "adam", "leimkuhler_matthews", "baoab"}


def some_fast(names, fast):
    return [pytest.param(name, marks=() if name in fast else pytest.mark.slow) for name in names]


SOME_FAST = some_fast(DYNAMICS, FAST)
WITH_HIDDEN_VECTORS = [name for name, each in DYNAMICS.items() if each.memory == "hidden"]
WITH_HIDDEN_VECTORS.remove("rmsprop")
NOISE, NO_NOISE = ls.noise.gaussian([0.3]), ls.noise.gaussian([1e-200])


def wave(p, x):
    return p.height * ls.elementary.cos(3.141592653589793 * x[0])


def wave_gradient(p, x, out):
    out[0] = -3.141592653589793 * p.height * ls.elementary.sin(3.141592653589793 * x[0])


LINE = ls.Potential("line", wave, wave_gradient, {"height": 0.3}, 1)  # minima at the walls
FLAT = LINE._replace(params=LINE.params._replace(height=0.0))
MIRRORS, CIRCLE = [("reflecting", -1.0, 1.0)], [("periodic", -1.0, 1.0)]
FAR = [("reflecting", -1e3, 1e3)]  # never met: walls are data, so that nothing new is compiled


def between(walls, model=LINE):
    return model._replace(domain=tuple(walls))


def test_every_dynamics_is_in_the_table():
    made = {dynamics.recipe.function.__name__ for dynamics in DYNAMICS.values()}
    assert made | {"averaged_sgd", "Dynamics"} == set(ls.dynamics.__all__)


def cold(dynamics):
    names = dynamics.params._fields
    return dynamics.recipe.made(temperature=0.0) if "temperature" in names else dynamics


def path(walls, dynamics, noise):
    x0 = np.linspace(-0.9, 0.9, 20)[:, None]
    v0 = 0.3 - x0 if dynamics.memory == "velocity" else None
    options = {"particles": 20, "steps": 40, "every": 1, "seed": 1}
    return ls.simulate(between(walls), dynamics, noise, x0=x0, v0=v0, **options)


@pytest.mark.parametrize("name", SOME_FAST)
def test_motion_between_mirrors_is_motion_on_the_line_folded(name):
    """Without noise, of which a mirror image would have to draw the opposite."""
    free, walled = (path(walls, cold(DYNAMICS[name]), NO_NOISE) for walls in (FAR, MIRRORS))
    turned = np.floor((free.x.values + 1) / 2) % 2 == 1
    assert turned.any(axis=(1, 2)).sum() > 2, "the walls must be met"
    from_wall = (free.x.values + 1) % 2
    folded = np.where(turned, 1 - from_wall, from_wall - 1)
    np.testing.assert_allclose(walled.x, folded, atol=1e-9)
    if "v" in free:
        np.testing.assert_allclose(walled.v, np.where(turned, -1, 1) * free.v, atol=1e-9)


@pytest.mark.parametrize("name", SOME_FAST)
def test_motion_on_a_circle_is_motion_on_the_line_wrapped_round(name):
    free, walled = (path(walls, DYNAMICS[name], NOISE) for walls in (FAR, CIRCLE))
    assert (np.abs(free.x) > 1).any()
    difference = (walled.x - free.x).values
    np.testing.assert_allclose(difference, 2 * np.round(difference / 2), atol=1e-9)
    assert np.all((walled.x >= -1) & (walled.x < 1))
    if "v" in free:
        np.testing.assert_allclose(walled.v, free.v, atol=1e-9)


def near_the_walls(dynamics, particles=50_000):
    """z of the number in the outer tenth, and the p-value of uniformity, from a uniform start."""
    x0 = (2 * np.arange(particles)[:, None] + 1) / particles - 1
    model, options = between(MIRRORS, FLAT), {"steps": 100, "seed": 3}
    run = ls.simulate(model, dynamics, NOISE, particles=particles, x0=x0, **options)
    x = run.x.values[-1, :, 0]
    outer = np.sum(np.abs(x) > 0.9)
    z = (outer - particles / 10) / np.sqrt(0.09 * particles)
    return z, stats.kstest(x, stats.uniform(-1, 2).cdf).pvalue


@pytest.mark.parametrize("name", some_fast(DYNAMICS, FAST | {"outside"}))
def test_mirrors_leave_the_uniform_law(name):
    z, p_value = near_the_walls(DYNAMICS[name])
    assert abs(z) < 4 and p_value > 1e-4


@pytest.mark.parametrize("name", some_fast(WITH_HIDDEN_VECTORS, {"leimkuhler_matthews"}))
def test_a_memory_that_is_not_turned_gathers_particles_at_the_walls(name):
    """The twin: the same comparison sees it."""
    z, p_value = near_the_walls(DYNAMICS[name]._replace(vectors=0))
    assert abs(z) > 6 and p_value < 1e-6


def energy_error(step_size, vectors):
    """E cos(pi x) less its exact value at T = 0.3, and its standard error."""
    dynamics = D.langevin(0.3, step_size, method="leimkuhler_matthews")._replace(vectors=vectors)
    options = {"particles": 200_000, "steps": round(2 / step_size), "seed": 4}
    x0 = np.sign(np.arange(200_000) % 2 - 0.5)[:, None]
    run = ls.simulate(between(MIRRORS), dynamics, NO_NOISE, x0=x0, **options)
    found = np.cos(np.pi * run.x.values[-1, :, 0])
    grid = np.linspace(-1, 1, 2001)
    weights = np.exp(-np.cos(np.pi * grid))
    exact = np.average(np.cos(np.pi * grid), weights=weights)
    return found.mean() - exact, found.std() / np.sqrt(found.size)


def test_leimkuhler_and_matthews_are_exact_to_second_order_between_mirrors():
    error, spread = energy_error(0.03, 1)
    assert abs(error) < 4 * spread
    error, spread = energy_error(0.03, 0)
    assert abs(error) > 8 * spread


def _number(p, x, v, g, xi, z):
    v[0] = v[0] + 1.0
    x[0] = x[0] - p.learning_rate * (g[0] + xi[0])


COUNTING = ls.Dynamics("counting", _number, {"learning_rate": 0.1}, memory="hidden")


@pytest.mark.interpreted
@pytest.mark.parametrize(
    ("dynamics", "walls", "message"),
    [
        (D.averaged_sgd(0.1), CIRCLE, "needs a model without walls"),
        (D.averaged_sgd(0.1), MIRRORS, "needs a model without walls"),
        (COUNTING, MIRRORS, "vectors of 'counting' must be given"),
    ],
)
def test_what_cannot_meet_a_wall_is_refused(dynamics, walls, message):
    with pytest.raises(ValueError, match=message):
        ls.simulate(between(walls), dynamics, particles=1, steps=1)


@pytest.mark.slow  # three kernels; the lane `interpreted` runs it too
@pytest.mark.interpreted
def test_only_the_vectors_of_a_memory_are_turned():
    """A count of steps goes on through a wall; said to be a vector, it changes sign there."""
    options = {"particles": 1, "steps": 3, "x0": [0.9], "seed": 1, "every": 1}

    def counts(vectors):
        dynamics = ls.Dynamics(
            "counting", _number, {"learning_rate": 5.0}, memory="velocity", vectors=vectors
        )
        return ls.simulate(between(MIRRORS), dynamics, **options).v.values.ravel().tolist()

    assert counts(0) == [0.0, 1.0, 2.0, 3.0]
    assert min(counts(1)) < 0
    assert ls.simulate(between(CIRCLE), COUNTING, **options).x.shape == (4, 1, 1)
