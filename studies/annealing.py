"""What does a temperature schedule do, and how low does slow cooling lead?

The seed: "It is common to train networks by starting hot and then reducing the learning rate so we
converge to a lower loss value. This is often called the temperature schedule of the training";
SGD moves "until it approximately reaches a global minimum". Corrected: it ends where it froze; the
final loss falls with slower cooling and never is the lowest one.

(a) A schedule of the rate, the batch size or the temperature: moments against exact ones. (b)
"Don't decay the learning rate, increase the batch size" (Smith et al. 2018): halving the rate or
doubling the batch, with the same T at the same time and after the same examples; what differs is
the discretisation. (c) Rate (and T with it) falling linearly to zero in n steps, on a rugged
landscape: final loss above the global minimum as a power of n, or of ln n (Huse and Fisher 1986,
for disordered systems)? Fits judged by chi^2 and AIC; and the exact curve at small rates, to n =
2^44.

Run:  python studies/annealing.py [--quick]
(writes out/annealing.nc and .png; --update-data renews data/)
"""

from functools import partial

import _annealing_landscape as rugged
import numpy as np
import xarray as xr
from _annealing_figure import plot
from _annealing_schedules import CHANGING, EVERY, STEPS, A, H, cooled, halved, moments
from _breakdown import LIMIT, of_curve
from _runner import Claim, agrees, described, in_memory, main, mean_and_error, with_error

import langevin_sgd as ls
from langevin_sgd.storage.provenance import provenance

HOT_STEPS = 2000  # at the first rate, before the cooling
WAYS = "rate", "batch"  # halved, doubled
EARLY, LATE = 2**12, 2**28  # laws of simulation and exact curve: from there on, at first sight


def cooling(steps, particles, factor, options):
    """Final loss above the lowest one, per coordinate: hot at first, then cooled in these steps."""
    rates = rugged.RATE * np.append(np.ones(HOT_STEPS), 1 - np.arange(steps) / steps)
    moves = ls.dynamics.sgd(ls.schedules.from_values(rates))
    noise = ls.noise.gaussian(factor * 2 * rugged.HOT / rugged.RATE * np.ones(rugged.DIM))
    given = {"x0": rugged.hot_start(particles, options["seed"]), "particles": particles, **options}
    model = rugged.landscape()
    run = ls.simulate(model, moves, noise, steps=len(rates), **given)
    energy = ls.evaluate(model, run.x.values[-1], "energy") / rugged.DIM - rugged.lowest()
    text = "final loss above the global minimum, per coordinate"
    return described(with_error("excess", (), mean_and_error(energy), "energy", text))


def exact_curve(steps, slices):
    """The same in the limit of small rates."""
    values = np.array([rugged.exact_excess(n, slices) for n in steps])
    text = "exact final loss above the global minimum at small rates, per coordinate"
    return described({"exact_excess": ("exact_steps", values, "energy", text)})


def claims_of_schedules(dataset):
    claims = [
        agrees(dataset, "mean", "a: means under all schedules are exact"),
        agrees(dataset, "variance", "a: variances under all schedules are exact"),
        agrees(dataset, "cooled", "b: variances of both ways to cool are exact"),
    ]
    last = dataset.isel(stage=-1)
    value, error = (last[k].values for k in ("cooled", "cooled_standard_error"))
    apart = value[1] / value[0] - 1
    wide = (apart + 1) * np.hypot(*(error / value))
    fine = np.geomspace(*dataset.a.values[[0, -1]], 25)
    rate, batch = (cooled(way, fine / rugged.RATE).spread[-1] for way in WAYS)
    exact = batch / rate - 1
    edge = np.exp(np.interp(LIMIT, exact, np.log(fine)))
    ends = of_curve(dataset.a.values, apart, wide)
    text = f"b: the larger batch is as cold within 5 % up to eta0 h = {edge:.3g}"
    number = f"{ends[0]:.3g} to {ends[1]:.3g}; {1 + apart[-1]:.2f} times as hot at {fine[-1]:.2g}"
    return [*claims, Claim(text, ends[0] < edge < ends[1], number, ends)]


def claims_of_cooling(dataset):
    n, excess, error = (dataset[k].values for k in ("steps", "excess", "excess_standard_error"))
    far, curve = dataset.exact_steps.values, dataset.exact_excess.values
    off = excess / np.exp(np.interp(np.log(n), np.log(far), np.log(curve))) - 1
    worst = (np.abs(off) - 4 * error / excess).max()
    number = f"at worst {100 * worst:.0f} % and 4 s.e. off"
    claims = [Claim("c: as at small rates within 25 %", worst < 0.25, number)]
    found = {law: rugged.fit(law, n, excess, error) for law in rugged.LAWS}
    number = ", ".join(f"{law}: p = {each.p_value:.1g}" for law, each in found.items())
    neither = max(each.p_value for each in found.values()) < 1e-3
    claims.append(Claim("c: over all coolings neither law fits", neither, number))
    slow = n >= EARLY
    if slow.sum() > 4:
        power, log = (rugged.fit(law, n[slow], excess[slow], error[slow]) for law in rugged.LAWS)
        holds = power.p_value > 1e-3 > log.p_value
        number = f"{power.exponent:.3f}, p = {power.p_value:.2g}; of ln n: {log.exponent:.2f}, p = "
        number += f"{log.p_value:.1g}; AIC apart {log.chi2 - power.chi2:.0f}"
        ends = power.exponent - 4 * power.error, power.exponent + 4 * power.error
        claims.append(Claim(f"c: from {EARLY} steps on a power of n fits", holds, number, ends))
    late = far >= LATE
    power, log = (
        rugged.fit(law, far[late], curve[late], 0.01 * curve[late]) for law in rugged.LAWS
    )
    number = f"exponents {log.exponent:.2f} (of ln n, off by {100 * log.worst:.1f} %), "
    number += f"{power.exponent:.3f} (of n, {100 * power.worst:.1f} %)"
    holds = log.worst < min(0.02, power.worst / 3)
    claims.append(Claim("c: from 2^28 steps on a power of ln n fits, of n not", holds, number))
    return claims


def run(quick, seed, threads, plant, each=in_memory):
    particles, factor, parts = 5_000 if quick else 100_000, 2 if plant else 1, {}
    steps = 2 ** np.arange(6, 15 if quick else 21, 2 if quick else 1)
    a = A[::4] if quick else A  # as many as of H, in one kernel with them

    def add(name, part, *setting):
        options = {"seed": seed + len(parts), "threads": threads}
        parts[name] = partial(part, *setting, factor=factor, options=options)

    for name, schedule in CHANGING.items():
        add(name, moments, name, schedule, particles)
    for way in WAYS:
        add(way, halved, way, a, particles)
    for n in steps.tolist():
        most = min(256, 2**19 // n) if quick else min(2048, 3 * 2**26 // n)
        add(f"cooling {n}", cooling, n, most)
    far = 2.0 ** np.arange(6, 45, 4 if quick else 2)
    parts["exact"] = partial(exact_curve, far, 50 if quick else 400)
    found = each(parts)
    dataset = xr.merge([
        xr.concat([found[name] for name in CHANGING], "schedule"),
        xr.concat([found[way] for way in WAYS], "way"),
        xr.concat([found[f"cooling {n}"] for n in steps], "steps"),
        found["exact"],
    ])  # fmt: skip
    axes = {
        "schedule": (list(CHANGING), "what changes"),
        "way": (list(WAYS), "what is changed"),
    }
    axes |= {"mark": (np.arange(EVERY, STEPS + 1, EVERY), "steps done"), "h": (H, "curvature")}
    axes |= {"a": (a, "eta0 h"), "steps": (steps, "steps of the cooling")}
    axes |= {"exact_steps": (far, "steps of the cooling, exact")}
    dataset = dataset.assign_coords(
        {k: (k, value, {"long_name": text, "units": "1"}) for k, (value, text) in axes.items()}
    )
    claims = claims_of_schedules(dataset) + claims_of_cooling(dataset)
    return dataset.assign_attrs(provenance()), claims


WORDS = {  # what is in the file, in words
    "stage": "number of the stage, from 0: how often T was halved",
}


if __name__ == "__main__":
    main("annealing", run, plot, WORDS)
