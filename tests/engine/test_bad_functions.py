"""Slips in texts that compiled code would answer with silent garbage: each kind of text, and the
message.
"""

import numpy as np
import pytest
from bad_inputs import draw, energy, example_gradient, example_loss, gradient, sample, update

import langevin_sgd as ls
from langevin_sgd.kernels.rehearsal import MOST_READS, PLACES, rehearse

BOWL, SGD = ls.potentials.quadratic([1.0, 2.0]), ls.dynamics.sgd(0.1)


def own(**fields):
    return ls.Potential(
        **(
            {"name": "own", "energy": energy, "gradient": gradient, "params": {"a": 1.0}, "dim": 1}
            | fields
        )
    )


def loss(**fields):
    given = {
        "name": "own",
        "example_loss": example_loss,
        "example_gradient": example_gradient,
        "params": {"a": 1.0},
    }
    return ls.Loss(**(given | {"data": [[1.0]], "dim": 1} | fields))


def run(dynamics=SGD, **options):
    return ls.simulate(BOWL, dynamics, particles=3, steps=2, seed=1, **options)


def with_sample(text):
    return run(noise=ls.GradientNoise("own", text, {"a": 1.0}, 1, 1))


def with_update(text, **fields):
    return run(ls.Dynamics("own", text, {"a": 1.0}, **fields))


def with_observe(text):
    return run(reducers=ls.Reducer("own", text, {"a": 1.0}, 2))


def far(p, x, *more):
    return p.a * x[5]


def far_out(p, x, out):
    out[0] = x[0]
    out[3] = x[0]


def far_row(p, x, row):
    return row[1]


def far_gradient(p, x, row, out):
    out[0] = row[-2]


def far_matrix(p, x, row, out):
    out[len(x) * len(x)] = 1.0


def far_draw(p, z, row):
    row[0] = z[1]


def far_sample(p, x, z, out):
    out[0], out[1] = z[0], z[2]


def far_update(p, x, v, g, xi, z):
    x[0] = x[0] - p.a * g[2]


def far_memory(p, x, v, g, xi, z):
    v[0] = 1.0


def far_advance(p, x, v, g, z):
    x[0] = x[0] + z[0]


def far_observe(p, acc, step, before, x, v, g):
    acc[2] += x[0]


def in_a_helper(values):
    return values[2]


def far_in_a_helper(p, x, v, g, xi, z):
    x[0] = in_a_helper(xi)


def far_parameter(p, x, v, g, xi, z):
    x[0] = p.rates[2] * g[0]


FAR = [
    (
        lambda: own(energy=far),
        "energy of 'own' uses x[5], but x[-1] to x[0] exist: len(x) = 1",
        "return p.a * x[5]",
    ),
    (
        lambda: own(gradient=far_out),
        "gradient of 'own' uses out[3], but out[-1] to out[0] exist: len(out) = 1",
        "out[3] = x[0]",
    ),
    (
        lambda: own(hessian=far_out, scratch=1),
        "hessian of 'own' uses out[3], but out[-2] to out[1] exist",
        "out[3] = x[0]",
    ),
    (lambda: own(drift=far_out), "drift of 'own' uses out[3]", "out[3] = x[0]"),
    (
        lambda: loss(example_loss=far_row),
        "example_loss of 'own' uses row[1], but row[-1] to row[0] exist",
        "return row[1]",
    ),
    (
        lambda: loss(example_gradient=far_gradient),
        "example_gradient of 'own' uses row[-2]",
        "out[0] = row[-2]",
    ),
    (
        lambda: loss(example_hessian=far_matrix),
        "example_hessian of 'own' uses out[1]",
        "out[len(x) * len(x)] = 1.0",
    ),
    (
        lambda: loss(example_fisher=far_matrix),
        "example_fisher of 'own' uses out[1]",
        "out[len(x) * len(x)] = 1.0",
    ),
    (
        lambda: loss(draw=far_draw, draw_normals=1),
        "draw of 'own' uses z[1], but z[-1] to z[0] exist",
        "row[0] = z[1]",
    ),
    (
        lambda: with_sample(far_sample),
        "sample of 'own' uses z[2], but z[-2] to z[1] exist: len(z) = 2",
        "z[0], z[2]",
    ),
    (
        lambda: with_update(far_update),
        "update of 'own' uses g[2], but g[-2] to g[1] exist: len(g) = 2",
        "p.a * g[2]",
    ),
    (
        lambda: with_update(far_memory),
        "update of 'own' uses v[0], but v is empty: len(v) = 0",
        "v[0] = 1.0",
    ),
    (
        lambda: with_update(update, advance=far_advance),
        "advance of 'own' uses z[0], but z is empty",
        "x[0] + z[0]",
    ),
    (
        lambda: with_observe(far_observe),
        "observe of 'own' uses acc[2], but acc[-2] to acc[1] exist: len(acc) = 2",
        "acc[2] += x[0]",
    ),
    (
        lambda: with_update(far_in_a_helper),
        "update of 'own' uses xi[2], but xi[-2] to xi[1] exist",
        "return values[2]",
    ),
    (
        lambda: run(ls.Dynamics("own", far_parameter, {"rates": [0.1, 0.1]})),
        "update of 'own' goes beyond an array of p: index 2 is out of bounds for axis 0 with size "
        "2",
        "x[0] = p.rates[2] * g[0]",
    ),
]


@pytest.mark.interpreted
@pytest.mark.parametrize(
    ("make", "message", "line"), [pytest.param(*case, id=case[1][:40]) for case in FAR]
)
def test_an_index_beyond_a_view_is_refused_with_the_line(make, message, line):
    with pytest.raises(ValueError) as caught:
        make()
    said = str(caught.value)
    assert said.startswith(message) and line in said and "test_bad_functions.py, line " in said


def undefined_energy(p, x):
    return nowhere * x[0]  # noqa: F821 the slip that is to be found


def undefined_later(p, x, v, g, xi, z):
    if p.a > 2.0:
        x[0] = nowhere  # noqa: F821 the slip that is to be found, where no rehearsal comes


def calls_undefined(p, x, z, out):
    out[0] = undefined_energy(p, x)


def undefined_observe(p, acc, step, before, x, v, g, xi):
    acc[0] += nowhere  # noqa: F821 the slip that is to be found


UNDEFINED = [
    (lambda: own(energy=undefined_energy), "energy of 'own'", "return nowhere * x[0]"),
    (lambda: with_update(undefined_later), "update of 'own'", "x[0] = nowhere"),
    (lambda: with_sample(calls_undefined), "sample of 'own'", "return nowhere * x[0]"),
    (lambda: with_observe(undefined_observe), "observe of 'own'", "acc[0] += nowhere"),
]


@pytest.mark.interpreted
@pytest.mark.parametrize(
    ("make", "text", "line"), [pytest.param(*case, id=case[1]) for case in UNDEFINED]
)
def test_an_undefined_name_is_refused_with_the_line(make, text, line):
    with pytest.raises(ValueError) as caught:
        make()
    said = str(caught.value)
    assert said.startswith(
        f"{text} uses the name 'nowhere', which is not defined. Correct it, or put the value into "
        "params."
    )
    assert line in said and "test_bad_functions.py, line " in said


def missing(p, x, v, g, xi, z):
    x[0] = x[0] - p.rate * g[0]


@pytest.mark.interpreted
@pytest.mark.parametrize(
    ("make", "message", "line"),
    [
        (
            lambda: with_update(missing),
            "update of 'own' uses p.rate, but params hold only a",
            "p.rate * g[0]",
        ),
        (
            lambda: own(params={"b": 1.0}),
            "energy of 'own' uses p.a, but params hold only b",
            "0.5 * p.a * x[0] * x[0]",
        ),
    ],
)
def test_a_parameter_that_is_not_there_is_refused_with_the_line(make, message, line):
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value).startswith(message) and line in str(caught.value)


# What is valid must pass: the twins.


def ring(p, x, out):
    for k in range(len(x)):
        out[k] = x[k] - x[k - 1]


def scratch(p, x, out):
    d = len(x)
    for k in range(d):
        out[d + k] = p.a * x[k]
    for k in range(d):
        out[k] = out[d + k]


def by_value(p, x, out):
    out[0] = p.table[int(4.0 * x[0] + 9.0)]


def by_parameter(p, x, out):
    out[0] = p.table[int(p.a)]


def endless(p, x, out):
    while x[0] < 1.0:
        out[0] = x[0]


def not_python(p, x, out):
    out[0] = 1 // 0


PARAMS = ls.potentials.Potential(
    "own", energy, gradient, {"a": 1.0, "table": np.arange(10.0)}, 1
).params


@pytest.mark.interpreted
@pytest.mark.parametrize(
    "text",
    [ring, scratch, by_value, by_parameter, endless, not_python],
    ids=lambda text: text.__name__,
)
def test_valid_texts_pass(text):
    rehearse(text, "own", PARAMS, (3, 6))


@pytest.mark.parametrize("dim", [1, 2, 64, 1000])
def test_a_rehearsal_reads_no_more_than_it_may(dim):
    reads = []

    class Counted(float):
        def __mul__(self, other):
            reads.append(1)
            return float(self) * other

    matrix = ls.potentials.quadratic(np.eye(2) + 1.0)
    params = matrix.params._replace(hessian=[[Counted(1.0)] * dim] * dim)
    rehearse(
        lambda p, x, out: [p.hessian[0][0] * x[k] for k in range(dim) for j in range(dim)],
        "own",
        params,
        (dim, dim),
    )
    assert len(reads) == len(PLACES) * min(dim * dim, MOST_READS)


@pytest.mark.interpreted
def test_wrong_arguments_of_a_text_are_named():
    with pytest.raises(
        TypeError,
        match=r"update of 'own' must take the arguments \(p, x, v, g, xi, z\), got \(p, x, v, g, "
        r"z\)",
    ):
        ls.Dynamics("own", far_advance, {"a": 1.0})
    with pytest.raises(
        TypeError, match=r"draw of 'own' must take the arguments \(p, z, row\), got \(p, x\)"
    ):
        loss(draw=energy, draw_normals=1)
    assert loss(draw=draw, draw_normals=1).draw is draw
    assert ls.GradientNoise("own", sample, {"a": 1.0}, 1).sample is sample
