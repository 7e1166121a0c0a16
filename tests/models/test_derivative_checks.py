"""A derivative with a forgotten factor is refused when the record is made; a right one is not."""

import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd.models import derivative_checks
from langevin_sgd.models.evaluate import values_at


def energy(p, x):
    return p.a * x[0] * x[0] * x[0] * x[0] + x[0] * x[1]


def gradient(p, x, out):
    out[0] = 4.0 * p.a * x[0] * x[0] * x[0] + x[1]
    out[1] = x[0]


def half_the_gradient(p, x, out):
    out[0] = 2.0 * p.a * x[0] * x[0] * x[0] + x[1]
    out[1] = x[0]


def hessian(p, x, out):
    out[0] = 12.0 * p.a * x[0] * x[0]
    out[1] = 1.0
    out[2] = 1.0
    out[3] = 0.0


def half_the_hessian(p, x, out):
    hessian(p, x, out)
    out[0] = 0.5 * out[0]


def hessian_without_its_corner(p, x, out):
    hessian(p, x, out)
    out[2] = 0.0


def swirl(p, x, out):
    out[0] = -x[1]
    out[1] = x[0]


def example_loss(p, x, row):
    return 0.5 * p.a * (x[0] - row[0]) * (x[0] - row[0])


def example_gradient(p, x, row, out):
    out[0] = p.a * (x[0] - row[0])


def gradient_without_a(p, x, row, out):
    out[0] = x[0] - row[0]


def curvature(p, x, row, out):
    out[0] = p.a


def one(p, x, row, out):
    out[0] = 1.0


def minus_one(p, x, row, out):
    out[0] = -1.0


def lopsided(p, x, row, out):
    out[0] = 1.0
    out[1] = 0.5
    out[2] = 0.0
    out[3] = 1.0


def potential(**fields):
    own = {"gradient": gradient, "hessian": hessian} | fields
    return ls.Potential("quartic", energy, params={"a": 1.5}, dim=2, **own)


def loss(**fields):
    own = {"example_gradient": example_gradient, "example_hessian": curvature} | fields
    return ls.Loss("parabola", example_loss, params={"a": 2.0}, data=[[1.0]], dim=1, **own)


def test_right_derivatives_pass_and_a_drift_needs_no_energy():
    model = potential(drift=swirl)
    np.testing.assert_allclose(ls.evaluate(model, [1.0, 2.0], "hessian"), [[18.0, 1.0], [1.0, 0.0]])
    assert loss(example_fisher=one).dim == 1


WRONG = [
    (potential, "gradient", half_the_gradient, r"gradient of 'quartic' is not(.|\n)*drift="),
    (potential, "hessian", half_the_hessian, "hessian of 'quartic' is not that of its gradient"),
    (potential, "hessian", hessian_without_its_corner, "hessian of 'quartic' is not that of its"),
    (loss, "example_gradient", gradient_without_a, "gradient of 'parabola' is not that of its en"),
    (loss, "example_hessian", one, "hessian of 'parabola' is not that of its gradient"),
    (loss, "example_fisher", minus_one, "Fisher matrix of 'parabola' must be(.|\n)*eigenvalue -1"),
]


@pytest.mark.parametrize(("make", "field", "wrong", "message"), WRONG)
def test_a_forgotten_factor_is_refused(make, field, wrong, message):
    with pytest.raises(ValueError, match=message):
        make(**{field: wrong})


def test_a_fisher_matrix_that_is_not_symmetric_is_refused():
    flat = ls.losses.quadratic_centers([1.0, 1.0], [[0.0, 0.0]])
    fields = flat.example_loss, flat.example_gradient, flat.params, flat.data, 2
    with pytest.raises(ValueError, match="it is not symmetric"):
        ls.Loss("flat", *fields, example_fisher=lopsided)


def test_an_indefinite_well_has_no_fisher_matrix():
    saddle = ls.losses.quadratic_centers([1.0, -1.0], [[0.0, 0.0]])
    with pytest.raises(ValueError, match="has no fisher"):
        ls.evaluate(saddle, [0.0, 0.0], "fisher")


def test_what_a_function_does_not_write_is_nan_and_never_what_was_in_memory():
    def silent(p, x, out):
        out[0] = x[0]

    params = potential().params
    for _ in range(3):
        found = values_at(silent, "silent", params, np.ones((20, 2)), 2)
        np.testing.assert_array_equal(found, np.tile([1.0, np.nan], (20, 1)))


def weighted_loss(p, x, row):
    return row[1] * (x[0] - row[0]) * (x[0] - row[0]) / 2


def weighted_gradient(p, x, row, out):
    out[0] = row[1] * (x[0] - row[0])


def forgotten_weight(p, x, row, out):
    out[0] = x[0] - row[0]


@pytest.mark.parametrize(
    ("gradient", "hessian", "wrong"),
    [(forgotten_weight, None, "gradient"), (weighted_gradient, one, "hessian")],
)
def test_derivatives_are_compared_at_more_than_the_first_row(gradient, hessian, wrong):
    rows = [[1.0, 1.0], [2.0, 3.0], [0.0, 1.0]]
    fields = weighted_loss, gradient, None, rows, 1
    with pytest.raises(ValueError, match=f"the {wrong} of 'weighted' is not that of its"):
        ls.Loss("weighted", *fields, example_hessian=hessian)
    assert ls.Loss("weighted", *fields[:3], rows[:1], 1, example_hessian=hessian).dim == 1


def quartic(p, x):
    s = 0.0
    for k in range(len(x)):
        s = s + x[k] * x[k] * x[k] * x[k]
    return s


def quartic_gradient(p, x, out):
    for k in range(len(x)):
        out[k] = 4.0 * x[k] * x[k] * x[k]


def diagonal(p, x, out):
    d = len(x)
    for k in range(d * d):
        out[k] = 0.0
    for k in range(d):
        out[k * d + k] = p.factor * x[k] * x[k]


def row_loss(p, x, row):
    return quartic(p, x)


def row_gradient(p, x, row, out):
    quartic_gradient(p, x, out)


def row_diagonal(p, x, row, out):
    diagonal(p, x, out)


def of_many(factor, dim=100):
    return ls.Potential("many", quartic, quartic_gradient, {"factor": factor}, dim, diagonal)


def examples_of_many(factor, **fields):
    params = {"factor": factor}
    return ls.Loss("many", row_loss, row_gradient, params, [[1.0]], 100, **fields)


def test_matrices_of_a_hundred_components_are_checked_too():
    for make in (of_many, lambda a: examples_of_many(a, example_hessian=row_diagonal)):
        assert make(12.0).dim == 100
        with pytest.raises(ValueError, match="hessian of 'many' is not that of its gradient"):
            make(11.9)
    assert examples_of_many(1.0, example_fisher=row_diagonal).dim == 100
    with pytest.raises(ValueError, match="Fisher matrix of 'many' must be"):
        examples_of_many(-1.0, example_fisher=row_diagonal)


def test_a_matrix_that_takes_long_is_not_checked():
    def slow(p, x, out):
        for _ in range(derivative_checks.MOST_READS):
            out[0] = 1.0
        diagonal(p, x, out)

    assert ls.Potential("slow", quartic, quartic_gradient, {"factor": 1.0}, 2, slow).dim == 2
