"""Runs of label_noise_valley.py: the exact laws of a step, and the drift along the valley."""

from functools import partial
from typing import NamedTuple

import numpy as np
from _runner import described, mean_and_error, with_error
from _valley import (
    LABELS,
    START,
    VALLEY,
    arc,
    conserved,
    curvature,
    imbalance,
    on_floor,
    slope_of_curvature,
)

import langevin_sgd as ls

EPS = np.finfo(float).eps
IMBALANCE = np.array([0.5, 1.0, 2.0, 4.0, 8.0])  # u^2 - v^2 where the drift is measured
HEAT, SIGMA, SLOW = 0.002, 0.05, 0.1  # temperature; sigma of the labels; rate times curvature


class Numbers(NamedTuple):
    """Sizes and what `simulate` is told; `noisy` is by what the noise is multiplied."""

    particles: int
    seed: int
    threads: int | None
    noisy: float

    def simulate(self, *records, seed=0, **more):
        own = {"particles": self.particles, "threads": self.threads}
        return ls.simulate(*records, seed=self.seed + seed, **(own | more))


def paths(numbers):
    """How far real paths are from the exact laws, in units of rounding: the machine's epsilon times
    the squares that are added. And of gradient flow from conserving q."""
    rate, momentum, off = 0.05, 0.9, []
    make = partial(numbers.simulate, VALLEY, x0=START, particles=64, steps=1000, every=1)
    noise = LABELS(0.3 * numbers.noisy)
    x = make(ls.dynamics.sgd(rate), noise).x.values
    q, pull = imbalance(x), np.diff(x[..., 1], axis=0) / x[:-1, :, 0]  # pull: rate r, up to a sign
    off.append(np.abs(q[1:] - q[:-1] * (1 - pull**2)) / (EPS * (x[:-1] ** 2).sum(axis=-1)))
    run = make(ls.dynamics.sgd(rate, momentum=momentum), noise)
    total, added = conserved(run.x.values, run.v.values, momentum), imbalance(run.v.values[1:])
    weight = (1 + momentum) / (1 - momentum)
    squares = run.x.values[:-1] ** 2 + weight * run.v.values[1:] ** 2
    expected = total[:-1] + weight * added
    off.append(np.abs(total[1:] - expected) / (EPS * squares.sum(axis=-1)))
    flow = imbalance(ls.theory.gradient_flow(VALLEY, START * [1.2, 1.0], np.linspace(0, 50, 11)))
    text = "largest distance from the exact law of a step, in units of rounding"
    values = {"off": ("law", [each.max() for each in off], "1", text)}
    shown = np.s_[::7, 0]
    values["pull"] = "shown", pull[shown] ** 2, "1", "(learning rate times residual)^2"
    values["fell"] = "shown", 1 - (q[1:] / q[:-1])[shown], "1", "by how much u^2 - v^2 fell"
    values["flow_off"] = (), np.ptp(flow) / flow[0], "1", "change of u^2 - v^2 along gradient flow"
    return described(values)


def clouds(numbers):
    """Particles that start in one point, under label noise and under isotropic noise: where they
    are, and q on the way."""
    rate, steps, values = 0.05, 1333, {}
    noises = LABELS(0.3 * numbers.noisy), ls.noise.gaussian(np.full(2, 0.05) * numbers.noisy**2)
    for name, noise in zip(("labels", "isotropic"), noises, strict=True):
        records = VALLEY, ls.dynamics.sgd(rate), noise
        x = numbers.simulate(*records, x0=START, steps=12 * steps, every=steps).x.values
        q = imbalance(x)
        pair = mean_and_error(q.T / q[0, 0])
        values |= with_error(f"{name}_balance", "time", pair, "1", f"mean u^2 - v^2, {name}")
        values[f"{name}_spread"] = "time", q.std(axis=1) / q[0, 0], "1", "its standard deviation"
        text = f"particles after {3 * steps} steps, {name}"
        values[f"{name}_x"] = ("particle", "component"), x[3, :300], "length", text
        if name == "labels":
            pair = mean_and_error(np.log(q[1] / q[0]))
            text = f"mean change of log(u^2 - v^2) in {steps} steps"
            values |= with_error("fall", (), pair, "1", text)
    values["elapsed"] = "time", rate * steps * np.arange(13), "1", "learning rate times steps"
    return described(values)


def drift(noise, numbers):
    """Mean motion along the valley per time at IMBALANCE, over sigma^2 rate/4 or T/2: minus dH/ds
    or minus d log H/ds, times 1/(1 - rate H/2)."""
    rows = []
    for k, q0 in enumerate(IMBALANCE):
        eta = SLOW / curvature(q0)
        if noise == "labels":
            steps, unit, residual = 400, eta * SIGMA**2 / 4, SIGMA**2
            force, spread = LABELS(SIGMA * numbers.noisy), unit * curvature(q0)
        else:
            steps, unit, residual, spread = round(0.1 / HEAT / eta), HEAT / 2, HEAT, HEAT
            force = ls.noise.gaussian(np.full(2, 2 * HEAT / eta) * numbers.noisy**2)
        random = np.random.default_rng([numbers.seed, k])
        start = on_floor(q0, 1 + np.sqrt(spread) * random.normal(size=numbers.particles))
        options = {"x0": start, "steps": steps, "seed": k}
        q = imbalance(numbers.simulate(VALLEY, ls.dynamics.sgd(eta), force, **options).x.values)
        formula = -slope_of_curvature(q) / (1 - eta * curvature(q) / 2)
        if noise == "isotropic":
            formula = formula / curvature(q)
        moved, error = mean_and_error((arc(q[1]) - arc(q[0])) / (eta * steps * unit))
        kept, kept_error = mean_and_error(q[1] / q0)
        shrinks = steps * eta**2 * residual / (1 - SLOW / 2)
        rows.append((moved, error, formula.mean(), kept, kept_error, np.exp(-shrinks)))
    table = np.transpose(rows)
    words = "mean motion along the valley per time, over rate sigma^2/4 or T/2"
    values = with_error("drift", "imbalance", table[:2], "1", words)
    values["drift_exact"] = "imbalance", table[2], "1", f"formula: {words}"
    values |= with_error("kept", "imbalance", table[3:5], "1", "u^2 - v^2 over its start")
    values["kept_exact"] = "imbalance", table[5], "1", "formula: u^2 - v^2 over its start"
    return described(values)
