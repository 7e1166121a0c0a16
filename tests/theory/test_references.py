"""The page of references: what was read of a work stands there and in no other docstring."""

import re
from pathlib import Path

import langevin_sgd
from langevin_sgd.theory import references

PACKAGE = Path(langevin_sgd.__file__).parent
READING = re.compile(r"abstracts? (read )?only|\bnot\s+read\)|neither read|from\s+memory\)")


def rows_of(table):
    """Cells of the first or second table."""
    text = references.__doc__.split("--- | --- | --- | ---\n")[1 + table]
    rows = text.strip().split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in row.split(" | ")] for row in rows]


def test_each_work_has_its_name_place_reading_and_use():
    cells = rows_of(0)
    assert all(len(row) == 4 and all(row) for row in cells)
    names = [row[0] for row in cells]
    assert names == sorted(names, key=str.lower) and len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Z].* (1[89]|20)\d\d", name) for name in names)


def test_no_docstring_of_the_theory_says_what_was_read():
    page = Path(references.__file__)
    texts = {file: file.read_text() for file in (PACKAGE / "theory").glob("*.py") if file != page}
    assert [file.name for file, text in texts.items() if READING.search(text)] == []
    assert READING.search("Kesten 1973 (not read)")  # the twin


def test_a_contradiction_quotes_the_statement_of_a_work_that_was_read_and_is_said_where_it_stands():
    """At second hand, or as an abstract, counts as read, and stands in the first table."""
    reading = {name: read for name, _, read, _ in rows_of(0)}
    contradicted = rows_of(1)
    assert all(len(row) == 4 and all(row) for row in contradicted)
    for name, statement, _, where in contradicted:
        assert reading[name] not in ("nothing", "from memory")
        assert re.search("[=>~]", statement)
        folder = PACKAGE if where.startswith("theory/") else PACKAGE.parent
        assert name.split()[0] in (folder / where).read_text()
