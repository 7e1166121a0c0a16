"""Momentum as a running average, for momentum_rule.py: exponential against sliding window.

The seed: the window of the N latest values is "approximately (1 - 1/N) xhat_{t-1} + x_t/N", so that
"v_t = N eta gtilde_t". Corrected: exactly, xbar_t = xbar_{t-1} + (x_t - x_{t-N})/N; the seed puts
the mean for the forgotten x_{t-N}, an error as large as the term that is kept, x_t/N. What results
is another average: exponential, variance sigma^2/(2N - 1) against sigma^2/N and age N - 1 against
(N - 1)/2. v_t = N eta gtilde_t itself is an identity, for a constant eta and v = 0 at the start."""

import numpy as np
from _runner import Claim, agrees, described, mean_and_error, with_error

import langevin_sgd as ls

WINDOWS = np.array([2, 4, 8, 16, 32, 64])
KINDS = {"sliding window": lambda n: (1 / n, (n - 1) / 2)}  # variance, age
KINDS["exponential average"] = lambda n: (1 / (2 * n - 1), n - 1)


def window_mean(values, n):
    """Mean of the n latest of each time, from the n-th on."""
    total = np.cumsum(np.concatenate([np.zeros_like(values[:1]), values]), axis=0)
    return (total[n:] - total[:-n]) / n


def averages(quick, seed):
    """Variance of the average of white noise, and its age: how far it lags behind a ramp."""
    noise = np.random.default_rng(seed).normal(size=(10_000 if quick else 100_000, 64))
    times, rows = np.arange(len(noise))[:, None], []
    for n in WINDOWS:
        late = 25 * n
        for mean in (window_mean, lambda values, n: ls.theory.gradient_average(values, 1 - 1 / n)):
            still, moving = (mean(each, n)[late - len(noise) :] for each in (noise, noise + times))
            age = times[late:] - moving
            rows.append([mean_and_error(each.mean(axis=0)) for each in (still**2, age)])
    shape = len(WINDOWS), len(KINDS), 2
    variance, age = (np.reshape([row[k] for row in rows], shape) for k in (0, 1))
    exact = np.array([[kind(n) for kind in KINDS.values()] for n in WINDOWS])
    dims, values = ("window", "average"), {}
    for k, (name, pair, text) in enumerate((
        ("average_variance", variance, "variance of the average over that of one gradient"),
        ("age", age, "mean age of the averaged gradients in steps"),
    )):  # fmt: skip
        values |= with_error(name, dims, np.moveaxis(pair, -1, 0), "1", text)
        values[f"exact_{name}"] = dims, exact[..., k], "1", f"exact {text}"
    return described(values | identity(seed)).assign_coords(
        window=("window", WINDOWS, {"units": "1", "long_name": "N = 1/(1 - mu)"}),
        average=("average", list(KINDS), {"units": "1", "long_name": "kind of average"}),
    )


def identity(seed, rate=0.1, momentum=0.9, steps=400):
    """Largest departures from v = N eta gtilde, in units of the rms of v: in closed loop, on a
    double well; and after eta was halved or v started at 1, against what they must be."""
    random = np.random.default_rng(seed + 1)
    n, x, y = 1 / (1 - momentum), *np.ones((2, 1000))
    v, average, apart, size = 0 * x, 0 * x, [], []
    for noise in random.normal(size=(steps, len(x))):
        v = momentum * v + 0.1 * rate * (x**3 - x + noise)
        average = (1 - 1 / n) * average + (y**3 - y + noise) / n
        x, y = x - v, y - n * 0.1 * rate * average
        apart.append(np.abs(v - n * 0.1 * rate * average).max())
        size.append(np.mean(v**2))
    gradients, half = random.normal(size=(steps, 64)), np.arange(steps)[:, None] >= steps // 2
    average, rates = ls.theory.gradient_average(gradients, momentum), rate * (1 - half / 2)
    _, v = ls.theory.heavy_ball_path(rates * gradients, 1.0, momentum)
    off, age = v - n * rates * average, np.arange(1, steps // 2 + 1)[:, None]
    expected = n * rate / 2 * momentum**age * average[steps // 2 - 1]
    values = {"identity": max(apart) / np.sqrt(np.mean(size))}
    values["after_change"] = np.abs(off[steps // 2 :] - expected).max() / v.std()
    values["change"] = np.abs(off[steps // 2]).max() / v.std()
    text = {"identity": "v - N eta gtilde in closed loop", "change": "the same after eta is halved"}
    text["after_change"] = "the same less the old velocity that is still kept"
    return {name: ((), value, "1", f"{text[name]} over rms v") for name, value in values.items()}


def claims_of_averages(dataset):
    claims = [
        agrees(dataset, "average_variance", "variances of window 1/N and exponential 1/(2N-1)"),
        agrees(dataset, "age", "ages of window (N-1)/2 and exponential N-1"),
    ]
    off, change, after = (float(dataset[k]) for k in ("identity", "change", "after_change"))
    text = "v = N eta gtilde to rounding, in closed loop"
    claims.append(Claim(text, off < 1e-11, f"{off:.1g} of rms v after 400 steps"))
    text = "eta halved: off by the old velocity, which decays as mu^k"
    claims.append(Claim(text, change > 0.5 and after < 1e-11, f"by {change:.2g}, then {after:.1g}"))
    return claims
