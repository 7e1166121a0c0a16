"""Is a system whose density is Boltzmann's in equilibrium?

Two systems that say no. The swirl: SGD in a round bowl whose noise depends on x; its density is
exactly exp(-r^2/2), while particles go round one way inside r = sqrt 2 and the other way outside,
so that the area they sweep is zero too. And example 19 of Chaudhari and Soatto (2018): a force that
circulates in a double well and leaves exp(-U) as it is. Tests of the density pass; rotations
weighted by exp(-r^2) have their exact values, and reject. The control: the bowl with plain noise.

Run:  python studies/right_density_wrong_physics.py [--quick]
(writes out/right_density_wrong_physics.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _runner import Claim, agreement, in_memory, main
from scipy.integrate import quad

import langevin_sgd as ls
from langevin_sgd.storage.provenance import provenance

STRENGTH, DRIFT, RATES, GRID = 0.9, 0.5, (0.03, 0.015), (-3.0, 3.0, 25)
CASES = {"swirl": "the swirl", "example_19": "example 19", "control": "plain noise"}
DENSITY = 0.005  # nats that a density may be off: those of the finite steps are below


def current_at(case, r):
    """Exact tangential current at the distance r in the limit of small steps, per time."""
    if case == "example_19":
        along = quad(lambda x: np.exp(-((x * x - 1) ** 2) / 4), -6, 6)[0]
        return DRIFT * r * np.exp(-(r**4) / 4) / (along * np.sqrt(2 * np.pi))
    strength = STRENGTH * (case == "swirl")
    return -strength * (4 * r - 2 * r**3) * np.exp(-(r**2)) / (2 * np.pi)


def exact_rotation(case, decay):
    """Its integral of exp(-decay r^2/2) r J_t over the plane."""
    return quad(
        lambda r: 2 * np.pi * r * r * np.exp(-decay * r * r / 2) * current_at(case, r), 0, 8
    )[0]


def start(case, particles, seed):
    """Exact draws of exp(-U)."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(particles, 2))
    if case == "example_19":
        grid = np.linspace(-4.0, 4.0, 4001)
        mass = np.cumsum(np.exp(-((grid**2 - 1) ** 2) / 4))
        x[:, 0] = np.interp(random.uniform(size=particles), mass / mass[-1], grid)
    return x


def simulated(case, rate, particles, seed, threads, plant):
    """30 units of time; the last two steps are stored."""
    model, noise = ls.potentials.quadratic([1.0, 1.0]), None
    if case == "example_19":
        model = ls.potentials.rotational_drift(DRIFT)
        moves = ls.dynamics.langevin(2.0 if plant else 1.0, rate)
    else:
        moves = ls.dynamics.sgd(rate)
        strength = STRENGTH * (case == "swirl")
        noise = ls.potentials.swirl_noise(strength, rate, 2 if plant else 1)
    steps, x0 = round(30 / rate), start(case, particles, seed)
    counted = ls.reducers.currents(*GRID), ls.reducers.rotation([0.0, 2.0])
    options = {"steps": steps, "every": steps - 1, "seed": seed, "threads": threads}
    options |= {"particles": particles, "x0": x0, "reducers": counted}
    run = ls.simulate(model, moves, noise, **options)
    return model, run


def part(case, rate, particles, seed, threads, plant):
    """Currents of one system at one rate, its density, and whether it turns."""
    model, run = simulated(case, rate, particles, seed, threads, plant)
    kl = ls.analysis.kl_to_boltzmann(run, model, temperature=1.0, bins=12, range=(-3.0, 3.0))
    turn = ls.analysis.rotation_rate(run, potential=model, center=0.0, covariance=[1.0, 1.0])
    kept = [name for name in run if name.startswith(("currents_", "rotation"))]
    found = run[kept].drop_attrs(deep=False).isel(component=0, component_j=1)
    found = found.reset_coords(drop=True)  # the parameters, which are not the same in all parts
    return found.assign(kl=kl.kl, kl_standard_error=kl.kl_standard_error, p_value=turn.p_value)


def plot(dataset):
    """Two densities with their streamlines, and the current against the distance."""
    import matplotlib.pyplot as plt

    with ls.plots.style():
        figure, axes = plt.subplots(1, 3, figsize=(13.5, 3.8), layout="constrained")
        for ax, case, name in zip(axes, CASES, ("data", "theory"), strict=False):
            law, colour = dataset.sel(case=case).isel(learning_rate=-1), ls.plots.COLOURS[name]
            ls.plots.current(law, ax)
            ax.set_title(f"{CASES[case]}: KL to Boltzmann {float(law.kl):.4f} nat")
            _profile(axes[2], case, law, colour)
        axes[2].axhline(0, color=ls.plots.COLOURS["guide"], linewidth=0.8)
        axes[2].set(xlabel="distance from the centre (length)", xlim=(0, 3))
        axes[2].set(ylabel="current along the circle (1/(length time))")
        axes[2].set_title("currents in the bins (± 1 s.e.), and exact (lines)")
        axes[2].legend()
    return figure


def _profile(ax, case, law, colour):
    x, y = np.meshgrid(law.currents_x0, law.currents_x1, indexing="ij")
    r = np.maximum(np.hypot(x, y), 1e-12)
    u, v = (law.currents_current - law.currents_discretisation_error).values  # in the middle
    a, b = law.currents_current_standard_error.values
    along, error = (x * v - y * u) / r / RATES[-1], np.hypot(x * b, y * a) / r / RATES[-1]
    look = {"fmt": ".", "markersize": 3, "elinewidth": 0.5, "alpha": 0.5, "color": colour}
    ax.errorbar(r.ravel(), along.ravel(), error.ravel(), **look)
    line = np.linspace(0, 3, 200)
    ax.plot(line, current_at(case, line), color=colour, label=CASES[case])


def claims_of(dataset):
    claims = []
    for case, name in CASES.items():
        law = dataset.sel(case=case)
        kl, error = float(law.kl[-1]), float(law.kl_standard_error[-1])
        number = f"KL = {kl:.4f} +- {error:.4f} nat on 12 x 12 bins"
        holds = kl < DENSITY + 4 * error
        claims.append(Claim(f"{name}: the density is Boltzmann's", holds, number))
        rates = np.reshape(RATES, (2, 1))  # 2 : 1, to take off what is proportional to them
        coarse, fine = law.rotation.values / rates
        error = np.hypot(*([[1.0], [2.0]] * law.rotation_standard_error.values / rates))
        exact = [exact_rotation(case, decay) for decay in (0.0, 2.0)]
        text = f"{name}: rotations for w = 1, exp(-r^2) are {exact[0]:.4f}, {exact[1]:.4f}"
        claims.append(agreement(text, 2 * fine - coarse, exact, error))
        low, high = float(law.p_value.min()), float(law.p_value.max())
        if case == "control":
            text, holds = f"{name}: rotations of one step do not reject equilibrium", low > 1e-3
        else:
            text, holds = f"{name}: rotations of one step reject equilibrium", high < 1e-9
        claims.append(Claim(text, holds, f"p from {low:.2g} to {high:.2g}"))
    return claims


def run(quick, seed, threads, plant, each=in_memory):
    given = 4_000 if quick else 100_000, seed, threads, plant
    names = {(case, rate): f"{case} {rate}" for case in CASES for rate in RATES}
    parts = each({name: partial(part, *which, *given) for which, name in names.items()})
    rows = [xr.concat([parts[names[c, rate]] for rate in RATES], "learning_rate") for c in CASES]
    dataset = xr.concat(rows, "case").assign_coords(case=list(CASES), learning_rate=list(RATES))
    dataset = dataset.assign_coords(currents_axis=["x0", "x1"])
    dataset["case"].attrs = {"long_name": "system", "units": "1"}
    dataset["learning_rate"].attrs = {"long_name": "learning rate or step", "units": "1"}
    return dataset.assign_attrs(provenance()), claims_of(dataset)


WORDS = {  # what is in the file, in words
    "currents_axis": "component of the current",
}


if __name__ == "__main__":
    main("right_density_wrong_physics", run, plot, WORDS)
