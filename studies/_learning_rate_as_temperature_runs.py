"""The runs of learning_rate_as_temperature.py."""

import numpy as np
import xarray as xr
from _learning_rate_as_temperature_data import BOUND, landscapes, lowest, start
from _learning_rate_as_temperature_exact import boltzmann_energy, exact, ridge

import langevin_sgd as ls

BINS, TOP, WIDTH = 40, 8.0, 9.0  # of the energy, in units of T; of all that is left of the ridge
COLD = (0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05)  # rates of runs from the local minimum
PATIENCE = 3000  # their steps
LAG = 5  # steps between which a covariance decays


def simulated(name, rate, steps, burn, x0, particles, seed, threads, plant):
    """One run, and the temperature that the rate is said to be."""
    land = landscapes()[name]
    temperature = float(ls.theory.sgd_temperature(land.sigma, rate, land.batch))
    low, often = lowest(name), max(1, round(0.1 / (rate * land.stiffest)))
    x0 = start(name, temperature, particles, np.random.default_rng(seed)) if x0 is None else x0
    counted = [ls.reducers.energy(low, low + TOP * temperature, BINS, every=often, start=burn)]
    if name == "quadratic":
        counted += [ls.reducers.displacement([1, 400], start=burn)]
        counted += [ls.reducers.autocovariance([0, LAG], start=burn)]
    if name == "two minima":
        counted += [ls.reducers.histogram(ridge() - WIDTH, ridge(), 1, start=burn, name="left")]
    batch, noise = land.batch, ls.noise.minibatch()
    if name == "O-rings":
        batch = batch // 2 if plant else batch
    else:
        noise = ls.noise.gaussian(land.sigma * (2 if plant else 1))
    moves, options = ls.dynamics.sgd(rate, batch), {"seed": seed, "threads": threads}
    options |= {"particles": particles, "x0": x0, "steps": steps, "reducers": counted}
    return ls.simulate(land.model, moves, noise, **options), temperature


def point(name, rate, quick, seed, threads, plant):
    """The stationary law at one rate, beside Boltzmann's."""
    time = landscapes()[name].time / (10 if quick else 1)
    steps, particles = round(1.05 * time / rate), 4096
    given = None, particles, seed, threads, plant
    run, temperature = simulated(name, rate, steps, round(0.05 * time / rate), *given)
    law, here = exact(name, rate), lowest(name)
    found = {"learning_rate": rate, "temperature": temperature, "energy": run.energy_mean - here}
    found |= {"variance": run.energy_variance, "boltzmann": boltzmann_energy(name, temperature)}
    found |= {f"exact_{key}": value for key, value in law._asdict().items() if key != "remembered"}
    for key in ("energy_mean", "energy_variance"):
        short = key.removesuffix("_mean").removeprefix("energy_")
        found[f"{short}_standard_error"] = run[f"{key}_standard_error"]
    if name == "two minima":
        found |= {"fraction": WIDTH * run.left_density[0]}
        found["fraction_standard_error"] = WIDTH * run.left_density_standard_error[0]
    if name == "quadratic":
        found |= speeds(run, rate)
    numbers = {key: float(value) for key, value in found.items()}
    histogram = [run.energy_density, run.energy_density_standard_error]
    return xr.Dataset(numbers).assign(
        density=("bin", histogram[0].values * temperature),
        density_standard_error=("bin", histogram[1].values * temperature),
    )


def speeds(run, rate):
    """Of the quadratic, per step: mean square displacement, diffusion along the flat direction, and
    relaxation time along the first; each with its error and its exact value."""
    found = {}
    moved, error = (
        run.displacement_mean_square_total,
        run.displacement_mean_square_total_standard_error,
    )
    kept = 1.0 - rate * BOUND
    found |= with_exact("step", moved[0], error[0], rate**2 * (1 + np.sum(2 / (1 + kept))))
    steps = 2 * int(run.displacement_step[1])
    moved, error = run.displacement_mean_square, run.displacement_mean_square_standard_error
    found |= with_exact("diffusion", moved[1, 2] / steps, error[1, 2] / steps, rate**2 / 2)
    after = run.isel(autocovariance_lag=1, component=0)
    ratio, error = after.autocovariance_correlation, after.autocovariance_correlation_standard_error
    time = -LAG / np.log(ratio)
    error = time**2 / LAG * error / ratio
    return found | with_exact("relaxation", time, error, -1 / np.log(kept[0]))


def with_exact(name, value, error, law):
    """Entries of a dataset."""
    return {name: value, f"{name}_standard_error": error, f"exact_{name}": law}


def cold(rate, quick, seed, threads, plant):
    """The share of the particles that PATIENCE steps bring from the local minimum to the global
    one's side, beside that of the stationary law and of one that relaxes to it exponentially."""
    particles = 2_000 if quick else 40_000
    given = PATIENCE, PATIENCE - 8, [1.0], particles, seed, threads, plant
    run, temperature = simulated("two minima", rate, *given)
    boltzmann = ls.theory.basin_populations(landscapes()["two minima"].model, temperature)
    law, share = exact("two minima", rate), WIDTH * float(run.left_density[0])
    error = np.sqrt(max(share * (1 - share), 1 / particles) / particles)
    relaxed = law.fraction * (1 - law.remembered**PATIENCE)
    return xr.Dataset(
        {
            "cold_rate": rate,
            "cold_temperature": temperature,
            "cold_fraction": share,
            "cold_fraction_standard_error": error,
            "relaxed_fraction": relaxed,
            "stationary_fraction": law.fraction,
            "boltzmann_fraction": float(boltzmann.population[0]),
        }
    )
