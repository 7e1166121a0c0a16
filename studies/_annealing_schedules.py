"""Schedules on quadratics, for annealing.py: exact moments beside simulated ones, and a batch that
grows beside a rate that falls."""

from typing import NamedTuple

import numpy as np
from _annealing_landscape import HOT, RATE
from _runner import described, with_error

import langevin_sgd as ls

H, SIGMA2, START = np.array([0.3, 1.0, 3.0]), np.array([2.0, 1.0, 0.5]), np.array([2.0, -1.0, 1.0])
STEPS, EVERY = 120, 5
CHANGING = {
    "rate / 10 each 40 steps": ls.schedules.step_decay(0.3, 0.1, 40),
    "rate a cosine": ls.schedules.cosine(0.3, 0.0, STEPS),
    "rate ~ 1/step": ls.schedules.inverse_time(0.3, 10.0),
    "batch x 4 each 40 steps": ls.schedules.step_decay(1, 4.0, 40),
    "temperature x 0.96 each step": ls.schedules.exponential(0.1, 0.96),
}
STAGES, STAGE, A = 5, 64, np.geomspace(0.02, 1.6, 10)  # steps of a stage at the first rate


def moments(name, schedule, n, factor, options):
    """Means and variances along one schedule, and the exact ones."""
    values = schedule.rule(np.arange(STEPS))
    if name.startswith("temperature"):
        moves, noise = ls.dynamics.langevin(schedule, 0.2), None
        process = ls.theory.langevin_process(np.diag(H), values, 0.2)
    else:
        rate, batch = (0.2, schedule) if name.startswith("batch") else (schedule, 1)
        moves, noise = ls.dynamics.sgd(rate, batch), ls.noise.gaussian(factor * SIGMA2)
        pair = (0.2, values) if name.startswith("batch") else (values, 1)
        process = ls.theory.linear_sgd(np.diag(H), SIGMA2, *pair)
    means, spreads = ls.theory.evolve(process, START)
    exact, spread = means[EVERY::EVERY], np.diagonal(spreads, axis1=1, axis2=2)[EVERY::EVERY]
    given = {"particles": n, "steps": STEPS, "every": EVERY, "x0": START, **options}
    x, dims = (
        ls.simulate(ls.potentials.quadratic(H), moves, noise, **given).x.values[1:],
        ("mark", "h"),
    )
    pairs = (x.mean(axis=1), np.sqrt(spread / n)), (x.var(axis=1), spread * np.sqrt(2 / n))
    found = {"exact_mean": (dims, exact, "length", "exact mean over particles")}
    found["exact_variance"] = dims, spread, "length^2", "exact variance over particles"
    found |= with_error("mean", dims, pairs[0], "length", "mean over particles")
    text = "variance over particles"
    return described(found | with_error("variance", dims, pairs[1], "length^2", text))


class Cooling(NamedTuple):
    """One way to halve T stage by stage."""

    rates: np.ndarray  # (steps,)
    batches: np.ndarray
    ends: np.ndarray  # steps done at the end of each stage
    spread: np.ndarray  # (steps + 1, curvatures): exact variances over T0/h


def cooled(way, curvatures):
    """By halving the rate, or by doubling the batch, from Boltzmann's law at T0 on."""
    halvings = np.arange(STAGES)
    length = STAGE * 2 ** (halvings if way == "rate" else 0 * halvings)
    rates = RATE / 2.0 ** (halvings if way == "rate" else 0 * halvings)
    batches = 2 ** (halvings if way == "batch" else 0 * halvings)
    rates, batches = np.repeat(rates, length), np.repeat(batches, length)
    start, noise = np.diag(HOT / curvatures), 2 * HOT / RATE * np.ones(len(curvatures))
    process = ls.theory.linear_sgd(np.diag(curvatures), noise, rates, batches)
    _, spreads = ls.theory.evolve(process, 0 * curvatures, start)
    spread = np.diagonal(spreads, axis1=1, axis2=2) * curvatures / HOT
    return Cooling(rates, batches, np.cumsum(length), spread)


def halved(way, a, n, factor, options):
    """Variances at the end of each stage, of bowls whose curvature is `a` over the first rate."""
    h = a / RATE
    cool = cooled(way, h)
    ends, exact = cool.ends, cool.spread[cool.ends]
    schedules = (ls.schedules.from_values(values) for values in (cool.rates, cool.batches))
    noise = ls.noise.gaussian(factor * 2 * HOT / RATE * np.ones(len(h)))
    x0 = np.random.default_rng(options["seed"]).normal(size=(n, len(h))) * np.sqrt(HOT / h)
    given = {"particles": n, "steps": int(ends[-1]), "every": STAGE, "x0": x0, **options}
    run = ls.simulate(ls.potentials.quadratic(h), ls.dynamics.sgd(*schedules), noise, **given)
    found = (run.x.sel(step=ends).values ** 2).mean(axis=1) * h / HOT
    dims, text = ("stage", "a"), "variance over T0/h at the end of each stage"
    values = {"exact_cooled": (dims, exact, "1", f"exact {text}")}
    values["updates"] = "stage", ends, "1", "updates until the end of a stage"
    return described(
        values | with_error("cooled", dims, (found, exact * np.sqrt(2 / n)), "1", text)
    )
