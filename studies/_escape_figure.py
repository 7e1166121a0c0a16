"""The six panels of escape.py."""

import numpy as np
from _breakdown import of_curve
from _escape_bounded import STEEPEST
from _escape_laws import HEAT
from _escape_orientation import ROUND
from _panels import BLUE, GREEN, GREY, ORANGE, finished, six

THREE = list(zip((BLUE, ORANGE, GREEN), "os^", strict=True))


def plot(dataset):
    """Laws, finite steps and orientation; bounds, starts and turned bowls."""
    return six((_laws, _steps, _orientation, _bounds, _starts, _turned), dataset, 13.5, 7.6)


def _with_interval(ax, x, value, ends, **look):
    """Points with exact intervals; where nothing arrived, an arrow from the upper end."""
    some, none = value > 0, value == 0
    bars = np.abs(ends[some].T - value[some])
    ax.errorbar(x[some], value[some], bars, linestyle="none", markersize=5, capsize=2, **look)
    ax.plot(x[none], ends[none, 1], "v", markersize=6, fillstyle="none", color=look["color"])


def _laws(ax, dataset):
    x = dataset.barrier / HEAT
    for k, (colour, marker) in enumerate(THREE):
        law, noise = str(dataset.law[k].item()), str(dataset.noise[k].item())
        row = dataset.isel(noise=k)
        ax.plot(x, row.escape_time_exact, color=colour, label=f"noise: {noise}")
        label = f"{law} (dashed)"
        ax.plot(x, row.published[k], "--", color=colour, linewidth=1, label=label)
        look = {"fmt": marker, "color": colour, "markersize": 5}
        ax.errorbar(x, row.escape_time, 4 * row.escape_time_standard_error, **look)
    words = "Each law holds for its own noise (lines: exact)", "barrier / T at the minimum"
    finished(ax, "y", *words, r"steps to the other well $\times\ \eta H_a$")


def _steps(ax, dataset):
    rate, names = 2 * dataset.learning_rate, {"other": "other well", "top": "top of the barrier"}
    for (target, name), (colour, marker) in zip(names.items(), THREE, strict=False):
        value, error = dataset[f"time_to_{target}"], dataset[f"time_to_{target}_standard_error"]
        look = {"fmt": marker, "color": colour, "markersize": 5, "capsize": 2}
        ax.errorbar(rate, value, 4 * error, label=f"to the {name}, T = {HEAT:g}", **look)
    ax.plot(rate, dataset.time_to_top_exact, color=ORANGE, linewidth=1)
    for heat, line in zip(dataset.heat.values, ["-", "--", ":"], strict=True):
        row = dataset.line.sel(heat=heat)
        ax.plot(2 * row.fine_rate, row, line, color=BLUE, linewidth=1, label=f"exact, T = {heat:g}")
    ax.axhspan(0.95, 1.05, color=GREY, alpha=0.15, linewidth=0)
    off, error = 1 - dataset.time_to_other, dataset.time_to_other_standard_error
    ax.axvspan(*of_curve(rate, off, error), color=BLUE, alpha=0.15, label="5 % off from here on")
    words = r"Kramers and the SDE fail as $\eta H_a$ grows (band: 5 %)", r"$\eta H_a$"
    finished(ax, "", *words, "mean time / that of the SDE")


def _orientation(ax, dataset):
    ax.plot(0, dataset.stiff_exact[0], "x", color="black", markersize=9, label="exact", zorder=3)
    title = "Two bowls of Zhu et al.: noise of equal trace"
    _directions(ax, dataset, title, "published", "small steps")


def _turned(ax, dataset):
    title = "The same, the flat bowl beyond the soft side"
    _directions(ax, dataset, title, "turned", "turned, small steps")


def _directions(ax, dataset, title, *settings):
    angles, texts = dataset.angle.values[:-1], (r"$\eta h = 1$", r"$\eta h = 0.1$, same T")
    for name, text, (colour, marker) in zip(settings, texts, THREE[:2], strict=True):
        of_setting = dataset.sel(setting=name)
        row = of_setting.sel(angle=angles)
        known = np.isfinite(row.directed.values)
        given = row.directed.values[known], row.directed_interval.values[known]
        look = {"fmt": marker, "color": colour, "label": text}
        _with_interval(ax, angles[known], *given, **look)
        around = of_setting.sel(angle=ROUND)
        ax.axhspan(*around.directed_interval.values, color=colour, alpha=0.2, linewidth=0)
        line = {"color": colour, "linestyle": "--", "linewidth": 1}
        ax.axhline(around.directed, label=f"round, {text}", **line)
    words = title, "angle to the stiff direction (degrees)", "escapes per 0.005 of time"
    finished(ax, "y", *words)
    ax.set(xticks=range(0, 91, 15), ylim=(5e-7, 5e-3))


def _bounds(ax, dataset):
    x, value = dataset.noise_size.values, dataset.bounded.values
    look = {"fmt": "o", "color": BLUE, "label": "two-point"}
    _with_interval(ax, x, value, dataset.bounded_interval.values, **look)
    exact = dataset.bounded_exact.where(dataset.bounded_exact > 0)
    ax.plot(x, exact, color=BLUE, linewidth=1, label="exact chain")
    ax.plot(x, dataset.gaussian_exact, "--", color=ORANGE, label="Gaussian, same variance (exact)")
    ax.axvline(STEEPEST, color=GREY, linestyle=":", label="steepest slope: below, no way out")
    words = "Bounded noise (triangles: none arrived, 95 % bound)", "size of the noise"
    finished(ax, "y", *words, "escapes per step")


def _starts(ax, dataset):
    for k, (colour, marker) in enumerate(THREE):
        value, error = (
            dataset[f"occupation{end}"].isel(start=k) for end in ("", "_standard_error")
        )
        look = {"fmt": f"{marker}-", "color": colour, "markersize": 5, "linewidth": 0.8}
        label = f"from {dataset.start[k].item()}".replace("from spread out", "spread out")
        ax.errorbar(dataset.time, value, 4 * error, label=label, **look)
    ax.axhline(dataset.occupation_exact, color="black", linewidth=1, label="exact")
    for time, value in zip(dataset.time.values, dataset.rhat.values, strict=True):
        ax.annotate(f"{value:.3f}", (time, 0.96), ha="center", fontsize=8)
    words = "Three starts agree (above: nested R-hat)", "time / slowest relaxation"
    finished(ax, "x", *words, "part in the right well")
    ax.set(ylim=(0, 1.02))
