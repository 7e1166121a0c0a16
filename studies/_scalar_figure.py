"""The figure of which_scalar.py."""

import numpy as np
from _panels import BLUE, GREEN, GREY, ORANGE
from _scalar_answers import BATCH, RATE
from _scalar_tables import NAMES

import langevin_sgd as ls

LOOK = dict(zip(NAMES, ((BLUE, "o"), (ORANGE, "s"), (GREY, "^"), (GREEN, "D")), strict=True))
WORDS = {
    "diabetes": "diabetes",
    "aligned": "$\\Sigma\\propto H$",
    "isotropic": "$\\Sigma\\propto 1$",
    "opposed": "$\\Sigma\\propto H^{-1}$",
}
ASKED = [
    "tr $\\Sigma$\nerror\nof g",
    "tr $\\Sigma$\ntempe-\nrature",
    "tr $H\\Sigma$\nfirst\nrise",
    "tr $H^{-1}\\Sigma$\nloss of\nmean",
    "tr $H^{-2}\\Sigma$\nits\nerror",
    "$\\lambda_{max}$\nwidest",
    "det$^{1/d}$\nvolume",
]


def points(axes, x, dataset, name, look, **more):
    """Measured numbers with 4 standard errors."""
    colour, marker = look
    given = {"fmt": marker, "color": colour, "capsize": 2, "markersize": 4} | more
    axes.errorbar(x, dataset[name], 4 * dataset[f"{name}_standard_error"], **given)


def plot(dataset):
    """Six panels: seven answers, the loss along a run, time averages; one step, escape, atoms."""
    import matplotlib.pyplot as plt

    with ls.plots.style():
        figure, axes = plt.subplots(2, 3, figsize=(13, 7.6), layout="constrained")
        _answers(axes[0, 0], dataset)
        _rise(axes[0, 1], dataset)
        _average(axes[0, 2], dataset)
        _gain(axes[1, 0], dataset)
        _escape(axes[1, 1], dataset)
        _law(axes[1, 2], dataset)
    return figure


def _answers(axes, dataset):
    places, unit = np.arange(len(ASKED)), dataset.scalar.sel(table="isotropic")
    for k, (name, look) in enumerate(LOOK.items()):
        of, x = dataset.sel(table=name), places + 0.13 * (k - 1.5)
        axes.scatter(x, of.scalar / unit, marker="_", s=120, color="black", linewidth=1, zorder=3)
        shown = of[["answer", "answer_standard_error"]] / unit
        points(axes, x, shown, "answer", look, label=WORDS[name])
        axes.plot(x, of.answer_exact / unit, color=look[0], linewidth=0.6, alpha=0.6)
    axes.scatter([], [], marker="_", s=120, color="black", label="the scalar of $\\Sigma$")
    axes.set(yscale="log", ylabel="answer, over the scalar of $\\Sigma\\propto 1$", ylim=(0.05, 12))
    axes.set_xticks(places, ASKED, fontsize=8)
    axes.set_title("a  same H, same tr $\\Sigma$: seven questions")
    axes.legend(fontsize=8, ncols=2, loc="lower left")


def _rise(axes, dataset):
    steps = 2**dataset.doubling.values
    for name, look in LOOK.items():
        of = dataset.sel(table=name)
        axes.plot(steps, of.rise_exact, color=look[0], linewidth=1)
        points(axes, steps, of, "rise", look, label=WORDS[name])
    trace = float(dataset.scalar.isel(table=0, question=0))
    label = "tr $\\Sigma$ alone: $\\eta$ tr $\\Sigma$/4B"
    axes.axhline(RATE * trace / (4 * BATCH), color="black", linestyle="--", label=label)
    axes.set(xscale="log", yscale="log", xlabel="steps from the minimum")
    axes.set(ylabel="loss above the minimum (energy)")
    axes.set_title("b  it rises by tr $H\\Sigma$, and ends at tr $\\Sigma$; lines: exact")
    axes.legend(fontsize=8)


def _average(axes, dataset):
    n = dataset.averaged.values
    for name, look in LOOK.items():
        for k, line in enumerate(("-", ":")):
            of = dataset.sel(table=name).isel(rate=k)
            axes.plot(n, of.average_exact, line, color=look[0], linewidth=1.2)
            filled = {} if k == 0 else {"markerfacecolor": "white"}
            points(axes, n, of, "average", look, **filled)
        limit = float(dataset.scalar.sel(table=name).isel(question=3))
        axes.plot([n[-1] * 1.3, n[-1] * 2.2], [limit, limit], color="black")
        va = {"diabetes": "bottom", "aligned": "top"}.get(name, "center")
        axes.text(n[-1] * 2.4, limit, WORDS[name], fontsize=8, va=va)
    axes.plot([], [], color="black", label="tr $H^{-1}\\Sigma$")
    axes.plot([], [], "-", color=GREY, marker="o", label=f"learning rate {dataset.rate.values[0]}")
    hollow = {"marker": "o", "markerfacecolor": "white"}
    axes.plot([], [], ":", color=GREY, label=f"learning rate {dataset.rate.values[1]}", **hollow)
    axes.set(xscale="log", yscale="log", xlabel="positions n that are averaged", xlim=(50, 60_000))
    axes.set(ylabel="2 n B (loss of their mean - minimum) (energy)")
    axes.set_title("c  the time average: tr $H^{-1}\\Sigma$, the opposite order")
    axes.legend(fontsize=8, loc="lower right")


def _gain(axes, dataset):
    sizes = np.geomspace(1, dataset.large_batch.values[-1], 100)
    for point, look in zip(dataset.point.values, ((ORANGE, "s"), (BLUE, "o")), strict=True):
        of = dataset.sel(point=point)
        exact = 1 / (1 + float(of.curvature_scale) / sizes)
        axes.plot(sizes, exact, color=look[0])
        axes.plot(sizes, 1 / (1 + float(of.simple_scale) / sizes), ":", color=look[0])
        label = f"$G_T$ along the {point} direction"
        points(axes, of.large_batch, of, "gain", look, label=label)
    axes.plot([], [], color="black", label="1/(1 + tr($H\\Sigma$) / $G_T'HG_T$ B)")
    axes.plot([], [], ":", color="black", label="1/(1 + tr $\\Sigma$ / $|G_T|^2$ B)")
    axes.set(xscale="log", xlabel="batch size B", ylabel="gain of the best step / full gradient's")
    axes.set_title("d  at one $|G_T|$: does a larger batch pay?")
    axes.legend(fontsize=8)


def _escape(axes, dataset):
    places = np.arange(2)
    axes.scatter(places, dataset.escape_exact, marker="_", s=900, color="black")
    axes.plot([], [], color="black", label="exact")
    points(axes, places, dataset, "escape", (BLUE, "o"), label="SGD, ± 4 s.e.")
    for place, steps in zip(places, dataset.escape_exact.values, strict=True):
        axes.text(place, 1.3 * steps, f"{steps:.0f} steps", ha="center", fontsize=8)
    axes.set(yscale="log", xlim=(-0.6, 1.6), ylabel="mean steps to the top of the barrier")
    axes.set_ylim(dataset.escape_exact.min() / 3, dataset.escape_exact.max() * 3)
    axes.set_xticks(places, ["hot along the way out", "hot across it"])
    axes.set_title("e  escape from H = 2: same tr $\\Sigma$, tr $H\\Sigma$, $\\lambda_{max}$, det")
    axes.legend(fontsize=8, loc="upper left")


def _law(axes, dataset):
    z = dataset.bin.values
    looks = (GREY, "-"), (BLUE, "-"), (GREEN, "--"), (ORANGE, ":")
    for name, (colour, line) in zip(dataset.law.values, looks, strict=True):
        of = dataset.sel(law=name)
        kurtosis, exact = float(of["shape"][1]), float(of.shape_exact[1])
        label = f"{name}: excess kurtosis {kurtosis:.2f} (exact {exact:.2f})"
        density = np.where(of.density > 0, of.density, np.nan)
        axes.step(z, density, line, where="mid", color=colour, label=label)
    axes.set(yscale="log", xlabel="batch gradient, widest direction (standard deviations)")
    axes.set(ylabel="density", ylim=(1e-5, 60), xlim=(-7, 7))
    axes.set_title("f  the law of G: atoms and their Gaussian twin")
    axes.legend(fontsize=8)
