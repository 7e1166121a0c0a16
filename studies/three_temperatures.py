"""Which temperature does SGD have?  Three definitions that agree under Boltzmann's law only.

Energy matching (the T whose exp(-U/T) is closest in KL), virial E[x . grad U]/d, and
configurational E|grad U|^2 / E lap U, against the learning rate and against the anisotropy of the
noise, at the same noise power T0 = learning_rate tr(Sigma)/(2d) throughout: on a quadratic, where
covariances are exact, and on a coupled double well, whose law a transfer operator gives.

Run:  python studies/three_temperatures.py [--quick]
(writes out/three_temperatures.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _runner import Claim, agreement, in_memory, main
from scipy.interpolate import CubicSpline

import langevin_sgd as ls
from langevin_sgd.storage.provenance import provenance

T0, CURVATURE = 0.2, np.array([1.0, 0.2])
NAMES = "temperature_{}", "temperature_{}_standard_error", "exact_temperature_{}"
LOOK = {"energy matching": ("data", "o", "-", 2), "virial": ("other", "s", "--", 1)}
LOOK["configurational"] = "theory", "D", "-", 1
LANDSCAPES = {
    "quadratic": ls.potentials.quadratic(CURVATURE),
    "well": ls.potentials.double_well(dim=2, barrier=0.25, stiffness=1.0, coupling=0.8),
}
SWEEPS = {  # along the rate at one anisotropy, (D_0 - D_1)/(2 T0), and along it at one rate
    ("quadratic", "learning_rate"): (np.linspace(0.1, 1.5, 8), 0.5),
    ("quadratic", "anisotropy"): (np.linspace(-0.8, 0.8, 9), 0.3),
    ("well", "learning_rate"): (np.array([0.1, 0.12, 0.14, 0.17]), 0.5),
    ("well", "anisotropy"): (np.linspace(-0.6, 0.6, 5), 0.15),
}


def noise_at(rate, anisotropy):
    """Covariance of the gradient noise, of power T0 whatever the rate."""
    return np.diag(2 * T0 / rate * np.array([1 + anisotropy, 1 - anisotropy]))


def matched(name):
    """Mean energy of Boltzmann's law -> (T, dT / d mean energy)."""
    if name == "quadratic":
        return lambda energy: (energy, 1.0)  # T d/2, d = 2
    heat = np.geomspace(0.1, 0.6, 30)
    energies = [float(ls.theory.boltzmann_density(LANDSCAPES[name], t).mean_energy) for t in heat]
    spline = CubicSpline(energies, heat)
    return lambda energy: (float(spline(energy)), float(spline(energy, 1)))


def exact_temperatures(name, rate, anisotropy, of_energy):
    """The three of the stationary law: from its covariance, or by quadrature over its density."""
    sigma, landscape = noise_at(rate, anisotropy), LANDSCAPES[name]
    if name == "quadratic":
        covariance = ls.theory.stationary_covariance(np.diag(CURVATURE), sigma, rate)
        return ls.theory.measured_temperatures(np.diag(CURVATURE), covariance)
    law = ls.theory.transfer_operator(landscape, sigma, rate)
    axes = np.meshgrid(law.axis_0, law.axis_1, indexing="ij")
    hessian = ls.evaluate(landscape, np.stack(axes, axis=-1).reshape(-1, 2), "hessian")
    mass = (law.density * law.weight).values.ravel()
    laplacian = mass @ np.trace(hessian, axis1=1, axis2=2) / mass.sum()
    virial, square = np.trace(law.virial) / 2, np.trace(law.gradient_second_moment)
    return of_energy(float(law.mean_energy))[0], virial, square / laplacian


def measured_temperatures(landscape, x, of_energy):
    """The three of particles x, and their standard errors."""
    energy, gradient = (ls.evaluate(landscape, x, what) for what in ("energy", "gradient"))
    value, slope = of_energy(energy.mean())
    virial, square = (x * gradient).sum(axis=1) / 2, (gradient**2).sum(axis=1)
    laplacian = np.trace(ls.evaluate(landscape, x, "hessian"), axis1=1, axis2=2)
    ratio = square.mean() / laplacian.mean()
    spread = slope * energy, virial, (square - ratio * laplacian) / laplacian.mean()
    errors = [each.std(ddof=1) / np.sqrt(len(x)) for each in spread]
    return [value, virial.mean(), ratio], errors


def sweep(name, along, quick, seed, threads, plant):
    """The temperatures along one axis."""
    values, fixed = SWEEPS[name, along]
    values = values[[1, -1]] if quick else values
    of_energy, rows = matched(name), []
    for k, value in enumerate(values):
        rate, anisotropy = (value, fixed) if along == "learning_rate" else (fixed, value)
        sigma, particles = noise_at(rate, anisotropy), 20_000 if quick else 400_000
        noise = ls.noise.gaussian(2 * sigma if plant else sigma)
        x0 = np.where(np.arange(particles)[:, None] % 2, [1.0, 0.8], [-1.0, -0.8])  # both wells
        options = {"particles": particles, "steps": round(30 / rate), "x0": x0, "threads": threads}
        run = ls.simulate(LANDSCAPES[name], ls.dynamics.sgd(rate), noise, seed=seed + k, **options)
        found = measured_temperatures(LANDSCAPES[name], run.x.values[-1], of_energy)
        rows.append([*found, exact_temperatures(name, rate, anisotropy, of_energy)])
    point, table = f"{name}_{along}", np.array(rows)
    found = xr.Dataset(coords={point: (point, values, {"long_name": along, "units": "1"})})
    for k, name in enumerate(name.format(point) for name in NAMES):
        about = {"long_name": name.replace("_", " "), "units": "energy"}
        found[name] = (point, "kind"), table[:, k], about
    return found


def table_of(dataset, point):
    """Measured, standard error and exact, (3, points, kinds), in units of T0."""
    return np.array([dataset[key.format(point)].values for key in NAMES]) / T0


def plot(dataset):
    """Four panels: points with 4 s.e., exact values as lines."""
    import matplotlib.pyplot as plt

    with ls.plots.style():
        figure, axes = plt.subplots(2, 2, figsize=(9, 6.4), layout="constrained")
        for ax, (name, along) in zip(axes.flat, SWEEPS, strict=True):
            x, fixed = dataset[f"{name}_{along}"], SWEEPS[name, along][1]
            of_kinds = np.moveaxis(table_of(dataset, x.name), -1, 0)
            for (kind, look), (value, error, exact) in zip(LOOK.items(), of_kinds, strict=True):
                colour, marker, line, size = ls.plots.COLOURS[look[0]], *look[1:]
                more = {"fmt": marker, "capsize": 2, "markersize": 3.5 * size, "color": colour}
                ax.errorbar(x, value, 4 * error, **more)
                ax.plot(x, exact, line, color=colour, label=kind, linewidth=1.4 * size)
            ax.axhline(1, color=ls.plots.COLOURS["guide"], linewidth=0.8, linestyle=":")
            held = f"anisotropy {fixed}" if along == "learning_rate" else f"learning rate {fixed}"
            ax.set_title(f"{LANDSCAPES[name].name.replace('_', ' ')}, {held}")
            ax.set(xlabel=along.replace("_", " "), ylabel="temperature / $T_0$")
        axes[0, 0].legend(title="points ± 4 s.e., exact lines")
    return figure


def claims_of(dataset):
    claims = []
    for name, along in SWEEPS:
        value, error, exact = table_of(dataset, f"{name}_{along}")
        text = f"{name}, along the {along.replace('_', ' ')}: "
        claims.append(agreement(f"{text}all are exact", value, exact, error))
        apart, width = np.ptp(value, axis=1), 4 * np.linalg.norm(error, axis=1)
        k = (apart - width).argmax()
        number = f"{apart[k]:.3f} T0 apart, {width[k]:.3f} = 4 s.e."
        claims.append(Claim(f"{text}they differ", bool(apart[k] > width[k]), number))
    return claims


def run(quick, seed, threads, plant, each=in_memory):
    parts = {" ".join(key): partial(sweep, *key, quick, seed, threads, plant) for key in SWEEPS}
    dataset = xr.merge(each(parts).values()).assign_coords(kind=list(LOOK))
    dataset["kind"].attrs = {"long_name": "definition of temperature", "units": "1"}
    return dataset.assign_attrs(provenance()), claims_of(dataset)


WORDS = {}
for landscape, axis in SWEEPS:
    about = f"{landscape}, along the {axis.replace('_', ' ')}"
    WORDS[f"temperature_{landscape}_{axis}"] = f"temperature by definition, {about}"
    WORDS[f"{landscape}_{axis}"] = f"{axis.replace('_', ' ')}, {landscape}"


if __name__ == "__main__":
    main("three_temperatures", run, plot, WORDS)
