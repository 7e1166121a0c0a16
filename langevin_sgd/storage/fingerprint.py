"""What something is, as plain data for a manifest: numbers as they are, tables and code by their
SHA-256.
"""

import functools
import json
import types
from hashlib import sha256

import numpy as np

SHOWN = 64  # longest array that is written out


def fingerprint(value):
    """A value as JSON-ready data that changes when the value does.

    Parameters
    ----------
    value : number, text, array, function, or record, list or dict of such
        A function counts by its compiled code, what it closes over and the functions that it calls
        by a global name, but not by its line numbers, comments and other globals; those of this
        package are covered by `source_hashes`.

    Returns
    -------
    None, bool, int, float, str, list or dict

    Raises
    ------
    TypeError
        For anything else: what cannot be written down cannot be compared when a run is taken up
        again.
    """
    return _fingerprint(value, ())


def _fingerprint(value, callers):
    value = getattr(value, "py_func", value)  # a numba dispatcher
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if hasattr(value, "_asdict"):  # how a record was made says no more than what it is
        return {
            name: _fingerprint(entry, callers)
            for name, entry in value._asdict().items()
            if name != "recipe"
        }
    if isinstance(value, dict):
        return {str(name): _fingerprint(entry, callers) for name, entry in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [_fingerprint(entry, callers) for entry in value]
    if isinstance(value, functools.partial):
        return {"partial": _fingerprint([value.func, value.args, value.keywords], callers)}
    if isinstance(value, types.FunctionType):
        return {"function": value.__qualname__, "sha256": _sha256(_code(value, callers))}
    if isinstance(value, (type, types.BuiltinFunctionType, types.MethodWrapperType, np.ufunc)):
        return {"function": value.__name__}
    if isinstance(value, (np.ndarray, np.generic)) or hasattr(value, "__array__"):
        array = np.asarray(value)
        if array.dtype.kind in "biufU":
            return (
                array.tolist()
                if array.size <= SHOWN
                else {"shape": list(array.shape), "sha256": _sha256(array)}
            )
    raise TypeError(
        f"{value!r} of type {type(value).__name__} cannot be written into a manifest; give "
        "numbers, text, arrays, functions, or "
        "lists and dicts of them."
    )


def _code(function, callers):
    """Everything that decides what a function does, but for the values of globals."""
    if function in callers:
        return "recursion"
    callers, scope = (*callers, function), function.__globals__
    held = [cell.cell_contents for cell in function.__closure__ or ()]
    called = {
        name: scope[name]
        for name in sorted(_names(function.__code__))
        if _is_a_helper(scope.get(name))
    }
    around = [function.__defaults__, function.__kwdefaults__, held, called]
    return json.dumps(
        [_instructions(function.__code__), [_fingerprint(value, callers) for value in around]]
    )


def _instructions(code):
    constants = [
        _instructions(c) if isinstance(c, types.CodeType) else _constant(c) for c in code.co_consts
    ]
    return [
        code.co_code.hex(),
        constants,
        list(code.co_names),
        list(code.co_varnames),
        list(code.co_freevars),
    ]


def _constant(value):
    return sorted(map(repr, value)) if isinstance(value, frozenset) else repr(value)


def _names(code):
    inner = (_names(c) for c in code.co_consts if isinstance(c, types.CodeType))
    return set(code.co_names).union(*inner)


def _is_a_helper(value):
    function = getattr(value, "py_func", value)
    return isinstance(function, types.FunctionType) and not function.__module__.startswith(
        __package__.split(".")[0]
    )


def _sha256(content):
    if isinstance(content, np.ndarray):
        content = np.ascontiguousarray(content).tobytes()
    return sha256(content.encode() if isinstance(content, str) else content).hexdigest()
