"""Histograms of the particles with error bars."""

import numpy as np
import xarray as xr

from ..arguments import checked, finite_array, integer, optional, whole_numbers
from ..engine.reducers.readings import error_of_fraction, labelled
from .particles import AT_STEP, at_step, attributes, component_names


@checked(range=optional(finite_array), components=optional(whole_numbers), **AT_STEP)
def density(run, *, bins=50, range=None, components=None, step=None, on_diverged="raise"):
    """The density of the particles in bins, in one or two dimensions, with multinomial error bars.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate`; uses ``x`` (..., particle, component), in units of length.
    bins : int, array of edges, or one of these per component
        Number of equal bins, or increasing bin edges in units of length.
    range : (low, high), or one pair per component, optional
        Where equal bins begin and end; default the smallest and largest position.
    components : int or sequence of one or two, optional
        Which components; default all, if there are at most two. The others are integrated out.
    step : int, optional
        Which stored step; default the last one.
    on_diverged : {"raise", "drop"}
        What to do if particles diverged.

    Returns
    -------
    xarray.Dataset
        On bins with the dimensions x0, x1 ... (named after the components; coordinates are bin
        centres): ``count``, ``density`` in length^-1 or length^-2, ``density_standard_error``;
        edges ``x0_edge`` ...; ``underflow`` and ``overflow`` (component): particles below and above
        the bins of each component, ``outside``: particles in no bin. The density is that of all
        particles: it integrates to 1 - outside/particles.

    Raises
    ------
    TypeError, ValueError
        For bad bins, components or steps, fewer than two or dependent particles, or if particles
        diverged.

    Notes
    -----
    Counts of independent particles are multinomial. The error is the standard deviation of a bin's
    probability given its count k under a flat prior (Laplace's rule of succession), sqrt(q (1 -
    q)/(n + 3)) with q = (k + 1)/(n + 2): the usual sqrt(p (1 - p)/n) at large k, and about 1/n, not
    zero, for an empty bin. Binning bias is no part of it: compare with a law integrated over the
    same bins.

    Examples
    --------
    68 % of a Gaussian law lie within one standard deviation, here sqrt(eta/(2 - eta)):

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, particles=4000, steps=100, seed=1)
    >>> sigma = np.sqrt(0.1 / (2 - 0.1))
    >>> found = ls.analysis.density(run, bins=[-sigma, sigma], components=0)
    >>> print(f"{found['count'].item() / 4000:.2f}")
    0.68
    """
    particles = at_step(run, step, on_diverged)
    components = chosen_components(components, particles.x.shape[1])
    x = particles.x[:, components]
    edges = edges_from(x, bins, range)
    count = np.histogramdd(x, edges)[0].astype(np.int64)
    below = [int((x[:, k] < edge[0]).sum()) for k, edge in enumerate(edges)]
    above = [int((x[:, k] > edge[-1]).sum()) for k, edge in enumerate(edges)]
    n, volume = len(x), np.ones(())
    for edge in edges:
        volume = volume[..., None] * np.diff(edge)
    error = error_of_fraction(count, n) / volume
    names = [component_names(run)[k] for k in components]
    unit = f"length^-{len(names)}"
    variables = {
        "density": labelled(names, count / (n * volume), "probability density", unit),
        "density_standard_error": labelled(names, error, "standard error of the density", unit),
        "count": labelled(names, count, "particles in the bin"),
        "underflow": labelled("component", below, "particles below the bins of a component"),
        "overflow": labelled("component", above, "particles above the bins of a component"),
        "outside": labelled((), n - int(count.sum()), "particles in no bin"),
    }
    coords = {"component": labelled("component", names, "component of x")} | bin_coordinates(
        names, edges
    )
    return xr.Dataset(variables, coords, attributes(run, particles))


def bin_coordinates(names, edges):
    """Coordinates of bins: their middles under the name of each axis, their edges beside them."""
    coords = {}
    for name, edge in zip(names, edges, strict=True):
        middles = (edge[:-1] + edge[1:]) / 2
        coords[name] = labelled(name, middles, f"position {name}, bin centre", "length")
        edge_name = f"{name}_edge"
        coords[edge_name] = labelled(edge_name, edge, f"position {name}, bin edge", "length")
    return coords


def bin_numbers(x, edges):
    """The bin of each point (n, axes), counted in the order of an array, -1 outside."""
    number, inside = np.zeros(len(x), int), np.ones(len(x), bool)
    for values, edge in zip(x.T, edges, strict=True):
        place = np.searchsorted(edge, values, side="right") - 1
        place = np.where(values == edge[-1], len(edge) - 2, place)
        inside &= (place >= 0) & (place < len(edge) - 1)
        number = number * (len(edge) - 1) + place
    return np.where(inside, number, -1)


def edges_of(histogram):
    """Bin edges of a `density` dataset, an array per axis, in the order of those of ``count``."""
    return [histogram[f"{name}_edge"].values for name in histogram["count"].dims]


def chosen_components(components, dim):
    """The components as a list of one or two integers."""
    if components is None and dim > 2:
        raise ValueError(
            f"components must name one or two of the {dim} components of the run, for example "
            "components=(0, 1)."
        )
    chosen = list(np.arange(dim) if components is None else components)
    if len(chosen) not in (1, 2) or len(set(chosen)) < len(chosen) or max(chosen) >= dim:
        raise ValueError(
            f"components must be one or two different numbers from 0 to {dim - 1}, got {chosen}."
        )
    return chosen


def edges_from(x, bins, limits):
    """Increasing bin edges for every column of x."""
    dim = x.shape[1]
    several = isinstance(bins, (list, tuple)) and len(bins) == dim
    if several and dim == 1:
        several = isinstance(bins[0], (list, tuple, np.ndarray))
    if limits is None:
        limits = np.column_stack([x.min(axis=0), x.max(axis=0)])
    elif limits.shape not in ((2,), (dim, 2)):
        raise ValueError(f"range must be (low, high) or {dim} such pairs, got {limits.tolist()}.")
    pairs = zip(bins if several else [bins] * dim, np.broadcast_to(limits, (dim, 2)), strict=True)
    return [_axis_edges(part, *pair) for part, pair in pairs]


def _axis_edges(bins, low, high):
    if isinstance(bins, (list, tuple)) or (isinstance(bins, np.ndarray) and bins.ndim):
        edges = finite_array(bins, "bins", ndim=1)
        if len(edges) < 2 or not np.all(np.diff(edges) > 0):
            raise ValueError(
                "bins must be strictly increasing edges, at least two, got an array of shape "
                f"{edges.shape}."
            )
        return edges
    number = integer(bins, "bins", 1, 10**7)
    if not low < high:
        way = " Where all particles are in one place, take a later step." if low == high else ""
        raise ValueError(
            f"range must be pairs (low, high), low < high, got ({low:g}, {high:g}).{way}"
        )
    return np.linspace(low, high, number + 1)
