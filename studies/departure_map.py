"""How far is SGD from Boltzmann's law, and which cause takes it there?

The seed: "The _temperature_ of SGD is often defined as the ratio between the learning rate and the
batch-size", and "we will also show that, for stochastic gradient descent, the stationary
distribution is not a Boltzmann distribution", which it never does. Here the departure is a map:
KL from exp(-U/T), T that of the noise at the minimum, over learning_rate/batch_size, the
anisotropy of Sigma and its angle to H, in a bowl of curvatures 1 and 0.2 with Gaussian noise
Sigma (1 + U(x)), and the share of each cause by `analysis.ledger`, exact. Corrected: the ratio does
not tell the departure, since the part of the finite rate grows with the learning rate alone; and
noise aligned with H ("Sigma ~ H") is not Boltzmann's: isotropic noise is. SGD itself is swept, and
whole chains are simulated, against the exact map; in a double well, where no second moments close,
the chain is simulated and its ends held against grids.

Run:  python studies/departure_map.py [--quick]
(writes out/departure_map.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _departure_map_figure import plot
from _departure_map_runs import (
    ANGLES,
    BESIDE,
    CHECKS,
    HELD,
    WELL_RATES,
    T,
    chain,
    diffusion_in_well,
    energy_of_boltzmann,
    in_well,
    mapped,
    swept,
)
from _departure_map_systems import BATCHES, CAUSES, UNITS, exact_ledger
from _runner import Claim, agreement, in_memory, main

from langevin_sgd.storage.provenance import provenance

RATIO = 0.05  # learning_rate / batch_size of the claim that it does not tell the departure
COMPENSATED = 0.05  # anisotropy that a finite rate takes back, at 90 degrees


def exact_claims(dataset):
    """What the exact map says."""
    small, double = (float(kl_of(scale, 1, 0.0, 0.0).total) for scale in (5e-4, 1e-3))
    order = np.log2(double / small)
    text = "isotropic noise: KL is of order 2 in the learning rate"
    claims = [Claim(text, bool(abs(order - 2) < 0.1), f"order {order:.3f}")]
    aligned = exact_ledger(1e-3, 1, 2 / 3, 0.0).total  # Sigma = (5/3) H at the minimum
    kl, limit = float(aligned.sel(symptom="kl")), -np.log(1 - 4 / 9) / 2
    text = "Sigma proportional to H is not Boltzmann's, at any rate"
    claims.append(
        Claim(text, bool(abs(kl - limit) < 0.01), f"KL {kl:.4f}, -log(1 - 4/9)/2 {limit:.4f}")
    )
    at = [float(kl_of(RATIO, batch, HELD, 45.0).total) for batch in BATCHES]
    text = f"the ratio eta/B = {RATIO} does not tell the departure: 45 degrees, B = 1 and 16"
    claims.append(Claim(text, bool(at[1] > 3 * at[0]), f"KL {at[0]:.4f} and {at[1]:.4f}"))
    energy = [exact_ledger(0.1, 1, 0.6, angle).sel(symptom="energy") for angle in ANGLES]
    most = max(abs(float(row.contribution.sel(rung="anisotropy"))) for row in energy)
    text = "anisotropy adds nothing to the mean energy of the bowl"
    claims.append(Claim(text, most < 1e-12, f"at most {most:.1e}"))
    a = COMPENSATED
    rate = 2 * a / (0.5 * (1 + a) - 0.1 * (1 - a))
    left = float(exact_ledger(rate, 1, a, 90.0).total.sel(symptom="kl_direction"))
    text = f"at 90 degrees a rate of {rate:.4f} takes back an anisotropy of {a}: one temperature"
    claims.append(Claim(text, abs(left) < 1e-12, f"KL of the directions {left:.1e}"))
    for batch, cause in zip(BATCHES, ("state_dependence", "finite_rate"), strict=True):
        row = dataset.sel(batch_size=batch)
        told = ", ".join(
            f"{value:.4g} at {angle:g}"
            for value, angle in zip(row.border.values, ANGLES, strict=True)
        )
        text = f"B = {batch}, anisotropy {HELD}: what follows beyond which eta/B is {CAUSES[cause]}"
        holds = np.all(row.beyond == list(CAUSES).index(cause))
        claims.append(Claim(text, bool(holds), f"{told} degrees"))
    return claims


def kl_of(*system):
    return exact_ledger(*system).sel(symptom="kl")


def measured_border(dataset, batch, cause):
    """The border between BESIDE, from simulated chains: a line in the logarithms of eta/B and of
    the ratio of the causes, and its error."""
    logs, lead, error = [], [], []
    for scale, *_ in BESIDE[batch]:
        both = dataset.sel(check=scale, chain_symptom="kl", chain_rung=["anisotropy", cause])
        logs.append(np.log(scale))
        size = np.abs(both.chain_contribution.values)
        lead.append(float(np.diff(np.log(size))[0]))
        error.append(float(np.linalg.norm(both.chain_contribution_standard_error / size)))
    span, gap = logs[1] - logs[0], lead[1] - lead[0]
    value = float(np.exp(logs[0] - lead[0] * span / gap))
    slope = np.array([-lead[1], lead[0]]) * span / gap**2
    return value, value * float(np.linalg.norm(slope * error))


def claims_of(dataset):
    pair = dataset.swept_temperature, dataset.swept_exact, dataset.swept_temperature_standard_error
    claims = [agreement("SGD swept: its temperature matrices are the exact ones", *pair)]
    error = dataset.chain_contribution_standard_error.values
    known = error > 1e-12
    pair = dataset.chain_contribution.values[known], dataset.chain_exact.values[known]
    claims.append(
        agreement("simulated chains: each cause adds the exact amount", *pair, error[known])
    )
    energy = dataset.sel(well_symptom="energy")
    pair = energy.well_value, energy.well_exact_energy, energy.well_value_standard_error
    claims.append(agreement("double well: both rungs have the energies of grids", *pair))
    for batch, cause in zip(BATCHES, ("state_dependence", "finite_rate"), strict=True):
        if BESIDE[batch][1][0] not in dataset.check:
            continue
        value, error = measured_border(dataset, batch, cause)
        exact = float(dataset.border.sel(batch_size=batch, map_angle=45.0))
        interval, z = (value - 4 * error, value + 4 * error), (value - exact) / error
        text = f"B = {batch}, anisotropy {HELD}, 45 degrees: the border, from simulated chains"
        number = f"eta/B = {value:.4f} +- {error:.4f}, exact {exact:.4f}"
        claims.append(Claim(text, bool(abs(z) < 4), number, interval, z))
    claims += exact_claims(dataset)
    law = diffusion_in_well()
    gain, error = float(law.mean_energy) - energy_of_boltzmann(), float(law.mean_energy_error)
    text = "double well: there anisotropy changes the mean energy, on grids"
    return [*claims, Claim(text, abs(gain) > 4 * error, f"{gain / T:+.4f} T, to {error / T:.1g} T")]


def run(quick, seed, threads, plant, each=in_memory):
    parts = {f"angle {angle:g}": partial(mapped, angle, quick) for angle in ANGLES}
    parts["sweep"] = partial(swept, quick, seed, threads, plant)
    checks, rates = CHECKS[:1] if quick else CHECKS, [0.2] if quick else WELL_RATES
    parts |= {f"chain {k}": partial(chain, k, quick, seed + 1, plant) for k in checks}
    parts |= {f"well {rate}": partial(in_well, rate, quick, seed + 2, plant) for rate in rates}
    done = each(parts)
    named = xr.concat([done[f"angle {angle:g}"] for angle in ANGLES], "map_angle")
    chains = xr.concat([done[f"chain {k}"] for k in checks], "check")
    wells = xr.concat([done[f"well {rate}"] for rate in rates], "well_rate")
    dataset = xr.merge([named.rename(anisotropy="map_anisotropy"), done["sweep"], chains, wells])
    axes = {"map_angle": ANGLES, "batch_size": list(BATCHES), "well_rate": rates}
    dataset = dataset.assign_coords(axes | {"check": [scale for scale, *_ in checks]})
    for name, part in dataset.variables.items():
        units = next((unit for key, unit in UNITS.items() if key in str(name)), "1")
        part.attrs = {"long_name": str(name).replace("_", " "), "units": units} | part.attrs
    dataset = dataset.assign_coords(of_cause=list(CAUSES))
    return dataset.assign_attrs(provenance()), claims_of(dataset)


WORDS = {  # what is in the file, in words
    "of_cause": "cause of the departure",
    "well_exact_energy": "mean energy of the double well's law on a grid",
    "scale": "learning rate over batch size",
    "held_scale": "learning rate over batch size, where the anisotropy is held",
    "map_anisotropy": "anisotropy of the noise, on the map",
    "map_angle": "angle between noise and Hessian, on the map",
    "batch_size": "examples B of a batch",
    "learning_rate": "learning rate of the sweep",
    "anisotropy": "anisotropy of the noise in the sweep",
    "angle": "angle between noise and Hessian in the sweep, in degrees",
    "check": "learning rate over batch size of a simulated chain of causes",
    "chain_rung": "cause that a simulated chain adds",
    "chain_symptom": "what departs, in a simulated chain",
    "well_rate": "learning rate in the double well",
    "well_rung": "cause that is added in the double well",
    "well_symptom": "what departs, in the double well",
}


if __name__ == "__main__":
    main("departure_map", run, plot, WORDS)
