"""What the name of an argument means in the whole theory, and the decorators that ask by it."""

import functools
import inspect
from typing import Any

from ..arguments import (
    QUANTITIES,
    all_within,
    finite_array,
    formula,
    keeps_signature,
    optional,
    positive_matrix,
    probabilities,
    within,
)
from ..arguments.decorators import KeepsSignature

ABOVE_ZERO = within(above=0)
FROM_ZERO = all_within(at_least=0)


def formula_of(**meanings: Any) -> KeepsSignature:
    """A decorator: `formula`, with these checks for arguments of these names.

    What has none here, none in `QUANTITIES` and none of its own is an array of finite numbers."""

    @keeps_signature
    def decorator(function=None, /, **checks):
        if function is None:
            return functools.partial(decorator, **checks)
        known = QUANTITIES | meanings
        names = inspect.signature(function).parameters
        return formula(function, **{name: known.get(name, finite_array) for name in names} | checks)

    return decorator


exact = formula_of(
    **dict.fromkeys(("density", "reference", "weight"), FROM_ZERO),
    **dict.fromkeys(("distance", "noise_variance", "radius", "time"), FROM_ZERO),
    **dict.fromkeys(("length", "variance"), all_within(above=0)),
    **dict.fromkeys(("offset", "slope"), ABOVE_ZERO),
    **dict.fromkeys(("input_covariance", "covariance_p", "covariance_q"), positive_matrix),
    label_noise=within(at_least=0),
    dataset_size=optional(all_within(at_least=1)),
    probabilities=optional(probabilities),
)
