"""Runs whose kernels the CUDA tests look at: in the rows of a covering table every pair of a model,
a dynamics and a noise occurs that go together; then functions of users, and each reducer.

The simulator runs them in interpreted Python, the PTX tests compile them."""

import numpy as np
from engine import test_bits
from engine import test_covering as catalogue

import langevin_sgd as ls

ELEMENTARY = "exp expm1 log log1p log_unit sin cos tanh sigmoid softplus sqrt"
FUNCTIONS = [getattr(ls.elementary, name) for name in ELEMENTARY.split()]
reducers, BATCH = ls.reducers, catalogue.BATCH
ALL_PAIRS = 10**6  # rows at most
ROWS = range(len(catalogue.covering_rows(ALL_PAIRS)))
OWN = tuple(test_bits.cases())
PRECISIONS = "float64", "float32"


def observe_work(p, acc, step, before, x, v, g, xi):
    """A user's reducer: work done in a step, kinetic energy weighted by time, and noise."""
    for k in range(len(x)):
        acc[0] += g[k] * (x[k] - before[k])
        acc[1] += step * v[k] * v[k] * p.half
        acc[2] += xi[k] * xi[k]


REDUCERS = {
    "work": lambda: reducers.Reducer("work", observe_work, {"half": 0.5}, 3),
    "weighted": lambda: reducers.Reducer("weighted", observe_bin, {}, 2, bins=(3,), weights=1),
    "moments": lambda: reducers.moments(),
    "histogram": lambda: reducers.histogram(-2.0, 2.0, 8),
    "plane": lambda: reducers.histogram(-2.0, 2.0, 8, (0, 1), name="plane"),
    "currents": lambda: reducers.currents(-2.0, 2.0, 8),
    "autocovariance": lambda: reducers.autocovariance([0, 2]),
    "virial": lambda: reducers.virial(),
    "gradient_noise": lambda: reducers.gradient_noise(),
    "energy": lambda: reducers.energy(0.0, 2.0, 8),
    "displacement": lambda: reducers.displacement([1, 2]),
    "rotation": lambda: reducers.rotation(every=2),
}


def observe_bin(p, acc, step, before, x, v, g):
    acc[0] = x[0] * x[0]
    acc[1] = step


def options_of(number):
    """The records of a row of the covering table, and what else `simulate` wants."""
    model_name, dynamics_name, noise_name = catalogue.covering_rows(ALL_PAIRS)[number]
    model, variants = catalogue.models()[model_name], catalogue.dynamics()[dynamics_name]
    dynamics = variants[number % len(variants)]
    return {
        "model": model,
        "dynamics": dynamics,
        "noise": catalogue.noises(model.dim)[noise_name],
        "particles": catalogue.PARTICLES,
        "steps": catalogue.STEPS,
        "x0": catalogue.START[:, : model.dim],
        "seed": 2**63 + number,
    }


def options_of_own(name):
    """As `options_of`, for a case of the test of bits: functions of users, schedules, leavers."""
    model, dynamics, noise, more = test_bits.cases()[name]
    records = {"model": model, "dynamics": dynamics, "noise": noise}
    x0 = test_bits.START[: catalogue.PARTICLES, : model.dim]
    if "escape_radius" in more:
        x0 = x0 / np.maximum(1.0, np.linalg.norm(x0, axis=1, keepdims=True))
    return options_of(0) | records | {"x0": x0, "steps": 20} | more


def options_with(name):
    """As `options_of`, with a reducer, over a double well."""
    return options_of(0) | {
        "model": catalogue.models()["double_well"],
        "dynamics": ls.dynamics.sgd(0.05, BATCH, 0.9),
        "noise": ls.noise.gaussian([1.0, 0.25]),
        "x0": catalogue.START[:, :2],
        "reducers": (REDUCERS[name](),),
    }
