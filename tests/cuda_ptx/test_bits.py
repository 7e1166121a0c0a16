"""What is compiled for a GPU has the bits of what is compiled for the CPU."""

import device_cases as cases
import numpy as np
import pytest
from cuda_ptx.on_cpu import moved

import langevin_sgd as ls
from langevin_sgd.engine.problem import make_problem
from langevin_sgd.engine.reducers.of_run import read_out
from langevin_sgd.kernels.views import unpack

RUNS = {f"row {number}": lambda number=number: cases.options_of(number) for number in (1, 12)}
RUNS |= {"plane": lambda: cases.options_with("plane")}
RUNS |= {
    "leavers": lambda: (
        cases.options_with("moments") | {"dynamics": ls.dynamics.sgd(5.0), "steps": 30}
    )
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("precision", cases.PRECISIONS)
@pytest.mark.parametrize("name", RUNS)
def test_the_compiled_kernel_has_the_cpu_s_bits(name, precision):
    problem = make_problem(**RUNS[name](), precision=precision)
    run = ls.simulate(**RUNS[name](), precision=precision, threads=1)
    found = moved(problem)
    assert unpack(found.x, problem.particles).tobytes() == run.x.values[-1].tobytes()
    assert np.array_equal(found.status[: problem.particles], run.status.values)
    for key, variable in read_out(problem, found, problem.steps).items():
        np.testing.assert_array_equal(np.asarray(variable[1]), run[key].values, err_msg=key)
