"""The parts of langevin_proper.py about SGD: heavy ball as Langevin dynamics, and minibatches in
it."""

import numpy as np
import xarray as xr
from _langevin_parts import T, energy, gradient, landscape, looks
from _orders import fitted_order, measured, over_particles

import langevin_sgd as ls
from langevin_sgd.engine.reducers.readings import labelled

MU, REGIMES = 0.9, {"overdamped": 0.001, "critical": (1 - np.sqrt(0.9)) ** 2, "underdamped": 0.02}
MOMENTA = [0.1, 0.3, 0.5, 0.7, 0.9]
METHOD = "leimkuhler_matthews"  # exact in a bowl, so that what is left is the batches'
SAMPLINGS = ["with_replacement", "without_replacement", "reshuffle", "single_shuffle"]
RATES, EXAMPLES, BATCH, SPREAD = [0.03, 0.045, 0.07, 0.1], 12, 2, 2.0


def example_loss(p, x, row):
    return energy(p, x) + row[0] * x[0]


def example_gradient(p, x, row, out):
    gradient(p, x, out)
    out[0] = out[0] + row[0]


def tilted(quartic):
    """U = x^2/2 + quartic x^4/4 as the mean of a table of tilts of variance SPREAD."""
    row = np.linspace(-1, 1, EXAMPLES)[:, None]
    row *= np.sqrt(SPREAD / (row**2).mean())
    params = {"h": 1.0, "quartic": quartic}
    return ls.Loss("tilted", example_loss, example_gradient, params, row, 1)


def chain(stiffness, mu, steps, numbers):
    """Positions (steps + 1, particles) of stationary heavy-ball SGD with momentum mu in a bowl of
    learning rate times curvature `stiffness`."""
    process = ls.theory.linear_sgd(1.0, 1.0, stiffness, momentum=mu)
    burn = round(12 / (1 - float(ls.theory.spectral_radius(process))))
    moves, noise = ls.dynamics.sgd(stiffness, momentum=mu), ls.noise.gaussian([1.0])
    about = {"particles": numbers.particles // 5, "threads": numbers.threads, "seed": numbers.seed}
    run = ls.simulate(landscape(1.0), moves, noise, steps=burn, **about)
    run = ls.simulate(landscape(1.0), moves, noise, steps=steps, every=1, **about | {"x0": run})
    return process, run.x.values[..., 0]


def discriminant(x):
    """a^2 + 4 b of x'' = a x' + b x + noise, by regression on paths (steps, particles), and its
    standard error: the roots of the chain are complex where it is negative."""
    design = np.stack([x[1:-1].ravel(), x[:-2].ravel()], axis=1)
    inverse = np.linalg.inv(design.T @ design)
    a, b = inverse @ (design.T @ x[2:].ravel())
    noise = (x[2:].ravel() - design @ (a, b)).var()
    slope = np.array([2 * a, 4.0])
    return a * a + 4 * b, np.sqrt(noise * slope @ inverse @ slope)


def regime(name, numbers):
    """Autocorrelation of the chain in one regime, exact and of Langevin dynamics."""
    stiffness, lags = REGIMES[name], 10 * np.arange(1, 13)
    process, x = chain(stiffness, MU, lags[-1], numbers)
    own = (x[0] ** 2).mean()
    ratio = x[0] * x[lags] / own
    spread = ratio - ratio.mean(axis=1, keepdims=True) * x[0] ** 2 / own
    pair = ratio.mean(axis=1), spread.std(axis=1, ddof=1) / np.sqrt(x.shape[1])
    data = measured("correlation", "lag", pair, "autocorrelation of x")
    data |= measured("discriminant", (), discriminant(x), "a^2 + 4 b")
    exact = ls.theory.autocovariance(process, int(lags[-1]))[:, 0, 0]
    data["exact_correlation"] = labelled("lag", exact[lags] / exact[0], "exact autocorrelation")
    limit = ls.theory.underdamped_limit(stiffness, MU)
    roots = np.roots([1.0, limit.friction, 1 / limit.mass]).astype(complex)
    fast, slow = roots + np.array([-1e-9, 1e-9])  # apart, where they meet
    decay = np.exp(np.outer(lags * stiffness, [fast, slow])) @ [-slow, fast] / (fast - slow)
    data["langevin_correlation"] = labelled("lag", decay.real, "that of Langevin dynamics")
    data["exact_discriminant"] = labelled((), (1 + MU - stiffness) ** 2 - 4 * MU, "exact a^2 + 4 b")
    return xr.Dataset(data).assign_coords(lag=lags)


def onset(mu, numbers):
    """Where heavy ball begins to oscillate: the root of a line through measured discriminants."""
    exact = (1 - np.sqrt(mu)) ** 2
    scan = exact * np.linspace(0.9, 1.1, 5)
    found = [discriminant(chain(stiffness, mu, 12, numbers)[1]) for stiffness in scan]
    value, error = np.transpose(found)
    line, covariance = np.polyfit(scan - exact, value, 1, w=1 / error, cov="unscaled")
    root = -line[1] / line[0]
    slope = np.array([-root / line[0], -1 / line[0]])
    pair = exact + root, np.sqrt(slope @ covariance @ slope)
    data = measured("onset", (), pair, "learning rate x curvature where the roots meet")
    data["exact_onset"] = labelled((), exact, "(1 - sqrt mu)^2")
    data["langevin_onset"] = labelled((), (1 - mu) ** 2 / (2 * (1 + mu)), "of Langevin dynamics")
    return xr.Dataset(data)


def batch_bias(sampling, quartic, numbers):
    """What minibatches add to <x^2> of Langevin dynamics, at step sizes, from runs with the same
    thermal noise; relative to Boltzmann's."""
    model, rates = tilted(quartic), np.array(RATES[::3] if numbers.quick else RATES)
    about = {"particles": numbers.particles // 10, "seed": numbers.seed, "x0": [0.0]}
    boltzmann = ls.theory.boltzmann_density(landscape(1.0, quartic), T).second_moment.item()
    pairs, exact = [], []
    for rate in rates:
        every = 6 * round(1.2 / rate / 6) + 1  # shares no factor with the steps of an epoch
        options = about | {"steps": 66 * every, "every": every, "threads": numbers.threads}
        plain, noisy = (
            ls.simulate(model, ls.dynamics.langevin(T, rate, batch, METHOD), noise, **options)
            for batch, noise in ((1, None), (BATCH, ls.noise.minibatch(sampling)))
        )
        plain, noisy = (looks(run, rate, 7)[0] for run in (plain, noisy))
        pairs.append(over_particles((noisy**2 - plain**2)[-60:] / boltzmann))
        exact.append(exact_batch_variance(sampling, rate, numbers.heat) / T)
    bias, error = np.transpose(pairs)
    data = measured("batch_bias", "rate", (bias, error), "relative bias of <x^2> by batches")
    data |= measured("batch_order", (), fitted_order(rates, bias, error), "order in the step")
    if not quartic:
        data["exact_batch_bias"] = labelled("rate", exact, "exact relative bias of <x^2>")
    order = fitted_order(rates, np.array(exact), error)[0]
    data["exact_batch_order"] = labelled((), order, "order of the exact bias in a bowl")
    return xr.Dataset(data).assign_coords(rate=rates)


def exact_batch_variance(sampling, rate, heat):
    """What batches of the table add to <x^2> in a bowl of curvature 1; heat: of a planted run."""
    about = 1.0, SPREAD, rate, BATCH
    if sampling == "reshuffle":
        return ls.theory.epoch_covariance(*about, EXAMPLES).mean() / heat
    if sampling == "single_shuffle":
        return float(ls.theory.single_shuffle_covariance(*about, EXAMPLES)[0, 0]) / heat
    kept = 1.0 if sampling == "with_replacement" else (EXAMPLES - BATCH) / (EXAMPLES - 1)
    return kept * float(ls.theory.stationary_covariance(*about)[0, 0]) / heat
