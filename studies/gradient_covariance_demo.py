"""What is the covariance of the gradient, and is it the covariance of the parameters?

The first seed: "the diagonals Sigma_ii represent the independent variance of theta_i", then "A
Simple Demonstration", left blank. The demonstration: a straight line through the eleven points of
Anscombe's four data sets (1973), which have the same line, Hessian and loss, and through a twin,
the line and one residual of +-s at each point, for which Sigma = s^2 H exactly. Corrected: Sigma_ii
is the marginal variance of the gradient G_i. The covariance of theta under SGD is S, with H S + S H
- rate H S H = rate E[Sigma]/B: for small rates that of Sigma along each eigenvector of H, times
rate/(2 B h). So Sigma = c H is as anisotropic as H, while S is round.

Run:  python studies/gradient_covariance_demo.py [--quick]
(writes out/gradient_covariance_demo.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _anscombe import MOST, TABLES, gradients_at, ratio_of, ratio_with_error, table_of
from _gradient_covariance_figure import plot
from _runner import LARGEST_Z, Claim, agreement, described, in_memory, main, with_error

import langevin_sgd as ls
from langevin_sgd.storage.provenance import provenance

RATE, BATCH, START, ROUND = 0.01, 2, (1.6, 0.5), 1.1  # START is seen from the minimum
RATES = np.array([0.02, 0.04, 0.06, 0.08])  # of the twin, besides RATE
SHOWN = 400  # particles in the figure


def settled(name, rate, particles, seed, threads, plant):
    """Positions of SGD after more than ten relaxation times of the slower direction."""
    inputs, targets = table_of(name)
    loss, x0 = ls.losses.linear_regression(inputs, targets), np.linalg.lstsq(inputs, targets)[0]
    options = {"steps": round(16 / rate), "x0": x0, "seed": seed, "threads": threads}
    moves, noise = ls.dynamics.sgd(rate, BATCH // 2 if plant else BATCH), ls.noise.minibatch()
    return ls.simulate(loss, moves, noise, particles=particles, **options).x.values[-1]


def demonstration(name, *given):
    """Gradients of one table at the start and at the minimum, Sigma, and S beside it."""
    table, x = table_of(name), settled(name, RATE, *given)
    inputs, targets = table
    loss, minimum = ls.losses.linear_regression(*table), np.linalg.lstsq(*table)[0]
    places = {"start": minimum + START, "minimum": minimum}
    dataset = xr.merge([gradients_at(loss, at, place) for place, at in places.items()])
    hessian = ls.evaluate(loss, minimum, "hessian")
    curvature, basis = np.linalg.eigh(hessian)
    exact = ls.theory.least_squares_moments(*table, RATE, BATCH).covariance
    moved = x - x.mean(axis=0)
    products = moved[:, :, None] * moved[:, None, :]
    s = products.mean(axis=0), products.std(axis=0, ddof=1) / np.sqrt(len(x))
    data, matrix = np.full((MOST, 2), np.nan), ("component", "component_j")
    data[: len(inputs)] = np.column_stack([inputs[:, 1], targets])
    text, sigma = "variance of theta, steep over flat", dataset.covariance_minimum.values
    values = with_error("s", matrix, s, "length^2", "S: covariance of theta under SGD")
    values |= with_error("s_ratio", (), ratio_with_error(x, basis), "1", text)
    values |= {
        "s_exact": (matrix, exact, "length^2", "exact S"),
        "s_ratio_exact": ((), ratio_of(exact, basis), "1", f"exact {text}"),
        "sigma_ratio": ((), ratio_of(sigma, basis), "1", "variance of G, steep over flat"),
        "hessian": (matrix, hessian, "energy / length^2", "Hessian"),
        "basis": (("component", "mode"), basis, "1", "directions of the loss: flat, steep"),
        "curvature": ("mode", curvature, "energy / length^2", "curvature: flat, steep"),
        "minimum": ("component", minimum, "length", "the best line: height, slope"),
        "minimal_loss": ((), ls.evaluate(loss, minimum, "energy"), "energy", "its loss"),
        "data": (("example", "column"), data, "length", "t and y of the examples"),
        "theta": (("particle", "component"), x[:SHOWN], "length", "some particles of SGD"),
    }
    return dataset.merge(described(values))


def roundness(rate, *given):
    """How round S of the twin is at one learning rate."""
    inputs, targets = table_of("twin")
    basis = np.linalg.eigh(inputs.T @ inputs)[1]
    exact = ls.theory.least_squares_moments(inputs, targets, rate, BATCH).covariance
    text, measured = "variance of theta, steep over flat", settled("twin", rate, *given)
    values = with_error("twin_ratio", (), ratio_with_error(measured, basis), "1", text)
    values["twin_ratio_exact"] = (), ratio_of(exact, basis), "1", f"exact {text}"
    return described(values)


def claims_of(dataset):
    of = {name: dataset[name].values for name in dataset}
    apart = max(np.ptp(of[name], axis=0).max() for name in ("hessian", "minimum", "minimal_loss"))
    text = "the five tables have the same line, Hessian and loss"
    claims = [
        Claim(text, bool(apart < 0.005), f"at most {apart:.4f} apart, by Anscombe's rounding")
    ]
    off = 0.0
    for place in ("start", "minimum"):
        sigma, values, vectors = (
            of[f"{name}_{place}"] for name in ("covariance", "eigenvalues", "eigenvectors")
        )
        total = np.trace(sigma, axis1=1, axis2=2)
        off = max(off, np.abs(values.sum(axis=1) / total - 1).max())
        off = max(off, np.abs(np.swapaxes(vectors, 1, 2) @ vectors - np.eye(2)).max())
    text = "eigenvectors are orthogonal; eigenvalues add up to the variances of G_0 and G_1"
    claims.append(Claim(text, bool(off < 1e-13), f"to {off:.0e}"))
    twin = np.abs(of["covariance_minimum"][0] - 2 * of["minimal_loss"][0] * of["hessian"][0]).max()
    claims.append(Claim("twin: Sigma = s^2 H", bool(twin < 1e-12), f"to {twin:.0e}"))
    text = "S of SGD on all tables is the exact one"
    claims.append(agreement(text, of["s"], of["s_exact"], of["s_standard_error"]))
    ratio, error, sigma = (of[k] for k in ("s_ratio", "s_ratio_standard_error", "sigma_ratio"))
    wide = LARGEST_Z * error[0]
    interval, holds = (ratio[0] - wide, ratio[0] + wide), abs(ratio[0] - 1) < 0.05 + wide
    text = f"twin: steep over flat is {sigma[0]:.2f} in Sigma, and 1 in S within 5 %"
    claims.append(Claim(text, bool(holds), f"{ratio[0]:.3f} +- {error[0]:.3f} in S", interval))
    kappa = of["curvature"][:, 1] / of["curvature"][:, 0]
    off = np.abs(ratio * kappa / sigma - 1)
    worst = off.argmax()
    wide = LARGEST_Z * error[worst] * kappa[worst] / sigma[worst]
    text = "the ratio of S is that of Sigma over that of H, within 10 %"
    number = f"table {TABLES[worst]} is worst: off by {100 * off[worst]:.1f} +- {25 * wide:.1f} %"
    claims.append(Claim(text, bool(off[worst] < 0.1 + wide), number))
    z = float(np.abs((ratio - sigma) / error).min())
    text = "Sigma is not the covariance of theta: the ratios differ on every table"
    claims.append(Claim(text, z > 10, f"by {z:.0f} standard errors and more", z=z))
    return [*claims, *claims_of_twin(of, dataset.learning_rate.values)]


def claims_of_twin(of, rates):
    """Up to which learning rate S is round."""
    ratio, exact, error = (of[f"twin_ratio{end}"] for end in ("", "_exact", "_standard_error"))
    text = "twin: the roundness of S is exact at every learning rate"
    sides = [np.interp(ROUND, ratio + s * LARGEST_Z * error, rates) for s in (0, 1, -1)]
    number = f"at the learning rate {sides[0]:.3f}, exactly {np.interp(ROUND, exact, rates):.3f}"
    inside = sides[1] < np.interp(ROUND, exact, rates) < sides[2]
    broken = f"twin: S is {100 * (ROUND - 1):.0f} % wider along the steep direction"
    return [agreement(text, ratio, exact, error), Claim(broken, inside, number, tuple(sides[1:]))]


def run(quick, seed, threads, plant, each=in_memory):
    size, more = 20_000 if quick else 800_000, (threads, plant)
    parts = {n: partial(demonstration, n, size, seed + k, *more) for k, n in enumerate(TABLES)}
    for k, rate in enumerate(RATES, len(TABLES)):
        parts[f"twin at {rate}"] = partial(roundness, rate, size, seed + k, *more)
    found = each(parts)
    dataset = xr.concat([found[name] for name in TABLES], "table").assign_coords(table=TABLES)
    rates = xr.concat([found[f"twin at {rate}"] for rate in RATES], "learning_rate")
    dataset = dataset.assign_attrs(start=START).merge(rates.assign_coords(learning_rate=RATES))
    dataset = dataset.assign_coords(column=["t", "y"])
    labels = {"table": "table: the twin, and Anscombe's", "learning_rate": "learning rate"}
    for name, text in labels.items():
        dataset[name].attrs = {"long_name": text, "units": "1"}
    return dataset.assign_attrs(provenance()), claims_of(dataset)


WORDS = {  # what is in the file, in words
    "hessian": "Hessian of the mean loss",
    "learning_rate": "learning rate at which the twin's S is measured",
    "mode": "number of the eigenvector, from the smallest eigenvalue",
    "column": "column of the data",
    "example": "number of the example, from 0",
}


if __name__ == "__main__":
    main("gradient_covariance_demo", run, plot, WORDS)
