"""The blocks of Python in the README run one after another, and print what it says."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[1] / "README.md"
BLOCK, COMMENT = re.compile(r"```python\n(.*?)```", re.S), re.compile(r"print\(.*\)  # (.*)")


@pytest.mark.slow
def test_blocks_of_the_readme(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    blocks, names = BLOCK.findall(text), {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    comments = COMMENT.findall("".join(blocks))
    said = [re.match(r"\[.*?\]|[0-9.]+", comment).group() for comment in comments]
    assert len(said) == 3 and all(number in printed for number in said), (said, printed)
    verdict = re.search(r"# (SGD departs.*?) \.\.\.", text, re.S).group(1).replace("\n#", "")
    assert verdict in printed


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_blocks_of_the_page_on_long_runs(number, tmp_path, monkeypatch):
    """The third is a recipe for a cluster, and says so."""
    monkeypatch.chdir(tmp_path)
    page = PAGE.parent / "langevin_sgd" / "engine" / "README.md"
    exec(BLOCK.findall(page.read_text(encoding="utf-8"))[number], {})
