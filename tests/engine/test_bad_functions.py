"""Slips in functions that compiled code would answer with silent garbage: each role, and the
message."""

import random

import numpy as np
import pytest
from bad_inputs import draw, energy, example_gradient, example_loss, gradient, sample, update

import langevin_sgd as ls

BOWL, SGD = ls.potentials.quadratic([1.0, 2.0]), ls.dynamics.sgd(0.1)
pytestmark = pytest.mark.interpreted


def own(**fields):
    given = {"name": "own", "energy": energy, "gradient": gradient, "params": {"a": 1.0}, "dim": 1}
    return ls.Potential(**(given | fields))


def loss(**fields):
    given = {"name": "own", "example_loss": example_loss, "example_gradient": example_gradient}
    given |= {"params": {"a": 1.0}, "data": [[1.0]], "dim": 1}
    return ls.Loss(**(given | fields))


def run(dynamics=SGD, **options):
    return ls.simulate(BOWL, dynamics, particles=3, steps=2, seed=1, **options)


def with_sample(function, **fields):
    return run(noise=ls.GradientNoise("own", function, {"a": 1.0}, 1, 1, **fields))


def with_field(factor):
    return run(noise=ls.noise.gaussian_field(factor, {"a": 1.0}, 1))


def with_update(function, **fields):
    return run(ls.Dynamics("own", function, {"a": 1.0}, **fields))


def with_advance(function):
    return with_update(update, advance=function)


def with_observe(function):
    return run(reducers=ls.Reducer("own", function, {"a": 1.0}, 2))


def with_reached(function):
    return run(reducers=ls.reducers.first_passage(function, {"a": 1.0}))


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


def undefined_energy(p, x):
    return nowhere * x[0]  # noqa: F821 the slip that is to be found


def undefined_later(p, x, v, g, xi, z):
    if p.a > 2.0:
        x[0] = nowhere  # noqa: F821 the slip that is to be found, where no rehearsal comes


def calls_undefined(p, x, z, out):
    out[0] = undefined_energy(p, x)


def undefined_observe(p, acc, step, before, x, v, g, xi):
    acc[0] += nowhere  # noqa: F821 the slip that is to be found


def missing(p, x, v, g, xi, z):
    x[0] = x[0] - p.rate * g[0]


def by_name(p, x):
    return p["a"] * x[0] * x[0]


def by_column(p, x, row):
    return x[0] - row.label


def by_slice(p, x, v, g, xi, z):
    x[:] = g[:]


def by_number(p, x):
    return x[0.0]


def of_a_view(p, x, z, out):
    out[0] = x.sum()


SLIPS = [
    (own, "energy", far, "uses x[5], but x[-1] to x[0] exist: len(x) = 1"),
    (own, "gradient", far_out, "uses out[3], but out[-1] to out[0] exist: len(out) = 1"),
    (own, "hessian", far_out, "uses out[3], but out[-1] to out[0] exist"),
    (own, "drift", far_out, "uses out[3]"),
    (loss, "example_loss", far_row, "uses row[1], but row[-1] to row[0] exist"),
    (loss, "example_gradient", far_gradient, "uses row[-2]"),
    (loss, "example_hessian", far_matrix, "uses out[1]"),
    (loss, "example_fisher", far_matrix, "uses out[1]"),
    (loss, "draw", far_draw, "uses z[1], but z[-1] to z[0] exist"),
    (with_sample, "sample", far_sample, "uses z[2], but z[-2] to z[1] exist: len(z) = 2"),
    (with_update, "update", far_update, "uses g[2], but g[-2] to g[1] exist: len(g) = 2"),
    (with_advance, "advance", far_advance, "uses z[0], but z is empty"),
    (with_observe, "observe", far_observe, "uses acc[2], but acc[-2] to acc[1] exist"),
    (with_update, "update", far_in_a_helper, "uses xi[2], but xi[-2] to xi[1] exist"),
    (own, "energy", undefined_energy, "uses the name 'nowhere', which is not defined"),
    (with_update, "update", undefined_later, "uses the name 'nowhere', which is not defined"),
    (with_sample, "sample", calls_undefined, "uses the name 'nowhere', which is not defined"),
    (with_observe, "observe", undefined_observe, "uses the name 'nowhere', which is not defined"),
    (with_update, "update", missing, "uses p.rate, but params hold only a"),
    (own, "energy", by_name, "uses p['a']. Write p.a"),
    (loss, "example_loss", by_column, "uses row.label, but a view has row[k] and len(row)"),
    (with_update, "update", by_slice, "uses g[slice(None, None, None)], but an index must be"),
    (own, "energy", by_number, "uses x[0.0], but an index must be a whole number"),
    (with_sample, "sample", of_a_view, "uses x.sum, but a view has x[k] and len(x)"),
]


def made(maker, role, function):
    """The record, or run, with a bad function."""
    if maker not in (own, loss):
        return maker(function)
    return maker(**{role: function} | ({"draw_normals": 1} if role == "draw" else {}))


@pytest.mark.parametrize(("maker", "role", "function", "message"), SLIPS)
def test_a_slip_is_refused_with_its_line(maker, role, function, message):
    with pytest.raises(ValueError) as caught:
        made(maker, role, function)
    said = str(caught.value)
    assert said.startswith(f"{role} of 'own' {message}"), said
    assert "test_bad_functions.py, line " in said and "    " in said.splitlines()[-1]


def test_memory_that_was_not_asked_for_is_not_there():
    with pytest.raises(
        ValueError, match="'own' uses v, but has no memory. Give its record memory="
    ):
        with_update(far_memory)


def test_an_array_of_p_is_not_gone_beyond():
    message = "update of 'own' goes beyond an array of p: index 2 is out of bounds for axis 0"
    with pytest.raises(ValueError, match=message):
        run(ls.Dynamics("own", far_parameter, {"rates": [0.1, 0.1]}))


# ---- results that are added to, or not written ---------------------------------------------------


def adds(p, x, out):
    out[0] = x[0]
    out[1] += p.a * x[1]


def adds_sample(p, x, z, out):
    out[0] = z[0]
    out[1] += p.a * z[1]


def adds_row(p, x, row, out):
    out[0] = x[0] - row[0]
    out[1] += p.a


def adds_draw(p, z, row):
    row[0] = z[0]
    row[1] += z[0]


def leaves(p, x, *more):
    more[-1][0] = x[0]


def leaves_on_one_side(p, x, *more):
    out = more[-1]
    out[0] = x[0]
    if x[0] > 0.0:
        out[1] = x[1]


def matrix(p, x, out):
    for k in range(4):
        out[k] = 1.0


def adds_behind(p, x, z, out):
    """Scratch numbers are free, but hold nothing to begin with."""
    out[2] += z[0]
    out[0], out[1] = out[2], z[1]


def scratch_sample(p, x, z, out):
    """The twin: what is written first may be read, and scratch may be left alone."""
    out[3] = z[0]
    out[0], out[1] = out[3], 0.0
    out[1] += z[1] - 0.5


WIDE = {"dim": 2, "energy": lambda p, x: 0.5 * (x[0] * x[0] + x[1] * x[1])}
RESULTS = [
    (lambda f: own(**WIDE, gradient=f), "gradient", adds, leaves),
    (lambda f: own(**WIDE, gradient=gradient, drift=f), "drift", adds, leaves_on_one_side),
    (lambda f: own(**WIDE, gradient=gradient, hessian=f), "hessian", adds, leaves),
    (lambda f: loss(dim=2, example_gradient=f), "example_gradient", adds_row, leaves),
    (lambda f: loss(dim=2, example_hessian=f), "example_hessian", adds_row, leaves),
    (lambda f: loss(dim=2, example_fisher=f), "example_fisher", adds_row, leaves_on_one_side),
    (lambda f: loss(data=[[1.0, 2.0]], draw=f, draw_normals=1), "draw", adds_draw, draw),
    (with_sample, "sample", adds_sample, leaves),
    (lambda f: with_sample(f, scratch_per_component=1), "sample", adds_behind, leaves),
]


@pytest.mark.parametrize(("make", "role", "adding", "leaving"), RESULTS)
def test_a_result_is_written_whole_and_depends_on_nothing_that_was_there(
    make, role, adding, leaving
):
    with pytest.raises(ValueError, match=rf"{role} of 'own' gives another \w+\[[01]\] if"):
        make(adding)
    with pytest.raises(ValueError, match=rf"{role} of 'own' does not write \w+\[1\], which"):
        make(leaving)


def test_a_factor_gets_zeros():
    assert (with_field(leaves).x[..., 1] == 0.0).all()


def test_what_is_written_first_may_be_added_to():
    assert with_sample(scratch_sample, scratch_per_component=1).x.notnull().all()


# ---- random numbers from elsewhere ---------------------------------------------------------------

generator, gauss = np.random.default_rng(0), random.gauss


def in_a_helper_of_a_helper(y):
    return y + np.random.normal()


def drawn(*more):
    return in_a_helper_of_a_helper(more[1][0])


RANDOM = {
    "np.random.normal": lambda *args: args[1][0] + np.random.normal(),
    "random.random": lambda *args: args[1][0] + random.random(),
    "generator": lambda *args: args[1][0] + generator.normal(),
    "gauss": lambda *args: args[1][0] + gauss(0.0, 1.0),
}
ROLES = [
    *((own, role) for role in ("energy", "gradient", "hessian", "drift")),
    *((loss, f"example_{role}") for role in ("loss", "gradient", "hessian", "fisher")),
    *((loss, "draw"), (with_sample, "sample"), (with_update, "update"), (with_advance, "advance")),
    *((with_observe, "observe"), (with_reached, "reached"), (with_field, "factor")),
]


@pytest.mark.parametrize(("maker", "role"), ROLES)
def test_random_numbers_of_other_libraries_are_refused_in_every_role(maker, role):
    with pytest.raises(ValueError, match=f"^{role} of .* uses np.random.normal, whose"):
        made(maker, role, drawn)


@pytest.mark.parametrize("name", RANDOM)
def test_random_numbers_are_refused_whatever_they_are_called(name):
    with pytest.raises(ValueError, match=f"^energy of 'own' uses {name}, whose numbers"):
        own(energy=RANDOM[name])


# ---- arguments -----------------------------------------------------------------------------------


def swapped(x, p):
    return p.a * x[0]


def with_a_default(p, x, out, k=2.0):
    out[0] = k * x[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: ls.Dynamics("own", far_advance, {"a": 1.0}),
            r"update of 'own' must take the arguments \(p, x, v, g, xi, z\), got \(p, x, v, g, z\)",
        ),
        (
            lambda: loss(draw=energy, draw_normals=1),
            r"draw of 'own' must take the arguments \(p, z, row\), got \(p, x\)",
        ),
        (
            lambda: own(energy=swapped),
            r"energy of 'own' must take \(p, x\) in this order, got \(x, p\)",
        ),
        (
            lambda: own(gradient=with_a_default),
            r"without defaults, got \(p, x, out, k=2.0\). Put k into params and read p.k",
        ),
    ],
)
def test_wrong_arguments_are_named(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_right_arguments_pass():
    assert loss(draw=draw, draw_normals=1).draw is draw
    assert ls.GradientNoise("own", sample, {"a": 1.0}, 1).sample is sample
