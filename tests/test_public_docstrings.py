"""Public docstrings: a sentence, every argument, what comes back, an example."""

import ast
import inspect
import re
import textwrap

import pytest
from test_examples import OBJECTS, examples_of

LONGEST = 100
HEADING = re.compile(r"^(\w[\w ]*)\n-+$", re.MULTILINE)


def sections(value):
    """The sections of a docstring: name -> lines."""
    _, *parts = HEADING.split(inspect.getdoc(value) or "")
    return dict(zip(parts[::2], (body.split("\n") for body in parts[1::2]), strict=True))


def explained(value):
    """The arguments that a docstring explains."""
    heads = [line for line in sections(value).get("Parameters", ()) if line[:1].strip()]
    return [name.strip(" *`") for head in heads for name in head.split(" : ")[0].split(",")]


def returns_something(function):
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    nodes = ast.walk(tree)
    return any(isinstance(node, ast.Return | ast.Yield) and node.value for node in nodes)


def faults(value):
    text, found = inspect.getdoc(value) or "", []
    first, _, rest = text.partition("\n")
    if len(first) > LONGEST or not first.endswith((".", "?")) or (rest and rest[0] != "\n"):
        found.append(f"the first line is no sentence of {LONGEST} columns: {first}")
    arguments = list(inspect.signature(value).parameters)
    if sorted(explained(value)) != sorted(arguments):
        found.append(f"explained: {explained(value)}; arguments: {arguments}")
    if not inspect.isclass(value) and returns_something(value) and "Returns" not in sections(value):
        found.append("what it returns is not said")
    if not examples_of(value):
        found.append("without an example")
    return found


@pytest.mark.parametrize("path", OBJECTS)
def test_a_public_docstring_is_whole(path):
    assert not faults(OBJECTS[path])


def test_what_is_missing_is_found():
    def doubled(x, factor=2):
        """Twice something, or as often as one likes,
        without saying so.

        Parameters
        ----------
        x : float
            What is doubled.
        """
        return factor * x

    assert len(faults(doubled)) == 4
