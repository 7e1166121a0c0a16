"""The modified loss is what gradient descent follows, one order in the learning rate beyond the
gradient flow.
"""

from functools import reduce
from itertools import permutations

import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd import losses, potentials

WELL = {"barrier": 0.7, "stiffness": 1.3, "coupling": 0.8, "tilt": 0.2}


def descent(model, x, rate, time_span):
    for _ in range(round(time_span / rate)):
        x = x - rate * ls.evaluate(model, x, "gradient")
    return x


def test_gradient_descent_follows_the_flow_of_the_modified_loss_one_order_further():
    """Distance of descent to two flows at time 0.4: it falls with the rate for U, with its square
    for the modified loss.
    """
    well, start = potentials.double_well(2, **WELL), np.array([[1.6, -0.4]])
    errors = {}
    for rate in (0.02, 0.01):
        path = descent(well, start, rate, 0.4)
        modified = potentials.modified_loss(well, rate)
        errors[rate] = [
            np.abs(path - midpoint_flow(model, start, 0.4)).max() for model in (well, modified)
        ]
    plain, better = np.array(errors[0.02]) / errors[0.01]
    assert 1.7 < plain < 2.4 and 3.4 < better < 5.0
    assert errors[0.01][1] < 0.1 * errors[0.01][0]


def midpoint_flow(model, x, time_span, steps=800):
    step = time_span / steps
    for _ in range(steps):
        middle = x - step / 2 * ls.evaluate(model, x, "gradient")
        x = x - step * ls.evaluate(model, middle, "gradient")
    return x


INPUTS, LABELS = np.random.default_rng(1).normal(size=(4, 2)), [0.0, 1.0, 1.0, 0.0]
ROOM, TABLE = potentials.ring(), losses.logistic_regression(INPUTS, LABELS, 0.1)
POPULATION = losses.linear_regression_population([1.0], 0.5)
FACTORS = losses.matrix_factorisation([[0.0, 0.0, 1.0], [1.0, 1.0, 2.0]], 1)


@pytest.mark.parametrize(("sampling", "batch"), [("with_replacement", 1), ("reshuffle", 2)])
def test_of_a_loss_it_has_the_penalties_of_theory(sampling, batch):
    """Energies at random points; the record has checked the derivatives. The twin: the trace of
    half the batch is another one."""
    x = np.random.default_rng(2).normal(size=(5, 2))
    noise = None
    if sampling == "reshuffle":
        noise = ls.noise.minibatch(sampling).batch_covariance(TABLE, x, batch)
    values = (ls.evaluate(TABLE, x, quantity) for quantity in ("energy", "gradient"))
    exact = ls.theory.modified_loss(*values, 0.3, noise)
    found = ls.evaluate(potentials.modified_loss(TABLE, 0.3, sampling, batch), x, "energy")
    np.testing.assert_allclose(found, exact, rtol=1e-12)
    other = ls.evaluate(potentials.modified_loss(TABLE, 0.3, "reshuffle", 1), x, "energy")
    assert np.abs(other - exact).min() > 1e-3


def test_of_a_loss_linear_in_x_it_is_the_mean_and_the_square_of_its_slope():
    """Slopes 1 and 2: (3/2) x + (rate/4) (9/4 + share/4), share = 1 for single reshuffled rows."""

    def line(p, x, row):
        return row[0] * x[0]

    def slope(p, x, row, out):
        out[0] = row[0]

    model = potentials.modified_loss(
        ls.Loss("line", line, slope, None, [[1.0], [2.0]], 1), 0.4, "reshuffle"
    )
    found = [ls.evaluate(model, [2.0], each) for each in ("energy", "gradient", "hessian")]
    for value, exact in zip(found, (3.25, 1.5, 0.0), strict=True):
        assert value.item() == pytest.approx(exact, rel=1e-12)


@pytest.mark.slow
def test_reshuffled_epochs_follow_its_flow_one_order_further():
    """The mean over all 24 orders of an epoch of four batches is right to third order in the rate
    with the trace term, to second without."""
    residuals = []
    for rate in (0.02, 0.01):
        flows = [
            ls.theory.gradient_flow(potentials.modified_loss(TABLE, rate, *which), START, 4 * rate)
            for which in (["reshuffle"], [])
        ]
        ends = [
            reduce(lambda x, i: x - rate * example_gradient(x, i), order, START)
            for order in permutations(range(4))
        ]
        residuals.append([np.linalg.norm(np.mean(ends, axis=0) - flow[0]) for flow in flows])
    with_trace, without = np.divide(*residuals)
    assert with_trace == pytest.approx(8, abs=0.5) and without == pytest.approx(4, abs=0.4)


START = np.array([1.5, -1.0])


def example_gradient(x, i):
    """Of logistic regression with l2 = 0.1."""
    return (1 / (1 + np.exp(-INPUTS[i] @ x)) - LABELS[i]) * INPUTS[i] + 0.1 * x


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ((potentials.zhu_bowls(), 0.1), ValueError, "elementary.where is not smooth"),
        ((potentials.double_well(7), 0.1), ValueError, "at most 6 dimensions; got 7."),
        ((ROOM, -0.1), ValueError, "learning_rate must be >= 0, got -0.1."),
        ((3, 0.1), TypeError, "must be a Potential or a Loss"),
        ((ROOM, 0.1, "reshuffle"), ValueError, "must be 'with_replacement' for a Potential"),
        ((TABLE, 0.1, "reshuffle", 3), ValueError, "must divide the number of examples"),
        ((POPULATION, 0.1), ValueError, "draws fresh examples. Pass its mean"),
        ((FACTORS, 0.1), ValueError, "cannot be run on symbols"),
        ((potentials.modified_loss(ROOM, 0.1), 0.1), ValueError, "no parameter learning_rate, but"),
    ],
)
def test_what_has_no_modified_loss_is_refused(arguments, kind, message):
    with pytest.raises(kind) as caught:
        potentials.modified_loss(*arguments)
    assert message in str(caught.value)


def test_a_sweep_over_learning_rates_is_one_function():
    one, two = (
        potentials.modified_loss(potentials.double_well(2, **WELL), rate) for rate in (0.1, 0.2)
    )
    assert one.gradient is two.gradient and one.params.learning_rate == 0.1


SOURCE = """
def energy(p, x):
    return 0.5 * K * x[0] * x[0]

def gradient(p, x, out):
    out[0] = K * x[0]
"""


def test_a_global_that_changed_gives_another_modified_loss():
    """(K/2) x^2 + (rate/4) K^2 x^2, for the K of the moment."""
    scope = {"K": 1.0}
    exec(SOURCE, scope)
    for scope["K"] in (1.0, 3.0, 1.0):
        bowl = ls.Potential("bowl", scope["energy"], scope["gradient"], {"none": 0.0}, 1)
        found = ls.evaluate(potentials.modified_loss(bowl, 0.4), [1.0], "energy")
        assert found == pytest.approx(0.5 * scope["K"] + 0.1 * scope["K"] ** 2, rel=1e-12)
