"""The grid of a sweep: which function takes which of its names, and the records of one point."""

import inspect
import math
from typing import NamedTuple

import numpy as np

from ..models.arrays import real_array

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
    if not isinstance(grid, dict) or not grid:
        raise TypeError(
            "grid must be a dict of names and lists of values, with at least one name; got "
            f"{grid!r}."
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
        derived = (
            r for r in makers if r not in (*RECORDS, *owners) and _takes(makers[r]).get(argument)
        )
        axes.append(
            Axis(name.replace(".", "_"), argument, _values(name, values), (*owners, *derived))
        )
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


def _values(name, values):
    array = np.asarray(list(values) if isinstance(values, range) else values)
    if array.dtype.kind not in "fiuU" or array.ndim != 1 or array.size == 0:
        raise TypeError(
            f"grid[{name!r}] must be a list of numbers, or one of texts, got {values!r}. For "
            "anything else, as a matrix, pass a "
            "function that makes the record from a number, e.g. noise=lambda level: "
            "noise.gaussian(level * matrix)."
        )
    if array.dtype.kind == "f":
        real_array(array, f"grid[{name!r}]")
        if not np.all(np.isfinite(array)):
            raise ValueError(f"grid[{name!r}] must be finite, got {values!r}.")
    if len(np.unique(array)) < len(array):
        raise ValueError(f"grid[{name!r}] must hold each value once, got {values!r}.")
    return array.tolist()


def _takes(maker):
    """Name -> True if a value must be given, for what can be set in a record or a function."""
    if hasattr(maker, "_asdict"):
        names = (
            maker.recipe.names()
            if getattr(maker, "recipe", None)
            else getattr(maker, "params", maker)._fields
        )
        return dict.fromkeys(names, False)
    if not callable(maker):
        return {}
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    taken = (p for p in inspect.signature(maker).parameters.values() if p.kind in named)
    return {p.name: p.default is p.empty for p in taken}


def _owners(name, makers):
    """The records that take `name`: every one that cannot be made without it, or else the only one
    that may have it.
    """
    takers = {role: _takes(makers[role])[name] for role in RECORDS if name in _takes(makers[role])}
    derived = tuple(
        role for role in makers if role not in RECORDS and _takes(makers[role]).get(name)
    )
    if not takers and not derived:
        known = "; ".join(
            f"{role}: {', '.join(_takes(makers[role]))}" for role in RECORDS if _takes(makers[role])
        )
        raise ValueError(
            f"{name!r} in grid is no parameter of the model, the dynamics or the noise "
            f"({known or 'they have none'}). Pass a "
            f"function of it, e.g. dynamics=lambda {name}: ..."
        )
    if len(takers) > 1 and not all(takers.values()):
        ways = " or ".join(repr(f"{role}.{name}") for role in takers)
        raise ValueError(
            f"{name!r} in grid is ambiguous: {' and '.join(takers)} have one. Write {ways}; or, "
            "to set it in both, pass "
            "functions that need it."
        )
    return tuple(takers) or derived


def _check_taken(name, argument, role, maker):
    if getattr(maker, "recipe", None):
        if argument not in maker.recipe.names():
            raise ValueError(
                f"{name!r} in grid: {maker.name!r} is made from "
                f"{', '.join(maker.recipe.names()) or 'nothing'}."
            )
    elif hasattr(maker, "params"):
        if argument not in maker.params._fields or np.ndim(getattr(maker.params, argument)):
            numbers = [
                field for field, value in maker.params._asdict().items() if np.ndim(value) == 0
            ]
            raise ValueError(
                f"{name!r} in grid: the {role} {maker.name!r} has the numbers "
                f"{', '.join(numbers) or 'none'}."
            )
    elif not callable(maker):
        raise ValueError(f"{name!r} in grid: {role} is {maker!r}, not a function of {argument}.")


def count(axes):
    """Number of points."""
    return math.prod(len(axis.values) for axis in axes)


def values_at(axes, k):
    """Name -> value at point `k`; the last axis runs fastest."""
    index = np.unravel_index(k, [len(axis.values) for axis in axes])
    return {axis.name: axis.values[i] for axis, i in zip(axes, index, strict=True)}


def made(axes, makers, k):
    """Role -> the record or the option at point `k`."""
    given, values = {role: {} for role in makers}, values_at(axes, k)
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
    fields = maker._replace(params=maker.params._replace(**given))._asdict()
    return type(maker)(**{name: value for name, value in fields.items() if name != "recipe"})


def sides(axes):
    """Points that hold every value of every axis once, the other axes at their first: as many as
    judge all values.
    """
    shape, found = [len(axis.values) for axis in axes], [0]
    for dim, size in enumerate(shape):
        found += [
            int(np.ravel_multi_index([i if d == dim else 0 for d in range(len(shape))], shape))
            for i in range(1, size)
        ]
    return found
