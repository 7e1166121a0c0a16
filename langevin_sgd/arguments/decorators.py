"""`checked`: checks in front of a public function, and behind it a coordinate along each dimension
of the dataset that it returns."""

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from .arrays import LONGEST_SWEEP, all_within, covariance_matrix, symmetric_matrix
from .checks import anything, one_of
from .names import misfit

POSITIVE = all_within(above=0, longest=LONGEST_SWEEP)
# What a name means in the whole package; a function that needs something else says so.
QUANTITIES = {
    "hessian": symmetric_matrix,
    "noise_covariance": covariance_matrix,
    "batch_covariance": covariance_matrix,
    "covariance": covariance_matrix,
    "learning_rate": POSITIVE,
    "batch_size": all_within(at_least=1, longest=LONGEST_SWEEP),
    "momentum": all_within(at_least=0, below=1, longest=LONGEST_SWEEP),
    "temperature": POSITIVE,
    "step_size": POSITIVE,
    "friction": POSITIVE,
    "mass": POSITIVE,
    "nesterov": one_of(None, "torch", "lookahead"),
}
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

P = ParamSpec("P")
R = TypeVar("R")


class KeepsSignature(Protocol):
    """What an editor and a type checker are told of a decorator: with options or without, what it
    decorates keeps its signature."""

    @overload
    def __call__(self, function: Callable[P, R], /, **options: Any) -> Callable[P, R]: ...

    @overload
    def __call__(self, /, **options: Any) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def keeps_signature(decorator: Any) -> KeepsSignature:
    """A decorator of decorators, for those who read types: it changes nothing."""
    return decorator


def bound(signature, owner, args, kwargs):
    """`signature.bind(*args, **kwargs)`, or a TypeError as `names.misfit` words it."""
    try:
        return signature.bind(*args, **kwargs)
    except TypeError as error:
        reason = misfit(str(error), signature, owner, kwargs)
    raise TypeError(reason)


@keeps_signature
def checked(function=None, /, *, coordinates=True, **checks):
    """A decorator: every argument passes its check before the function sees it.

    Parameters
    ----------
    coordinates : bool
        A dataset that the function returns gets those that it lacks.
    **checks : callables
        `check(value, name) -> value` for arguments by name. What has none is checked by its name in
        `QUANTITIES`, and left alone where it is not there either. A default that is left out is not
        checked.
    """
    if function is None:
        return functools.partial(checked, coordinates=coordinates, **checks)
    signature = inspect.signature(function)
    unknown = checks.keys() - signature.parameters.keys()
    if unknown:
        raise NameError(f"{function.__name__} has no arguments {sorted(unknown)}")
    of = {name: checks.get(name, QUANTITIES.get(name, anything)) for name in signature.parameters}

    @functools.wraps(function)
    def call(*args, **kwargs):
        found = bound(signature, function.__name__, args, kwargs)
        for name, value in found.arguments.items():
            found.arguments[name] = of[name](value, name)
        result = function(*found.args, **found.kwargs)
        if coordinates and hasattr(result, "data_vars"):
            return with_coordinates(result, *found.arguments.values())
        return result

    call.checks = of  # a test sees which arguments have none
    return call


# ---- coordinates ---------------------------------------------------------------------------------


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
