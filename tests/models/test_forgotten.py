"""Noise that was forgotten, ignored or biased is reported once, in plain words."""

import warnings

import pytest

import langevin_sgd as ls
from langevin_sgd.engine.problem import make_problem

pytestmark = pytest.mark.interpreted
TABLE = ls.losses.quadratic_centers([1.0], [[1.0], [-1.0]])
PLANE, PAIR = ls.potentials.quadratic([1.0, 2.0]), ls.noise.gaussian([1.0, 1.0])
BOWL, NOISE = ls.potentials.quadratic([1.0]), ls.noise.gaussian([1.0])


def ignores_xi(p, x, v, g, xi, z):
    x[0] = x[0] - p.learning_rate * g[0]


def two_components(p, x, v, g, xi, z):
    x[0] = x[0] - p.learning_rate * (g[0] + xi[0])
    x[1] = x[1] - p.learning_rate * (g[1] + xi[1])


def ignores_one(p, x, v, g, xi, z):
    x[0] = x[0] - p.learning_rate * (g[0] + xi[0])
    x[1] = x[1] - p.learning_rate * g[1]


def waits_with_z(p, x, v, g, z):
    x[0] = x[0] + z[0]


def uses_v(p, x, v, g, xi, z):
    v[0] = 0.9 * v[0] + g[0] + xi[0]
    x[0] = x[0] - p.learning_rate * v[0]


def exponential(p, x, z, out):
    out[0] = -ls.elementary.log(1.0 - z[0]) - p.mean


def own(update, **options):
    return ls.Dynamics("own", update, {"learning_rate": 0.1}, **options)


def biased(mean):
    return ls.GradientNoise("waiting", exponential, {"mean": mean}, 0, uniforms=1)


def said(model, dynamics, noise=None, **more):
    options = {"particles": 2, "steps": 1, "seed": 1} | more
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ls.simulate(model, dynamics, noise, **options)
    return [str(warning.message) for warning in caught]


def heard(model, dynamics, noise):
    """What a run would be told at its start."""
    problem = make_problem(model, dynamics, noise, particles=2, steps=1, seed=1)
    return list(dynamics.doubts(model, noise, problem.table.template))


BIASED = (BOWL, ls.dynamics.sgd(0.1), biased(0.7), "the mean of the noise 'waiting' is not 0")


@pytest.mark.parametrize(
    ("model", "dynamics", "noise", "message"),
    [
        BIASED,
        (TABLE, ls.dynamics.sgd(0.1, 8), None, "batch_size = 8 without a noise changes nothing"),
        (BOWL, own(ignores_xi), NOISE, "update of 'own' does not use xi"),
        (BOWL, own(ignores_xi, normals=1), None, "'own' asks for normals = 1 and does not use z"),
        (BOWL, ls.dynamics.sgd(0.1), biased(0.0), "the mean of the noise 'waiting' is not 0"),
    ],
)
def test_a_doubt_is_told(model, dynamics, noise, message):
    (told,) = heard(model, dynamics, noise)
    assert message in told


def test_a_run_is_told_once():
    *records, message = BIASED
    for reducers in ((), ls.reducers.first_passage(above=1.0)):
        (told,) = said(*records, reducers=reducers)
        assert message in told
    assert said(*records, first_step=1) == []  # it goes on, and was told at its start


@pytest.mark.parametrize(("model", "way"), [(BOWL, "gaussian(cov"), (TABLE, "minibatch()")])
def test_particles_that_move_alike_are_told_of(model, way):
    (told,) = said(model, ls.dynamics.sgd(0.1))
    assert f"Pass a noise, such as langevin_sgd.noise.{way}" in told and "or an x0 with" in told
    for right in ({"particles": 1}, {"x0": [[0.0], [1.0]]}, {"steps": 0}, {"noise": NOISE}):
        assert said(model, ls.dynamics.sgd(0.1), **right) == []
    assert said(model, ls.dynamics.langevin(0.1, 0.1)) == []


@pytest.mark.parametrize(
    ("model", "dynamics", "noise"),
    [
        (TABLE, ls.dynamics.sgd(0.1), None),
        (TABLE, ls.dynamics.sgd(0.1, 8), ls.noise.minibatch()),
        (BOWL, own(ignores_xi), None),
        (BOWL, own(ignores_xi, normals=1, advance=waits_with_z), None),
        (BOWL, ls.dynamics.langevin(0.0, 0.1), None),
        (BOWL, ls.dynamics.underdamped_langevin(0.0, 1.0, 0.1), None),
        (PLANE, own(two_components), PAIR),
        (BOWL, ls.dynamics.sgd(0.1), biased(1.0)),
        (BOWL, ls.dynamics.sgd(0.1), ls.noise.alpha_stable(0.6, 1.0)),
        *((BOWL, make(0.1), NOISE) for make in (ls.dynamics.sign_sgd, ls.dynamics.adam)),
    ],
)
def test_what_is_right_goes_without_a_word(model, dynamics, noise):
    assert heard(model, dynamics, noise) == []


@pytest.mark.parametrize(
    ("dynamics", "noise", "message"),
    [
        (ls.dynamics.sgd(0.1, 8), None, "batch_size = 8 without a noise changes nothing"),
        (own(ignores_one), PAIR, "update of 'own' does not use xi[1], so that the noise"),
        (own(ignores_one), ls.noise.gaussian([1.0, 0.0]), None),  # noise of a subspace
        (own(ignores_one), None, None),
        (own(two_components), PAIR, None),
    ],
)
def test_doubts_about_a_component_or_a_batch(dynamics, noise, message):
    found = list(dynamics.doubts(PLANE, noise, dynamics.params))
    assert [sentence[: len(message or "")] for sentence in found] == [message] * bool(message)


def test_a_noise_made_by_exec_is_looked_at_like_any_other():
    scope = {}
    exec("def sample(p, x, z, out):\n    out[0] = z[0] + p.mean", scope)
    for mean, messages in ((0.0, 0), (1.0, 1)):
        made = ls.GradientNoise("made", scope["sample"], {"mean": mean}, normals=1)
        assert len(said(BOWL, ls.dynamics.sgd(0.1), made)) == messages


@pytest.mark.parametrize("update", [uses_v])
def test_a_memory_that_was_forgotten_is_named(update):
    with pytest.raises(
        ValueError, match="'own' uses v, but has no memory. Give its record memory="
    ):
        said(BOWL, own(update))
    assert said(BOWL, own(update, memory="velocity"), particles=1) == []
    wrong = ls.Dynamics("own", lambda p, x, v, g, xi, z: p.nothing, {"learning_rate": 0.1})
    with pytest.raises(ValueError, match="nothing"):
        said(BOWL, wrong)


def cubed(p, x, z, out):
    out[0] = z[0] * z[0] * z[0]


def constant_added(p, x, z, out):
    out[0] = z[0] + p.a


def turned(p, x, z, out):
    out[0] = p.a * (x[0] * z[0] - z[1])


@pytest.mark.parametrize("dim", [None, 1])
def test_what_is_called_gaussian_and_is_not_linear_in_its_normals_is_refused(dim):
    for sample in (cubed, constant_added):
        with pytest.raises(ValueError, match="gaussian must be False for 'own'"):
            own_noise = ls.GradientNoise("own", sample, {"a": 0.1}, 1, gaussian=True, dim=dim)
            said(BOWL, ls.dynamics.sgd(0.1), own_noise)
    right = ls.GradientNoise("own", turned, {"a": 0.1}, 2, gaussian=True, dim=dim)
    assert said(BOWL, ls.dynamics.sgd(0.1), right) == []
