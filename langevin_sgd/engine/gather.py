"""From the results of the points of a sweep to one dataset."""

import functools
import math
from typing import NamedTuple

import numpy as np
import xarray as xr

from ..arguments import checked, path, shown
from ..storage import provenance, sweep_folder
from ..storage.content import ABOUT, SEAL
from .dataset import OF_SWEEP, RECORDS_OF_RUN
from .grid import checked_values

UNITS = "of the parameter"  # which only the function that takes it knows
OWN_LABELS = {
    "failed": {"long_name": "1 if the point failed, else 0", "units": "1"},
    "error": {"long_name": "why the point failed", "units": "1"},
    "seed": {"long_name": "key of the random numbers", "units": "1"},
}


@checked(directory=path)
def merge(directory):
    """Gather the points of a finished sweep from its folder alone.

    No function of it is needed, and none is run.

    Parameters
    ----------
    directory : str or path-like
        The folder that was given to `sweep`.

    Returns
    -------
    xarray.Dataset
        As `sweep` returns it.

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder holds no sweep, or points are missing or damaged.

    Examples
    --------
    >>> well = ls.potentials.double_well(dim=2, barrier=0.25, coupling=0.8)
    >>> noise = ls.noise.gaussian([[10.0, 0.0], [0.0, 3.3]])
    >>> plan = {"particles": 500, "steps": 200, "seed": 1, "directory": "points"}
    >>> grid = {"learning_rate": [0.01, 0.02]}
    >>> runs = ls.sweep(well, ls.dynamics.sgd, noise, grid=grid, **plan)
    >>> ls.merge("points").x.equals(runs.x)
    True
    """
    header = sweep_folder.header_of(directory, ["sweep"])
    axes = axes_in(header)
    points = sweep_folder.share(None, math.prod(len(values) for _, values in axes))
    missing = sweep_folder.missing(directory, points)
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(points)} points are missing in {str(directory)!r}, first "
            f"{missing[0]} ({point_in_words(axes, missing[0])}): call the sweep again, or "
            "run their shards."
        )
    read = functools.partial(sweep_folder.read_point, directory)
    return gathered(axes, read, len(points), header.attributes)


def axes_in(header):
    """(name, values) of each axis of the sweep in a folder, checked like the argument `grid`."""
    grid = header.description.get("grid")
    if not isinstance(grid, dict) or not grid:
        raise ValueError(f"the manifest must have a grid, got {shown(grid)}.")
    return [(name, checked_values(name, values)) for name, values in grid.items()]


def layout(dataset):
    """Name -> dims and sizes of everything in the result of a point that must be the same at all
    points where it is there.

    A variable of floats may be absent, as the velocity is without momentum: it is nan there. So
    may a scalar coordinate.
    """
    scalars = scalar_coordinates(dataset)
    return {
        str(name): (dict(variable.sizes), name in dataset.data_vars and variable.dtype.kind == "f")
        for name, variable in dataset.variables.items()
        if name not in OF_SWEEP and name not in scalars
    }


def all_names(dataset):
    """The names in the result of a point that no axis may have."""
    return {*layout(dataset), *dataset.dims}


def scalar_coordinates(dataset):
    """Their names: the parameters of a run, and the step where one was selected."""
    return [str(name) for name, found in dataset.coords.items() if not found.dims]


def check_alike(first, other, here):
    """Refuse a point whose result cannot stand beside the first one's; `here` says which it is."""
    for name in [*first, *(name for name in other if name not in first)]:
        found = [each[name] for each in (first, other) if name in each]
        if found[0] != found[-1] or (len(found) == 1 and not found[0][1]):
            at_first, at_other = (
                "not there" if name not in each else f"{each[name][0] or 'a number'}"
                for each in (first, other)
            )
            raise ValueError(
                f"the points of a sweep must have results of one shape: {name!r} is {at_first} "
                f"at the first and {at_other} at {here}. Pass measure=, a function that brings "
                "every run to one shape, or sweep the two apart."
            )


def _good_ones(results, axes):
    """The results of points that did not fail, which must be of one shape."""
    good = {k: result for k, result in enumerate(results) if not int(result["failed"])}
    if not good:
        raise ValueError(
            f"all {len(results)} points failed, the first with {str(results[0]['error'].values)}"
        )
    first, *_ = good.values()
    for k, result in good.items():
        check_alike(layout(first), layout(result), point_in_words(axes, k))
    return list(good.values())


class _Points(NamedTuple):
    """The results of a sweep, point by point."""

    axes: list  # (name, values) of each
    results: list  # of all points
    good: list  # of those that did not fail

    def dims(self):
        return [name for name, _ in self.axes]

    def laid_out(self, values):
        """What all points have, along the axes."""
        return np.reshape(values, [*(len(each) for _, each in self.axes), *np.shape(values)[1:]])

    def stacked(self, name):
        """(dims, values, attributes) of a variable over all points: nan, or 0, where it is not."""
        variable = next(result for result in self.good if name in result.variables)[name].variable
        kind = variable.dtype.kind
        absent = np.full(variable.shape, {"f": np.nan, "U": ""}.get(kind, 0))
        values = np.stack(
            [(absent if name not in r.variables else r[name].values) for r in self.results]
        )
        values = values if kind == "U" else values.astype(variable.dtype)
        return [*self.dims(), *variable.dims], self.laid_out(values), variable.attrs


def check_axes(names, taken):
    """Refuse an axis that is called like something else of the sweep's dataset."""
    for name in names:
        if name in taken:
            raise ValueError(
                f"{name!r} in grid is also the name of a variable or dim of the result; call the "
                f"axis otherwise: {name}_given."
            )


def _axes_of(points):
    """The coordinates along the axes."""
    check_axes(points.dims(), {name for each in points.good for name in all_names(each)})
    return {
        name: (name, values, {"long_name": name.replace("_", " "), "units": UNITS})
        for name, values in points.axes
    }


def _common_coordinates(points, names):
    """(coordinates that all points share, variables of those that differ)."""
    first, *others = points.good
    differ = {
        name
        for name in names
        if any(not np.array_equal(first[name].values, other[name].values) for other in others)
    }
    shared = {name: first[name].variable for name in names if name not in differ}
    return shared, {f"{name}_of_point": points.stacked(name) for name in names if name in differ}


def _parameters(points, axes, scalars):
    """(coordinates, variables) of the scalar coordinates of runs: a number that all share, numbers
    along the axes, or, where an axis of that name says otherwise, a variable."""
    coordinates, variables = {}, {}
    failed = xr.Variable(
        points.dims(), points.laid_out([bool(r["failed"]) for r in points.results])
    )
    for name in scalars:
        found = xr.Variable(*points.stacked(name))
        shared = points.good[0].variables.get(name, np.nan)
        expected = xr.Variable(*axes[name]) if name in axes else shared
        as_expected = bool(((found == expected) | failed).all())
        if name not in axes:
            coordinates[name] = expected if as_expected else found
        elif not as_expected:
            variables[f"{name}_of_point"] = found
    return coordinates, variables


def _records_that_differ(points):
    """Variables of the records of runs, from their attributes."""
    found = {}
    for name in RECORDS_OF_RUN:
        if len({str(result.attrs.get(name, "")) for result in points.good}) > 1:
            texts = points.laid_out([str(r.attrs.get(name, "")) for r in points.results])
            labels = {"long_name": f"{name} of the point, as JSON", "units": "1"}
            found[name] = points.dims(), texts, labels
    return found


def gathered(axes, read, total, begun):
    """One dataset from the results of all points.

    Parameters
    ----------
    axes : list of (str, list)
        Name and values of each axis.
    read : callable
        `read(k)` is the dataset of point k.
    total : int
        Number of points.
    begun : dict
        Provenance that the result is given.

    Returns
    -------
    xarray.Dataset
        The variables of the points with the axes as leading dims. At failed points numbers are nan,
        whole numbers 0; a variable that only some points have is nan at the others.
    """
    results = [read(k) for k in range(total)]
    points = _Points(axes, results, _good_ones(results, axes))
    scalars = dict.fromkeys(name for result in points.good for name in scalar_coordinates(result))
    along_axes = _axes_of(points)
    names = dict.fromkeys(
        str(name) for result in points.good for name in result.data_vars if name not in OF_SWEEP
    )
    variables = {name: points.stacked(name) for name in names}
    along = [str(name) for name in points.good[0].coords if name not in scalars]
    shared, differing = _common_coordinates(points, along)
    parameters, changed = _parameters(points, along_axes, scalars)
    variables |= differing | changed | _records_that_differ(points)
    variables |= {
        name: (points.dims(), points.laid_out([r[name].values for r in results]), OWN_LABELS[name])
        for name in OF_SWEEP
    }
    attributes = _shared(points.good) | begun | {"title": f"sweep over {', '.join(points.dims())}"}
    return xr.Dataset(variables, along_axes | shared | parameters, attributes)


def _shared(results):
    """The attributes that all results have alike, but for those of a point."""
    own = *ABOUT, SEAL, *provenance(), "seed"
    return {
        name: value
        for name, value in results[0].attrs.items()
        if name not in own
        and all(np.array_equal(value, result.attrs.get(name)) for result in results)
    }


def point_in_words(axes, k):
    """'learning_rate = 0.1, momentum = 0.9': point `k` in words."""
    index = np.unravel_index(k, [len(values) for _, values in axes])
    return ", ".join(f"{name} = {values[i]}" for (name, values), i in zip(axes, index, strict=True))
