"""The examples of the public docstrings run, print what they say, and are short."""

import doctest
import inspect

import matplotlib.pyplot as plt
import numpy as np
import pytest
from reference_pages import pages

import langevin_sgd as ls

PARSER = doctest.DocTestParser()
CODE_LINES = 6


OBJECTS = {f"ls.{name}": value for name, value in pages.public_names().items() if callable(value)}


def examples_of(value):
    return PARSER.get_examples(inspect.getdoc(value) or "")


WITH_EXAMPLES = [path for path, value in OBJECTS.items() if examples_of(value)]


def outcome(path, value):
    """(failures, what is printed of them) of one docstring; `ls` and `np` are known to it."""
    text = inspect.getdoc(value)
    test = PARSER.get_doctest(text, {"ls": ls, "np": np}, path, path, 0)
    printed = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    result = runner.run(test, out=printed.append)
    return result.failed, "".join(printed)


@pytest.fixture
def no_figure_stays_open():
    yield
    plt.close("all")


@pytest.mark.usefixtures("no_figure_stays_open")
@pytest.mark.parametrize("path", WITH_EXAMPLES)
def test_an_example_runs_and_prints_what_it_says(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    failed, printed = outcome(path, OBJECTS[path])
    assert not failed, printed


@pytest.mark.parametrize("path", WITH_EXAMPLES)
def test_an_example_is_short_and_shows_something(path):
    examples = examples_of(OBJECTS[path])
    assert sum(len(each.source.splitlines()) for each in examples) <= CODE_LINES
    assert any(each.want for each in examples), "an example that prints nothing checks nothing"


def test_a_wrong_example_is_found():
    def doubled(x):
        """Twice x.

        >>> 2 + 1
        4
        """

    failed, printed = outcome("doubled", doubled)
    assert failed == 1 and "Expected:" in printed
