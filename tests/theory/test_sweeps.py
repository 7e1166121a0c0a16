"""An array of numbers is a sweep: one call gives what single calls give one by one."""

import numpy as np
import pytest
from numpy.testing import assert_allclose as close
from valid_calls import VALID_CALLS
from valid_calls_linear import CALLS

from langevin_sgd import theory
from langevin_sgd.arguments import numbers

TAILS = "lyapunov_edge", "regression_moments_1d", "tail_exponents"


def swept_arguments():
    """(function, argument) where a check lets arrays pass; `modified_loss` has its own."""
    for name in [*(call.removeprefix("theory.") for call in CALLS), *TAILS]:
        given = VALID_CALLS[f"theory.{name}"]()
        for argument, check in getattr(theory, name).checks.items():
            takes_arrays = getattr(check, "func", None) is numbers and name != "modified_loss"
            if takes_arrays and np.ndim(given[argument]) == 0:
                yield name, argument


def leaves(result):
    if isinstance(result, tuple):
        return [leaf for part in result for leaf in leaves(part)]
    return [np.asarray(result)]


@pytest.mark.parametrize(("name", "argument"), list(swept_arguments()))
def test_a_sweep_gives_the_same_as_one_by_one(name, argument):
    function, given = getattr(theory, name), VALID_CALLS[f"theory.{name}"]()
    values = given[argument] * np.array([1.0, 0.9, 0.8])
    sweep = leaves(function(**given | {argument: values}))
    for k, value in enumerate(values):
        singles = leaves(function(**given | {argument: value}))
        for whole, single in zip(sweep, singles, strict=True):
            if whole.shape != single.shape:  # else it does not depend on the argument
                axis = whole.ndim - single.ndim if name == "epoch_covariance" else 0
                assert whole.ndim == single.ndim + 1
                whole = np.take(whole, k, axis)
            close(whole, single, 1e-11, atol=1e-14)


@pytest.mark.parametrize(
    ("function", "given", "position"),
    [
        ("state_covariance", {}, 0),
        ("area_per_step", {}, 0),
        ("time_average_covariance", {}, 0),
        ("autocovariance", {"lags": 3}, 1),
    ],
)
def test_a_stack_of_processes_gives_the_same_as_one_by_one(function, given, position):
    arguments = CALLS["theory.linear_sgd"]()
    rates = np.array([[0.05, 0.1], [0.2, 0.3]])
    call = getattr(theory, function)
    stacked = call(theory.linear_sgd(**arguments | {"learning_rate": rates}), **given)
    single = call(theory.linear_sgd(**arguments | {"learning_rate": 0.2}), **given)
    close(np.moveaxis(stacked, [position, position + 1], [0, 1])[1, 0], single, 1e-11, atol=1e-14)


def test_stacks_of_matrices_broadcast():
    scales = np.array([0.5, 1.0, 2.0])[:, None, None]
    spread = np.array([[1.0, 0.3], [0.3, 0.5]])
    for distance in (theory.gaussian_kl, theory.gaussian_wasserstein2, theory.gaussian_hellinger):
        values = distance(0.0, scales * spread, 0.0, spread)
        assert values.shape == (3,) and values[1] < 1e-7 and values[0] > 0.1
    epochs = theory.epoch_covariance([[[0.1]], [[1.0]]], 1.0, 0.1, 1, 4)
    assert epochs.shape == (4, 2, 1, 1)
    close(epochs[:, 1], theory.epoch_covariance(1.0, 1.0, 0.1, 1, 4), 1e-13)
    limits = theory.ornstein_uhlenbeck([[3.0, 0.0], [0.0, 0.5]], scales * spread)
    single = theory.ornstein_uhlenbeck([[3.0, 0.0], [0.0, 0.5]], 2.0 * spread)
    for field, expected in zip(limits, single, strict=True):
        close(field[2], expected, 1e-12, atol=1e-15)
