"""Is the learning rate a temperature?

The seed: "The learning rate can be interpreted as a temperature parameter. For larger learning
rates the particle bounces around the higher dimensional space faster. If we run for a long time at
a large learning rate we converge to a noisy (hot) stationary distribution with a high loss value.
At a lower learning rate we converge to a cooler stationary distribution with a lower loss value."
Yes, T = learning_rate tr(Sigma)/(2 d B), as long as the rate times the largest curvature is small:
here the mean loss is held against Boltzmann's at T, which needs no fit, and where it is off by 5 %
the law breaks: at 0.10 to 0.22 of that product in the five landscapes. "Faster" is three things: a
step grows like the rate and the diffusion per step like its square, while the relaxation takes
-1/log(1 - rate curvature) steps: at small rates the same time 1/curvature whatever the rate, 0.99
of it at rate 0.02, 0.78 at 0.4, each known to 0.14 % or better.

The seed: SGD moves "until it approximately reaches a global minimum". Corrected: at a constant rate
it reaches a stationary law, in which the global basin has its share, less than all of it and, where
it is the narrower one, less than half when hot; and when cold it does not reach that law in time.

Run:  python studies/learning_rate_as_temperature.py [--quick]
(writes out/learning_rate_as_temperature.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _breakdown import LIMIT
from _learning_rate_as_temperature_data import landscapes
from _learning_rate_as_temperature_exact import breaks, energy_density, exact_break
from _learning_rate_as_temperature_figure import plot
from _learning_rate_as_temperature_runs import BINS, COLD, PATIENCE, TOP, cold, point
from _runner import Claim, agreement, agrees, in_memory, main

from langevin_sgd.storage.provenance import provenance

UNITS = {"energy": "energy", "boltzmann": "energy", "temperature": "energy", "variance": "energy^2"}
UNITS |= {"step": "length^2", "diffusion": "length^2", "relaxation": "steps"}
UNITS |= {"cold_temperature": "energy"}


def with_breaks(dataset):
    """The departure from Boltzmann's mean energy, and where it breaks the limit."""
    departure = dataset.energy / dataset.boltzmann - 1
    error = dataset.energy_standard_error / dataset.boltzmann
    found = [
        [
            *breaks(
                *(
                    each.sel(landscape=name).values
                    for each in (dataset.learning_rate, departure, error)
                )
            ),
            exact_break(name),
        ]
        for name in dataset.landscape.values
    ]
    return dataset.assign(
        departure=departure,
        departure_standard_error=error,
        exact_departure=dataset.exact_energy / dataset.boltzmann - 1,
        breaks=(("landscape", "bound"), np.array(found)),
    ).assign_coords(bound=["low", "high", "exact"])


def claims_of(dataset):
    claims = []
    for name in dataset.landscape.values:
        land = dataset.sel(landscape=name)
        if name != "O-rings":
            for key in ("energy", "variance"):
                claims.append(agrees(land, key, f"{name}: {key} is exact at every rate"))
        first, error = float(land.departure[0]), 4 * float(land.departure_standard_error[0])
        text = f"{name}: at the rate {float(land.learning_rate[0]):g} Boltzmann's energy holds"
        edges = first - error, first + error
        number = f"departure {first:.4f}, allowed {LIMIT:g}"
        claims.append(Claim(text, max(np.abs(edges)) < LIMIT, number, edges))
        low, high, crossing = land.breaks.values
        stiffest = landscapes()[name].stiffest
        number = f"exactly at {crossing:.4f}" if crossing > 0 else "no exact value"
        number += f"; times the largest curvature {(low + high) / 2 * stiffest:.3f}"
        holds = low < crossing < high if crossing > 0 else bool(0 < low < high)
        claims.append(Claim(f"{name}: it breaks within the interval", holds, number, (low, high)))
    quadratic, wells = dataset.sel(landscape="quadratic"), dataset.sel(landscape="two minima")
    claims.append(law_of_energy(quadratic))
    claims += [agrees(quadratic, key, text) for key, text in SPEEDS.items()]
    text = "two minima: the share of the global basin is exact"
    claims.append(agrees(wells, "fraction", text))
    hot, error = float(wells.fraction[-1]), 4 * float(wells.fraction_standard_error[-1])
    text = "two minima: hot, the global basin holds less than half"
    claims.append(Claim(text, hot + error < 0.5, f"{hot:.4f}", (hot - error, hot + error)))
    share, error = (
        float(dataset.cold_fraction[0]),
        4 * float(dataset.cold_fraction_standard_error[0]),
    )
    law = float(dataset.stationary_fraction[0])
    text = f"two minima: cold, {PATIENCE} steps do not reach the law"
    number = f"{share:.4f} in the global basin, of {law:.4f}"
    claims.append(Claim(text, share + error < law / 10, number, (share - error, share + error)))
    return claims


SPEEDS = {
    "step": "quadratic: the square of a step grows like rate^2, exactly",
    "diffusion": "quadratic: along the flat direction D = rate^2 Sigma/2 per step",
    "relaxation": "quadratic: relaxation takes -1/log(1 - rate h) steps",
}


def law_of_energy(quadratic):
    """The claim that the histograms of the energy are those of two exact temperatures."""
    fine = (np.arange(BINS * 50) + 0.5) * TOP / BINS / 50
    exact = [
        energy_density(fine, rate).reshape(BINS, 50).mean(axis=1)
        for rate in quadratic.learning_rate.values
    ]
    often = np.array(exact) > 0.01
    z = (quadratic.density.values - exact) / quadratic.density_standard_error.values
    return agreement("quadratic: the law of the energy is exact, bin by bin", z[often], 0.0, 1.0)


def run(quick, seed, threads, plant, each=in_memory):
    """The first look has two of the landscapes, and every other rate."""
    few = slice(0, None, 2 if quick else 1)
    names = ("quadratic", "two minima") if quick else landscapes()
    rates = {name: landscapes()[name].rates[few] for name in names}
    parts = {f"{n} {r}": partial(point, n, r) for n, some in rates.items() for r in some}
    parts |= {f"cold {rate}": partial(cold, rate) for rate in COLD[few]}
    given = ((quick, seed + k, threads, plant) for k in range(len(parts)))  # independent points
    done = each({name: partial(parts[name], *next(given)) for name in parts})
    rows = [xr.concat([done[f"{n} {r}"] for r in some], "point") for n, some in rates.items()]
    dataset = xr.concat(rows, "landscape").assign_coords(landscape=list(rates))
    patient = xr.concat([done[f"cold {rate}"] for rate in COLD[few]], "cold_point")
    dataset = with_breaks(xr.merge([dataset, patient]))
    middles = (np.arange(BINS) + 0.5) * TOP / BINS
    dataset = dataset.assign_coords(bin=middles)
    for name, variable in dataset.variables.items():
        key = name.removeprefix("exact_").removesuffix("_standard_error")
        variable.attrs = {"long_name": name.replace("_", " "), "units": UNITS.get(key, "1")}
    return dataset.assign_attrs(provenance()), claims_of(dataset)


WORDS = {  # what is in the file, in words
    "landscape": "landscape that SGD moves in",
    "bound": "end of the interval, or the exact value",
    "bin": "energy above the lowest over T, middle of a bin",
    "point": "number of the learning rate, from 0: see learning_rate",
    "cold_point": "number of the cold learning rate, from 0: see cold_rate",
    "learning_rate": "learning rate of SGD",
    "temperature": "T = learning rate tr Sigma / (2 B d)",
    "energy": "mean energy above the lowest",
    "variance": "variance of the energy",
    "boltzmann": "mean energy above the lowest under exp(-U/T)",
    "fraction": "share of the global basin",
    "step": "mean square displacement of a step",
    "diffusion": "diffusion along the flat direction, per step",
    "relaxation": "relaxation time along the stiffest direction",
    "density": "density of the energy over T",
    "cold_rate": "learning rate of a cold run from the local minimum",
    "cold_temperature": "T of a cold run",
    "cold_fraction": "share of the global basin after a cold run",
    "relaxed_fraction": "share of the global basin if it relaxes exponentially, cold",
    "stationary_fraction": "exact share of the global basin in the stationary law, cold",
    "boltzmann_fraction": "share of the global basin under exp(-U/T), cold",
    "departure": "mean energy over Boltzmann's, less 1",
    "breaks": "learning rate at which the departure exceeds 5 %",
}


if __name__ == "__main__":
    main("learning_rate_as_temperature", run, plot, WORDS)
