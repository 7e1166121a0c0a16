"""No built-in text takes the slow path. `pytest -s` prints ns per particle and path for every model
at d = 2, 3, 8 and 64.
"""

import time
import warnings

import numba
import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd.kernels.bits import JIT
from langevin_sgd.kernels.compiling import for_lanes
from langevin_sgd.kernels.packing import empty_groups, pack
from langevin_sgd.kernels.views import GatheredRowType, row_type, view_type
from langevin_sgd.models import evaluate as evaluation

pytestmark = pytest.mark.skipif(not JIT, reason="interpreted Python has one path only")
DIMENSIONS = (2, 3, 8, 64)
PARTICLES = 1024


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
    """Path of the gradient's text for views of this model's dimension."""
    at, label = view_type(model.dim), f"gradient of {model.name!r}"
    if isinstance(model, ls.Loss):
        columns = model.data.shape[1]
        for row in (row_type(columns), GatheredRowType(columns)):
            _, path = for_lanes(
                model.example_gradient, label, (numba.typeof(model.params), at, row, at)
            )
        return path
    return for_lanes(model.gradient, label, (numba.typeof(model.params), at, at))[1]


def nanoseconds(model):
    """Time of one gradient per particle, of a loss per particle and example."""
    x = pack(np.random.default_rng(0).normal(size=(PARTICLES, model.dim)))
    out, text = (
        empty_groups(len(x), model.dim),
        model.gradient if isinstance(model, ls.Potential) else model.example_gradient,
    )
    label, p, at = f"gradient of {model.name!r}", model.params, view_type(model.dim)
    if isinstance(model, ls.Loss):
        columns = model.data.shape[1]
        text, _ = for_lanes(text, label, (numba.typeof(p), at, row_type(columns), at))
        arguments = p, x, out, model.data, empty_groups(1, model.dim)
        run, count = (
            evaluation._mean_kernel(text, model.dim, model.dim, columns),
            PARTICLES * len(model.data),
        )
    else:
        text, _ = for_lanes(text, label, (numba.typeof(p), at, at))
        arguments, run, count = (
            (p, x, out),
            evaluation._potential_kernel(text, model.dim, model.dim),
            PARTICLES,
        )
    run(*arguments)
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        run(*arguments)
        times.append(time.perf_counter() - begun)
    return 1e9 * min(times) / count


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_every_model_runs_in_lanes(dim):
    for model in models(dim):
        kind = "matrix" if "hessian" in model.params._fields else ""
        path = gradient_path(model)
        print(
            f"\nd = {dim:2d}  {model.name:20s} {kind:6s} {path:6s} {nanoseconds(model):8.2f} ns "
            "per particle and gradient",
            end="",
        )
        assert path == "lanes"


def test_every_noise_and_dynamics_runs_in_lanes():
    at, none = view_type(3), view_type(0)
    for noise in (ls.noise.gaussian(np.ones(3)), ls.noise.gaussian(np.eye(3) + 0.2)):
        kinds = numba.typeof(noise.params), at, view_type(noise.normals), at
        assert for_lanes(noise.sample, f"sample of {noise.name!r}", kinds)[1] == "lanes"
    dynamics = [
        ls.dynamics.sgd(0.1, weight_decay=w, momentum=m) for w in (0.0, 0.1) for m in (0.0, 0.5)
    ]
    dynamics += [
        ls.dynamics.sgd(0.1, momentum=0.5, nesterov=form) for form in ("torch", "lookahead")
    ]
    dynamics += [
        ls.dynamics.langevin(0.1, 0.1, method=method)
        for method in ("euler_maruyama", "leimkuhler_matthews")
    ]
    for one in [*dynamics, ls.dynamics.underdamped_langevin(0.1, 1.0, 0.1)]:
        p, memory, normals = (
            numba.typeof(one.params),
            at if one.memory else none,
            at if one.normals else none,
        )
        assert (
            for_lanes(one.update, f"update of {one.name!r}", (p, at, memory, at, at, normals))[1]
            == "lanes"
        )
        if one.advance:
            assert (
                for_lanes(one.advance, f"advance of {one.name!r}", (p, at, memory, at, normals))[1]
                == "lanes"
            )


def test_a_text_that_branches_is_seen_to_be_slow():
    """The twin: the same check finds the slow path."""

    def energy(p, x):
        return abs(x[0])

    def gradient(p, x, out):
        out[0] = 1.0 if x[0] > 0 else -1.0

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert gradient_path(ls.Potential("kink", energy, gradient, None, 1)) == "column"
