"""The figure of minibatch_rule.py."""

import langevin_sgd as ls

DATA, THEORY, OTHER, GUIDE = (ls.plots.COLOURS[k] for k in ("data", "theory", "other", "guide"))
LOOKS = {"with_replacement": ("drawn afresh", DATA, "o"), "reshuffle": ("reshuffled", THEORY, "s")}


def plot(dataset):
    """Stationary law, loss curves, departures; second-order term, and one step."""
    import matplotlib.pyplot as plt

    with ls.plots.style():
        figure, axes = plt.subplots(2, 3, figsize=(13.5, 7.4), layout="constrained")
        _stationary(axes[0, 0], dataset)
        _curves(axes[0, 1], dataset)
        _departures(axes[0, 2], dataset)
        for ax, place in zip(axes[1], dataset.place.values, strict=False):
            _second(ax, dataset.sel(place=place))
        axes[1, 0].legend(title="points ± 4 s.e., lines exact")
        axes[1, 0].set_title("B small steps less one large: second order, at the start")
        axes[1, 1].set_title("the same at the minimum: only the trace term is left")
        _one_step(axes[1, 2], dataset)
    return figure


def _points(ax, x, dataset, name, look, **more):
    error = 4 * dataset[f"{name}_standard_error"]
    colour, marker = look
    ax.errorbar(x, dataset[name], error, fmt=marker, color=colour, capsize=2, **more)


def _stationary(ax, dataset):
    for sampling, (label, *look) in LOOKS.items():
        for batch, size in zip(dataset.stationary_batch.values, (4, 8), strict=True):
            law = dataset.sel(sampling=sampling, stationary_batch=batch)
            ax.plot(law.a, law.exact_ratio, color=look[0], linewidth=1)
            more = {"markersize": size, "label": f"{label}, B = {batch}"}
            more |= {} if size == 4 else {"markerfacecolor": "none"}
            _points(ax, law.a, law, "ratio", look, **more)
    ax.axhline(1, color=GUIDE, linestyle=":", linewidth=1)
    ax.set(xscale="log", yscale="log", xlabel="$a = B\\,\\eta_0 h$")
    ax.set(ylabel="variance over Boltzmann's $T/h$")
    ax.set_title("stationary, points ± 4 s.e. and exact lines")
    ax.legend(fontsize=8)


def _curves(ax, dataset):
    shades = dict(zip((1, 8, 32, 64), ("#000000", DATA, THEORY, OTHER), strict=True))
    for (batch, colour), marker in zip(shades.items(), "osD^", strict=True):
        law = dataset.sel(batch=batch)
        ax.plot(law.seen, law.quiet_loss, color=colour, linewidth=1)
        look = {"markersize": 4, "linestyle": "", "color": colour}
        look["label"] = f"B = {batch}, a = {float(law.batch_a):.2g}"
        ax.plot(law.seen, law.loss, marker, **look)
    ax.set(yscale="log", xlabel="examples seen", ylabel="$(L - L_{min})/(L_{start} - L_{min})$")
    ax.set_title("logistic regression; lines: without noise")
    ax.set(xlim=(0, 1000), ylim=(1e-2, 1.2))
    ax.legend()


def _departures(ax, dataset):
    law = dataset.isel(batch=slice(1, None))
    ax.plot(law.batch_a, law.quiet_departure, color=THEORY, label="without noise")
    _points(ax, law.batch_a, law, "departure", (DATA, "o"), label="minibatches, ± 4 s.e.")
    ax.axhline(0.05, color=GUIDE, linestyle=":", linewidth=1)
    ax.annotate("5 %", (float(law.batch_a[0]), 0.05), va="bottom", color=GUIDE)
    ax.set(xscale="log", yscale="log", xlabel="$a = B\\,\\eta_0 h_{max}$")
    ax.set(ylabel="departure from the curve of B = 1")
    ax.set_title("transient: largest distance over the starting loss")
    ax.legend()


def _second(ax, dataset):
    for sampling, (label, *look) in LOOKS.items():
        law = dataset.sel(sampling=sampling)
        ax.plot(law.length, law.exact_second, color=look[0], linewidth=1)
        _points(ax, law.length, law, "second", look, markersize=4, label=label)
    label = "mean / $\\eta_0^2 B(B-1)/2$ (energy$^2$/length$^3$)"
    ax.set(xlabel="steps B", ylabel=label)


def _one_step(ax, dataset):
    for name, label, look in (
        ("push", "mean over |g|: untouched", (DATA, "o")),
        ("spread", "variance over $\\sigma^2$: 1/B", (THEORY, "s")),
    ):
        unit = float(dataset[f"exact_{name}"][0])
        ax.plot(dataset.batch, dataset[f"exact_{name}"] / unit, color=look[0], linewidth=1)
        error = 4 * dataset[f"{name}_standard_error"] / unit
        given = {"fmt": look[1], "color": look[0], "label": label, "capsize": 2}
        ax.errorbar(dataset.batch, dataset[name] / unit, error, **given)
    ax.set(xscale="log", yscale="log", xlabel="examples B of a batch")
    ax.set_ylabel("relative mean, relative variance")
    ax.set(xticks=dataset.batch, xticklabels=dataset.batch.values)
    ax.minorticks_off()
    ax.set_title("what averaging over a batch does to one step")
    ax.legend()
