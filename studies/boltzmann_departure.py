"""Does SGD end in Boltzmann's distribution?

The main job: a double well, where the answer is known exactly, and real data.

(a) A coupled double well in two dimensions at learning rate 0.15, once with anisotropic and once
with isotropic gradient noise of the same trace: the verdict of `boltzmann_test`, and histograms
against the exact stationary law of the same chain and against Boltzmann's law at the best-fit
temperature. The isotropic one once more at a tenth of the learning rate and the same temperature.
(b) Logistic regression on scikit-learn's breast-cancer table with true minibatches: one
temperature per Hessian eigen-direction.

Run:  python studies/boltzmann_departure.py [--quick]
(writes out/boltzmann_departure.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _departure_figure import plot
from _runner import Claim, in_memory, main
from scipy.special import rel_entr

import langevin_sgd as ls
from langevin_sgd.storage.provenance import provenance

RATE, WELL_RATE, BATCH, RIDGE, COMPONENTS = 0.5, 0.15, 16, 0.02, 5
DIFFUSION = {
    "anisotropic": (0.3, 0.1),
    "isotropic": (0.2, 0.2),
}  # D = learning_rate Sigma / (2 batch_size), per direction
EDGES = [np.linspace(-2.4, 2.4, 37), np.linspace(-3.2, 3.2, 37)]
TENTH = 0.1  # of the learning rate, where isotropic noise is Boltzmann's within TOLERANCE
TOLERANCE = 0.1  # of the verdict there; elsewhere its default
AVERAGED = 5000  # particles over which the covariance of the noise is averaged
LARGEST_Z = 4.0
EXPECTED = {
    "anisotropic": "departs",
    "isotropic": "departs",
    "small steps": "consistent within tolerance",
    "data": "departs",
}
UNITS = {
    "temperature": "energy",
    "kl": "nat",
    "probability": "1",
    "variance": "length^2",
    "noise": "(energy / length)^2",
}
UNITS |= {"curvature": "energy / length^2", "budget": "1"}


def as_dataset(values, dims):
    """Numbers and arrays as a dataset; `dims` are those of an array of each rank."""
    dataset = xr.Dataset({name: (dims[np.ndim(value)], value) for name, value in values.items()})
    for name in dataset:
        unit = next(unit for key, unit in UNITS.items() if key in name)
        dataset[name].attrs = {"long_name": name.replace("_", " "), "units": unit}
    return dataset


def coupled_well():
    return ls.potentials.double_well(dim=2, barrier=0.25, stiffness=1.0, coupling=0.8)


def well_run(name, rate, particles, seed, threads, plant):
    """Particles that started in both wells alike, after 150 units of time."""
    start = np.where(np.arange(particles)[:, None] % 2, [1.0, 0.8], [-1.0, -0.8])
    sigma = 2 * np.diag(DIFFUSION[name]) / rate
    options = {"particles": particles, "steps": round(150 / rate), "x0": start}
    noise = ls.noise.gaussian(2 * sigma if plant else sigma)
    moves = ls.dynamics.sgd(rate)
    return ls.simulate(coupled_well(), moves, noise, seed=seed, threads=threads, **options)


def told(dataset, result):
    """A dataset with the verdict of a `boltzmann_test` among its attributes."""
    said = {name: result.attrs[name] for name in ("decision", "verdict")}
    return dataset.assign_attrs(said)


def small_steps(particles, seed, threads, plant):
    """Isotropic noise at a tenth of the learning rate, planted or not the same temperature."""
    run = well_run("isotropic", TENTH * WELL_RATE, particles, seed, threads, plant)
    result = ls.analysis.boltzmann_test(run, coupled_well(), tolerance=TOLERANCE)
    values = {"small_step_temperature": float(result.temperature)}
    return told(as_dataset(values, [()]), result)


def double_well(name, particles, seed, threads, plant):
    """One chain: its verdict, KL to Boltzmann measured and exact on the same bins, and the
    temperature of each direction.
    """
    well = coupled_well()
    law = ls.theory.transfer_operator(well, 2 * np.diag(DIFFUSION[name]) / WELL_RATE, WELL_RATE)
    run = well_run(name, WELL_RATE, particles, seed, threads, plant)
    kl = ls.analysis.kl_to_boltzmann(run, well, bins=EDGES)
    exact = ls.theory.bin_probabilities(law, EDGES)
    best = ls.theory.best_boltzmann(law, well)
    boltzmann = ls.theory.boltzmann_bin_probabilities(well, float(best.temperature), EDGES)
    exact_kl = rel_entr(on_merged_bins(exact, kl), on_merged_bins(boltzmann, kl)).sum()
    heat = ls.analysis.equipartition(run.isel(step=[-1]), well).isel(step=0)
    values = {
        "kl": float(kl.kl),
        "kl_standard_error": float(kl.kl_standard_error),
        "kl_exact_on_bins": exact_kl,
        "kl_exact": float(best.kl),
        "probability": kl["count"].values / particles,
        "exact_probability": exact,
        "boltzmann_probability": boltzmann,
        "temperature": np.diagonal(heat.temperature),
        "temperature_standard_error": np.diagonal(heat.temperature_standard_error),
        "exact_temperature": np.diagonal(law.virial),
    }
    result = ls.analysis.boltzmann_test(run, well)
    return told(as_dataset(values, [(), ("component",), ("x0", "x1")]), result)


def on_merged_bins(probability, kl):
    """Probabilities of bins and of the outside on the bins that `kl_to_boltzmann` merged."""
    each = np.append(kl["group"].values, kl["outside_group"].values)
    return np.bincount(each, np.append(probability, 1 - probability.sum()))


def real_data():
    """The breast-cancer table as a logistic regression on its leading principal components,
    standardised, and an intercept.
    """
    from sklearn.datasets import load_breast_cancer

    table, labels = load_breast_cancer(return_X_y=True)
    table = (table - table.mean(axis=0)) / table.std(axis=0)
    scores = table @ np.linalg.eigh(table.T @ table)[1][:, ::-1][:, :COMPONENTS]
    inputs = np.column_stack([scores / scores.std(axis=0), np.ones(len(scores))])
    loss = ls.losses.logistic_regression(inputs, labels, l2=RIDGE)
    x = np.zeros(loss.dim)
    for _ in range(30):  # Newton
        x = x - np.linalg.solve(ls.evaluate(loss, x, "hessian"), ls.evaluate(loss, x, "gradient"))
    return loss, x


def minibatches(particles, seed, threads, plant):
    """SGD on the table from the minimum: eigen-directions of H, the finite-step Lyapunov
    prediction, and what is measured.
    """
    loss, minimum = real_data()
    sigma = ls.analysis.gradient_covariance(loss, minimum).covariance.values
    curvature, directions = np.linalg.eigh(ls.evaluate(loss, minimum, "hessian"))
    predicted = ls.theory.stationary_covariance(
        ls.evaluate(loss, minimum, "hessian"), sigma, RATE, BATCH
    )
    dynamics = ls.dynamics.sgd(RATE, BATCH // 2 if plant else BATCH)
    steps = int(12 / (RATE * curvature.min()))
    run = ls.simulate(
        loss,
        dynamics,
        ls.noise.minibatch(),
        particles=particles,
        steps=steps,
        x0=minimum,
        seed=seed + 1,
        threads=threads,
    ).isel(step=[-1])
    heat = ls.analysis.equipartition(run, loss, directions=directions).isel(step=0)
    budget = ls.analysis.temperature_budget(run, loss, dynamics=ls.dynamics.sgd(RATE, BATCH))
    result = ls.analysis.boltzmann_test(run, loss, directions=directions)
    noise = ls.analysis.noise_covariance_of(run, loss)(run.x.values[0, :AVERAGED]).mean(axis=0)
    average = ls.theory.stationary_covariance(
        ls.evaluate(loss, minimum, "hessian"), noise, RATE, BATCH
    )
    y = (run.x.values[0] - run.x.values[0].mean(axis=0)) @ directions
    variance = y.var(axis=0, ddof=1)
    values = {
        "curvature": curvature,
        "data_temperature": np.diagonal(heat.temperature),
        "data_temperature_standard_error": np.diagonal(heat.temperature_standard_error),
        "data_predicted_temperature": curvature
        * np.diagonal(directions.T @ predicted @ directions),
        "data_mean_noise_temperature": curvature * np.diagonal(directions.T @ average @ directions),
        "data_noise": np.diagonal(directions.T @ sigma @ directions),
        "data_variance": variance,
        "data_variance_standard_error": np.sqrt(((y**2 - variance) ** 2).mean(axis=0) / len(y)),
        "data_predicted_variance": np.diagonal(directions.T @ average @ directions),
        "single_temperature": ls.theory.sgd_temperature(sigma, RATE, BATCH),
        "budget_z": float(np.abs(budget.z).max()),
        "budget_p_value": float(budget.p_value),
    }
    return told(as_dataset(values, [(), ("mode",)]), result)


def claims_of(parts, said):
    """The claims, from the numbers of each part and the decision on it."""
    claims = [
        Claim(f"{name}: the test says {expected!r}", said[name] == expected, said[name])
        for name, expected in EXPECTED.items()
    ]
    for name in DIFFUSION:
        well = parts[name]
        kl, error, exact = well["kl"], well["kl_standard_error"], well["kl_exact_on_bins"]
        print(
            f"{name} noise: KL = {kl:.4f} +- {error:.4f} nats (exact on the same bins "
            f"{exact:.4f}, in the continuum {well['kl_exact']:.4f})"
        )
        z, wide = float((kl - exact) / error), (kl - LARGEST_Z * error, kl + LARGEST_Z * error)
        number = f"{kl:.4f} against {exact:.4f}, z = {z:+.1f}"
        text, scores = f"{name}: KL is the exact one", np.array([z])
        claims.append(Claim(text, abs(z) < LARGEST_Z, number, wide, z, scores))
        heat, error = well["temperature"], well["temperature_standard_error"]
        scores = (heat - well["exact_temperature"]) / error
        z = np.abs(scores).max()
        measured = ", ".join(f"{t:.4f} +- {e:.4f}" for t, e in zip(heat, error, strict=True))
        number = f"{measured}, largest z {z:.1f}"
        text = f"{name}: temperatures are the exact ones"
        claims.append(Claim(text, z < LARGEST_Z, number, z=z, scores=scores))
    return claims + claims_of_data(parts["data"])


def claims_of_data(data):
    heat, error = data["data_temperature"], data["data_temperature_standard_error"]
    hot, cold, wide = heat.argmax(), heat.argmin(), LARGEST_Z * error
    ratio, low = heat[hot] / heat[cold], (heat[hot] - wide[hot]) / (heat[cold] + wide[cold])
    print(
        f"breast cancer: hottest over coldest direction {ratio:.2f}, at least {low:.2f}; "
        "Boltzmann's law would have 1"
    )
    interval = low, (heat[hot] + wide[hot]) / (heat[cold] - wide[cold])
    claims = [
        Claim(
            "data: no single temperature",
            low > 1.5,
            f"hottest / coldest = {ratio:.2f} > {low:.2f}",
            interval,
        )
    ]
    deviation = data["data_variance"] / data["data_predicted_variance"] - 1
    wide = LARGEST_Z * data["data_variance_standard_error"] / data["data_predicted_variance"]
    worst = np.argmax(np.abs(deviation) - wide)
    close = np.all(np.abs(deviation) - wide < 0.02)
    number = f"{100 * deviation[worst]:+.1f} +- {25 * wide[worst]:.1f} % at worst"
    interval = tuple(100 * (deviation[worst] + side * wide[worst]) for side in (-1, 1))
    claims.append(Claim("data: Lyapunov's variances with E[C] within 2 %", close, number, interval))
    closed = data["budget_p_value"] > 1e-4
    number = f"p = {data['budget_p_value']:.2g}, largest |z| {data['budget_z']:.1f}"
    claims.append(Claim("data: the temperature budget closes", closed, number, z=data["budget_z"]))
    return claims


def run(quick, seed, threads, plant, each=in_memory):
    sizes = (50_000, 20_000) if quick else (1_000_000, 100_000)
    parts = {name: partial(double_well, name, sizes[0], seed, threads, plant) for name in DIFFUSION}
    parts |= {
        "small steps": partial(small_steps, sizes[1], seed, threads, plant),
        "data": partial(minibatches, sizes[1], seed, threads, plant),
    }
    parts = each(parts)
    dataset = xr.concat([parts[name] for name in DIFFUSION], "noise")
    dataset = dataset.merge(parts["data"]).merge(parts["small steps"])
    centres = [(edges[1:] + edges[:-1]) / 2 for edges in EDGES]
    dataset = dataset.assign_coords(noise=list(DIFFUSION), x0=centres[0], x1=centres[1])
    for name, label, unit in (
        ("noise", "law of the gradient noise", "1"),
        ("x0", "x0", "length"),
        ("x1", "x1", "length"),
    ):
        dataset[name].attrs = {"long_name": label, "units": unit}
    attributes = {
        "learning_rate_well": WELL_RATE,
        "learning_rate_data": RATE,
        "batch_size_data": BATCH,
        "ridge": RIDGE,
        "tolerance_small_steps": TOLERANCE,
    }
    attributes |= {"particles_well": sizes[0], "particles_data": sizes[1]}
    values = {
        name: {key: value.values for key, value in part.items()} for name, part in parts.items()
    }
    for name, part in parts.items():
        attributes[f"verdict_{name.replace(' ', '_')}"] = part.attrs["verdict"]
        print(f"{name}: {part.attrs['verdict']}")
    said = {name: part.attrs["decision"] for name, part in parts.items()}
    dataset = dataset.drop_attrs(deep=False).assign_attrs(attributes | provenance())
    return dataset, claims_of(values, said)


WORDS = {  # what is in the file, in words
    "kl": "KL of the particles from Boltzmann's law, on bins",
    "kl_exact": "exact KL from Boltzmann's law, in the continuum",
    "kl_exact_on_bins": "exact KL from Boltzmann's law, on the same bins",
    "probability": "share of the particles in a bin",
    "boltzmann_probability": "probability of a bin under the closest of Boltzmann's laws",
    "temperature": "virial temperature of a direction, double well",
    "curvature": "eigenvalue of the Hessian at the minimum, table",
    "mode": "eigenvector of the Hessian, from the flattest",
    "data_temperature": "virial temperature along an eigenvector of the Hessian, table",
    "data_predicted_temperature": "temperature with the noise at the minimum, table",
    "data_mean_noise_temperature": "temperature with the mean noise of the particles, table",
    "data_noise": "variance of one example's gradient along an eigenvector, table",
    "data_variance": "variance of the particles along an eigenvector, table",
    "data_predicted_variance": "variance with the mean noise of the particles, table",
    "single_temperature": "learning rate tr Sigma / (2 B d), table",
    "budget_z": "largest |z| of the terms of the temperature budget, table",
    "budget_p_value": "p-value of a closed temperature budget, table",
    "small_step_temperature": "temperature of isotropic noise at a tenth of the learning rate",
    "x0": "position x0, middle of a bin",
    "x1": "position x1, middle of a bin",
}


if __name__ == "__main__":
    main("boltzmann_departure", run, plot, WORDS)
