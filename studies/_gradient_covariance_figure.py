"""The figure of gradient_covariance_demo.py: Sigma, and S beside it."""

import numpy as np
from _panels import BLUE, GREY, ORANGE

import langevin_sgd as ls


def ellipse(axes, covariance, centre, **look):
    """Where a Gaussian of this covariance is one standard deviation away; its two halves."""
    values, vectors = np.linalg.eigh(covariance)
    half = vectors * np.sqrt(np.maximum(values, 0))
    angle = np.linspace(0, 2 * np.pi, 200)
    outline = half @ [np.cos(angle), np.sin(angle)]
    axes.plot(*(np.asarray(centre)[:, None] + outline), **look)
    return half.T


def plot(dataset):
    """Above the gradients, below what they do to theta."""
    import matplotlib.pyplot as plt

    with ls.plots.style():
        figure, axes = plt.subplots(2, 3, figsize=(12.6, 7.8), layout="constrained")
        table = dataset.sel(table="I")
        _line(axes[0, 0], table)
        _gradients(axes[0, 1], table, "start", "b  the gradients at the dashed line")
        _gradients(axes[0, 2], table, "minimum", "c  the gradients at the best line")
        _theta(axes[1, 0], dataset.sel(table="twin"), "d  twin: $\\Sigma = s^2H$, yet S is round")
        _theta(axes[1, 1], dataset.sel(table="IV"), "e  set IV: $\\Sigma$ has rank one, S has not")
        axes[1, 1].legend(fontsize=8, loc="upper left")
        _ratios(axes[1, 2], dataset)
    return figure


def _line(axes, table):
    t, y = table.data.values.T
    axes.plot(t, y, "o", color=BLUE, label="11 examples")
    along = np.array([-2, 4])
    for theta, line, name in (
        (table.minimum.values, "-", "best line, $\\theta_*$"),
        (table.minimum.values + table.attrs["start"], "--", "start, $\\theta_* + (1.6, 0.5)$"),
    ):
        axes.plot(along, theta[0] + theta[1] * along, line, color=GREY, label=name)
    axes.set(xlabel="t = (x - 7)/2", ylabel="y", title="a  Anscombe's set I, and two lines")
    axes.legend()


def _gradients(axes, table, place, title):
    of = {name: table[f"{name}_{place}"].values for name in ("gradients", "mean_gradient")}
    for k, tip in enumerate(of["gradients"][:11]):
        look = {"color": BLUE, "width": 0.004, "alpha": 0.7, "label": "" if k else "G(x)"}
        axes.quiver(0, 0, *tip, angles="xy", scale_units="xy", scale=1, **look)
    mean = of["mean_gradient"]
    look = {"color": "black", "width": 0.011, "zorder": 3, "label": "$G_T$, their mean"}
    axes.quiver(0, 0, *mean, angles="xy", scale_units="xy", scale=1, **look)
    if not np.linalg.norm(mean) > 1e-9:
        axes.plot(0, 0, "o", color="black", zorder=4)
    sigma = table[f"covariance_{place}"].values
    look = {"color": ORANGE, "linewidth": 2, "label": "$\\Sigma$: 1 s.d., eigenvectors"}
    for half in ellipse(axes, sigma, mean, **look):
        axes.plot(*np.transpose([mean - half, mean + half]), color=ORANGE, linewidth=1)
    tips = np.vstack([of["gradients"][:11], [[0, 0]]])
    middle, room = (tips.min(axis=0) + tips.max(axis=0)) / 2, 0.6 * np.ptp(tips, axis=0).max()
    axes.set(xlim=middle[0] + [-room, room], ylim=middle[1] + [-room, room], aspect="equal")
    axes.set(xlabel="$G_0$ (energy/length)", ylabel="$G_1$ (energy/length)", title=title)
    axes.legend(fontsize=8, loc="upper left")


def _theta(axes, table, title):
    x = table.theta.values - table.minimum.values
    axes.plot(*x.T, ".", color=BLUE, markersize=2.5, alpha=0.6, label="particles of SGD")
    s, sigma = table.s.values, table.covariance_minimum.values
    ellipse(axes, 4 * s, [0, 0], color=BLUE, linewidth=2, label="S, measured: 2 s.d.")
    look = {"color": "black", "linestyle": ":", "linewidth": 2, "label": "S, exact"}
    ellipse(axes, 4 * table.s_exact.values, [0, 0], **look)
    scaled = 4 * sigma * np.trace(s) / np.trace(sigma)
    look = {"color": ORANGE, "linestyle": "--", "linewidth": 2}
    ellipse(axes, scaled, [0, 0], label="shape of $\\Sigma$ (same trace)", **look)
    axes.set(
        xlabel="$\\theta_0 - \\theta_{*0}$ (height)", ylabel="$\\theta_1 - \\theta_{*1}$ (slope)"
    )
    axes.set(title=title, aspect="equal", xlim=(-0.17, 0.17), ylim=(-0.17, 0.17))


def _ratios(axes, dataset):
    sigma, ratio = dataset.sigma_ratio.values, dataset.s_ratio.values
    curvature = dataset.curvature.isel(table=0).values
    line = np.array([0.7, 300])
    axes.plot(line, line, "--", color=ORANGE, label="if $\\Sigma$ were the covariance of $\\theta$")
    label = "$\\Sigma$'s ratio / H's, small steps"
    axes.plot(line, line * curvature[0] / curvature[1], color="black", label=label)
    error = 4 * dataset.s_ratio_standard_error.values
    axes.errorbar(sigma, ratio, error, fmt="o", color=BLUE, capsize=3, label="SGD, ± 4 s.e.")
    for name, x, y in zip(dataset.table.values, sigma, ratio, strict=True):
        aside = (-26, 6) if name == "twin" else (7, -11)
        axes.annotate(name, (x, y), xytext=aside, textcoords="offset points")
    axes.set(xscale="log", yscale="log", title="f  steep over flat direction of the loss")
    axes.set(xlabel="ratio of the variances of the gradient, $\\Sigma$")
    axes.set(ylabel="ratio of the variances of $\\theta$, S")
    axes.legend(fontsize=8)
