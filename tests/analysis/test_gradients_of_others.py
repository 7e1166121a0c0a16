"""The recipes of langevin_sgd/analysis/README.md, which hand gradients of PyTorch and JAX to
`gradient_covariance`, against the same network of the package."""

import re
from pathlib import Path

import numpy as np
import pytest

import langevin_sgd as ls

PAGE = Path(ls.__file__).parent / "analysis" / "README.md"
RECIPES = dict(
    zip(("torch", "jax"), re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S), strict=True)
)


def of_torch(found):
    """Gradients, inputs, targets and weights (a, b, w), in the order of the columns (w, b, a)."""
    named = [value.detach().numpy() for value in found["model"].parameters()]
    w, b, a = named
    gradients = np.split(found["example_gradients"](), [w.size, w.size + b.size], axis=1)
    return gradients[::-1], found["inputs"].numpy(), found["targets"].numpy(), (a[0], b, w)


def of_jax(found):
    table = found["inputs"], found["targets"]
    weights = [np.array(found["weights"][name]) for name in "abw"]
    gradients = np.array(found["example_gradients"](found["weights"], *table))
    return np.split(gradients, [16, 32], axis=1), *table, weights


@pytest.mark.slow
@pytest.mark.parametrize(("name", "parts"), [("torch", of_torch), ("jax", of_jax)])
def test_a_recipe_has_the_gradients_of_the_same_network(name, parts):
    """Of each example; the twin: at other weights they are far."""
    pytest.importorskip(name, reason="needs the extra 'bench'")
    found = {}
    exec(RECIPES[name], found)  # ours, from a page of the package
    (of_a, of_b, of_w), inputs, targets, (a, b, w) = parts(found)
    network = ls.losses.tanh_network(np.column_stack([inputs, np.ones(512)]), targets, 16)
    x = np.concatenate([a, np.column_stack([w, b]).ravel()])
    exact = ls.example_gradients(network, x)
    of_hidden = np.concatenate([of_w.reshape(512, 16, 8), of_b[:, :, None]], axis=2)
    gradients = np.concatenate([of_a, of_hidden.reshape(512, -1)], axis=1)
    assert np.abs(gradients - exact).max() < 1e-13 * np.abs(exact).max()
    other = ls.example_gradients(network, 1.01 * x)
    assert np.abs(gradients - other).max() > 1e-3 * np.abs(exact).max()
    before, after = found["measured"]
    np.testing.assert_allclose(after.trace, exact.var(axis=0).sum(), rtol=1e-12)
    assert after.noise_scale > 10 * before.noise_scale
