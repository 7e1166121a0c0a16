"""The figure of one_temperature.py: one temperature in each direction, and what it is made of."""

import numpy as np

import langevin_sgd as ls
from langevin_sgd.plots.temperatures import PARTS

LOOKS = {"drawn": ("#0072B2", "o"), "reshuffled": ("#E69F00", "s")}
LOOKS["reshuffled, momentum"] = "#CC79A7", "^"
TABLES = {"diabetes": "least squares", "breast cancer": "logistic", "digits": "10 classes"}


def plot(dataset):
    """Above, the temperatures of three tables; below, two budgets and the cause."""
    from matplotlib.figure import Figure

    with ls.plots.style():
        figure = Figure(figsize=(9.4, 7.4), layout="constrained")
        above, below = figure.subplots(2, 3)
        for ax, name in zip(above, TABLES, strict=True):
            if f"{name.replace(' ', '_')}_measured" in dataset:
                _temperatures(ax, dataset, name)
        for ax in (above[0], below[0]):
            ax.set_ylabel("temperature of the direction / $T_0$")
        figure.suptitle(
            "SGD on three tables: a temperature in each direction of the Hessian, where "
            "Boltzmann's law has one for all\n"
            r"($T_0$ = learning rate $\times$ tr $\Sigma$ / (2 $d$ $\times$ batch size), "
            r"the formula's temperature; points $\pm$ 4 s.e.)",
            fontsize=10.5,
        )
        _legend(above[1])
        for ax, law in zip(below, ("drawn", "reshuffled, momentum"), strict=False):
            _budget(ax, dataset, law)
        _cause(below[2], dataset)
        handles, labels = below[1].get_legend_handles_labels()
        look = {"loc": "outside lower center", "ncols": 4, "fontsize": 8.5}
        figure.legend(
            handles,
            labels,
            title="below, left and middle: the parts of each temperature, which add up to it",
            **look,
        )
    return figure


def _temperatures(ax, dataset, name):
    short = name.replace(" ", "_")
    one, h = float(dataset[f"{short}_sgd_temperature"]), dataset[f"{short}_curvature"].values
    for law, (colour, marker) in LOOKS.items():
        part = dataset.sel(law=law)
        heat, error = (part[f"{short}_measured{end}"].values for end in ("", "_standard_error"))
        ax.plot(h, part[f"{short}_full"] / one, color=colour, linewidth=1.0)
        look = {"fmt": marker, "color": colour, "markersize": 3.5, "capsize": 0, "label": law}
        ax.errorbar(h, heat / one, 4 * error / one, **look)
        if law == "reshuffled":
            ax.plot(h, part[f"{short}_frozen"] / one, ":", color=colour, linewidth=1.4)
    ax.axhline(1, color="black", linewidth=1.2)
    ax.set(xscale="log", yscale="log", xlabel="curvature (energy / length²)")
    ax.set_title(f"{name}: {TABLES[name]}, {len(h)} directions")


def _legend(ax):
    ax.plot([], [], color="black", linewidth=1.2, label="Boltzmann: one for all")
    ax.plot([], [], color="#666666", linewidth=1.0, label="theory, with each batch's Hessian")
    ax.plot([], [], ":", color=LOOKS["reshuffled"][0], label="noise frozen at the minimum")
    ax.legend(fontsize=8, loc="lower right", borderaxespad=0.0)


def _budget(ax, dataset, law):
    one, part = float(dataset.diabetes_sgd_temperature), dataset.sel(law=law)
    places = np.arange(len(part.diabetes_curvature))
    above, below = np.zeros(len(places)), np.zeros(len(places))
    for name in dataset.part.values:
        label, colour = PARTS[name]
        height = part.diabetes_parts.sel(part=name).values / one
        bottom = np.where(height > 0, above, below)
        ax.bar(places, height, 0.75, bottom=bottom, color=colour, label=label)
        above, below = above + np.maximum(height, 0), below + np.minimum(height, 0)
    heat, error = part.diabetes_measured / one, part.diabetes_measured_standard_error / one
    look = {"fmt": "o", "color": "black", "markersize": 4, "capsize": 2, "label": "measured"}
    ax.errorbar(places, heat, 4 * error, **look)
    ax.axhline(0, color="black", linewidth=0.8)
    names = [f"{h:.2g}" for h in part.diabetes_curvature.values]
    ax.set_xticks(places[::2], names[::2], fontsize=8.5)
    ax.set(xlabel="curvature (energy / length²)", title=f"diabetes, {law}")


def _cause(ax, dataset):
    flat = dataset.isel(diabetes_direction=0)
    rates, frozen, orange = flat.learning_rate, flat.frozen, LOOKS["reshuffled"][0]
    ax.plot(rates, flat.full / frozen, color=orange, label="theory with batch Hessians")
    ax.axhline(1, color=orange, linestyle=":", label="noise frozen at the minimum")
    ratio, error = flat.over_orders / frozen, 4 * flat.over_orders_standard_error / frozen
    look = {"fmt": "D", "color": "#666666", "markersize": 5, "capsize": 3}
    ax.errorbar(rates, ratio, error, label="average over orders, no run", **look)
    rate = float(dataset.diabetes_rate)
    at = flat.sel(learning_rate=rate)
    real = flat.sel(law="reshuffled")
    runs = {
        "runs, own Hessians": ("diabetes_measured", 0.83, orange, "s"),
        "the same, hot start": ("hot_start", 0.91, "#D55E00", "^"),
        "the same, twice as long": ("twice_as_long", 1.1, "#0072B2", "o"),
        "runs, one Hessian for all rows": ("one_hessian", 1.0, "#009E73", "X"),
    }
    runs = {label: given for label, given in runs.items() if given[0] in dataset}
    for label, (name, aside, colour, marker) in runs.items():
        value = float(real[name] if name.startswith("diabetes") else at[name]) / float(at.frozen)
        end = f"{name}_standard_error"
        error = float(real[end] if name.startswith("diabetes") else at[end]) / float(at.frozen)
        look = {"fmt": marker, "color": colour, "markersize": 5, "capsize": 2, "label": label}
        ax.errorbar(rate * aside, value, 4 * error, **look)
    ax.set(xscale="log", yscale="log", xlabel="learning rate (length² / energy)")
    ax.set_xticks(rates.values[-5::2], [f"{rate:g}" for rate in rates.values[-5::2]])
    ax.minorticks_off()
    ax.set_yticks([1, 2, 4, 8], ["1", "2", "4", "8"])
    ax.set(ylim=(0.85, 110), ylabel="temperature / that of frozen noise")
    ax.set_title("the flattest of diabetes, reshuffled")
    ax.legend(fontsize=8, loc="upper left")
