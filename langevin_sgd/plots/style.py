"""How all figures look: colours that stay apart for colour-blind readers, and what the drawing
functions share.
"""

import re
from contextlib import AbstractContextManager

import numpy as np

from ..arguments import finite_array, instance, shown

# From the palette of Okabe and Ito (2008), made for colour-blind readers.
COLOURS = {"data": "#0072B2", "theory": "#D55E00", "other": "#009E73", "guide": "#666666"}
LINE_COLOURS = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#000000"  # of several lines

STYLE: dict = {
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
LINE = STYLE["lines.linewidth"]
ROW, LETTER = 1.35, 0.55  # of a legend: height of a row, width of a letter, in font sizes
SMALL_TEXT = 7.9  # points: what matplotlib calls small beside the text of figures
MOST_LINES = 6  # of many components, so many have a line of their own


def style() -> AbstractContextManager:
    """A context in which figures have the package's look.

    The only place that sets rcParams, and it puts them back. A function that is given an Axes draws
    into it and leaves rcParams and pyplot alone; without one it makes a figure in this context.

    Returns
    -------
    context manager
        What `with` takes, of `matplotlib.rc_context`.

    Examples
    --------
    >>> import matplotlib
    >>> with ls.plots.style():
    ...     print(matplotlib.rcParams["image.cmap"])
    Blues
    """
    import matplotlib

    return matplotlib.rc_context(STYLE)


def axes(value, name):
    """A check: `value` if it is an Axes of matplotlib; those of a new figure for None."""
    import matplotlib.axes

    if value is None:
        import matplotlib.pyplot

        with style():
            return matplotlib.pyplot.subplots()[1]
    return instance(value, name, matplotlib.axes.Axes, "an Axes of matplotlib, or None for its own")


def given_axes(value, name):
    """A check: `value` if it is an Axes or None; the figure is made after the other checks."""
    return value if value is None else axes(value, name)


def points_with_errors(ax, x, y, errors, **look):
    """Points with error bars, as all figures have them."""
    given = {"fmt": "o", "capsize": 3, "markersize": 5, "color": COLOURS["data"]} | look
    return ax.errorbar(x, y, errors, **given)


def band(ax, x, y, errors, lowest=-np.inf, **look):
    """A band of one standard error to both sides of a line, no lower than `lowest`."""
    look = {"color": COLOURS["data"], "alpha": 0.25, "linewidth": 0} | look
    ax.fill_between(x, np.maximum(y - errors, lowest), y + errors, **look)


def line_with_band(ax, x, y, errors, **look):
    """A line in its band."""
    (line,) = ax.plot(x, y, **{"linewidth": LINE} | look)
    band(ax, x, y, errors, color=line.get_color())


def zero_line(ax):
    """Where nothing is, which all else departs from."""
    ax.axhline(0, color=COLOURS["guide"], linewidth=0.8)


def exact_line(ax, exact):
    """The pair of arrays that a theory gives, dashed; none for None."""
    if exact is not None:
        look = {"color": COLOURS["other"], "linestyle": "dashed", "linewidth": LINE}
        ax.plot(*exact, label="exact", **look)


def density_image(ax, edges, density):
    """The density of two components, the first to the right."""
    return ax.pcolormesh(*edges, density.T, cmap=STYLE["image.cmap"], rasterized=True)


def legend_on_top(ax):
    """A legend above what is drawn, in as many columns as fit: the axis grows to have room. None
    where nothing has a label."""
    _, names = ax.get_legend_handles_labels()
    if not names:
        return
    place = ax.get_window_extent()
    width, height = (72 * size / ax.figure.dpi for size in (place.width, place.height))
    columns = max(1, int(width / (SMALL_TEXT * (LETTER * max(map(len, names)) + 4))))
    rows = -(-len(names) // columns)
    room = min(0.6, SMALL_TEXT * (ROW * rows + 1) / height)
    scale = ax.yaxis.get_transform()
    low, high = scale.transform(np.array(ax.get_ylim()))
    ax.set_ylim(top=float(scale.inverted().transform(low + (high - low) / (1 - room))))
    ax.legend(loc="upper left", ncols=columns, frameon=False, fontsize=SMALL_TEXT)


def label_of(variable, words=None):
    """What an axis says: the long name (or `words`) and the units that the attributes have."""
    words = words or variable.attrs.get("long_name", str(variable.name))
    units = re.sub(r"\^(-?[0-9.]+)", r"$^{\1}$", variable.attrs.get("units", "1"))
    return words if units == "1" else f"{words} ({units})"


def symbol(name):
    """The name of a component, as "x0", in mathematical type."""
    return f"$x_{{{name[1:]}}}$" if re.fullmatch(r"x\d+", name) else name


def evenly(count, most):
    """At most so many of the first `count` numbers, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def several_steps(x):
    """Refuse what is no path of one ensemble: positions without a step, or with one alone."""
    if x.dims != ("step", "particle", "component") or len(x["step"]) < 2:
        raise ValueError(
            f"run must hold several steps of one ensemble, got x with {dict(x.sizes)}. Store more "
            "of them: simulate(..., every=10)."
        )


def components_drawn(components, dim):
    """Which components have a line: those named, or all; of many, six from first to last."""
    if components is None:
        return evenly(dim, MOST_LINES)
    if not components or max(components) >= dim:
        raise ValueError(f"components must be numbers from 0 to {dim - 1}, got {components}.")
    return np.array(components)


def curve(value, name):
    """A check: a pair of arrays x and y, of the same length; y may have a column for each line."""
    pair = value if isinstance(value, (tuple, list)) and len(value) == 2 else None
    if pair is None:
        raise TypeError(f"{name} must be a pair of arrays (x, y), got {shown(value)[:60]}.")
    x, y = (finite_array(part, name) for part in pair)
    if x.ndim != 1 or y.ndim not in (1, 2) or len(x) != len(y):
        raise ValueError(
            f"{name} must be a pair of arrays (x, y) of the same length, got the shapes {x.shape} "
            f"and {y.shape}."
        )
    return x, y
