"""The figure of momentum_rule.py."""

import numpy as np

import langevin_sgd as ls

SHADES = {
    0.0: ("#000000", "o"),
    0.5: ("#0072B2", "s"),
    0.9: ("#D55E00", "^"),
    0.99: ("#009E73", "D"),
}


def plot(dataset):
    """Stationary law, transient, loss curves; variance and age of averages; what is kept of v."""
    import matplotlib.pyplot as plt

    with ls.plots.style():
        figure, axes = plt.subplots(2, 3, figsize=(13.5, 7.4), layout="constrained")
        _against_a(axes[0, 0], dataset, "ratio")
        axes[0, 0].set(ylabel="excess of the variance over Boltzmann's $T/h$", ylim=(2e-3, 20))
        axes[0, 0].set_title("stationary: momentum brings Boltzmann's law nearer")
        axes[0, 0].legend(title="points ± 4 s.e., lines exact", fontsize=8)
        _against_a(axes[0, 1], dataset, "departure")
        axes[0, 1].set(ylabel="departure of the loss curve / starting loss", ylim=(2e-3, 2))
        axes[0, 1].set_title("transient: momentum comes late")
        _curves(axes[0, 2], dataset)
        _averages(axes[1, 0], dataset, "average_variance", "variance / $\\sigma^2$")
        axes[1, 0].legend()
        axes[1, 0].set_title("white noise: half a window's variance")
        _averages(axes[1, 1], dataset, "age", "age (steps)")
        axes[1, 1].set_title("a ramp: twice a window's age")
        axes[1, 1].legend(title="points ± 4 s.e., lines exact")
        _kept(axes[1, 2], dataset)
    return figure


def _against_a(ax, dataset, name):
    """Points with 4 s.e. against a = B eta0 h, of B = 8 full and of other B open."""
    less = 1 if name == "ratio" else 0
    for k in range(dataset.sizes["setting"]):
        law = dataset.isel(setting=k)
        batch, mu = int(law.batch_size), float(law.momentum)
        colour, marker = SHADES[mu]
        if batch == 8:
            ax.plot(law.a, law[f"exact_{name}"] - less, color=colour, linewidth=1)
        look = {"fmt": marker, "markersize": 4 if batch == 8 else 8, "color": colour}
        look |= {"label": f"B = {batch}, $\\mu$ = {mu:g}", "linewidth": 1}
        look |= {} if batch == 8 else {"markerfacecolor": "none", "markeredgewidth": 0.8}
        ax.errorbar(law.a, law[name] - less, 4 * law[f"{name}_standard_error"], **look)
    ax.axhline(0.05, color=ls.plots.COLOURS["guide"], linestyle=":", linewidth=1)
    ax.annotate("5 %", (2.2, 0.05), va="bottom", color=ls.plots.COLOURS["guide"])
    ax.set(xscale="log", yscale="log", xlim=(0.0016, 3.2), xlabel="$a = B\\,\\eta_0 h$")


def _curves(ax, dataset):
    """Loss against examples seen, at one a."""
    a = float(dataset.loss.attrs["long_name"].split()[-1])
    seen = np.arange(dataset.sizes["step"]) * a
    for k in np.flatnonzero(dataset.batch_size == 8):
        law = dataset.isel(setting=k)
        colour, marker = SHADES[float(law.momentum)]
        ax.plot(seen, law.exact_loss, color=colour, linewidth=1)
        look = {"color": colour, "linestyle": "", "markersize": 4, "markevery": 4}
        ax.plot(seen, law.loss, marker, label=f"$\\mu$ = {float(law.momentum):g}", **look)
    ax.plot(
        seen,
        dataset.rule.isel(setting=0),
        "--",
        color="#CC79A7",
        label="B = 1, $\\mu$ = 0",
        linewidth=2,
    )
    ax.set(xlim=(0, 12), yscale="log", ylim=(5e-3, 2), ylabel="mean loss / starting loss")
    ax.set(xlabel="examples seen × $\\eta_0 h$")
    ax.set_title(f"the loss curves at a = {a:.2g}, B = 8")
    ax.legend(ncols=2, fontsize=8)


def _averages(ax, dataset, name, label):
    for kind, (colour, marker) in zip(
        dataset.average.values, list(SHADES.values())[1:3], strict=True
    ):
        law = dataset.sel(average=kind)
        ax.plot(law.window, law[f"exact_{name}"], color=colour, linewidth=1)
        error = 4 * law[f"{name}_standard_error"]
        ax.errorbar(law.window, law[name], error, fmt=marker, color=colour, label=kind)
    ax.set(xscale="log", yscale="log", xlabel="$N = 1/(1 - \\mu)$", ylabel=label)
    ax.set(xticks=dataset.window, xticklabels=dataset.window.values)
    ax.minorticks_off()


def _kept(ax, dataset):
    moving = dataset.isel(setting=dataset.momentum > 0)
    ax.plot([0, 1], [0, 1], color="#000000", linewidth=1, label="$\\mu$ is what is kept")
    ax.plot([0, 1], [1, 0], "--", color="#000000", linewidth=1, label="friction is $1 - \\mu$")
    error = 4 * moving.kept_standard_error
    look = {"capsize": 3, "markersize": 5}
    ax.errorbar(moving.momentum, moving.kept, error, fmt="o", color=SHADES[0.5][0], **look)
    ax.errorbar(moving.momentum, 1 - moving.kept, error, fmt="s", color=SHADES[0.9][0], **look)
    ax.set(xlabel="momentum $\\mu$", ylabel="share of v in one step on flat ground")
    ax.set_title("kept (circles) and lost (squares) of v, ± 4 s.e.")
    ax.legend(loc="center left")
