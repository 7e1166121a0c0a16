"""The simulations of stability_atlas.py, each beside its exact value: SGD on fresh examples without
label noise, so that only the distance from the minimum moves a particle."""

import warnings

import numpy as np
from _runner import described, mean_and_error, with_error
from _stability_exact import chain_mean, isotropic_growth, second_moments

import langevin_sgd as ls

SIDES = np.array([0.95, 1.05])  # of an edge, in its units
MOMENTS = {2: 2, 1: 4, 0: 60}  # the moment of |w - w*| that is looked at, and after which steps
SPECTRA = {"isotropic": np.ones(64), "1/k": 1 / np.arange(1, 65)}
BETWEEN = 1.0  # a rate between the edges of B = 1: 0.667, 1.052, 2.421
SHARPENING_RATE, SKIPPED, GAP = 0.05, 4_000, 200  # steps until it is stationary; between readings


def moved(curvatures, rate, numbers, seed, threads, plant, batch=1, momentum=0.0):
    """w - w* (readings, particles, d) from (1, ..., 1), in numbers = (particles, steps, every); a
    planted step has twice the noise variance."""
    particles, steps, every = numbers
    noise = ls.noise.online_regression(curvatures * (np.sqrt(2) if plant else 1), 0.0)
    given = ls.potentials.quadratic(curvatures), ls.dynamics.sgd(rate, batch, momentum), noise
    options = {"particles": particles, "steps": steps, "every": every, "threads": threads}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of rates above a threshold, which are wanted
        run = ls.simulate(*given, x0=np.ones(len(curvatures)), seed=seed % 2**64, **options)
    return run.x.values


def edges(batch, quick, seed, threads, plant):
    """One dimension: growth of three moments on either side of their edges, whole numbers of the
    variables (moment, side)."""
    rows = []
    for power, steps in MOMENTS.items():
        particles = 400_000 if power else 50_000 if quick else 200_000
        edge = float(ls.theory.lyapunov_edge(1.0, batch, power))
        for side in SIDES:
            key = 1009 * seed + round(1e4 * edge * side) + batch
            numbers = particles, steps, steps
            given = edge * side, numbers, key, threads, plant, batch
            x = np.abs(moved(np.ones(1), *given)[-1, :, 0])
            exact = chain_mean(edge * side, batch, power) ** (steps if power else 1)
            if power:
                square = chain_mean(edge * side, batch, 2 * power) ** steps
                value, error = np.mean(x**power), np.sqrt((square - exact**2) / particles)
            else:
                value, error = mean_and_error(np.log(x) / steps)
            rows.append([edge, value, error, exact])
    table = np.reshape(rows, (len(MOMENTS), len(SIDES), 4))
    dims = "moment", "side"
    values = with_error("grown", dims, (table[..., 1], table[..., 2]), "1", "moment, or mean log")
    values |= {
        "exact_grown": (dims, table[..., 3], "1", "exact"),
        "edge": ("moment", table[:, 0, 0], "1", "learning rate times curvature at the edge"),
    }
    return described(values)


def between(quick, seed, threads, plant):
    """B = 1, between the edges: what samples of a second moment that doubles in each step see."""
    particles, steps = (20_000, 30) if quick else (200_000, 40)
    x = moved(np.ones(1), BETWEEN, (particles, steps, 1), 1009 * seed + 7, threads, plant)[..., 0]
    square, time = x**2, np.arange(steps + 1)
    exact = chain_mean(BETWEEN, 1, 2) ** time
    sizes = [n for n in (100, 1_000, 10_000, 100_000) if n <= particles // 20]
    lost = []
    for n in sizes:
        shown = square.reshape(steps + 1, -1, n).mean(axis=2)  # of samples of n particles
        behind = shown < exact[:, None] / 2
        lost.append(np.quantile(behind.argmax(axis=0), [0.25, 0.5, 0.75]))
    values = {
        "time": ("time", time, "steps", "step"),
        "second": ("time", exact, "1", "exact second moment"),
        "second_seen": ("time", square.mean(axis=1), "1", f"of {particles} particles"),
        "median": ("time", np.median(square, axis=1), "1", "median of the square"),
        "sample": ("sample", sizes, "1", "particles of a sample"),
        "lost": (("sample", "quartile"), lost, "steps", "first below half the second moment"),
    }
    return described(values)


def directions(spectrum, batch, momentum, quick, seed, threads, plant):
    """64 directions: |w - w*|^2 and its typical growth on either side of the threshold."""
    curvatures = SPECTRA[spectrum]
    threshold = ls.theory.regression_threshold(curvatures, batch, momentum)
    numbers, rows = (200 if quick else 1_000, 100, 100), []
    for side in SIDES:
        key = 1009 * seed + round(1e6 * threshold * side) + batch
        more = {"batch": batch, "momentum": momentum}
        x = moved(curvatures, threshold * side, numbers, key, threads, plant, **more)[-1]
        square = np.sum(x**2, axis=1) / len(curvatures)
        exact = second_moments(curvatures, threshold * side, batch, momentum, numbers[1]).mean()
        rows.append([*mean_and_error(square), exact, *mean_and_error(np.log(square) / 200)])
    table = np.array(rows)
    values = with_error("square", "side", table[:, :2].T, "1", "mean of |w - w*|^2 / 64")
    values |= with_error("typical", "side", table[:, 3:].T, "1/step", "mean of log |w - w*|")
    known = spectrum == "isotropic" and momentum == 0
    exact = isotropic_growth(threshold * SIDES, 64, batch) if known else np.nan
    values |= {
        "exact_square": ("side", table[:, 2], "1", "exact"),
        "exact_typical": ("side", exact * np.ones(2), "1/step", "exact, where it is known"),
        "threshold": ((), threshold, "1", "learning rate at the mean-square threshold"),
    }
    return described(values)


def sharpened(sharpening, sigma, quick, seed, threads, plant):
    """The landscape whose curvature grows: its three exact identities, and the gap to 2/eta."""
    rate, (particles, readings) = SHARPENING_RATE, (1_000, 10) if quick else (16_000, 20)
    noise = ls.noise.gaussian([(2 if plant else 1) * sigma**2, 0.0])
    given = ls.potentials.edge_of_stability(sharpening), ls.dynamics.sgd(rate), noise
    options = {"particles": particles, "steps": SKIPPED + readings * GAP, "every": GAP}
    options |= {"seed": (1009 * seed + round(1e4 * sharpening + 10 * sigma)) % 2**64}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it starts at the edge, and it warns
        run = ls.simulate(*given, x0=[0.1, 2 / rate], threads=threads, **options)
    x, y = np.moveaxis(run.x.values[SKIPPED // GAP + 1 :], -1, 0)
    square, off = x**2, y - 2 / rate
    extra = off**2 * square + 2 * (square / 2 - sharpening) ** 2
    samples = {
        "square": (square, 2 * sharpening),
        "balance": ((2 * off + rate * off**2) * square, -rate * sigma**2),
        "gap": (off + rate * extra / (4 * sharpening), -rate * sigma**2 / (4 * sharpening)),
        "off": (off, np.nan),
    }
    values = {"lost": ((), int((run.status != 0).sum()), "1", "particles that left")}
    for name, (sample, exact) in samples.items():
        found = mean_and_error(sample.mean(axis=0))  # over the readings of each particle
        values |= with_error(name, (), found, "1", name) | {f"exact_{name}": ((), exact, "1", name)}
    return described(values)
