"""How a record was made: the function and its arguments, so that a sweep can make it again with
another one.
"""

import functools
import inspect
from collections.abc import Callable
from typing import NamedTuple


class Recipe(NamedTuple):
    """`function(**arguments)` made a record."""

    function: Callable
    arguments: dict

    def names(self):
        """Names of the arguments that can be set by name, given or not."""
        parameters = inspect.signature(self.function).parameters.values()
        named = [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.POSITIONAL_ONLY)]
        return [
            *dict.fromkeys(
                named + [name for name in self.arguments if name not in self._by_place()]
            )
        ]

    def _by_place(self):
        return [
            p.name
            for p in inspect.signature(self.function).parameters.values()
            if p.kind == p.POSITIONAL_ONLY
        ]

    def made(self, **changed):
        """The record with other arguments; the function judges them as it did the first ones."""
        arguments = {**self.arguments, **changed}
        placed = [arguments.pop(name) for name in self._by_place()]
        return self.function(*placed, **arguments)


class Made:
    """What records have in common: a changed one forgets its recipe, and pickle, which would hand
    all fields to `__new__`, takes them as they are."""

    __slots__ = ()

    def __reduce__(self):
        return _as_it_was, (type(self), tuple(self))

    def _replace(self, **changed):
        return super()._replace(**{"recipe": None, **changed})


def _as_it_was(kind, fields):
    return kind._make(fields)


def recorded(function):
    """A decorator of functions that make a record: notes how in its field `recipe`."""
    signature = inspect.signature(function)
    rest = next((p.name for p in signature.parameters.values() if p.kind == p.VAR_KEYWORD), None)

    @functools.wraps(function)
    def make(*args, **kwargs):
        record = function(*args, **kwargs)
        arguments = dict(signature.bind(*args, **kwargs).arguments)
        arguments |= arguments.pop(rest, {}) if rest else {}
        return record._replace(recipe=Recipe(make, arguments))

    return make
