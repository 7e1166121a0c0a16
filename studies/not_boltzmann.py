"""Is SGD's stationary distribution Boltzmann's?  One landscape, six kinds of noise, one power.

The seed: "We can show that langevin dynamics apply when the stationary distribution follows a
Boltzmann distribution. However, we will also show that, for stochastic gradient descent, the
stationary distribution is not a Boltzmann distribution." It shows neither. Here the second is
shown: two wells as the mean of a table of 12 examples, each of which tilts and bends them, under
Langevin dynamics, under SGD with isotropic, with constant anisotropic and with Gaussian noise of
the table's covariance at x, and under true minibatches of two, drawn afresh and reshuffled. All
have the mean noise power T0 = learning_rate tr E[C] / (2 d) in their own law. The first is false as
it stands: right_density_wrong_physics.py has SGD with Boltzmann's law that is not Langevin.

Run:  python studies/not_boltzmann.py [--quick]
(writes out/not_boltzmann.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _not_boltzmann_figure import plot, told
from _runner import Claim, agreement, in_memory, main, mean_and_error
from _six_noises import (
    BATCH,
    KNOWN,
    RATE,
    STEP,
    SYSTEMS,
    T0,
    WELL,
    exact,
    over_the_epoch,
    system,
    verdict_of,
)

import langevin_sgd as ls
from langevin_sgd.engine.reducers.readings import labelled, with_error
from langevin_sgd.storage.provenance import provenance

BINS, RANGE = 40, [(-2.0, 2.0), (-2.0, 2.0)]
QUANTITIES = {"power": "energy", "occupation": "1", "energy": "energy", "temperature_0": "energy"}
QUANTITIES |= {"temperature_1": "energy", "rotation": "length^2/time", "kl": "nat", "hops": "1"}
ERROR, TABLES = "_standard_error", ("of_x", "drawn", "reshuffled")
EXPECTED = {"langevin": ("consistent within tolerance", "undecided"), "reshuffled": ("refused",)}


def part(name, particles, seed, threads, plant):
    """What one system is, and how far that is from Boltzmann's law at T0."""
    path, model, noise = system(name, particles, seed, threads, plant)
    x, rate = over_the_epoch(path), STEP if noise is None else RATE
    before, after = path.x.values[:-1], path.x.values[1:]
    swept = (before[..., 0] * after[..., 1] - before[..., 1] * after[..., 0]).mean(axis=0) / rate
    found = {"occupation": mean_and_error(x[:, 0] > 0), "rotation": mean_and_error(swept)}
    found["energy"] = mean_and_error(ls.evaluate(WELL, x, "energy"))
    found["power"] = (T0 * (1 + plant), 0.0)
    if noise is not None:
        batch = BATCH if model.data is not None else 1
        power = RATE * np.trace(noise.batch_covariance(model, x, batch), axis1=-2, axis2=-1) / 4
        mean, error = mean_and_error(power)
        # with that of the pilot run, of half as many particles, which set it to T0
        found["power"] = mean, np.sqrt(3) * error
    mixed = path.isel(step=[-1])
    mixed = mixed.assign(x=(mixed.x.dims, x[None]))
    heat = ls.analysis.equipartition(mixed, WELL).isel(step=0)
    for k in range(2):
        found[f"temperature_{k}"] = heat.temperature[k, k], heat.temperature_standard_error[k, k]
    kl = ls.analysis.kl_to_boltzmann(mixed, WELL, T0, bins=BINS, range=RANGE)
    found["kl"] = kl.kl, kl.kl_standard_error
    stayed = (path.x.values[-1, :, 0] > 0) == (np.arange(particles) % 2 > 0)
    found["hops"] = mean_and_error(~stayed)
    data = {}
    for key, (value, error) in found.items():
        pair = float(value), float(error)
        data |= with_error(key, (), pair, key.replace("_", " "), QUANTITIES[key])
    for key, values in (("density", kl["count"] / particles), ("boltzmann", kl["probability"])):
        data[key] = labelled(("x0", "x1"), values.values, f"probability of the bin: {key}")
    text = "exact " + ", ".join(KNOWN)
    data["exact"] = labelled("known", exact(name, noise), text)
    return xr.Dataset(data).assign_attrs(verdict_of(path, model))


def claims_of(parts):
    """Of agreement with exact laws, of power, of departures, and of what the product says."""
    claims, hot = [], float(parts["langevin"].exact[1])
    for name, law in parts.items():
        if np.isfinite(law.exact.values).all():
            measured, error = (np.array([law[k + e] for k in KNOWN]) for e in ("", ERROR))
            text = f"{name}: {', '.join(KNOWN)} are the exact ones"
            claims.append(agreement(text, measured, law.exact.values, error))
        word = law.attrs["decision"]
        holds = word in EXPECTED.get(name, ("departs",))
        claims.append(Claim(f"{name}: the product's word", holds, word))
    power, error = np.array([[parts[s]["power" + e] for s in TABLES] for e in ("", ERROR)])
    claims.append(agreement("of all tables: mean noise power T0", power, T0, error))
    for text, name, key, low, high in (
        ("Langevin: KL to Boltzmann", "langevin", "kl", -1, 0.01),
        ("isotropic: the finite step alone adds energy", "isotropic", "energy", hot, 2 * hot),
        ("anisotropic: hot along x0", "anisotropic", "temperature_0", 1.3 * T0, 3 * T0),
        ("anisotropic: cold along x1", "anisotropic", "temperature_1", 0, 0.7 * T0),
        ("anisotropic: it goes round", "anisotropic", "rotation", 0, 1),
        ("noise of x: few are in the noisier well", "of_x", "occupation", 0, 0.25),
        ("reshuffled: energy below Boltzmann's", "reshuffled", "energy", 0, 0.75 * hot),
    ):
        value, error = float(parts[name][key]), float(parts[name][key + ERROR])
        wide, number = (value - 4 * error, value + 4 * error), f"{value:.4f} +- {error:.4f}"
        claims.append(Claim(text, low < wide[0] and wide[1] < high, number, wide))
    of_x, drawn, still = (parts[name] for name in TABLES)
    less = float(of_x.occupation - drawn.occupation)
    error = float(np.hypot(of_x["occupation" + ERROR], drawn["occupation" + ERROR]))
    text = "drawn: fewer in the noisier well than under the Gaussian of its covariance"
    claims.append(Claim(text, less > 4 * error, f"{less:.4f} +- {error:.4f} fewer"))
    hops = float(still.hops)
    claims.append(Claim("reshuffled: nobody changes the well", hops == 0, f"{hops}"))
    taken = -still.attrs["memory_term"] / still.attrs["noise_term"]
    text = "reshuffled: memory takes back most of the noise, and the budget closes"
    closes = still.attrs["p_value"] > 1e-4
    number = f"{100 * taken:.1f} %, p = {still.attrs['p_value']:.2g}"
    return [*claims, Claim(text, taken > 0.5 and closes, number)]


def run(quick, seed, threads, plant, each=in_memory):
    given = 8_000 if quick else 96_000, seed, threads, plant
    # the last three share a kernel: constant noise has the mean covariance of what is drawn
    order = "langevin", "of_x", "reshuffled", "drawn", "isotropic", "anisotropic"
    done = each({name: partial(part, name, *given) for name in order})
    parts = {name: done[name] for name in SYSTEMS}
    dataset = xr.concat([law.drop_attrs(deep=False) for law in parts.values()], "system")
    middles = np.linspace(*RANGE[0], 2 * BINS + 1)[1::2]
    coords = {"system": list(SYSTEMS), "known": KNOWN, "x0": middles, "x1": middles}
    dataset = dataset.assign_coords(coords)
    for name in coords:
        unit = "length" if name.startswith("x") else "1"
        dataset[name].attrs = {"long_name": name, "units": unit}
    for name, law in parts.items():
        dataset.attrs |= {f"{key}_{name}": value for key, value in law.attrs.items()}
    print(told(dataset))
    return dataset.assign_attrs(provenance()), claims_of(parts)


WORDS = {  # what is in the file, in words
    "occupation": "share of the particles in the noisier well",
    "rotation": "mean of x0 dx1 - x1 dx0 over time",
    "energy": "mean energy",
    "power": "learning rate tr E[C] / (2 d), C the covariance of a batch",
    "temperature_0": "virial temperature along x0",
    "temperature_1": "virial temperature along x1",
    "kl": "KL from Boltzmann's law at T0, on bins",
    "hops": "share of the particles that end in another well than they began",
    "system": "dynamics and noise",
    "known": "quantity whose exact value may be known",
    "x0": "position x0, middle of a bin",
    "x1": "position x1, middle of a bin",
}


if __name__ == "__main__":
    main("not_boltzmann", run, plot, WORDS)
