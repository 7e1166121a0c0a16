"""From the results of the points of a sweep to one dataset."""

import numpy as np
import xarray as xr

from ..storage import provenance
from ..storage.content import ABOUT, SEAL

OWN = ("failed", "error", "seed")  # what a sweep adds to the result of a point
DESCRIPTIONS = (
    "model",
    "dynamics",
    "noise",
)  # attributes of a run that become variables where they differ
UNITS = "of the parameter"  # which only the function that takes it knows
OWN_LABELS = {
    "failed": {"long_name": "1 if the point failed, else 0", "units": "1"},
    "error": {"long_name": "why the point failed", "units": "1"},
    "seed": {"long_name": "key of the random numbers", "units": "1"},
}


def layout(dataset):
    """Name -> dims and sizes of everything in the result of a point that must be the same at all
    points where it is there.

    A variable of floats may be absent, as the velocity is without momentum: it is nan there.
    """
    return {
        str(name): (dict(variable.sizes), name in dataset.data_vars and variable.dtype.kind == "f")
        for name, variable in dataset.variables.items()
        if name not in OWN
    }


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
    good = [result for result in results if not int(result["failed"])]
    if not good:
        raise ValueError(
            f"all {total} points failed, the first with {str(results[0]['error'].values)}"
        )
    first = good[0]
    for k, result in enumerate(results):
        if not int(result["failed"]):
            check_alike(layout(first), layout(result), point_in_words(axes, k))
    dims, shape = [name for name, _ in axes], [len(values) for _, values in axes]
    clash = [name for name in dims if name in first.variables or name in first.dims]
    if clash:
        raise ValueError(
            f"{clash[0]!r} in grid is also the name of a variable or dim of the runs; call the "
            "axis otherwise."
        )

    def stacked(name):
        variable = next(result for result in good if name in result.variables)[name].variable
        kind = variable.dtype.kind
        absent = np.full(variable.shape, {"f": np.nan, "U": ""}.get(kind, 0))
        values = np.stack(
            [(absent if name not in r.variables else r[name].values) for r in results]
        )
        values = values if kind == "U" else values.astype(variable.dtype)
        return [*dims, *variable.dims], values.reshape([*shape, *variable.shape]), variable.attrs

    def differs(name):
        return any(not np.array_equal(first[name].values, other[name].values) for other in good[1:])

    names = dict.fromkeys(
        str(name) for result in good for name in result.data_vars if name not in OWN
    )
    variables = {name: stacked(name) for name in names}
    kept = {name: first[name].variable for name in first.coords if not differs(name)}
    variables |= {f"{name}_of_point": stacked(name) for name in first.coords if name not in kept}
    for name in DESCRIPTIONS:
        texts = np.array([str(r.attrs.get(name, "")) for r in results])
        if len(set(texts[[not int(r["failed"]) for r in results]])) > 1:
            variables[name] = (
                dims,
                texts.reshape(shape),
                {"long_name": f"{name} of the point, as JSON", "units": "1"},
            )
    variables |= {
        name: (dims, np.stack([r[name].values for r in results]).reshape(shape), OWN_LABELS[name])
        for name in OWN
    }
    grid = {
        name: (name, values, {"long_name": name.replace("_", " "), "units": UNITS})
        for name, values in axes
    }
    return xr.Dataset(
        variables, grid | kept, _shared(good) | begun | {"title": f"sweep over {', '.join(dims)}"}
    )


def _shared(results):
    """The attributes that all results have alike, but for those of a point."""
    own = *ABOUT, SEAL, *provenance(), "seed"
    return {
        name: value
        for name, value in results[0].attrs.items()
        if name not in own and all(_same(value, result.attrs.get(name)) for result in results)
    }


def _same(one, other):
    return np.array_equal(np.asarray(one), np.asarray(other))


def point_in_words(axes, k):
    """'learning_rate = 0.1, momentum = 0.9': point `k` in words."""
    index = np.unravel_index(k, [len(values) for _, values in axes])
    return ", ".join(f"{name} = {values[i]}" for (name, values), i in zip(axes, index, strict=True))
