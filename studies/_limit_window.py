"""The window 1 << N << 1/(eta h) of langevin_limit.py: sums of N steps from one point."""

import numpy as np
import xarray as xr
from _breakdown import LIMIT
from _runner import Claim, agreement
from scipy.optimize import brentq

import langevin_sgd as ls

RATE_H, START_FAR = 0.0005, 30.0  # eta h; x0, in deviations of the noise
LENGTHS = 2 ** np.arange(1, 11)  # N


def with_errors(name, dims, pair, text, units="1"):
    """A variable and its standard error."""
    about = {"long_name": text, "units": units}
    error = {"long_name": f"standard error: {text}", "units": units}
    return {name: (dims, pair[0], about), f"{name}_standard_error": (dims, pair[1], error)}


def window(particles, seed, threads, plant):
    """Sums of N steps from one point of a quadratic, with two-point noise: the mean over that of
    constant g, the variance over that of fresh noise, both less 1, and the excess kurtosis."""
    noise = ls.noise.two_point([np.sqrt(2) if plant else 1.0])
    bowl, moves, rows = ls.potentials.quadratic([1.0]), ls.dynamics.sgd(RATE_H), []
    for k, length in enumerate(LENGTHS.tolist()):
        options = {"particles": particles, "steps": length, "every": length, "x0": [START_FAR]}
        run = ls.simulate(bowl, moves, noise, seed=seed + k, threads=threads, **options)
        rows.append(sums_of(run.x.values[-1, :, 0] - START_FAR, length))
    value, error = np.moveaxis(np.array(rows), 1, 0)
    text = "mean and variance of the sum of N steps over those of the limit - 1, excess kurtosis"
    return xr.Dataset(with_errors("window", ("length", "moment"), (value, error), text))


def sums_of(move, length):
    """The three numbers and their standard errors, from moves of N steps."""
    n, centred = len(move), move - move.mean()
    second, fourth = (centred**2).mean(), (centred**4).mean()
    drift, noise = -START_FAR * RATE_H * length, RATE_H**2 * length
    kurtosis = fourth / second**2 - 3
    value = move.mean() / drift - 1, second / noise - 1, kurtosis
    spread = centred**4 / second**2 - 2 * (kurtosis + 3) * centred**2 / second
    errors = np.sqrt(second) / abs(drift), np.sqrt(kurtosis + 2) * second / noise, spread.std()
    return value, np.array(errors) / np.sqrt(n)


def exact_window(n=LENGTHS):
    """What `window` measures, for x' = a x - eta xi."""
    a = 1 - RATE_H
    second, fourth = ((1 - a ** (k * n)) / (1 - a**k) for k in (2, 4))
    mean = (1 - a**n) / (RATE_H * n) - 1
    return np.stack([mean, second / n - 1, -2 * fourth / second**2], axis=-1)


def agrees(dataset, name, exact, text):
    """`agreement` of a variable with exact values."""
    return agreement(text, dataset[name].values, exact, dataset[f"{name}_standard_error"].values)


def weighted(terms, value, error):
    """Coefficients of terms by weighted least squares, and the standard error of the first."""
    scaled = np.stack(terms, axis=1) / error[:, None]
    covariance = np.linalg.inv(scaled.T @ scaled)
    return covariance @ scaled.T @ (value / error), np.sqrt(covariance[0, 0])


def window_claims(dataset):
    """Excess kurtosis, where the window begins and ends, and the rate at which it closes."""
    value, error = dataset.window.values, dataset.window_standard_error.values
    claims = [agrees(dataset, "window", exact_window(), "sums of N steps: all moments are exact")]
    n, some = LENGTHS.astype(float), LENGTHS <= 256
    (slope,), wide = weighted([1 / n[some]], value[some, 2], error[some, 2])
    number, ends = f"{slope:.4f} +- {4 * wide:.4f}", (slope - 4 * wide, slope + 4 * wide)
    text = "two-point noise: the excess kurtosis is c/N, c = -2"
    claims.append(Claim(text, bool(ends[0] < -2 < ends[1]), number, ends))
    low = -ends[1] / LIMIT, -ends[0] / LIMIT
    terms = [n[some], n[some] ** 2]
    (slope, bend), wide = weighted(terms, -value[some, 1], error[some, 1])
    far = [LIMIT / (slope + side * wide + bend * LIMIT / slope) for side in (4, -4)]
    text = f"eta h = {RATE_H}: within 5 % from N (kurtosis) to N (variance)"
    number = f"{low[0]:.1f} ... {low[1]:.1f} to {far[0]:.0f} ... {far[1]:.0f}"
    claims.append(Claim(text, bool(low[1] < far[0]), number, (low[0], far[1])))
    end = brentq(lambda n: exact_window(n)[1] + LIMIT, 2, 1000) - 1
    exact = RATE_H * end / (2 / LIMIT)
    closes = RATE_H * far[0] / low[1], RATE_H * far[1] / low[0]
    text = "no N is within 5 % of both above the eta h of"
    number = f"{closes[0]:.5f} to {closes[1]:.5f}, exact {exact:.5f}, 0.05^2/2 = {LIMIT**2 / 2:.5f}"
    claims.append(Claim(text, bool(closes[0] < exact < closes[1]), number, closes))
    return claims
