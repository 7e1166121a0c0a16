"""The figure of annealing.py."""

import numpy as np
from _annealing_landscape import LAWS, energies, fit

import langevin_sgd as ls

COLOURS = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000"
GUIDE = ls.plots.COLOURS["guide"]


def plot(dataset):
    """Schedules, two ways to cool, the rugged landscape, and the final loss after cooling it."""
    import matplotlib.pyplot as plt

    with ls.plots.style():
        figure, axes = plt.subplots(2, 3, figsize=(13.5, 7.4), layout="constrained")
        _schedules(axes[0, 0], dataset)
        _stages(axes[0, 1], dataset)
        _hotter(axes[0, 2], dataset)
        _landscape(axes[1, 0])
        _cooling(axes[1, 1], dataset)
        _local(axes[1, 2], dataset)
    return figure


def _schedules(ax, dataset):
    for name, colour, marker in zip(dataset.schedule.values, COLOURS, "os^Dv", strict=True):
        law = dataset.sel(schedule=name, h=1.0)
        ax.plot(law.mark, law.exact_variance, color=colour, linewidth=1)
        error = 4 * law.variance_standard_error
        look = {"fmt": marker, "color": colour, "markersize": 4, "label": name}
        ax.errorbar(law.mark, law.variance, error, **look)
    ax.set(
        yscale="log", xlabel="steps", ylabel="variance at h = 1 (length$^2$)", ylim=(1.5e-5, 0.4)
    )
    ax.set_title("any schedule: points ± 4 s.e., exact lines")
    ax.legend(fontsize=8, loc="lower left")


def _stages(ax, dataset):
    stages = np.arange(1, dataset.sizes["stage"] + 1)
    a = int(np.abs(dataset.a.values - 0.6).argmin())
    names = "halve the rate", "double the batch"
    for k, (name, colour, marker) in enumerate(zip(names, COLOURS, "os", strict=False)):
        law = dataset.isel(way=k, a=a)
        ax.plot(stages, law.exact_cooled, color=colour, linewidth=1)
        label = f"{name}: {int(law.updates[-1])} updates"
        error = 4 * law.cooled_standard_error
        ax.errorbar(stages, law.cooled, error, fmt=marker, color=colour, label=label)
    ax.plot(stages, 2.0 ** (1 - stages), ":", color=GUIDE, label="$T(t)/T_0$, of both")
    ax.set(yscale="log", xticks=stages, xlabel="stage (same time, same examples seen)")
    ax.set(ylabel="variance × $h/T_0$")
    ax.set_title(f"batch instead of rate, at $\\eta_0 h$ = {float(dataset.a[a]):.2g}")
    ax.legend()


def _hotter(ax, dataset):
    last = dataset.isel(stage=-1)
    ratio, exact = (last[k][1] / last[k][0] for k in ("cooled", "exact_cooled"))
    error = 4 * ratio * np.hypot(*(last.cooled_standard_error / last.cooled))
    ax.plot(last.a, exact - 1, color=COLOURS[1], label="exact")
    ax.errorbar(last.a, ratio - 1, error, fmt="o", color=COLOURS[0], label="simulated, ± 4 s.e.")
    ax.axhline(0.05, color=GUIDE, linestyle=":", linewidth=1)
    ax.annotate("5 %", (float(last.a[0]), 0.05), va="bottom", color=GUIDE)
    ax.set(xscale="log", yscale="log", ylim=(2e-3, 8), xlabel="$\\eta_0 h$")
    ax.set(ylabel="excess of the large batch's variance")
    ax.set_title("the price: the large step stays")
    ax.legend(loc="upper left")


def _landscape(ax):
    x = np.linspace(-8, 8, 2000)
    for k, colour in zip((1, 2, 3), COLOURS, strict=False):
        u = energies(x)[k]
        ax.plot(x, u - u.min() + 2.5 * (k - 1), color=colour, linewidth=1)
        ax.axhline(2.5 * (k - 1), color=colour, linestyle=":", linewidth=0.6)
    ax.set(xlabel="one coordinate (length)", ylabel="U - min U (energy), shifted")
    ax.set_title("3 of 16 coordinates; hot: T = 1")


def _cooling(ax, dataset):
    n, far = dataset.steps.values, dataset.exact_steps.values
    error = 4 * dataset.excess_standard_error
    ax.errorbar(n, dataset.excess, error, fmt="o", color=COLOURS[0], label="SGD, ± 4 s.e.")
    ax.plot(far, dataset.exact_excess, color=COLOURS[0], linewidth=1, label="exact, small rates")
    curve = dataset.exact_excess.values
    slow, late = (n >= 2**12) & (n <= 2**20), far >= 2**28
    given = n[slow], dataset.excess.values[slow], dataset.excess_standard_error.values[slow]
    steps = np.geomspace(2**9, 2**32, 50)
    _line(ax, steps, given, "power of n", (COLOURS[1], "--"))
    steps = np.geomspace(2**20, 2**46, 50)
    _line(ax, steps, (far[late], curve[late], curve[late]), "power of ln n", (COLOURS[2], "-."))
    ax.set(xscale="log", yscale="log", ylim=(3e-3, 2), xlabel="steps n of the cooling")
    ax.set(ylabel="final loss - global minimum, / 16")
    ax.set_title("the slower, the lower")
    ax.legend(fontsize=8)


def _line(ax, steps, given, law, look):
    n, excess, _ = given
    found, rule = fit(law, *given), LAWS[law]
    shape = np.exp(-found.exponent * rule(steps))
    constant = np.exp(np.mean(np.log(excess) + found.exponent * rule(n)))
    label = f"{law}, exponent {-found.exponent:.2f}"
    ax.plot(steps, constant * shape, look[1], color=look[0], label=label)


def _local(ax, dataset):
    far, curve = dataset.exact_steps.values, dataset.exact_excess.values
    middle = np.sqrt(far[1:] * far[:-1])
    for (law, rule), colour, marker in zip(LAWS.items(), COLOURS[1:], "s^", strict=False):
        local = -np.diff(np.log(curve)) / np.diff(rule(far))
        scale = 10 if law == "power of n" else 1
        label = f"exponent of a {law}" + (" (× 10)" if scale == 10 else "")
        ax.plot(middle, scale * local, f"-{marker}", color=colour, markersize=4, label=label)
    ax.axvspan(dataset.steps.values[0], dataset.steps.values[-1], color="#000000", alpha=0.07)
    ax.annotate("simulated", (100, 0.2), color=GUIDE)
    ax.set(xscale="log", xlabel="steps n of the cooling", ylabel="local exponent, exact curve")
    ax.set(ylim=(0, 4.8))
    ax.set_title("a law holds where its exponent is flat")
    ax.legend(fontsize=8)
