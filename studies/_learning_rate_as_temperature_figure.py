"""The figure of learning_rate_as_temperature.py."""

import numpy as np
from _breakdown import LIMIT
from _learning_rate_as_temperature_data import landscapes, points_of
from _learning_rate_as_temperature_exact import energy_density

import langevin_sgd as ls

LOOK = {
    "quadratic": ("#0072B2", "o"),
    "double well": ("#D55E00", "s"),
    "two minima": ("#009E73", "D"),
    "rugged": ("#CC79A7", "^"),
    "O-rings": ("#000000", "v"),
}
SPEEDS = {
    "step": ("rms step (length)", np.sqrt, "data", "o"),
    "diffusion": ("diffusion (length² per step)", np.array, "theory", "s"),
    "relaxation": ("relaxation time (steps)", np.array, "other", "D"),
}


def plot(dataset):
    """Landscapes, loss, departure from Boltzmann's; law of the energy, speeds, and the share of the
    global basin."""
    import matplotlib.pyplot as plt

    with ls.plots.style():
        figure, axes = plt.subplots(2, 3, figsize=(13.5, 7.6), layout="constrained")
        _landscapes(axes[0, 0], dataset)
        _loss(axes[0, 1], dataset)
        _departure(axes[0, 2], dataset)
        quadratic = dataset.sel(landscape="quadratic")
        _law_of_energy(axes[1, 0], quadratic)
        _speeds(axes[1, 1], quadratic)
        _share(axes[1, 2], dataset)
    return figure


def _logarithmic(ax, ticks, label):
    ax.set(xscale="log", xlabel=label)
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_xticks([], minor=True)


def _landscapes(ax, dataset):
    for name in dataset.landscape.values:
        if name not in ("quadratic", "O-rings"):
            line, energy, _ = points_of(name)
            shown = energy < 1.6
            ax.plot(line[shown], energy[shown], color=LOOK[name][0], label=name)
    line = np.linspace(-1.7, 1.7, 200)
    ax.plot(line, line**2 / 2, color=LOOK["quadratic"][0], label="quadratic, stiff direction")
    ax.set(xlabel="x (length)", ylabel="energy above the lowest", ylim=(0, 2.3))
    ax.set_title("(a) landscapes (O-rings: logistic, 2 weights, 23 launches)")
    ax.legend(loc="upper center", fontsize=8, ncols=2)


def _loss(ax, dataset):
    for name in dataset.landscape.values:
        (colour, marker), law = LOOK[name], dataset.sel(landscape=name)
        ax.plot(law.learning_rate, law.energy, marker, color=colour, label=name, markersize=5)
        ax.plot(law.learning_rate, law.boltzmann, "--", color=colour, linewidth=1)
    ax.plot([], [], "--", color=ls.plots.COLOURS["guide"], label="Boltzmann's at T(rate)")
    _logarithmic(ax, (0.01, 0.03, 0.1, 0.3, 1.0), "learning rate")
    ax.set(yscale="log", ylabel="mean loss above the lowest (energy)", ylim=(6e-4, 8))
    ax.set_title("(b) a larger rate is hotter: the stationary loss")
    ax.legend(fontsize=8, ncols=2, loc="upper center")


def _departure(ax, dataset):
    ax.axhspan(-LIMIT, LIMIT, color=ls.plots.COLOURS["guide"], alpha=0.15, linewidth=0)
    for name in dataset.landscape.values:
        (colour, marker), law = LOOK[name], dataset.sel(landscape=name)
        stiffest = landscapes()[name].stiffest
        x = stiffest * law.learning_rate
        error = 4 * law.departure_standard_error
        look = {"fmt": marker, "color": colour, "markersize": 4, "capsize": 2}
        ax.errorbar(x, law.departure, error, **look)
        dashed = "--" if name == "O-rings" else "-"
        ax.plot(x, law.exact_departure, dashed, color=colour, linewidth=1)
        low, high, _ = law.breaks.values
        ax.plot([stiffest * low, stiffest * high], [LIMIT, LIMIT], color=colour, linewidth=5)
    grey = ls.plots.COLOURS["guide"]
    ax.plot([], [], color=grey, linewidth=5, label="where it breaks")
    ax.plot([], [], color=grey, linewidth=1, label="exact")
    ax.plot([], [], "k--", linewidth=1, label="O-rings, linearised at the best fit")
    _logarithmic(ax, (0.02, 0.05, 0.1, 0.2, 0.4), "learning rate times the largest curvature")
    ax.set(ylabel="departure of the mean loss from Boltzmann's", ylim=(-0.03, 0.25))
    ax.set_title("(c) Boltzmann's law holds within 5 % (± 4 s.e.)")
    ax.legend(fontsize=8, loc="upper left")


def _law_of_energy(ax, quadratic):
    energy, fine = quadratic.bin.values, np.linspace(0.0, 8.0, 200)
    points = [0, quadratic.sizes["point"] // 2, quadratic.sizes["point"] - 1]
    for k, name in zip(points, ("data", "other", "theory"), strict=True):
        law, colour = quadratic.isel(point=k), ls.plots.COLOURS[name]
        rate, seen = float(law.learning_rate), law.density.values > 0
        error = 4 * law.density_standard_error[seen]
        look = {"fmt": ".", "color": colour, "label": f"rate {rate:g}"}
        ax.errorbar(energy[seen], law.density[seen], error, **look)
        ax.plot(fine, energy_density(fine, rate), color=colour, linewidth=1)
    ax.plot(fine, np.exp(-fine), "k--", linewidth=1, label="Boltzmann's exp(-E/T)")
    ax.set(yscale="log", xlabel="energy / T", ylabel="density of the energy, times T")
    ax.set_title("(d) quadratic: one law in units of T (lines exact)")
    ax.legend(fontsize=8)


def _speeds(ax, quadratic):
    for key, (text, shown, name, marker) in SPEEDS.items():
        colour = ls.plots.COLOURS[name]
        ax.plot(quadratic.learning_rate, shown(quadratic[key]), marker, color=colour, label=text)
        ax.plot(quadratic.learning_rate, shown(quadratic[f"exact_{key}"]), color=colour)
    _logarithmic(ax, (0.02, 0.05, 0.1, 0.2, 0.4), "learning rate")
    ax.set(yscale="log", ylabel="step, diffusion, relaxation time")
    ax.set_title('(e) quadratic: what is "faster" (lines exact)')
    ax.legend(fontsize=8)


def _share(ax, dataset):
    law, data = dataset.sel(landscape="two minima"), ls.plots.COLOURS["data"]
    other, start = ls.plots.COLOURS["other"], dataset.cold_temperature
    ax.plot(start, dataset.boltzmann_fraction, "k--", linewidth=1, label="Boltzmann's")
    heat = np.append(start, law.temperature)
    exact = np.append(dataset.stationary_fraction, law.exact_fraction)[np.argsort(heat)]
    ax.plot(np.sort(heat), exact, color=data, label="exact stationary law of SGD")
    error = 4 * law.fraction_standard_error
    look = {"capsize": 2, "markersize": 5}
    ax.errorbar(law.temperature, law.fraction, error, fmt="o", color=data, label="SGD", **look)
    text = "its share times 1 - λ$^{3000}$, λ exact"
    ax.plot(start, dataset.relaxed_fraction, ":", color=other, label=text)
    error = 4 * dataset.cold_fraction_standard_error
    text = "3000 steps from the local minimum"
    ax.errorbar(start, dataset.cold_fraction, error, fmt="s", color=other, label=text, **look)
    ax.axhline(0.5, color=ls.plots.COLOURS["guide"], linewidth=0.6)
    _logarithmic(ax, (0.05, 0.1, 0.2, 0.5, 1.0), "temperature T (energy)")
    ax.set_ylabel("share of particles in the global basin")
    ax.set_title("(f) two minima: the share of the global one")
    ax.set_ylim(-0.03, 1.05)
    ax.legend(fontsize=8, loc="lower right")
