"""What runs on the stand-in for NVIDIA's driver (driver.c), in a process of its own, in which that
library lies on LD_LIBRARY_PATH: python -m cuda_ptx.stand_in LIBRARY."""

import ctypes
import sys
import tempfile
import warnings
from pathlib import Path

import device_cases as cases
import pytest
from cuda_ptx.on_cpu import engine_of
from numba import cuda
from numba.cuda import dispatcher, types

import langevin_sgd as ls
from langevin_sgd.engine import fleet

LAUNCHER = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, *[ctypes.c_int] * 3, ctypes.POINTER(ctypes.c_void_p)
)
NUMBERS = {"float64": ctypes.c_double, "uint64": ctypes.c_uint64, "int64": ctypes.c_int64}
BASE = cases.options_with("plane") | {"steps": 12, "every": 5}
kernels, engines, launches, wrong = {}, {}, [], []


def arguments_of(kind, left):
    """(type, value, whether it is where an array begins) of what a kernel gets, word by word."""
    if isinstance(kind, types.BaseTuple):
        return [one for each in kind for one in arguments_of(each, left)]
    if isinstance(kind, types.Array):
        words = [ctypes.c_int64.from_address(next(left)) for _ in range(5 + 2 * kind.ndim)]
        return [(word, k == 4 and words[2].value > 0) for k, word in enumerate(words)]
    return [(NUMBERS[str(kind)].from_address(next(left)), False)]


def runner(driver):
    """The function that runs a kernel on this CPU, thread by thread."""
    driver.driver_owner.argtypes = [ctypes.c_ulong]

    def run(name, device, blocks, threads, pointers):
        kernel = kernels[name.decode()]
        if name not in engines:
            engines[name] = engine_of(kernel.library.llvm_strs)
        engine, entry = engines[name]
        left = (pointers[k] for k in range(10**4))
        words = [one for kind in kernel.argument_types for one in arguments_of(kind, left)]
        owners = {driver.driver_owner(word.value % 2**64) for word, begins in words if begins}
        launches.append((device, blocks * threads))
        if owners != {device}:
            wrong.append(owners)
            return
        values = [word for word, _ in words]
        function = ctypes.CFUNCTYPE(None, *map(type, values))(engine.get_function_address(entry))
        block = ctypes.c_int32.from_address(engine.get_global_value_address("block"))
        for block.value in range(blocks * threads):
            function(*values)

    return LAUNCHER(run)


def note_kernels():
    make = dispatcher._Kernel.__init__

    def made(self, *given, **options):
        make(self, *given, **options)
        kernels[self.entry_name] = self

    dispatcher._Kernel.__init__ = made


def bits(**options):
    run = ls.simulate(**options)
    return {name: variable.values.tobytes() for name, variable in run.variables.items()}


def two_unlike_devices_have_the_cpu_s_bits(driver):
    """Their capabilities are 9.0 and 8.0; two runs compile once for each."""
    for precision in cases.PRECISIONS:
        options = BASE | {"particles": 90, "x0": None, "precision": precision}
        expected = bits(**options)
        for block_size in (128, 1024):
            more = {"devices": (0, 1), "block_size": block_size}
            assert bits(**options, **more, target="cuda") == expected
    assert {device for device, _ in launches} == {0, 1} and len(kernels) == 2


def memory_is_given_back(driver):
    """All of it, when numba-cuda's list of what is to be freed is gone through."""
    for number in (0, 1):
        with cuda.gpus[number]:
            cuda.current_context().memory_manager.deallocations.clear()
        assert driver.driver_used(number) == 0


def what_cannot_begin_leaves_no_folder(driver):
    folder = Path(tempfile.mkdtemp()) / "run"
    with pytest.raises(ValueError, match="devices must be below 2, the number of GPUs, got 2"):
        ls.simulate(**BASE, target="cuda", devices=(0, 2), checkpoint=folder)
    driver.driver_set_memory(2000)
    with pytest.raises(MemoryError, match=f"no memory for {BASE['particles']} particles, which"):
        ls.simulate(**BASE, target="cuda", checkpoint=folder)
    assert not folder.exists()
    driver.driver_set_memory(2**26)
    assert bits(**BASE, target="cuda") == bits(**BASE)


def an_array_of_another_device_is_seen(driver):
    """The twin."""
    share = fleet.Fleet._share
    fleet.Fleet._share = lambda self, *given: share(self, *given)._replace(device=1)
    with pytest.raises(Exception, match="INVALID_VALUE"):
        ls.simulate(**BASE, target="cuda")
    assert {0, 1} in wrong and driver.driver_faults() > 0


def main(library):
    driver = ctypes.CDLL(library)
    run = runner(driver)
    driver.driver_set_launcher(run)
    note_kernels()
    warnings.simplefilter("ignore")
    for check in (
        two_unlike_devices_have_the_cpu_s_bits,
        what_cannot_begin_leaves_no_folder,
        memory_is_given_back,
    ):
        check(driver)
        print(check.__name__, flush=True)
        assert driver.driver_faults() == driver.driver_depth() == 0 and not wrong
    an_array_of_another_device_is_seen(driver)
    print("all is well")


if __name__ == "__main__":
    main(*sys.argv[1:])
