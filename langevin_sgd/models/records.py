"""What all records have in common: checked fields, the recipe they were made by, and pickles.

A record is a NamedTuple of plain functions and their parameters. It cannot be changed; `_replace`
makes another one, checked like the first, which knows of no recipe.
"""

import copy
import functools
import inspect
import math
import pickle
import sys
from collections.abc import Callable
from io import BytesIO
from pkgutil import resolve_name
from typing import NamedTuple

import numpy as np

from ..arguments import anything, bound, instance, keeps_signature, shown, text
from ..kernels.functions import plain
from ..kernels.rehearsal import rehearse
from ..kernels.rules import check_function


class Recipe(NamedTuple):
    """`function(**arguments)` made a record."""

    function: Callable
    arguments: dict

    def names(self):
        """Names of the arguments that can be set by name, given or not."""
        names = self._of_kind("POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY")
        names = dict.fromkeys([*names, *self.arguments])
        return [name for name in names if name not in self._of_kind("POSITIONAL_ONLY")]

    def _of_kind(self, *kinds):
        parameters = inspect.signature(self.function).parameters.values()
        return [p.name for p in parameters if p.kind.name in kinds]

    def made(self, **changed):
        """The record with other arguments; the function judges them as it did the first ones."""
        arguments = {**self.arguments, **changed}
        placed = [arguments.pop(name) for name in self._of_kind("POSITIONAL_ONLY")]
        return self.function(*placed, **arguments)


def record(base=object, /, **checks):
    """A decorator that makes a record of a NamedTuple, whose last field is `recipe`.

    Parameters
    ----------
    base : type
        What the record answers where the NamedTuple does not.
    **checks : callables
        `check(value, name) -> value` for fields that are given; `name` is always checked. What
        takes more than one field is checked by the method `_checked(self)` of the class, which
        returns the record.
    """

    def decorate(fields):
        place = {"__module__": fields.__module__, "__doc__": fields.__doc__, "__slots__": ()}
        kind = type(fields.__name__, (fields, base), place)
        construct, replace = kind.__new__, kind._replace
        parameters = list(inspect.signature(construct).parameters.values())
        signature = inspect.Signature([p for p in parameters[1:] if p.name != "recipe"])
        of = {"name": text} | checks

        def __new__(cls, *args, **kwargs):
            fields = bound(signature, kind.__name__, args, kwargs).arguments
            for name in fields:
                fields[name] = of.get(name, anything)(fields[name], name)
            return construct(cls, **fields)._checked()

        def _replace(self, **changed):
            return kind(**_fields_as_recipe(self).arguments | changed)

        def __reduce__(self):
            return _made_again, (_pickled(self.recipe or _fields_as_recipe(self)),)

        def __deepcopy__(self, memo):
            return kind._make(copy.deepcopy(tuple(self), memo))

        def __repr__(self):
            by_hand = self.recipe is None
            maker, start = (kind, [repr(self.name)]) if by_hand else (self.recipe.function, [])
            facts = _facts(self) if by_hand else self.recipe.arguments
            given = [*start, *(f"{name}={_in_brief(value)}" for name, value in facts.items())]
            return f"{maker.__name__}({', '.join(given)})"

        __new__.__signature__ = inspect.Signature([parameters[0], *signature.parameters.values()])
        kind.__new__ = staticmethod(__new__)
        kind._with = replace  # unchecked, and keeps the recipe: for the package itself
        for method in (_replace, __reduce__, __deepcopy__, __repr__):
            setattr(kind, method.__name__, method)
        return kind

    return decorate


@keeps_signature
def recorded(function=None, /, **checks):
    """A decorator of functions that make a record: checks the arguments that have a check, and
    notes in the field `recipe` what was given. What is wrong with the record that a call makes is
    told with its arguments."""
    if function is None:
        return functools.partial(recorded, **checks)
    signature = inspect.signature(function)
    rest = next((p.name for p in signature.parameters.values() if p.kind == p.VAR_KEYWORD), None)

    @functools.wraps(function)
    def make(*args, **kwargs):
        found = bound(signature, function.__name__, args, kwargs)
        arguments = {name: _own_copy(value) for name, value in found.arguments.items()}
        arguments |= arguments.pop(rest, {})
        for name, value in found.arguments.items():
            found.arguments[name] = checks.get(name, anything)(value, name)
        try:
            made = function(*found.args, **found.kwargs)
        except (ArithmeticError, ValueError) as error:
            if any(name in str(error) for name in arguments):
                raise
            given = ", ".join(f"{name} = {_in_brief(value)}" for name, value in arguments.items())
            raise ValueError(f"{error} Given: {given}") from error
        return made._with(recipe=Recipe(make, arguments))

    return make


def _own_copy(value):
    """A copy of an argument that its owner could change under the recipe."""
    changes = isinstance(value, (list, dict)) or hasattr(value, "__array__")
    return copy.deepcopy(value) if changes else value


def check_functions(owner, **calls):
    """Check the functions of a record, and run each once where its views are known.

    Parameters
    ----------
    **calls : (str, sequence of int or None, int)
        For each role the arguments of the function, such as "p x out", the lengths of the views
        that stand for all but `p` (None: it is not run yet), and how many numbers it must write
        into the last one. A function whose default is None may be missing.
    """
    for role, (arguments, lengths, written) in calls.items():
        function, label = getattr(owner, role), f"{role} of {owner.name!r}"
        if function is None and role in owner._field_defaults:
            continue
        check_function(function, label, arguments)
        if lengths is not None:
            rehearse(function, label, owner.params, lengths, 1, written, f" for dim = {owner.dim}")


def of_kind(kinds, words):
    """A check: a record of one of the kinds; `words` say what is wanted."""
    return functools.partial(instance, kinds=kinds, words=words)


def _facts(owner):
    """What is told of a record that was made by hand: its parameters, dimension and examples."""
    params = getattr(owner, "params", None)
    facts = params._asdict() if hasattr(params, "_asdict") else {}
    facts |= {"dim": owner.dim} if getattr(owner, "dim", None) else {}
    return facts | ({} if getattr(owner, "data", None) is None else {"examples": len(owner.data)})


def _in_brief(value):
    shape = getattr(value, "shape", ())  # of arrays, tables of pandas, tensors
    if shape and (math.prod(shape) > 8 or not isinstance(value, np.ndarray)):
        kind = "array" if isinstance(value, np.ndarray) else type(value).__name__
        return f"{kind}{tuple(shape)}"
    written = shown(value)
    return written if len(written) <= 60 else written[:40] + " ..."


# ---- pickles, for process pools; nothing in the package reads a file by pickle -------------------


def _fields_as_recipe(owner):
    """The constructor of a record's kind and its fields."""
    fields = owner._asdict()
    del fields["recipe"]
    if hasattr(fields.get("params"), "_asdict"):
        fields["params"] = fields["params"]._asdict()
    return Recipe(type(owner), fields)


def _made_again(pickled):
    return pickle.loads(pickled).made()


def _pickled(recipe):
    """Bytes of a recipe. A function that can be imported is named; others (a lambda, one of a
    notebook) go with their code, as numba sends its own."""
    from numba import cloudpickle  # numba's copy, which is always there

    class Pickler(cloudpickle.Pickler):
        def reducer_override(self, value):
            function = plain(value)
            if not inspect.isfunction(function):
                return super().reducer_override(value)
            if _importable(value):
                by_name = resolve_name, (f"{value.__module__}:{value.__qualname__}",)
                return NotImplemented if value is function else by_name
            if value is not function:  # compiled by the user: the engine compiles it itself
                return plain, (function,)
            return super().reducer_override(function)

    buffer = BytesIO()
    Pickler(buffer).dump(recipe)
    return buffer.getvalue()


def _importable(function):
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", "<locals>")
    found = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return module != "__main__" and found is function
