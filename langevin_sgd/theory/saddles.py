"""The saddles between minima of a potential."""

import numpy as np
import xarray as xr

from ..arguments import finite_array
from .basins_of_attraction import (
    basin_of,
    basins_of_attraction,
    matching,
    saddles_near,
    slope_of,
    where_left,
)
from .confinement import energy_of, one_law
from .two_grids import labels

HALVINGS = 10  # of the line between two minima


def two_or_more(value, name):
    """A check: rows of numbers, at least two."""
    rows = finite_array(value, name, ndim=2)
    if len(rows) < 2:
        raise ValueError(
            f"{name} must be at least two rows, one for each minimum, got {len(rows)}."
        )
    return rows


@one_law(
    potential=energy_of(drift=True, way="use barrier_exponent on the line"), minima=two_or_more
)
def saddles(potential, minima):
    """The saddles between named minima: the passes that rate theories ask for.

    Between each two minima the end of the basin of the first is bisected on the straight line; from
    there the lowest curvature is climbed and all others descended, by an exponential integrator, to
    a point with exactly one negative curvature.

    Parameters
    ----------
    potential : Potential or Loss
        U in units of energy, on an open domain.
    minima : (m, d) array
        Two or more minima, to 1e-3 of their distance, in units of length.

    Returns
    -------
    xarray.Dataset
        ``minimum`` (minimum, component), those given, made exact; ``saddle`` (saddle, component) by
        increasing ``saddle_energy`` (saddle); ``leads_to`` (saddle, side), the numbers of the
        minima on its two sides, -1 for one that was not named. It may be empty: where the line
        leaves the basin far from a pass, a saddle can be missed.

    Raises
    ------
    ValueError
        If a row of `minima` is no minimum.

    Notes
    -----
    Source: gentlest ascent (E and Zhou 2011, arXiv:1011.0042) from the ridge; derived.

    Examples
    --------
    The minima are (-1, -0.8) and (1, 0.8); the pass lies between them, as high as the barrier.

    >>> well = ls.potentials.double_well(dim=2, barrier=0.25, coupling=0.8)
    >>> found = ls.theory.saddles(well, [[-1.0, -0.8], [1.0, 0.8]])
    >>> f"at {abs(found.saddle.values).round(4).tolist()}, U = {found.saddle_energy.item():.4f}"
    'at [[0.0, 0.0]], U = 0.2500'
    """
    if minima.shape[1] != potential.dim:
        raise ValueError(f"minima must have {potential.dim} columns, got {minima.shape[1]}.")
    scale = float(np.sqrt(minima.var(axis=0).sum()))
    slope = slope_of(potential, scale or 1.0)
    found = basins_of_attraction(minima, slope)
    if found.index.min() < 0:
        raise ValueError(
            f"row {found.index.argmin()} of minima is no minimum of {potential.name!r}: descent "
            "from it ends at none. Use the minimum of basin_populations or analysis.basins."
        )
    exact = found.minimum[found.index]
    apart = np.linalg.norm(exact - minima, axis=1)
    if apart.max() > 1e-3 * scale or len(found.energy) < len(minima):
        raise ValueError(
            f"minima must be different minima of {potential.name!r}, but from them descent leads "
            f"{apart.max():.3g} away. Use the minimum of basin_populations or analysis.basins."
        )
    first, second = np.triu_indices(len(exact), 1)
    start, end = exact[first], exact[second]
    own = matching(start, exact, scale)
    _, left = where_left(start, end, own, lambda x: basin_of(x, exact, slope), HALVINGS)
    saddle = saddles_near(start + left[:, None] * (end - start), slope)
    energy = slope.energy(saddle)
    saddle, energy = saddle[np.argsort(energy)], np.sort(energy)
    _, vectors = np.linalg.eigh(slope.hessian(saddle))
    down = 0.01 * scale * vectors[:, :, 0]
    sides = [basin_of(saddle + way, exact, slope) for way in (down, -down)]
    leads_to, side = np.sort(np.stack(sides, axis=1), axis=1), "number of the minimum on a side"
    variables = {
        "minimum": (("minimum", "component"), exact, labels("minimum", "length")),
        "saddle": (("saddle", "component"), saddle, labels("saddle", "length")),
        "saddle_energy": ("saddle", energy, labels("energy of the saddle", "energy")),
        "leads_to": (("saddle", "side"), leads_to, labels(f"{side}, or -1", "1")),
    }
    return xr.Dataset(variables, attrs={"model": potential.name})
