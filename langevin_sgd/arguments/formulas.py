"""The decorator of functions that compute finite numbers."""

import functools
import inspect

import numpy as np

from .checks import shown
from .decorators import checked, keeps_signature


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
