"""Every entry of the catalogue in numba's CUDA simulator: the bits of the CPU's path in interpreted
Python.
"""

import device_cases as cases
import numpy as np
import pytest
from numba import cuda

pytestmark = pytest.mark.filterwarnings(
    "ignore::RuntimeWarning"
)  # the simulator's threads know nothing of np.errstate
ALL = cases.random_cases() + cases.model_cases() + cases.step_cases() + cases.reducer_cases()


def on_device(case):
    """What the kernel leaves in the arguments that it changes."""
    arguments = [
        argument.copy() if isinstance(argument, np.ndarray) else argument
        for argument in case.arguments
    ]
    cuda.jit(case.kernel)[1, cases.PARTICLES + 1](*arguments)  # one thread too many, as on a device
    return [arguments[k] for k in case.changed]


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_the_bits_are_those_of_the_cpu(case):
    for found, expected in zip(
        on_device(case), case.expected(), strict=False
    ):  # the engine has no v without memory
        assert np.all(np.isfinite(expected))
        assert found.tobytes() == np.ascontiguousarray(expected).tobytes()


def with_another_seed(argument):
    if isinstance(argument, tuple) and not hasattr(argument, "_fields"):
        return tuple(map(with_another_seed, argument))
    return (
        argument + np.uint64(1)
        if isinstance(argument, np.uint64) and argument == cases.SEED
        else argument
    )


@pytest.mark.parametrize(
    "case", cases.random_cases() + cases.step_cases()[:1], ids=lambda case: case.name
)
def test_another_seed_is_seen(case):
    """The twin: the same kernel at another address."""
    found = on_device(case._replace(arguments=tuple(map(with_another_seed, case.arguments))))[0]
    assert np.mean(found == case.expected()[0]) < 0.5
