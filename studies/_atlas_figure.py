"""The figure of theory_atlas.py: four exact results about SGD near a minimum, with simulations
beside them.
"""

from _panels import BLUE, GREEN, GREY, ORANGE, plain_ticks

BLACK = "#000000"


def plot(dataset):
    """Four panels: (a) variance, (b) current over entropy production, (c) epochs, (d) tails; bars
    are 4 standard errors.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 9), layout="constrained")
    grid = figure.add_gridspec(2, 2, hspace=0.06, wspace=0.06)
    _variance(figure.add_subplot(grid[0, 0]), dataset)
    halves = grid[0, 1].subgridspec(2, 1, hspace=0.05)
    upper = figure.add_subplot(halves[0])
    _current(upper, figure.add_subplot(halves[1], sharex=upper), dataset)
    _epochs(figure.add_subplot(grid[1, 0]), dataset)
    _tails(figure.add_subplot(grid[1, 1]), dataset)
    return figure


def _points(axes, x, y, error, colour, label=None, marker="o"):
    axes.errorbar(
        x,
        y,
        4 * error,
        fmt=marker,
        color=colour,
        markersize=5,
        markerfacecolor="white",
        capsize=3,
        label=label,
        zorder=3,
    )


def _variance(axes, dataset):
    for k, (colour, name, height) in enumerate(
        ((BLUE, "SGD", 0.06), (ORANGE, "heavy ball, momentum 0.9", 0.06))
    ):
        part = dataset.isel(momentum=k)
        axes.plot(part.rate, part.variance, color=colour, label=f"{name}: exact")
        axes.plot(
            part.rate,
            part.variance_small_step,
            color=colour,
            linestyle="--",
            linewidth=1,
            label="its small-step limit",
        )
        axes.axvline(float(part.threshold), color=colour, linestyle=":", linewidth=1)
        axes.text(
            float(part.threshold),
            height,
            f"threshold {float(part.threshold):g} ",
            color=colour,
            rotation=90,
            fontsize=8,
            ha="right",
            va="bottom",
            transform=axes.get_xaxis_transform(),
        )
        _points(
            axes,
            part.measured_rate,
            part.measured_variance,
            part.measured_variance_standard_error,
            colour,
        )
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="learning rate × curvature of the stiff direction",
        ylabel="variance in that direction (length²)",
    )
    axes.set_title(
        "(a) the variance diverges at a threshold\nthat the small-step limit does not know",
        fontsize=11,
    )
    _points(axes, [], [], 0, GREY, "simulated, ± 4 s.e.")
    axes.legend(fontsize=8, loc="upper left")


def _current(upper, lower, dataset):
    upper.plot(dataset.angle, 1e3 * dataset.area, color=BLUE, label="exact")
    _points(
        upper,
        dataset.measured_angle,
        1e3 * dataset.measured_area,
        1e3 * dataset.measured_area_standard_error,
        BLUE,
        "simulated, ± 4 s.e.",
    )
    lower.plot(dataset.angle, dataset.entropy, color=GREEN)
    _points(
        lower,
        dataset.measured_angle,
        dataset.measured_entropy,
        dataset.measured_entropy_standard_error,
        GREEN,
        marker="s",
    )
    for axes in (upper, lower):
        axes.axhline(0, color=GREY, linestyle="--", linewidth=1, label="Boltzmann's law: none")
    upper.tick_params(labelbottom=False)
    upper.set(ylabel="area swept per step\n(10⁻³ length²)")
    upper.legend(fontsize=8, loc="center", bbox_to_anchor=(0.5, 0.4))
    lower.set(
        xlabel="angle between noise covariance and hessian (degree)",
        ylabel="entropy produced\nper step (k$_B$)",
        xticks=range(0, 91, 15),
    )
    upper.set_title(
        "(b) noise that does not share the hessian's axes\ndrives a current and produces entropy",
        fontsize=11,
    )


def _epochs(axes, dataset):
    batches = int(dataset.attrs["batches_an_epoch"])
    axes.plot(
        dataset.curvature,
        dataset.variance_fresh,
        color=BLACK,
        linestyle="--",
        label="independent batches",
    )
    axes.plot(
        dataset.curvature,
        dataset.variance_epoch,
        color=BLUE,
        label="reshuffled: mean over the epoch",
    )
    axes.plot(
        dataset.curvature,
        dataset.variance_boundary,
        color=ORANGE,
        label="reshuffled: at the end of an epoch",
    )
    for read, colour, marker in ((0, BLUE, "o"), (1, ORANGE, "s")):
        part = dataset.isel(read=read)
        _points(
            axes,
            part.measured_curvature,
            part.measured_epoch,
            part.measured_epoch_standard_error,
            colour,
            None,
            marker,
        )
    axes.axhline(float(dataset.plateau), color=BLUE, linestyle=":", linewidth=1)
    axes.text(
        1.2e-3,
        1.15 * float(dataset.plateau),
        "flat limit $\\eta^2 c\\,(M+1)/6$",
        color=BLUE,
        fontsize=9,
    )
    _points(axes, [], [], 0, GREY, "simulated, ± 4 s.e.")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="curvature (energy / length²)",
        ylabel="variance (length²)",
    )
    axes.set_title(
        f"(c) reshuffled epochs of {batches} batches:\nflat directions do not diffuse", fontsize=11
    )
    axes.legend(fontsize=8, loc="upper right")


def _tails(axes, dataset):
    for k, style in enumerate(("-", "-.")):
        part = dataset.isel(size=k)
        axes.plot(
            part.ratio,
            part.exponent,
            color=BLUE,
            linestyle=style,
            label=f"exact, batch size {int(part.batch_size)}",
        )
    axes.plot(
        dataset.ratio,
        dataset.exponent_diffusion,
        color=ORANGE,
        linestyle="--",
        label="diffusion, true covariance",
    )
    axes.plot(
        dataset.ratio,
        dataset.exponent_decoupled,
        color=GREEN,
        linestyle=":",
        label="diffusion, decoupled noise 2LH",
    )
    _points(
        axes,
        dataset.measured_ratio,
        dataset.measured_exponent,
        dataset.measured_exponent_standard_error,
        GREY,
        "Hill's estimate, batch size 1, ± 4 s.e.\n(outermost 10⁻⁴; approaches slowly)",
    )
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="learning rate × curvature / batch size",
        ylabel="tail exponent κ,  P(|w − w*| > t) ~ t$^{-κ}$",
    )
    axes.axhline(2, color=GREY, linewidth=1)
    axes.text(
        0.0205, 1.95, "below κ = 2 the variance is infinite", color=GREY, fontsize=8, va="top"
    )
    plain_ticks(axes.xaxis, 0.02, 0.05, 0.1, 0.2, 0.5)
    plain_ticks(axes.yaxis, 2, 5, 10, 20, 50, 100)
    axes.set_title(
        "(d) online regression has power-law tails,\nwith another exponent than its diffusion",
        fontsize=11,
    )
    axes.legend(fontsize=8)
