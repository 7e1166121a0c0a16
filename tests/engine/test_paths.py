"""No built-in function takes the slow path."""

import warnings

import numba
import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd.kernels.bits import JIT
from langevin_sgd.kernels.compiling import for_lanes
from langevin_sgd.kernels.views import GatheredRowType, row_type, view_type

pytestmark = pytest.mark.skipif(not JIT, reason="interpreted Python has one path only")
DIMENSIONS = (2, 3, 8, 64)


def models(dim):
    random = np.random.default_rng(dim)
    inputs, matrix = random.normal(size=(8, dim)), np.eye(dim) + 0.1
    return [
        ls.potentials.quadratic(np.ones(dim)),
        ls.potentials.quadratic(matrix),
        ls.potentials.double_well(dim, coupling=0.3),
        ls.losses.linear_regression(inputs, random.normal(size=8)),
        ls.losses.logistic_regression(inputs, random.integers(0, 2, 8)),
        ls.losses.quadratic_centers(matrix, inputs),
    ]


def gradient_path(model):
    """Path of the gradient's function for views of this model's dimension."""
    at, label, p = view_type(model.dim), f"gradient of {model.name!r}", numba.typeof(model.params)
    if model.data is None:
        return for_lanes(model.gradient, label, (p, at, at))[1]
    rows = (kind(model.data.shape[1]) for kind in (row_type, GatheredRowType))
    paths = {for_lanes(model.example_gradient, label, (p, at, row, at))[1] for row in rows}
    return " and ".join(paths)


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_every_model_runs_in_lanes(dim):
    for model in models(dim):
        assert gradient_path(model) == "lanes", (dim, model.name)


def test_every_noise_and_dynamics_runs_in_lanes():
    at, none, moves = view_type(3), view_type(0), ls.dynamics

    def runs_in_lanes(record, role, *kinds):
        kinds = numba.typeof(record.params), *kinds
        return for_lanes(getattr(record, role), record.name, kinds)[1] == "lanes"

    for noise in (ls.noise.gaussian(np.ones(3)), ls.noise.gaussian(np.eye(3) + 0.2)):
        assert runs_in_lanes(noise, "sample", at, view_type(noise.normals), at)
    dynamics = [moves.sgd(0.1, weight_decay=w, momentum=m) for w in (0.0, 0.1) for m in (0.0, 0.5)]
    dynamics += [moves.sgd(0.1, momentum=0.5, nesterov=form) for form in ("torch", "lookahead")]
    dynamics += [
        moves.langevin(0.1, 0.1, method=method)
        for method in ("euler_maruyama", "leimkuhler_matthews")
    ]
    for one in [*dynamics, moves.underdamped_langevin(0.1, 1.0, 0.1)]:
        memory, normals = at if one.memory else none, at if one.normals else none
        assert runs_in_lanes(one, "update", at, memory, at, at, normals)
        if one.advance:
            assert runs_in_lanes(one, "advance", at, memory, at, normals)


def test_a_function_that_branches_is_seen_to_be_slow():
    """The twin: the same check finds the slow path."""

    def energy(p, x):
        return abs(x[0])

    def gradient(p, x, out):
        out[0] = 1.0 if x[0] > 0 else -1.0

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert gradient_path(ls.Potential("kink", energy, gradient, None, 1)) == "column"
