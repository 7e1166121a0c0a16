"""How all figures look: colours that stay apart for colour-blind readers, and what the layout
shares.
"""

from ..arguments import instance

# From the palette of Okabe and Ito (2008), made for colour-blind readers.
COLOURS = {"data": "#0072B2", "theory": "#D55E00", "other": "#009E73", "guide": "#666666"}

STYLE = {
    "figure.figsize": (4.8, 3.4),
    "figure.dpi": 120,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 160,
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "image.cmap": "Blues",
}


def style():
    """A context in which figures have the package's look: `with ls.plots.style(): ...`."""
    import matplotlib

    return matplotlib.rc_context(STYLE)


def axes(value, name):
    """A check: `value` if it is an Axes of matplotlib; those of a new figure for None."""
    import matplotlib.axes
    import matplotlib.pyplot

    if value is None:
        return matplotlib.pyplot.subplots()[1]
    return instance(value, name, matplotlib.axes.Axes, "an Axes of matplotlib, or None for its own")


def points_with_errors(ax, x, y, errors, **look):
    """Points with error bars, as all figures have them."""
    given = {"fmt": "o", "capsize": 3, "markersize": 5, "color": COLOURS["data"]} | look
    ax.errorbar(x, y, errors, **given)
