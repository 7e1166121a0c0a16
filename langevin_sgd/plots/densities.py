"""Histograms with error bars beside a reference law."""

from functools import partial

import numpy as np

from ..analysis.density import edges_of
from ..analysis.particles import run
from ..arguments import all_within, checked, finite_array, flag, optional, text
from .style import COLOURS, axes, points_with_errors

HISTOGRAM = {"count": (), "density": (), "standard_error": ()}
OF_A_DENSITY = {
    "histogram": partial(run, needs=HISTOGRAM, source="analysis.density()"),
    "ax": axes,
    "reference": optional(finite_array),
    "reference_label": optional(text),
}


def _curve(value, name):
    """A check: two arrays of the same length."""
    pair = [finite_array(part, name, ndim=1) for part in value] if np.iterable(value) else ()
    if len(pair) != 2 or len({len(part) for part in pair}) > 1:
        raise ValueError(f"{name} must be a pair of arrays (x, density) of the same length.")
    return pair


@checked(curve=optional(_curve), label=optional(text), **OF_A_DENSITY)
def density_1d(
    histogram,
    ax=None,
    *,
    curve=None,
    reference=None,
    label="particles",
    reference_label="Boltzmann",
):
    """A one-dimensional density as points with error bars, and a theory curve.

    Parameters
    ----------
    histogram : xarray.Dataset
        Output of `analysis.density` for one component.
    ax : matplotlib.axes.Axes, optional
        Default those of a new figure.
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
    TypeError, ValueError
        If the histogram has another dimension or the reference another shape.
    """
    ax = axes(ax, "ax")
    _check_bins_of(histogram, 1, reference)
    (name,), (edges,) = histogram["count"].dims, edges_of(histogram)
    line_label = reference_label if reference is None else None
    if reference is not None:
        law = reference / np.diff(edges)
        ax.stairs(law, edges, color=COLOURS["theory"], label=reference_label)
    if curve is not None:
        ax.plot(*curve, color=COLOURS["theory"], label=line_label)
    occupied = histogram["count"].values > 0  # an empty bin has an error, but no density to show
    shown = (histogram[key].values[occupied] for key in (name, "density", "standard_error"))
    points_with_errors(ax, *shown, label=label, markersize=3, elinewidth=1, capsize=1.5)
    ax.set_xlabel(f"{_symbol(name)} (length)")
    ax.set_ylabel("density (1/length)")
    ax.set_ylim(bottom=0)
    ax.legend()
    return ax


@checked(levels=all_within(above=0, below=1), colorbar=flag, **OF_A_DENSITY)
def density_2d(
    histogram,
    ax=None,
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
    ax : matplotlib.axes.Axes, optional
        Default those of a new figure.
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
    TypeError, ValueError
        If the histogram has another dimension or the reference another shape.
    """
    ax = axes(ax, "ax")
    _check_bins_of(histogram, 2, reference)
    (first, second), edges = histogram["count"].dims, edges_of(histogram)
    image = ax.pcolormesh(*edges, histogram["density"].values.T, rasterized=True)
    bar = ax.figure.colorbar(image, ax=ax, label="density (1/length$^2$)") if colorbar else None
    if reference is not None and np.size(levels):
        law = reference / np.outer(*(np.diff(edge) for edge in edges))
        centres, heights = (
            (histogram[first], histogram[second]),
            law.max() * np.sort(levels, axis=None),
        )
        look = {"colors": COLOURS["theory"], "linewidths": 1}
        lines = ax.contour(*centres, law.T, levels=heights, **look)
        if bar is not None:  # the colour that particles on each contour would have
            bar.add_lines(lines)
        ax.plot([], [], color=COLOURS["theory"], linewidth=1, label=reference_label)
        ax.legend(loc="upper left")
    ax.set_xlabel(f"{_symbol(first)} (length)")
    ax.set_ylabel(f"{_symbol(second)} (length)")
    return ax


def _check_bins_of(histogram, dim, reference):
    dims, shape = histogram["count"].dims, histogram["count"].shape
    if len(dims) != dim:
        raise ValueError(
            f"histogram must have {dim} dimension{'s' if dim > 1 else ''}, got {dims}. Choose "
            "components= in analysis.density."
        )
    if reference is not None and reference.shape != shape:
        raise ValueError(
            f"reference must have one probability per bin, {shape}, got the shape "
            f"{reference.shape}."
        )


def _symbol(name):
    return f"$x_{{{name[1:]}}}$"
