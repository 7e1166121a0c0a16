"""Bad input to records and `evaluate`: a message that names the argument, its value, the allowed
range and the way out.
"""

import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd import dynamics, losses, noise, potentials

values = ls.schedules.from_values
BOWL, TABLE = (
    potentials.quadratic([[2.0, 0.5], [0.5, 1.0]]),
    losses.linear_regression(np.eye(2), [1.0, 2.0]),
)
RAGGED, TEXT, NAN = (
    [[1.0, 2.0], [3.0]],
    "must be a number or an array of real numbers, got",
    float("nan"),
)


RECORDS = [
    (lambda: dynamics.sgd(-0.1), ValueError, "learning_rate must be > 0, got -0.1."),
    (lambda: dynamics.sgd(0), ValueError, "learning_rate must be > 0, got 0"),
    (lambda: dynamics.sgd(NAN), ValueError, "learning_rate must be > 0, got nan."),
    (lambda: dynamics.sgd("fast"), TypeError, "learning_rate must be a number, got 'fast'."),
    (lambda: dynamics.sgd(True), TypeError, "learning_rate must be a number, got True."),
    (
        lambda: dynamics.sgd(np.complex128(1)),
        TypeError,
        "learning_rate must be a number, got np.complex128(1+0j).",
    ),
    (lambda: dynamics.sgd(0.1, 0), ValueError, "batch_size must be >= 1, got 0."),
    (lambda: dynamics.sgd(0.1, 1.5), TypeError, "batch_size must be a whole number, got 1.5."),
    (
        lambda: dynamics.sgd(0.1, momentum=1.0),
        ValueError,
        "momentum must be >= 0 and < 1, got 1.0.",
    ),
    (
        lambda: dynamics.sgd(0.1, momentum=-0.1),
        ValueError,
        "momentum must be >= 0 and < 1, got -0.1.",
    ),
    (
        lambda: dynamics.sgd(0.1, nesterov="tourch"),
        ValueError,
        "one of None, 'torch', 'lookahead', got 'tourch'. Did you mean 'torch'?",
    ),
    (
        lambda: dynamics.sgd(0.1, nesterov=True),
        ValueError,
        "nesterov must be one of None, 'torch', 'lookahead', got True.",
    ),
    (
        lambda: dynamics.sgd(0.1, weight_decay=-1.0),
        ValueError,
        "weight_decay must be >= 0, got -1.0.",
    ),
    (lambda: dynamics.langevin(-1.0, 0.1), ValueError, "temperature must be >= 0, got -1.0."),
    (lambda: dynamics.langevin(1.0, 0.0), ValueError, "step_size must be > 0, got 0.0."),
    (
        lambda: dynamics.langevin(1.0, 0.1, method="euler"),
        ValueError,
        "got 'euler'. Did you mean 'euler_maruyama'?",
    ),
    (
        lambda: dynamics.underdamped_langevin(-1.0, 1.0, 0.1),
        ValueError,
        "temperature must be >= 0, got -1.0.",
    ),
    (
        lambda: dynamics.underdamped_langevin(1.0, -1.0, 0.1),
        ValueError,
        "friction must be >= 0, got -1.0.",
    ),
    (
        lambda: dynamics.underdamped_langevin(1.0, 1.0, -0.1),
        ValueError,
        "step_size must be > 0, got -0.1.",
    ),
    (
        lambda: dynamics.underdamped_langevin(1.0, 1.0, 0.1, mass=0.0),
        ValueError,
        "mass must be > 0, got 0.0.",
    ),
    (
        lambda: dynamics.underdamped_langevin(1.0, 1.0, 0.1, method="BAOAB"),
        ValueError,
        "got 'BAOAB'. Did you mean 'baoab'?",
    ),
    (
        lambda: potentials.quadratic(np.ones((2, 3))),
        ValueError,
        "hessian must have the shape (d, d), or (d,) for a diagonal matrix; got",
    ),
    (lambda: potentials.quadratic([]), ValueError, "hessian must have the shape (d, d), or (d,)"),
    (
        lambda: potentials.quadratic([[1, 2], [3, 4]]),
        ValueError,
        "entry (0, 1) is 2 and its mirror image 3. Pass (hessian + hessian.T) / 2",
    ),
    (lambda: potentials.quadratic([NAN, 1.0]), ValueError, "hessian must be finite"),
    (lambda: potentials.quadratic(RAGGED), TypeError, f"hessian {TEXT} [[1.0, 2.0], [3.0]]."),
    (lambda: potentials.quadratic(None), TypeError, f"hessian {TEXT} None."),
    (lambda: potentials.double_well(0), ValueError, "dim must be >= 1, got 0."),
    (lambda: potentials.double_well(1.5), TypeError, "dim must be a whole number, got 1.5."),
    (lambda: potentials.double_well(barrier=0.0), ValueError, "barrier must be > 0, got 0.0."),
    (
        lambda: potentials.double_well(stiffness=-1.0),
        ValueError,
        "stiffness must be > 0, got -1.0.",
    ),
    (
        lambda: potentials.double_well(coupling=NAN),
        ValueError,
        "coupling must be a finite number, got nan.",
    ),
    (lambda: potentials.double_well(tilt="left"), TypeError, "tilt must be a number, got 'left'."),
    (
        lambda: potentials.double_well(tilt=values([1.0])),
        TypeError,
        "tilt must be a number, got Schedule(",
    ),
    (
        lambda: losses.linear_regression(np.ones((3, 2)), [1.0, 2.0]),
        ValueError,
        "targets must have the shape (3,), one per row of inputs; got",
    ),
    (
        lambda: losses.linear_regression([1.0], [1.0]),
        ValueError,
        "inputs must have the shape (examples, columns), got (1,).",
    ),
    (
        lambda: losses.linear_regression(np.ones((0, 2)), []),
        ValueError,
        "inputs must have the shape (examples, columns), got (0, 2).",
    ),
    (
        lambda: losses.linear_regression([[1.0, NAN]], [1.0]),
        ValueError,
        "inputs must be finite, but example 0, column 1 is nan.",
    ),
    (
        lambda: losses.linear_regression([[1.0]], [np.inf]),
        ValueError,
        "inputs with targets must be finite, but example 0, column 1 is inf.",
    ),
    (lambda: losses.linear_regression([[1.0]], None), TypeError, f"targets {TEXT} None."),
    (
        lambda: losses.logistic_regression([[1.0], [2.0]], [-1, 1]),
        ValueError,
        "got the values [-1.0, 1.0]. For -1 and +1 pass (labels + 1) / 2.",
    ),
    (
        lambda: losses.logistic_regression([[1.0]], ["cat"]),
        TypeError,
        f"labels {TEXT} ['cat'] of dtype <U3.",
    ),
    (
        lambda: losses.logistic_regression([[1.0]], [1], l2=-1.0),
        ValueError,
        "l2 must be >= 0, got -1.0.",
    ),
    (
        lambda: losses.quadratic_centers(np.eye(2), np.ones((3, 3))),
        ValueError,
        "centers must have the shape (examples, 2) to fit hessian, got",
    ),
    (
        lambda: losses.quadratic_centers([[1, 2], [3, 4]], np.ones((3, 2))),
        ValueError,
        "hessian must be symmetric",
    ),
    (
        lambda: noise.minibatch("with replacement"),
        ValueError,
        "got 'with replacement'. Did you mean 'with_replacement'",
    ),
    (lambda: noise.gaussian("loud"), TypeError, f"covariance {TEXT} 'loud'."),
    (
        lambda: values([]),
        ValueError,
        "values must be a non-empty one-dimensional list of finite numbers, got the shape (0,)",
    ),
    (
        lambda: values([[0.1]]),
        ValueError,
        "values must be a non-empty one-dimensional list of finite numbers, got the shape (1, 1)",
    ),
    (
        lambda: values([0.1, NAN]),
        ValueError,
        "values must be a non-empty one-dimensional list of finite numbers",
    ),
    (lambda: values("abc"), TypeError, f"values {TEXT} 'abc'."),
    (
        lambda: ls.evaluate("well", [0.0], "energy"),
        TypeError,
        "model must be a Potential or a Loss, got 'well'.",
    ),
    (
        lambda: ls.evaluate(BOWL, [0.0], "energy"),
        ValueError,
        "x must have the shape (..., 2) for 'quadratic', got (1,).",
    ),
    (lambda: ls.evaluate(BOWL, "here", "energy"), TypeError, f"x {TEXT} 'here'."),
    (
        lambda: ls.evaluate(BOWL, [0.0, 0.0], "energie"),
        ValueError,
        "got 'energie'. Did you mean 'energy'?",
    ),
    (
        lambda: ls.evaluate(BOWL, [0.0, 0.0], "drift"),
        ValueError,
        "'quadratic' has no drift; give it one as drift= to ask for it.",
    ),
    (
        lambda: ls.evaluate(TABLE, [0.0, 0.0], "drift"),
        ValueError,
        "'linear_regression' has no drift.",
    ),
]


@pytest.mark.parametrize(
    ("make", "error", "message"), [pytest.param(*record, id=record[2]) for record in RECORDS]
)
def test_records(make, error, message):
    with pytest.raises(error) as caught:
        make()
    assert message in str(caught.value)


# Records of one's own


def energy(p, x):
    return 0.5 * p.a * x[0] * x[0]


def gradient(p, x, out):
    out[0] = p.a * x[0]


def potential(**fields):
    fields = {
        "name": "own",
        "energy": energy,
        "gradient": gradient,
        "params": {"a": 1.0},
        "dim": 1,
    } | fields
    return ls.Potential(**fields)


def sample(p, x, z, out):
    out[0] = z[0]


def update(p, x, v, g, xi, z):
    x[0] = x[0] - p.rate * g[0]


def own_dynamics(**fields):
    return ls.Dynamics(**({"name": "own", "update": update, "params": {"rate": 0.1}} | fields))


def power(p, x):
    return 0.5 * p.a * x[0] ** 2


def power_in_a_helper(p, x):
    return power(p, x)


OWN = [
    (
        lambda: potential(energy="x^2"),
        TypeError,
        "energy of 'own' must be a plain Python function (or one with bare @njit), got 'x^2'.",
    ),
    (
        lambda: potential(energy=power),
        ValueError,
        "energy of 'own' uses **. Write x*x, or elementary.powi(x, n).",
    ),
    (lambda: potential(energy=power), ValueError, "return 0.5 * p.a * x[0] ** 2"),
    (lambda: potential(energy=power_in_a_helper), ValueError, "return 0.5 * p.a * x[0] ** 2"),
    (lambda: potential(dim=0), ValueError, "dim must be >= 1, got 0."),
    (lambda: potential(scratch=-1), ValueError, "scratch must be >= 0, got -1."),
    (lambda: potential(params={"a": "one"}), TypeError, f"parameter a of 'own' {TEXT} 'one'."),
    (
        lambda: potential(params={"a": NAN}),
        ValueError,
        "parameter a of 'own' must be finite, got nan.",
    ),
    (
        lambda: potential(params=[1.0]),
        TypeError,
        "params of 'own' must be a dict or namedtuple of numbers and arrays, got [1.0].",
    ),
    (
        lambda: potential(params={"a": values([1.0])}),
        TypeError,
        "parameter a of 'own' must be a number or an array of real numbers; only",
    ),
    (
        lambda: ls.GradientNoise("own", sample, None, normals=-1),
        ValueError,
        "normals must be >= 0, got -1.",
    ),
    (
        lambda: ls.GradientNoise("own", sample, None, 1, uniforms=0.5),
        TypeError,
        "uniforms must be a whole number, got 0.5.",
    ),
    (
        lambda: ls.GradientNoise("own", 3, None, 1),
        TypeError,
        "sample of 'own' must be a plain Python function",
    ),
    (lambda: own_dynamics(memory="velocty"), ValueError, "got 'velocty'. Did you mean 'velocity'?"),
    (lambda: own_dynamics(normals=-1), ValueError, "normals must be >= 0, got -1."),
    (lambda: own_dynamics(state_size=0), ValueError, "state_size must be >= 1, got 0."),
    (lambda: own_dynamics(substeps=0), ValueError, "substeps must be >= 1, got 0."),
    (
        lambda: own_dynamics(params={"rate": 0.1, "batch_size": 1.5}),
        TypeError,
        "batch_size of 'own' must be a whole number, got 1.5.",
    ),
    (
        lambda: own_dynamics(params={"rate": 0.1, "batch_size": 0}),
        ValueError,
        "batch_size of 'own' must be >= 1, got 0.",
    ),
    (
        lambda: ls.Loss("own", energy, gradient, None, [1.0], 1),
        ValueError,
        "data of 'own' must have the shape (examples, columns), got (1,).",
    ),
    (
        lambda: ls.Loss("own", energy, gradient, None, [[NAN]], 1),
        ValueError,
        "data of 'own' must be finite, but example 0, column 0 is nan.",
    ),
    (
        lambda: ls.evaluate(potential(), [[0.0]], "hessian"),
        ValueError,
        "'own' has no hessian; give it one as hessian= to ask for it.",
    ),
]


@pytest.mark.parametrize(
    ("make", "error", "message"), [pytest.param(*record, id=record[2]) for record in OWN]
)
def test_own_records(make, error, message):
    with pytest.raises(error) as caught:
        make()
    assert message in str(caught.value)


def test_tables_and_starts_are_copies_of_the_callers_arrays():
    centers = np.ones((3, 2))
    loss = losses.quadratic_centers(np.eye(2), centers)
    centers[:] = 7.0
    np.testing.assert_array_equal(loss.data, 1.0)
