"""What a function for particles must not contain, seen before it runs: each refusal names the
function, shows the user's line and says what to write instead."""

import dis
import inspect
import types as python_types

from ..arguments import shown
from .functions import MISSING, codes_of, is_helper, plain, reads, source_line


def check_function(function, label, *arguments):
    """Refuse what is not a function of one of the lists `arguments`, each like "p x out", and in it
    or in a helper: `**`, whose bits differ between interpreted and compiled code; random numbers of
    other libraries; recursion; a name that is not defined.

    Raises
    ------
    TypeError, ValueError
        Naming `label` and what is wrong, with the user's line.
    """
    if not isinstance(plain(function), python_types.FunctionType):
        raise TypeError(
            f"{label} must be a plain Python function (or one with bare @njit), got "
            f"{shown(function)}."
        )
    if arguments:
        _check_arguments(plain(function), label, [names.split() for names in arguments])
    _check_body(plain(function), label, ())


def _check_arguments(function, label, allowed):
    signature = inspect.signature(function)
    names = list(signature.parameters)
    wanted = " or ".join(f"({', '.join(each)})" for each in allowed)
    for each in allowed:
        if sorted(names) == sorted(each) and names != each:
            raise TypeError(f"{label} must take {wanted} in this order, got {signature}.")
    if not any(_accepts(signature, len(each)) for each in allowed):
        raise TypeError(f"{label} must take the arguments {wanted}, got {signature}.")
    extra = [one for one in signature.parameters.values() if one.default is not one.empty]
    if extra:
        raise TypeError(
            f"{label} must take the arguments {wanted}, without defaults, got {signature}. Put "
            f"{extra[0].name} into params and read p.{extra[0].name}."
        )


def _accepts(signature, count):
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def _check_body(function, label, callers):
    if function in callers:
        raise ValueError(f"{label} calls itself through {function.__name__}(). Write a loop.")

    def refuse(what, line):
        raise ValueError(f"{label} {what}\n{source_line(function, line)}")

    for code in codes_of(function.__code__):
        for found in dis.get_instructions(code):
            if found.opname == "BINARY_OP" and found.argrepr.startswith("**"):
                line = found.positions.lineno
                refuse("uses **. Write x*x, or elementary.powi(x, n).", line)
    for read in reads(function):
        if read.value is MISSING:
            refuse(
                f"uses the name {read.path!r}, which is not defined. Correct it, or put the value "
                "into params.",
                read.line,
            )
        if _is_random(read.value):
            refuse(
                f"uses {read.path}, whose numbers depend on what was drawn before, in any thread. "
                "Random numbers come in z, which normals= and uniforms= of a record ask for.",
                read.line,
            )
        if is_helper(read.value):
            _check_body(plain(read.value), label, (*callers, function))


def _is_random(value):
    """True for modules, functions and objects of a library of random numbers."""
    kinds = type(getattr(value, "__self__", value)).__mro__
    homes = [getattr(value, "__module__", None), *(kind.__module__ for kind in kinds)]
    if isinstance(value, python_types.ModuleType):
        homes.append(value.__name__)
    return any(f"{home}.".startswith(("random.", "secrets.", "numpy.random.")) for home in homes)
