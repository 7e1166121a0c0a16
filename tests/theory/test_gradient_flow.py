"""Gradient flow against closed forms, and gradient descent against it."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose as close
from refusals import refusal
from scipy.linalg import expm

from langevin_sgd import evaluate, losses, potentials, theory

HESSIAN = np.array([[2.0, 0.7], [0.7, 1.0]])
TIMES = np.array([0.0, 0.1, 1.0, 3.0, 10.0])


def test_on_a_quadratic_it_is_the_matrix_exponential():
    """The twin: the flow of a curvature that is 1e-7 larger is rejected."""
    start = np.array([[1.0, 2.0], [-3.0, 0.1]])
    found = theory.gradient_flow(potentials.quadratic(HESSIAN), start, TIMES)
    exact = np.array([start @ expm(-HESSIAN * time) for time in TIMES])
    close(found, exact, atol=1e-9)
    other = theory.gradient_flow(potentials.quadratic(HESSIAN * (1 + 1e-7)), start, TIMES)
    assert np.abs(other - exact).max() > 3e-8


def test_in_a_double_well_it_has_its_closed_form():
    """x^-2 - 1 decays like exp(-8 barrier t), from near the barrier and from outside."""
    barrier, start = 0.7, np.array([[0.01], [1.7]])
    found = theory.gradient_flow(potentials.double_well(1, barrier=barrier), start, TIMES)
    decay = np.exp(-8 * barrier * TIMES)[:, None, None]
    close(found, 1 / np.sqrt(1 + (start**-2 - 1) * decay), atol=1e-9)


def test_of_a_loss_it_is_that_of_the_mean_over_the_table():
    centers = np.array([[1.0, 0.0], [3.0, 2.0]])
    loss = losses.quadratic_centers([2.0, 0.5], centers)
    end = theory.gradient_flow(loss, [0.0, 0.0], [1.0])
    close(end, [[2 - 2 * np.exp(-2.0), 1 - np.exp(-0.5)]], atol=1e-10)


def test_a_drift_is_followed():
    """Derivative of the path at its end, by central differences."""
    model = potentials.rotational_drift(0.5)
    before, now, after = theory.gradient_flow(model, [0.5, 0.8], [0.999, 1.0, 1.001])
    push = evaluate(model, now, "drift") - evaluate(model, now, "gradient")
    close((after - before) / 0.002, push, atol=1e-5)


def test_descent_departs_from_it_with_the_coefficient_of_flow_error():
    curvature, rate, steps = 1.5, 1e-4, np.array([2_000, 10_000])
    flow = theory.gradient_flow(potentials.quadratic([curvature]), [1.0], rate * steps)
    departure = (1 - rate * curvature) ** steps - flow[:, 0]
    close(departure, theory.flow_error(curvature, rate, rate * steps), 1e-3)


BOWL, CLIFF = potentials.quadratic([1.0, 1e6]), potentials.quadratic([-1e3])
REFUSED = [
    ((BOWL, [1.0, 1.0], 10.0), "too stiff"),
    ((CLIFF, [1e300], 1.0), "goes to infinity"),
    ((BOWL, [1.0], 10.0), "x0 must have the shape (..., 2)"),
    ((BOWL, [1.0, 1.0], [2.0, 1.0]), "times must be a row of increasing times"),
    ((BOWL, [1.0, 1.0], -1.0), "times must be >= 0"),
    ((losses.linear_regression_population([1.0], 1.0), [1.0], 1.0), "draws fresh examples"),
]


@pytest.mark.parametrize(("arguments", "reason"), REFUSED)
def test_refused_with_the_reason(arguments, reason, monkeypatch):
    module = sys.modules["langevin_sgd.theory.gradient_flow"]
    monkeypatch.setattr(module, "MOST_SLOPES", 3_000)
    assert reason in refusal(theory.gradient_flow, *arguments)
