"""Functions as data: what was compiled from a function is used again for the same content only."""

import types

import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd.kernels import elementary, functions
from langevin_sgd.kernels.bits import JIT, kernel
from langevin_sgd.kernels.compiling import compiled
from langevin_sgd.kernels.function_content import content

compiled_only = pytest.mark.skipif(not JIT, reason="is about compilation")
SOURCE = """
def helper(y):
    return K * y

def energy(p, x):
    return 0.5 * helper(x[0]) * x[0] * weights[0] * module.factor

def gradient(p, x, out):
    out[0] = helper(x[0]) * weights[0] * module.factor
"""


class Cell:
    """What a notebook cell defines, and changes later."""

    def __init__(self):
        self.module = types.ModuleType("module_of_the_users")
        self.module.factor = 1.0
        self.scope = {"K": 1.0, "weights": np.ones(1), "module": self.module}
        exec(SOURCE, self.scope)
        energy, gradient = self.scope["energy"], self.scope["gradient"]
        self.model = ls.Potential("cell", energy, gradient, {"none": 0.0}, 1)

    def a_global(self):
        self.scope["K"] = 2.0

    def a_helper(self):
        exec("def helper(y):\n    return 2.0 * y", self.scope)

    def an_array(self):
        self.scope["weights"][0] = 2.0

    def an_attribute(self):
        self.module.factor = 2.0

    def code(self):
        """What autoreload does."""
        other = {}
        exec(SOURCE.replace("K * y", "2.0 * y"), other)
        self.scope["helper"].__code__ = other["helper"].__code__

    def said(self):
        """Energy, gradient and the step of a run, at x = 1."""
        energy, gradient = (ls.evaluate(self.model, [1.0], name) for name in ("energy", "gradient"))
        run = ls.simulate(
            self.model, ls.dynamics.sgd(0.5), particles=1, steps=1, x0=[1.0], loss=True, seed=1
        )
        return float(energy), float(gradient[0]), float(run.x[-1, 0, 0]), float(run.loss[0, 0])


CHANGES = ["a_global", "a_helper", "an_array", "code"]
CHANGES += [pytest.param("an_attribute", marks=pytest.mark.slow)]


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_in_a_process_is_compiled_afresh(change):
    """Energy and gradient are of one model, before and after."""
    cell = Cell()
    assert cell.said() == (0.5, 1.0, 0.5, 0.5)
    getattr(cell, change)()
    assert cell.said() == (1.0, 2.0, 0.0, 1.0)


@compiled_only
def test_what_did_not_change_is_not_compiled_again():
    one, other = Cell(), Cell()
    assert compiled(one.model.energy) is compiled(other.model.energy)
    other.a_global()
    assert compiled(one.model.energy) is not compiled(other.model.energy)
    other.scope["K"] = 1.0
    assert compiled(one.model.energy) is compiled(other.model.energy)


def entry(function):
    inner = compiled(function)
    return kernel(lambda x: inner(x))


@compiled_only
def test_an_array_that_changes_while_it_is_compiled_does_not_count():
    """Types are compiled when they come: all from the numbers that were there."""
    scope = {"weights": np.ones(1)}
    exec("def f(x):\n    return weights[0] * x", scope)
    f = entry(scope["f"])
    scope["weights"][0] = 2.0
    assert f(3.0) == 3.0 and entry(scope["f"])(3.0) == 6.0


def closure(held):
    def outer(x):
        import math as m

        def inner(y):
            return held * y + elementary.exp(y) + m.pi + np.random.normal()

        return inner(x) + missing  # noqa: F821 what is not there is seen, too

    return outer


def test_what_a_function_reads_is_seen_in_closures_functions_in_it_and_modules():
    found = {read.path: read for read in functions.reads(closure(3.0))}
    assert found["held"].value == 3.0
    assert found["elementary.exp"].value is elementary.exp
    assert found["np.random.normal"].module == "numpy.random"
    assert found["missing"].value is functions.MISSING
    first = closure.__code__.co_firstlineno
    assert found["held"].line == first + 5 and found["missing"].line == first + 7
    assert content(closure(3.0)) != content(closure(4.0))


def test_a_copy_reads_what_it_is_told_to():
    def doubled(value):
        return 2.0 * value if isinstance(value, float) else value

    cell = Cell()
    copy = functions.copied(cell.scope["helper"], doubled)
    assert copy(3.0) == 6.0 and cell.scope["helper"](3.0) == 3.0
    whole = functions.copied(cell.scope["gradient"], doubled)
    out = np.empty(1)
    whole(None, np.ones(1), out)
    assert out[0] == 2.0  # the module's factor; a helper is copied by whoever converts it
