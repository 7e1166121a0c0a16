"""The figure of label_noise_valley.py."""

import numpy as np
from _panels import BLUE, GREEN, GREY, ORANGE, finished, points, six
from _valley import START, arc, curvature, imbalance, on_floor, slope_of_curvature
from _valley_rates import SLOW, exact_in_epochs

LOOKS = {"labels": (BLUE, "o", "label noise"), "isotropic": (ORANGE, "s", "isotropic noise")}


def plot(dataset):
    """Particles, u^2 - v^2 in time and in each step; drift, its rate, reshuffled labels."""
    return six((_clouds, _balance, _step, _drift, _rate, _epochs), dataset, 15)


def _clouds(ax, dataset):
    floor = on_floor(np.linspace(-14, 14, 400))
    ax.plot(*floor.T, color=GREY, linewidth=1, label="minima, $uv = 1$")
    for name, (colour, marker, label) in list(LOOKS.items())[::-1]:
        x = dataset[f"{name}_x"]
        ax.plot(*x.values.T, marker, color=colour, markersize=2.5, alpha=0.6, label=label)
    ax.plot(*START, "*", color="black", markersize=11, label="start")
    elapsed = float(dataset.elapsed[3])
    ax.set(xlim=(0.2, 4), ylim=(0.2, 2.2))
    finished(ax, "", f"a  300 particles at the time {elapsed:.0f}", "$u$", "$v$")


def _balance(ax, dataset):
    time, start = dataset.elapsed, imbalance(START)
    for name, (colour, marker, label) in LOOKS.items():
        mean, spread = (dataset[f"{name}_{what}"] for what in ("balance", "spread"))
        ax.fill_between(time, mean - spread, mean + spread, color=colour, alpha=0.2, linewidth=0)
        points(ax, dataset, time, f"{name}_balance", colour, marker, label=label)
    fine = np.linspace(0, float(time[-1]), 200)
    # sigma = .3: at the rate eta sigma^2 per time, with eta = .05
    ax.plot(fine, np.exp(-0.05 * 0.09 * fine), "--", color=BLUE, label="$e^{-\\eta\\sigma^2t}$")
    ax.axhline(1, color=GREEN, linestyle=":", label="gradient flow")
    words = "time = learning rate × steps", f"$u^2 - v^2$ over its start, {start:g}"
    finished(ax, "", "b  means ± 4 s.e.; shaded: ± 1 s.d. of the particles", *words)


def _step(ax, dataset):
    line = np.array([1e-7, 0.02])
    ax.plot(line, line, color=GREY, linewidth=1, label="equal")
    ax.plot(dataset.pull, dataset.fell, ".", color=BLUE, markersize=4, label="steps of one path")
    ax.set(xlim=line, ylim=line)
    off = float(dataset.off.isel(law=0))
    title = f"c  one step, equal within {off:.1f} units of rounding"
    words = "(learning rate × residual)²", "$1 - (u'^2 - v'^2) / (u^2 - v^2)$"
    finished(ax, "xy", title, *words)


def _drift(ax, dataset):
    fine = np.linspace(0, 9, 200)
    for name, (colour, marker, label) in LOOKS.items():
        formula = slope_of_curvature(fine)
        text = "$(\\eta\\sigma^2/4)\\,dH/ds$"
        if name == "isotropic":
            formula, text = formula / curvature(fine), "$(T/2)\\,d\\,\\log H/ds$"
        ax.plot(arc(fine), formula, "--", color=colour, label=text)
        ax.plot(arc(fine), formula / (1 - 0.1 / 2), color=colour, linewidth=1)
        own = dataset.sel(noise=name).assign(drift=-dataset.drift.sel(noise=name))
        points(ax, own, arc(own.imbalance), "drift", colour, marker, label=label)
        label = "line, mean over the particles" if name == "isotropic" else None
        ax.plot(arc(own.imbalance), -own.drift_exact, "k_", markersize=12, label=label)
    words = "distance $s$ from $u = v$ along the valley", "drift over its factor, towards $u = v$"
    finished(ax, "", "d  drift (± 4 s.e.); line: formula / $(1 - \\eta H/2)$", *words)


def _rate(ax, dataset):
    fine = np.linspace(0, 0.45, 200)
    ax.plot(fine, 1 / (1 - fine / 2), color=GREY, label="$1/(1 - \\eta H/2(1 + \\mu))$")
    looks = (BLUE, "o", 11), (ORANGE, "s", 7), (GREEN, "D", 3)
    for case, (colour, marker, size) in zip(dataset.case, looks, strict=False):
        own, look = dataset.sel(case=case), {"markersize": size, "markerfacecolor": "none"}
        points(ax, own, own["at"], "factor", colour, marker, label=str(case.values), **look)
    ax.axhline(1.05, color=GREY, linestyle=":", label="5 % off")
    words = "$\\eta H/(1 + \\mu)$", "rate of balancing over $(\\eta/(1-\\mu))^2\\sigma^2/B$"
    finished(ax, "", "e  the formula's rate, and the measured one", *words)


def _epochs(ax, dataset):
    if "in_epochs" not in dataset:
        return
    steps = np.unique(np.geomspace(2, 512, 60).round().astype(int))
    for momentum, colour, marker in zip(dataset.momentum.values, (BLUE, ORANGE), "os", strict=True):
        exact = [exact_in_epochs(each, momentum, SLOW) for each in steps]
        ax.plot(steps, exact, color=colour, linewidth=1)
        own = dataset.sel(momentum=momentum)
        points(ax, own, own.epoch, "in_epochs", colour, marker, label=f"$\\mu$ = {momentum:g}")
    ax.axhline(1, color=GREY, linestyle=":", label="the formula")
    ax.set_ylim(0, 1.15)
    words = "labels = steps of an epoch", "rate of balancing over $(\\eta/(1-\\mu))^2\\sigma^2$"
    finished(
        ax, "x", f"f  reshuffled labels, $\\eta H/(1 + \\mu)$ = {SLOW:g} (lines: exact)", *words
    )
