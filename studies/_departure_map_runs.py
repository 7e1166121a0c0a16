"""The parts of departure_map.py: the exact map, and what is simulated beside it."""

from functools import cache

import numpy as np
import xarray as xr
from _departure_map_systems import (
    BATCHES,
    BOWL,
    CAUSES,
    CURVATURE,
    TEMPERATURES,
    WELL,
    border,
    exact_ledger,
    largest_cause,
    noise_of,
    sgd_at,
    turned,
)

import langevin_sgd as ls

ANGLES, HELD = [0.0, 45.0, 90.0], 0.3
# scale, batch size, anisotropy, angle: to either side of a border; and of other chains
BESIDE = {1: [(0.08, 1, HELD, 45.0), (0.13, 1, HELD, 45.0)]}
BESIDE[16] = [(0.02, 16, HELD, 45.0), (0.035, 16, HELD, 45.0)]
CHECKS = [*BESIDE[1], *BESIDE[16], (0.05, 1, 0.6, 0.0), (0.03, 16, HELD, 90.0)]
T, WELL_ANISOTROPY, WELL_RATES = 0.1, 0.5, [0.05, 0.1, 0.2, 0.3]
CONTRIBUTION = ["contribution", "contribution_standard_error"]
WELL_SYMPTOMS = ["energy", "kl", "kl_temperature", "kl_shape", *TEMPERATURES]
SYMPTOMS = [*TEMPERATURES, "energy", "kl", "kl_temperature", "kl_direction", "kl_rotation"]


def mapped(angle, quick):
    """The exact map at one angle."""
    scale = np.geomspace(0.004, 0.6, 3 if quick else 17)
    anisotropy = np.linspace(0.0, 0.9, 2 if quick else 10)
    shape = len(BATCHES), len(scale), len(anisotropy)
    total, cause = np.full(shape, np.nan), np.full(shape, -1)
    for place in np.ndindex(shape):
        batch, s, a = (axis[k] for axis, k in zip((BATCHES, scale, anisotropy), place, strict=True))
        part = exact_ledger(float(s), batch, float(a), angle).sel(symptom="kl")
        cause[place] = largest_cause(part)
        total[place] = part.total if cause[place] >= 0 else np.nan
    dims = "batch_size", "scale", "anisotropy"
    text = "number of the largest cause, -1 without a stationary second moment"
    found = xr.Dataset(coords={"scale": scale, "anisotropy": anisotropy})
    found["kl"] = dims, total, {"long_name": "KL from Boltzmann's law", "units": "nat"}
    found["cause"] = dims, cause, {"long_name": text, "units": "1"}
    along = np.geomspace(0.004, 0.3, 4 if quick else 25)
    rows = [exact_ledger(float(s), 1, HELD, angle).sel(symptom="kl") for s in along]
    held = [row.contribution.sel(rung=list(CAUSES)).values for row in rows]
    text = "what a cause adds to KL at the anisotropy that is held, B = 1"
    found["held"] = ("held_scale", "of_cause"), held, {"long_name": text, "units": "nat"}
    found = found.assign_coords(held_scale=along)
    borders = [border(batch, HELD, angle) for batch in BATCHES]
    text = "learning_rate/batch_size beyond which anisotropy is no more the largest cause"
    about = {"long_name": text, "units": "length^2/energy"}
    found["border"] = "batch_size", [root for root, _ in borders], about
    text = "number of the cause that is"
    found["beyond"] = (
        "batch_size",
        [cause for _, cause in borders],
        {"long_name": text, "units": "1"},
    )
    return found


def temperatures_at_end(run, model):
    return ls.analysis.equipartition(run.isel(step=-1), model)


def swept(quick, seed, threads, plant):
    """SGD itself on a grid: its temperature matrices, and those of the exact map."""
    grid = {"learning_rate": [0.05, 0.15], "anisotropy": [0.0, 0.6], "angle": ANGLES[:2]}

    def noise(anisotropy, angle):
        return noise_of(anisotropy, angle, np.sqrt(2) if plant else 1.0)

    def steps(learning_rate):
        return round(30 / learning_rate)

    count = {"particles": 4_000 if quick else 100_000, "steps": steps}
    about = {"grid": grid, "seed": seed, "threads": threads, "random_numbers": "independent"}
    about |= {"measure": temperatures_at_end}
    run = ls.sweep(BOWL, ls.dynamics.sgd, noise, **about, **count)
    exact = run.temperature.copy()
    for place in np.ndindex(*map(len, grid.values())):
        at = {name: axis[k] for (name, axis), k in zip(grid.items(), place, strict=True)}
        law = exact_ledger(at["learning_rate"], 1, at["anisotropy"], at["angle"])
        soft, cross, stiff = law.value.sel(rung="finite_rate", symptom=TEMPERATURES).values
        shared = 2 * cross / sum(CURVATURE)  # E[x_0 x_1]
        exact.loc[at] = [[stiff, shared * CURVATURE[1]], [shared * CURVATURE[0], soft]]
    kept = run[["temperature"]].assign(
        exact=exact, temperature_standard_error=run.temperature_standard_error
    )
    kept = kept.rename({name: f"swept_{name}" for name in kept})
    return kept.reset_coords(drop=True).drop_attrs(deep=False)


def chain(check, quick, seed, plant):
    """A simulated ledger of the bowl, and the exact one."""
    scale, batch, *noise = check
    noise, steps = noise_of(*noise, np.sqrt(2) if plant else 1.0), round(25 / scale / batch)
    plan = {"particles": 4_096 if quick else 65_536, "steps": steps, "exact": False, "seed": seed}
    found = ls.analysis.ledger(
        BOWL, sgd_at(scale, batch), noise, reference_point=[0.0, 0.0], **plan
    )
    exact = exact_ledger(*check)
    part = found.sel(rung=list(CAUSES), symptom=SYMPTOMS)[CONTRIBUTION]
    part["exact"] = exact.contribution.sel(rung=list(CAUSES), symptom=SYMPTOMS)
    return named(part, "chain")


def in_well(rate, quick, seed, plant):
    """The ledger of the double well at one temperature, and energies of its ends on grids."""
    sigma = turned(WELL_ANISOTROPY, 45.0, 2 * T / rate)
    particles = 4_096 if quick else 65_536
    x0 = np.where(np.arange(particles)[:, None] % 2, [1.0, 0.8], [-1.0, -0.8])
    plan = {"particles": particles, "steps": round(40 / rate), "seed": seed, "x0": x0}
    noise = ls.noise.gaussian(2 * sigma if plant else sigma)
    found = ls.analysis.ledger(WELL, ls.dynamics.sgd(rate), noise, **plan)
    found = found.sel(rung=["anisotropy", "finite_rate"], symptom=WELL_SYMPTOMS)
    values = found[[*CONTRIBUTION, "value", "value_standard_error"]]
    ends = (
        diffusion_in_well().mean_energy,
        ls.theory.transfer_operator(WELL, sigma, rate).mean_energy,
    )
    values["exact_energy"] = "rung", [float(end) for end in ends]  # of a bottom of 0
    return named(values, "well")


@cache
def diffusion_in_well():
    """Law of the overdamped diffusion in the well, which no rate changes."""
    return ls.theory.fokker_planck(WELL, turned(WELL_ANISOTROPY, 45.0, T), points=120)


def energy_of_boltzmann():
    return float(ls.theory.boltzmann_density(WELL, T).mean_energy)


def named(part, of):
    """Its variables and axes with the name of what they are of."""
    own = {name: f"{of}_{name}" for name in (*part, "rung", "symptom")}
    return part.drop_vars("unit").rename(own).drop_attrs(deep=False)
