"""The figure of langevin_proper.py: six panels, points with 4 standard errors, exact curves."""

import numpy as np
from _langevin_parts import FRICTION, MASS, T

import langevin_sgd as ls

PALETTE = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"
MARKERS = "osD^vP*"
LOOK = {"capsize": 2, "markersize": 4, "linestyle": "none"}


def plot(dataset):
    import matplotlib.pyplot as plt

    with ls.plots.style():
        figure, axes = plt.subplots(2, 3, figsize=(12.5, 7.6), layout="constrained")
        panels = (_moments, _orders, _regimes, _onset, _free, _batches)
        for ax, panel in zip(axes.flat, panels, strict=True):
            panel(ax, dataset)
    return figure


def _log_steps(ax, ticks):
    """Logarithmic axes with chosen ticks along x."""
    ax.set(xscale="log", yscale="log")
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_xticks([], minor=True)


def _points(ax, x, law, name, scale=1.0, **look):
    error = 4 * scale * law[f"{name}_standard_error"]
    ax.errorbar(x, scale * law[name], error, **LOOK | look)


def _moments(ax, law):
    """Second moments of each integrator on a quadratic."""
    rows = np.arange(law.sizes["integrator"])
    names = list(law.integrator.values)
    for name, of, label, colour, shift in (
        ("position", law.integrator, "$\\langle x^2\\rangle h/T$", PALETTE[0], -0.12),
        ("velocity", law.inertial, "$\\langle v^2\\rangle m/T$", PALETTE[1], 0.12),
    ):
        places = shift + np.array([names.index(method) for method in of.values])
        look = {"color": colour, "marker": "o", "label": label}
        ax.errorbar(law[name], places, xerr=4 * law[f"{name}_standard_error"], **LOOK | look)
        exact = law[f"exact_{name}"]
        ax.scatter(exact, places, marker="|", s=160, color=colour, linewidths=1)
    ax.axvline(1, color=ls.plots.COLOURS["guide"], linewidth=0.8, linestyle=":")
    ax.set(yticks=rows, yticklabels=[name.replace("_", "-") for name in names])
    ax.invert_yaxis()
    ax.set_title("bowl, step 0.3: bars exact, points ± 4 s.e.")
    ax.set_xlabel("second moment / that of Boltzmann's law")
    ax.legend()


def _orders(ax, law):
    """Bias of the mean energy in a double well."""
    for method, colour, marker in zip(law.integrator.values, PALETTE, MARKERS, strict=False):
        own = law.sel(integrator=method)
        x, size = own.step_size.values, np.abs(own.bias.values)
        low = np.minimum(4 * own.bias_standard_error.values, 0.9 * size)
        error = np.stack([low, 4 * own.bias_standard_error.values])
        wide = 4 * float(own.order_standard_error)
        order = f"{float(own.order):.2f} ± {wide:.2f}" if wide < 1 else "bias too small to say"
        label = f"{method.replace('_', '-')}: {order}"
        ax.errorbar(x, size, error, color=colour, marker=marker, label=label, **LOOK)
        ax.plot(x, np.abs(own.exact_bias), color=colour, linewidth=1)
    _log_steps(ax, [0.02, 0.05, 0.1, 0.2, 0.3])
    ax.set(xlabel="step (time)", xlim=(0.015, 0.4), ylim=(1e-4, 20))
    ax.set(ylabel="|bias of the mean energy| / Boltzmann's")
    ax.set_title("a double well: lines are exact laws")
    ax.legend(title="fitted order, ± 4 s.e.", fontsize=7, title_fontsize=7.5, loc="upper left")


def _regimes(ax, law):
    """Autocorrelation of the heavy ball."""
    for name, colour, marker in zip(law.regime.values, PALETTE, MARKERS, strict=False):
        own = law.sel(regime=name)
        ax.plot(law.lag, own.exact_correlation, color=colour)
        ax.plot(law.lag, own.langevin_correlation, color="black", linewidth=1.2, linestyle=":")
        _points(ax, law.lag, own, "correlation", color=colour, marker=marker, label=name)
    ax.plot([], [], color="black", linestyle=":", label="Langevin, $f = 2(1-\\mu)/\\eta(1+\\mu)$")
    ax.axhline(0, color=ls.plots.COLOURS["guide"], linewidth=0.8)
    ax.set(xlabel="lag (steps)", ylabel="autocorrelation of $x$")
    ax.set_title("heavy ball, $\\mu = 0.9$, in three regimes")
    ax.set_ylim(-0.4, 1.45)
    ax.legend(loc="upper right")


def _onset(ax, law):
    """Where the heavy ball begins to oscillate."""
    mu = np.linspace(0.02, 0.98, 97)
    exact, langevin = (1 - np.sqrt(mu)) ** 2, (1 - mu) ** 2 / (2 * (1 + mu))
    ax.plot(mu, np.ones_like(mu), color=PALETTE[1], label="exact: $(1-\\sqrt{\\mu})^2$")
    label = "Langevin: $(1-\\mu)^2/2(1+\\mu)$"
    ax.plot(mu, langevin / exact, color=PALETTE[2], linestyle="--", label=label)
    scale = 1 / law.exact_onset
    _points(ax, law.momentum, law, "onset", scale, color=PALETTE[0], marker="o", label="measured")
    ax.set(xlabel="momentum $\\mu$", ylabel="$\\eta h$ where it begins / exact")
    ax.set_title("heavy ball: onset of oscillations")
    ax.legend()


def _free(ax, law):
    """Mean squared displacement without a force."""
    time, exact = law.time.values, law.exact_mean_square.values
    fine = np.geomspace(time[0], time[-1], 100)
    ax.plot(fine, exact[0] * (fine / time[0]) ** 2, color=PALETTE[2], linestyle=":", label="$t^2$")
    ax.plot(fine, exact[-1] * fine / time[-1], color=PALETTE[3], linestyle="--", label="$t$")
    curve = ls.theory.free_particle(fine, T, FRICTION, MASS).mean_square
    ax.plot(fine, curve, color=PALETTE[1], label="exact")
    _points(ax, time, law, "mean_square", color=PALETTE[0], marker="o", label="measured")
    numbers = [float(law[key]) for key in ("heat", "diffusion")]
    errors = [4 * float(law[f"{key}_standard_error"]) for key in ("heat", "diffusion")]
    text = f"$\\langle v^2\\rangle m/T$ = {numbers[0]:.4f} ± {errors[0]:.4f}\n"
    text += f"$D\\gamma/T$ = {numbers[1]:.3f} ± {errors[1]:.3f}"
    ax.text(0.35, 0.08, text, transform=ax.transAxes)
    ax.set(xscale="log", yscale="log", xlabel="time", ylabel="mean squared displacement (length²)")
    ax.set_ylim(exact[0] / 2, 2 * exact[-1])
    ax.set_title("free particle: ballistic, then diffusive")
    ax.legend()


def _batches(ax, law):
    """What minibatches add to <x^2>."""
    for name, colour, marker in zip(law.sampling.values, PALETTE, MARKERS, strict=False):
        own = law.sel(sampling=name)
        bowl, quartic = own.sel(landscape="bowl"), own.sel(landscape="quartic")
        orders = " and ".join(f"{float(each.batch_order):.2f}" for each in (bowl, quartic))
        ax.plot(law.rate, bowl.exact_batch_bias, color=colour)
        label = f"{name.replace('_', ' ')}: {orders}"
        _points(ax, law.rate, bowl, "batch_bias", color=colour, marker=marker, label=label)
        hollow = {"markerfacecolor": "white", "color": colour, "marker": marker}
        _points(ax, law.rate * 1.02, quartic, "batch_bias", **hollow)
    ax.set(
        xlabel="step",
        ylabel="$\\langle x^2\\rangle$ added / Boltzmann's",
    )
    _log_steps(ax, [0.03, 0.05, 0.07, 0.1])
    ax.set_ylim(None, 1.2)
    ax.set_title("minibatches in Langevin dynamics")
    ax.legend(
        title="order in the step: in a bowl, quartic (hollow)", fontsize=7.5, title_fontsize=7.5
    )
