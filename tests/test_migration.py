"""The pairs of studies/migration/README.md run as they stand, and agree with exact numbers.

python tests/test_migration.py     the table of times of that page
"""

import re
import time
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

import langevin_sgd as ls

PAGE = Path(__file__).resolve().parents[1] / "studies" / "migration" / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
NEEDS = [("torchsde",), (), ("jax",), (), ("openmm",), ("sympy",)]


def of_the_equation():
    """V = (1 - dt)^2 V + dt (0.5 + 0.25 V)."""
    return 0.5 / (2 - 0.05 - 0.25)


def of_the_weight():
    random = np.random.default_rng(1)
    inputs = random.normal(size=(100, 2))
    targets = inputs @ [1.0, -1.0] + random.normal(size=100)
    return ls.theory.least_squares_moments(inputs, targets, 0.1, 4).covariance[1, 1]


def of_the_well():
    x = np.linspace(-4, 4, 80_001)
    law = np.exp(-((x * x - 1) ** 2) - 0.2 * x)
    return law[x > 0].sum() / law.sum()


def squares(x):
    return (x - x.mean()) ** 2


def on_the_right(x):
    return x > 0


PAIRS = [(of_the_equation, squares), (of_the_weight, squares), (of_the_well, on_the_right)]


def distance(x, exact, what):
    """Of the mean of what is measured on each particle from `exact`, in standard errors."""
    values = what(np.asarray(x, dtype=float))
    return (values.mean() - exact) / (values.std() / np.sqrt(values.size))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of the other libraries
@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_both_of_a_pair_find_the_exact_number(number, capsys):
    for name in NEEDS[number]:
        pytest.importorskip(name)
    names = {}
    exec(compile(BLOCKS[number], PAGE.name, "exec"), names)
    exact_of, what = PAIRS[number // 2]
    exact = exact_of()
    assert abs(distance(names["x"], exact, what)) < 4, (capsys.readouterr().out, exact)
    assert abs(distance(names["x"], 1.1 * exact, what)) > 4  # a tenth off would be seen


@pytest.mark.parametrize("pair", range(len(PAIRS)))
def test_the_page_states_the_exact_numbers(pair):
    exact_of, _ = PAIRS[pair]
    assert f"{exact_of():.4g}" in PAGE.read_text(encoding="utf-8")


def seconds(block):
    """Of a block that has run before, so that what is kept compiled is not compiled again."""
    with redirect_stdout(StringIO()):
        exec(block, {})
        begun = time.perf_counter()
        exec(block, {})
    return time.perf_counter() - begun


if __name__ == "__main__":
    for theirs, ours, needs in zip(BLOCKS[::2], BLOCKS[1::2], NEEDS[::2], strict=True):
        pair = seconds(theirs), seconds(ours)
        print(f"{needs[0]:10s} {pair[0]:8.3f} s   langevin_sgd {pair[1]:8.3f} s")
