"""The sources of the reference: a page a public name, a page a study, formulas as they are."""

from pathlib import Path

import pytest
from reference_pages import pages

ROOT = Path(__file__).parents[1]


def test_each_public_name_and_each_study_has_a_page(tmp_path):
    from test_examples import OBJECTS

    pages.write(tmp_path / "source")
    for path in OBJECTS:
        text = (tmp_path / "source" / "reference" / f"{path.removeprefix('ls.')}.rst").read_text()
        assert f":: langevin_sgd.{path.removeprefix('ls.')}\n" in text
    for name in pages.studies():
        text = (tmp_path / "source" / "gallery" / f"{name}.rst").read_text()
        committed = (ROOT / "data" / f"{name}.nc").exists()
        assert all((each in text) == committed for each in ("Claims", "/data/", "variable"))


def test_every_markdown_page_has_its_place():
    placed = {f"{page}.md" for group in pages.PLACE.values() for page in group}
    here = {str(path.relative_to(ROOT)) for path in ROOT.glob("[!.]*/**/*.md")}
    assert placed - {"README.md", "CHANGELOG.md"} == {e for e in here if not e.startswith("build")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("E|G|^2 of `simulate`", r"E\|G\|^2 of :py:obj:`~langevin_sgd.simulate`"),
        ("of `steps`s, ``v`` and x_ * 2", r"of ``steps``\ s, ``v`` and x\_ \* 2"),
        ("* a point", "* a point"),
        ("| a | b |", "::\n\n   | a | b |\n"),
        ("name      text\n  more", "::\n\n   name      text\n     more\n"),
        (">>> 2 * 3\n6", ">>> 2 * 3\n6"),
        ("Examples\n---\n>>> 2 *    3\n6", "Examples\n---\n>>> 2 *    3\n6"),
        ("As::\n\n    a * b\n\nc * d", "As::\n\n    a * b\n\nc \\* d"),
    ],
)
def test_prose_becomes_markup_that_shows_the_same(text, expected):
    assert "\n".join(pages.plain(text.split("\n"), {"simulate": None})) == expected
