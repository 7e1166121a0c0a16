"""The figure of langevin_limit.py."""

import numpy as np
from _breakdown import LIMIT
from _limit_operators import LOSS, TIME, noise_variance
from _limit_runs import BATCHES, COARSE, SPLIT, exact_spread
from _limit_window import LENGTHS, RATE_H, exact_window
from _panels import BLUE, GREEN, GREY, ORANGE, six

import langevin_sgd as ls


def plot(dataset):
    """Six panels: the window, epochs, the weak error; drift, diffusion, SVAG."""
    return six((_window, _epochs, _weak, _drift, _diffusion, _svag), dataset, 14.5)


def _points(ax, x, dataset, name, **look):
    """Points with bars of 4 standard errors."""
    value, error = dataset[name], dataset[f"{name}_standard_error"]
    look = {"fmt": "o", "markersize": 4, "capsize": 2, "color": BLUE} | look
    ax.errorbar(x, value, 4 * error, **look)


def _window(ax, dataset):
    exact = -100 * exact_window()
    looks = ("mean: g is not constant", GREEN, "^"), ("variance: g is not constant", ORANGE, "s")
    looks += (("excess kurtosis: not yet Gaussian", BLUE, "o"),)
    for k, (label, colour, marker) in enumerate(looks):
        one = 100 * dataset[["window", "window_standard_error"]].isel(moment=k)
        seen = -one.window.values > 6 * one.window_standard_error.values
        look = {"color": colour, "fmt": marker, "label": label}
        one = one.assign(window=-one.window).isel(length=seen)
        _points(ax, LENGTHS[seen], one, "window", **look)
        ax.plot(LENGTHS, exact[:, k], color=colour)
    ax.axhline(100 * LIMIT, color=GREY, linestyle=":")
    ax.axvspan(2 / LIMIT, LIMIT / RATE_H, color=GREY, alpha=0.15, linewidth=0)
    middle = np.sqrt(2 / LIMIT * LIMIT / RATE_H)
    ax.text(middle, 70, "window\nof 5 %", ha="center", color=GREY)
    ax.set(xscale="log", yscale="log", xlabel="N, steps in $\\Delta t = N\\eta$", ylim=(0.002, 200))
    ax.set(ylabel="departure from the limit (%)")
    ax.set_title(f"$1 \\ll N \\ll 1/(\\eta h)$: two-point noise, $\\eta h$ = {RATE_H}")
    ax.legend(fontsize=8, loc="lower right")


def _epochs(ax, dataset):
    looks = {"with_replacement": (BLUE, "o", "fresh batches")}
    looks["reshuffle"] = ORANGE, "s", "reshuffled epochs"
    for name, (colour, marker, label) in looks.items():
        look = {"color": colour, "fmt": marker, "markersize": 3, "label": label}
        _points(ax, dataset.steps, dataset.sel(sampling=name), "spread", **look)
        ax.plot(dataset.steps, exact_spread(name), color=colour, linewidth=1)
    for end in range(BATCHES, dataset.sizes["steps"] + 1, BATCHES):
        ax.axvline(end, color=GREY, linewidth=0.7, linestyle=":")
    ax.set(xlabel="N (dotted: ends of epochs)", ylim=(-0.5, 20))
    ax.set(ylabel="variance of the sum of N gradients / one")
    ax.set_title(f"x held fixed, epochs of M = {BATCHES} batches: zero at N = M")
    ax.legend(loc="upper right")


def _weak(ax, dataset):
    rate = TIME / dataset.order_steps.values
    for k, (colour, marker) in enumerate(((ORANGE, "s"), (GREEN, "^"))):
        label = ("to the diffusion in U: order 1", "with the modified loss: order 2")[k]
        error = np.abs(dataset.weak_error[:, k])
        ax.loglog(rate, error, color=colour, marker=marker, markersize=4, label=label)
    ax.set(
        xlabel="learning rate (length²/energy)", ylabel="|error of $E\\,x^2$| at t = 1 (length²)"
    )
    ax.xaxis.set_minor_formatter("")
    ax.set_xticks([0.005, 0.01, 0.02, 0.05], ["0.005", "0.01", "0.02", "0.05"])
    ax.set_title("weak error of two diffusions, exact")
    ax.legend()


def _drift(ax, dataset):
    _points(ax, dataset.position, dataset, "drift", label="measured in bins, ± 4 s.e.")
    x = np.linspace(-1.5, 1.5, 200)
    gradient = ls.evaluate(LOSS, x[:, None], "gradient")[:, 0]
    ax.plot(x, -gradient, color=ORANGE, label="−grad U")
    ax.set(xlabel="x (length)", ylabel="drift (length/time)")
    ax.set_title(f"drift of SGD, rate {SPLIT}: the gradient flow component")
    ax.legend()


def _diffusion(ax, dataset):
    _points(ax, dataset.position, dataset, "diffusion", label="measured in bins, ± 4 s.e.")
    x = np.linspace(-1.5, 1.5, 200)
    ax.plot(x, SPLIT / 2 * noise_variance(x), color=ORANGE, label="(rate/2) Σ(x)")
    ax.set(xlabel="x (length)", ylabel="diffusion (length²/time)")
    ax.set_title("its diffusion, of true minibatches")
    ax.legend()


def _svag(ax, dataset):
    factor, limit = dataset.amplification.values, float(dataset.svag_limit)
    _points(ax, factor, dataset, "svag", label="SVAG, ± 4 s.e.")
    ax.plot(factor, limit + dataset.svag_error, color=BLUE, label="SVAG, exact")
    ax.axhline(limit, color=ORANGE, linestyle="--", label="the diffusion, exact")
    ax.set(xscale="log", xlabel="amplification l (l = 1 is SGD itself)")
    ax.set(ylabel="$E\\,x^2$ at t = 1 (length²)", xticks=factor, xticklabels=factor)
    ax.minorticks_off()
    ax.set_title(f"SVAG at rate {COARSE}: from SGD to the diffusion")
    ax.legend()
