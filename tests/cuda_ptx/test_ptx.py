"""Every entry of the catalogue compiles for CUDA from the text that the CPU runs: nothing is
called, nothing is on the heap, and every operation is rounded as on the CPU."""

import math
import re
import sys
import traceback
from contextlib import nullcontext
from types import SimpleNamespace

import device_cases as cases
import numpy as np
import pytest
from benchmark.driverless import ARCHITECTURES, assembled, defects, ptx
from numba import cuda
from numba.core.errors import NumbaError
from numba.cuda import dispatcher
from numba.cuda.cudadrv import devices

import langevin_sgd as ls
from langevin_sgd.engine import fleet as driver
from langevin_sgd.engine.chunks import Stored, make_options, run_chunks
from langevin_sgd.engine.cpu import begin
from langevin_sgd.engine.cuda import launch_of
from langevin_sgd.engine.problem import make_problem
from langevin_sgd.engine.program import make_program
from langevin_sgd.kernels import bits
from langevin_sgd.kernels import elementary as el
from langevin_sgd.kernels.compiling import compiled
from langevin_sgd.kernels.functions import interpreted

# Some rows are unstable at their start, some functions do not run in lanes.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
VECTOR = np.zeros(4)
FEW = 8  # dimensions in which nothing may spill
REGISTERS = 80  # of a thread: then 768 fit into a processor of sm_80 or sm_90
LINE = ls.losses.linear_regression([[1.0, 2.0], [0.5, 1.0], [3.0, 4.0], [2.0, 1.0]], [1.0, 2, 0, 1])
SGD = ls.potentials.double_well(2, 0.25), ls.dynamics.sgd(0.02), ls.noise.gaussian([1.0, 0.25])


def compiled_launch(options, architectures, **more):
    """{architecture: PTX} of what the driver launches for these options of `simulate`."""
    launch = launch_of(make_problem(**options, **more))
    return ptx(launch.kernel, launch.arguments, architectures)


def assert_sound(options, architectures, **more):
    for architecture, text in compiled_launch(options, architectures, **more).items():
        assert f".target sm_{architecture}" in text
        assert defects(text) == [], f"sm_{architecture}"
        spilled = assembled(text, architecture).spilled
        assert spilled == 0 or options["model"].dim > FEW, f"sm_{architecture}"


@pytest.mark.parametrize("number", cases.ROWS)
def test_a_row_of_the_covering_table_compiles(number):
    """In single precision every fourth; ten rows for all architectures. In all rows together every
    pair of a model, a dynamics and a noise occurs."""
    architectures = ARCHITECTURES if number % 25 == 5 else [80]
    assert_sound(
        cases.options_of(number), architectures, precision=cases.PRECISIONS[number % 4 == 3]
    )


@pytest.mark.parametrize("name", cases.OWN)
def test_a_case_of_the_test_of_bits_compiles(name):
    assert_sound(cases.options_of_own(name), [80])


@pytest.mark.parametrize("name", cases.REDUCERS)
def test_a_reducer_compiles(name):
    assert_sound(cases.options_with(name), [80])


@pytest.mark.parametrize("precision", cases.PRECISIONS)
@pytest.mark.parametrize("noise", ["minibatch", "table_gaussian", None])
def test_tables_are_read_through_the_cache_of_what_is_never_written(noise, precision):
    options = dict(zip(("model", "dynamics", "noise"), SGD, strict=True))
    from_table = noise is not None
    if from_table:
        options = {"model": LINE, "dynamics": ls.dynamics.sgd(0.02, batch_size=4)}
        options["noise"] = getattr(ls.noise, noise)()
    options |= {"particles": 100, "steps": 10}
    text = compiled_launch(options, [80], seed=1, precision=precision)[80]
    assert ("ld.global.nc.f" in text) == from_table
    assert len(re.findall(r"ld\.global\.f\d", text)) <= 5  # the state, at its start, and parameters


def test_a_first_passage_compiles():
    reducers = (ls.reducers.first_passage(above=0.5),)
    assert_sound(cases.options_with("moments") | {"reducers": reducers}, [80])


@pytest.mark.parametrize("precision", cases.PRECISIONS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_step_lives_in_registers(architecture, precision):
    """Nothing is spilled, and the local arrays are registers too."""
    names = dict(zip(("model", "dynamics", "noise"), SGD, strict=True))
    options = names | {"particles": 100, "steps": 10, "seed": 1, "precision": precision}
    text = compiled_launch(options, [architecture])[architecture]
    report = assembled(text, architecture)
    print(f"sm_{architecture}: {report[:-1]}")
    assert report.registers <= REGISTERS and report.stack == report.spilled == 0
    # the twin: 24 registers are not enough
    assert assembled(text, architecture, "-maxrregcount=24").spilled > 0


# ---- fused operations ----------------------------------------------------------------------------


def kernel_of(function):
    def kernel(x, out):
        i = cuda.grid(1)
        out[i] = function(x[i])

    return kernel


@pytest.mark.parametrize("function", cases.FUNCTIONS, ids=lambda function: function.__name__)
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
    monkeypatch.setattr("benchmark.driverless.unfused", nullcontext)
    assert defects(ptx(kernel_of(el.exp), (VECTOR, VECTOR), [80])[80]) == ["rounding"]


class Memory:
    """An array that lies on no device: what numba-cuda asks of it when a kernel is launched."""

    def __init__(self, array):
        self.array, self.ptr, self._layout = array, 0, SimpleNamespace(strides_in_bytes=None)
        self._layout.is_contiguous_c, self._layout.is_contiguous_f = True, False

    def __getattr__(self, name):
        return getattr(self.array, name)

    def to_device(self, *given):
        return self


@pytest.fixture
def launched(monkeypatch):
    """The PTX of what the driver launches on a device in name only, and what it hands over."""
    device, found = SimpleNamespace(compute_capability=(8, 0)), []
    monkeypatch.setattr(dispatcher, "get_current_device", lambda: device)
    monkeypatch.setattr(dispatcher, "wrap_arg", Memory)
    monkeypatch.setattr(devices, "get_context", lambda: SimpleNamespace(device=device))
    monkeypatch.setattr(dispatcher._Kernel, "bind", lambda kernel: None)
    monkeypatch.setattr(driver, "_on", lambda device: nullcontext())
    monkeypatch.setattr(cuda, "to_device", lambda array: array)
    monkeypatch.setattr(cuda, "synchronize", lambda: None)
    monkeypatch.setattr(driver, "_to_host", lambda array, there: None)

    def launch(kernel, arguments, blocks, threads, stream, shared):
        handed = []
        for kind, argument in zip(kernel.argument_types, arguments, strict=True):
            kernel._prepare_args(kind, argument, stream, [], handed)
        found.append(
            (
                kernel._codelibrary.get_asm_strs(cc=(8, 0))[0],
                handed,
                math.prod(blocks) * math.prod(threads),
            )
        )

    monkeypatch.setattr(dispatcher._Kernel, "launch", launch)
    return found


@pytest.mark.parametrize(
    "rounding, dim, expected", [(driver.unfused, 2, []), (nullcontext, 3, ["rounding"])]
)
def test_the_driver_itself_compiles_without_fusing(rounding, dim, expected, launched, monkeypatch):
    """By the dispatcher that is launched; the twin: numba-cuda by itself fuses. Two kernels, for
    what is compiled in one way is not compiled again in the other."""
    monkeypatch.setattr(driver, "unfused", rounding)
    names = {
        "model": ls.potentials.double_well(dim, 0.25),
        "dynamics": ls.dynamics.sgd(0.02),
        "noise": ls.noise.gaussian([1.0, 0.25, 0.25][:dim]),
    }
    problem = make_problem(**names, particles=100, steps=10, seed=1)._replace(target="cuda")
    program, ensemble = make_program(problem), begin(problem)
    rows = Stored(np.empty((2, 100, dim)), np.empty((2, 100, 0)))
    run_chunks(program, ensemble, rows, problem, make_options(problem.model, target="cuda"))
    text, handed, threads = launched[-1]
    assert threads >= 100 and len(handed) > 50
    assert defects(text) == expected


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


def with_zeros(p, x, out):
    numbers = np.zeros(1)
    for k in range(len(x)):
        out[k] = numbers[0] + x[k]


def with_a_growing_list(p, x, out):
    numbers = [x[0], 1.0]
    numbers.append(0.0)
    for k in range(len(x)):
        out[k] = x[k] * numbers[1]


@pytest.mark.parametrize("text", [with_zeros, with_a_growing_list], ids=lambda text: text.__name__)
def test_a_record_with_it_is_named_with_the_reason_and_the_way_out(text, launched):
    model = ls.Potential("own", energy, text, {"a": 1.0}, 1)
    problem = make_problem(model, ls.dynamics.sgd(0.1), None, particles=100, steps=10, seed=1)
    problem = problem._replace(target="cuda")
    program, ensemble = make_program(problem), begin(problem)
    rows = Stored(np.empty((2, 100, 1)), np.empty((2, 100, 0)))
    with pytest.raises(TypeError) as caught:
        run_chunks(program, ensemble, rows, problem, make_options(model, target="cuda"))
    said = str(caught.value)
    assert said.startswith("gradient of 'own' does not compile for target='cuda'.\n")
    assert "test_ptx.py, line" in said and "numba: " in said and "target='cpu'" in said
    assert len(said.splitlines()) < 8 and launched == []


def energy(p, x):
    return 0.5 * p.a * x[0] * x[0]


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
