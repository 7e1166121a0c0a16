"""How a panel shows what was measured beside what is exact."""

import langevin_sgd as ls

BLUE, ORANGE, GREEN, GREY = map(ls.plots.COLOURS.get, ("data", "theory", "other", "guide"))


def six(panels, dataset, width, height=8):
    """The figure of six panels, functions of (axes, dataset), in two rows."""
    import matplotlib.pyplot as plt

    with ls.plots.style():
        figure, axes = plt.subplots(2, 3, figsize=(width, height), layout="constrained")
        for panel, ax in zip(panels, axes.flat, strict=True):
            panel(ax, dataset)
    return figure


def points(ax, dataset, x, name, colour, marker="o", **look):
    """Measured, with 4 standard errors."""
    given = {"fmt": marker, "color": colour, "capsize": 2, "markersize": 4, "linewidth": 1} | look
    ax.errorbar(x, dataset[name], 4 * dataset[f"{name}_standard_error"], **given)


def with_exact(ax, dataset, x, name, colour, marker, label):
    """Measured, and the exact line."""
    ax.plot(x, dataset[f"{name}_exact"], color=colour, linewidth=1)
    points(ax, dataset, x, name, colour, marker, label=label)


def finished(ax, logarithmic, *words, **more):
    """Title, labels of x and y, legend."""
    ax.set(**dict(zip(("title", "xlabel", "ylabel"), words, strict=True)))
    ax.set(**{f"{axis}scale": "log" for axis in logarithmic})
    ax.legend(**{"fontsize": 8} | more)


def plain_ticks(axis, *places):
    """Numbers instead of powers of ten on a logarithmic axis of little more than a decade."""
    axis.set_ticks(places, [f"{place:g}" for place in places])
    axis.set_ticks([], minor=True)
