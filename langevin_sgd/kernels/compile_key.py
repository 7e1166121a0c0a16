"""A key for machine code: the SHA-256 of everything that determines it.

That is, for every function in reach, its bytecode, constants, defaults, closure and the globals
that it reads; the argument types; the sources of the parts of this package that teach numba; the
versions of numba, llvmlite, numpy and Python; numba's settings; and the processor. Something of
which the content cannot be stated for sure has no key: never guess."""

import dis
import os
import sys
import types as python_types
from functools import cache
from hashlib import sha256
from pathlib import Path

import llvmlite
import numba
import numpy as np
from numba import types
from numba.core import config, imputils
from numba.core.ccallback import CFunc
from numba.core.compiler import Compiler
from numba.core.registry import CPUDispatcher
from numba.core.typing import templates

from .lanes import WIDTH

_PACKAGE = __package__.split(".")[0]
_PARTS = "kernels", "engine"  # of the package, which teach numba
_SCALARS = types.Number, types.Boolean, types.NoneType
_CODE = (
    "co_code",
    "co_consts",
    "co_names",
    "co_varnames",
    "co_freevars",
    "co_cellvars",
    "co_flags",
    "co_exceptiontable",
)
_CODE += ("co_argcount", "co_posonlyargcount", "co_kwonlyargcount")
_FIXED = {"builtins", "math", "cmath", "operator", "_operator", "numpy", "numba"}  # by the versions
_OURS = tuple(f"{_PACKAGE}.{part}." for part in _PARTS)  # by the sources
_NUMBA = os.path.dirname(numba.__file__)
_THREADS = {"NUMBA_NUM_THREADS", "NUMBA_DEFAULT_NUM_THREADS"}  # no kernel has threads of its own


def _hash_of_sources():
    files = [
        file for part in _PARTS for file in sorted((Path(__file__).parents[1] / part).glob("*.py"))
    ]
    return (
        sha256(
            b"\0".join(file.name.encode() + b"\0" + file.read_bytes() for file in files)
        ).hexdigest()
        if files
        else None
    )


_SOURCES = (
    _hash_of_sources()
)  # at import: what is edited later does not run here. None in a package without sources


class _Unknown(Exception):
    """Something of which the content cannot be stated."""


def _named(value):
    """(module, name) of what the versions or our sources determine, if that is where it is found;
    None for all else.
    """
    module = getattr(value, "__module__", None) or "numpy"  # ufuncs have none
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", "")
    if isinstance(value, python_types.ModuleType):
        module, name = value.__name__, ""
    found = sys.modules.get(module)
    for part in name.split(".") if name else ():
        found = getattr(found, part, None)
    fixed = module.split(".")[0] in _FIXED or module.startswith(_OURS)
    return (module, name) if fixed and found is value else None


def _globals_of(function):
    """(name, value) of each global that a function reads; a name that is not there is one of
    Python's own.
    """
    names, codes = set(), [function.__code__]
    for code in codes:
        names |= {
            found.argval
            for found in dis.get_instructions(code)
            if found.opname in ("LOAD_GLOBAL", "LOAD_NAME")
        }
        codes += [inner for inner in code.co_consts if isinstance(inner, python_types.CodeType)]
    return tuple(
        (name, function.__globals__[name]) for name in sorted(names) if name in function.__globals__
    )


def _state_of_function(function):
    keywords = tuple(sorted((function.__kwdefaults__ or {}).items()))
    names = function.__module__, function.__name__  # symbols are called after them, see `external`
    return (
        names,
        function.__code__,
        function.__defaults__,
        keywords,
        function.__closure__,
        _globals_of(function),
    )


def _options(compiled):
    compiler = compiled._compiler
    if compiler.pipeline_class is not Compiler or compiler.locals:
        raise _Unknown(compiled)
    return tuple(sorted(compiler.targetoptions.items()))


def _state_of_type(kind):
    if isinstance(kind, types.BaseNamedTuple):
        return tuple(kind.fields), tuple(kind.types)
    if isinstance(kind, types.BaseTuple):
        return tuple(kind.types)
    if isinstance(kind, types.Array):
        return kind.dtype, kind.ndim, kind.layout, kind.mutable, kind.aligned
    if isinstance(kind, (*_SCALARS, types.NumberClass)) or type(kind).__module__.startswith(_OURS):
        return (kind.name,)
    raise _Unknown(kind)


def _state(value):
    """What code can depend on, as a tuple of things to be stated in turn.

    Only what cannot change after numba has read it: no lists, dictionaries, sets or arrays.
    """
    if isinstance(value, (float, complex, np.number, np.bool_)):
        return np.asarray(value).dtype.str, np.asarray(value).tobytes()
    if type(value) is tuple:
        return value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return tuple(value._fields), tuple(value)
    if isinstance(value, frozenset):
        return tuple(sorted(_digest(each, {}) for each in value))
    if isinstance(value, python_types.CodeType):
        return tuple(getattr(value, name) for name in _CODE)
    if isinstance(value, python_types.CellType):
        return (value.cell_contents,)
    if isinstance(value, types.Type):
        return _state_of_type(value)
    if type(value) is CPUDispatcher:
        return _options(value), value.py_func
    if type(value) is CFunc:
        return _options(value), value._pyfunc, value._sig.return_type, value._sig.args
    if name := _named(value):
        return name
    if isinstance(value, python_types.FunctionType):
        return _state_of_function(value)
    raise _Unknown(value)


def _digest(value, known, inside=()):
    """SHA-256 of `value` and all that it refers to. `known` spares stating things twice and keeps
    them alive: their ids count.
    """
    kind = f"{type(value).__module__}.{type(value).__qualname__}\0".encode()
    if value is None or value is ... or type(value) in (bool, int, str, bytes):
        return sha256(kind + repr(value).encode()).digest()
    if id(value) in inside:
        raise _Unknown(value)  # calls itself
    if id(value) not in known:
        parts = [_digest(part, known, (*inside, id(value))) for part in _state(value)]
        known[id(value)] = value, sha256(kind + b"".join(parts)).digest()
    return known[id(value)][1]


def _foreign():
    """True if somebody else than numba and this package has taught numba functions: nothing in a
    text leads there.
    """
    taught = templates.builtin_registry.functions + templates.builtin_registry.attributes
    taught += [implementation for implementation, _, _ in imputils.builtin_registry.functions]
    for each in taught:
        author = next(
            (n for n in ("_overload_func", "_definition_func", "generic") if hasattr(each, n)), None
        )
        each = getattr(each, author) if author else each
        module = each.__module__ or each.__code__.co_filename
        if module.split(".")[0] not in ("numba", _PACKAGE) and not module.startswith(_NUMBA):
            return True
    return False


@cache
def _process(context):
    versions = (
        numba.__version__,
        llvmlite.__version__,
        llvmlite.binding.llvm_version_info,
        np.__version__,
        sys.version,
    )
    return repr((versions, context.codegen().magic_tuple(), WIDTH, _SOURCES))


def _settings():
    return repr(
        sorted(
            (name, repr(value))
            for name, value in vars(config).items()
            if name.isupper() and name not in _THREADS
        )
    )


def key_of(compiled, args, result, context):
    """The key of the machine code of a function.

    Parameters
    ----------
    compiled : numba dispatcher or C function
    args : tuple of numba types
    result : numba type or None
        None if it is to be inferred.
    context : numba target context

    Returns
    -------
    str or None
        64 hexadecimal digits; None if something cannot be stated.
    """
    if _SOURCES is None or _foreign():
        return None
    try:
        content = _digest((compiled, args, result), {})
    except _Unknown:
        return None
    return sha256(content + _process(context).encode() + _settings().encode()).hexdigest()
