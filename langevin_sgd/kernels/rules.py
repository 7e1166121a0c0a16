"""What a user's function must not contain, seen before it runs."""

import builtins
import dis
import inspect
import types as python_types

from .functions import codes_of, globals_read, is_helper, plain, source_line


def check_function(function, label, *arguments):
    """Refuse what is not a function of one of the lists `arguments`, each like "p x out", and three
    things in it or in a helper: `**`, whose bits differ between interpreted and compiled code;
    recursion; a helper that is reached through a module, for it would keep the flags it was
    compiled with."""
    if not isinstance(plain(function), python_types.FunctionType):
        raise TypeError(
            f"{label} must be a plain Python function (or one with bare @njit), got {function!r}."
        )
    _check(plain(function), label, ())
    if arguments:
        _check_arguments(plain(function), label, arguments)


def _check(function, label, callers):
    if function in callers:
        raise ValueError(f"{label} calls itself through {function.__name__}(). Write a loop.")
    scope = function.__globals__
    for code in codes_of(function.__code__):
        number, held = None, None
        for instruction in dis.get_instructions(code):
            number = instruction.starts_line if isinstance(instruction.starts_line, int) else number
            if instruction.opname == "BINARY_OP" and instruction.argrepr.startswith("**"):
                raise ValueError(
                    f"{label} uses **. Write x*x, or elementary.powi(x, "
                    f"n).\n{source_line(function, number)}"
                )
            name, module = (
                instruction.argval,
                held if isinstance(held, python_types.ModuleType) else None,
            )
            held = (
                getattr(module, name, None)
                if module and instruction.opname in ("LOAD_ATTR", "LOAD_METHOD")
                else None
            )
            if is_helper(held):
                raise ValueError(
                    f"{label} calls {module.__name__}.{name}. Write: from {module.__name__} "
                    f"import {name}."
                )
            held = scope.get(name) if instruction.opname == "LOAD_GLOBAL" else held
    named = [scope[name] for name in globals_read(function.__code__) if name in scope]
    for value in named + [cell.cell_contents for cell in function.__closure__ or ()]:
        if is_helper(value):
            _check(plain(value), label, (*callers, function))


def _check_arguments(function, label, allowed):
    if not any(_takes(function, len(names.split())) for names in allowed):
        wanted = " or ".join(f"({', '.join(names.split())})" for names in allowed)
        raise TypeError(
            f"{label} must take the arguments {wanted}, got {inspect.signature(function)}."
        )


def _takes(function, count):
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    return True


def check_names(function, label):
    """Refuse a text that reads a name which is defined nowhere, in it or in a helper of the user's."""
    todo, seen = [plain(function)], set()
    while todo:
        text = todo.pop()
        if text in seen:
            continue
        seen.add(text)
        values = [cell.cell_contents for cell in text.__closure__ or ()]
        for found in dis.get_instructions(text.__code__):
            if found.opname == "LOAD_GLOBAL":
                if found.argval not in text.__globals__ and not hasattr(builtins, found.argval):
                    raise ValueError(
                        f"{label} uses the name {found.argval!r}, which is not defined. Correct "
                        "it, or put the value into "
                        f"params.\n{source_line(text, found.positions.lineno)}"
                    )
                values.append(text.__globals__.get(found.argval))
        todo += [
            plain(value)
            for value in values
            if isinstance(plain(value), python_types.FunctionType) and not _ours(plain(value))
        ]


def _ours(function):
    return (function.__module__ or "").startswith(__package__ + ".")
