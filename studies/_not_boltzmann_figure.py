"""The figure and the table of not_boltzmann.py."""

import numpy as np
from _six_noises import SYSTEMS, T0

import langevin_sgd as ls

COLUMNS = {  # name of a measured number: heading, factor that it is shown with
    "power": ("noise power / T0", 1 / T0),
    "occupation": ("in the noisy well", 1.0),
    "energy": ("energy / Boltzmann's", None),
    "temperature_0": ("temperature along x0 / T0", 1 / T0),
    "temperature_1": ("temperature along x1 / T0", 1 / T0),
    "rotation": ("rotation (length$^2$ / time)", 1.0),
    "kl": ("KL to Boltzmann (nat)", 1.0),
}
STRIPS = ["occupation", "energy", "temperature_0", "rotation", "kl"]
BOLTZMANN = dict(zip(COLUMNS, (1, 0.5, 1, 1, 1, 0, 0), strict=True))


def numbers(dataset, name, key):
    """A measured number of one system and its standard error, as they are shown."""
    factor = COLUMNS[key][1] or 1 / float(dataset.exact.sel(system="langevin", known="energy"))
    law = dataset.sel(system=name)
    return factor * float(law[key]), factor * float(law[f"{key}_standard_error"])


def sentences(dataset):
    """What each system shows, in a line."""
    shown = {key: {s: numbers(dataset, s, key)[0] for s in SYSTEMS} for key in COLUMNS}
    hot, cold = shown["temperature_0"]["anisotropic"], shown["temperature_1"]["anisotropic"]
    noise = dataset.attrs["noise_term_reshuffled"]
    taken = -100 * dataset.attrs["memory_term_reshuffled"] / noise
    quiet = [100 * (1 - shown["occupation"][name]) for name in ("of_x", "drawn")]
    return {
        "langevin": "Boltzmann's law; nothing goes round",
        "isotropic": f"{100 * (shown['energy']['isotropic'] - 1):.1f} % hotter: the finite step",
        "anisotropic": f"two temperatures, {hot:.1f} and {cold:.1f} T0; it goes round",
        "of_x": f"{quiet[0]:.0f} % sit in the quieter of equal wells",
        "drawn": f"{quiet[1]:.0f} %: batches beyond covariance",
        "reshuffled": f"memory undoes {taken:.0f} % of it: no hops",
    }


def told(dataset):
    """The table of departures, a sentence and the product's verdict for each system."""
    heads = [heading.replace("$", "") for heading, _ in COLUMNS.values()]
    lines = ["  ".join([f"{'':12s}", *(f"{head:>26s}" for head in heads)])]
    for name in SYSTEMS:
        cells = ["{:.4f} +- {:.4f}".format(*numbers(dataset, name, key)) for key in COLUMNS]
        lines.append("  ".join([f"{name:12s}", *(f"{cell:>26s}" for cell in cells)]))
    for name, sentence in sentences(dataset).items():
        lines += ["", f"{name}: {sentence}", f"  {dataset.attrs[f'verdict_{name}']}"]
    return "\n".join(lines)


def plot(dataset):
    """Six densities with Boltzmann's contours, and departures with 4 standard errors."""
    import matplotlib.pyplot as plt

    with ls.plots.style():
        figure = plt.figure(figsize=(10.6, 9.6), layout="constrained")
        rows = figure.subfigures(2, 1, height_ratios=[7.4, 3.2])
        axes = rows[0].subplots(2, 3, sharex=True, sharey=True)
        area = np.ptp(dataset.x0.values[:2]) * np.ptp(dataset.x1.values[:2])
        said = sentences(dataset)
        for ax, name in zip(axes.flat, SYSTEMS, strict=True):
            image = _density(ax, dataset.sel(system=name), area)
            word = dataset.attrs[f"decision_{name}"].removesuffix(" within tolerance")
            ax.set_title(f"{SYSTEMS[name]}: {word}\n{said[name]}")
        axes[0, 0].plot([], [], color=ls.plots.COLOURS["theory"], label="Boltzmann at T0")
        axes[0, 0].legend(loc="upper left")
        for ax in axes[:, 0]:
            ax.set_ylabel("$x_1$ (length)")
        for ax in axes[1]:
            ax.set_xlabel("$x_0$ (length)")
        rows[0].colorbar(image, ax=axes, label="density (1/length$^2$)", extend="max", shrink=0.6)
        strips = rows[1].subplots(1, len(STRIPS), sharey=True)
        for ax, key in zip(strips, STRIPS, strict=True):
            _strip(ax, dataset, key)
        short = [text.replace("SGD, ", "") for text in SYSTEMS.values()]
        strips[0].set(yticks=range(len(SYSTEMS)), yticklabels=short)
        strips[0].invert_yaxis()
        strips[0].set_title("± 4 s.e.; lines: Boltzmann")
    return figure


def _density(ax, law, area):
    image = ax.pcolormesh(law.x0, law.x1, law.density.T / area, vmin=0, vmax=1.2, rasterized=True)
    levels = [0.05, 0.2, 0.4, 0.6]
    look = {"colors": ls.plots.COLOURS["theory"], "linewidths": 1}
    ax.contour(law.x0, law.x1, law.boltzmann.T / area, levels=levels, **look)
    ax.set_aspect("equal")
    return image


def _strip(ax, dataset, key):
    """One measured number of all systems."""
    ax.axvline(BOLTZMANN[key], color=ls.plots.COLOURS["theory"], linewidth=1)
    both = {"temperature_0": ("temperature_0", "temperature_1")}.get(key, (key,))
    for column, marker, colour in zip(both, ("o", "s"), ("data", "other"), strict=False):
        value, error = np.transpose([numbers(dataset, name, column) for name in SYSTEMS])
        look = {"fmt": marker, "color": ls.plots.COLOURS[colour], "capsize": 3, "markersize": 5}
        ax.errorbar(value, np.arange(len(SYSTEMS)), xerr=4 * error, **look)
    if key == "occupation":  # no law of the epochs: nobody changes the well
        ax.text(0.8, 0.05, "as started", transform=ax.transAxes, ha="right", fontsize=8)
        ax.plot(value[-1], len(SYSTEMS) - 1, "o", color="white", markersize=3)
    heading = "$T/T_0$ along $x_0$ (●), $x_1$ (■)" if len(both) > 1 else COLUMNS[key][0]
    ax.set_xlabel(heading)
    ax.grid(axis="y", alpha=0.3)
