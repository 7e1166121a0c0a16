"""Histograms with error bars beside reference laws: along one component, two, and two with their
marginals.
"""

from typing import NamedTuple

import numpy as np
import xarray as xr

from ..analysis.density import bin_coordinates, edges_of
from ..analysis.particles import run
from ..arguments import all_within, checked, finite_array, flag, optional, text
from ..engine.reducers.readings import error_of_fraction
from .style import (
    COLOURS,
    LINE,
    axes,
    curve,
    density_image,
    given_axes,
    label_of,
    legend_on_top,
    points_with_errors,
    symbol,
)

HISTOGRAM = {"count": (), "density": (), "density_standard_error": ()}
SMALL_POINTS = {"markersize": 3, "elinewidth": 1, "capsize": 1.5}
SIZE = 5.6, 4.8  # of a figure with marginals, in inches
GAP, MARGINAL = 0.07, 0.28  # from the joint density to a marginal, and its depth, in its widths


class DensityAxes(NamedTuple):
    """What `density_with_marginals` draws into.

    Parameters
    ----------
    joint : matplotlib.axes.Axes
        For the density of both components.
    first, second : matplotlib.axes.Axes
        For the marginals: of the first component, above it, and of the second, to the right.

    Examples
    --------
    >>> ls.plots.DensityAxes("in the middle", "above", "to the right").second
    'to the right'
    """

    joint: object
    first: object
    second: object


def binned(value, name):
    """A check: a dataset of `analysis.density`; one of `reducers.histogram` is made like it."""
    if isinstance(value, xr.Dataset) and "density" not in value:
        ends = [str(key).removesuffix("_count") for key in value if str(key).endswith("_count")]
        found = [end for end in ends if f"{end}_density" in value and _is_grid(value, end)]
        value = _like_density(value, found[0]) if found else value
    return run(value, name, HISTOGRAM, "analysis.density() or simulate() with reducers.histogram")


def _is_grid(value, name):
    dims = value[f"{name}_count"].dims
    return bool(dims) and all(str(dim).startswith(f"{name}_x") for dim in dims)


def _like_density(value, name):
    """The histogram of a reducer with the names of `analysis.density`."""
    found = xr.Dataset({key: value[f"{name}_{key}"] for key in HISTOGRAM})
    grid = {dim: str(dim).removeprefix(f"{name}_") for dim in found["count"].dims}
    middles = [(value[dim].values, float(value[dim].attrs["bin_width"])) for dim in grid]
    edges = [np.append(x - width / 2, x[-1] + width / 2) for x, width in middles]
    return found.rename(grid).assign_coords(bin_coordinates(list(grid.values()), edges))


OF_A_DENSITY = {
    "histogram": binned,
    "ax": given_axes,
    "reference": optional(finite_array),
    "reference_label": optional(text),
}


@checked(curve=optional(curve), label=optional(text), **OF_A_DENSITY)
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
        Output of `analysis.density` for one component, or a run with `reducers.histogram`.
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

    Examples
    --------
    What is drawn integrates to one:

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, particles=4000, steps=100, seed=1)
    >>> ax = ls.plots.density_1d(ls.analysis.density(run, components=0, range=(-2, 2)))
    >>> heights = ax.containers[0][0].get_ydata()
    >>> print(f"{heights.sum() * 4 / 50:.2f} in units of {ax.get_ylabel()}")
    1.00 in units of density (length$^{-1}$)
    """
    _check_bins_of(histogram, 1, reference=reference)
    ax = axes(ax, "ax")
    (name,), (edges,) = histogram["count"].dims, edges_of(histogram)
    line_label = reference_label if reference is None else None
    look = {"color": COLOURS["theory"], "linewidth": LINE}
    if reference is not None:
        ax.stairs(reference / np.diff(edges), edges, label=reference_label, **look)
    if curve is not None:
        ax.plot(*curve, label=line_label, **look)
    occupied = histogram["count"].values > 0  # an empty bin has an error, but no density to show
    shown = (histogram[key].values[occupied] for key in (name, "density", "density_standard_error"))
    points_with_errors(ax, *shown, label=label, **SMALL_POINTS)
    ax.set_xlabel(label_of(histogram[name], symbol(str(name))))
    ax.set_ylabel(label_of(histogram["density"], "density"))
    ax.set_ylim(bottom=0)
    legend_on_top(ax)
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
        Output of `analysis.density` for two components, or a run with `reducers.histogram`.
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

    Examples
    --------
    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, particles=4000, steps=100, seed=1)
    >>> ax = ls.plots.density_2d(ls.analysis.density(run, bins=20))
    >>> print(ax.get_xlabel(), "to the right,", ax.get_ylabel(), "up")
    $x_{0}$ (length) to the right, $x_{1}$ (length) up
    """
    _check_bins_of(histogram, 2, reference=reference)
    ax = axes(ax, "ax")
    image = _image(ax, histogram)
    label = label_of(histogram["density"], "density")
    bar = ax.figure.colorbar(image, ax=ax, label=label) if colorbar else None
    if reference is not None and np.size(levels):
        lines = _contours(ax, histogram, reference, levels, "theory", reference_label)
        if bar is not None:  # the colour that particles on each contour would have
            bar.add_lines(lines)
        ax.legend(loc="upper left", frameon=False)
    return ax


def _image(ax, histogram):
    """The density of two components, and what its axes say."""
    names = histogram["count"].dims
    first, second = (label_of(histogram[name], symbol(str(name))) for name in names)
    ax.set(xlabel=first, ylabel=second)
    return density_image(ax, edges_of(histogram), histogram["density"].values)


def _contours(ax, histogram, reference, levels, colour, label):
    """Contours of a law, at fractions of its largest density."""
    law = reference / np.outer(*(np.diff(edge) for edge in edges_of(histogram)))
    centres = (histogram[name].values for name in histogram["count"].dims)
    look = {"colors": COLOURS[colour], "linewidths": 1}
    lines = ax.contour(*centres, law.T, levels=law.max() * np.sort(levels, axis=None), **look)
    ax.plot([], [], color=COLOURS[colour], linewidth=1, label=label)
    return lines


@checked(
    histogram=OF_A_DENSITY["histogram"],
    ax=given_axes,
    boltzmann=optional(finite_array),
    exact=optional(finite_array),
    levels=all_within(above=0, below=1),
)
def density_with_marginals(
    histogram, ax=None, *, boltzmann=None, exact=None, levels=(0.1, 0.3, 0.5, 0.7, 0.9)
):
    """A two-dimensional density between its marginals, against Boltzmann's law and the exact one.

    Parameters
    ----------
    histogram : xarray.Dataset
        Output of `analysis.density` for two components.
    ax : matplotlib.axes.Axes, optional
        The room that the joint density shares with its marginals. Default those of a new figure.
    boltzmann, exact : array (bins_0, bins_1), optional
        Probability of every bin, as of `theory.boltzmann_bin_probabilities` and
        `theory.bin_probabilities`: contours, and steps in the marginals.
    levels : sequence of floats in (0, 1)
        Contours as fractions of each law's largest density.

    Returns
    -------
    DensityAxes
        ``joint``, ``first`` and ``second``.

    Raises
    ------
    TypeError, ValueError
        If the histogram has another dimension or a law another shape; for the histogram of a
        reducer, whose marginals have no known errors.

    Notes
    -----
    Marginals are sums over the bins: of the particles inside the range of the other component, the
    law as well. Their errors are those of `analysis.density`, of the summed counts.

    Examples
    --------
    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, particles=4000, steps=100, seed=1)
    >>> axes = ls.plots.density_with_marginals(ls.analysis.density(run))
    >>> print(axes._fields)
    ('joint', 'first', 'second')
    """
    _check_bins_of(histogram, 2, boltzmann=boltzmann, exact=exact)
    both = (boltzmann, "theory", "Boltzmann"), (exact, "other", "exact")
    laws = [law for law in both if law[0] is not None]
    if "outside" not in histogram:
        raise ValueError(
            "histogram must be of analysis.density(): the counts of a reducer are correlated in "
            "time, so that their sums have no known error. Draw it with density_2d()."
        )
    own, joint = ax is None, axes(ax, "ax")
    if own:
        joint.figure.set_size_inches(*SIZE)
    joint.set_axes_locator(_beside_its_marginals)
    image = _image(joint, histogram)
    first = joint.inset_axes([0, 1 + GAP, 1, MARGINAL], sharex=joint)
    second = joint.inset_axes([1 + GAP, 0, MARGINAL, 1], sharey=joint)
    for law, colour, label in laws:
        _contours(joint, histogram, law, levels, colour, label)
    for k, side in enumerate((first, second)):
        _marginal(side, histogram, k, laws)
    joint.locator_params(nbins=5)
    bar = joint.inset_axes([1 + GAP, 1 + GAP + 0.3 * MARGINAL, MARGINAL, 0.2 * MARGINAL])
    joint.figure.colorbar(image, cax=bar, orientation="horizontal")
    bar.set_title(label_of(histogram["density"], "density"), fontsize="small", loc="left")
    bar.tick_params(labelsize="small")
    if laws:
        joint.legend(loc="upper left", frameon=False, fontsize="small")
    return DensityAxes(joint, first, second)


def _beside_its_marginals(ax, renderer):
    """The part of the room of a joint density that is left to it, whatever lays out the figure."""
    from matplotlib.transforms import Bbox

    room, share = ax.get_position(original=True), 1 / (1 + GAP + MARGINAL)
    return Bbox.from_bounds(room.x0, room.y0, share * room.width, share * room.height)


def _marginal(ax, histogram, k, laws):
    """The density along the component number `k` of two, horizontal for the second."""
    name, edge = histogram["count"].dims[k], edges_of(histogram)[k]
    count, width = histogram["count"].values.sum(axis=1 - k), np.diff(edge)
    n = int(histogram["count"].sum() + histogram["outside"])
    error = error_of_fraction(count, n) / width
    upright, shown = k == 0, count > 0
    for law, colour, _ in laws:
        look = {"color": COLOURS[colour], "orientation": "vertical" if upright else "horizontal"}
        ax.stairs(law.sum(axis=1 - k) / width, edge, linewidth=LINE, **look)
    points = [histogram[name].values[shown], (count / (n * width))[shown]]
    bars = {"yerr" if upright else "xerr": error[shown]}
    ax.errorbar(
        *points[:: 1 if upright else -1], fmt="o", color=COLOURS["data"], **SMALL_POINTS, **bars
    )
    words = label_of(histogram[name].assign_attrs(units="length^-1"), "density")
    if upright:
        ax.set_ylim(bottom=0)
        ax.locator_params(axis="y", nbins=4, prune="upper")  # no number at the very top
        ax.set_ylabel(words.replace(" ", "\n"), fontsize="small")
        ax.tick_params(labelbottom=False)
    else:
        ax.set_xlim(left=0)
        ax.set_xlabel(words, fontsize="small")
        ax.tick_params(labelleft=False)
    ax.spines[["top", "right"]].set_visible(False)


def _check_bins_of(histogram, dim, **laws):
    dims, shape = histogram["count"].dims, histogram["count"].shape
    if len(dims) != dim:
        raise ValueError(
            f"histogram must have {dim} dimension{'s' if dim > 1 else ''}, got {dims}. Choose "
            "components= in analysis.density."
        )
    for name, law in laws.items():
        if law is not None and law.shape != shape:
            raise ValueError(
                f"{name} must have one probability per bin, {shape}, got the shape {law.shape}."
            )
