"""The map of the house names what is there, and every file that a run passes through."""

import ast
import re
from functools import cache

import pytest
from test_house import PACKAGE, ROOT, files_of, spine

MAP = (PACKAGE / "README.md").read_text()
FILES = [*files_of(PACKAGE), *files_of(ROOT / "tests"), *files_of(ROOT / "studies")]


def named_files(text):
    """(file, names) of spans such as `engine/cpu.py` and `engine/cpu.py: move, build`."""
    spans = (re.fullmatch(r"([\w/]+\.py)(?::\s+(.+))?", span) for span in spans_of(text))
    return [(span[1], re.split(r",\s*", span[2] or "")) for span in spans if span]


def spans_of(text):
    return re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


@cache
def names_in(file):
    """What a file defines or imports, methods and fields too."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            names.add(node.id if isinstance(node, ast.Name) else node.attr)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
    return names


def missing(text):
    """Files, and names in files, that a text speaks of and that are not there."""
    found = []
    for path, names in named_files(text):
        files = [file for file in FILES if f"/{file.relative_to(ROOT)}".endswith(f"/{path}")]
        known = set().union(*map(names_in, files))
        found += [] if files else [path]
        found += [f"{path}: {name}" for name in names if name and name.split(".")[-1] not in known]
    return found


def test_the_map_names_what_is_there():
    assert len(named_files(MAP)) > 100 and not missing(MAP)


@pytest.mark.parametrize("wrong", ["`engine/cqu.py`", "`engine/cpu.py: moove`"])
def test_a_wrong_name_is_seen(wrong):
    assert missing(f"`engine/cpu.py: move, build` and {wrong}") == [wrong.strip("`")]


def test_the_map_names_each_file_that_a_run_passes():
    named = tuple(f"/{path}" for path, _ in named_files(MAP))
    assert not [file.name for file in spine() if not str(file).endswith(named)]
