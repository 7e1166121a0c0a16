"""Planted bugs, each with the test of the default suite that must turn red.

Run:  python tests/mutations.py [number ...]
Plants the bugs of these numbers, or all, each in a copy of the tree; the exit code is 1 if one goes
unseen. Number 0 plants nothing: the tests that the table names must be green.
"""

import os
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = "numpy", "numba", "xarray", "scipy.stats", "scipy.sparse.linalg"
AT_A_TIME = 2


class Mutation(NamedTuple):
    """A text that stands once in a file of the package, what it becomes, and who must see it."""

    file: str
    text: str
    becomes: str
    test: str


# FILE by TEST, then for each bug its text => what it becomes, with \n for the end of a line.
TABLE = (ROOT / "tests" / "mutations.txt").read_text(encoding="utf-8")


def mutations():
    """The rows of the table."""
    rows, file, test = [], "", ""
    joined = TABLE.replace(" by\n", " by ").replace("::\n", "::").replace("\n        =>", " =>")
    for line in filter(None, joined.splitlines()):
        if line.startswith(" "):
            text, becomes = (part.strip().replace(r"\n", "\n") for part in line.split(" =>"))
            rows.append(Mutation(file, text, becomes, test))
        else:
            file, test = line.split(" by ")
    return rows


def copy_of_the_tree(folder):
    """A copy of the tree in a folder."""
    tree, ignored = Path(folder) / "tree", (".git", ".venv", "__pycache__", "data")
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*ignored))
    return tree


def tested(tests, mutation=None):
    """Exit code of tests in a copy of the tree, with a bug planted there; in a process of its
    own."""
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as nowhere:
        tree = copy_of_the_tree(folder)
        if mutation:
            source = (tree / "langevin_sgd" / mutation.file).read_text(encoding="utf-8")
            if source.count(mutation.text) != 1:
                raise ValueError(f"{mutation.file} must hold {mutation.text!r} once.")
            planted = source.replace(mutation.text, mutation.becomes)
            (tree / "langevin_sgd" / mutation.file).write_text(planted, encoding="utf-8")
        os.chdir(tree)
        os.environ["PYTHONPATH"] = str(tree)
        sys.path[:0] = [str(tree)]
        paths = [f"tests/{test}" for test in tests]
        with redirect_stdout(nowhere):
            return int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", *paths]))


def main(numbers):
    """Plant the mutations of these numbers, or all."""
    table, unseen = mutations(), 0
    numbers = numbers or range(len(table) + 1)
    context = get_context("forkserver")  # processes that have imported the libraries already
    context.set_forkserver_preload(LIBRARIES)
    with ProcessPoolExecutor(AT_A_TIME, context, max_tasks_per_child=1) as pool:
        all_tests = sorted({mutation.test for mutation in table})
        futures = [
            pool.submit(tested, [table[n - 1].test], table[n - 1])
            if n
            else pool.submit(tested, all_tests)
            for n in numbers
        ]
        for number, future in zip(numbers, futures, strict=True):
            code = future.result()
            if number == 0:
                unseen += code != 0
                print("  0", "green" if code == 0 else "RED", "with nothing planted", flush=True)
                continue
            mutation = table[number - 1]
            unseen += code != 1  # a test that cannot be collected has seen nothing
            seen = "caught" if code == 1 else "UNSEEN"
            change = f"{mutation.file}: {mutation.text!r} -> {mutation.becomes!r}"
            print(f"{number:3d} {seen} {change} by {mutation.test}", flush=True)
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main([int(word) for word in sys.argv[1:]]))
