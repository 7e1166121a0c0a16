"""The second part of step_and_start.py: one law from three starts."""

import numpy as np
from _runner import described, mean_and_error, with_error
from _step_and_start_limit import LANDSCAPES, NOISES, SYMPTOMS, T0, of_law

import langevin_sgd as ls

STARTS = ["left", "right", "spread"]
TIMES = np.array([1, 2, 4, 6, 10, 15, 20, 30, 45, 60])
READINGS = ["occupation of the right well", *SYMPTOMS]
RATE = 0.1


def _reading(model, x):
    """Of particles (n, 2): mean and standard error of each reading."""
    energy = ls.evaluate(model, x, "energy")
    return mean_and_error(np.stack([x[:, 0] > 0, energy, x[:, 1] ** 2], axis=1))


def from_starts(particles, seed, threads, plant):
    """Readings of particles from three starts against time, nested R-hat between them, and whether
    their budgets close; anisotropic noise in the double well."""
    model, noise = (
        LANDSCAPES["double well"],
        ls.noise.gaussian(2 * T0 / RATE * NOISES["anisotropic"]),
    )
    law = ls.theory.transfer_operator(model, 2 * T0 / RATE * NOISES["anisotropic"], RATE)
    exact = np.append(0.5, of_law("double well", law))
    spread = np.random.default_rng(seed).uniform(-2, 2, size=(particles, 2))
    starts = [np.broadcast_to(side * np.array([1.0, 0.8]), (particles, 2)) for side in (-1, 1)]
    steps = np.round(TIMES / RATE).astype(int)
    given = {"particles": 3 * particles, "x0": np.concatenate([*starts, spread]), "seed": seed}
    given |= {"steps": int(steps[-1]), "every": int(np.gcd.reduce(steps)), "threads": threads}
    moves = ls.dynamics.sgd(RATE, 1)
    weak = ls.noise.gaussian(T0 / RATE * NOISES["anisotropic"])
    run = ls.simulate(model, moves, weak if plant else noise, **given)
    groups = [slice(k * particles, (k + 1) * particles) for k in range(3)]
    rows, between, budgets = [], [], []
    for step in steps:
        until = run.sel(step=[0, step])
        x = until.x.values[-1]
        rows.append([_reading(model, x[of]) for of in groups])
        owner = np.repeat(np.arange(3), particles)
        mixed = ls.analysis.rhat(until, method="nested", superchains=owner)
        between.append([mixed.rhat.values.max(), mixed.p_value.values.min()])
        each = [
            ls.analysis.temperature_budget(until.isel(particle=of), model, noise=noise)
            for of in groups
        ]
        budgets.append([float(one.p_value) for one in each])
    readings, (rhat, p_value) = np.moveaxis(rows, 2, 0), np.transpose(between)
    dims, words = ("time", "start", "reading_name"), "mean over the particles of one start"
    found = with_error("reading", dims, readings, "1, energy, length^2", words) | {
        "reading_exact": (dims[2:], exact, "1, energy, length^2", "exact value of the law"),
        "rhat": (("time",), rhat, "1", "largest nested R-hat between the starts"),
        "p_value": (("time",), p_value, "1", "least p-value of equal means"),
        "budget_p_value": (dims[:2], np.array(budgets), "1", "p-value of a closed budget"),
    }
    coords = {"time": TIMES, "start": STARTS, "reading_name": READINGS}
    return described(found).assign_coords(coords)
