"""The figure of gradient_noise.py."""

import numpy as np
from _gradient_noise_frozen import exact_square
from _panels import BLUE, GREEN, GREY, ORANGE, finished, points, with_exact

import langevin_sgd as ls

LOOKS = {
    "with_replacement": ("with replacement", BLUE, "o"),
    "without_replacement": ("subsets", ORANGE, "s"),
    "reshuffle": ("reshuffled epochs", GREEN, "^"),
    "single_shuffle": ("single shuffle", "#CC79A7", "v"),  # of the same palette
}
EXAMPLES, HALF = 442, 6  # steps of half an epoch of batches of 34
CALLED = {  # name -> what it is to be multiplied by
    "$\\eta\\,$tr$\\Sigma$/2dB(1$-\\mu$)": "1, in units of the loss",
    "$\\eta$/B, the seed": "tr$\\Sigma$/2d(1$-\\mu$)",
    "$\\eta$/B(1$-\\mu$)": "tr$\\Sigma$/2d",
    "$\\eta$/2B": "tr$\\Sigma$/d(1$-\\mu$)",
    "$\\eta$N/B(1$-\\mu$)": "tr$\\Sigma$/2dN",
    "tr$\\Sigma$/|G|$^2$": "none: no rate in it",
}
KINDS = ["2 (mean rise of loss)/d", "configurational", "followed along", "virial of each direction"]


def plot(dataset):
    """Above, how large the noise is; below, what it is compared to, and temperatures. A first look
    has not trained: two panels stay empty."""
    import matplotlib.pyplot as plt

    with ls.plots.style():
        figure, axes = plt.subplots(2, 4, figsize=(16, 7.6), layout="constrained")
        for ax, draw in zip(axes.flat, PANELS, strict=True):
            if draw in OF_TRAINING and "start_ratio" not in dataset:
                ax.set_axis_off()
            else:
                draw(ax, dataset)
    return figure


def _one_batch(ax, dataset):
    b = np.geomspace(1, 441, 200)
    ax.plot(b, 1 / b, "-", color=GREY, label="1/B")
    ax.plot(b, (442 - b) / 441 / b, "--", color=GREY, label="(N$-$B)/(N$-$1)B")
    for k, (sampling, (label, *look)) in enumerate(LOOKS.items()):
        of = dataset.sel(sampling=sampling)
        of = of.isel(batch=of.one_batch.values > 1e-9)
        more = {"label": label, "markersize": 9 - 2 * k, "markerfacecolor": "none"}
        points(ax, of, of.batch, "one_batch", *look, **more)
    finished(ax, "xy", "a  one batch: do rows repeat?", "batch size B", "tr Cov / tr$\\Sigma$")


def _cost(ax, dataset):
    steps = np.arange(1, 46)
    for sampling, batch, start, label, line in (
        ("with_replacement", 34, 0, "with replacement", "-"),
        ("without_replacement", 34, 0, "subsets of 34", "-"),
        ("without_replacement", 221, 0, "subsets of 221", ":"),
        ("reshuffle", 34, 0, "epochs, single shuffle", "-"),
        ("single_shuffle", 34, HALF, "", ""),  # where it begins does not matter
        ("reshuffle", 34, HALF, "reshuffled, half-way", "--"),
    ):
        of = dataset.sel(sampling=sampling, cost_batch=batch).isel(start=int(start > 0))
        exact = [batch / n * exact_square(sampling, batch, n, start, EXAMPLES) for n in steps]
        if label:
            ax.plot(batch * steps, exact, line, color=LOOKS[sampling][1], label=label)
        scaled = of[["cost", "cost_standard_error"]] * of.evaluated
        points(ax, scaled, of.evaluated, "cost", *LOOKS[sampling][1:])
    ax.axvline(EXAMPLES, ymax=0.75, color=GREY, linewidth=0.8)
    ax.set(ylim=(-0.03, 1.65), xlim=(0, 1600))
    words = "gradients evaluated n (line: N = 442)", "mean-square error $\\times$ n / tr$\\Sigma$"
    look = {"ncols": 2, "loc": "upper center", "columnspacing": 0.8, "handlelength": 1.5}
    finished(ax, "", "b  what a gradient buys: an epoch cancels", *words, **look)


def _norms(ax, dataset):
    step, pair = dataset.step + 1, ("noise_example_norm_along", "noise_norm_along")
    points(ax, dataset, step, pair[0], BLUE, label="E|G|, one example")
    points(ax, dataset, step, pair[1], ORANGE, "s", label="|E G| = |G$_T$|")
    far = int(np.argmax((dataset[pair[0]] > 10 * dataset[pair[1]]).values))
    ax.axvline(step[far], color=GREY, linestyle="--", label="10 times")
    title = "c  training: E|G| over |E G| grows"
    finished(ax, "xy", title, "step + 1", "norm (energy/length)")


def _followed(ax, dataset):
    step, first = dataset.step + 1, dataset.noise_trace_along[0]
    of_first = dataset[[f"noise_trace_along{end}" for end in ("", "_standard_error")]] / first
    points(ax, of_first, step, first.name, BLUE, label="tr$\\Sigma$ and T, over the first")
    label = "alignment tr(H$\\Sigma$)/|H||$\\Sigma$|"
    points(ax, dataset, step, "noise_alignment_along", GREEN, "s", label=label)
    ax.set(ylim=(0, 1.35))
    finished(ax, "x", "d  training: noise and alignment", "step + 1", "ratio")


def _squares(ax, dataset):
    for estimator, *look in (
        ("plug-in", ORANGE, "o", "|mean of n|$^2$, |G$_T$|$^2$ + tr$\\Sigma$/n"),
        ("corrected", BLUE, "s", "less its bias, |G$_T$|$^2$"),
    ):
        with_exact(ax, dataset.sel(estimator=estimator), dataset.sample, "square", *look)
    title = "e  |G$_T$|$^2$ from n examples is too large"
    finished(ax, "xy", title, "examples n", "(energy/length)$^2$")


def _rates(ax, dataset):
    for moment, *look in (
        ("variance", GREY, "o", "Var of the batch gradient, $\\eta^0$"),
        ("one step", BLUE, "s", "Var of one step, $\\eta^2$"),
        ("per time", ORANGE, "^", "Var per unit of time, $\\eta^1$"),
    ):
        of = dataset.sel(moment=moment)
        with_exact(ax, of, of.rate, "moved", *look)
    ax.plot(of.rate, np.sqrt(of.moved), "v--", color=GREEN, label="its root, $\\eta^{1/2}$")
    words = "learning rate $\\eta$", "over tr$\\Sigma$"
    finished(ax, "xy", "f  fixed $\\theta$: the rate moves, Var G stays", *words, loc="lower right")


def _conventions(ax, dataset):
    for row, (value, factor) in enumerate(zip(dataset.said.values, CALLED.values(), strict=True)):
        ax.plot(value, row, "D", color=ORANGE, markerfacecolor="none")
        ax.text(4e4, row, f"$\\times$ {factor}", fontsize=8, ha="right", va="center")
    heat = [*dataset.heat.values, *dataset.virial.values]
    ax.plot(heat, np.minimum(len(CALLED) + np.arange(len(heat)), 9), "o", color=BLUE)
    ax.axvline(dataset.said[0], color=GREY, linestyle="--", label="T by tr$\\Sigma$")
    ax.set_yticks(range(10), [*CALLED, *KINDS], fontsize=8)
    ax.set(xlim=(1e-3, 5e4), ylim=(9.6, -0.6))
    title = "g  called temperature (open), measured (full)"
    finished(ax, "x", title, "value, and what makes it T", "", loc="lower right")


def _directions(ax, dataset):
    h = dataset.curvature
    with_exact(ax, dataset, h, "virial", BLUE, "o", "h E x$^2$ (virial)")
    label = "$\\eta$ E C/2(1$-\\mu$) (noise power)"
    with_exact(ax, dataset, h, "virial_noise", GREEN, "s", label)
    ax.axhline(dataset.said[0], color=GREY, linestyle="--", label="T by tr$\\Sigma$")
    words = "curvature h of the direction (energy/length$^2$)", "temperature (energy)"
    finished(ax, "xy", "h  stationary: every direction has its own", *words)
    ax.set_yticks([0.002, 0.005, 0.01, 0.02, 0.04], ["0.002", "0.005", "0.01", "0.02", "0.04"])
    ax.minorticks_off()


OF_TRAINING = _norms, _followed
PANELS = (_one_batch, _cost, _norms, _followed, _squares, _rates, _conventions, _directions)
