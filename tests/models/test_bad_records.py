"""Bad input to records and `evaluate`: a message that names the argument, its value, the allowed
range and the way out. What every argument refuses is in `bad_inputs`; here is what is special."""

import numpy as np
import pytest
from bad_inputs import energy, gradient, sample, update

import langevin_sgd as ls
from langevin_sgd import dynamics, losses, noise, potentials

values = ls.schedules.from_values
BOWL = potentials.quadratic([[2.0, 0.5], [0.5, 1.0]])
TABLE = losses.linear_regression(np.eye(2), [1.0, 2.0])
ARRAY, NAN = "must be a number or an array of real numbers, got", float("nan")


def power(p, x):
    return 0.5 * p.a * x[0] ** 2


def power_in_a_helper(p, x):
    return power(p, x)


def potential(**fields):
    own = {"name": "own", "energy": energy, "gradient": gradient, "params": {"a": 1.0}, "dim": 1}
    return ls.Potential(**own | fields)


def own_dynamics(**params):
    return ls.Dynamics("own", update, params)


def loss(data):
    return ls.Loss("own", energy, gradient, None, data, 1)


def example_loss(p, x, row):
    return x[0] * row[0]


def example_gradient(p, x, row, out):
    out[0] = row[0]


# (call, part of the message)
TYPES = [
    (lambda: dynamics.sgd("fast"), "learning_rate must be a number, got 'fast'."),
    (lambda: dynamics.sgd(0.1, 1.5), "batch_size must be a whole number, got 1.5."),
    (lambda: potentials.quadratic([[1.0, 2.0], [3.0]]), f"hessian {ARRAY} [[1.0, 2.0], [3.0]]."),
    (lambda: potentials.double_well(tilt=values([1.0])), "tilt must be a number, got from_values("),
    (lambda: losses.linear_regression([[1.0]], None), f"targets {ARRAY} None."),
    (lambda: losses.logistic_regression([[1.0]], ["cat"]), f"labels {ARRAY} ['cat'] of dtype <U3"),
    (lambda: noise.gaussian("loud"), f"covariance {ARRAY} 'loud'."),
    (lambda: values("abc"), f"values {ARRAY} 'abc'."),
    (lambda: ls.evaluate("well", [0.0], "energy"), "must be a Potential or a Loss, got 'well'."),
    (lambda: ls.evaluate(BOWL, "here", "energy"), f"x {ARRAY} 'here'."),
    (lambda: potential(energy="x^2"), "energy of 'own' must be a plain Python function (or one "),
    (lambda: potential(energy="x^2"), "(or one with bare @njit), got 'x^2'."),
    (lambda: potential(params={"a": "one"}), f"parameter a of 'own' {ARRAY} 'one'."),
    (lambda: potential(params=[1.0]), "must be a dict or namedtuple of numbers and arrays, got [1"),
    (lambda: potential(params={"a": values([1.0])}), "only parameters of a dynamics may be a sch"),
    (lambda: ls.GradientNoise("own", 3, None, 1), "sample of 'own' must be a plain Python"),
    (lambda: own_dynamics(a=0.1, batch_size=1.5), "batch_size of 'own' must be a whole number"),
]
VALUES = [
    (lambda: dynamics.sgd(0.1, momentum=1.0), "momentum must be >= 0 and < 1, got 1.0."),
    (lambda: dynamics.sgd(0.1, nesterov="tourch"), "got 'tourch'. Did you mean 'torch'?"),
    (lambda: dynamics.langevin(1.0, 0.1, method="euler"), "Did you mean 'euler_maruyama'?"),
    (lambda: dynamics.underdamped_langevin(1.0, 1.0, 0.1, method="BAOAB"), "you mean 'baoab'?"),
    (lambda: potentials.quadratic(np.ones((2, 3))), "(d, d), or (d,) for a diagonal matrix; got"),
    (lambda: potentials.quadratic([[1, 2], [3, 4]]), "entry (0, 1) is 2 and its mirror image 3. "),
    (lambda: potentials.quadratic([[1, 2], [3, 4]]), "image 3. Pass (hessian + hessian.T) / 2"),
    (lambda: potentials.double_well(coupling=NAN), "coupling must be a finite number, got nan."),
    (
        lambda: losses.linear_regression(np.ones((3, 2)), [1.0]),
        "targets must have the shape (3,), ",
    ),
    (lambda: losses.linear_regression([1.0], [1.0]), "inputs must have the shape (examples, colum"),
    (lambda: losses.linear_regression([1.0], [[1.0]]), "(1,) and (1, 1). Exchange inputs and targ"),
    (lambda: losses.linear_regression([[1.0, NAN]], [1.0]), "but example 0, column 1 is nan."),
    (lambda: losses.linear_regression([[1.0]], [np.inf]), "inputs with targets must be finite"),
    (lambda: losses.logistic_regression(np.eye(2), [-1, 1]), "[-1.0, 1.0]. For -1 and +1 pass"),
    (lambda: losses.quadratic_centers(np.eye(2), np.ones((3, 3))), "(examples, 2) to fit hessian"),
    (lambda: noise.minibatch("with replacement"), "Did you mean 'with_replacement'"),
    (lambda: values([[0.1]]), "a non-empty one-dimensional list of finite numbers, got the shape"),
    (lambda: ls.evaluate(BOWL, [0.0], "energy"), "x must have the shape (..., 2) for 'quadratic'"),
    (lambda: ls.evaluate(BOWL, [0.0, 0.0], "energie"), "got 'energie'. Did you mean 'energy'?"),
    (lambda: ls.evaluate(BOWL, [0.0, 0.0], "drift"), "'quadratic' has no drift; give it one as dr"),
    (lambda: ls.evaluate(TABLE, [0.0, 0.0], "drift"), "'linear_regression' has no drift."),
    (lambda: potential(energy=power), "energy of 'own' uses **. Write x*x, or elementary.powi(x, "),
    (lambda: potential(energy=power_in_a_helper), "return 0.5 * p.a * x[0] ** 2"),
    (lambda: potential(params={"a": NAN}), "parameter a of 'own' must be finite, got nan."),
    (lambda: own_dynamics(a=0.1, batch_size=0), "batch_size of 'own' must be >= 1, got 0."),
    (lambda: ls.GradientNoise("own", sample, {"a": 1.0}, 1, 1, True), "uniforms must be 0 for gau"),
    (lambda: potentials.ring(radius=1e-300), "Given: radius = 1e-300"),
    (
        lambda: losses.logistic_regression_population([2.0**63], [0.5]),
        "Given: input_covariance = [9.223372036854776e+18], true_parameters = [0.5]",
    ),
    (
        lambda: ls.Loss("own", example_loss, example_gradient, None, [[1.0]], dim=3),
        "out[0] to out[2] must be written for dim = 3, a zero too.",
    ),
    (lambda: loss([1.0]), "data of 'own' must have the shape (examples, columns), got (1,)."),
    (lambda: loss([[NAN]]), "data of 'own' must be finite, but example 0, column 0 is nan."),
    (lambda: ls.evaluate(potential(), [[0.0]], "hessian"), "give it one as hessian= to ask for it"),
]
ROWS = [(*row, TypeError) for row in TYPES] + [(*row, ValueError) for row in VALUES]


@pytest.mark.parametrize(("call", "message", "error"), ROWS, ids=[row[1] for row in ROWS])
def test_a_refusal_says_what_is_wrong_and_the_way_out(call, message, error):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)


def test_tables_and_starts_are_copies_of_the_callers_arrays():
    centers = np.ones((3, 2))
    made = losses.quadratic_centers(np.eye(2), centers)
    centers[:] = 7.0
    np.testing.assert_array_equal(made.data, 1.0)


def test_tables_of_other_libraries_are_taken_or_named():
    assert losses.linear_regression(np.eye(2, dtype=np.float32), [1, 2]).data.dtype == np.float64
    labels = losses.logistic_regression(np.eye(2), [True, False]).data[:, -1]
    np.testing.assert_array_equal(labels, [1.0, 0.0])

    class Sparse:
        def toarray(self):
            return np.eye(2)

    class Tensor:
        def detach(self):
            return self

        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("requires grad")

    missing = np.array([[1.0, None]], dtype=object)
    for table, way in (
        (Sparse(), "Pass inputs.toarray()."),
        (Tensor(), "Pass inputs.detach().cpu().numpy()."),
        (missing, "of dtype object with an entry of type NoneType. Convert it with numpy.asarray"),
    ):
        with pytest.raises(TypeError, match="inputs must be a number or an array") as caught:
            losses.linear_regression(table, [1.0])
        assert way in str(caught.value)
