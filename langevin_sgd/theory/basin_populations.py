"""The probability of each basin of attraction under Boltzmann's law, by quadrature."""

import numpy as np
import xarray as xr

from ..arguments import optional
from .basins_of_attraction import basin_of, basins_of_attraction, slope_of, where_left
from .boltzmann import LARGEST_CHANGE, boltzmann_on_grid
from .confinement import bounds_inside, energy_box, energy_of, intervals, one_law
from .grids import DEPTH, tensor_nodes
from .two_grids import labels

SCAN_POINTS = {1: 256, 2: 32, 3: 16}  # even: no node lies on a ridge in the middle
POPULATION_POINTS = {1: 4000, 2: 300, 3: 80}
SEEN = 1e-17  # nodes with less than this part of the largest density are left out
BISECTIONS = 8
WITHOUT_WALLS = energy_of(1, 2, 3, drift=True, way="use analysis.basins or a reference sample")


@one_law(potential=WITHOUT_WALLS, start=optional(intervals))
def basin_populations(potential, temperature, *, start=None):
    """Boltzmann's probability of each basin of attraction, with the minimum it belongs to.

    A basin is the set of points from which the gradient flow leads to one minimum.

    Parameters
    ----------
    potential : Potential or Loss
        U in units of energy, d <= 3, on an open domain. A drift is no part of the law.
    temperature : float
        T > 0, in units of energy.
    start : array (d, 2), optional
        Pairs (low, high) in units of length from which the law is looked for if it is not found
        from [-1, 1]^d: for wells wider than 2e3, or 1e5 from zero.

    Returns
    -------
    xarray.Dataset
        ``minimum`` (basin, component) in units of length, ``minimum_energy`` (basin),
        ``population`` (basin) and ``population_error``, the difference of two grids, an upper
        estimate. By energy, equal energies by position. There is no basin without a minimum or
        where minima form a flat valley; what is missing in the sum leads to none. Attributes
        ``model``, ``temperature``, ``scale``, the length in which the descent has its tolerances,
        and ``energy_around``, a sum of energies around the minima by which to know the potential.

    Raises
    ------
    ValueError
        If exp(-U/T) is not normalisable, or the wells are too narrow for the grid.

    Notes
    -----
    A node of the grid whose neighbour along an axis is in another basin gives part of its weight to
    it: with the boundary t_k spacings away along axis k (bisected), it keeps
    1/2 + 1/sum_k (1/t_k), which is exact for a plane across an axis, so that the error is of second
    order in the spacing. Minima that lie between the nodes of a scan (256, 32 or 16 an axis in 1,
    2, 3 dimensions) with a basin as narrow are missed. Source: quadrature of the definition
    (derived).

    Examples
    --------
    Of two minima of one energy the flatter one holds more: widths go like 1/sqrt(curvature), here
    2 to 1.

    >>> well = ls.potentials.two_minima(curvatures=(1.0, 4.0), smoothing=0.01)
    >>> law = ls.theory.basin_populations(well, temperature=0.05)
    >>> law.population.values.round(3).tolist()
    [0.667, 0.333]
    """
    name = f"potential {potential.name!r} at temperature {temperature:g}"
    start = start if start is None else bounds_inside(start, potential, "start")
    box = energy_box(potential, temperature, DEPTH, name, start)
    slope = slope_of(potential, float(np.linalg.norm(box[:, 1] - box[:, 0])) / 4)

    def on_grid(points):
        open_sides = [False] * potential.dim
        return boltzmann_on_grid(potential, temperature, box, points, open_sides)

    found = basins_of_attraction(_seen(on_grid(SCAN_POINTS[potential.dim])), slope)
    population, error = np.ones(len(found.minimum)), np.zeros(len(found.minimum))
    if len(found.minimum) > 1:
        points = POPULATION_POINTS[potential.dim]
        fine, coarse = (on_grid(2 * round(refined * points / 2)) for refined in (1.0, 0.7))
        found = basins_of_attraction(_seen(fine), slope)

        def basins(x):
            return basin_of(x, found.minimum, slope)

        count = len(found.minimum)
        population = _populations(fine, found.index, count, basins)
        error = np.abs(population - _populations(coarse, basins(_seen(coarse)), count, basins))
        if error.max() > LARGEST_CHANGE:
            raise ValueError(f"{name} is too narrow for {points} points an axis: wells are missed.")
    basin, text = ("basin",), "Boltzmann's probability of the basin"
    variables = {
        "minimum": (("basin", "component"), found.minimum, labels("minimum", "length")),
        "minimum_energy": (basin, found.energy, labels("energy of the minimum", "energy")),
        "population": (basin, population, labels(text, "1")),
        "population_error": (basin, error, labels(f"estimated error (two grids) of {text}", "1")),
    }
    attrs = {"model": potential.name, "temperature": float(temperature), "scale": slope.scale}
    attrs["energy_around"] = energy_around(slope, found.minimum)
    return xr.Dataset(variables, attrs=attrs)


def energy_around(slope, minimum):
    """Sum of the energies on a cross around each minimum (m, d): it tells potentials apart."""
    ways = 0.1 * slope.scale * np.eye(minimum.shape[1])
    return float(slope.energy(minimum[:, None] + np.concatenate([ways, -ways])).sum())


def _is_seen(law):
    density = law.fields["density"]
    return density > SEEN * density.max()


def _seen(law):
    """The nodes (n, d) on which the density is not negligible."""
    return tensor_nodes(law.axes)[_is_seen(law)]


def _populations(law, index_of_seen, count, basins):
    """The share of each of `count` basins in a law on equally spaced nodes.

    Of the nodes those with a density have an index; `basins` gives that of any points."""
    seen, nodes = _is_seen(law), tensor_nodes(law.axes)
    number = np.arange(seen.size).reshape(seen.shape)
    seen, nodes = seen.ravel(), nodes.reshape(seen.size, -1)
    index = np.full(seen.size, -1)
    index[seen] = index_of_seen
    inverse, nearest = np.zeros(seen.size), np.full(seen.size, np.inf)
    receiver = index.copy()
    for k in range(number.ndim):
        along = np.moveaxis(number, k, 0)
        pairs = np.stack([along[:-1].ravel(), along[1:].ravel()])
        left, right = pairs[:, seen[pairs].all(axis=0) & (np.diff(index[pairs], axis=0)[0] != 0)]
        t = sum(where_left(nodes[left], nodes[right], index[left], basins, BISECTIONS)) / 2
        for node, other, distance in ((left, right, t), (right, left, 1 - t)):
            inverse[node] += 1 / np.maximum(distance, 1e-9)
            closer = distance < nearest[node]
            nearest[node[closer]], receiver[node[closer]] = distance[closer], index[other[closer]]
    mass = law.fields["density"] * law.fields["weight"]
    with np.errstate(divide="ignore"):
        given = mass.ravel() * np.clip(0.5 - 1 / inverse, 0.0, 0.5)
    kept = np.bincount(index + 1, mass.ravel() - given, count + 1)
    got = np.bincount(receiver + 1, given, count + 1)
    return (kept + got)[1:] / mass.sum()
