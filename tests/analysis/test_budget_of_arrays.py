"""The temperature budget of plain arrays: a log of steps as PyTorch makes them."""

import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd.analysis import temperature_budget_of_arrays

HESSIAN, SIGMA = np.array([[1.0, 0.3], [0.3, 0.5]]), np.array([[2.0, 0.4], [0.4, 0.5]])
RATE, MOMENTUM = 0.3, 0.6
EITHER = pytest.mark.parametrize("nesterov", [False, True], ids=["heavy ball", "Nesterov"])


def log(chains, steps, nesterov, batches=None, seed=1):
    """What torch.optim.SGD does: buf = momentum buf + g, then g + momentum buf or buf alone, times
    the rate; arrays (steps, chains, 2) before each step, after 300 of them. `batches` are shuffled
    in each epoch."""
    random, factor = np.random.default_rng(seed), np.linalg.cholesky(SIGMA)
    x, buffer, found, noises = np.zeros((chains, 2)), np.zeros((chains, 2)), [], None
    for step in range(steps + 300):
        full = x @ HESSIAN
        if batches is None:
            noise = random.normal(size=x.shape) @ factor.T
        else:
            if step % len(batches) == 0:
                noises = batches[np.argsort(random.random((chains, len(batches))))]
            noise = noises[:, step % len(batches)]
        found.append((x, full, noise, RATE * buffer))
        gradient = full + noise
        buffer = MOMENTUM * buffer + gradient
        x = x - RATE * (gradient + MOMENTUM * buffer if nesterov else buffer)
    names = "x", "gradients", "noise", "velocity"
    return dict(zip(names, np.moveaxis(np.array(found[300:]), 1, 0), strict=True))


def budget(arrays, nesterov, **options):
    given = {"learning_rate": RATE, "momentum": MOMENTUM, "nesterov": nesterov} | options
    return temperature_budget_of_arrays(**arrays, **given)


def exact_virial(nesterov):
    form = "torch" if nesterov else None
    law = ls.theory.stationary_covariance(HESSIAN, SIGMA, RATE, 1, MOMENTUM, form)
    return (law @ HESSIAN + HESSIAN @ law) / 2


@EITHER
def test_many_chains_at_one_step_or_along_a_path(nesterov):
    """The twins: a buffer that is not multiplied by the rate, and the other form of momentum."""
    arrays = log(4000, 5, nesterov)
    for part in (arrays, {name: array[0] for name, array in arrays.items()}):
        found = budget(part, nesterov)
        assert np.abs(found.z).max() < 4 and found.p_value > 1e-4
        error = found.virial_standard_error
        assert np.all(np.abs(found.virial - exact_virial(nesterov)) < 4 * error)
    assert budget(arrays | {"velocity": arrays["velocity"] / RATE}, nesterov).p_value < 1e-6
    assert budget(arrays, not nesterov).p_value < 1e-6


@EITHER
def test_one_long_path_in_blocks(nesterov):
    """The residual is what is left at the ends of the path; with twice the rate it is more."""
    arrays = {name: array[:, 0] for name, array in log(1, 40_003, nesterov).items()}
    found = budget(arrays, nesterov, blocks=400)
    assert found.attrs["steps"] == 100 and found.attrs["particles"] == 400
    assert np.all(np.abs(found.virial - exact_virial(nesterov)) < 4 * found.virial_standard_error)
    assert np.abs(found.residual).max() < 1e-3 * np.abs(found.virial).max()
    wrong = budget(arrays, nesterov, blocks=400, learning_rate=2 * RATE)
    assert wrong.p_value < 1e-6


@EITHER
def test_shuffled_epochs_with_their_memory(nesterov):
    """The twin: without the first step of an epoch."""
    batches = np.random.default_rng(4).normal(size=(5, 2))
    arrays = log(4000, 10, nesterov, batches - batches.mean(axis=0))
    found = budget(arrays, nesterov)
    assert np.abs(found.z).max() < 4 and found.p_value > 1e-4
    assert found.memory_term[0, 0] < -0.2 * found.noise_term[0, 0]
    part = {name: array[1:5] for name, array in arrays.items()}
    assert budget(part, nesterov).p_value < 1e-6


def test_the_noise_term_is_split_if_the_reference_is_given():
    found = budget(log(400, 1, False), False, reference_covariance=SIGMA)
    one = ls.theory.sgd_temperature(SIGMA, RATE, 1, MOMENTUM)
    assert found.reference_temperature.item() == pytest.approx(one)
    assert np.abs(found.temperature_shift) < 4 * found.temperature_shift_standard_error
