"""The figure of step_and_start.py."""

import numpy as np

import langevin_sgd as ls

LOOK = {"anisotropic": ("data", "o"), "isotropic": ("other", "s")}
AXIS = {"quadratic": " of $x_0$", "double well": " of $x_1$"}
STARTS = {"left": ("data", "o"), "right": ("other", "s"), "spread": ("theory", "D")}


def plot(dataset):
    """Departures against the rate, two symptoms of two landscapes; occupations against time."""
    import matplotlib.pyplot as plt

    with ls.plots.style():
        figure, axes = plt.subplots(2, 3, figsize=(12, 6.6), layout="constrained")
        for row, name in zip(axes, dataset.landscape.values, strict=True):
            for ax, symptom in zip(row, dataset.symptom.values, strict=False):
                for noise in LOOK:
                    which = {"landscape": name, "symptom": symptom, "noise": noise}
                    _departure(ax, dataset.sel(which), noise)
                ax.axhline(0, color=ls.plots.COLOURS["guide"], linewidth=0.8)
                ax.set(xlabel="learning rate, T0 fixed", ylabel="departure from Boltzmann (%)")
                ax.set_title(f"{name}: {symptom}{AXIS[name] if symptom == 'mean square' else ''}")
        axes[0, 0].legend(fontsize="small", title="± 4 s.e.; open: extrapolated")
        _starts(axes[0, 2], dataset)
        _mixing(axes[1, 2], dataset)
    return figure


def _departure(ax, of, noise):
    colour, marker = ls.plots.COLOURS[LOOK[noise][0]], LOOK[noise][1]
    rates, look = of.learning_rate.values, {"color": colour, "capsize": 2, "fmt": marker}
    ax.errorbar(rates, 100 * of.departure, 400 * of.departure_standard_error, label=noise, **look)
    ax.plot(rates, 100 * of.exact, "-", color=colour, linewidth=1)
    wide = 400 * float(of.limit_standard_error)
    ax.errorbar([0], 100 * float(of.limit), wide, markerfacecolor="none", **look)
    ends = np.array([0, rates[0]])
    ax.plot(ends, [100 * float(of.limit_exact), 100 * float(of.exact[0])], "--", color=colour)


def _starts(ax, dataset):
    for start, (colour, marker) in STARTS.items():
        of = dataset.sel(start=start).isel(reading_name=0)
        look = {"fmt": f"{marker}-", "markersize": 4, "color": ls.plots.COLOURS[colour]}
        ax.errorbar(of.time, of.reading, 4 * of.reading_standard_error, label=start, **look)
    ax.axhline(0.5, color=ls.plots.COLOURS["guide"], linewidth=0.8)
    ax.set(xscale="log", xlabel="time, steps times learning rate", ylabel="share in the right well")
    ax.set_title("double well: three starts, one law")
    ax.legend(fontsize="small", title="start")


def _mixing(ax, dataset):
    worst = {"nested R-hat": dataset.p_value, "budget": dataset.budget_p_value.min("start")}
    for (name, p), colour, marker in zip(worst.items(), ("theory", "data"), "Ds", strict=True):
        p = np.maximum(p, 1e-20)
        ax.plot(dataset.time, p, f"{marker}-", color=ls.plots.COLOURS[colour], label=name)
    ax.axhline(1e-3, color=ls.plots.COLOURS["guide"], linewidth=0.8, linestyle=":")
    ax.set(xscale="log", yscale="log", ylim=(1e-21, 3), xlabel="time, steps times learning rate")
    ax.set(ylabel="least p-value (below 1e-20: at 1e-20)")
    ax.set_title("a run that is too short is caught")
    ax.legend(fontsize="small")
