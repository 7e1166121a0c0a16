"""The coordinates of what a public function returns: each dimension of a dataset has one."""

import re

COMPONENT = "component of x"
TEXT_OF_DIMENSION = {  # of dims whose entries have names, and more words on some that are counted
    "bound": "end of an interval",
    "component": COMPONENT,
    "component_j": f"{COMPONENT}, of the second index",
    "axis": COMPONENT,
    "mode": "number of the eigenvector, from 0",
    "particle": "number of the particle, from 0",
    "observable": "what is looked at",
    "memory": "number of what a particle remembers beside x, from 0",
}


def with_coordinates(dataset, *sources):
    """The dataset with a coordinate along each dimension that has none: for components the names
    that the first of the `sources` with as many gives them, else "x0", "x1", ...; "lower" and
    "upper" for bounds, and the numbers from 0 for all others, which cost no memory. Names along a
    dimension get a long_name and units where they have none.
    """
    import pandas as pd

    found, known = {}, [names for source in sources if (names := names_of_components(source))]
    for dim, size in dataset.sizes.items():
        words = re.sub(r"_j$", ", of the second index", dim).replace("_", " ")
        text = TEXT_OF_DIMENSION.get(dim, f"number of the {words}, from 0")
        values = pd.RangeIndex(size)
        if dim in dataset.coords:
            named = dataset[dim]
            if named.dtype.kind == "U" and not named.attrs:
                found[dim] = named.assign_attrs(
                    long_name=TEXT_OF_DIMENSION.get(dim, words), units="1"
                )
            continue
        if text.startswith(COMPONENT):
            fitting = (names for names in known if len(names) == size)
            values = next(fitting, [f"x{k}" for k in range(size)])
        if dim == "bound" and size == 2:
            values = ["lower", "upper"]
        found[dim] = dim, values, {"long_name": text, "units": "1"}
    return dataset.assign_coords(found) if found else dataset


def names_of_components(value):
    """The names along the dimension of components, if `value` is a dataset that has some."""
    named = value.coords.get("component") if hasattr(value, "data_vars") else None
    return None if named is None or named.dtype.kind != "U" else named.values.tolist()
