"""What an editor and a type checker see: the public names, and nothing else."""

import ast
from pathlib import Path

import pytest

import langevin_sgd as ls

FILE = Path(ls.__file__)
MODULES = "analysis dynamics elementary losses noise plots potentials reducers schedules theory"


@pytest.mark.parametrize("name", ["", *MODULES.split()])
def test_dir_shows_public_names_only(name):
    module = getattr(ls, name) if name else ls
    shown = set(dir(module)) - {"__version__"}
    assert shown == set(module.__all__)
    assert all(getattr(module, each) is not None for each in shown)
    helpers = {"np", "math", "kernel", "inlined", "recorded", "import_module", "particles"}
    assert not shown & helpers and not any(each.startswith("_") for each in shown)


def test_names_that_are_loaded_later_are_imported_for_editors():
    tree = ast.parse(FILE.read_text())
    (seen,) = [n for n in tree.body if isinstance(n, ast.If) and n.test.id == "TYPE_CHECKING"]
    names = {alias.name for node in seen.body for alias in node.names}
    assert names == set(ls._LATER) and names <= set(ls.__all__)


def test_the_package_says_that_it_is_typed():
    assert (FILE.parent / "py.typed").is_file()
