"""A key for machine code: the SHA-256 of everything that determines it.

That is the content of the function (`function_content`); the argument types; the sources of the
parts of this package that teach numba, with the random generator that the environment chooses in
them; the versions of numba, llvmlite, numpy and Python; numba's settings; and the processor.
Something of which the content cannot be stated for sure, or could change after numba has read it,
has no key: never guess."""

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

from .function_content import Unstatable, content
from .functions import is_fixed
from .lanes import WIDTH
from .rng import GENERATOR

_PACKAGE = __package__.split(".")[0]
_PARTS = "kernels", "engine"  # of the package, which teach numba
_OURS = tuple(f"{_PACKAGE}.{part}." for part in _PARTS)  # determined by the sources
_SIMPLE_TYPES = types.Number, types.Boolean, types.NoneType, types.NumberClass
_NUMBA = os.path.dirname(numba.__file__)
_THREADS = {"NUMBA_NUM_THREADS", "NUMBA_DEFAULT_NUM_THREADS"}  # no kernel has threads of its own


def _hash_of_sources():
    """None in a package without sources."""
    folder = Path(__file__).parents[1]
    files = [file for part in _PARTS for file in sorted((folder / part).rglob("*.py"))]
    whole = b"\0".join(file.name.encode() + b"\0" + file.read_bytes() for file in files)
    return sha256(whole).hexdigest() if files else None


_SOURCES = _hash_of_sources()  # at import: what is edited later does not run here


def _trusted(module):
    return is_fixed(module) or module.startswith(_OURS)


def _state(value):
    """What `content` is to state of numba's things; an error for what may still change."""
    if isinstance(value, types.Type):
        return _state_of_type(value)
    if type(value) is CPUDispatcher:
        return _options(value), value.py_func
    if type(value) is CFunc:
        function, kinds = value._pyfunc, value._sig
        names = function.__module__, function.__name__  # of its symbol, see `linked`
        return _options(value), names, function, kinds.return_type, kinds.args
    constants = tuple, frozenset, np.generic, python_types.CodeType, python_types.FunctionType
    if isinstance(value, constants) or isinstance(value, np.ndarray) and not value.flags.writeable:
        return None
    raise Unstatable(value)


def _options(compiled):
    compiler = compiled._compiler
    if compiler.pipeline_class is not Compiler or compiler.locals:
        raise Unstatable(compiled)
    return tuple(sorted(compiler.targetoptions.items()))


def _state_of_type(kind):
    if isinstance(kind, types.BaseTuple):
        return getattr(kind, "fields", ()), tuple(kind.types)
    if isinstance(kind, types.Array):
        return kind.dtype, kind.ndim, kind.layout, kind.mutable, kind.aligned
    if isinstance(kind, _SIMPLE_TYPES) or type(kind).__module__.startswith(_OURS):
        return (kind.name,)
    raise Unstatable(kind)


def _foreign():
    """True if somebody else than numba and this package has taught numba functions: nothing in a
    function leads there."""
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
    return repr((versions, context.codegen().magic_tuple(), WIDTH, GENERATOR, _SOURCES))


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
        whole = content((compiled, args, result), _trusted, _state)
    except Unstatable:
        return None
    return sha256((whole + _process(context) + _settings()).encode()).hexdigest()
