"""Progress in a notebook."""

import sys
import types

import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd.engine import notebook, terminal


@pytest.fixture
def shown(monkeypatch):
    """What a notebook without tqdm shows, in the order in which it does."""
    told = []
    kernel = types.SimpleNamespace(config={"IPKernelApp": {}})
    handle = types.SimpleNamespace(update=lambda data, raw: told.append(data["text/plain"]))
    display = types.SimpleNamespace(display=lambda data, raw, display_id: handle)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: kernel))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr(notebook, "find_spec", lambda name: None)
    monkeypatch.setattr(terminal, "SHOW_SECONDS", 0.0)
    return told


def simulate(**options):
    well, noise = ls.potentials.double_well(2), ls.noise.gaussian([1.0, 1.0])
    options = {"particles": 40, "steps": 40_000, "seed": 1, "chunk_steps": 10_000} | options
    return ls.simulate(well, ls.dynamics.sgd(0.1), noise, **options)


def test_a_notebook_has_one_line_that_is_kept_up_to_date(shown, capsys):
    simulate(progress=True)
    assert len(shown) == 4 and shown[-1].startswith("40,000 of 40,000 steps, ")
    assert capsys.readouterr() == ("", "")


def test_a_notebook_with_tqdm_and_widgets_has_their_bar(shown, monkeypatch, capsys):
    class Bar:
        def __init__(self, total, bar_format):
            shown.append(total)
            self.n = 0

        def set_description_str(self, line):
            shown.append((self.n, line.split(" steps")[0]))

        def close(self):
            shown.append("closed")

    monkeypatch.setitem(sys.modules, "tqdm.auto", types.SimpleNamespace(tqdm=Bar))
    monkeypatch.setattr(notebook, "find_spec", lambda name: True)
    simulate(progress=True)
    assert shown[:2] == [40_000, (10_000, "10,000 of 40,000")]
    assert shown[-2:] == [(40_000, "40,000 of 40,000"), "closed"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("broken", ["IPython.display", "tqdm.auto"])
def test_a_run_is_not_lost_because_a_notebook_has_gone(broken, shown, monkeypatch):
    monkeypatch.setitem(sys.modules, broken, types.SimpleNamespace())  # it has nothing
    monkeypatch.setattr(notebook, "find_spec", lambda name: broken == "tqdm.auto")
    np.testing.assert_array_equal(simulate(progress=True).x[-1], simulate().x[-1])
