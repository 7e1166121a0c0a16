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
    (seen,) = [n for n in tree.body if ast.unparse(n).startswith("if TYPE_CHECKING")]
    names = {alias.name for node in seen.body for alias in node.names}
    assert names == set(ls._LATER) and names <= set(ls.__all__)


TYPED = """import langevin_sgd as ls
well, noise = ls.potentials.double_well(dim=2), ls.noise.gaussian([1.0, 1.0])
ls.simulate(well, ls.dynamics.sgd(0.1), noise, particles=10, steps=10)
ls.theory.stationary_covariance(1.0, 1.0, 0.1)
ls.simulte
ls.simulate(well, ls.dynamics.sgd(0.1), noise, particels=10, steps=10)
ls.dynamics.sgd(lr=0.1)
"""


@pytest.mark.slow
def test_a_type_checker_sees_names_and_arguments(tmp_path, monkeypatch):
    mypy = pytest.importorskip("mypy.api")
    monkeypatch.setenv("MYPYPATH", str(FILE.parents[1]))
    names = [
        f"ls.{name}.{each}\n" for name in MODULES.split() for each in getattr(ls, name).__all__
    ]
    (tmp_path / "user.py").write_text(TYPED + "".join(names))
    options = ["--config-file=", "--follow-imports=silent", "--ignore-missing-imports", "--strict"]
    told = mypy.run([*options, f"--cache-dir={tmp_path}", str(tmp_path / "user.py")])[0]
    assert {line.split(":")[1] for line in told.splitlines() if ": error:" in line} == {*"567"}


def test_a_name_of_a_module_that_is_asked_of_the_package_is_told_where_it_is():
    with pytest.raises(
        AttributeError, match="no attribute 'sgd'; there is langevin_sgd.dynamics.sgd$"
    ):
        ls.sgd  # noqa: B018


def test_the_package_says_that_it_is_typed():
    assert (FILE.parent / "py.typed").is_file()
