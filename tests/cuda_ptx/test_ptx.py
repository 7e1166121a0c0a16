"""Every entry of the catalogue compiles for CUDA from the text that the CPU runs: nothing is
called, nothing is on the heap, and every operation is rounded as on the CPU."""

import math
import sys
import traceback

import device_cases as cases
import numpy as np
import pytest
from cuda_ptx.driverless import ARCHITECTURES, assembled, defects, ptx
from numba import cuda
from numba.core.errors import NumbaError

from langevin_sgd.kernels import bits
from langevin_sgd.kernels import elementary as el
from langevin_sgd.kernels.compiling import compiled
from langevin_sgd.kernels.functions import interpreted

# A step in each model would only repeat its gradient: here one model steps, in all ways; the
# simulator has them all.
STEPS = [
    case
    for case in cases.step_cases()
    if not case.name.startswith("step in") or case.name == "step in double_well"
]
ALL = cases.random_cases() + cases.model_cases() + STEPS + cases.reducer_cases()
NAMED = {case.name: case for case in ALL}
FUSED = NAMED["step in double_well"]  # Philox, Box-Muller, gradient, noise and update in one kernel
FUNCTIONS = [
    el.exp,
    el.expm1,
    el.log,
    el.log1p,
    el.log_unit,
    el.sin,
    el.cos,
    el.tanh,
    el.sigmoid,
    el.softplus,
    el.sqrt,
]
VECTOR = np.zeros(4)
ONE_OF_EVERY_KIND = [f"{quantity} of double_well" for quantity in ("energy", "gradient", "hessian")]
ONE_OF_EVERY_KIND += ["drift of rotational_drift", "step with population", "step with student_t"]
ONE_OF_EVERY_KIND += [
    f"{quantity} of huber_regression" for quantity in ("energy", "gradient", "hessian", "fisher")
]
ONE_OF_EVERY_KIND += ["step of sgd 3", "step of underdamped_langevin 0", "step with reshuffle"]
ONE_OF_EVERY_KIND += ["observe of energies", "observe of moments", "observe of plane"]
ONE_OF_EVERY_KIND += [case.name for case in cases.random_cases()]


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_compiles_for_all_architectures(case):
    """ptxas takes most of them for the oldest and the newest architecture only, to keep the lane
    short.
    """
    for architecture, text in ptx(case.kernel, case.arguments).items():
        assert f".target sm_{architecture}" in text
        assert defects(text) == [], f"sm_{architecture}"
        if case.name in ONE_OF_EVERY_KIND or architecture in (ARCHITECTURES[0], ARCHITECTURES[-1]):
            assembled(text, architecture)


def test_there_is_one_of_every_kind():
    assert set(ONE_OF_EVERY_KIND) <= set(NAMED)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_step_lives_in_registers(architecture):
    """At most 64 registers leave 1024 threads a processor; nothing is spilled, and the local arrays
    are registers too.
    """
    report = assembled(
        ptx(FUSED.kernel, FUSED.arguments, [architecture])[architecture], architecture
    )
    print(f"sm_{architecture}: {report}")
    assert report["registers"] <= 64 and report["stack"] == report["spilled"] == 0


def test_spilling_is_seen():
    """The twin: 24 registers are not enough for a step."""
    assert (
        assembled(ptx(FUSED.kernel, FUSED.arguments, [80])[80], 80, "-maxrregcount=24")["spilled"]
        > 0
    )


# ---- fused operations ----------------------------------------------------------------------------


def kernel_of(function):
    def kernel(x, out):
        i = cuda.grid(1)
        out[i] = function(x[i])

    return kernel


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_fused_operations_are_those_of_the_text(function, monkeypatch):
    text, places = ptx(kernel_of(function), (VECTOR, VECTOR), [80])[80], set()

    def noting(a, b, c):
        stack = traceback.walk_stack(sys._getframe(1))
        places.add(tuple((frame.f_code, frame.f_lasti) for frame, _ in stack))
        return np.float64(a * b + c)

    monkeypatch.setattr(bits, "_fma_interpreted", noting)
    with np.errstate(all="ignore"):
        for x in (0.5, 1e6, -1e6):  # the short cut of ordinary numbers, and the long way
            interpreted(function)(x)
    assert defects(text) == [] and text.count("fma.rn.f64") == len(places)


def test_an_operation_that_may_be_fused_is_seen(monkeypatch):
    """The twin: with numba-cuda's own options NVVM fuses x y + z, and leaves other sums to be fused
    by ptxas.
    """
    monkeypatch.setattr("cuda_ptx.driverless.partial", lambda function, **options: function)
    assert defects(ptx(kernel_of(el.exp), (VECTOR, VECTOR), [80])[80]) == ["rounding"]


# ---- texts that CUDA must refuse -----------------------------------------------------------------


def with_an_array(p, x, out):
    numbers = np.zeros(len(x))
    for k in range(len(x)):
        out[k] = numbers[k] + x[k]


def with_a_list(p, x, out):
    numbers = [x[0], 1.0]
    for k in range(len(x)):
        numbers.append(x[k])
    out[0] = numbers[len(x)]


def with_a_ufunc(p, x, out):
    np.sqrt(x, out)


@pytest.mark.parametrize(
    "text", [with_an_array, with_a_list, with_a_ufunc], ids=lambda text: text.__name__
)
def test_a_text_against_the_rules_is_refused(text):
    function = compiled(text)

    def kernel(x, out):
        function(0.0, x, out)

    with pytest.raises((NumbaError, KeyError)):
        ptx(kernel, (VECTOR, VECTOR), [80])


def with_a_library_call(p, x, out):
    out[0] = math.sin(x[0])


def test_a_call_is_seen():
    """The twin: CUDA's own sine calls a function for large arguments, and its bits are not the
    CPU's.
    """
    function = compiled(with_a_library_call)

    def kernel(x, out):
        function(0.0, x, out)

    assert {"function", "call"} <= set(defects(ptx(kernel, (VECTOR, VECTOR), [80])[80]))
