"""Histograms with error bars beside a reference law."""

import numpy as np

from .style import COLOURS


def density_1d(
    histogram, ax, *, curve=None, reference=None, label="particles", reference_label="Boltzmann"
):
    """A one-dimensional density as points with error bars, and a theory curve.

    Parameters
    ----------
    histogram : xarray.Dataset
        Output of `analysis.density` for one component.
    ax : matplotlib.axes.Axes
    curve : (x, density) pair of arrays, optional
        Reference as a line, in units of length and length^-1.
    reference : array (bins,), optional
        Reference probability of every bin, drawn as steps at probability over bin width: exactly
        comparable with the points.
    label, reference_label : str
        What the legend says; None leaves an entry out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the histogram has another dimension or the reference another shape.
    """
    (name,) = _dims(histogram, 1)
    edges = histogram[f"{name}_edge"].values
    if reference is not None:
        ax.stairs(
            _checked(reference, histogram) / np.diff(edges),
            edges,
            color=COLOURS["theory"],
            label=reference_label,
        )
        reference_label = None if curve is None else reference_label
    if curve is not None:
        ax.plot(
            *curve, color=COLOURS["theory"], label=reference_label if reference is None else None
        )
    error = histogram["standard_error"].values
    points = {
        "fmt": "o",
        "markersize": 3,
        "elinewidth": 1,
        "capsize": 1.5,
        "color": COLOURS["data"],
        "label": label,
    }
    occupied = histogram["count"].values > 0  # an empty bin has an error, but no density to show
    ax.errorbar(
        histogram[name].values[occupied],
        histogram["density"].values[occupied],
        error[occupied],
        **points,
    )
    ax.set_xlabel(f"{_symbol(name)} (length)")
    ax.set_ylabel("density (1/length)")
    ax.set_ylim(bottom=0)
    ax.legend()
    return ax


def density_2d(
    histogram,
    ax,
    *,
    reference=None,
    levels=(0.1, 0.3, 0.5, 0.7, 0.9),
    reference_label="Boltzmann",
    colorbar=True,
):
    """A two-dimensional density as an image, with contours of a reference law.

    Parameters
    ----------
    histogram : xarray.Dataset
        Output of `analysis.density` for two components.
    ax : matplotlib.axes.Axes
    reference : array (bins_0, bins_1), optional
        Reference probability of every bin.
    levels : sequence of floats in (0, 1)
        Contours as fractions of the reference's largest density.
    reference_label : str
    colorbar : bool
        With the densities of the contours marked on it.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the histogram has another dimension or the reference another shape.
    """
    first, second = _dims(histogram, 2)
    edges = histogram[f"{first}_edge"].values, histogram[f"{second}_edge"].values
    image = ax.pcolormesh(*edges, histogram["density"].values.T, rasterized=True)
    bar = ax.figure.colorbar(image, ax=ax, label="density (1/length$^2$)") if colorbar else None
    if reference is not None:
        law = _checked(reference, histogram) / np.outer(*(np.diff(edge) for edge in edges))
        centres = histogram[first].values, histogram[second].values
        lines = ax.contour(
            *centres,
            law.T,
            levels=law.max() * np.sort(levels),
            colors=COLOURS["theory"],
            linewidths=1,
        )
        if bar is not None:
            bar.add_lines(
                lines
                # which colour the particles would have on each contour, if they followed the
                # reference
            )
        ax.plot([], [], color=COLOURS["theory"], linewidth=1, label=reference_label)
        ax.legend(loc="upper left")
    ax.set_xlabel(f"{_symbol(first)} (length)")
    ax.set_ylabel(f"{_symbol(second)} (length)")
    return ax


def _dims(histogram, dim):
    dims = histogram["count"].dims
    if len(dims) != dim:
        raise ValueError(
            f"histogram must have {dim} dimension{'s' if dim > 1 else ''}, got {dims}. Choose "
            "components= in analysis.density."
        )
    return dims


def _checked(reference, histogram):
    reference = np.asarray(reference, dtype=float)
    if reference.shape != histogram["count"].shape:
        raise ValueError(
            f"reference must have one probability per bin, {histogram['count'].shape}, got the "
            f"shape {reference.shape}."
        )
    return reference


def _symbol(name):
    return f"$x_{{{name[1:]}}}$"
