"""What is said of a machine without CUDA, or with half of it."""

import pytest

from langevin_sgd.engine import cuda_found
from langevin_sgd.engine.cuda_found import (
    CudaFound,
    Device,
    Driver,
    Version,
    find_cuda,
    find_driver,
    right_extra,
    why_no_cuda,
)

H100, V100, OLD = (
    Device(name, Version(*capability), 80 * 2**30, 132, 1.98e9)
    for name, capability in (("H100", (9, 0)), ("V100", (7, 0)), ("K40", (3, 5)))
)
NEW = Driver(Version(13, 0), (H100,))
WHOLE = CudaFound(False, False, NEW, "0.30.4", "/lib/libnvvm.so.4", Version(13, 0), "/lib/link.so")
OF_12 = Version(12, 9)
NO_DRIVER = Driver(None, (), "libcuda.so.1: cannot open shared object file")


class Library:
    """A driver that answers as NVIDIA's does: a number for the outcome, all else by reference."""

    def __init__(self, version, devices, failed=0):
        self.version, self.devices, self.failed = version, devices, failed

    def __call__(self, name):
        return self

    def cuInit(self, flags):
        return self.failed

    def cuDriverGetVersion(self, out):
        out._obj.value = self.version

    def cuGetErrorName(self, number, out):
        out._obj.value = b"CUDA_ERROR_NO_DEVICE"

    def cuDeviceGetCount(self, out):
        out._obj.value = len(self.devices)

    def cuDeviceGet(self, out, number):
        out._obj.value = number

    def cuDeviceGetName(self, out, length, handle):
        out.value = self.devices[handle.value].name.encode()

    def cuDeviceTotalMem_v2(self, out, handle):
        out._obj.value = self.devices[handle.value].memory

    def cuDeviceGetAttribute(self, out, attribute, handle):
        device = self.devices[handle.value]
        major, minor = device.capability
        numbers = {75: major, 76: minor, 16: device.multiprocessors, 13: int(device.clock / 1e3)}
        out._obj.value = numbers[attribute]


def test_the_driver_shows_its_devices():
    assert find_driver(Library(13000, (H100, V100))) == Driver(Version(13, 0), (H100, V100))
    assert find_driver(Library(12090, ())) == Driver(OF_12, ())


def test_the_driver_says_what_is_wrong():
    found = find_driver(Library(13000, (H100,), failed=100))
    assert found == Driver(Version(13, 0), (), "cuInit: error 100 (CUDA_ERROR_NO_DEVICE)")
    assert "not_there" in find_driver(lambda name: not_there()).trouble
    assert find_driver(lambda name: object()).cuda is None  # a library, and not NVIDIA's


def not_there():
    raise OSError("not_there: cannot open shared object file")


@pytest.mark.parametrize(
    ("change", "said", "extra"),
    [
        ({"driver": NO_DRIVER}, "no driver of NVIDIA's was found (libcuda.so.1: cannot", "cuda12"),
        ({"driver": Driver(Version(11, 4), (H100,))}, "CUDA 11.4, and 12.0 is needed", "cuda12"),
        ({"driver": Driver(OF_12, (), "cuInit: error 100")}, "no device (cuInit: error 100)", ""),
        ({"driver": Driver(OF_12, (OLD,))}, "compute capability 3.5, and 5.0 is needed", ""),
        ({"numba_cuda": None}, "numba-cuda is not installed", "cuda13"),
        ({"numba_cuda": None, "driver": Driver(OF_12, (H100,))}, "not installed", "cuda12"),
        ({"numba_cuda": "0.30.3"}, "numba-cuda 0.30.3 is installed, and 0.30.4", "cuda13"),
        ({"simulated": True}, "NUMBA_DISABLE_JIT=1 beside it", ""),
        ({"interpreted": True}, "nothing is compiled", ""),
        ({"trouble": "ImportError: no"}, "cannot be imported (ImportError: no)", "cuda13"),
        ({"nvvm": None}, "finds no nvvm.", "cuda13"),
        ({"nvvm": None, "nvrtc": None}, "finds no nvvm and no nvrtc", "cuda13"),
        ({"driver": Driver(OF_12, (H100,))}, "CUDA 13.0, and the driver runs only 12.9", "cuda12"),
        ({"nvrtc": Version(13, 5), "nvjitlink": None}, "13.5, the driver runs 13.0, and", "cuda13"),
        ({"driver": NEW._replace(devices=(H100, V100))}, "compute capability 7.0", "cuda12"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_with_the_way_out(change, said, extra):
    reason = why_no_cuda(WHOLE._replace(**change))
    assert said in reason
    assert (f'pip install "langevin_sgd[{extra}]"' in reason) == bool(extra)


@pytest.mark.parametrize(
    "found",
    [
        WHOLE,
        WHOLE._replace(nvrtc=OF_12),  # an older CUDA under a newer driver
        WHOLE._replace(nvrtc=OF_12, driver=Driver(OF_12, (V100,))),
        WHOLE._replace(numba_cuda="1.0"),
        WHOLE._replace(nvrtc=Version(13, 5)),  # nvJitLink links for an older driver
        WHOLE._replace(nvjitlink=None),
        CudaFound(True, True, NO_DRIVER, None, None, None, None),
    ],
)
def test_nothing_is_missing(found):
    assert why_no_cuda(found) is None


def test_the_extra_fits_driver_and_devices():
    assert right_extra(NEW) == "cuda13"
    assert right_extra(NEW._replace(devices=(V100, H100))) == "cuda12"
    assert right_extra(Driver(OF_12, (H100,))) == "cuda12"


def test_this_machine_can_be_asked(monkeypatch):
    monkeypatch.setattr(cuda_found, "DRIVER_LIBRARY", "libcuda_that_is_not_there.so")
    assert "libcuda_that_is_not_there.so" in find_cuda().driver.trouble
