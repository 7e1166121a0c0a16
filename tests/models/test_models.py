"""Energies, gradients and Hessians of all potentials and losses, and the records that hold them."""

from collections import namedtuple

import naive
import naive_landscapes
import numpy as np
import pytest
from models.twins import agree

import langevin_sgd as ls

RNG = np.random.default_rng(20)
MATRIX = np.array([[2.0, 0.3, -0.1], [0.3, 1.0, 0.4], [-0.1, 0.4, -0.5]])
CURVATURES = (2.0, 0.5, -1.0)
WELL = {"barrier": 0.7, "stiffness": 1.3, "coupling": 0.8, "tilt": 0.2}
INPUTS, TARGETS = RNG.normal(size=(37, 3)), RNG.normal(size=37)
LABELS = (TARGETS > 0).astype(float)
PAIR = {"separation": 2.5, "smoothing": 0.4, "energies": (0.0, 0.3)}
PAIR["curvatures"] = [[1.0, 2.0], [4.0, 0.5]]
TEXT = "barrier*(a**2 - 1)**2 + tilt*a + stiffness/2*(b - coupling*a)**2"
SPACES = (ls.potentials, ls.losses), (naive, naive_landscapes)


def pair(name, *arguments, **named):
    """A model and its naive twin, made alike."""
    ours, theirs = (next(vars(s)[name] for s in each if name in vars(s)) for each in SPACES)
    return ours(*arguments, **named), theirs(*arguments, **named)


MODELS = {
    "quadratic, matrix": pair("quadratic", MATRIX),
    "quadratic, diagonal": pair("quadratic", CURVATURES),
    "double_well, 1-D": pair("double_well", 1, **WELL),
    "double_well, 4-D": pair("double_well", 4, **WELL),
    "linear_regression": pair("linear_regression", INPUTS, TARGETS),
    "logistic_regression": pair("logistic_regression", INPUTS, LABELS, 0.1),
    "quadratic_centers": pair("quadratic_centers", MATRIX, INPUTS),
    "mueller_brown": pair("mueller_brown"),
    "edge_of_stability": pair("edge_of_stability", 0.4),
    "rosenbrock": pair("rosenbrock", 3, 2.0),
    "washboard": pair("washboard", 1.3, 0.4),
    "two_minima": pair("two_minima", **PAIR),
    "ring, 3-D": pair("ring", 1.3, 2.0, 3),
    "zhu_bowls": pair("zhu_bowls"),
    "label_noise_valley": pair("label_noise_valley"),
    "rotational_drift": (ls.potentials.rotational_drift(0.8), naive_landscapes.chaudhari_soatto()),
    "from_expression": (
        ls.potentials.from_expression(TEXT, "a b", **WELL),
        naive.double_well(2, **WELL),
    ),
    "modified_loss": (
        ls.potentials.modified_loss(ls.potentials.double_well(2, **WELL), 0.1),
        naive_landscapes.modified_double_well(0.1, **WELL),
    ),
}


@pytest.mark.interpreted
@pytest.mark.parametrize("name", MODELS)
def test_energy_gradient_and_hessian(name):
    model, twin = MODELS[name]
    agree(model, twin, 1.5 * np.random.default_rng(1).normal(size=(33, model.dim)))


def test_logistic_regression_does_not_overflow_far_out():
    loss = ls.losses.logistic_regression([[1.0], [1.0]], [0.0, 1.0])
    x = [[-800.0], [800.0]]
    np.testing.assert_array_equal(ls.evaluate(loss, x, "energy"), [400.0, 400.0])
    np.testing.assert_array_equal(ls.evaluate(loss, x, "gradient"), [[-0.5], [0.5]])


def test_shapes_of_evaluate_follow_those_of_x():
    model = MODELS["double_well, 4-D"][0]
    for lead in [(), (3,), (2, 5), (0,)]:
        x = np.full((*lead, 4), 0.5)
        assert ls.evaluate(model, x, "energy").shape == lead
        assert ls.evaluate(model, x, "gradient").shape == (*lead, 4)
        assert ls.evaluate(model, x, "hessian").shape == (*lead, 4, 4)


def quartic_energy(p, x):
    return p.a * x[0] * x[0] * x[0] * x[0]


def quartic_gradient(p, x, out):
    out[0] = 4.0 * p.a * x[0] * x[0] * x[0]


@pytest.mark.parametrize("params", [{"a": 3}, namedtuple("Any", "a")(3.0), {"a": np.float32(3.0)}])
def test_parameters_may_be_a_dict_or_a_namedtuple_and_become_floats(params):
    model = ls.Potential("quartic", quartic_energy, quartic_gradient, params, 1)
    assert model.params._fields == ("a",)
    assert type(model.params.a) is float and model.params.a == 3.0


def test_arrays_among_the_parameters_are_contiguous_copies():
    matrix = np.asfortranarray(MATRIX)
    params = ls.Potential(
        "quartic", quartic_energy, quartic_gradient, {"a": 1.0, "matrix": matrix}, 1
    ).params
    assert params.matrix.flags.c_contiguous and params.matrix.dtype == np.float64
    matrix[0, 0] = 99.0
    assert params.matrix[0, 0] == 2.0


def bowl_energy(p, x):
    return 0.5 * (x[0] * x[0] + x[1] * x[1])


def bowl_gradient(p, x, out):
    out[2] = 2.0 * x[0]  # free numbers behind the d components
    out[3] = 2.0 * x[1]
    for k in range(2):
        out[k] = 0.5 * out[2 + k]


def swirl(p, x, out):
    out[0] = -p.strength * x[1]
    out[1] = p.strength * x[0]


@pytest.fixture(scope="module")
def swirling_bowl():
    return ls.Potential(
        "bowl", bowl_energy, bowl_gradient, {"strength": 0.7}, 2, drift=swirl, scratch=2
    )


def test_scratch_numbers_do_not_show_and_drift_is_no_part_of_the_gradient(swirling_bowl):
    x = np.random.default_rng(2).normal(size=(20, 2))
    np.testing.assert_array_equal(ls.evaluate(swirling_bowl, x, "gradient"), x)


@pytest.mark.interpreted
@pytest.mark.parametrize("momentum", [0.0, 0.6])
def test_drift_pushes_and_scratch_stays_apart(swirling_bowl, momentum):
    """Look-ahead Nesterov takes the start gradient as well, so that both ways to call a drift are
    run.
    """
    x = np.random.default_rng(2).normal(size=(20, 2))
    dynamics = ls.dynamics.sgd(0.1, momentum=momentum, nesterov="lookahead")
    run = ls.simulate(swirling_bowl, dynamics, particles=20, steps=3, x0=x, seed=1)
    force = np.array([[1.0, 0.7], [-0.7, 1.0]])  # gradient less drift, as a matrix
    v, options = np.zeros_like(x), {"momentum": momentum, "nesterov": "lookahead"}
    for _ in range(3):
        x, v = naive.sgd(x, v, lambda y: y @ force.T, 0.0, learning_rate=0.1, **options)
    np.testing.assert_allclose(run.x[-1], x, rtol=0, atol=1e-14)
    np.testing.assert_allclose(run.v[-1], v, rtol=0, atol=1e-14)


def test_sweeping_parameters_compiles_nothing(recwarn):
    """Two wells that differ in numbers share their functions, and so everything that is compiled
    for them.
    """
    one, two = ls.potentials.double_well(2), ls.potentials.double_well(2, barrier=5.0, coupling=0.3)
    assert one.gradient is two.gradient and type(one.params) is type(two.params)
    assert not recwarn
