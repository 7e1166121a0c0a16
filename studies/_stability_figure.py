"""The figure of stability_atlas.py: six panels, one for each paragraph of its docstring."""

import numpy as np
from _panels import BLUE, GREEN, GREY, ORANGE, finished, plain_ticks, six

import langevin_sgd as ls

WHAT = "second moment", "first moment", "almost every particle"
COLOURS = BLUE, GREEN, ORANGE


def plot(dataset):
    return six((_edges, _between, _ratios, _bounds, _momentum, _gap), dataset, 14)


def _edges(ax, dataset):
    batch = np.geomspace(1, 32, 40)
    for k, (what, colour) in enumerate(zip(WHAT, COLOURS, strict=True)):
        ax.plot(batch, ls.theory.lyapunov_edge(1.0, batch, 2 - k), color=colour, label=what)
        edge = dataset.edge_edge[:, k].values
        ax.errorbar(dataset.tried, edge, 0.05 * edge, fmt="none", color=colour, capsize=3)
    ax.errorbar(
        [], [], [], fmt="|", color=GREY, capsize=3, label="falls below, grows above the bar"
    )
    ax.axhline(2, color=GREY, linestyle="--", label="gradient descent")
    ax.set_ylim(0.4, 3.6)
    finished(ax, "x", "(a) one dimension: three edges", "batch size B", "learning rate × curvature")


def _between(ax, dataset):
    time = dataset.time
    ax.plot(time, dataset.second, color="black", label="second moment, exact: $2^t$")
    ax.plot(
        time,
        dataset.second_seen,
        "o-",
        color=BLUE,
        markersize=3,
        label=dataset.second_seen.long_name,
    )
    ax.plot(time, dataset["median"], "s-", color=ORANGE, markersize=3, label="median of the square")
    words = "(b) between the edges: B = 1, η = 1", "step", "(w − w*)², at the start 1"
    finished(ax, "y", *words)


def _ratios(ax, dataset):
    for batch, colour in zip(dataset.several.values, COLOURS, strict=False):
        ax.plot(
            dataset.dim, dataset.ratio.sel(several=batch), "o-", color=colour, label=f"B = {batch}"
        )
    ax.axhline(1, color=GREY, linewidth=1, linestyle="--")
    words = "(c) the edges part in few dimensions only", "number of equal directions d"
    finished(ax, "x", *words, "edge of almost every particle / second moment")
    plain_ticks(ax.xaxis, 1, 4, 16, 64)


def _bounds(ax, dataset):
    batch, ones = np.geomspace(1, 1000, 60), np.ones(64)
    bounds = ls.theory.stability_bounds(ones, batch)
    ax.plot(
        batch,
        ls.theory.regression_threshold(ones, batch),
        color="black",
        label="exact, second moment",
    )
    ax.plot(batch, bounds.trace, "--", color=ORANGE, label="bound by the trace")
    ax.plot(batch, bounds.frobenius, ":", color=GREEN, label="bound by the Frobenius norm")
    ax.axhline(2, color=GREY, linestyle="--", linewidth=1, label="gradient descent")
    ax.set_ylim(0.02, 5)
    finished(ax, "xy", "(d) 64 equal directions", "batch size B", "learning rate × curvature")


def _momentum(ax, dataset):
    batch, ones = np.geomspace(1, 1e5, 60), np.ones(64)
    for momentum, colour in ((0.0, BLUE), (0.9, ORANGE)):
        rate = ls.theory.regression_threshold(ones, batch, momentum)
        ax.plot(batch, rate, color=colour, label=f"momentum {momentum:g}, exact")
        ax.axhline(2 * (1 + momentum), color=colour, linestyle="--", linewidth=1)
        ax.plot(batch[:30], 2 * (1 - momentum) * batch[:30] / 64, ":", color=colour)
    ax.plot([], [], "--", color=GREY, label="large batches: 2(1 + μ)/λ")
    ax.plot([], [], ":", color=GREY, label="small batches: 2(1 − μ)B/tr H")
    finished(
        ax,
        "xy",
        "(e) 64 equal directions, with momentum",
        "batch size B",
        "learning rate × curvature",
    )


def _gap(ax, dataset):
    alpha, sigma = dataset.setting_sharpening.values, dataset.setting_sigma.values
    published = -0.05 * sigma**2 / (4 * alpha)
    for unit, colour, marker, label in (
        (True, BLUE, "o", "σ = 1, α from 0.02 to 0.4"),
        (False, ORANGE, "s", "other σ, from 0.1 to 2"),
    ):
        inside = (sigma == 1) == unit
        off = (dataset.edge_of_stability_off / published)[inside]
        error = (dataset.edge_of_stability_off_standard_error / np.abs(published))[inside]
        look = {"fmt": marker, "color": colour, "capsize": 2, "label": f"{label}, ± 4 s.e."}
        ax.errorbar((alpha / sigma)[inside], off, 4 * error, **look)
    ax.axhline(1, color="black", linestyle="--", label="published: ησ²/(4α)")
    words = "(f) how far the growing curvature stays below 2/η", "α/σ", "gap over the published one"
    finished(ax, "xy", *words, loc="upper left")
    plain_ticks(ax.xaxis, 0.02, 0.1, 0.5, 2)
    plain_ticks(ax.yaxis, 1, 2, 5, 10, 50)
