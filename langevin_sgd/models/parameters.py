"""Parameters of a record: a namedtuple of float64 numbers and small contiguous float64 arrays. They are data: a sweep never recompiles."""

import json
import math
from collections import namedtuple
from difflib import get_close_matches
from functools import lru_cache
from hashlib import sha256

import numpy as np

from .schedules import Schedule


@lru_cache(maxsize=None)
def _tuple_class(names):
    return namedtuple("Params", names)


def parameters(params, owner):
    """`params` (dict, namedtuple or None) as a namedtuple of finite floats and float64 arrays; schedules stay schedules.

    Raises
    ------
    TypeError, ValueError
        For anything else, naming `owner` and the parameter.
    """
    if params is None or (isinstance(params, tuple) and not params):
        params = {"none": 0.0}  # numba has no type for an empty namedtuple
    items = params._asdict() if hasattr(params, "_asdict") else params
    if not isinstance(items, dict) or not all(isinstance(name, str) and name.isidentifier() for name in items):
        raise TypeError(f"params of {owner} must be a dict or namedtuple of numbers and arrays, got {params!r}.")
    return _tuple_class(tuple(items))(*(_value(owner, name, value) for name, value in items.items()))


def _value(owner, name, value):
    if isinstance(value, Schedule):
        return value
    try:
        array = np.array(value, dtype=np.float64, order="C")
    except (TypeError, ValueError):
        raise TypeError(f"parameter {name} of {owner} must be a number or an array of numbers, got {value!r}.") from None
    if not np.all(np.isfinite(array)):
        raise ValueError(f"parameter {name} of {owner} must be finite, got {value!r}.")
    return float(array) if array.ndim == 0 else array


def number(value, name, *, above=None, at_least=None, below=None, at_most=None):
    """`value` as a float inside the stated range, or a Schedule (whose values are checked when a run tabulates them)."""
    if isinstance(value, Schedule):
        return value._replace(allowed=(above, at_least, below, at_most))
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{name} must be a number, got {value!r}.")
    check_range(value, name, above, at_least, below, at_most)
    return float(value)


def check_range(value, name, above=None, at_least=None, below=None, at_most=None):
    """Raise a ValueError that states the allowed range unless `value` is finite and inside."""
    limits = [(above, "> ", lambda b: value > b), (at_least, ">= ", lambda b: value >= b)]
    limits += [(below, "< ", lambda b: value < b), (at_most, "<= ", lambda b: value <= b)]
    if not math.isfinite(value) or not all(limit is None or holds(limit) for limit, _, holds in limits):
        allowed = " and ".join(f"{sign}{limit}" for limit, sign, _ in limits if limit is not None)
        raise ValueError(f"{name} must be {allowed or 'a finite number'}, got {value!r}.")


def integer(value, name, at_least, below=None):
    """`value` as an int in [at_least, below), or a Schedule of whole numbers."""
    if isinstance(value, Schedule):
        return value._replace(allowed=(None, at_least, below, None), whole=True)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, got {value!r}.")
    check_range(int(value), name, at_least=at_least, below=below)
    return int(value)


def choice(value, name, allowed):
    """`value` if it is one of `allowed`; otherwise an error that lists them and names the nearest."""
    if value in allowed:
        return value
    near = get_close_matches(str(value), [str(a) for a in allowed], 1, 0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}.{hint}")


def tabulated(schedule, name, steps):
    """The values of a schedule for a run of `steps` steps, checked against the range that its parameter allows."""
    if len(schedule.values) < steps:
        raise ValueError(f"the schedule of {name} has {len(schedule.values)} values, but the run has {steps} steps. Give one value a step.")
    values = schedule.values[:steps]
    for extreme in (values.min(), values.max()) if steps else ():
        check_range(float(extreme), f"every value of the schedule of {name}", *schedule.allowed)
    if schedule.whole and np.any(values != np.round(values)):
        raise ValueError(f"every value of the schedule of {name} must be a whole number, got {values[values != np.round(values)][0]}.")
    return values


def symmetric_matrix(value, name):
    """`value` as a finite symmetric float64 matrix (d, d), or as given if it is a vector of d diagonal entries."""
    matrix = np.ascontiguousarray(value, dtype=np.float64)
    if matrix.ndim == 0:
        matrix = matrix.reshape(1)
    if matrix.size == 0 or matrix.ndim > 2 or (matrix.ndim == 2 and matrix.shape[0] != matrix.shape[1]):
        raise ValueError(f"{name} must have the shape (d, d), or (d,) for a diagonal matrix; got the shape {np.shape(value)}.")
    if not np.all(np.isfinite(matrix)):
        raise ValueError(f"{name} must be finite, got {value!r}.")
    if matrix.ndim == 2 and not np.allclose(matrix, matrix.T, rtol=1e-10, atol=1e-12 * np.abs(matrix).max()):
        worst = np.unravel_index(np.argmax(np.abs(matrix - matrix.T)), matrix.shape)
        raise ValueError(
            f"{name} must be symmetric, but entry {tuple(map(int, worst))} is {matrix[worst]:g} and its mirror image {matrix.T[worst]:g}. "
            f"Pass ({name} + {name}.T) / 2 if that is what you mean."
        )
    return matrix


def described(record):
    """JSON text of a record's name and parameters; arrays of more than 64 numbers as shape and SHA-256."""
    return json.dumps({"name": record.name, "params": {k: _described(v) for k, v in record.params._asdict().items()}})


def _described(value):
    if isinstance(value, Schedule):
        return {"schedule": value.name, "values": _described(value.values)}
    if isinstance(value, np.ndarray) and value.size > 64:
        return {"shape": list(value.shape), "sha256": sha256(value.tobytes()).hexdigest()}
    return value.tolist() if isinstance(value, np.ndarray) else value
