"""The grid of a sweep: which function takes which of its names, and the records of one point."""

import inspect
import math
from typing import NamedTuple

import numpy as np

from ..arguments import finite_array, instance, meant, shown

RECORDS = ("model", "dynamics", "noise")


class Axis(NamedTuple):
    """One parameter of a sweep."""

    name: str  # dimension of the result: the name in the grid, with _ for a dot
    argument: str  # what the functions call it: the name without "model." and the like
    values: list
    owners: tuple  # the roles that take it


def axes_of(grid, makers):
    """The axes of a grid.

    Parameters
    ----------
    grid : dict
        Name -> values: numbers or text.
    makers : dict
        Role ("model", "dynamics", "noise", or an option of `simulate`) -> a record, a function of
        grid names, or anything else.

    Returns
    -------
    tuple of Axis

    Raises
    ------
    TypeError, ValueError
        For a name that nobody takes or several could, and values that are no list of different
        numbers or texts.
    """
    instance(grid, "grid", dict, "a dict of names and lists of values")
    if not grid:
        raise ValueError("grid must have at least one name, got {}.")
    for role in RECORDS:
        maker = makers[role]
        is_record = hasattr(maker, "_asdict") or (role == "noise" and maker is None)
        if not is_record and not callable(maker):
            raise TypeError(
                f"{role} must be a record, as for simulate, or a function that makes one, got "
                f"{shown(maker)}."
            )
    axes = []
    for name, values in grid.items():
        role, _, argument = name.rpartition(".")
        if role and role not in makers:
            raise ValueError(
                f"{name!r} in grid: there is no {role!r}; write one of {', '.join(makers)} before "
                "the dot."
            )
        owners = (role,) if role else _owners(name, makers)
        _check_taken(name, argument, owners[0], makers[owners[0]])
        owners = tuple(dict.fromkeys((*owners, *_options_of(argument, makers))))
        axes.append(Axis(name.replace(".", "_"), argument, checked_values(name, values), owners))
    for role in RECORDS:
        given = {axis.argument for axis in axes if role in axis.owners}
        missing = [
            name
            for name, required in _takes(makers[role]).items()
            if required and name not in given
        ]
        if missing:
            raise TypeError(
                f"{role} is a function that needs {missing[0]}: put it into grid, or fix it with "
                "functools.partial."
            )
    return tuple(axes)


def checked_values(name, values):
    """The values of an axis as a list, if they are different numbers or different texts."""
    name = f"grid[{name!r}]"
    try:
        array = np.array(list(values) if isinstance(values, range) else values)
    except ValueError:  # a ragged list
        array = np.array(None)
    if array.dtype.kind not in "fiuU" or array.ndim != 1 or array.size == 0:
        raise TypeError(
            f"{name} must be a list of numbers, or one of texts, got {shown(values)}. For anything "
            "else, as a matrix, pass a function that makes the record from a number, e.g. "
            "noise=lambda level: noise.gaussian(level * matrix)."
        )
    if array.dtype.kind == "f":
        finite_array(array, name)
    if len(np.unique(array)) < len(array):
        raise ValueError(f"{name} must hold each value once, got {shown(values)}.")
    return array.tolist()


def _takes(maker):
    """Name -> True if a value must be given, for what can be set in a record or a function."""
    if getattr(maker, "recipe", None):
        return dict.fromkeys(maker.recipe.names(), False)
    if hasattr(maker, "_asdict"):
        return dict.fromkeys(getattr(maker, "params", maker)._fields, False)
    if not callable(maker):
        return {}
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    taken = (p for p in inspect.signature(maker).parameters.values() if p.kind in named)
    return {p.name: p.default is p.empty for p in taken}


def _owners(name, makers):
    """The records that take `name`: every one that cannot be made without it, or else the only one
    that may have it.
    """
    taken = {role: _takes(makers[role]) for role in RECORDS}
    takers = {role: names[name] for role, names in taken.items() if name in names}
    derived = _options_of(name, makers)
    if not takers and not derived:
        names = [each for names in taken.values() for each in names]
        known = "; ".join(f"{role}: {', '.join(names)}" for role, names in taken.items() if names)
        raise ValueError(
            f"{name!r} in grid is no parameter of the model, the dynamics or the noise "
            f"({known or 'they have none'}).{meant(name, names)} Or pass a function of it, e.g. "
            f"dynamics=lambda {name}: ..."
        )
    if len(takers) > 1 and not all(takers.values()):
        ways = " or ".join(repr(f"{role}.{name}") for role in takers)
        raise ValueError(
            f"{name!r} in grid is ambiguous: {' and '.join(takers)} have one. Write {ways}; or, "
            "to set it in both, pass "
            "functions that need it."
        )
    return tuple(takers) or derived


def _options_of(name, makers):
    """The options of `simulate` that are functions of `name`."""
    return tuple(
        role for role, maker in makers.items() if role not in RECORDS and _takes(maker).get(name)
    )


def _check_taken(name, argument, role, maker):
    """Refuse a name that the record or function does not take."""
    if hasattr(maker, "recipe"):
        names, has = list(_takes(maker)), "is made from"
        if not maker.recipe:  # a schedule stands for a number, which may take its place
            has = "has the numbers"
            names = [k for k, v in maker.params._asdict().items() if not isinstance(v, np.ndarray)]
        if argument not in names:
            raise ValueError(
                f"{name!r} in grid: the {role} {maker.name!r} {has} "
                f"{', '.join(names) or 'nothing'}.{meant(argument, names)}"
            )
    elif not callable(maker):
        raise ValueError(
            f"{name!r} in grid: {role} is {shown(maker)}, not a function of {argument}."
        )


def count(axes):
    """Number of points."""
    return math.prod(len(axis.values) for axis in axes)


def point_values(axes, k):
    """Name -> value at point `k`; the last axis runs fastest."""
    index = np.unravel_index(k, [len(axis.values) for axis in axes])
    return {axis.name: axis.values[i] for axis, i in zip(axes, index, strict=True)}


def made(axes, makers, k):
    """Role -> the record or the option at point `k`."""
    given, values = {role: {} for role in makers}, point_values(axes, k)
    for axis in axes:
        for role in axis.owners:
            given[role][axis.argument] = values[axis.name]
    return {role: _made(role, maker, given[role]) for role, maker in makers.items()}


def _made(role, maker, given):
    if not hasattr(maker, "_asdict"):
        return maker(**given) if given or (role in RECORDS and callable(maker)) else maker
    if not given:
        return maker
    if maker.recipe:
        return maker.recipe.made(**given)
    return maker._replace(params=maker.params._replace(**given))


def sides(axes):
    """Points that hold every value of every axis once, the other axes at their first: as many as
    judge all values."""
    shape = [len(axis.values) for axis in axes]
    places = np.zeros((1 + sum(shape) - len(shape), len(shape)), dtype=int)
    row = 1
    for dim, size in enumerate(shape):
        places[row : row + size - 1, dim] = np.arange(1, size)
        row += size - 1
    return np.ravel_multi_index(places.T, shape).tolist()
