"""The figure of epochs.py."""

import numpy as np
from _epoch_laws import collapse, noise_spectrum, response, smoothed
from _epoch_runs import BATCH, EXAMPLES, RATE
from _epoch_table import BATCH as TABLE_BATCH
from _epoch_table import diabetes
from _panels import BLUE, GREEN, GREY, ORANGE, finished, points, six

LOOKS = [(BLUE, "o"), (ORANGE, "s"), (GREEN, "D"), ("black", "^")]
LIMITS = {"mean": ("-", "mean"), "single": ("--", "one order"), "boundary": (":", "end of epoch")}


def plot(dataset):
    """Positions, collapse, momentum; the spectra of the noise and of x; the table."""
    return six((_positions, _collapse, _plateau, _noise, _power, _table), dataset, 15)


def _positions(ax, dataset):
    own = dataset.isel(momentum=0)
    at = np.arange(own.sizes["position"])
    for (colour, marker), h in zip(LOOKS, own.curvature.values, strict=True):
        each = own.sel(curvature=h)
        ax.plot(at, each.reshuffle_exact, color=colour, linewidth=1)
        points(ax, each, at, "reshuffle", colour, marker, label=f"$\\eta h$ = {RATE * h:g}")
        if "single_shuffle" in each:
            ax.plot(at, each.single_shuffle_exact, "--", color=colour, linewidth=1)
            look = {"markersize": 3, "markerfacecolor": "none"}
            points(ax, each, at, "single_shuffle", colour, marker, **look)
    ax.axhline(1, color=GREY, linestyle=":", linewidth=1)
    ax.set_ylim(1e-4, 40)
    title = "a  variance, 16 batches an epoch (dashed: one order)"
    words = "steps done of the epoch", "variance over that of fresh batches"
    finished(ax, "y", title, *words, ncols=2, loc="upper left")


def _collapse(ax, dataset):
    y = np.geomspace(0.05, 50, 200)
    for name, (style, label) in LIMITS.items():
        ax.plot(y, collapse(y)[name], style, color=GREY, linewidth=1.2, label=f"limit, {label}")
    for (colour, marker), setting in zip(LOOKS, dataset.setting.values, strict=False):
        own, look = dataset.sel(setting=setting), {"markerfacecolor": "none", "markersize": 6}
        points(ax, own, own.y, "collapse", colour, marker, label=f"{setting}, mean", **look)
    ax.set_ylim(2e-4, 1.5)
    words = "$y = \\eta h N / (B (1 - \\mu))$", "variance over that of fresh batches"
    finished(ax, "xy", "b  flat directions: one curve for all rates and epochs", *words)


def _plateau(ax, dataset):
    m = np.geomspace(2, 500, 200)
    ax.plot(m, smoothed(m), color=GREY, label="closed form, long epochs")
    if "plateau" in dataset:
        ax.plot(
            dataset.length, dataset.plateau_exact, "x", color=ORANGE, label="exact, $\\mu$ = .9"
        )
        points(ax, dataset, dataset.length, "plateau", BLUE, label="measured, $\\mu$ = .9")
    ax.axhline(0.95, color=GREY, linestyle=":", label="5 % off")
    ax.set_ylim(0, 1.05)
    words = "$M (1 - \\mu)$", "plateau over $\\eta^2 c_0 (M + 1) / (6 (1 - \\mu)^2)$"
    finished(ax, "x", "c  a memory that outlasts the epoch cools further", *words)


def _noise(ax, dataset):
    own, fine = dataset.isel(momentum=0), np.linspace(1e-3, 0.5, 2000)
    cycles = dataset.cycles.values
    ax.plot(fine, noise_spectrum(fine, EXAMPLES // BATCH), color=GREY, linewidth=1, label="exact")
    points(ax, own.isel(frequency=slice(1, None)), cycles[1:], "noise_reshuffle", BLUE,
           label="reshuffled (0 at $f$ = 0)", markersize=3)  # fmt: skip
    if "noise_single_shuffle" in own:
        lines = own.noise_single_shuffle_exact.values > 0
        label = "one order: lines, 0 between"
        points(ax, own.isel(frequency=lines), cycles[lines], "noise_single_shuffle", ORANGE, "s",
               label=label)  # fmt: skip
    ax.plot(fine[fine < 0.03], (2 * np.pi * fine[fine < 0.03]) ** 2 * 16 * 17 / 12, "--",
            color=GREEN, label="$(2 \\pi f)^2 M (M + 1)/12$")  # fmt: skip
    ax.axhline(1, color=GREY, linestyle=":", linewidth=1, label="fresh batches")
    words = "frequency $f$ (cycles per step)", "spectral density of the noise / $c_0$"
    finished(ax, "xy", "d  noise of 8 epochs of 16 batches", *words, loc="lower right")


def _power(ax, dataset):
    f, first = dataset.bin_cycles.values[1:], dataset.curvature.values[0]
    for (colour, marker), momentum in zip(LOOKS, dataset.momentum.values, strict=False):
        own = dataset.sel(momentum=momentum, curvature=first).isel(bin=slice(1, None))
        ax.plot(f, own.power_exact, color=colour, linewidth=1)
        label = f"$\\mu$ = {momentum:g}, reshuffled"
        points(ax, own, f, "power", colour, marker, label=label, markersize=2.5, elinewidth=0.5)
        ax.plot(f, response(f, RATE, first, momentum), ":", color=colour)
    ax.plot([], [], ":", color=GREY, label="fresh batches")
    words = "frequency $f$ (cycles per step)", "spectral density of $x$ / $c_0$"
    finished(ax, "xy", f"e  Welch, $\\eta h$ = {RATE * first:g} (lines: exact)", *words)


def _table(ax, dataset):
    of, rates = diabetes(), dataset.table_rate.values
    fine, (slope, _) = np.geomspace(0.004, 0.25, 100), of.of_loops(TABLE_BATCH)
    for (colour, marker), k in zip(LOOKS, (0, 1, 9), strict=False):
        own = dataset.isel(eigenvector=k)
        points(ax, own, rates, "warm", colour, marker, label=f"h = {of.curvatures[k]:.2g}")
        ax.plot(rates, own.warm_one_epoch, color=colour, linewidth=1)
        ax.plot(fine, 1 + slope[k] * fine, ":", color=colour)
    ax.plot([], [], color=GREY, linewidth=1, label="noise of one epoch from the minimum")
    ax.plot([], [], ":", color=GREY, label="$1 + \\eta V M / (4 h c_0 (M - 1))$")
    ax.axhline(1.05, color=GREY, linestyle="--", linewidth=0.8, label="5 % off")
    words = "learning rate", "variance over that of the additive theory"
    finished(ax, "xy", "f  diabetes, reshuffled, 13 batches of 34", *words)
    ax.set_yticks([1, 2, 4, 8], ["1", "2", "4", "8"])
    ax.minorticks_off()
