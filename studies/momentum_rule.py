"""Does eta = (1 - mu) B eta0 make the temperature independent of momentum and batch size?

The seed: "a drag term mu v_{t-1} with frictional coefficient mu"; with eta = (1 - mu) B eta0 "the
temperature will be essentially determined by eta0 independent of the choice of the momentum
parameter mu or the batch size B". Here "essentially" is a number. Corrected: mu is what is KEPT of
v, friction is proportional to 1 - mu. "Momentum as a running average": see _momentum_average.py.

On quadratics of curvature h everything depends on mu and a = B eta0 h. Stationary: Var x = T/h
times 2 (1 + mu)/(2 (1 + mu) - (1 - mu) a), T = eta0 sigma^2/2. Transient: the mean loss against
examples seen, beside that of B = 1 and mu = 0; the departure is the largest distance of the two
curves, over the loss at the start, ten standard deviations out.

Run:  python studies/momentum_rule.py [--quick]
(writes out/momentum_rule.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _breakdown import LIMIT, of_curve, of_factor
from _momentum_average import averages, claims_of_averages
from _momentum_figure import plot
from _runner import Claim, agrees, described, in_memory, main, with_error
from scipy.optimize import brentq

import langevin_sgd as ls
from langevin_sgd.storage.provenance import provenance

BASE_RATE, SIGMA2, FAR, SHOWN = 0.02, 2.0, 10.0, 512  # eta0; of one example; start (sd); steps
T0 = float(ls.theory.sgd_temperature(SIGMA2, BASE_RATE))
SETTINGS = ((8, 0.0), (8, 0.5), (8, 0.9), (8, 0.99), (32, 0.0), (32, 0.9), (2, 0.9))  # B, mu
A, CURVE = np.geomspace(0.002, 1.8, 16), 9  # a = B eta0 h; the one whose loss curves are kept
FARTHEST = "largest distance of the loss curves over the loss at the start"


def rule(curvature, batch, momentum):
    """SGD under the rule in components of these curvatures, which know nothing of each other."""
    rate = ls.theory.momentum_learning_rate(BASE_RATE, batch, momentum)
    noise = SIGMA2 * np.ones(len(curvature))
    return ls.theory.linear_sgd(np.diag(curvature), noise, rate, batch, momentum)


def losses(a, batch, momentum):
    """Mean loss in units of T0/2 after each step (steps + 1, components), and that of B = 1 and mu
    = 0 after as many examples."""
    h = a / (batch * BASE_RATE)
    far = FAR * np.sqrt(T0 / h)
    means, spreads = ls.theory.evolve(rule(h, batch, momentum), far, steps=SHOWN)
    square = means**2 + np.diagonal(spreads, axis1=1, axis2=2)
    seen, still = batch * np.arange(SHOWN + 1)[:, None], 1 / (1 - BASE_RATE * h / 2)
    kept = (1 - BASE_RATE * h) ** (2 * seen)
    return h / T0 * square, FAR**2 * kept + still * (1 - kept)


def departure(a, batch, momentum):
    """Exact departure of each component, and the step at which it is."""
    curve, reference = losses(a, batch, momentum)
    apart = np.abs(curve - reference) / FAR**2
    return apart.max(axis=0), apart.argmax(axis=0)


def stationary(simulate, h, batch, momentum, n, random):
    """Variances from runs that start in Boltzmann's law, and the share of v kept on flat ground."""
    steps = int(np.log(0.02) / np.log(ls.theory.spectral_radius(rule(h, batch, momentum))))
    x0 = random.normal(size=(n, len(h) + 1)) * np.sqrt(T0 / np.append(h, 1.0))
    run = simulate(particles=n, steps=steps, every=steps - 1, x0=x0)
    ratio, kept = (run.x.values[-1, :, :-1] ** 2).mean(axis=0) * h / T0, (0.0, 0.0)
    if momentum:
        before, after = run.v.values[-2:, :, -1]
        kept = after @ before / (before @ before), np.sqrt((1 - momentum**2) / n)
    exact = 1 / (1 - (1 - momentum) * A / (2 + 2 * momentum))
    values = {"exact_ratio": ("a", exact, "1", "exact variance over T0/h")}
    values |= with_error("ratio", "a", (ratio, exact * np.sqrt(2 / n)), "1", "variance over T0/h")
    values["exact_kept"] = (), momentum, "1", "momentum mu"
    return values | with_error("kept", (), kept, "1", "share of v that is kept on flat ground")


def transient(simulate, h, batch, momentum, n):
    """Departures where the exact ones are largest, and the loss curves."""
    x0, columns = np.append(FAR * np.sqrt(T0 / h), 0.0), np.arange(len(A))
    x = simulate(particles=n, steps=SHOWN, every=1, x0=x0).x.values[..., :-1]
    loss = x**2 * h / T0
    curve, reference = losses(A, batch, momentum)
    exact, at = departure(A, batch, momentum)
    error = loss.std(axis=1, ddof=1)[at, columns] / np.sqrt(n) / FAR**2
    sign = np.sign(curve - reference)[at, columns] / FAR**2
    found = sign * (loss.mean(axis=1) - reference)[at, columns]
    values = {"exact_departure": ("a", exact, "1", f"exact {FARTHEST}")}
    values |= with_error("departure", "a", (found, error), "1", FARTHEST)
    for name, each in (("loss", loss.mean(axis=1)), ("exact_loss", curve), ("rule", reference)):
        text = f"mean loss over that at the start, a = {A[CURVE]:.2g}"
        values[name] = "step", each[:, CURVE] / FAR**2, "1", text
    return values


def setting(batch, momentum, quick, seed, threads, plant):
    h, variance = A / (batch * BASE_RATE), 2 * SIGMA2 if plant else SIGMA2
    moves = ls.dynamics.sgd((1 - momentum) * batch * BASE_RATE, batch, momentum)
    system = ls.potentials.quadratic(np.append(h, 0.0)), moves
    noise = ls.noise.gaussian(variance * np.ones(len(h) + 1))
    simulate = partial(ls.simulate, *system, noise, seed=seed, threads=threads)
    given, random = (simulate, h, batch, momentum), np.random.default_rng(seed)
    values = transient(*given, 100 if quick else 2000)
    return described(values | stationary(*given, 6_000 if quick else 60_000, random))


def breakdowns(dataset, k):
    """Where 5 % is reached, stationary and in the transient: exact, low and high."""
    (batch, mu), law = SETTINGS[k], dataset.isel(setting=k)
    exact = LIMIT / (1 + LIMIT) * 2 * (1 + mu) / (1 - mu)
    ratio = law.ratio.values, law.ratio_standard_error.values
    yield "stationary law", exact, *of_factor(A, *ratio)
    exact = brentq(lambda a: departure(np.array([a]), batch, mu)[0][0] - LIMIT, 1e-5, 0.3)
    yield "transient", exact, *of_curve(A, law.departure, law.departure_standard_error)


def claims_of(dataset):
    claims = [
        agrees(dataset, "ratio", "stationary variances are the exact ones, all B and mu"),
        agrees(dataset, "departure", "transients are the exact ones, all B and mu"),
        agrees(dataset.isel(setting=dataset.momentum > 0), "kept", "mu is what is kept of v"),
    ]
    for k, (batch, mu) in enumerate(SETTINGS[:3]):
        for name, exact, low, high in breakdowns(dataset, k):
            text = f"B = {batch}, mu = {mu}: {name} within 5 % up to a = B eta0 h = {exact:.3g}"
            claims.append(Claim(text, low < exact < high, f"{low:.3g} to {high:.3g}", (low, high)))
    return claims + claims_of_averages(dataset)


def run(quick, seed, threads, plant, each=in_memory):
    parts = {
        f"B {batch}, mu {mu}": partial(setting, batch, mu, quick, seed + k, threads, plant)
        for k, (batch, mu) in enumerate(SETTINGS)
    }
    found = each(parts | {"averages": partial(averages, quick, seed)})
    average, (batch, mu) = found.pop("averages"), np.transpose(SETTINGS)
    labels = {"batch_size": ("setting", batch, "1", "examples B of a batch")}
    labels |= {"momentum": ("setting", mu, "1", "momentum mu"), "a": ("a", A, "1", "a = B eta0 h")}
    settings = xr.concat(found.values(), "setting").assign_coords(setting=list(found))
    dataset = xr.merge([settings, average, described(labels)])
    return dataset.assign_attrs(provenance()), claims_of(dataset)


WORDS = {  # what is in the file, in words
    "setting": "batch size and momentum",
    "step": "steps done",
}


if __name__ == "__main__":
    main("momentum_rule", run, plot, WORDS)
