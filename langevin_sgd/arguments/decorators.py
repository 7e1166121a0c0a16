"""Checks in front of a public function: `checked`, and `formula` for one that computes numbers. A
dataset that such a function returns has a coordinate along each dimension.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar, overload

import numpy as np

from .checks import (
    LONGEST_SWEEP,
    all_within,
    anything,
    covariance_matrix,
    nearest,
    one_of,
    shown,
    symmetric_matrix,
)
from .coordinates import with_coordinates

# What a name means in the whole package; a function that needs something else says so.
QUANTITIES = {
    "hessian": symmetric_matrix,
    "noise_covariance": covariance_matrix,
    "batch_covariance": covariance_matrix,
    "covariance": covariance_matrix,
    "learning_rate": all_within(above=0, longest=LONGEST_SWEEP),
    "batch_size": all_within(at_least=1, longest=LONGEST_SWEEP),
    "momentum": all_within(at_least=0, below=1, longest=LONGEST_SWEEP),
    "temperature": all_within(above=0, longest=LONGEST_SWEEP),
    "step_size": all_within(above=0, longest=LONGEST_SWEEP),
    "friction": all_within(above=0, longest=LONGEST_SWEEP),
    "mass": all_within(above=0, longest=LONGEST_SWEEP),
    "nesterov": one_of(None, "torch", "lookahead"),
}
# Names of other libraries and dynamics, too far from ours for a guess by likeness.
_RATES = "learning_rate", "step_size"
_ELSEWHERE = {
    "lr": _RATES,
    "eta": _RATES,
    "dt": _RATES,
    "learning_rate": _RATES,
    "step_size": _RATES,
    "model": ("potential", "loss"),
    "potential": ("model", "loss"),
    "loss": ("model", "potential"),
    "table": ("data",),
    "parameters": ("params",),
    "step": ("steps",),
    "n_steps": ("steps",),
    "n": ("particles",),
    "mu": ("momentum",),
    "beta": ("momentum",),
    "bs": ("batch_size",),
    "gamma": ("friction",),
    "t": ("temperature",),
    "kt": ("temperature",),
    "cov": ("covariance",),
    "d": ("dim",),
    "dims": ("dim",),
    "rng": ("seed",),
    "random_state": ("seed",),
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
    """`signature.bind(*args, **kwargs)`; a TypeError that names the argument, and the nearest one
    for a name that `owner` does not have."""
    try:
        return signature.bind(*args, **kwargs)
    except TypeError as error:
        reason = str(error)
    parameters = signature.parameters.values()
    names = [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    takes_any = any(p.kind == p.VAR_KEYWORD for p in parameters)
    others = [name for name in kwargs if name not in names]
    takes = f"it takes {', '.join(names)}." + (meant(others[0], names) if others else "")
    if others and not takes_any:
        raise TypeError(f"{owner}() has no argument {others[0]!r}; {takes}")
    by_name = [p.name for p in parameters if p.kind == p.KEYWORD_ONLY]
    if by_name and "positional" in reason:
        takes = f"these are given by name: {', '.join(by_name)}."
    raise TypeError(f"{owner}(): {reason}; {takes}")


def meant(name, names):
    """The question "Did you mean ...?" for a name that is none of `names`, or ""."""
    same = [one for one in _ELSEWHERE.get(name.lower(), ()) if one in names]
    return f" Did you mean {same[0]!r}?" if same else nearest(name, names)


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


@keeps_signature
def formula(function=None, /, *, infinite=False, nan=False, **checks):
    """A decorator: `checked`, for a function that computes finite numbers from its arguments (or,
    with `infinite` or `nan`, those that its docstring speaks of).

    What overflows on the way, what NumPy and SciPy refuse (shapes that do not fit together,
    singular matrices, no memory), and what the function itself refuses once each argument has
    passed its check, ends in an error that names all arguments and their values.
    """
    if function is None:
        return functools.partial(formula, infinite=infinite, nan=nan, **checks)
    signature = inspect.signature(function)

    def is_allowed(result):
        """False if a number in `result`, a tuple or a dataset of results, is not allowed."""
        if isinstance(result, tuple):
            return all(map(is_allowed, result))
        if hasattr(result, "data_vars"):
            return all(is_allowed(part.values) for part in result.data_vars.values())
        kind = np.asarray(result).dtype.kind if isinstance(result, (float, np.ndarray)) else None
        if kind not in ("f", "c"):
            return True
        return np.all(np.isfinite(result) | infinite & np.isinf(result) | nan & np.isnan(result))

    @functools.wraps(function)
    def guarded(*args, **kwargs):
        try:
            with np.errstate(all="ignore"):
                result = function(*args, **kwargs)
            if not is_allowed(result):
                raise ValueError(
                    f"{function.__name__} has no finite value here: numbers are too large or too "
                    "small, or meet a singular point."
                )
        except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as error:
            reason = str(error).partition(" Given: ")[0]  # of a formula that this one uses
            given = signature.bind(*args, **kwargs).arguments.items()
            values = ", ".join(f"{name} = {_brief(value)}" for name, value in given)
            raise ValueError(f"{reason} Given: {values}") from error
        return result

    return checked(guarded, **checks)


def _brief(value):
    """`value` in at most 80 characters, on one line; of a large array the shape."""
    if isinstance(value, np.ndarray):
        if value.size > 8:
            return f"an array of the shape {value.shape}"
        value = value.tolist()
    words = shown(value)
    return words if len(words) <= 80 else words[:76] + " ..."
