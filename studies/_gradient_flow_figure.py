"""The figure of gradient_flow.py."""

import numpy as np
from _flow_paths import SPAN, descent

import langevin_sgd as ls

LOOKS = {
    "quadratic": ("data", "o"),
    "double well": ("theory", "s"),
    "Rosenbrock": ("other", "D"),
    "logistic regression": ("guide", "^"),
}


def plot(dataset):
    """Four panels: the error along a path, orders without noise, with noise, and of epochs."""
    import matplotlib.pyplot as plt

    with ls.plots.style():
        figure, axes = plt.subplots(2, 2, figsize=(10.5, 7.6), layout="constrained")
        _along_the_path(axes[0, 0])
        _orders(axes[0, 1], dataset)
        _with_noise(axes[1, 0], dataset)
        _epochs(axes[1, 1], dataset)
        for ax in (axes[0, 1], axes[1, 0], axes[1, 1]):
            ax.xaxis.set_minor_formatter("")
            ax.set_xticks([0.01, 0.02, 0.05, 0.1][: 4 - (ax is axes[1, 0])], minor=False)
            ax.xaxis.set_major_formatter("{x:g}")
    return figure


def _along_the_path(ax):
    """(x_k - x(t))/(rate h x0) on the quadratic."""
    for rate, marker, colour in ((0.4, "o", "other"), (0.1, "s", "theory"), (0.025, ".", "data")):
        steps = np.arange(int(6 / rate) + 1)
        x = descent(ls.potentials.quadratic([1.0]), [1.0], rate, int(steps[-1]))[:, 0]
        some = slice(None, None, max(1, int(0.2 / rate)))
        look = {"color": ls.plots.COLOURS[colour], "label": f"rate h = {rate}"}
        error = (x - np.exp(-rate * steps)) / rate
        ax.plot(rate * steps[some], error[some], marker, markersize=5, **look)
    time = np.linspace(0, 6, 200)
    line = {"color": "black", "label": "$-(ht/2)\\,e^{-ht}$"}
    ax.plot(time, -time / 2 * np.exp(-time), **line)
    ax.set(xlabel="h t = rate h k", ylabel="$(x_k - x(t)) / (\\mathrm{rate}\\; h\\, x_0)$")
    ax.set_title("quadratic: distance from the flow over the rate")
    ax.legend()


def _orders(ax, dataset):
    rate = SPAN / dataset.steps.values
    for name, (colour, marker) in LOOKS.items():
        if name not in dataset.landscape:  # in a quick run
            continue
        distance = dataset.distance.sel(landscape=name).values
        look = {"color": ls.plots.COLOURS[colour], "marker": marker, "markersize": 5}
        ax.loglog(rate, distance[:, 0], **look, label=name)
        ax.loglog(rate, distance[:, 1], **look, linestyle="--", markerfacecolor="white")
    ax.plot([], [], "k-o", markersize=5, label="to the flow of U: order 1")
    open_marker = {"markersize": 5, "markerfacecolor": "white"}
    ax.plot([], [], "k--o", **open_marker, label="of the modified loss: order 2")
    ax.set(xlabel="rate × largest curvature on the path", ylabel="distance (length)")
    ax.set_title("gradient descent against two flows")
    ax.legend(fontsize=7)


def _with_noise(ax, dataset):
    steps = dataset.noisy_steps.values
    rate = 0.64 / steps
    for name in dataset.noisy.values:
        colour, marker = LOOKS[str(name)]
        one = dataset.sel(noisy=name)
        value, error = one.moments.values, one.moments_standard_error.values
        look = {"color": ls.plots.COLOURS[colour], "fmt": marker, "capsize": 2, "markersize": 5}
        root = np.sqrt(value[:, 1])
        ax.errorbar(rate, root, 4 * error[:, 1] / (2 * root), **look)
        look |= {"markerfacecolor": "white"}
        ax.errorbar(rate, np.abs(value[:, 0]), 4 * error[:, 0], **look)
    steps = np.arange(steps.min(), steps.max() + 1)
    line = 0.64 / steps
    mean, variance = ls.theory.sgd_moments(2.0, 1.0, line, steps)
    away, colour = mean - np.exp(-1.28), ls.plots.COLOURS["data"]
    ax.plot(line, np.sqrt(away**2 + variance), color=colour, label="quadratic, exact: one particle")
    ax.plot(line, np.abs(away), "--", color=colour, label="quadratic, exact: the mean")
    colour = ls.plots.COLOURS["theory"]
    ax.plot([], [], "s", color=colour, markersize=5, label="double well: one particle (rms)")
    ax.plot([], [], "s", color=colour, markersize=5, markerfacecolor="w", label="... the mean")
    ax.set(xscale="log", yscale="log", xlabel="learning rate (length²/energy)")
    ax.set(ylabel="distance from the flow (length)")
    ax.set_title("with noise, points ± 4 s.e.: one particle is √rate away")
    ax.legend(fontsize=7)


def _epochs(ax, dataset):
    rate = 0.64 / dataset.steps.values
    looks = {"with_replacement": ("other", "o", "without tr C: order 2")}
    looks["reshuffle"] = "data", "s", "with (rate/4) tr C: order 3"
    for name, (colour, marker, label) in looks.items():
        residual = dataset.residual.sel(sampling=name)
        ax.loglog(rate, residual, marker=marker, color=ls.plots.COLOURS[colour], label=label)
    ax.set(xlabel="learning rate (length²/energy)", ylabel="distance after one epoch (length)")
    ax.set_title("mean over all orders of an epoch, less the modified flow")
    ax.legend()
