"""What this machine has for CUDA: NVIDIA's driver, its devices, and the packages that compile for
them.

The driver is asked by its own functions, so that nothing of CUDA need be installed to say what is
missing; nothing here raises."""

import ctypes
import importlib.metadata
import sys
from importlib.util import find_spec
from typing import NamedTuple

import numba

DRIVER_LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
# Of CUdevice_attribute: the compute capability, multiprocessors, and kHz at most.
MAJOR, MINOR, MULTIPROCESSORS, CLOCK = 75, 76, 16, 13
NAME_LENGTH = 256


class Version(NamedTuple):
    """Of CUDA, or a compute capability."""

    major: int
    minor: int

    def __str__(self):
        return f"{self.major}.{self.minor}"


class Extra(NamedTuple):
    """An extra of this package that brings a CUDA."""

    name: str
    cuda: int  # its major version
    oldest: Version  # compute capability that this CUDA compiles for


EXTRAS = Extra("cuda12", 12, Version(5, 0)), Extra("cuda13", 13, Version(7, 5))
OLDEST_CUDA, OLDEST_DEVICE, OLDEST_NUMBA_CUDA = Version(12, 0), Version(5, 0), (0, 30, 4)


class Device(NamedTuple):
    """A GPU that the driver shows."""

    name: str
    capability: Version
    memory: int  # bytes
    multiprocessors: int
    clock: float  # Hz, at most


class Driver(NamedTuple):
    """NVIDIA's driver."""

    cuda: Version | None  # the newest that it runs; None without a driver
    devices: tuple
    trouble: str = ""  # what it, or the loader, said


class CudaFound(NamedTuple):
    """All that decides whether a kernel can be compiled and launched."""

    simulated: bool  # numba's simulator stands in for driver, device and compiler
    interpreted: bool  # nothing is compiled
    driver: Driver
    numba_cuda: str | None  # version
    nvvm: str | None  # path of the library
    nvrtc: Version | None  # of the CUDA that it belongs to
    nvjitlink: str | None  # path of the library: an older driver of this CUDA runs what it links
    trouble: str = ""  # what importing numba.cuda said


def find_cuda():
    """The `CudaFound` of this process."""
    compiler = _compiler() if find_spec("numba_cuda") else (None, None, None)
    return CudaFound(
        bool(numba.config.ENABLE_CUDASIM),
        bool(numba.config.DISABLE_JIT),
        find_driver(),
        version_of("numba-cuda"),
        *compiler,
        _import_trouble(),
    )


def find_driver(load=ctypes.CDLL):
    """The `Driver` of this machine; `load` loads a library."""
    try:
        library = load(DRIVER_LIBRARY)
        version = ctypes.c_int()
        library.cuDriverGetVersion(ctypes.byref(version))
        cuda = Version(version.value // 1000, version.value % 1000 // 10)
        failed = library.cuInit(0)
        if failed:
            return Driver(cuda, (), f"cuInit: error {failed} ({_error_name(library, failed)})")
        count = ctypes.c_int()
        library.cuDeviceGetCount(ctypes.byref(count))
        return Driver(cuda, tuple(_device(library, k) for k in range(count.value)))
    except (OSError, AttributeError) as error:  # no library, or none of NVIDIA's
        return Driver(None, (), str(error))


def _error_name(library, number):
    name = ctypes.c_char_p()
    library.cuGetErrorName(number, ctypes.byref(name))
    return (name.value or b"unknown").decode()


def _device(library, number):
    handle, memory = ctypes.c_int(), ctypes.c_size_t()
    name = ctypes.create_string_buffer(NAME_LENGTH)
    library.cuDeviceGet(ctypes.byref(handle), number)
    library.cuDeviceGetName(name, NAME_LENGTH, handle)
    library.cuDeviceTotalMem_v2(ctypes.byref(memory), handle)

    def attribute(wanted):
        value = ctypes.c_int()
        library.cuDeviceGetAttribute(ctypes.byref(value), wanted, handle)
        return value.value

    return Device(
        name.value.decode(errors="replace"),
        Version(attribute(MAJOR), attribute(MINOR)),
        memory.value,
        attribute(MULTIPROCESSORS),
        1e3 * attribute(CLOCK),
    )


def version_of(package):
    """The version of an installed package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _compiler():
    """Path of NVVM, the CUDA that NVRTC belongs to, and path of nvJitLink; None for what cannot be
    loaded."""
    try:
        from cuda.pathfinder import load_nvidia_dynamic_lib as load
    except ImportError:
        return None, None, None
    paths = []
    for name in ("nvvm", "nvrtc", "nvJitLink"):
        try:
            paths.append(load(name).abs_path)
        except (RuntimeError, OSError):  # its own errors are RuntimeErrors
            paths.append(None)
    nvvm, nvrtc, nvjitlink = paths
    return nvvm, nvrtc and _version_of_nvrtc(nvrtc), nvjitlink


def _version_of_nvrtc(path):
    major, minor = ctypes.c_int(), ctypes.c_int()
    try:
        ctypes.CDLL(path).nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
    except (OSError, AttributeError):
        return None
    return Version(major.value, minor.value)


def _import_trouble():
    try:
        from numba import cuda
    except Exception as error:  # whatever versions that do not fit together make of it
        return f"{type(error).__name__}: {error}"
    return "" if hasattr(cuda, "jit") else "numba.cuda has no jit"


# ---- words ---------------------------------------------------------------------------------------


def right_extra(driver):
    """The extra of this package that fits a driver and its devices: that of the newest CUDA which
    both know."""
    oldest = _oldest(driver)
    fits = [e for e in EXTRAS if e.cuda <= driver.cuda.major and e.oldest <= oldest]
    return max(fits, key=lambda extra: extra.cuda).name


def _oldest(driver):
    return min(device.capability for device in driver.devices)


def install(extra):
    """The command that installs what an extra of this package brings."""
    return f'pip install "langevin_sgd[{extra}]"'


def why_no_cuda(found):
    """Why target="cuda" cannot work with what was found, and the way out; None if it can."""
    if found.simulated and not found.interpreted:
        return "NUMBA_ENABLE_CUDASIM=1 needs NUMBA_DISABLE_JIT=1 beside it."
    if found.simulated:
        return None
    if found.interpreted:
        return "NUMBA_DISABLE_JIT=1 is set, so that nothing is compiled, not for a GPU either."
    return _driver_trouble(found.driver) or _package_trouble(found)


def _driver_trouble(driver):
    if driver.cuda is None:
        return (
            f"no driver of NVIDIA's was found ({driver.trouble}). Install driver 525 or newer for "
            f"CUDA 12, 580 or newer for CUDA 13, then: {install('cuda12')} (or cuda13)."
        )
    runs = f"the driver runs CUDA {driver.cuda}"
    if driver.cuda < OLDEST_CUDA:
        return (
            f"{runs}, and {OLDEST_CUDA} is needed. Update it to 525 or newer, then: "
            f"{install('cuda12')}."
        )
    if not driver.devices:
        said = f" ({driver.trouble})" if driver.trouble else ""
        return (
            f"{runs} but shows no device{said}. Is there one, and is CUDA_VISIBLE_DEVICES unset "
            "or right?"
        )
    oldest = _oldest(driver)
    if oldest < OLDEST_DEVICE:
        return f"a device has compute capability {oldest}, and {OLDEST_DEVICE} is needed."
    return None


def _package_trouble(found):
    driver, way_out = found.driver, install(right_extra(found.driver))
    if found.numba_cuda is None:
        return f"numba-cuda is not installed. {way_out}."
    if _parts_of(found.numba_cuda) < OLDEST_NUMBA_CUDA:
        needed = ".".join(map(str, OLDEST_NUMBA_CUDA))
        return f"numba-cuda {found.numba_cuda} is installed, and {needed} is needed. {way_out}."
    if found.trouble:
        return f"numba.cuda cannot be imported ({found.trouble}). {way_out}."
    missing = [name for name in ("nvvm", "nvrtc") if getattr(found, name) is None]
    if missing:
        return f"numba-cuda finds no {' and no '.join(missing)}. {way_out}."
    if found.nvrtc.major > driver.cuda.major:
        return (
            f"the packages are of CUDA {found.nvrtc}, and the driver runs only {driver.cuda}. "
            f"Update the driver, or: {way_out}."
        )
    if found.nvrtc > driver.cuda and found.nvjitlink is None:
        return (
            f"the packages are of CUDA {found.nvrtc}, the driver runs {driver.cuda}, and there is "
            f"no nvJitLink, which would link for it. {way_out}."
        )
    oldest = _oldest(driver)
    if any(extra.cuda == found.nvrtc.major and oldest < extra.oldest for extra in EXTRAS):
        return f"CUDA {found.nvrtc} does not compile for compute capability {oldest}. {way_out}."
    return None


def _parts_of(version):
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
