"""Exact values that were computed elsewhere, by their names, and what a simulation of one is.

The cases lie in tests/oracles_public.json. `_oracle_linear`, `_oracle_tables` and `_oracle_wells`
simulate those that a simulation can reach; `NOT_SIMULATED` says why the others are not."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _runner import mean_and_error

import langevin_sgd as ls

_FILE = Path(__file__).parents[1] / "tests" / "oracles_public.json"
CASES = {case["id"]: case for case in json.loads(_FILE.read_text(encoding="utf-8"))["cases"]}
NOT_SIMULATED = {  # cases, or groups of them
    "15_rng": "known answers of a generator: exact",
    "17_metrics": "distances between given laws: exact",
    "student_c03": "holds in the limit of small rates only",
    "student_c06": "holds in the limit of small rates only",
    "dw_multiplicative": "holds in the limit of small rates only; see dw_mult_eta005",
    "ema_equiv": "an identity of given gradients: exact",
    "null_critical": "critical values: exact",
    "hist_kl_bias": "a bias of histograms: exact",
    "power_5pct": "numbers of samples: exact",
    "power_1pct": "numbers of samples: exact",
}


class Simulation(NamedTuple):
    """One run of independent particles, and what is read from it."""

    model: Any
    dynamics: Any
    noise: Any
    steps: int
    readings: Any  # run -> {quantity: (samples (particle, ...), their exact mean)}
    options: dict = {}  # of `simulate`; x0 may be a function of particles and seed


def of_group(start):
    """Names of the cases whose group begins like this."""
    return [name for name, case in CASES.items() if case["group"].startswith(start)]


def both(name):
    """Inputs and expected values of a case."""
    return CASES[name]["inputs"], CASES[name]["expected"]


def products(x, y, exact):
    """Products of the components of x and y, whose mean is a matrix; of x with itself each once."""
    exact = np.asarray(exact, float)
    rows, columns = (
        np.triu_indices(len(exact)) if x is y else np.indices(exact.shape).reshape(2, -1)
    )
    return x[:, rows] * y[:, columns], exact[rows, columns]


def last(run):
    """Positions, and velocities or None, after the last step."""
    return run.x.values[-1], run.v.values[-1] if "v" in run else None


def scores(simulation, particles, seed, **options):
    """{quantity: z-scores} of one run: distances from the exact means in standard errors of the
    particles, which are independent."""
    model, moves, noise, steps, readings, own = simulation
    given = {"particles": particles, "steps": steps, "seed": seed} | own | options
    if callable(given.get("x0")):
        given["x0"] = given["x0"](particles, seed)
    run = ls.simulate(model, moves, noise, **given)
    if run.status.any():
        raise RuntimeError("particles left: these systems have all their particles in their law")
    found = {}
    for name, (samples, exact) in readings(run.astype(float)).items():
        mean, error = mean_and_error(np.asarray(samples, float))
        found[name] = np.ravel((mean - exact) / error)
    return found
