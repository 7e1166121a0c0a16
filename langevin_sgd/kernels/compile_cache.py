"""Machine code kept between processes, in files named after its content (see `compile_key`).

numba's own `cache=True` looks at one file's date: closures it never finds again, and when a
function of another module changes it silently returns the old numbers. Here whatever changes has
another name, so nothing can be stale.

The files are code that runs: a folder that others can write to is refused. LANGEVIN_SGD_CACHE=off
switches the cache off; any other value is the folder to use instead of langevin_sgd in the user's
cache folder."""

import json
import os
import re
import tempfile
import time
import warnings
from base64 import b64decode, b64encode
from collections import Counter
from functools import cache
from hashlib import sha256
from pathlib import Path

from numba import types
from numba.core import sigutils
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.environment import Environment, lookup_environment
from numba.core.funcdesc import FunctionDescriptor, PythonFunctionDescriptor
from numba.core.typing import signature

from .compile_key import key_of
from .functions import copied

VARIABLE = "LANGEVIN_SGD_CACHE"
SIZE_LIMIT = 256 * 2**20  # bytes in the folder; beyond, what was used least recently is removed
ABANDONED = 3600.0  # seconds after which an unfinished file is nobody's
_OUR_FILES = re.compile(r"[0-9a-f]{64}|kernel_\w+\.tmp")  # names of files that may be removed
# What a kernel may return, by name: types are kept so.
_RESULTS = {str(kind): kind for kind in (types.none, types.boolean, *types.number_domain)}
_asked = Counter()  # how often this process asked for each key


# ---- files --------------------------------------------------------------------------------------


@cache
def cache_folder(setting):
    """The folder to use for a value of LANGEVIN_SGD_CACHE, or None."""
    if setting == "off":
        return None
    try:
        folder = Path(
            setting
            or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "langevin_sgd"
        )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except (OSError, RuntimeError):  # nowhere to write, or no home
        return None
    if found.st_uid == os.getuid() and not found.st_mode & 0o022:
        return folder
    warnings.warn(
        f"No machine code is kept in {folder}, for others can write to it. Make it yours alone "
        f"(chmod 700), or set {VARIABLE} "
        "to another folder or to off.",
        stacklevel=2,
    )
    return None


def _read(place):
    """What was written there, or None if nothing was, not all of it is left, or it is another
    key's."""
    try:
        whole = place.read_bytes()
        os.utime(place)
    except OSError:
        return None
    content = whole[len(_under_key(place.name, b"")) :]
    return content if whole == _under_key(place.name, content) else None


def _under_key(key, content):
    """The content behind its key and the SHA-256 of both."""
    return key.encode() + sha256(key.encode() + content).digest() + content


def _write(place, content):
    """Write at once, so that no process ever reads half of it; then keep to the limit."""
    try:
        handle, name = tempfile.mkstemp(".tmp", "kernel_", place.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_under_key(place.name, content))
            os.replace(name, place)
        finally:
            Path(name).unlink(missing_ok=True)
        _shrink(place.parent)
    except OSError:  # a full disk, or another process was quicker: nothing is lost but time
        return


def _shrink(folder):
    """Remove what a killed process left unfinished, and what is beyond the limit."""
    with os.scandir(folder) as found:
        ours = [(each.stat(), each.path) for each in found if _OUR_FILES.fullmatch(each.name)]
    total = 0
    for state, path in sorted(ours, key=lambda one: one[0].st_mtime, reverse=True):
        total += state.st_size
        is_left = path.endswith(".tmp") and state.st_mtime < time.time() - ABANDONED
        if total > SIZE_LIMIT or is_left:
            os.unlink(path)


# ---- what numba asks -----------------------------------------------------------------------------


def _renamed(function, key):
    """A copy that numba names after `key`. It tells functions of one name apart by a count, which
    every process begins anew: code from elsewhere could bear a name of this process's own, and the
    linker would take one of the two."""
    made = copied(function)
    made.__qualname__ = f"{key}.{function.__name__}"
    return made


def _movable(result, key):
    """True if the code means the same in any process: all that it defines bears its key, and it
    holds no addresses or objects.
    """
    module = result.library._final_module
    defined = [function.name for function in module.functions if not function.is_declaration]
    environments = [
        lookup_environment(made.name)
        for made in module.global_variables
        if made.name.startswith("_ZN08NumbaEnv")
    ]
    return (
        all(key in name or name.startswith("NRT_") for name in defined)
        and all(found is not None and not found.consts for found in environments)
        and not (
            result.library.has_dynamic_globals
            or result.lifted
            or result.objectmode
            or result.reload_init
        )
        and str(result.signature.return_type) in _RESULTS
    )


def _as_json(description, library):
    """What is kept of compiled code, in JSON: what numba says of it, and the code."""
    name, kind, codes = library.serialize_using_object_code()
    fields = {each: getattr(description, each) for each in FunctionDescriptor.__slots__}
    fields |= dict.fromkeys(("argtypes", "calltypes", "global_dict", "typemap"))  # of this process
    fields["restype"] = str(description.restype)
    codes = [b64encode(code).decode() for code in codes]
    return json.dumps([fields, name, kind, codes]).encode()


def _rebuilt(content, args, scope, context):
    """The compile result that was kept. Types are this process's: a class made at run time would
    come back as another one.
    """
    fields, name, kind, codes = json.loads(content)
    description = PythonFunctionDescriptor.__new__(PythonFunctionDescriptor)
    for field, value in fields.items():
        setattr(description, field, tuple(value) if isinstance(value, list) else value)
    description.restype = _RESULTS[description.restype]
    description.argtypes, description.global_dict = args, scope
    library = name, kind, tuple(map(b64decode, codes))
    environment, found = Environment.from_fndesc(description), signature(description.restype, *args)
    plain = False, (), None, (), ()  # no object mode, loops, annotation, or other environments
    return CompileResult._rebuild(context, library, description, environment, found, *plain)


class CodeCache(NullCache):
    """What a dispatcher or C function asks before it compiles and tells afterwards; numba then
    holds its compiler lock.
    """

    def __init__(self, compiled):
        self._compiled, self._function, self._place = compiled, compiled._compiler.py_func, None

    def load_overload(self, sig, context):
        context.refresh()
        self._place, self._compiled._compiler.py_func = None, self._function
        folder = cache_folder(os.environ.get(VARIABLE, ""))
        args, result = sigutils.normalize_signature(sig)
        content = key_of(self._compiled, args, result, context) if folder else None
        if content is None:
            return None
        _asked[content] += 1  # the second of equal functions needs names of its own
        key = sha256(f"{content} {_asked[content]}".encode()).hexdigest()
        self._place, self._compiled._compiler.py_func = folder / key, _renamed(self._function, key)
        content = _read(self._place)
        if content is None:
            return None
        return _rebuilt(content, args, self._function.__globals__, context)

    def save_overload(self, sig, result):
        if self._place is None:
            return
        if _movable(result, self._place.name):
            _write(self._place, _as_json(result.fndesc, result.library))
